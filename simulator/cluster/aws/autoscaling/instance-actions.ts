import type { Action, Actions } from '../protocol/action.ts';
import { validationError } from '../protocol/aws-error.ts';
import { pageOf } from '../protocol/page.ts';
import { missingParameter } from '../protocol/parameters.ts';
import type { Account } from '../state/account.ts';
import { at } from '../state/activities.ts';
import { noticeLater, react } from '../state/group-loop.ts';
import { takeOut } from '../state/instance-life.ts';
import { counts, type Group, type Instance } from '../state/model.ts';
import { activityFields } from './activity-actions.ts';
import { instanceFields } from './group-output.ts';
import { groupNamed, invalidToken, maxRecords } from './lookups.ts';

const terminate: Action = (account, parameters) => {
  const id = parameters.required('InstanceId');
  const decrement = parameters.flag('ShouldDecrementDesiredCapacity');
  parameters.done();
  if (decrement === undefined) throw missingParameter('ShouldDecrementDesiredCapacity');
  const { group, instance } = managed(account, id);
  // Asked again while it goes, AWS answers the same and takes nothing more off.
  if (!counts(instance) && instance.activity !== undefined) return { Activity: activityFields(group, instance.activity) };
  if (decrement && group.desired - instance.weight < group.minSize) {
    throw validationError(
      `Currently, desiredSize equals minSize (${group.minSize}). Terminating instance without replacement will violate group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower group's min size.`,
    );
  }
  const from = group.desired;
  if (decrement) group.desired -= instance.weight;
  const shrinking = decrement ? `, shrinking the capacity from ${from} to ${group.desired}` : '';
  const cause = at(account, `instance ${id} was taken out of service in response to a user request${shrinking}`);
  group.cause = decrement ? cause : '';
  takeOut(account, group, instance, cause);
  react(account, group);
  return { Activity: instance.activity === undefined ? undefined : activityFields(group, instance.activity) };
};

const describe: Action = (account, parameters) => {
  const ids = new Set(parameters.texts('InstanceIds'));
  const limit = maxRecords(parameters, 50, 50);
  const token = parameters.text('NextToken');
  parameters.done();
  const found = [...account.groups.values()]
    .flatMap((group) => [...group.instances.values()])
    .filter(({ id }) => ids.size === 0 || ids.has(id))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const { items, next } = pageOf(found, { token, limit, key: ({ id }) => id, badToken: invalidToken });
  return {
    AutoScalingInstances: items.map((instance) => ({
      ...instanceFields(instance),
      AutoScalingGroupName: instance.group,
      // In this answer, and only here, AWS writes it in capitals.
      HealthStatus: instance.health.toUpperCase(),
    })),
    NextToken: next,
  };
};

const setHealth: Action = (account, parameters) => {
  const id = parameters.required('InstanceId');
  const status = parameters.required('HealthStatus');
  parameters.accept('ShouldRespectGracePeriod').done();
  if (status !== 'Healthy' && status !== 'Unhealthy') {
    throw validationError(`Valid instance health states are: [Healthy, Unhealthy]. '${status}' is not a valid health state.`);
  }
  const { group, instance } = managed(account, id);
  instance.health = status;
  if (status === 'Healthy') delete instance.unhealthyAt;
  else noticeLater(account, group, instance);
  return {};
};

const setProtection: Action = (account, parameters) => {
  const group = groupNamed(account, parameters.required('AutoScalingGroupName'));
  const ids = parameters.texts('InstanceIds');
  const isProtected = parameters.flag('ProtectedFromScaleIn');
  parameters.done();
  if (isProtected === undefined) throw missingParameter('ProtectedFromScaleIn');
  const instances = ids.map((id) => {
    const instance = group.instances.get(id);
    if (instance === undefined) throw validationError(`The instance ${id} is not part of Auto Scaling group ${group.name}.`);
    return instance;
  });
  for (const instance of instances) instance.protectedFromScaleIn = isProtected;
  // What the protection held back may go now.
  react(account, group);
  return {};
};

function managed(account: Account, id: string): { readonly group: Group; readonly instance: Instance } {
  const group = account.groups.get(account.instances.get(id)?.group ?? '');
  const instance = group?.instances.get(id);
  if (group === undefined || instance === undefined) {
    throw validationError(`Instance Id not found - No managed instance found for instance ID: ${id}`);
  }
  return { group, instance };
}

export const instanceActions: Actions = {
  TerminateInstanceInAutoScalingGroup: terminate,
  DescribeAutoScalingInstances: describe,
  SetInstanceHealth: setHealth,
  SetInstanceProtection: setProtection,
};
