import type { Account } from './account.ts';
import { beginActivity, endActivity } from './activities.ts';
import { privateDnsName } from './addresses.ts';
import { resourceId } from './ids.ts';
import type { LaunchOption } from './launch-options.ts';
import type { Group, Instance, Market, Subnet } from './model.ts';

export interface LaunchRequest {
  readonly option: LaunchOption;
  readonly market: Market;
  readonly subnet: Subnet;
  readonly cause: string;
}

/** Launches an instance: `Pending` at once, `InService` when it has booted. The capacity must be there. */
export function launch(account: Account, group: Group, { option, market, subnet, cause }: LaunchRequest): Instance {
  const { type, weight, weighted, imageId, source } = option;
  const id = resourceId('i', account.random);
  const ip = account.addresses.take(subnet.net);
  const instance: Instance = {
    id,
    order: account.nextOrder(),
    type,
    zone: subnet.zone,
    subnet: subnet.id,
    ip,
    dnsName: privateDnsName(ip, account.region),
    imageId,
    market,
    launchedAt: account.clock.now(),
    group: group.name,
    source,
    weight,
    weighted,
    tags: tagsOf(group, option),
    state: 'pending',
    lifecycle: 'Pending',
    health: 'Healthy',
    protectedFromScaleIn: group.newInstancesProtected,
  };
  account.capacity.take(instance);
  account.instances.set(id, instance);
  group.instances.set(id, instance);
  instance.activity = beginActivity(account, group, {
    description: `Launching a new EC2 instance: ${id}`,
    cause,
    zone: subnet.zone,
    subnet: subnet.id,
    status: 'PreInService',
  });
  account.emit('pending', instance);
  instance.timer = account.clock.setTimeout(() => boot(account, group, instance), account.draw('boot'));
  return instance;
}

/** The instance runs and is in service. */
export function boot(account: Account, group: Group, instance: Instance): void {
  instance.timer?.cancel();
  instance.state = 'running';
  instance.lifecycle = 'InService';
  if (instance.activity !== undefined) endActivity(account, instance.activity, 'Successful');
  delete instance.activity;
  cooledDown(account, group);
  account.emit('running', instance);
  account.wake(group, 0);
}

/** The group takes the instance out: `Terminating` at once, gone when it has shut down. */
export function takeOut(account: Account, group: Group, instance: Instance, cause: string): void {
  if (instance.activity !== undefined)
    endActivity(account, instance.activity, 'Cancelled', 'Instance was terminated before it was in service');
  instance.lifecycle = 'Terminating';
  if (group.rebalancing === instance) delete group.rebalancing;
  instance.activity = beginActivity(account, group, {
    description: `Terminating EC2 instance: ${instance.id}`,
    cause,
    zone: instance.zone,
    subnet: instance.subnet,
    status: 'InProgress',
  });
  if (instance.state === 'terminated') leave(account, group, instance);
  else shutDown(account, instance, 'Client.UserInitiatedShutdown', 'User initiated shutdown');
}

/** EC2 ends the instance, on whoever's request. Nothing happens when it is ending already. */
export function shutDown(account: Account, instance: Instance, code: string, message: string): void {
  if (instance.state === 'shutting-down' || instance.state === 'terminated') return;
  instance.timer?.cancel();
  instance.state = 'shutting-down';
  instance.stateReason = { code, message: `${code}: ${message}` };
  account.emit('shutting-down', instance);
  instance.timer = account.clock.setTimeout(() => terminated(account, instance), account.draw('shutdown'));
}

function terminated(account: Account, instance: Instance): void {
  instance.state = 'terminated';
  account.capacity.giveBack(instance);
  account.addresses.free(instance.ip);
  instance.timer = account.clock.setTimeout(() => account.instances.delete(instance.id), account.draw('retention'));
  account.emit('terminated', instance);
  const group = account.groups.get(instance.group);
  if (group === undefined || !group.instances.has(instance.id)) return;
  // Terminated behind the group's back: it stays listed until the group has noticed.
  if (instance.lifecycle === 'Terminating') leave(account, group, instance);
}

function leave(account: Account, group: Group, instance: Instance): void {
  instance.lifecycle = 'Terminated';
  group.instances.delete(instance.id);
  if (instance.activity !== undefined) endActivity(account, instance.activity, 'Successful');
  delete instance.activity;
  cooledDown(account, group);
  account.wake(group, 0);
}

/** The cooldown begins when a scaling activity ends. */
function cooledDown(account: Account, group: Group): void {
  group.cooldownUntil = account.clock.now() + group.cooldownSeconds * 1000;
}

function tagsOf(group: Group, { tags, source }: LaunchOption): Record<string, string> {
  const propagated = [...group.tags.values()].filter(({ propagate }) => propagate).map(({ key, value }) => [key, value] as const);
  return {
    ...tags,
    ...Object.fromEntries(propagated),
    'aws:autoscaling:groupName': group.name,
    ...(source.kind === 'template' && {
      'aws:ec2launchtemplate:id': source.id,
      'aws:ec2launchtemplate:version': String(source.version),
    }),
  };
}
