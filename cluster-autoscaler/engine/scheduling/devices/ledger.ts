import { matchesNodeSelector, type PodRecord } from '../../../../core/model/index.ts';
import type { FilterFailure, NodeTemplate } from '../../model.ts';
import { allocate, type AllocationOutcome, type ClaimAllocation } from './allocate.ts';
import { createJournal } from './journal.ts';
import { deviceKey, type DeviceClaim, type DeviceFacts } from './model.ts';
import { createNeedsReader, notSimulated, type DeviceNeeds } from './pod-needs.ts';
import { createSliceIndex, type DevicePool } from './pools.ts';

/** A node as the ledger knows it. */
export interface DeviceNode {
  /** Never used again for another node. */
  readonly id: number;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** What it is a copy of; `undefined` for a real node. */
  readonly template: NodeTemplate | undefined;
}

/** Who has which device, and the filter DynamicResources. Nodes come before they are asked about. */
export interface DeviceLedger {
  /** Whether pods that are on nodes may hold anything. */
  readonly knowsClaims: boolean;
  needsOf(pod: PodRecord): DeviceNeeds;
  /** Why the node cannot have a pod with these needs. */
  failure(needs: DeviceNeeds, node: DeviceNode): FilterFailure | undefined;
  /** A pod comes to the node; `pod` is absent for one without a name. Where it has no devices it comes without, as a pod that nobody asked the filter about. */
  take(needs: DeviceNeeds, node: DeviceNode, pod: PodRecord | undefined): void;
  /** A pod leaves the node. */
  leave(pod: PodRecord, node: number): void;
  /** The node comes, with pods that are on it. */
  appear(node: DeviceNode, pods: readonly PodRecord[]): void;
  /** The node goes with its pods. */
  disappear(node: number): void;
  fork(): void;
  /** Everything is as it was at the last fork. */
  revert(): void;
  commit(): void;
}

/** A claim that pods share. */
interface SharedClaim {
  readonly allocation: Placed | undefined;
  readonly users: number;
}

/** Devices and where they can be used from. */
interface Placed {
  readonly keys: readonly string[];
  readonly reaches: (node: DeviceNode) => boolean;
}

/** What a pod has on its node. */
interface Holding {
  /** `namespace/name`; `undefined`: it has no name. */
  readonly pod: string | undefined;
  /** Of devices that it alone has. */
  readonly keys: readonly string[];
  /** Claims that it shares. */
  readonly shared: readonly string[];
}

const unavailable: FilterFailure = { filter: 'DynamicResources', reason: 'resourceclaim not available on the node' };
const nothingToDo: AllocationOutcome = { state: 'allocated', claims: [] };

export function createDeviceLedger(facts: DeviceFacts | undefined): DeviceLedger {
  const journal = createJournal();
  const needsOf = createNeedsReader(facts);
  const slices = createSliceIndex(facts?.slices ?? []);
  const used = new Set<string>();
  const claims = new Map<string, SharedClaim>();
  const holdings = new Map<number, readonly Holding[]>();
  const pools = new Map<number | NodeTemplate, readonly DevicePool[]>();
  const hasClaims = facts !== undefined && facts.claims.size > 0;
  for (const claim of facts?.claims.values() ?? []) for (const key of keysOf(claim)) used.add(key);

  const set = <K, V>(map: Map<K, V>, key: K, value: V): void => {
    const before = map.get(key);
    journal.write(() => (before === undefined ? map.delete(key) : map.set(key, before)));
    map.set(key, value);
  };
  const occupy = (keys: readonly string[]): void => {
    for (const key of keys) {
      if (used.has(key)) continue;
      used.add(key);
      journal.write(() => used.delete(key));
    }
  };
  const free = (keys: readonly string[]): void => {
    for (const key of keys) if (used.delete(key)) journal.write(() => used.add(key));
  };
  const shared = (key: string, claim: DeviceClaim | undefined): SharedClaim => claims.get(key) ?? asStored(claim);
  const poolsOf = (node: DeviceNode): readonly DevicePool[] => {
    const { template, id, name } = node;
    // Copies differ in their names only, by which only slices that are not theirs alone could go.
    const key = template === undefined || slices.anyShared ? id : template;
    let known = pools.get(key);
    const own = template === undefined ? slices.ofNode(name) : (template.slices ?? []);
    if (known === undefined) pools.set(key, (known = slices.poolsOf(node, own)));
    return known;
  };
  const outcomeOf = (needs: DeviceNeeds, node: DeviceNode): AllocationOutcome => {
    const specs = needs.claims.flatMap((need) => {
      if (need.kind === 'own') return [need.spec];
      return need.kind === 'shared' && shared(need.key, need.claim).allocation === undefined ? [need.claim.spec] : [];
    });
    if (specs.length === 0 || facts === undefined) return nothingToDo;
    return allocate({ claims: specs, pools: poolsOf(node), node, facts, scope: scopeOf(node), inUse: (key) => used.has(key) });
  };
  const isAvailable = (needs: DeviceNeeds, node: DeviceNode): boolean =>
    needs.claims.every((need) => {
      if (need.kind === 'held') return need.selector === undefined || matchesNodeSelector(need.selector, node);
      return need.kind === 'own' || (shared(need.key, need.claim).allocation?.reaches(node) ?? true);
    });
  const add = (node: DeviceNode, holding: Holding): void => set(holdings, node.id, [...(holdings.get(node.id) ?? []), holding]);
  const release = ({ keys, shared: names }: Holding): void => {
    free(keys);
    for (const key of names) {
      const { allocation, users } = shared(key, facts?.claims.get(key));
      // Whom nobody uses any more is given back, as the controller of claims does.
      const left = users - 1;
      if (left <= 0 && allocation !== undefined) free(allocation.keys);
      set(claims, key, { allocation: left <= 0 ? undefined : allocation, users: Math.max(0, left) });
    }
  };

  return {
    knowsClaims: hasClaims,
    needsOf,
    failure: (needs, node) => {
      if (needs.rejection !== undefined) return needs.rejection;
      const outcome = outcomeOf(needs, node);
      if (outcome.state === 'refused') return { filter: 'DynamicResources', reason: outcome.reason };
      if (outcome.state === 'unknown') return { filter: 'DynamicResources', reason: `${notSimulated}${outcome.reason}` };
      return isAvailable(needs, node) ? undefined : unavailable;
    },
    take: (needs, node, pod) => {
      const outcome = outcomeOf(needs, node);
      const found = outcome.state === 'allocated' ? outcome.claims : undefined;
      let next = 0;
      const keys: string[] = [];
      const names: string[] = [];
      for (const need of needs.claims) {
        if (need.kind === 'held') continue;
        if (need.kind === 'own') {
          keys.push(...(found?.[next++]?.keys ?? []));
          continue;
        }
        const { allocation, users } = shared(need.key, need.claim);
        const fresh = allocation === undefined ? placed(found?.[next++], node) : allocation;
        if (allocation === undefined) occupy(fresh?.keys ?? []);
        set(claims, need.key, { allocation: fresh, users: users + 1 });
        names.push(need.key);
      }
      occupy(keys);
      add(node, { pod: pod === undefined ? undefined : nameOf(pod), keys, shared: names });
    },
    leave: (pod, node) => {
      const name = nameOf(pod);
      const held = holdings.get(node) ?? [];
      const holding = held.find((each) => each.pod === name);
      if (holding === undefined) return;
      set(
        holdings,
        node,
        held.filter((each) => each !== holding),
      );
      release(holding);
    },
    appear: (node, pods) => {
      if (node.template !== undefined) occupy((node.template.heldDevices ?? []).map((key) => `${scopeOf(node)}${key}`));
      else if (facts !== undefined) {
        for (const pod of pods) {
          if (pod.shape.resourceClaims.length === 0) continue;
          const holding = holdingOf(pod, facts);
          add(node, holding);
          for (const key of holding.shared) {
            const claim = facts.claims.get(key);
            // Whoever has it is mostly written down in it.
            if (claim?.reservedFor.includes(pod.uid) === true) continue;
            const { allocation, users } = shared(key, claim);
            set(claims, key, { allocation, users: users + 1 });
          }
        }
      }
    },
    disappear: (node) => {
      const held = holdings.get(node);
      if (held === undefined) return;
      for (const holding of held) release(holding);
      set(holdings, node, []);
    },
    fork: () => journal.fork(),
    revert: () => journal.revert(),
    commit: () => journal.commit(),
  };
}

function nameOf({ namespace, name }: PodRecord): string {
  return `${namespace}/${name}`;
}

/** Real nodes have devices of their own names; copies of one template would all have the same. */
function scopeOf({ id, template }: DeviceNode): string {
  return template === undefined ? '' : `${id}#`;
}

/** Devices that nobody else may have. */
function keysOf({ allocation }: DeviceClaim): readonly string[] {
  return (allocation?.devices ?? [])
    .filter(({ adminAccess, shared }) => !adminAccess && !shared)
    .map(({ driver, pool, device }) => deviceKey(driver, pool, device));
}

function asStored(claim: DeviceClaim | undefined): SharedClaim {
  if (claim === undefined) return { allocation: undefined, users: 0 };
  const { allocation, reservedFor } = claim;
  if (allocation === undefined) return { allocation: undefined, users: reservedFor.length };
  const { selector } = allocation;
  return {
    allocation: { keys: keysOf(claim), reaches: (node) => selector === undefined || matchesNodeSelector(selector, node) },
    users: reservedFor.length,
  };
}

function placed(found: ClaimAllocation | undefined, node: DeviceNode): Placed | undefined {
  if (found === undefined) return undefined;
  const { keys, tied, selectors } = found;
  return {
    keys,
    reaches: (other) => (tied ? other.id === node.id : selectors.every((selector) => matchesNodeSelector(selector, other))),
  };
}

/** What a pod that is on a node has according to its claims. */
function holdingOf(pod: PodRecord, { claims }: DeviceFacts): Holding {
  const keys: string[] = [];
  const shared: string[] = [];
  for (const { name, claim } of pod.shape.resourceClaims) {
    if (claim !== undefined) {
      shared.push(`${pod.namespace}/${claim}`);
      continue;
    }
    const own = claims.get(`${pod.namespace}/${pod.ownResourceClaims?.get(name) ?? ''}`);
    if (own !== undefined) keys.push(...keysOf(own));
  }
  return { pod: nameOf(pod), keys, shared };
}
