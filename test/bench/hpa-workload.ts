import { createInterner, type Interner } from '../../core/model/interner.ts';
import { queryKey, type ExternalQuery } from '../../core/model/metric-query.ts';
import type { MetricsView, PodUsage, QueryResult } from '../../core/model/metrics-view.ts';
import { projectPod, type PodRecord } from '../../core/model/pod.ts';
import type { UsageColumns } from '../../core/model/metrics-view.ts';
import type { PodChange, PodSource } from '../../hpa/batch/index.ts';
import type { MetricSpec, ScalingPolicy } from '../../hpa/index.ts';
import { createMetricsView } from '../../metrics-aggregator/engine/metrics-view.ts';
import { createUsageStore } from '../../metrics-aggregator/store/usage-store.ts';
import type { UsageTable } from '../../metrics-aggregator/store/usage-table.ts';
import { usageTableOf } from '../../metrics-aggregator/store/usage-table-builder.ts';

/**
 * The workload of `specs/peers.md` part 4, exactly: T targets of 15 pods, target t in namespace ns-(t mod NS), pods t<t>-p<0..14> with label app=t<t>, one
 * container that requests 500m, ready for an hour; usage round(250·(0.5+u)) m of mulberry32(42) in target-then-pod order; target 50 %, tolerance 0.1, 15 replicas.
 */
export const podsPerTarget = 15;
/** What upstream asks for, all targets together. */
export const checkSums: Readonly<Record<number, number>> = { 1_000: 14_994, 10_000: 150_046 };

export interface WorkloadOptions {
  readonly targets: number;
  readonly namespaces: number;
  /** Each policy has an external metric too, which asks for less than its CPU. */
  readonly external: boolean;
  /** Share of the targets that have another load in each tick; what they had before goes to others. Every sample is another one in any case. */
  readonly movingShare: number;
  /**
   * True: views hand over their usage in columns (`columns` of hpa/batch/usage-columns.ts), as the store has them; where they cannot yet, the bench hands over
   * the same columns in their place. False: an object for each pod.
   */
  readonly columns: boolean;
}

export interface Workload {
  readonly options: WorkloadOptions;
  readonly policies: readonly ScalingPolicy[];
  readonly keys: readonly string[];
  readonly pods: BenchPods;
  /** The next answers of the metrics APIs. */
  next(now: number): Promise<MetricsView>;
  /** Other records of a hundredth of the pods, a third of them pods of another name in place of one that went. */
  churn(now: number): readonly PodChange[];
}

export interface BenchPods extends PodSource {
  apply(changes: readonly PodChange[]): void;
}

export function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function createWorkload(options: WorkloadOptions, start: number): Workload {
  const { targets } = options;
  const count = targets * podsPerTarget;
  const random = mulberry32(42);
  const usage = Float64Array.from({ length: count }, () => Math.round(250 * (0.5 + random())));
  /** Whose load each target has. */
  const loads = Int32Array.from({ length: targets }, (_, target) => target);
  const interner = createInterner();
  const namespaces = Array.from({ length: options.namespaces }, (_, at) => `ns-${at}`);
  const namespaceOf = (at: number): string => namespaces[Math.floor(at / podsPerTarget) % options.namespaces] ?? '';
  let names = Array.from({ length: count }, (_, at) => `t${Math.floor(at / podsPerTarget)}-p${at % podsPerTarget}`);
  const recordOf = (at: number, readyAt: number): PodRecord =>
    podRecord({ name: names[at] ?? '', namespace: namespaceOf(at), at, readyAt }, interner);
  const records = names.map((_, at) => recordOf(at, start - 3_600_000));
  const store = createUsageStore();
  let round = -1;

  return {
    options,
    policies: Array.from({ length: targets }, (_, at) => policyOf(at, namespaces[at % options.namespaces] ?? '', options.external)),
    keys: Array.from({ length: targets }, (_, at) => `${namespaces[at % options.namespaces] ?? ''}/t${at}`),
    pods: benchPods(records),
    next: async (now) => {
      round += 1;
      if (round > 0) moveLoads(loads, options.movingShare, random);
      const samples = names.map((name, at): PodUsage => {
        const from = (loads[Math.floor(at / podsPerTarget)] ?? 0) * podsPerTarget + ((at + round) % podsPerTarget);
        const containers = [{ name: 'app', cpuMilli: usage[from], memoryMilli: 268_435_456_000 }];
        return { namespace: namespaceOf(at), name, timestamp: now - 5_000, windowMs: 15_000, containers };
      });
      const table = usageTableOf(samples);
      await store.ingest({ pods: table, nodes: [] }, now);
      const view = createMetricsView({
        at: now,
        sequence: round + 1,
        usage: store.snapshot({ at: now, maxAgeMs: 180_000, publish: true }),
        usageSource: 'metrics.k8s.io',
        resourceSource: { healthy: true, lastSuccess: now },
        usageDoubt: undefined,
        unscrapedNodes: new Map(),
        startGraceMs: 60_000,
        queries: options.external ? queriesOf(targets, namespaces, { now, round }) : new Map(),
        sources: [],
      });
      return withColumns(view, options.columns ? table : undefined);
    },
    churn: (now) => {
      const changes: PodChange[] = [];
      // Another list of pods is parsed anew: no name is the same object as before.
      names = names.map((name) => Buffer.from(name, 'latin1').toString('latin1'));
      for (let at = (round + 1) % 100; at < count; at += 100) {
        const old = records[at];
        const replaced = Math.floor(at / 100) % 3 === 0;
        // It stands where the old one stood, so that its target keeps its load.
        if (replaced) names[at] = `${names[at]?.split('-r')[0] ?? ''}-r${round}`;
        const pod = recordOf(at, now - 3_600_000);
        records[at] = pod;
        if (replaced) changes.push({ old, new: undefined }, { old: undefined, new: pod });
        else changes.push({ old, new: pod });
      }
      return changes;
    },
  };
}

/** Pairs of targets exchange their loads. */
function moveLoads(loads: Int32Array, share: number, random: () => number): void {
  for (let pair = 0; pair < (loads.length * share) / 2; pair++) {
    const [a, b] = [Math.floor(random() * loads.length), Math.floor(random() * loads.length)];
    [loads[a], loads[b]] = [loads[b] ?? 0, loads[a] ?? 0];
  }
}

function withColumns(view: MetricsView, table: UsageTable | undefined): MetricsView {
  if (table !== undefined && 'columns' in view) return view;
  const columns: UsageColumns | undefined =
    table === undefined ? undefined : { ...table, oldest: -Infinity, skewed: new Uint8Array(table.podCount) };
  return Object.freeze({ ...view, columns: columns === undefined ? undefined : () => columns });
}

function podRecord(
  facts: { readonly name: string; readonly namespace: string; readonly at: number; readonly readyAt: number },
  interner: Interner,
): PodRecord {
  const target = Math.floor(facts.at / podsPerTarget);
  const time = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
  const { name, namespace, readyAt } = facts;
  return projectPod(
    {
      metadata: {
        name,
        namespace,
        uid: `uid-${name}`,
        labels: { app: `t${target}` },
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `t${target}-1`, uid: `uid-t${target}`, controller: true }],
      },
      spec: { nodeName: `node-${facts.at % 5_000}`, containers: [{ name: 'app', resources: { requests: { cpu: '500m' } } }] },
      status: {
        phase: 'Running',
        startTime: time(readyAt - 10_000),
        conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: time(readyAt) }],
        containerStatuses: [{ name: 'app', ready: true, restartCount: 0, state: { running: { startedAt: time(readyAt) } } }],
      },
    },
    interner,
  );
}

function benchPods(records: readonly PodRecord[]): BenchPods {
  const held = new Map(records.map((pod) => [`${pod.namespace}/${pod.name}`, pod]));
  const handlers = new Set<(change: PodChange) => void>();
  return {
    items: () => [...held.values()],
    onDelta: (handler) => {
      handlers.add(handler);
      for (const pod of held.values()) handler({ old: undefined, new: pod });
      return () => handlers.delete(handler);
    },
    apply: (changes) => {
      for (const change of changes) {
        const { old, new: pod } = change;
        if (old !== undefined && pod === undefined) held.delete(`${old.namespace}/${old.name}`);
        if (pod !== undefined) held.set(`${pod.namespace}/${pod.name}`, pod);
        for (const handler of handlers) handler(change);
      }
    },
  };
}

function policyOf(at: number, namespace: string, external: boolean): ScalingPolicy {
  const cpu: MetricSpec = { type: 'Resource', resource: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } };
  const queue: MetricSpec = { type: 'External', metric: `queue-${at}`, target: { type: 'AverageValue', averageValue: 10_000n } };
  return {
    reference: { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', namespace, name: `t${at}` },
    native: true,
    generation: 1,
    target: { apiVersion: 'apps/v1', kind: 'Deployment', namespace, name: `t${at}` },
    spec: {
      native: true,
      minReplicas: 1,
      maxReplicas: 100,
      metrics: external ? [cpu, queue] : [cpu],
      behavior: undefined,
      cooldown: { scaleUpMs: 0, scaleDownMs: 0 },
      mode: 'Auto',
    },
    syncPeriodMs: undefined,
  };
}

function queriesOf(
  targets: number,
  namespaces: readonly string[],
  { now, round }: { readonly now: number; readonly round: number },
): ReadonlyMap<string, QueryResult> {
  const queries = new Map<string, QueryResult>();
  for (let at = 0; at < targets; at++) {
    const namespace = namespaces[at % namespaces.length] ?? '';
    const query: ExternalQuery = { kind: 'external', namespace, metric: `queue-${at}`, metricSelector: '' };
    const milli = BigInt(5_000 + ((at + round) % 5_000));
    queries.set(queryKey(query), {
      known: true,
      series: [{ object: '', labels: {}, milli, timestamp: now - 1_000, windowMs: undefined }],
      at: now,
      source: 'external.metrics.k8s.io',
      coverage: 1,
      doubt: undefined,
    });
  }
  return queries;
}
