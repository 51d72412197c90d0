import type { NodeRecord } from '../../../core/model/index.ts';
import type { NodeGroup, UnremovableReason } from '../model.ts';
import { isReady } from '../registry/index.ts';
import type { Delay } from './delays.ts';
import { groupCooldown } from './delays.ts';
import { isScaleDownDisabled } from './eligibility.ts';
import type { Removal } from './removal.ts';

/** A node whose removal was simulated with success. */
export interface Unneeded {
  /** In the list of nodes handed in. */
  readonly index: number;
  readonly node: NodeRecord;
  readonly group: NodeGroup;
  readonly removal: Removal;
  readonly share: number;
  /** First loop in a row in which it was removable. */
  readonly since: number;
  readonly kind: 'empty' | 'drain';
}

/** Why an unneeded node does not go now, for the report. */
export interface Held {
  readonly reason: UnremovableReason;
  /** When the reason ends by itself. */
  readonly until?: number | undefined;
  readonly message: string;
  /** Resources of which the cluster would fall below its minimum. */
  readonly limits?: readonly LimitedResource[] | undefined;
}

/** `cpu` (cores), `memory` (GiB), or a type of GPU. */
export type LimitedResource = string;

/** Amounts by resource. */
export type Resources = Readonly<Record<LimitedResource, number>>;

/** What the gate counts down while nodes pass. */
export interface GateFacts {
  readonly now: number;
  /** Deletions by group that ran when the loop began. */
  readonly running: ReadonlyMap<string, number>;
  /** Registered nodes by group. */
  readonly registered: ReadonlyMap<string, number>;
  /** What of the whole cluster may go before a minimum is reached; of resources that have one. */
  readonly spare: Resources;
  /** What goes with a node. */
  readonly resourcesOf: (node: NodeRecord) => Resources;
}

/** What comes out of the gate. */
export interface GateResult {
  /** In order: empty nodes, then those to drain, risky ones last. */
  readonly due: readonly Unneeded[];
  readonly held: ReadonlyMap<Unneeded, Held>;
}

/** How long a node has to be unneeded: longer than this, or not at all if it is 0. */
export function waitOf({ node, group }: Pick<Unneeded, 'node' | 'group'>): number {
  return isReady(node) ? group.options.unneededMs : group.options.unreadyMs;
}

/**
 * Unneeded nodes that may go (§13.7), in the order given, empty ones first; sizes and minimum resources count down over the nodes that pass, so that
 * a node which a budget drops later has used up room (§27.10).
 */
export function throughGate(unneeded: readonly Unneeded[], facts: GateFacts): GateResult {
  const held = new Map<Unneeded, Held>();
  const passed: Unneeded[] = [];
  const check = createGate(facts);
  const ordered = [...unneeded.filter(({ kind }) => kind === 'empty'), ...unneeded.filter(({ kind }) => kind === 'drain')];
  for (const each of ordered) {
    const hold = check(each);
    if (hold === undefined) passed.push(each);
    else held.set(each, hold);
  }
  for (const each of brokenGroups(passed, facts)) {
    held.set(each, {
      reason: 'AtomicScaleDownFailed',
      message: `its group ${each.group.id} is removed as a whole or not at all, and others of its nodes have to stay`,
    });
  }
  for (const each of passed) {
    const [pod] = each.removal.waitFor;
    if (pod === undefined || held.has(each)) continue;
    held.set(each, { reason: 'BlockedByOnCompletionPod', message: `pod ${pod.namespace}/${pod.name} is to run to its completion` });
  }
  const free = passed.filter((each) => !held.has(each));
  return { due: [...free.filter(({ removal }) => !removal.risky), ...free.filter(({ removal }) => removal.risky)], held };
}

function createGate({ now, running, spare, resourcesOf }: GateFacts): (unneeded: Unneeded) => Held | undefined {
  const passedOf = new Map<string, number>();
  const cooldowns = new Map<string, Delay | undefined>();
  const cooldownOf = (group: NodeGroup): Delay | undefined => {
    if (!cooldowns.has(group.id)) cooldowns.set(group.id, groupCooldown(group, now));
    return cooldowns.get(group.id);
  };
  const left = new Map(Object.entries(spare));
  return ({ node, group, since }) => {
    if (isScaleDownDisabled(node)) return { reason: 'ScaleDownDisabledAnnotation', message: 'scale-down is disabled on it by annotation' };
    const wait = waitOf({ node, group });
    const until = since + wait;
    if (wait > 0 && until >= now) {
      const reason = isReady(node) ? 'NotUnneededLongEnough' : 'NotUnreadyLongEnough';
      return { reason, until, message: '' };
    }
    const delay = cooldownOf(group);
    if (delay !== undefined)
      return { reason: 'InCooldown', until: delay.until, message: `scale-down of its group waits after ${delay.after}` };
    const passed = passedOf.get(group.id) ?? 0;
    const size = group.targetSize - (running.get(group.id) ?? 0) - passed;
    if (size <= group.minSize) {
      const message = `its group ${group.id} would fall below its minimum of ${group.minSize} (${size} nodes without those that go)`;
      return { reason: 'NodeGroupMinSizeReached', message };
    }
    if (!group.options.actionable) {
      passedOf.set(group.id, passed + 1);
      return { reason: 'PolicyHolds', message: `the policy of its group ${group.id} does not let it be changed` };
    }
    const need = left.size === 0 ? {} : resourcesOf(node);
    const limits = [...left].flatMap(([name, rest]) => ((need[name] ?? 0) > rest ? [name] : []));
    const [limit] = limits;
    if (limit !== undefined) {
      const message = `the cluster would fall below its minimum of ${wordOf(limit)}`;
      return { reason: 'MinimalResourceLimitExceeded', message, limits };
    }
    for (const [name, rest] of left) left.set(name, rest - (need[name] ?? 0));
    passedOf.set(group.id, passed + 1);
    return undefined;
  };
}

/** Nodes of groups that are removed as a whole and cannot be now: neither all that were asked for passed, nor all that are registered. */
function brokenGroups(passed: readonly Unneeded[], { registered }: GateFacts): readonly Unneeded[] {
  const counts = new Map<string, number>();
  const whole = passed.filter(({ group }) => group.options.zeroOrMax);
  for (const { group } of whole) counts.set(group.id, (counts.get(group.id) ?? 0) + 1);
  return whole.filter(({ group }) => {
    const count = counts.get(group.id);
    return count !== group.targetSize && count !== registered.get(group.id);
  });
}

function wordOf(resource: LimitedResource): string {
  if (resource === 'memory') return resource;
  return resource === 'cpu' ? 'cores' : `GPUs of type ${resource}`;
}
