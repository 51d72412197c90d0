import type { Account } from './account.ts';
import { at, beginActivity, causes, endActivity } from './activities.ts';
import { launch } from './instance-life.ts';
import { inOrder, launchOptions, type LaunchOption } from './launch-options.ts';
import { counts, type Group, type Instance, type Market, type Subnet } from './model.ts';

/** What the instances that count are worth against the desired capacity. */
export function unitsOf(group: Group, market?: Market): number {
  let units = 0;
  for (const instance of group.instances.values()) {
    if (counts(instance) && (market === undefined || instance.market === market)) units += instance.weight;
  }
  return units;
}

/** The group's zones, those with the fewest instances first; the order of the group decides between equals. */
export function emptiestFirst(group: Group, numbers: ReadonlyMap<string, number> = zoneCounts(group)): readonly Subnet[] {
  return group.subnets.toSorted((a, b) => (numbers.get(a.zone) ?? 0) - (numbers.get(b.zone) ?? 0));
}

/** Instances that count, of each zone of the group. */
export function zoneCounts(group: Group): Map<string, number> {
  const numbers = new Map(group.subnets.map(({ zone }) => [zone, 0]));
  for (const instance of group.instances.values()) {
    if (counts(instance)) numbers.set(instance.zone, (numbers.get(instance.zone) ?? 0) + 1);
  }
  return numbers;
}

/** How many units of the desired capacity are to be of each market; the share of on-demand is rounded up. */
export function marketTargets(group: Group, allSpot: boolean): ReadonlyMap<Market, number> {
  const { desired, source } = group;
  if (source.kind !== 'mixed') return new Map([[allSpot ? 'spot' : 'on-demand', desired]]);
  const base = Math.min(desired, source.policy.onDemandBase);
  const onDemand = base + Math.ceil(((desired - base) * source.policy.onDemandPercentage) / 100);
  return new Map([
    ['on-demand', onDemand],
    ['spot', desired - onDemand],
  ]);
}

interface Round {
  readonly account: Account;
  readonly group: Group;
  readonly options: readonly LaunchOption[];
  readonly mixed: boolean;
  readonly cause: string;
  /** `<market>/<zone>` that had nothing in this round: one failed activity is enough. */
  readonly empty: Set<string>;
  /** Kept while the round launches: a group may be thousands. */
  readonly zones: Map<string, number>;
}

/** Launches what is missing; a failure becomes an activity, and a date for the next try. */
export function scaleOut(account: Account, group: Group): void {
  const from = unitsOf(group);
  const started = `an instance was started in response to a difference between desired and actual capacity, increasing the capacity from ${from} to ${group.desired}`;
  const cause = causes(group.cause, at(account, started));
  const found = launchOptions(account, group);
  if (!found.ok || found.options.length === 0) {
    failed(account, group, { cause, message: found.ok ? 'No instance type satisfies the instance requirements' : found.message });
    group.actAt = account.clock.now() + account.draw('retry');
    return;
  }
  const round: Round = { account, group, options: found.options, mixed: found.mixed, cause, empty: new Set(), zones: zoneCounts(group) };
  let total = from;
  let short = false;
  for (const [market, target] of marketTargets(group, found.spot)) {
    let units = unitsOf(group, market);
    while (units < target && total < group.desired) {
      const instance = launchNext(round, market);
      if (instance === undefined) {
        short = true;
        break;
      }
      units += instance.weight;
      total += instance.weight;
    }
  }
  if (short) group.actAt = account.clock.now() + account.draw('retry');
}

/** One instance in the emptiest zone that has room; undefined when none has. */
function launchNext(round: Round, market: Market): Instance | undefined {
  const { account, group, mixed, cause, empty, zones } = round;
  for (const subnet of emptiestFirst(group, zones)) {
    const pool = `${market}/${subnet.zone}`;
    if (empty.has(pool)) continue;
    const choice = choose(round, subnet, market);
    if ('option' in choice) {
      zones.set(subnet.zone, (zones.get(subnet.zone) ?? 0) + 1);
      return launch(account, group, { option: choice.option, market, subnet, cause });
    }
    failed(account, group, { cause, message: wrapped(choice, { mixed, market }), subnet });
    // A quota is the same in every zone.
    if (choice.code === 'VcpuLimitExceeded') return undefined;
    empty.add(pool);
  }
  return undefined;
}

interface Shortage {
  readonly code: 'InsufficientInstanceCapacity' | 'VcpuLimitExceeded' | 'UnfulfillableCapacity';
  readonly message: string;
}

type Choice = { readonly option: LaunchOption } | Shortage;

function choose({ account, group, options }: Pick<Round, 'account' | 'group' | 'options'>, { zone }: Subnet, market: Market): Choice {
  const { capacity } = account;
  let quota: number | undefined;
  let empty: LaunchOption | undefined;
  for (const option of inOrder(options, { account, group, zone, market })) {
    const exceeded = capacity.exceededQuota({ type: option.type, zone, market });
    if (exceeded !== undefined) quota ??= exceeded;
    else if (capacity.available({ type: option.type.name, zone, market }) > 0) return { option };
    else empty ??= option;
  }
  if (empty === undefined && quota !== undefined) return { code: 'VcpuLimitExceeded', message: quotaMessage(quota) };
  if (market === 'spot') return { code: 'UnfulfillableCapacity', message: unfulfillable };
  return { code: 'InsufficientInstanceCapacity', message: capacityMessage(account, empty?.type.name ?? '', zone) };
}

/** Whether the group could launch one in this zone now. */
export function couldLaunch(account: Account, group: Group, subnet: Subnet): boolean {
  return balancingOption(account, group, subnet) !== undefined;
}

/** One instance in a given zone, beyond the desired capacity if need be; undefined when the zone has no room. */
export function launchIn(account: Account, group: Group, subnet: Subnet, cause: string): Instance | undefined {
  const found = balancingOption(account, group, subnet);
  return found === undefined ? undefined : launch(account, group, { ...found, subnet, cause });
}

function balancingOption(
  account: Account,
  group: Group,
  subnet: Subnet,
): { readonly option: LaunchOption; readonly market: Market } | undefined {
  const found = launchOptions(account, group);
  if (!found.ok) return undefined;
  const targets = [...marketTargets(group, found.spot)];
  // The market in which there are the most to be replaced.
  const market = targets.toSorted(([, a], [, b]) => b - a)[0]?.[0] ?? 'on-demand';
  const choice = choose({ account, group, options: found.options }, subnet, market);
  return 'option' in choice ? { option: choice.option, market } : undefined;
}

interface Failure {
  readonly cause: string;
  readonly message: string;
  readonly subnet?: Subnet;
}

function failed(account: Account, group: Group, { cause, message, subnet }: Failure): void {
  const activity = beginActivity(account, group, {
    description: 'Launching a new EC2 instance',
    cause,
    status: 'InProgress',
    ...(subnet !== undefined && { zone: subnet.zone, subnet: subnet.id }),
  });
  endActivity(account, activity, 'Failed', `${message}. Launching EC2 instance failed.`);
}

/** A group that launches through a fleet request (mixed policies) says which part of it failed, and the code. */
function wrapped({ code, message }: Shortage, { mixed, market }: { readonly mixed: boolean; readonly market: Market }): string {
  if (!mixed && market === 'on-demand') return message;
  return `Could not launch ${market === 'spot' ? 'Spot' : 'On-Demand'} Instances. ${code} - ${message}`;
}

const unfulfillable = 'Unable to fulfill capacity due to your request configuration. Please adjust your request and try again';

function quotaMessage(vcpus: number): string {
  return `You have requested more vCPU capacity than your current vCPU limit of ${vcpus} allows for the instance bucket that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit`;
}

function capacityMessage(account: Account, type: string, zone: string): string {
  const others = account.zones.filter(
    (other) => other !== zone && account.capacity.available({ type, zone: other, market: 'on-demand' }) > 0,
  );
  const advice =
    others.length === 0
      ? ''
      : `. You can currently get ${type} capacity by not specifying an Availability Zone in your request or choosing ${others.join(', ')}`;
  return `We currently do not have sufficient ${type} capacity in the Availability Zone you requested (${zone}). Our system will be working on provisioning additional capacity${advice}`;
}
