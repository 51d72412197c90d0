import type { KubeClient } from '../../../core/kube/index.ts';
import type { Clock } from '../../../core/model/clock.ts';
import { customMetricsSource, externalMetricsSource, type MetricQuery } from '../../../core/model/metric-query.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import type { SentRequest } from '../../../core/model/snapshot.ts';
import { parseMetricSource } from '../../../metrics-aggregator/index.ts';
import { planQuery } from '../sources/plan-query.ts';

/** What went to the metrics APIs through a client. */
export interface RequestRecord {
  /** The client to ask with. */
  readonly client: KubeClient;
  /** The list of the usage of pods; `undefined`: it was not asked for. */
  usage(): SentRequest | undefined;
  /** What was sent for a query; `undefined`: nothing, or it cannot be told which request was for it. */
  query(query: MetricQuery): SentRequest | undefined;
}

interface Sent extends SentRequest {
  readonly segments: readonly string[];
  readonly parameters: URLSearchParams;
}

const usageApi = 'metrics.k8s.io';
const metricsApis: ReadonlySet<string> = new Set([usageApi, customMetricsSource, externalMetricsSource]);

/** The same client, whose requests to metrics APIs are remembered: the version in use and the plurals of kinds are known to the source alone. */
export function recordRequests(client: KubeClient, clock: Clock): RequestRecord {
  const sent = new Map<string, Sent>();
  let index: ReadonlyMap<string, readonly Sent[]> | undefined;
  return {
    client: {
      ...client,
      raw: async (request) => {
        const parts = partsOf(request.path);
        if (!metricsApis.has(parts.segments[1] ?? '')) return client.raw(request);
        const begun = clock.monotonic();
        try {
          return await client.raw(request);
        } finally {
          index = undefined;
          sent.set(request.path, { ...parts, text: request.path, latencyMs: Math.round(clock.monotonic() - begun) });
        }
      },
    },
    usage: () => only([...sent.values()].filter(({ segments }) => segments[1] === usageApi && segments.at(-1) === 'pods')),
    query: (query) => {
      if (query.kind === 'prometheus') return undefined;
      index ??= indexOf(sent.values());
      const near = ['', query.namespace].flatMap((namespace) => index?.get(bucketKey(namespace, query.metric)) ?? []);
      return only(near.filter((each) => isFor(each, query)));
    },
  };
}

/** Thousands of policies may ask for a metric of the same name, few of them in one namespace. */
function bucketOf({ segments }: Sent): string {
  return bucketKey(segments[3] === 'namespaces' && segments.length > 5 ? (segments[4] ?? '') : '', segments.at(-1) ?? '');
}

function indexOf(all: Iterable<Sent>): ReadonlyMap<string, readonly Sent[]> {
  const buckets = new Map<string, Sent[]>();
  for (const each of all) {
    const bucket = buckets.get(bucketOf(each));
    if (bucket === undefined) buckets.set(bucketOf(each), [each]);
    else bucket.push(each);
  }
  return buckets;
}

function bucketKey(namespace: string, metric: string): string {
  return JSON.stringify([namespace, metric]);
}

function partsOf(path: string): Pick<Sent, 'segments' | 'parameters'> {
  const { pathname, searchParams } = new URL(path, 'http://api');
  return { segments: pathname.split('/').slice(1).map(decoded), parameters: searchParams };
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function only(found: readonly Sent[]): SentRequest | undefined {
  const [first] = found;
  if (first === undefined || found.length > 1) return undefined;
  const { text, latencyMs } = first;
  return { text, latencyMs };
}

function isFor({ segments, parameters }: Sent, query: MetricQuery): boolean {
  const [, api, , ...rest] = segments;
  const parameter = (name: string): string => parameters.get(name) ?? '';
  switch (query.kind) {
    case 'pods': {
      const { namespace, metric, selector, metricSelector } = query;
      return (
        api === customMetricsSource &&
        sameSegments(rest, ['namespaces', namespace, 'pods', '*', metric]) &&
        parameter('labelSelector') === selector &&
        parameter('metricLabelSelector') === metricSelector
      );
    }
    case 'object':
      return api === customMetricsSource && isAbout(rest, query) && parameter('metricLabelSelector') === query.metricSelector;
    case 'external':
      return (
        api === externalMetricsSource &&
        sameSegments(rest, ['namespaces', query.namespace, query.metric]) &&
        parameter('labelSelector') === query.metricSelector
      );
    case 'prometheus':
      return false;
  }
}

function isAbout(rest: readonly string[], { namespace, object, metric }: Extract<MetricQuery, { kind: 'object' }>): boolean {
  if (object.kind === 'Namespace' && sameSegments(rest, ['namespaces', object.name, 'metrics', metric])) return true;
  const [resource = '', ...named] = rest[0] === 'namespaces' && rest[1] === namespace && rest.length > 4 ? rest.slice(2) : rest;
  if (!sameSegments(named, [object.name, metric])) return false;
  // `ingresses.networking.k8s.io`, `policies`: a plural begins as its kind does, all but the last letter.
  const [plural = '', ...group] = resource.split('.');
  const wanted = object.apiVersion?.includes('/') === true ? (object.apiVersion.split('/')[0] ?? '') : '';
  return group.join('.') === wanted && plural.startsWith(object.kind.toLowerCase().slice(0, -1));
}

function sameSegments(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each, index) => each === b[index]);
}

/** The PromQL that a policy's query is sent as: confined to its namespace by what the MetricSource says. `undefined`: it is not sent. */
export function confinedQuery(
  query: Extract<MetricQuery, { kind: 'prometheus' }>,
  metricSources: readonly KubeObject[],
  now: number,
): string | undefined {
  const raw = metricSources.find(({ metadata }) => metadata.name === query.source);
  const parsed = raw === undefined ? undefined : parseMetricSource(raw);
  if (parsed?.ok !== true) return undefined;
  const plan = planQuery(query.query, { source: query.source, spec: parsed.spec, namespace: query.namespace, now });
  return plan.ok ? plan.query : undefined;
}
