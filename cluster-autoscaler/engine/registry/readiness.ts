import type { NodeRecord } from '../../../core/model/index.ts';
import type { NodeCounts } from '../loop/model.ts';

/**
 * How a registered node counts (§4.1): `deleted` when the cloud has it no more, `not-started` while it is younger than its group's longest startup,
 * `unready` when it was up and is not any more.
 */
export type NodeClass = 'deleted' | 'suspended' | 'ready' | 'not-started' | 'unready';

/** Instances without a node: coming, or missing for longer than the group's longest provisioning. */
export type UnregisteredClass = 'unregistered' | 'long-unregistered';

/** Names of nodes and ids of instances of a group, or of the whole cluster, by class. */
export interface Readiness {
  readonly registered: readonly string[];
  readonly ready: readonly string[];
  readonly unready: readonly string[];
  readonly deleted: readonly string[];
  readonly notStarted: readonly string[];
  readonly suspended: readonly string[];
  /** Of the unready ones: those that only lack a device. */
  readonly resourceUnready: readonly string[];
  readonly unregistered: readonly string[];
  readonly longUnregistered: readonly string[];
}

/** A {@link Readiness} while it is counted. */
export type MutableReadiness = { -readonly [List in keyof Readiness]: string[] };

export const noReadiness: Readiness = Object.freeze(emptyReadiness());

export function emptyReadiness(): MutableReadiness {
  return {
    registered: [],
    ready: [],
    unready: [],
    deleted: [],
    notStarted: [],
    suspended: [],
    resourceUnready: [],
    unregistered: [],
    longUnregistered: [],
  };
}

const unreadyProblems = ['DiskPressure', 'NetworkUnavailable'];
const unreadyTaints = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/disk-pressure', 'node.kubernetes.io/network-unavailable'];

/** Ready by condition, without pressure on its disk, with a network, and with none of the taints that say the same. */
export function isReady(node: NodeRecord): boolean {
  return (
    node.ready === 'True' &&
    !node.problems.some((problem) => unreadyProblems.includes(problem)) &&
    !node.taints.some(({ key }) => unreadyTaints.includes(key))
  );
}

/** The class of a node; the first rule that applies. */
export function classify(
  node: NodeRecord,
  facts: { readonly gone: boolean; readonly maxStartupMs: number; readonly now: number },
): NodeClass {
  if (facts.gone) return 'deleted';
  if (node.problems.includes('Suspended')) return 'suspended';
  if (isReady(node)) return 'ready';
  return (node.created ?? 0) + facts.maxStartupMs > facts.now ? 'not-started' : 'unready';
}

const listOf = {
  deleted: 'deleted',
  suspended: 'suspended',
  ready: 'ready',
  'not-started': 'notStarted',
  unready: 'unready',
  unregistered: 'unregistered',
  'long-unregistered': 'longUnregistered',
} as const satisfies Record<NodeClass | UnregisteredClass, keyof Readiness>;

/** Counts one node or instance. */
export function count(readiness: MutableReadiness, name: string, as: NodeClass | UnregisteredClass): void {
  readiness[listOf[as]].push(name);
  if (as !== 'unregistered' && as !== 'long-unregistered') readiness.registered.push(name);
}

/** The numbers for the report. */
export function countsOf(readiness: Readiness): NodeCounts {
  return {
    registered: readiness.registered.length,
    ready: readiness.ready.length,
    unready: readiness.unready.length,
    resourceUnready: readiness.resourceUnready.length,
    notStarted: readiness.notStarted.length,
    suspended: readiness.suspended.length,
    beingDeleted: readiness.deleted.length,
    longUnregistered: readiness.longUnregistered.length,
    unregistered: readiness.unregistered.length,
  };
}
