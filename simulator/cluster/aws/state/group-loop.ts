import type { Account } from './account.ts';
import { at } from './activities.ts';
import { takeOut } from './instance-life.ts';
import { counts, type Group, type Instance } from './model.ts';
import { balancingSurplus, finishRebalance, watchBalance } from './rebalance.ts';
import { scaleIn } from './scale-in.ts';
import { scaleOut, unitsOf } from './scale-out.ts';

/** Lets the account's groups act: each one when something of it has changed, and when its time has come. */
export function startGroupLoop(account: Account): void {
  account.wake = (group, delayMs) => {
    if (account.stopped) return;
    const due = account.clock.now() + delayMs;
    if (group.wake !== undefined) {
      if (group.wake.at <= due) return;
      group.wake.timer.cancel();
    }
    const timer = account.clock.setTimeout(() => {
      delete group.wake;
      if (account.groups.get(group.name) === group) act(account, group);
    }, delayMs);
    group.wake = { at: due, timer };
  };
  account.capacity.onGrowth = () => {
    for (const group of account.groups.values()) watchBalance(account, group);
  };
}

/** One look at a group: what is unhealthy goes, what is missing comes, what is too much goes. */
function act(account: Account, group: Group): void {
  if (group.deleting) {
    remove(account, group);
    return;
  }
  replaceUnhealthy(account, group);
  finishRebalance(account, group);
  if (account.clock.now() >= group.actAt) {
    const units = unitsOf(group);
    if (units < group.desired && !group.suspended.has('Launch')) scaleOut(account, group);
    else if (units > group.desired + balancingSurplus(group) && !group.suspended.has('Terminate')) scaleIn(account, group);
  }
  watchBalance(account, group);
  comeAgain(account, group);
}

function comeAgain(account: Account, group: Group): void {
  const now = account.clock.now();
  const dates = [...group.instances.values()].flatMap((instance) =>
    instance.unhealthyAt === undefined || !counts(instance) || instance.unhealthyAt <= now ? [] : [instance.unhealthyAt],
  );
  if (unitsOf(group) !== group.desired && group.actAt > now) dates.push(group.actAt);
  if (dates.length > 0) account.wake(group, Math.min(...dates) - now);
}

function replaceUnhealthy(account: Account, group: Group): void {
  if (group.suspended.has('ReplaceUnhealthy') || group.suspended.has('Terminate')) return;
  for (const instance of group.instances.values()) {
    if (!counts(instance) || instance.unhealthyAt === undefined || instance.unhealthyAt > account.clock.now()) continue;
    const gone = isEnding(instance);
    if (gone && group.suspended.has('HealthCheck')) continue;
    instance.health = 'Unhealthy';
    const why = gone ? 'an EC2 health check indicating it has been terminated or stopped' : 'a user health-check';
    takeOut(account, group, instance, at(account, `an instance was taken out of service in response to ${why}`));
    group.cause = at(account, 'an instance was launched in response to an unhealthy instance needing to be replaced');
  }
}

/** EC2 ends it or has ended it. */
export function isEnding({ state }: Instance): boolean {
  return state === 'shutting-down' || state === 'terminated';
}

function remove(account: Account, group: Group): void {
  for (const instance of group.instances.values()) {
    if (!counts(instance)) continue;
    takeOut(account, group, instance, at(account, `instance ${instance.id} was taken out of service in response to a user request`));
  }
  if (group.instances.size > 0) return;
  group.rebalanceCheck?.cancel();
  account.groups.delete(group.name);
}

/** A new desired capacity, with the reason that stands at the beginning of the cause of each activity that follows. */
export function setDesired(account: Account, group: Group, desired: number, reason: string): void {
  group.cause = at(account, `${reason} changing the desired capacity from ${group.desired} to ${desired}`);
  group.desired = desired;
  react(account, group);
}

/** The group reacts to a change, after a while. */
export function react(account: Account, group: Group): void {
  const delay = account.draw('reaction');
  group.actAt = account.clock.now() + delay;
  account.wake(group, delay);
}

/** The group's next health check finds it unhealthy. */
export function noticeLater(account: Account, group: Group, instance: Instance): void {
  const delay = account.draw('healthCheck');
  instance.unhealthyAt = account.clock.now() + delay;
  account.wake(group, delay);
}
