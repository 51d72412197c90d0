import { autoScalingActions } from './autoscaling/index.ts';
import { AwsError } from './protocol/aws-error.ts';
import { Parameters } from './protocol/parameters.ts';
import type { Account } from './state/account.ts';
import { boot } from './state/instance-life.ts';
import { createTemplate } from './state/launch-templates.ts';
import { scaleOut } from './state/scale-out.ts';
import type { GroupDefinition } from './types.ts';

/** Makes the group and its launch template by the very action that the API has; throws RangeError with AWS's words. */
export function defineGroup(account: Account, definition: GroupDefinition): void {
  try {
    make(account, definition);
  } catch (error) {
    if (error instanceof AwsError) throw new RangeError(`group ${definition.name}: ${error.message}`, { cause: error });
    throw error;
  }
}

function make(account: Account, definition: GroupDefinition): void {
  const { name, instanceTypes, suspendedProcesses = [], running = true } = definition;
  const first = account.typesByName.get(instanceTypes[0]);
  if (first === undefined) throw new RangeError(`group ${name}: there is no instance type ${instanceTypes[0]}`);
  const imageId = definition.imageId ?? account.images.find(({ architecture }) => architecture === first.arch)?.id ?? '';
  createTemplate(account, name, { imageId, instanceType: first.name });
  call(account, 'CreateAutoScalingGroup', new Map([...sizeForm(account, definition), ...launchForm(definition), ...tagForm(definition)]));
  if (suspendedProcesses.length > 0) {
    const list = suspendedProcesses.map((process, index) => [`ScalingProcesses.member.${index + 1}`, process] as const);
    call(account, 'SuspendProcesses', new Map([['AutoScalingGroupName', name], ...list]));
  }
  const group = account.groups.get(name);
  if (group === undefined || !running) return;
  if (group.desired > 0) scaleOut(account, group);
  for (const instance of group.instances.values()) boot(account, group, instance);
}

type Form = ReadonlyMap<string, string>;

function sizeForm(account: Account, { name, zones, minSize = 0, maxSize, desiredCapacity = minSize }: GroupDefinition): Form {
  return new Map([
    ['AutoScalingGroupName', name],
    ['MinSize', String(minSize)],
    ['MaxSize', String(maxSize)],
    ['DesiredCapacity', String(desiredCapacity)],
    ['VPCZoneIdentifier', (zones ?? account.zones).map((zone) => subnetIn(account, name, zone)).join(',')],
  ]);
}

function tagForm({ tags = {} }: GroupDefinition): Form {
  return new Map(
    Object.entries(tags).flatMap(([key, value], index) => {
      const path = `Tags.member.${index + 1}`;
      return [
        [`${path}.Key`, key],
        [`${path}.Value`, value],
        [`${path}.PropagateAtLaunch`, 'true'],
      ] as const;
    }),
  );
}

/** One type is a launch template; several, or spot, are a mixed instances policy. */
function launchForm({ name, instanceTypes, weights, onDemandPercentage = 100 }: GroupDefinition): Form {
  if (instanceTypes.length === 1 && onDemandPercentage === 100 && weights === undefined) {
    return new Map([
      ['LaunchTemplate.LaunchTemplateName', name],
      ['LaunchTemplate.Version', '$Latest'],
    ]);
  }
  const policy = 'MixedInstancesPolicy.LaunchTemplate';
  const form = new Map([
    [`${policy}.LaunchTemplateSpecification.LaunchTemplateName`, name],
    [`${policy}.LaunchTemplateSpecification.Version`, '$Latest'],
    ['MixedInstancesPolicy.InstancesDistribution.OnDemandPercentageAboveBaseCapacity', String(onDemandPercentage)],
  ]);
  for (const [index, type] of instanceTypes.entries()) {
    form.set(`${policy}.Overrides.member.${index + 1}.InstanceType`, type);
    const weight = weights?.[index];
    if (weight !== undefined) form.set(`${policy}.Overrides.member.${index + 1}.WeightedCapacity`, String(weight));
  }
  return form;
}

function subnetIn(account: Account, group: string, zone: string): string {
  const subnet = account.subnets.find((each) => each.zone === zone);
  if (subnet === undefined)
    throw new RangeError(`group ${group}: there is no zone ${zone} in ${account.region} (${account.zones.join(', ')})`);
  return subnet.id;
}

function call(account: Account, action: string, form: Form): void {
  autoScalingActions[action]?.(account, new Parameters(form));
}
