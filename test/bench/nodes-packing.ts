import { performance } from 'node:perf_hooks';
import { figureSheet, median, rounded, type Figure } from './figure.ts';
import { createInterner, projectNode, projectPod, type KubeObject, type NodeRecord, type PodRecord } from '../../core/model/index.ts';
import type { NodeTemplate } from '../../cluster-autoscaler/engine/model.ts';
import { createLimiter, estimate } from '../../cluster-autoscaler/engine/packing/index.ts';
import {
  createSchedulingSnapshot,
  filterOutSchedulable,
  type SchedulingSnapshot,
} from '../../cluster-autoscaler/engine/scheduling/index.ts';

/**
 * Workloads A and B of specs/peers.md, part 2: the estimator's and the placement of pending pods. Each run begins with pods and nodes as records
 * and ends with the answer, which is checked; milliseconds of wall time.
 */

const sheet = figureSheet('nodes');

/** Pods of a group: one record object for all (as upstream's workload A), one shape for all, or for each its own. */
export type Sharing = 'shape' | 'labels apart' | 'shape apart';

const interner = createInterner();

function makeNode(name: string, resources: Readonly<Record<string, string>>, zone?: string): NodeRecord {
  const labels = { 'kubernetes.io/hostname': name, ...(zone === undefined ? {} : { 'topology.kubernetes.io/zone': zone }) };
  return projectNode({ metadata: { name, labels }, status: { capacity: resources, allocatable: resources } } as KubeObject, interner);
}

function makePod(
  name: string,
  namespace: string,
  requests: Readonly<Record<string, string>>,
  labels?: Readonly<Record<string, string>>,
): PodRecord {
  const metadata = { name, namespace, uid: name, labels };
  return projectPod({ metadata, spec: { containers: [{ name: 'c', resources: { requests } }] } } as KubeObject, interner);
}

/** Pods that differ only in name, or in what `sharing` says. */
function makePods(count: number, template: PodRecord, sharing: Sharing): PodRecord[] {
  return Array.from({ length: count }, (_, index) => {
    const name = `${template.name}-${index}`;
    const pod = { ...template, name, uid: name };
    if (sharing === 'labels apart') return { ...pod, labels: { ...template.labels, pod: name } };
    if (sharing === 'shape') return pod;
    const requests = { ...template.shape.requests, cpu: (template.shape.requests['cpu'] ?? 0) + index };
    return { ...pod, shape: { ...template.shape, requests, containers: [{ ...template.shape.containers[0]!, requests }] } };
  });
}

/** Milliseconds of wall time, and of CPU with the collector's threads, of the runs. */
export interface Measured {
  readonly min: number;
  readonly median: number;
  readonly cpuMedian: number;
}

const notCounted = 3;

/** Runs `work` on what `prepare` makes, `runs` times after three that are not counted. */
function measure<T>(runs: number, prepare: () => T, work: (input: T) => void): Measured {
  const times: number[] = [];
  const cpu: number[] = [];
  for (let run = -notCounted; run < runs; run++) {
    const input = prepare();
    globalThis.gc?.();
    const before = process.cpuUsage();
    const start = performance.now();
    work(input);
    const took = performance.now() - start;
    const { user, system } = process.cpuUsage(before);
    if (run < 0) continue;
    times.push(took);
    cpu.push((user + system) / 1000);
  }
  const sorted = times.toSorted((a, b) => a - b);
  return { min: sorted[0] ?? Number.NaN, median: median(times), cpuMedian: median(cpu) };
}

function check(what: string, wanted: string, given: string): void {
  if (wanted !== given) throw new Error(`${what}: expected ${wanted}, got ${given}`);
}

/** Which way workload A is packed. */
export interface PackingRun {
  readonly runs: number;
  readonly fastPath?: boolean;
  readonly podByPod?: boolean;
}

/** A: 50,000 × 50m/100 B and 1,000 × 95m/190 B onto copies of 1000m/5000 MiB/100 pods, at most 3,000; 2,595 nodes and all pods. */
export function measurePacking({ runs, fastPath, podByPod }: PackingRun): Measured {
  const old = makeNode('oldnode', { cpu: '100m', memory: '100Mi', pods: '10' }, 'zone-jupiter');
  const template: NodeTemplate = { node: makeNode('template', { cpu: '1', memory: '5000Mi', pods: '100' }, 'zone-mars'), pods: [] };
  const labels = { app: 'estimatee' };
  const groups = [
    makePods(50_000, makePod('small', 'universe', { cpu: '50m', memory: '100' }, labels), 'shape'),
    makePods(1000, makePod('large', 'universe', { cpu: '95m', memory: '190' }, labels), 'shape'),
  ];
  const prepare = (): SchedulingSnapshot => {
    const snapshot = createSchedulingSnapshot({ namespaces: new Map() });
    snapshot.addNode(old);
    return snapshot;
  };
  return measure(runs, prepare, (snapshot) => {
    // The class of every pod is looked up, as a caller has to that is handed pods.
    const classes = groups.map((pods) => {
      const podClass = snapshot.classOf(pods[0]!);
      for (const pod of pods) if (snapshot.classOf(pod) !== podClass) throw new Error('pods of a group are of one class');
      return { podClass, count: pods.length };
    });
    const limiter = createLimiter([{ nodes: 3000, durationMs: 10_000 }], () => performance.now());
    const { nodes, pods, perGroup } = estimate(snapshot, template, classes, { limiter, fastPath, podByPod });
    check('workload A', '2595 nodes, 51000 pods: 50000,1000', `${nodes} nodes, ${pods} pods: ${perGroup.join()}`);
  });
}

/** Size of workload B. */
export interface PendingRun {
  readonly nodes: number;
  readonly running: number;
  readonly pending: number;
  readonly sharing: Sharing;
  readonly runs: number;
}

/** B: pending pods of 1000m/2,000,000 B on nodes of 2000m/200,000 B with running pods of 1000m/200,000 B: none fits, all stay pending. */
export function measurePending({ nodes, running, pending, sharing, runs }: PendingRun): Measured {
  const records = Array.from({ length: nodes }, (_, index) => makeNode(`n-${index}`, { cpu: '2', memory: '200000', pods: '100' }));
  const there = makePods(running, makePod('running', 'default', { cpu: '1', memory: '200000' }), 'shape');
  const pods = makePods(pending, makePod('pending', 'default', { cpu: '1', memory: '2000000' }), sharing);
  const prepare = (): SchedulingSnapshot => {
    const snapshot = createSchedulingSnapshot({ namespaces: new Map() });
    for (const [index, record] of records.entries()) {
      snapshot.addNode(
        record,
        there.filter((_, pod) => pod % nodes === index),
      );
    }
    return snapshot;
  };
  return measure(runs, prepare, (snapshot) => {
    const result = filterOutSchedulable(snapshot, pods, new Map());
    check('workload B', `${pending} pending, 0 placed`, `${result.pending.length} pending, ${result.placed.length} placed`);
  });
}

/** Asked for: milliseconds. Upstream's best here: A 2,750, with its opt-in fast path 24; B 5,350 and 4,380. */
const limits = { packing: 12, pending: 50 };

/** The figures of both workloads; a wrong answer ends the bench. */
export function packingFigures(runs = 15): Figure[] {
  const packing = 'estimate of 51,000 pods onto 2,595 nodes (A)';
  const quick = measurePacking({ runs });
  const slow = measurePacking({ runs: Math.ceil(runs / 3), podByPod: true });
  return [
    {
      ...figure(packing, quick.min, limits.packing),
      against: { name: 'pod by pod', value: rounded(slow.min) },
      ratio: rounded(slow.min / quick.min),
    },
    figure(`${packing}, upstream's fast path`, measurePacking({ runs, fastPath: true }).min, limits.packing),
    ...pendingCases.map(({ sharing, asked, ...size }) =>
      figure(
        `${size.pending.toLocaleString('en')} hopeless pods, ${size.nodes} nodes (B)${sharing === 'shape' ? '' : `, ${sharing}`}`,
        measurePending({ ...size, sharing, runs: sharing === 'shape' ? runs : Math.ceil(runs / 3) }).min,
        asked,
      ),
    ),
  ];
}

const pendingCases: readonly (Omit<PendingRun, 'runs'> & { readonly asked: number | null })[] = [
  { nodes: 1, running: 30, pending: 1000, sharing: 'shape', asked: null },
  { nodes: 10, running: 300, pending: 1000, sharing: 'shape', asked: null },
  { nodes: 100, running: 3000, pending: 1000, sharing: 'shape', asked: null },
  { nodes: 200, running: 200, pending: 60_000, sharing: 'shape', asked: limits.pending },
  { nodes: 1000, running: 1000, pending: 12_000, sharing: 'shape', asked: limits.pending },
  { nodes: 200, running: 200, pending: 60_000, sharing: 'labels apart', asked: null },
  { nodes: 200, running: 200, pending: 60_000, sharing: 'shape apart', asked: null },
  { nodes: 1000, running: 1000, pending: 12_000, sharing: 'shape apart', asked: null },
];

function figure(name: string, value: number, limit: number | null): Figure {
  return sheet.figure(`${name}, fastest run`, value, 'ms', limit);
}
