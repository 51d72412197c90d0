import { Quantity } from '../../core/units/index.ts';
import type { Taint } from '../../core/model/index.ts';
import type { Tags } from '../../cluster-autoscaler/providers/aws/engine/index.ts';

/** Shapes of the cases of `ca-aws-template.json`. */
export interface AwsCase {
  readonly id: string;
  readonly kind: string;
  readonly expected: AwsExpected;
  readonly tags?: Tags;
  readonly defaults?: Readonly<Record<string, unknown>>;
  readonly asg?: TemplateCase | LaunchCase;
  readonly managedNodegroup?: {
    readonly labels?: Readonly<Record<string, string>> | null;
    readonly taints?: readonly Taint[] | null;
    readonly tags?: Tags | null;
  } | null;
  readonly fromTags?: Readonly<Record<string, string>>;
  readonly fromEks?: Readonly<Record<string, string>>;
  readonly nodegroup?: unknown;
  readonly version?: string | null;
  readonly ec2?: string;
  readonly gpuCounts?: readonly (number | null)[];
  readonly spec?: string;
  readonly specs?: readonly string[];
  readonly providerID?: string;
  readonly desiredCapacity?: number;
  readonly realInstances?: number;
  readonly activities?: readonly { readonly status: string; readonly startedAt: number }[];
  readonly lastUpdateAt?: number;
  readonly registered?: boolean;
  readonly describeActivitiesError?: boolean;
  readonly min?: number;
  readonly max?: number;
  readonly desired?: number;
  readonly delta?: number;
  readonly instances?: readonly { readonly id: string; readonly lifecycle?: string }[];
  readonly cachedInstances?: readonly string[];
  readonly delete?: readonly string[];
  readonly node?: { readonly name?: string; readonly providerID?: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly knownInstances?: readonly string[];
  readonly cloud?: readonly { readonly name: string; readonly min: number; readonly max: number }[];
}

export interface TemplateCase {
  readonly name: string;
  readonly availabilityZones: readonly string[];
  readonly instanceType?: {
    readonly name: string;
    readonly vcpu: number;
    readonly memoryMiB: number;
    readonly gpu?: number;
    readonly architecture?: string;
  } | null;
  readonly instanceRequirements?: ShortRequirements | null;
}

export interface ShortRequirements {
  readonly vcpuMin?: number;
  readonly vcpuMax?: number;
  readonly memoryMiBMin?: number;
  readonly memoryMiBMax?: number;
  readonly acceleratorManufacturers?: readonly string[];
  readonly acceleratorTypes?: readonly string[];
  readonly acceleratorCountMin?: number;
  readonly acceleratorCountMax?: number;
}

export interface LaunchData {
  readonly instanceType?: string;
  readonly imageId?: string;
  readonly instanceRequirements?: ShortRequirements;
  readonly ec2Answer?: readonly string[];
}

export interface LaunchCase {
  readonly launchConfiguration?: LaunchData | null;
  readonly launchTemplate?: LaunchData | null;
  readonly mixedInstancesPolicy?: {
    readonly launchTemplate?: LaunchData;
    readonly instanceTypesOverrides?: readonly string[];
    readonly instanceTypeOverrides?: readonly string[];
    readonly overrides?: readonly string[];
    readonly instanceRequirementsOverrides?: ShortRequirements | null;
    readonly ec2Answer?: readonly string[];
  } | null;
}

export type UnfulfillableStatus = 'placeholder-cannot-be-fulfilled' | '' | null;

export interface AwsExpected {
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly Taint[];
  readonly resources?: Readonly<Record<string, string>>;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly capacity?: Readonly<Record<string, string>>;
  readonly allocatableEqualsCapacity?: boolean;
  readonly absentResources?: readonly string[];
  readonly absentLabels?: readonly string[];
  readonly templatePodsCpu?: string;
  readonly error?: boolean | string | null;
  readonly instanceType?: string;
  readonly version?: string;
  readonly arch?: string;
  readonly gpus?: number;
  readonly valid?: boolean;
  readonly min?: number;
  readonly max?: number;
  readonly name?: string;
  readonly specs?: unknown;
  readonly configs?: unknown;
  readonly tags?: unknown;
  readonly instance?: string;
  readonly instances?: number;
  readonly placeholderStatus?: UnfulfillableStatus;
  readonly terminate?: readonly string[];
  readonly setDesiredCapacity?: number | null;
  readonly targetSizeAfter?: number;
  readonly present?: boolean;
  readonly filters?: readonly { readonly name: string; readonly values: readonly string[] }[];
  readonly groups?: readonly object[];
}

/** One line when two plain values differ, whatever the order of their keys. */
export function differ(what: string, got: unknown, wanted: unknown): string[] {
  const [shown, expected] = [text(got), text(wanted)];
  return shown === expected ? [] : [`${what}: expected ${expected}, got ${shown}`];
}

function text(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** Amounts in thousandths against quantities. */
export function quantities(
  what: string,
  milli: Readonly<Record<string, number>>,
  wanted: Readonly<Record<string, string>>,
): readonly string[] {
  const parsed = Object.fromEntries(Object.entries(wanted).map(([name, text]) => [name, Number(Quantity.parse(text).toMilli('up'))]));
  return differ(what, milli, parsed);
}

export function sorted<T>(list: readonly T[]): readonly T[] {
  return list.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}
