import { parseDurationMs } from '../../../core/units/duration.ts';
import { tryParseMilli } from '../../../core/units/quantity.ts';
import type { ContainerUsage, NodeUsage, PodUsage } from '../../../core/model/metrics-view.ts';

/** One parsed entry, or a sentence that says why it cannot be used. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };

/** One item of a `PodMetricsList` (metrics.k8s.io/v1beta1): timestamp RFC 3339, window a Go duration, usage as quantities. */
export function parsePodMetrics(item: unknown): Parsed<PodUsage> {
  const named = parseCommon(item, 'PodMetrics');
  if (!named.ok) return named;
  const { object, name, namespace, timestamp, windowMs } = named.value;
  if (namespace === undefined) return { ok: false, problem: `PodMetrics ${name} has no metadata.namespace` };
  const list = object['containers'];
  if (!Array.isArray(list)) return { ok: false, problem: `PodMetrics ${namespace}/${name} has no containers` };
  const containers: ContainerUsage[] = [];
  for (const entry of list as unknown[]) {
    const containerName = isRecord(entry) ? entry['name'] : undefined;
    if (typeof containerName !== 'string') return { ok: false, problem: `PodMetrics ${namespace}/${name} has a container without a name` };
    const usage = parseUsage((entry as Record<string, unknown>)['usage']);
    containers.push({ name: containerName, cpuMilli: usage.cpuMilli, memoryMilli: usage.memoryMilli });
  }
  return { ok: true, value: { namespace, name, timestamp, windowMs, containers } };
}

/** One item of a `NodeMetricsList`. */
export function parseNodeMetrics(item: unknown): Parsed<NodeUsage> {
  const named = parseCommon(item, 'NodeMetrics');
  if (!named.ok) return named;
  const { object, name, timestamp, windowMs } = named.value;
  const usage = parseUsage(object['usage']);
  return { ok: true, value: { name, timestamp, windowMs, cpuMilli: usage.cpuMilli, memoryMilli: usage.memoryMilli } };
}

interface Common {
  readonly object: Record<string, unknown>;
  readonly name: string;
  readonly namespace: string | undefined;
  readonly timestamp: number;
  readonly windowMs: number;
}

function parseCommon(item: unknown, kind: string): Parsed<Common> {
  if (!isRecord(item) || !isRecord(item['metadata'])) return { ok: false, problem: `${kind} without metadata` };
  const { name, namespace } = item['metadata'];
  if (typeof name !== 'string') return { ok: false, problem: `${kind} without metadata.name` };
  const timestamp = typeof item['timestamp'] === 'string' ? Date.parse(item['timestamp']) : Number.NaN;
  if (Number.isNaN(timestamp))
    return { ok: false, problem: `${kind} ${name}: timestamp ${JSON.stringify(item['timestamp'])} is not a time` };
  const windowMs = parseWindow(item['window']);
  if (windowMs === undefined) return { ok: false, problem: `${kind} ${name}: window ${JSON.stringify(item['window'])} is not a duration` };
  const space = typeof namespace === 'string' ? namespace : undefined;
  return { ok: true, value: { object: item, name, namespace: space, timestamp, windowMs } };
}

function parseWindow(window: unknown): number | undefined {
  if (typeof window !== 'string') return undefined;
  try {
    return parseDurationMs(window);
  } catch {
    return undefined;
  }
}

/** A resource that is absent, unreadable or negative is unknown, not zero. */
function parseUsage(usage: unknown): { cpuMilli: number | undefined; memoryMilli: number | undefined } {
  if (!isRecord(usage)) return { cpuMilli: undefined, memoryMilli: undefined };
  return { cpuMilli: amount(usage['cpu']), memoryMilli: amount(usage['memory']) };
}

function amount(text: unknown): number | undefined {
  if (typeof text !== 'string') return undefined;
  const milli = tryParseMilli(text);
  return milli !== undefined && milli >= 0 ? milli : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
