import type { Action, Actions } from '../protocol/action.ts';
import { validationError } from '../protocol/aws-error.ts';
import type { Parameters } from '../protocol/parameters.ts';
import { react } from '../state/group-loop.ts';
import { groupNamed } from './lookups.ts';

/** What a group does by itself. Those that are not played here can be suspended too. */
export const processes: readonly string[] = [
  'Launch',
  'Terminate',
  'AddToLoadBalancer',
  'AlarmNotification',
  'AZRebalance',
  'HealthCheck',
  'InstanceRefresh',
  'ReplaceUnhealthy',
  'ScheduledActions',
];

const suspend: Action = (account, parameters) => {
  const group = groupNamed(account, parameters.required('AutoScalingGroupName'));
  const names = readProcesses(parameters);
  parameters.done();
  const reason = `User suspended at ${new Date(account.clock.now()).toISOString().replace(/\.\d+Z$/, 'Z')}`;
  for (const name of names) group.suspended.set(name, reason);
  return undefined;
};

const resume: Action = (account, parameters) => {
  const group = groupNamed(account, parameters.required('AutoScalingGroupName'));
  const names = readProcesses(parameters);
  parameters.done();
  for (const name of names) group.suspended.delete(name);
  react(account, group);
  return undefined;
};

const describeTypes: Action = (_account, parameters) => {
  parameters.done();
  return { Processes: processes.map((ProcessName) => ({ ProcessName })) };
};

/** All of them when none is named. */
function readProcesses(parameters: Parameters): readonly string[] {
  const names = parameters.texts('ScalingProcesses');
  const unknown = names.find((name) => !processes.includes(name));
  if (unknown !== undefined) throw validationError(`${unknown} is not a valid scaling process type`);
  return names.length === 0 ? processes : names;
}

export const processActions: Actions = {
  SuspendProcesses: suspend,
  ResumeProcesses: resume,
  DescribeScalingProcessTypes: describeTypes,
};
