import { requirementsOfAutoScaling } from '../instance-types/requirements.ts';
import type { XmlFields } from '../protocol/xml.ts';
import type { Group, Instance, LaunchSource, TemplateReference } from '../state/model.ts';

export function tagFields(group: Group): readonly XmlFields[] {
  return [...group.tags.values()].map(({ key, value, propagate }) => ({
    ResourceId: group.name,
    ResourceType: 'auto-scaling-group',
    Key: key,
    Value: value,
    PropagateAtLaunch: propagate,
  }));
}

/** As DescribeAutoScalingGroups shows a group. */
export function groupFields(group: Group, includeInstances: boolean): XmlFields {
  return {
    AutoScalingGroupName: group.name,
    AutoScalingGroupARN: group.arn,
    ...sourceFields(group.source),
    MinSize: group.minSize,
    MaxSize: group.maxSize,
    DesiredCapacity: group.desired,
    DefaultCooldown: group.cooldownSeconds,
    AvailabilityZones: group.subnets.map(({ zone }) => zone),
    LoadBalancerNames: [],
    TargetGroupARNs: [],
    HealthCheckType: group.healthCheckType,
    HealthCheckGracePeriod: group.healthCheckGraceSeconds,
    Instances: includeInstances ? [...group.instances.values()].map(instanceFields) : [],
    CreatedTime: new Date(group.createdAt),
    SuspendedProcesses: [...group.suspended].map(([ProcessName, SuspensionReason]) => ({ ProcessName, SuspensionReason })),
    VPCZoneIdentifier: group.bySubnets ? group.subnets.map(({ id }) => id).join(',') : '',
    EnabledMetrics: [],
    Status: group.deleting ? 'Delete in progress' : undefined,
    Tags: tagFields(group),
    TerminationPolicies: group.terminationPolicies,
    NewInstancesProtectedFromScaleIn: group.newInstancesProtected,
    ServiceLinkedRoleARN: serviceRole(group.arn),
    CapacityRebalance: group.capacityRebalance,
    TrafficSources: [],
  };
}

/** The role that AWS makes for Auto Scaling in every account. */
function serviceRole(arn: string): string {
  const account = arn.split(':')[4] ?? '';
  return `arn:aws:iam::${account}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling`;
}

function sourceFields(source: LaunchSource): XmlFields {
  if (source.kind === 'configuration') return { LaunchConfigurationName: source.name };
  if (source.kind === 'template') return { LaunchTemplate: templateFields(source.template) };
  const { policy } = source;
  return {
    MixedInstancesPolicy: {
      LaunchTemplate: {
        LaunchTemplateSpecification: templateFields(policy.template),
        Overrides: policy.overrides.map((override) => ({
          InstanceType: override.instanceType,
          WeightedCapacity: override.weight === undefined ? undefined : String(override.weight),
          LaunchTemplateSpecification: override.template === undefined ? undefined : templateFields(override.template),
          InstanceRequirements: override.requirements === undefined ? undefined : requirementsOfAutoScaling(override.requirements),
        })),
      },
      InstancesDistribution: {
        OnDemandAllocationStrategy: policy.onDemandAllocation,
        OnDemandBaseCapacity: policy.onDemandBase,
        OnDemandPercentageAboveBaseCapacity: policy.onDemandPercentage,
        SpotAllocationStrategy: policy.spotAllocation,
        SpotInstancePools: policy.spotPools,
        SpotMaxPrice: policy.spotMaxPrice,
      },
    },
  };
}

function templateFields({ id, name, version }: TemplateReference): XmlFields {
  return { LaunchTemplateId: id, LaunchTemplateName: name, Version: version };
}

/** What an instance of a group is to Auto Scaling. */
export function instanceFields(instance: Instance): XmlFields {
  const { source } = instance;
  return {
    InstanceId: instance.id,
    InstanceType: instance.type.name,
    AvailabilityZone: instance.zone,
    LifecycleState: instance.lifecycle,
    HealthStatus: instance.health,
    ...(source.kind === 'configuration'
      ? { LaunchConfigurationName: source.name }
      : { LaunchTemplate: { LaunchTemplateId: source.id, LaunchTemplateName: source.name, Version: String(source.version) } }),
    ProtectedFromScaleIn: instance.protectedFromScaleIn,
    WeightedCapacity: instance.weighted ? String(instance.weight) : undefined,
  };
}
