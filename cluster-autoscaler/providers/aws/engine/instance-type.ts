/** Which instance types stand for a group, and what EC2 tells of one (§16). Pure. */
import type { InstanceRequirementsFacts } from './requirements.ts';

/** What is known of an instance type. */
export interface InstanceTypeFacts {
  readonly name: string;
  readonly vcpu: number;
  readonly memoryMiB: number;
  readonly gpu: number;
  /** `NVIDIA`, `AMD`, …; empty without GPU or when nobody knows. */
  readonly gpuManufacturer: string;
  /** As nodes are labelled: `amd64`, `arm64`. */
  readonly architecture: string;
}

/** Where a group's launch template is and in which version. */
export interface LaunchTemplateReference {
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly version: string;
}

/** What a group launches by, as DescribeAutoScalingGroups says. */
export interface GroupLaunch {
  readonly launchConfiguration?: string | undefined;
  readonly launchTemplate?: LaunchTemplateReference | undefined;
  readonly mixed?: MixedPolicy | undefined;
}

export interface MixedPolicy {
  readonly launchTemplate?: LaunchTemplateReference | undefined;
  /** Types of the overrides, in their order: the group's order of preference. */
  readonly types: readonly string[];
  /** Of the first override that has requirements instead of a type. */
  readonly requirements?: InstanceRequirementsFacts | undefined;
}

/** Data of a launch template's version. */
export interface LaunchTemplateData {
  readonly instanceType?: string | undefined;
  readonly imageId?: string | undefined;
  readonly requirements?: InstanceRequirementsFacts | undefined;
}

/** What is to be read before the types are known. */
export type LaunchQuestion =
  | { readonly ask: 'nothing'; readonly types: readonly string[] }
  | { readonly ask: 'launch-configuration'; readonly name: string }
  /** `requirements` of the policy win over those of the template. */
  | {
      readonly ask: 'launch-template';
      readonly template: LaunchTemplateReference;
      readonly requirements: InstanceRequirementsFacts | undefined;
    }
  | { readonly ask: 'impossible'; readonly problem: string };

/** The version that is asked for: `$Default` unless the group names one. */
export function launchTemplateVersion(version: string | null | undefined): string {
  return version === undefined || version === null || version === '' ? '$Default' : version;
}

/** Upstream's order: launch configuration, launch template, type overrides, requirement overrides, the policy's launch template. */
export function launchQuestion({ launchConfiguration, launchTemplate, mixed }: GroupLaunch): LaunchQuestion {
  if (launchConfiguration !== undefined && launchConfiguration !== '') return { ask: 'launch-configuration', name: launchConfiguration };
  if (launchTemplate !== undefined) return { ask: 'launch-template', template: launchTemplate, requirements: undefined };
  if (mixed === undefined) return impossible('has neither a launch configuration nor a launch template');
  if (mixed.types.length > 0 && mixed.requirements !== undefined) return impossible('overrides both instance types and requirements');
  if (mixed.types.length > 0) return { ask: 'nothing', types: mixed.types };
  if (mixed.launchTemplate === undefined) return impossible('has a mixed instances policy without a launch template');
  return { ask: 'launch-template', template: mixed.launchTemplate, requirements: mixed.requirements };
}

function impossible(problem: string): LaunchQuestion {
  return { ask: 'impossible', problem };
}

/** What a launch template means: a type, or requirements that EC2 is asked about for the template's image. */
export type TemplateMeaning =
  { readonly type: string } | { readonly requirements: InstanceRequirementsFacts; readonly imageId: string } | { readonly problem: string };

/** The overriding requirements of a policy win over what the template says. Without an image EC2 cannot be asked for which architecture. */
export function meaningOfTemplate(
  data: LaunchTemplateData | undefined,
  overriding: InstanceRequirementsFacts | undefined,
): TemplateMeaning {
  if (data === undefined) return { problem: 'its launch template has no such version' };
  if (overriding === undefined && data.instanceType !== undefined && data.instanceType !== '') return { type: data.instanceType };
  const requirements = overriding ?? data.requirements;
  if (requirements === undefined) return { problem: 'its launch template names neither an instance type nor requirements' };
  if (data.imageId === undefined || data.imageId === '') return { problem: 'its launch template has requirements but no image' };
  return { requirements, imageId: data.imageId };
}

/** EC2's answer to requirements; the first type stands for all. */
export function typesOfAnswer(answer: readonly string[]): { readonly types: readonly string[] } | { readonly problem: string } {
  return answer.length === 0 ? { problem: 'EC2 knows no instance type that meets its requirements' } : { types: answer };
}

/** The node's architecture for EC2's; upstream calls everything but arm64 amd64. */
export function architectureOf(ec2: string | undefined): string {
  return ec2 === 'arm64' ? 'arm64' : 'amd64';
}

/** GPUs of all devices together. */
export function gpuCount(counts: readonly (number | null | undefined)[] | null | undefined): number {
  return (counts ?? []).reduce<number>((sum, count) => sum + (count ?? 0), 0);
}

export interface Ec2GpuDevice {
  readonly Manufacturer?: string | undefined;
  readonly Count?: number | undefined;
  readonly LogicalGpuCount?: number | undefined;
}

/** The part of EC2's InstanceTypeInfo that is read. */
export interface Ec2InstanceType {
  readonly InstanceType?: string | undefined;
  readonly VCpuInfo?: { readonly DefaultVCpus?: number | undefined } | undefined;
  readonly MemoryInfo?: { readonly SizeInMiB?: number | undefined } | undefined;
  readonly ProcessorInfo?: { readonly SupportedArchitectures?: readonly string[] | undefined } | undefined;
  readonly GpuInfo?: { readonly Gpus?: readonly Ec2GpuDevice[] | undefined } | undefined;
}

/** What EC2 tells of a type; `undefined` when size or memory is missing, for unknown is not zero. As upstream the first architecture counts. */
export function factsOfType(type: Ec2InstanceType): InstanceTypeFacts | undefined {
  const vcpu = type.VCpuInfo?.DefaultVCpus;
  const memoryMiB = type.MemoryInfo?.SizeInMiB;
  if (type.InstanceType === undefined || vcpu === undefined || memoryMiB === undefined) return undefined;
  const gpus = type.GpuInfo?.Gpus ?? [];
  return {
    name: type.InstanceType,
    vcpu,
    memoryMiB,
    // A type with a part of a GPU counts 0 of them; the device plugin shows what EC2 calls logical.
    gpu: gpuCount(gpus.map(({ Count, LogicalGpuCount }) => (Count === 0 ? LogicalGpuCount : Count))),
    gpuManufacturer: gpus[0]?.Manufacturer ?? '',
    architecture: architectureOf(type.ProcessorInfo?.SupportedArchitectures?.[0]),
  };
}
