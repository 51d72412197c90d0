import type { MetricQuery } from '../../core/model/metric-query.ts';
import { queryKey, sourceOfQuery } from '../../core/model/metric-query.ts';
import type {
  ContainerUsage,
  MetricsView,
  QueryHistory,
  QueryResult,
  SourceReport,
  SourceState,
  UsageSnapshot,
} from '../../core/model/metrics-view.ts';
import type { PodRecord } from '../../core/model/pod.ts';
import { unknown, type Doubt, type Sample, type UnknownReason } from '../../core/model/sample.ts';

/** A node none of whose pods has a sample, although they have run long enough to have one. */
export interface UnscrapedNode {
  /** Epoch milliseconds. */
  readonly since: number;
  /** Pods of the node that should have a sample. */
  readonly pods: number;
}

/** The plain facts that a view is made of: what a snapshot file and the remote protocol carry. */
export interface MetricsViewInput {
  readonly at: number;
  readonly sequence: number;
  readonly usage: UsageSnapshot;
  /** Name of the source of usage. */
  readonly usageSource: string;
  readonly resourceSource: SourceState;
  readonly usageDoubt: Doubt | undefined;
  readonly unscrapedNodes: ReadonlyMap<string, UnscrapedNode>;
  /** A pod younger than this need not have a sample yet, milliseconds: two scrapes and the time until it is ready. */
  readonly startGraceMs: number;
  /** By `queryKey`; never changed afterwards. */
  readonly queries: ReadonlyMap<string, QueryResult>;
  /** History of a key up to an instant; absent where none is kept. */
  readonly queryHistory?: ((key: string, upTo: number) => QueryHistory | undefined) | undefined;
  readonly sources: readonly SourceReport[];
}

/** A frozen view of the facts. */
export function createMetricsView(input: MetricsViewInput): MetricsView {
  const { at, usage, queries } = input;
  const view = Object.freeze({
    at,
    sequence: input.sequence,
    resourceSource: input.resourceSource,
    usageDoubt: input.usageDoubt,
    podUsage: (namespace: string, name: string) => usage.podUsage(namespace, name),
    hasPod: (namespace: string, name: string) => usage.hasPod(namespace, name),
    nodeUsage: (name: string) => usage.nodeUsage(name),
    podCount: usage.podCount,
    pods: () => usage.pods(),
    nodes: () => usage.nodes(),
    columns: usage.columns,
    containerHistory: (namespace: string, pod: string, container: string) => usage.containerHistory(namespace, pod, container),
    eachFresh: (visit: Parameters<UsageSnapshot['eachFresh']>[0]) => usage.eachFresh(visit),
    containerSample: (pod: PodRecord, container: string, resource: 'cpu' | 'memory') =>
      containerSample(input, pod, { container, resource }),
    podGap: (pod: PodRecord) => podGap(input, pod),
    query: (query: MetricQuery) => queries.get(queryKey(query)) ?? notObserved(query, at),
    queryHistory: (query: MetricQuery) => input.queryHistory?.(queryKey(query), at),
    sources: () => input.sources,
  });
  facts.set(view, input);
  return view;
}

const facts = new WeakMap<MetricsView, MetricsViewInput>();

/** What a view of {@link createMetricsView} was made of: what another process needs to make the same. */
export function factsOf(view: MetricsView): MetricsViewInput {
  const input = facts.get(view);
  if (input === undefined) throw new RangeError('this view was not made by createMetricsView');
  return input;
}

/** The state of a source before it was asked. */
export function notAskedYet(name: string, at: number): SourceState {
  return { healthy: false, reason: 'not-observed', detail: `${name} was not asked yet`, since: at, lastSuccess: undefined };
}

function notObserved(query: MetricQuery, since: number): QueryResult {
  const source = sourceOfQuery(query);
  return { known: false, reason: 'not-observed', detail: `${source} was not asked yet`, since, source };
}

interface Gap {
  readonly reason: UnknownReason;
  readonly detail: string;
}

/** Why a pod has no sample, the most general cause first: a starting pod is nobody's fault, a silent node is not the pod's (§A.2, §A.8). */
function podGap(
  { usage, usageSource, resourceSource, unscrapedNodes, startGraceMs, at }: MetricsViewInput,
  pod: PodRecord,
): Gap | undefined {
  if (usage.hasPod(pod.namespace, pod.name)) return undefined;
  if (!resourceSource.healthy) return { reason: resourceSource.reason, detail: `${usageSource}: ${resourceSource.detail}` };
  if (pod.phase !== 'Running') return { reason: 'missing', detail: `the pod is ${pod.phase}` };
  const node = pod.nodeName === undefined ? undefined : unscrapedNodes.get(pod.nodeName);
  if (node !== undefined && pod.nodeName !== undefined) {
    return { reason: 'node-not-scraped', detail: `none of the ${node.pods} pods of node ${pod.nodeName} has a sample; check its kubelet` };
  }
  if (isStarting(pod, at, startGraceMs)) {
    return {
      reason: 'starting',
      detail: `it started ${Math.round((at - (pod.started ?? at)) / 1000)} s ago; a first sample takes two scrapes`,
    };
  }
  return { reason: 'missing', detail: `${usageSource} does not list it; a restart loses its samples for two scrapes` };
}

/** Whether a pod is too young to be expected in an answer. */
export function isStarting(pod: Pick<PodRecord, 'started'>, at: number, startGraceMs: number): boolean {
  return pod.started === undefined || at - pod.started < startGraceMs;
}

function containerSample(
  input: MetricsViewInput,
  pod: PodRecord,
  { container, resource }: { readonly container: string; readonly resource: 'cpu' | 'memory' },
): Sample {
  const { usage, usageSource, at } = input;
  const found = usage.podUsage(pod.namespace, pod.name);
  if (found === undefined) {
    const { reason, detail } = podGap(input, pod) ?? { reason: 'missing' as const, detail: 'no sample' };
    return unknown(reason, `${pod.namespace}/${pod.name}: ${detail}`, input.resourceSource.healthy ? at : input.resourceSource.since);
  }
  const measured = found.containers.find(({ name }) => name === container);
  const named = `${pod.namespace}/${pod.name}/${container}`;
  if (measured === undefined) return unknown('partial', `${named}: ${usageSource} lists the pod without this container`, found.timestamp);
  const milli = valueOf(measured, resource);
  if (milli === undefined) return unknown('invalid', `${named}: ${usageSource} gives no usable ${resource}`, found.timestamp);
  const running = pod.statuses.filter((status) => status.running).length;
  const coverage = running === 0 ? 1 : Math.min(1, found.containers.length / running);
  const { timestamp, windowMs } = found;
  return { known: true, milli, timestamp, windowMs, source: usageSource, coverage };
}

function valueOf({ cpuMilli, memoryMilli }: ContainerUsage, resource: 'cpu' | 'memory'): number | undefined {
  return resource === 'cpu' ? cpuMilli : memoryMilli;
}
