import { ExpositionWriter } from './exposition-text.ts';
import type { MetricFamily } from './exposition-text.ts';
import { latencyBounds, latencySpread } from './latency-buckets.ts';
import type { PodIdentity, WorkloadDefinition, WorkloadModel, WorkloadResults } from './types.ts';

/** A pod whose application is measured. */
export interface MeasuredPod {
  readonly identity: PodIdentity;
  /** Changes when the application starts anew: its counters begin at zero again. */
  readonly incarnation: string;
  /** Whether it gets requests now. */
  readonly serving: boolean;
  /** Core-seconds that it has used since its start: requests are counted to pods by it. */
  readonly cpuSeconds: number;
}

export interface ApplicationExpositionOptions {
  readonly model: WorkloadModel;
  /** Pods whose applications run now. */
  readonly pods: () => readonly MeasuredPod[];
}

/** What the applications of all defined workloads show of themselves. */
export interface ApplicationExposition {
  /** The text at this moment. Counts what happened since the last call, so it should be called at least at every scrape. */
  text(): string;
}

const requests: MetricFamily = { name: 'http_requests_total', type: 'counter', help: 'Requests by status code.' };
const durations: MetricFamily = { name: 'http_request_duration_seconds', type: 'histogram', help: 'Response time of served requests.' };
const depth: MetricFamily = {
  name: 'queue_depth',
  type: 'gauge',
  help: 'Requests of the workload that wait, in even shares of its serving pods.',
};
const inFlight: MetricFamily = { name: 'http_requests_in_flight', type: 'gauge', help: 'Requests that are being worked on.' };
const backlog: MetricFamily = {
  name: 'queue_messages_ready',
  type: 'gauge',
  help: 'Requests of the workload that wait, as a broker outside its pods counts them.',
};

/** Counters of one pod. */
interface PodCounters {
  readonly incarnation: string;
  served: number;
  dropped: number;
  durationSum: number;
  /** Served requests within each bound of {@link latencyBounds}. */
  readonly within: number[];
  cpuSeconds: number;
}

/**
 * Metrics of the applications, per pod, with labels `namespace`, `pod` and `service` (the owner of the pods). What a workload serves is spread over
 * its pods by the CPU that they used meanwhile: the pods' counters add up to the model's totals exactly (requests that fail while no pod runs are
 * nobody's), a single pod's counter is as exact as its share of the CPU.
 */
export function createApplicationExposition({ model, pods }: ApplicationExpositionOptions): ApplicationExposition {
  const counters = new Map<string, PodCounters>();
  const counted = new Map<string, { readonly definition: WorkloadDefinition; readonly totals: WorkloadResults['totals'] }>();
  return {
    text: () => {
      const writer = new ExpositionWriter();
      const present = pods();
      forgetOthers(counters, present);
      for (const name of model.names()) {
        const definition = model.definition(name);
        const results = model.results(name);
        if (definition === undefined || results === undefined) continue;
        const members = present.filter((pod) => belongs(definition, pod.identity));
        const before = counted.get(name);
        const start = before?.definition === definition ? before.totals : { arrived: 0, served: 0, dropped: 0 };
        count({ definition, results, members, counters }, start);
        counted.set(name, { definition, totals: results.totals });
        write(writer, { definition, results, members, counters });
      }
      return writer.text();
    },
  };
}

interface Counting {
  readonly definition: WorkloadDefinition;
  readonly results: WorkloadResults;
  readonly members: readonly MeasuredPod[];
  readonly counters: Map<string, PodCounters>;
}

function keyOf({ namespace, name }: PodIdentity): string {
  return `${namespace}/${name}`;
}

function forgetOthers(counters: Map<string, PodCounters>, present: readonly MeasuredPod[]): void {
  const kept = new Map(present.map((pod) => [keyOf(pod.identity), pod.incarnation]));
  for (const [key, { incarnation }] of counters) if (kept.get(key) !== incarnation) counters.delete(key);
}

/** As the model itself matches pods (workload-model.ts). */
function belongs(definition: WorkloadDefinition, pod: PodIdentity): boolean {
  if (definition.namespace !== pod.namespace) return false;
  if (definition.owner !== undefined) return pod.owners.includes(definition.owner);
  if (definition.selector === undefined) return pod.owners.includes(definition.name);
  return Object.entries(definition.selector).every(([key, value]) => pod.labels[key] === value);
}

function obtain(counters: Map<string, PodCounters>, { identity, incarnation }: MeasuredPod): PodCounters {
  const key = keyOf(identity);
  let entry = counters.get(key);
  if (entry === undefined) {
    entry = { incarnation, served: 0, dropped: 0, durationSum: 0, within: latencyBounds.map(() => 0), cpuSeconds: 0 };
    counters.set(key, entry);
  }
  return entry;
}

/** Takes in what happened since the last time. */
function count({ definition, results, members, counters }: Counting, before: WorkloadResults['totals']): void {
  const served = results.totals.served - before.served;
  const dropped = results.totals.dropped - before.dropped;
  const spread = latencySpread(definition, results);
  const shares = sharesOf(members, counters);
  for (const [index, pod] of members.entries()) {
    const entry = obtain(counters, pod);
    const share = shares[index] ?? 0;
    entry.served += served * share;
    entry.dropped += dropped * share;
    entry.cpuSeconds = pod.cpuSeconds;
    if (Number.isFinite(spread.mean)) entry.durationSum += served * share * spread.mean;
    for (const [at, bound] of latencyBounds.entries())
      entry.within[at] = (entry.within[at] ?? 0) + served * share * spread.shareWithin(bound);
  }
}

/** Shares that add up to one: by the CPU since the last time; evenly over those that serve, or else over all, when that says nothing. */
function sharesOf(members: readonly MeasuredPod[], counters: Map<string, PodCounters>): readonly number[] {
  const used = members.map((pod) => Math.max(0, pod.cpuSeconds - (counters.get(keyOf(pod.identity))?.cpuSeconds ?? 0)));
  const total = used.reduce((sum, share) => sum + share, 0);
  if (total > 0) return used.map((share) => share / total);
  const serving = members.filter((pod) => pod.serving).length;
  return members.map((pod) => (serving === 0 ? 1 / members.length : pod.serving ? 1 / serving : 0));
}

function write(writer: ExpositionWriter, { definition, results, members, counters }: Counting): void {
  const service = definition.owner ?? definition.name;
  const { namespace } = definition;
  writer.add(backlog, { namespace, service }, results.queue);
  const serving = members.filter((pod) => pod.serving).length;
  const flow = Math.min(results.demand, results.capacity);
  const working = Number.isFinite(results.latencyMs) && results.queue === 0 ? (flow * results.latencyMs) / 1000 : 0;
  for (const pod of members) {
    const labels = { namespace, pod: pod.identity.name, service };
    const entry = obtain(counters, pod);
    writer.add(requests, { code: '200', ...labels }, entry.served);
    writer.add(requests, { code: '503', ...labels }, entry.dropped);
    for (const [at, bound] of latencyBounds.entries()) {
      writer.add(durations, { ...labels, le: String(bound) }, entry.within[at] ?? 0, { suffix: '_bucket' });
    }
    writer.add(durations, { ...labels, le: '+Inf' }, entry.served, { suffix: '_bucket' });
    writer.add(durations, labels, entry.durationSum, { suffix: '_sum' });
    writer.add(durations, labels, entry.served, { suffix: '_count' });
    writer.add(depth, labels, pod.serving ? results.queue / serving : 0);
    writer.add(inFlight, labels, pod.serving ? working / serving : 0);
  }
}
