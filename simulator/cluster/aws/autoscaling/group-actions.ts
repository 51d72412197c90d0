import { AwsError, validationError } from '../protocol/aws-error.ts';
import type { Action, Actions } from '../protocol/action.ts';
import { missingParameter, type Parameters } from '../protocol/parameters.ts';
import { pageOf } from '../protocol/page.ts';
import { uuid } from '../state/ids.ts';
import { react, setDesired } from '../state/group-loop.ts';
import type { Group } from '../state/model.ts';
import { terminationPolicies } from '../state/scale-in.ts';
import { readSource, readSubnets, readTags } from './group-input.ts';
import { groupFields } from './group-output.ts';
import { groupNamed, invalidToken, maxRecords } from './lookups.ts';

const create: Action = (account, parameters) => {
  const name = parameters.required('AutoScalingGroupName');
  const source = readSource(account, parameters);
  if (source === undefined) {
    throw validationError(
      'Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or MixedInstancesPolicy parameter.',
    );
  }
  const places = readSubnets(account, parameters);
  if (places === undefined) {
    throw validationError('At least one Availability Zone or VPC Subnet is required.');
  }
  const minSize = requiredSize(parameters, 'MinSize');
  const maxSize = requiredSize(parameters, 'MaxSize');
  const desired = parameters.whole('DesiredCapacity') ?? minSize;
  checkBounds(minSize, maxSize);
  checkDesired(desired, minSize, maxSize);
  const tags = readTags(parameters);
  const settings = readSettings(parameters);
  parameters.done();
  if (account.groups.has(name)) {
    throw new AwsError('AlreadyExists', `AutoScalingGroup by this name already exists - A group with the name ${name} already exists`);
  }
  const group: Group = {
    name,
    arn: `arn:aws:autoscaling:${account.region}:${account.accountId}:autoScalingGroup:${uuid(account.random)}:autoScalingGroupName/${name}`,
    createdAt: account.clock.now(),
    source,
    minSize,
    maxSize,
    desired: 0,
    ...places,
    cooldownSeconds: 300,
    healthCheckType: 'EC2',
    healthCheckGraceSeconds: 0,
    terminationPolicies: ['Default'],
    newInstancesProtected: false,
    capacityRebalance: false,
    ...settings,
    tags: new Map(tags.map((tag) => [tag.key, tag])),
    suspended: new Map(),
    instances: new Map(),
    activities: [],
    deleting: false,
    cause: '',
    cooldownUntil: 0,
    actAt: 0,
  };
  account.groups.set(name, group);
  if (desired > 0) setDesired(account, group, desired, 'a user request created an AutoScalingGroup');
  return undefined;
};

const update: Action = (account, parameters) => {
  const group = groupNamed(account, parameters.required('AutoScalingGroupName'));
  const source = readSource(account, parameters);
  const places = readSubnets(account, parameters);
  const minSize = size(parameters, 'MinSize') ?? group.minSize;
  const maxSize = size(parameters, 'MaxSize') ?? group.maxSize;
  const asked = parameters.whole('DesiredCapacity');
  checkBounds(minSize, maxSize);
  if (asked !== undefined) checkDesired(asked, minSize, maxSize);
  const settings = readSettings(parameters);
  parameters.done();
  refuseDeleting(group);
  // Without a wish of its own the desired capacity follows a bound that has moved past it.
  const desired = asked ?? Math.min(maxSize, Math.max(minSize, group.desired));
  Object.assign(group, { minSize, maxSize }, settings, source === undefined ? {} : { source }, places ?? {});
  if (desired !== group.desired) {
    const bounds = `min: ${minSize}, max: ${maxSize}, desired: ${desired}`;
    setDesired(account, group, desired, `a user request update of AutoScalingGroup constraints to ${bounds}`);
  } else {
    react(account, group);
  }
  return undefined;
};

const setDesiredCapacity: Action = (account, parameters) => {
  const name = parameters.required('AutoScalingGroupName');
  const desired = parameters.whole('DesiredCapacity');
  const honorCooldown = parameters.flag('HonorCooldown') ?? false;
  parameters.done();
  if (desired === undefined) throw missingParameter('DesiredCapacity');
  const group = groupNamed(account, name);
  refuseDeleting(group);
  if (desired > group.maxSize) {
    throw validationError(`New SetDesiredCapacity value ${desired} is above max value ${group.maxSize} for the AutoScalingGroup.`);
  }
  if (desired < group.minSize) {
    throw validationError(`New SetDesiredCapacity value ${desired} is below min value ${group.minSize} for the AutoScalingGroup.`);
  }
  if (honorCooldown && account.clock.now() < group.cooldownUntil) {
    throw new AwsError('ScalingActivityInProgress', `Activity is in progress: the cooldown of AutoScalingGroup ${name} is not over.`);
  }
  setDesired(account, group, desired, 'a user request explicitly set group desired capacity');
  return undefined;
};

const remove: Action = (account, parameters) => {
  const group = groupNamed(account, parameters.required('AutoScalingGroupName'));
  const force = parameters.flag('ForceDelete') ?? false;
  parameters.done();
  if (!force && group.instances.size > 0) {
    throw new AwsError(
      'ResourceInUse',
      'You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) still in the group.',
    );
  }
  group.deleting = true;
  group.desired = 0;
  group.minSize = 0;
  if (group.instances.size === 0) {
    group.wake?.timer.cancel();
    group.rebalanceCheck?.cancel();
    account.groups.delete(group.name);
  } else {
    account.wake(group, 0);
  }
  return undefined;
};

const describe: Action = (account, parameters) => {
  const names = new Set(parameters.texts('AutoScalingGroupNames'));
  const filters = readTagFilters(parameters);
  const limit = maxRecords(parameters, 50, 100);
  const token = parameters.text('NextToken');
  const includeInstances = parameters.flag('IncludeInstances') ?? true;
  parameters.done();
  const groups = [...account.groups.values()]
    .filter((group) => (names.size === 0 || names.has(group.name)) && filters.every((filter) => filter(group)))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const { items, next } = pageOf(groups, { token, limit, key: ({ name }) => name, badToken: invalidToken });
  return { AutoScalingGroups: items.map((group) => groupFields(group, includeInstances)), NextToken: next };
};

/** `tag-key`, `tag-value` and `tag:<key>`: all filters must hold, of one filter's values one. */
function readTagFilters(parameters: Parameters): readonly ((group: Group) => boolean)[] {
  return parameters.list('Filters').map((filter) => {
    const name = filter.required('Name');
    const values = new Set(filter.texts('Values'));
    if (name === 'tag-key') return ({ tags }) => [...values].some((key) => tags.has(key));
    if (name === 'tag-value') return ({ tags }) => [...tags.values()].some(({ value }) => values.has(value));
    if (name.startsWith('tag:')) {
      const key = name.slice('tag:'.length);
      return ({ tags }) => {
        const tag = tags.get(key);
        return tag !== undefined && values.has(tag.value);
      };
    }
    throw validationError(`Filter type ${name} is not correct. Allowed Filter types are: tag-key tag-value tag:<key>`);
  });
}

function readSettings(parameters: Parameters): Partial<Group> {
  const cooldownSeconds = parameters.whole('DefaultCooldown');
  const healthCheckType = parameters.text('HealthCheckType');
  const healthCheckGraceSeconds = parameters.whole('HealthCheckGracePeriod');
  const policies = parameters.texts('TerminationPolicies');
  const newInstancesProtected = parameters.flag('NewInstancesProtectedFromScaleIn');
  const capacityRebalance = parameters.flag('CapacityRebalance');
  // Warm-up, lifetimes and maintenance change nothing of what is played here.
  parameters.accept('DefaultInstanceWarmup', 'ServiceLinkedRoleARN', 'Context');
  const unknown = policies.find((policy) => !terminationPolicies.includes(policy));
  if (unknown !== undefined)
    throw validationError(`Invalid termination policy: '${unknown}'. Valid values are: [${terminationPolicies.join(', ')}].`);
  return {
    ...(cooldownSeconds !== undefined && { cooldownSeconds }),
    ...(healthCheckType !== undefined && { healthCheckType }),
    ...(healthCheckGraceSeconds !== undefined && { healthCheckGraceSeconds }),
    ...(policies.length > 0 && { terminationPolicies: policies }),
    ...(newInstancesProtected !== undefined && { newInstancesProtected }),
    ...(capacityRebalance !== undefined && { capacityRebalance }),
  };
}

function size(parameters: Parameters, name: string): number | undefined {
  const value = parameters.whole(name);
  if (value !== undefined && value < 0) {
    throw validationError(
      `1 validation error detected: Value '${value}' at '${name}' failed to satisfy constraint: Member must have value greater than or equal to 0`,
    );
  }
  return value;
}

function requiredSize(parameters: Parameters, name: string): number {
  const value = size(parameters, name);
  if (value === undefined)
    throw validationError(`1 validation error detected: Value null at '${name}' failed to satisfy constraint: Member must not be null`);
  return value;
}

function checkBounds(min: number, max: number): void {
  if (min > max) throw validationError(`Max bound, ${max}, must be greater than or equal to min bound, ${min}`);
}

function checkDesired(desired: number, min: number, max: number): void {
  if (desired < min || desired > max) {
    throw validationError(`Desired capacity:${desired} must be between the specified min size:${min} and max size:${max}`);
  }
}

function refuseDeleting(group: Group): void {
  if (group.deleting) throw validationError(`AutoScalingGroup ${group.name} is being deleted`);
}

export const groupActions: Actions = {
  CreateAutoScalingGroup: create,
  UpdateAutoScalingGroup: update,
  DeleteAutoScalingGroup: remove,
  DescribeAutoScalingGroups: describe,
  SetDesiredCapacity: setDesiredCapacity,
};
