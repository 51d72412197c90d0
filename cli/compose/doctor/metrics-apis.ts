import { isConcertinaError, messageOf } from '../../../core/errors.ts';
import type { KubeClient } from '../../../core/kube/index.ts';
import type { Clock } from '../../../core/model/clock.ts';
import { parseTime } from '../../../core/model/condition.ts';
import { customMetricsSource, externalMetricsSource, resourceMetricsSource } from '../../../core/model/metric-query.ts';
import { resourceTypes, type KubeObject } from '../../../core/model/object.ts';
import { tryParseDurationMs } from '../../../core/units/index.ts';
import { foreign } from './foreign-text.ts';
import { readObject, type Reading } from './reading.ts';

/** The API groups of metrics, and the versions under which they may be registered. */
export const metricsGroups = [
  { group: resourceMetricsSource, versions: ['v1beta1'] },
  { group: customMetricsSource, versions: ['v1beta2', 'v1beta1'] },
  { group: externalMetricsSource, versions: ['v1beta1'] },
] as const;

export type MetricsGroup = (typeof metricsGroups)[number]['group'];

/** One version of an API group as the aggregation layer of the API server has it. */
export interface ApiServiceFacts {
  readonly version: string;
  /** `kube-system/metrics-server`; `undefined` for one that the API server would serve itself. */
  readonly service: string | undefined;
  readonly available: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
}

/** What is known of one API group of metrics. */
export interface MetricsGroupFacts {
  readonly group: MetricsGroup;
  /** Those that exist. */
  readonly services: Reading<readonly ApiServiceFacts[]>;
  /** What discovery says; absent where no APIService exists. */
  readonly discovery: Reading<{ readonly versions: readonly string[]; readonly preferred: string | undefined }>;
  /** Names of what discovery of the preferred version lists: `pods/http_requests`. */
  readonly resources: Reading<readonly string[]>;
  /** Of the request for `resources`. */
  readonly tookMs: number;
}

export async function readMetricsGroup(
  client: KubeClient,
  clock: Clock,
  { group, versions }: (typeof metricsGroups)[number],
): Promise<MetricsGroupFacts> {
  const [services, discovery] = await Promise.all([readApiServices(client, group, versions), readVersions(client, group)]);
  const startedAt = clock.monotonic();
  const version = discovery.ok ? (discovery.value.preferred ?? discovery.value.versions[0]) : undefined;
  const resources: Reading<readonly string[]> =
    version === undefined
      ? { ok: false, kind: 'absent', message: `${group} is not discovered` }
      : await readResources(client, `/apis/${group}/${version}`);
  return { group, services, discovery, resources, tookMs: clock.monotonic() - startedAt };
}

async function readApiServices(
  client: KubeClient,
  group: string,
  versions: readonly string[],
): Promise<Reading<readonly ApiServiceFacts[]>> {
  const found: ApiServiceFacts[] = [];
  for (const version of versions) {
    const read = await readObject(client, resourceTypes.apiServices, { name: `${version}.${group}` });
    if (read.ok) found.push(apiServiceFacts(version, read.value));
    else if (read.kind !== 'absent') return read;
  }
  return { ok: true, value: found };
}

function apiServiceFacts(version: string, { spec, status }: KubeObject): ApiServiceFacts {
  const { service } = (spec ?? {}) as { readonly service?: { readonly namespace?: unknown; readonly name?: unknown } | null };
  const { conditions = [] } = (status ?? {}) as { readonly conditions?: readonly Readonly<Record<string, unknown>>[] };
  const condition = conditions.find(({ type }) => type === 'Available');
  const state = condition?.['status'];
  const text = (value: unknown, length: number): string => (typeof value === 'string' ? foreign(value, length) : '');
  return {
    version,
    service: typeof service?.name === 'string' ? `${text(service.namespace, 63)}/${text(service.name, 253)}` : undefined,
    available: state === 'True' || state === 'False' ? state : 'Unknown',
    reason: text(condition?.['reason'], 60),
    message: text(condition?.['message'], 200),
  };
}

async function readVersions(client: KubeClient, group: string): Promise<MetricsGroupFacts['discovery']> {
  const read = await readJson(client, `/apis/${group}`);
  if (!read.ok) return read;
  const nameOf = (entry: unknown): string[] => {
    const { version } = (typeof entry === 'object' && entry !== null ? entry : {}) as { readonly version?: unknown };
    return typeof version === 'string' ? [foreign(version, 40)] : [];
  };
  const { versions, preferredVersion } = read.value;
  return { ok: true, value: { versions: Array.isArray(versions) ? versions.flatMap(nameOf) : [], preferred: nameOf(preferredVersion)[0] } };
}

/** Names beyond this are not kept. */
const mostResources = 5_000;

async function readResources(client: KubeClient, path: string): Promise<Reading<readonly string[]>> {
  const read = await readJson(client, path);
  if (!read.ok) return read;
  const { resources } = read.value;
  const names = (Array.isArray(resources) ? (resources as unknown[]) : []).flatMap((entry) => {
    const { name } = (typeof entry === 'object' && entry !== null ? entry : {}) as { readonly name?: unknown };
    return typeof name === 'string' ? [foreign(name, 200)] : [];
  });
  return { ok: true, value: names.slice(0, mostResources).toSorted() };
}

const answerTimeoutMs = 10_000;

/**
 * A JSON object of an aggregated API. Its texts never get into a sentence: what answers is whoever is registered, and may repeat secrets of its back end.
 */
export async function readJson(
  client: KubeClient,
  path: string,
  timeoutMs = answerTimeoutMs,
): Promise<Reading<Readonly<Record<string, unknown>>>> {
  const bare = path.split('?', 1)[0] ?? path;
  try {
    const { status, body } = await client.raw({ method: 'GET', path, timeoutMs });
    if (status === 404) return { ok: false, kind: 'absent', message: `${bare} was answered with 404` };
    if (status === 403) return { ok: false, kind: 'forbidden', message: `get on ${bare} is not permitted (403)` };
    if (status !== 200) return { ok: false, kind: 'failed', message: `${bare} was answered with ${status}` };
    const value: unknown = JSON.parse(body.toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ok: true, value: value as Record<string, unknown> };
    return { ok: false, kind: 'failed', message: `${bare} was answered with JSON that is no object` };
  } catch (error) {
    if (isConcertinaError(error)) return { ok: false, kind: 'failed', message: foreign(messageOf(error), 300) };
    if (error instanceof SyntaxError) return { ok: false, kind: 'failed', message: `${bare} was answered with something else than JSON` };
    throw error;
  }
}

/** One line of the usage of pods or nodes. */
export interface UsageItem {
  readonly namespace: string;
  readonly name: string;
  /** Epoch milliseconds; `undefined` for one without a time that can be read. */
  readonly timestamp: number | undefined;
  readonly windowMs: number | undefined;
}

export interface UsageFacts {
  readonly pods: Reading<readonly UsageItem[]>;
  /** Absent when only one namespace is looked at. */
  readonly nodes: Reading<readonly UsageItem[]> | undefined;
  readonly tookMs: number;
}

/** Asks `metrics.k8s.io` for the usage of pods, and of nodes unless only one namespace is looked at. */
export async function readUsage(client: KubeClient, clock: Clock, namespace: string | undefined): Promise<UsageFacts> {
  const base = `/apis/${resourceMetricsSource}/v1beta1`;
  const startedAt = clock.monotonic();
  const scope = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  const [pods, nodes] = await Promise.all([
    readUsageList(client, `${base}${scope}/pods`),
    namespace === undefined ? readUsageList(client, `${base}/nodes`) : Promise.resolve(undefined),
  ]);
  return { pods, nodes, tookMs: clock.monotonic() - startedAt };
}

async function readUsageList(client: KubeClient, path: string): Promise<Reading<readonly UsageItem[]>> {
  const read = await readJson(client, path);
  if (!read.ok) return read;
  const { items } = read.value;
  if (!Array.isArray(items)) return { ok: false, kind: 'failed', message: `${path} was answered with something that is no list` };
  return { ok: true, value: items.flatMap(usageItem) };
}

function usageItem(raw: unknown): UsageItem[] {
  if (typeof raw !== 'object' || raw === null) return [];
  const { metadata, timestamp, window } = raw as {
    readonly metadata?: Readonly<Record<string, unknown>>;
    readonly timestamp?: unknown;
    readonly window?: unknown;
  };
  const { name, namespace } = metadata ?? {};
  if (typeof name !== 'string') return [];
  return [
    {
      namespace: typeof namespace === 'string' ? namespace : '',
      name,
      timestamp: typeof timestamp === 'string' ? parseTime(timestamp) : undefined,
      windowMs: tryParseDurationMs(window),
    },
  ];
}
