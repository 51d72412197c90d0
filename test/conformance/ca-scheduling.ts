import {
  createSchedulingSnapshot,
  filterOutSchedulable,
  type SchedulingSnapshot,
} from '../../cluster-autoscaler/engine/scheduling/index.ts';
import { createInterner, projectNode, projectPod, type KubeObject, type NodeRecord, type PodRecord } from '../../core/model/index.ts';
import type { VectorCase } from './runners.ts';

/** A fragment of a Kubernetes object: name and namespace may be absent. */
export interface Fragment {
  readonly metadata?: { readonly name?: string; readonly namespace?: string; readonly labels?: Readonly<Record<string, string>> };
  readonly [field: string]: unknown;
}

export interface PlacedNode {
  readonly node: Fragment;
  readonly pods?: readonly Fragment[] | null;
}

const interner = createInterner();

export function podOf(fragment: Fragment, name: string): PodRecord {
  const metadata = { namespace: 'default', name, uid: '', ...fragment.metadata };
  return projectPod({ ...fragment, metadata: { ...metadata, uid: `${metadata.namespace}/${metadata.name}` } } as KubeObject, interner);
}

export function nodeOf(fragment: Fragment): NodeRecord {
  return projectNode({ ...fragment, metadata: { name: '', ...fragment.metadata } }, interner);
}

/** A snapshot with the nodes of a case and the pods on them. */
export function snapshotOf(nodes: readonly PlacedNode[], namespaces?: readonly Fragment[]): SchedulingSnapshot {
  const labels = new Map(
    (namespaces ?? [{ metadata: { name: 'default' } }]).map(({ metadata }) => [metadata?.name ?? '', metadata?.labels ?? {}]),
  );
  const snapshot = createSchedulingSnapshot({ namespaces: labels });
  let serial = 0;
  for (const { node, pods } of nodes) {
    snapshot.addNode(
      nodeOf(node),
      (pods ?? []).map((pod) => podOf(pod, `unnamed-${serial++}`)),
    );
  }
  return snapshot;
}

interface FilterCase {
  readonly nodes: readonly PlacedNode[];
  readonly namespaces?: readonly Fragment[];
  readonly pod: Fragment;
  readonly expected: readonly {
    readonly node: string;
    readonly fits: boolean;
    readonly plugin?: string;
    readonly reasons?: readonly string[];
  }[];
}

interface FilterOutCase {
  readonly nodes: readonly PlacedNode[];
  readonly nodesAcceptable?: boolean;
  readonly pending: readonly Fragment[];
  readonly expected: { readonly stillPending: readonly string[] };
}

/** `ca-scheduling-fit.json` and `ca-scheduling-predicates.json`: the first filter that fails, for each node. Texts changed between releases. */
export function caSchedulingRunner(vector: VectorCase): readonly string[] {
  switch (vector.kind) {
    case 'node-filter':
      return runFilters(vector as unknown as FilterCase);
    case 'filter-out-schedulable':
      return runFilterOut(vector as unknown as FilterOutCase);
    default:
      return [`kind ${vector.kind} is not known`];
  }
}

/** Where a case of filters says what the plugin's messages are: those and ours. Not part of the run, since texts change between releases. */
export function reasonsOf(vector: VectorCase): { readonly wanted: string; readonly given: string | undefined }[] {
  if (vector.kind !== 'node-filter') return [];
  const { nodes, namespaces, pod, expected } = vector as unknown as FilterCase;
  const snapshot = snapshotOf(nodes, namespaces);
  const podClass = snapshot.classOf(podOf(pod, 'incoming'), { bound: true });
  return expected.flatMap(({ node, reasons }) =>
    reasons === undefined ? [] : [{ wanted: reasons.join(', '), given: snapshot.failure(podClass, snapshot.find(node) ?? -1)?.reason }],
  );
}

function runFilters({ nodes, namespaces, pod, expected }: FilterCase): readonly string[] {
  const snapshot = snapshotOf(nodes, namespaces);
  const podClass = snapshot.classOf(podOf(pod, 'incoming'), { bound: true });
  return expected.flatMap(({ node: name, fits, plugin }) => {
    const node = snapshot.find(name);
    if (node === undefined) return [`node ${name} is not in the snapshot`];
    const failure = snapshot.failure(podClass, node);
    const differences: string[] = [];
    if (snapshot.fits(podClass, node) !== fits) differences.push(`${name}: expected fits ${fits}`);
    if (failure?.filter !== plugin) differences.push(`${name}: expected ${plugin ?? 'no failure'}, got ${failure?.filter ?? 'none'}`);
    return differences;
  });
}

function runFilterOut({ nodes, nodesAcceptable, pending, expected }: FilterOutCase): readonly string[] {
  const snapshot = snapshotOf(nodes);
  const pods = pending.map((pod, index) => podOf(pod, `pending-${index}`));
  const result = filterOutSchedulable(snapshot, pods, new Map(), { accept: nodesAcceptable === false ? () => false : undefined });
  const names = result.pending.map((pod) => pod.name).toSorted();
  const wanted = expected.stillPending.toSorted();
  return names.join() === wanted.join() ? [] : [`stillPending: expected ${wanted.join()}, got ${names.join()}`];
}
