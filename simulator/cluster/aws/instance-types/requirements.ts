import { unsupported } from '../protocol/aws-error.ts';
import type { Parameters } from '../protocol/parameters.ts';
import { missingParameter } from '../protocol/parameters.ts';
import type { XmlFields } from '../protocol/xml.ts';
import type { InstanceType } from './types.ts';

export interface Range {
  readonly min?: number;
  readonly max?: number;
}

type Presence = 'included' | 'required' | 'excluded';

/** Attributes that instance types must have. Absent ones ask nothing, save for bare metal and burstable types: these are excluded. */
export interface Requirements {
  readonly vcpus: Range;
  readonly memoryMib: Range;
  readonly memoryGibPerVcpu?: Range;
  readonly cpuManufacturers?: readonly string[];
  readonly instanceGenerations?: readonly string[];
  readonly allowedTypes?: readonly string[];
  readonly excludedTypes?: readonly string[];
  readonly bareMetal?: Presence;
  readonly burstable?: Presence;
  readonly localStorage?: Presence;
  readonly totalLocalStorageGb?: Range;
  readonly acceleratorCount?: Range;
  readonly acceleratorTypes?: readonly string[];
  readonly acceleratorManufacturers?: readonly string[];
  readonly acceleratorNames?: readonly string[];
  readonly acceleratorTotalMemoryMib?: Range;
}

/** Where each attribute stands in requests: Auto Scaling's name of the list, and EC2's of its items. */
const ranges = {
  vcpus: 'VCpuCount',
  memoryMib: 'MemoryMiB',
  memoryGibPerVcpu: 'MemoryGiBPerVCpu',
  totalLocalStorageGb: 'TotalLocalStorageGB',
  acceleratorCount: 'AcceleratorCount',
  acceleratorTotalMemoryMib: 'AcceleratorTotalMemoryMiB',
} as const;
const lists = {
  cpuManufacturers: 'CpuManufacturer',
  instanceGenerations: 'InstanceGeneration',
  allowedTypes: 'AllowedInstanceType',
  excludedTypes: 'ExcludedInstanceType',
  acceleratorTypes: 'AcceleratorType',
  acceleratorManufacturers: 'AcceleratorManufacturer',
  acceleratorNames: 'AcceleratorName',
} as const;
const presences = { bareMetal: 'BareMetal', burstable: 'BurstablePerformance', localStorage: 'LocalStorage' } as const;

/** Reads the attributes of either protocol; those that nothing here is known about are left for `done()` to refuse. */
export function readRequirements(parameters: Parameters): Requirements {
  // Price protection compares with AWS's own choice of type, which is not public: it excludes nothing here.
  parameters.accept(
    'SpotMaxPricePercentageOverLowestPrice',
    'OnDemandMaxPricePercentageOverLowestPrice',
    'MaxSpotPriceAsPercentageOfOptimalOnDemandPrice',
  );
  const found: Record<string, unknown> = {};
  for (const [key, name] of Object.entries(ranges)) {
    const part = parameters.part(name);
    if (part === undefined) continue;
    const min = part.number('Min');
    const max = part.number('Max');
    found[key] = { ...(min !== undefined && { min }), ...(max !== undefined && { max }) };
  }
  for (const [key, item] of Object.entries(lists)) {
    const values = [...parameters.texts(`${item}s`), ...parameters.texts(item)];
    if (values.length > 0) found[key] = values;
  }
  for (const [key, name] of Object.entries(presences)) {
    const value = parameters.text(name);
    if (value === undefined) continue;
    if (value !== 'included' && value !== 'required' && value !== 'excluded') throw unsupported(`${parameters.path}.${name}=${value}`);
    found[key] = value;
  }
  const { vcpus, memoryMib, ...rest } = found as Partial<Requirements>;
  if (vcpus === undefined) throw missingParameter(`${parameters.path}.VCpuCount`);
  if (memoryMib === undefined) throw missingParameter(`${parameters.path}.MemoryMiB`);
  return { ...rest, vcpus, memoryMib };
}

/** As Auto Scaling gives them back. */
export function requirementsOfAutoScaling(requirements: Requirements): XmlFields {
  const fields: Record<string, XmlFields[string]> = {};
  for (const key of keysOf(ranges)) fields[ranges[key]] = rangeFields(requirements[key], 'Min', 'Max');
  for (const key of keysOf(lists)) fields[`${lists[key]}s`] = requirements[key];
  for (const key of keysOf(presences)) fields[presences[key]] = requirements[key];
  return fields;
}

/** As EC2 gives them back. */
export function requirementsOfEc2(requirements: Requirements): XmlFields {
  const fields: Record<string, XmlFields[string]> = {};
  for (const key of keysOf(ranges)) fields[lowerFirst(ranges[key])] = rangeFields(requirements[key], 'min', 'max');
  for (const key of keysOf(lists)) fields[`${lowerFirst(lists[key])}Set`] = requirements[key];
  for (const key of keysOf(presences)) fields[lowerFirst(presences[key])] = requirements[key];
  return fields;
}

/** The types that have all attributes, in the order given. */
export function matchingTypes(types: readonly InstanceType[], requirements: Requirements): readonly InstanceType[] {
  return types.filter((type) => matches(type, requirements));
}

function matches(type: InstanceType, wanted: Requirements): boolean {
  return (
    within(type.vcpus, wanted.vcpus) &&
    within(type.memoryMib, wanted.memoryMib) &&
    within(type.memoryMib / 1024 / type.vcpus, wanted.memoryGibPerVcpu) &&
    among(type.cpuManufacturer, wanted.cpuManufacturers) &&
    among(type.currentGeneration ? 'current' : 'previous', wanted.instanceGenerations) &&
    named(type.name, wanted) &&
    present(type.bareMetal, wanted.bareMetal ?? 'excluded') &&
    present(type.burstable, wanted.burstable ?? 'excluded') &&
    stored(type, wanted) &&
    accelerated(type, wanted)
  );
}

function stored({ localStorageGb }: InstanceType, { localStorage, totalLocalStorageGb }: Requirements): boolean {
  return present(localStorageGb !== undefined, localStorage ?? 'included') && within(localStorageGb ?? 0, totalLocalStorageGb);
}

function accelerated({ accelerator }: InstanceType, wanted: Requirements): boolean {
  if (!within(accelerator?.count ?? 0, wanted.acceleratorCount)) return false;
  // Whoever asks for a kind of accelerator means types that have one.
  if (accelerator === undefined) {
    const { acceleratorTypes, acceleratorManufacturers, acceleratorNames, acceleratorTotalMemoryMib } = wanted;
    return [acceleratorTypes, acceleratorManufacturers, acceleratorNames, acceleratorTotalMemoryMib].every((each) => each === undefined);
  }
  return (
    among(accelerator.kind, wanted.acceleratorTypes) &&
    among(accelerator.manufacturer, wanted.acceleratorManufacturers) &&
    among(accelerator.name.toLowerCase(), wanted.acceleratorNames) &&
    within(accelerator.memoryMib, wanted.acceleratorTotalMemoryMib)
  );
}

function named(name: string, { allowedTypes, excludedTypes }: Requirements): boolean {
  if (allowedTypes !== undefined && !allowedTypes.some((pattern) => wildcard(pattern).test(name))) return false;
  return excludedTypes === undefined || !excludedTypes.some((pattern) => wildcard(pattern).test(name));
}

/** `m5.*`, `r*`, `*3*`, and `?` for one character: what EC2 takes in type names and filters. */
export function wildcard(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`);
}

function within(value: number, range: Range | undefined): boolean {
  return range === undefined || (value >= (range.min ?? 0) && value <= (range.max ?? Number.POSITIVE_INFINITY));
}

function among(value: string, list: readonly string[] | undefined): boolean {
  return list === undefined || list.includes(value);
}

function present(has: boolean, wanted: Presence): boolean {
  return wanted === 'included' || has === (wanted === 'required');
}

function rangeFields(range: Range | undefined, min: string, max: string): XmlFields | undefined {
  return range === undefined ? undefined : { [min]: range.min, [max]: range.max };
}

function keysOf<T extends object>(value: T): readonly (keyof T)[] {
  return Object.keys(value) as (keyof T)[];
}

/** EC2's answers write the first letter small: `vCpuCount`, `acceleratorTotalMemoryMiB`. */
function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}
