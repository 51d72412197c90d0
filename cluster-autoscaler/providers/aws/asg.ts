/** Auto Scaling groups as the SDK answers them, cut down to what is read. */
import type { AutoScalingGroup, LaunchTemplateSpecification, MixedInstancesPolicy } from '@aws-sdk/client-auto-scaling';
import {
  isGoing,
  launchTemplateVersion,
  providerIdOf,
  type CloudGroup,
  type GroupLaunch,
  type InstanceRequirementsFacts,
  type LaunchTemplateReference,
  type MixedPolicy,
  type Tags,
} from './engine/index.ts';

export interface AsgInstance {
  /** EC2's id. */
  readonly instance: string;
  readonly providerId: string;
  readonly zone: string;
  /** `Pending`, `InService`, `Terminating:Wait`, … */
  readonly lifecycle: string;
}

/** A group as DescribeAutoScalingGroups lists it. */
export interface AsgFacts extends CloudGroup {
  readonly desired: number;
  readonly zones: readonly string[];
  readonly instances: readonly AsgInstance[];
  readonly tags: Tags;
  readonly suspended: readonly string[];
  readonly launch: GroupLaunch;
  /** Some type counts as more than one: sizes are units, not instances. */
  readonly weighted: boolean;
}

/** Instances that are not going: those that the desired capacity counts. */
export function liveInstances({ instances }: AsgFacts): readonly AsgInstance[] {
  return instances.filter(({ lifecycle }) => !isGoing(lifecycle));
}

export function factsOfAsg(group: AutoScalingGroup): AsgFacts {
  return {
    name: group.AutoScalingGroupName ?? '',
    min: group.MinSize ?? 0,
    max: group.MaxSize ?? 0,
    desired: group.DesiredCapacity ?? 0,
    zones: group.AvailabilityZones ?? [],
    instances: (group.Instances ?? []).map((instance) => ({
      instance: instance.InstanceId ?? '',
      providerId: providerIdOf(instance.AvailabilityZone ?? '', instance.InstanceId ?? ''),
      zone: instance.AvailabilityZone ?? '',
      lifecycle: instance.LifecycleState ?? '',
    })),
    tags: Object.fromEntries((group.Tags ?? []).map(({ Key, Value }) => [Key ?? '', Value ?? ''])),
    suspended: (group.SuspendedProcesses ?? []).map(({ ProcessName }) => ProcessName ?? ''),
    launch: launchOf(group),
    weighted: isWeighted(group),
  };
}

function launchOf(group: AutoScalingGroup): GroupLaunch {
  return {
    launchConfiguration: group.LaunchConfigurationName,
    launchTemplate: referenceOf(group.LaunchTemplate),
    mixed: group.MixedInstancesPolicy === undefined ? undefined : policyOf(group.MixedInstancesPolicy),
  };
}

function policyOf({ LaunchTemplate: launch }: MixedInstancesPolicy): MixedPolicy {
  const overrides = launch?.Overrides ?? [];
  return {
    launchTemplate: referenceOf(launch?.LaunchTemplateSpecification),
    types: overrides.flatMap(({ InstanceType }) => (InstanceType === undefined || InstanceType === '' ? [] : [InstanceType])),
    requirements: overrides.find(({ InstanceRequirements }) => InstanceRequirements !== undefined)?.InstanceRequirements as
      InstanceRequirementsFacts | undefined,
  };
}

function referenceOf(spec: LaunchTemplateSpecification | undefined): LaunchTemplateReference | undefined {
  if (spec === undefined) return undefined;
  return { id: spec.LaunchTemplateId, name: spec.LaunchTemplateName, version: launchTemplateVersion(spec.Version) };
}

function isWeighted({ MixedInstancesPolicy: policy }: AutoScalingGroup): boolean {
  return (policy?.LaunchTemplate?.Overrides ?? []).some(
    ({ WeightedCapacity: weight }) => weight !== undefined && weight !== '' && weight !== '1',
  );
}
