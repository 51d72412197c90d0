import type { Account } from './account.ts';
import { at, beginActivity, causes, endActivity } from './activities.ts';
import { takeOut } from './instance-life.ts';
import { launchOptions } from './launch-options.ts';
import { counts, type Group, type Instance, type Market } from './model.ts';
import { marketTargets, unitsOf } from './scale-out.ts';

const hourMs = 3_600_000;

const allProtected = 'Could not scale to desired capacity because all remaining instances are protected from scale-in.';

/** Takes out what is too much, chosen by the group's termination policies. */
export function scaleIn(account: Account, group: Group): void {
  const from = unitsOf(group);
  const shrinking = `an instance was taken out of service in response to a difference between desired and actual capacity, shrinking the capacity from ${from} to ${group.desired}`;
  const cause = causes(group.cause, at(account, shrinking));
  while (unitsOf(group) > group.desired) {
    const victim = chooseVictim(account, group);
    if (victim === undefined) {
      noteProtection(account, group, cause);
      return;
    }
    // One that weighs more than the surplus stays: the group must not fall below what is desired.
    if (unitsOf(group) - victim.weight < group.desired) return;
    takeOut(account, group, victim, causes(cause, at(account, `instance ${victim.id} was selected for termination`)));
  }
}

/** The instance that the policies single out, in the zone (or of `zone`) that has the most of those that may be chosen. */
export function chooseVictim(account: Account, group: Group, zone?: string): Instance | undefined {
  const open = [...group.instances.values()].filter(
    (instance) => counts(instance) && !instance.protectedFromScaleIn && (zone === undefined || instance.zone === zone),
  );
  const fullest = zone ?? fullestZone(group, open);
  let left = open.filter((instance) => instance.zone === fullest);
  for (const policy of policiesOf(group)) left = policy(left, account, group);
  // AWS leaves the rest to chance.
  return left[Math.floor(account.random() * left.length)];
}

/** Of zones with instances that may be chosen the one with the most instances; the later of the group's order between equals. */
function fullestZone(group: Group, open: readonly Instance[]): string | undefined {
  const numbers = new Map<string, number>();
  for (const instance of group.instances.values()) {
    if (counts(instance)) numbers.set(instance.zone, (numbers.get(instance.zone) ?? 0) + 1);
  }
  const order = new Map(group.subnets.map(({ zone }, index) => [zone, index]));
  // A zone that the group has been taken out of comes first.
  const rank = (zone: string): number => (order.has(zone) ? (numbers.get(zone) ?? 0) : Number.POSITIVE_INFINITY);
  return [...new Set(open.map(({ zone }) => zone))].toSorted((a, b) =>
    rank(a) === rank(b) ? (order.get(b) ?? 0) - (order.get(a) ?? 0) : rank(b) - rank(a),
  )[0];
}

type Policy = (instances: readonly Instance[], account: Account, group: Group) => Instance[];

const policies: Readonly<Record<string, Policy>> = {
  OldestInstance: (instances) => least(instances, ({ launchedAt }) => launchedAt),
  NewestInstance: (instances) => least(instances, ({ launchedAt }) => -launchedAt),
  OldestLaunchConfiguration: (instances) => {
    const configured = instances.filter(({ source }) => source.kind === 'configuration');
    return configured.length > 0 ? configured : [...instances];
  },
  OldestLaunchTemplate: (instances) => least(instances, ({ source }) => (source.kind === 'template' ? source.version : 0)),
  ClosestToNextInstanceHour: (instances, { clock }) => least(instances, ({ launchedAt }) => hourMs - ((clock.now() - launchedAt) % hourMs)),
  AllocationStrategy: (instances, account, group) => {
    const found = launchOptions(account, group);
    const targets = marketTargets(group, found.ok && found.spot);
    const over = (market: Market): boolean => unitsOf(group, market) > (targets.get(market) ?? 0);
    const crowded = new Set((['on-demand', 'spot'] as const).filter(over));
    const surplus = instances.filter(({ market }) => crowded.has(market));
    return surplus.length > 0 ? surplus : [...instances];
  },
};

/** What `Default` stands for. */
const defaultPolicies = ['AllocationStrategy', 'OldestLaunchConfiguration', 'OldestLaunchTemplate', 'ClosestToNextInstanceHour'];

/** Names that SetTerminationPolicies of AWS takes, save for those of functions. */
export const terminationPolicies: readonly string[] = ['Default', ...Object.keys(policies)];

function policiesOf(group: Group): readonly Policy[] {
  return group.terminationPolicies
    .flatMap((name) => (name === 'Default' ? defaultPolicies : [name]))
    .flatMap((name) => {
      const policy = policies[name];
      return policy === undefined ? [] : [policy];
    });
}

function least(instances: readonly Instance[], value: (instance: Instance) => number): Instance[] {
  let lowest = Number.POSITIVE_INFINITY;
  for (const instance of instances) lowest = Math.min(lowest, value(instance));
  return instances.filter((instance) => value(instance) === lowest);
}

/** Once for each change of the desired capacity. */
function noteProtection(account: Account, group: Group, cause: string): void {
  const last = group.activities.findLast(({ description }) => description === allProtected);
  if (last?.cause.startsWith(group.cause) === true) return;
  endActivity(account, beginActivity(account, group, { description: allProtected, cause, status: 'InProgress' }), 'Cancelled');
}
