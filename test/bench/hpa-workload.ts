import { createInterner, type Interner } from '../../core/model/interner.ts';
import { queryKey, type ExternalQuery } from '../../core/model/metric-query.ts';
import type { MetricsView, PodUsage, QueryResult } from '../../core/model/metrics-view.ts';
import { projectPod, type PodRecord } from '../../core/model/pod.ts';
import type { MetricSpec, ScalingPolicy } from '../../hpa/index.ts';
import type { PodChange, PodSource, UsageColumns } from '../../hpa/batch/index.ts';
import { createMetricsView } from '../../metrics-aggregator/engine/metrics-view.ts';
import { createUsageStore } from '../../metrics-aggregator/store/usage-store.ts';
import type { UsageTable } from '../../metrics-aggregator/store/usage-table.ts';
import { usageTableOf } from '../../metrics-aggregator/store/usage-table-builder.ts';

/**
 * The workload of `specs/peers.md` part 4, exactly: T targets of 15 pods, target t in namespace ns-(t mod NS), pods t<t>-p<0..14> with label app=t<t>, one
 * container that requests 500m, ready for an hour; usage round(250·(0.5+u)) m of mulberry32(42) in target-then-pod order; target 50 %, tolerance 0.1, 15 replicas.
 */
export const podsPerTarget = 15;
export const checkSums: Readonly<Record<number, number>> = { 1_000: 14_994, 10_000: 150_046 };
const windowMs = 15_000;

export interface WorkloadOptions {
  readonly targets: number;
  readonly namespaces: number;
  /** Each policy has an external metric too, which asks for less than the CPU. */
  readonly external: boolean;
  /** Views hand over their columns, as the store has them (`columns` of hpa/batch/usage-columns.ts), instead of an object for each pod. */
  readonly columns: boolean;
}

export interface Workload {
  readonly options: WorkloadOptions;
  readonly policies: readonly ScalingPolicy[];
  readonly keys: readonly string[];
  readonly pods: BenchPods;
  /** Next answers of the metrics APIs; `shift` moves the loads to other targets, otherwise they move between the pods of a target. */
  next(now: number, shift: boolean): Promise<MetricsView>;
  /** Other records of a hundredth of the pods, half of them pods of another name in place of one that went. */
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
  const interner = createInterner();
  let names = Array.from({ length: count }, (_, at) => `t${Math.floor(at / podsPerTarget)}-p${at % podsPerTarget}`);
  const namespaces = Array.from({ length: options.namespaces }, (_, at) => `ns-${at}`);
  const records = names.map((name, at) => podRecord({ name, at, namespaces: options.namespaces, readyAt: start - 3_600_000 }, interner));
  const pods = benchPods(records);
  const store = createUsageStore();
  let round = -1;

  return {
    options,
    policies: Array.from({ length: targets }, (_, at) => policyOf(at, options)),
    keys: Array.from({ length: targets }, (_, at) => `ns-${at % options.namespaces}/t${at}`),
    pods,
    next: async (now, shift) => {
      round += 1;
      const moved = shift ? round * 97 : 0;
      const samples = names.map((name, at): PodUsage => {
        const target = Math.floor(at / podsPerTarget);
        const from = ((target + moved) % targets) * podsPerTarget + ((at + round) % podsPerTarget);
        return {
          namespace: namespaces[target % options.namespaces] ?? '',
          name,
          timestamp: now - 5_000,
          windowMs,
          containers: [{ name: 'app', cpuMilli: usage[from], memoryMilli: 268_435_456_000 }],
        };
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
        queries: options.external ? queriesOf(options, now, round) : new Map(),
        sources: [],
      });
      return options.columns ? withColumns(view, table) : view;
    },
    churn: (now) => {
      const changes: PodChange[] = [];
      // Another list of pods is parsed anew: no name is the same object as before.
      names = names.map((name) => Buffer.from(name, 'latin1').toString('latin1'));
      for (let at = round % 100; at < count; at += 100) {
        const old = records[at];
        const replaced = (at / 100) % 2 < 1;
        // A pod of another name stands where the old one stood, so that the sum of all replicas stays what it is.
        if (replaced) names[at] = `${names[at]?.split('-r')[0] ?? ''}-r${round}`;
        const pod = podRecord({ name: names[at] ?? '', at, namespaces: options.namespaces, readyAt: now - 3_600_000 }, interner);
        records[at] = pod;
        if (replaced) changes.push({ old, new: undefined }, { old: undefined, new: pod });
        else changes.push({ old, new: pod });
      }
      return changes;
    },
  };
}

function withColumns(view: MetricsView, table: UsageTable): MetricsView {
  const columns: UsageColumns = { ...table, oldest: -Infinity, skewed: new Uint8Array(table.podCount) };
  return Object.freeze({ ...view, columns: () => columns });
}

function podRecord(
  facts: { readonly name: string; readonly at: number; readonly namespaces: number; readonly readyAt: number },
  interner: Interner,
): PodRecord {
  const target = Math.floor(facts.at / podsPerTarget);
  const time = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
  return projectPod(
    {
      metadata: {
        name: facts.name,
        namespace: `ns-${target % facts.namespaces}`,
        uid: `uid-${facts.name}`,
        labels: { app: `t${target}` },
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `t${target}-1`, uid: `uid-t${target}`, controller: true }],
      },
      spec: { nodeName: `node-${facts.at % 5_000}`, containers: [{ name: 'app', resources: { requests: { cpu: '500m' } } }] },
      status: {
        phase: 'Running',
        startTime: time(facts.readyAt - 10_000),
        conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: time(facts.readyAt) }],
        containerStatuses: [{ name: 'app', ready: true, restartCount: 0, state: { running: { startedAt: time(facts.readyAt) } } }],
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

function policyOf(at: number, { namespaces, external }: WorkloadOptions): ScalingPolicy {
  const namespace = `ns-${at % namespaces}`;
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

function queriesOf({ targets, namespaces }: WorkloadOptions, now: number, round: number): ReadonlyMap<string, QueryResult> {
  const queries = new Map<string, QueryResult>();
  for (let at = 0; at < targets; at++) {
    const query: ExternalQuery = { kind: 'external', namespace: `ns-${at % namespaces}`, metric: `queue-${at}`, metricSelector: '' };
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
