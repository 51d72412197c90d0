import type { LabelMatcher } from '../cluster/controllers/runtime/label-selector.ts';
import type { KubeNode, Pod } from '../cluster/controllers/kinds.ts';
import { filterNode, startCycle, type Cycle } from '../cluster/scheduler/cycle.ts';
import { createNodeTable, type NodeTable } from '../cluster/scheduler/node-table.ts';
import { createNominations } from '../cluster/scheduler/nominations.ts';
import { createPlacer, type Placement } from '../cluster/scheduler/placement.ts';
import type { PodCompiler, PodInfo } from '../cluster/scheduler/pod-info.ts';

/**
 * How the scheduler chooses among the nodes that pass the filters (those of the embedded cluster's scheduler, in both cases).
 * `first-fit`: the first by name, as in the recorded paths. `kube-scheduler`: kube-scheduler's default scores (least allocated, balanced, spreading by set and by
 * preferences); of equals the node that came first.
 */
export type PlacementRule = 'first-fit' | 'kube-scheduler';

/** What a round of scheduling looks at. */
export interface PlacementRound {
  /** Nodes that take pods, by name. */
  readonly nodes: readonly KubeNode[];
  readonly placed: readonly { readonly pod: Pod; readonly node: string }[];
  /** In the order in which they are tried; each sees where the ones before it went. */
  readonly pending: readonly Pod[];
  readonly namespaceLabels: (namespace: string) => Readonly<Record<string, string>>;
  readonly rule: PlacementRule;
}

/** Where pending pods go: node by name of the pod. Those that fit nowhere are left out. No preemption. */
export function placePending(
  compiler: PodCompiler,
  { nodes, placed, pending, namespaceLabels, rule }: PlacementRound,
): ReadonlyMap<string, string> {
  const table = createNodeTable();
  for (const node of nodes) table.setNode(node);
  for (const { pod, node } of placed) table.addPod(compiler.compile(pod), node);
  const place = createPlacer({
    table,
    // Of equal nodes the first stays.
    random: () => 1,
    nominations: createNominations(),
    namespaceLabels,
    ownerSelector: (pod) => (pod.owner === undefined ? undefined : ownerSelector(pod)),
  });
  const found = new Map<string, string>();
  for (const pod of pending) {
    const info = compiler.compile(pod);
    const cycle = startCycle(info, table, namespaceLabels);
    const node = rule === 'first-fit' ? firstFit(cycle, table, nodes) : nodeOf(place(cycle));
    if (node === undefined) continue;
    found.set(pod.metadata.name, node);
    table.addPod(info, node);
  }
  return found;
}

function firstFit(cycle: Cycle, table: NodeTable, nodes: readonly KubeNode[]): string | undefined {
  return nodes
    .map(({ metadata }) => metadata.name)
    .find((name) => {
      const node = table.byName(name);
      return node !== undefined && filterNode(cycle, node) === undefined;
    });
}

function nodeOf(placement: Placement): string | undefined {
  return 'node' in placement ? placement.node.name : undefined;
}

/** The selector of the set that owns a pod: sets of a scene select by the labels that their pods have. One for each kind of pods. */
const selectors = new WeakMap<PodInfo['group'], LabelMatcher>();

function ownerSelector({ group }: PodInfo): LabelMatcher {
  let selector = selectors.get(group);
  if (selector === undefined) {
    const wanted = Object.entries(group.labels);
    selector = (labels) => wanted.every(([key, value]) => labels[key] === value);
    selectors.set(group, selector);
  }
  return selector;
}
