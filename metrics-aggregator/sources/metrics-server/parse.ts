import type { ContainerUsage, NodeUsage, PodUsage } from '../../../core/model/metrics-view.ts';
import { quantityMilli, timestampMs, windowMs } from './plain-values.kernel.ts';

/** One parsed entry, or a sentence that says why it cannot be used. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };

/** One item of a `PodMetricsList` (metrics.k8s.io/v1beta1): timestamp RFC 3339, window a Go duration, usage as quantities. */
export function parsePodMetrics(item: unknown): Parsed<PodUsage> {
  const named = parseCommon(item, 'PodMetrics');
  if (!named.ok) return named;
  const { object, name, namespace, timestamp, window } = named.value;
  if (namespace === undefined) return { ok: false, problem: `PodMetrics ${shown(name)} has no metadata.namespace` };
  const list = object['containers'];
  const pod = shown(`${namespace}/${name}`);
  if (!Array.isArray(list)) return { ok: false, problem: `PodMetrics ${pod} has no containers` };
  const containers: ContainerUsage[] = [];
  for (const entry of list as unknown[]) {
    const containerName = isRecord(entry) ? entry['name'] : undefined;
    if (!isRecord(entry) || typeof containerName !== 'string')
      return { ok: false, problem: `PodMetrics ${pod} has a container without a name` };
    containers.push({ name: containerName, ...parseUsage(entry['usage']) });
  }
  return { ok: true, value: { namespace, name, timestamp, windowMs: window, containers } };
}

/** One item of a `NodeMetricsList`. */
export function parseNodeMetrics(item: unknown): Parsed<NodeUsage> {
  const named = parseCommon(item, 'NodeMetrics');
  if (!named.ok) return named;
  const { object, name, timestamp, window } = named.value;
  return { ok: true, value: { name, timestamp, windowMs: window, ...parseUsage(object['usage']) } };
}

interface Common {
  readonly object: Record<string, unknown>;
  readonly name: string;
  readonly namespace: string | undefined;
  readonly timestamp: number;
  readonly window: number;
}

function parseCommon(item: unknown, kind: string): Parsed<Common> {
  if (!isRecord(item) || !isRecord(item['metadata'])) return { ok: false, problem: `${kind} without metadata` };
  const { name, namespace } = item['metadata'];
  if (typeof name !== 'string') return { ok: false, problem: `${kind} without metadata.name` };
  const timestamp = timestampMs(item['timestamp']);
  if (Number.isNaN(timestamp))
    return { ok: false, problem: `${kind} ${shown(name)}: timestamp ${quoted(item['timestamp'])} is not a time` };
  const window = windowMs(item['window']);
  if (Number.isNaN(window)) return { ok: false, problem: `${kind} ${shown(name)}: window ${quoted(item['window'])} is not a duration` };
  return { ok: true, value: { object: item, name, namespace: typeof namespace === 'string' ? namespace : undefined, timestamp, window } };
}

/** A resource that is absent, unreadable or negative is unknown, not zero. */
function parseUsage(usage: unknown): Pick<ContainerUsage, 'cpuMilli' | 'memoryMilli'> {
  if (!isRecord(usage)) return { cpuMilli: undefined, memoryMilli: undefined };
  return { cpuMilli: amount(usage['cpu']), memoryMilli: amount(usage['memory']) };
}

function amount(value: unknown): number | undefined {
  const milli = quantityMilli(value);
  return Number.isNaN(milli) ? undefined : milli;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Names and values come from elsewhere: short, and nothing in them that moves a cursor. */
function shown(name: string): string {
  return clean(name.slice(0, 200));
}

function quoted(value: unknown): string {
  const text = value === undefined ? 'undefined' : JSON.stringify(value);
  return clean(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}

function clean(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, '?');
}
