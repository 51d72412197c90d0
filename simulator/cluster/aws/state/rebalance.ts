import type { Account } from './account.ts';
import { at, causes } from './activities.ts';
import { takeOut } from './instance-life.ts';
import { counts, type Group, type Subnet } from './model.ts';
import { chooseVictim } from './scale-in.ts';
import { couldLaunch, emptiestFirst, launchIn, unitsOf, zoneCounts } from './scale-out.ts';

/** Where one more and one fewer would bring the zones nearer to each other; undefined when they differ by one at most. */
function imbalance(group: Group): { readonly to: Subnet; readonly fullest: string; readonly text: string } | undefined {
  const numbers = [...zoneCounts(group)].toSorted(([, a], [, b]) => b - a);
  const to = emptiestFirst(group)[0];
  const most = numbers[0];
  if (to === undefined || most === undefined) return undefined;
  const inGroup = group.subnets.some(({ zone }) => zone === most[0]);
  if (inGroup && most[1] - (zoneCounts(group).get(to.zone) ?? 0) < 2) return undefined;
  const zones = numbers.map(([zone]) => zone).join(' ');
  const text = `availability zones ${zones} had ${numbers.map(([, number]) => number).join(' ')} instances respectively. An instance was launched to aid in balancing the group's zones`;
  return { to, fullest: most[0], text };
}

/** Arranges a look at the zones if they are out of balance and that could be changed. */
export function watchBalance(account: Account, group: Group): void {
  if (group.rebalanceCheck !== undefined || !mayRebalance(group)) return;
  const found = imbalance(group);
  if (found === undefined || !couldLaunch(account, group, found.to)) return;
  group.rebalanceCheck = account.clock.setTimeout(() => {
    delete group.rebalanceCheck;
    rebalance(account, group);
  }, account.draw('rebalance'));
}

/** AZRebalance: launches in the emptiest zone first, even beyond the maximum; the surplus goes when that one is in service. */
function rebalance(account: Account, group: Group): void {
  const settled = unitsOf(group) === group.desired && [...group.instances.values()].every(({ lifecycle }) => lifecycle === 'InService');
  const found = imbalance(group);
  if (!mayRebalance(group) || found === undefined) return;
  if (!settled) {
    watchBalance(account, group);
    return;
  }
  const instance = launchIn(account, group, found.to, at(account, found.text));
  if (instance !== undefined) group.rebalancing = instance;
}

/** What the group may have beyond the desired capacity while it balances. */
export function balancingSurplus(group: Group): number {
  return group.rebalancing === undefined || !counts(group.rebalancing) ? 0 : group.rebalancing.weight;
}

/** Ends a rebalancing whose new instance is in service: one of the fullest zone goes. */
export function finishRebalance(account: Account, group: Group): void {
  if (group.rebalancing?.lifecycle !== 'InService' || group.suspended.has('Terminate')) return;
  delete group.rebalancing;
  if (unitsOf(group) <= group.desired) return;
  const numbers = [...zoneCounts(group)].toSorted(([, a], [, b]) => b - a);
  const victim = chooseVictim(account, group, numbers[0]?.[0]);
  if (victim === undefined) return;
  const from = unitsOf(group);
  const shrinking = `an instance was taken out of service in response to a difference between desired and actual capacity, shrinking the capacity from ${from} to ${from - victim.weight}`;
  takeOut(account, group, victim, causes(at(account, shrinking), at(account, `instance ${victim.id} was selected for termination`)));
}

function mayRebalance(group: Group): boolean {
  return !group.deleting && !group.suspended.has('AZRebalance') && !group.suspended.has('Launch') && group.rebalancing === undefined;
}
