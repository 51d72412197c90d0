import type { KubeClient } from '../../../core/kube/api.ts';
import type { Clock } from '../../../core/model/clock.ts';
import { customMetricsSource, type MetricQuery, type ObjectQuery, type PodsQuery } from '../../../core/model/metric-query.ts';
import {
  defaultMaxBytes,
  encodeStrictly,
  getDocument,
  segmentProblem,
  shown,
  withSelectors,
  type DocumentAnswer,
} from '../metric-list/index.ts';
import type { MetricsSource, QueryAnswer, SourceFailure } from '../source.ts';
import { createKindDiscovery, type KindDiscovery } from './kind-discovery.ts';
import { readMetricValues, type MetricTarget } from './metric-values.ts';
import { createVersionDiscovery, type CustomMetricsVersion, type VersionDiscovery } from './version-discovery.ts';

export interface CustomMetricsOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  /** Each request, milliseconds; a query takes up to three of them when something must be discovered first. */
  readonly timeoutMs: number;
  /** The API version in use and the plurals of kinds are asked for again after so long; default 600 000. */
  readonly rediscoverMs?: number | undefined;
  /** An answer of more bytes is refused; default 4 MiB, the values of about 18,000 pods. */
  readonly maxBytes?: number | undefined;
}

interface Parts {
  readonly options: CustomMetricsOptions;
  readonly maxBytes: number;
  readonly versions: VersionDiscovery;
  readonly kinds: KindDiscovery;
}

/** What to ask of whichever version is in use. */
interface Question extends MetricTarget {
  /** Below `/apis/custom.metrics.k8s.io/<version>/`, with query. */
  readonly tail: string;
  readonly permission: string;
}

const defaultRediscoverMs = 600_000;

/**
 * `custom.metrics.k8s.io`, v1beta1 or v1beta2, whoever serves it: queries of kind `pods` and `object`. What the server lists as its metrics is
 * never looked at: adapters leave metrics out of the list that they serve.
 */
export function createCustomMetricsSource(options: CustomMetricsOptions): MetricsSource {
  const { client, clock, timeoutMs, rediscoverMs = defaultRediscoverMs, maxBytes = defaultMaxBytes } = options;
  const discovery = { client, clock, timeoutMs, rediscoverMs, maxBytes };
  const parts = { options, maxBytes, versions: createVersionDiscovery(discovery), kinds: createKindDiscovery(discovery) };
  return { name: customMetricsSource, ask: (query, signal) => ask(parts, query, signal) };
}

async function ask(parts: Parts, query: MetricQuery, signal: AbortSignal): Promise<QueryAnswer> {
  const question = await questionOf(parts, query, signal);
  return 'ok' in question ? question : askInUse(parts, question, signal);
}

async function questionOf(parts: Parts, query: MetricQuery, signal: AbortSignal): Promise<Question | SourceFailure> {
  switch (query.kind) {
    case 'pods':
      return podsQuestion(query);
    case 'object':
      return objectQuestion(query, parts.kinds, signal);
    case 'external':
    case 'prometheus':
      return refused(`it serves no queries of kind ${query.kind}`);
  }
}

function refused(why: string): SourceFailure {
  return { ok: false, reason: 'refused', detail: `${customMetricsSource}: ${why}` };
}

function podsQuestion({ namespace, selector, metric, metricSelector }: PodsQuery): Question | SourceFailure {
  const problem = segmentProblem('the namespace', namespace) ?? segmentProblem('the name of the metric', metric);
  if (problem !== undefined) return refused(problem);
  const which = selector === '' ? 'all pods' : `the pods ${shown(selector)}`;
  return {
    namespace,
    name: undefined,
    tail: withSelectors(`namespaces/${encodeStrictly(namespace)}/pods/${encodeStrictly('*')}/${encodeStrictly(metric)}`, {
      labelSelector: selector,
      metricLabelSelector: metricSelector,
    }),
    subject: `${metricText(metric, metricSelector)} of ${which} of namespace ${shown(namespace)}`,
    permission: permissionOf(`pods/${metric}`, namespace),
  };
}

async function objectQuestion(query: ObjectQuery, kinds: KindDiscovery, signal: AbortSignal): Promise<Question | SourceFailure> {
  const { namespace, object, metric, metricSelector } = query;
  const problem = segmentProblem('the name of the metric', metric) ?? segmentProblem('the name of the object', object.name);
  if (problem !== undefined) return refused(problem);
  if (object.name === '*') return refused('an object is asked for by its name, not by "*"');
  const path = await objectPath(query, kinds, signal);
  if ('ok' in path) return path;
  const place = path.namespace === undefined ? object.name : `${namespace}/${object.name}`;
  return {
    namespace: path.namespace,
    name: object.name,
    tail: withSelectors(path.text, { metricLabelSelector: metricSelector }),
    subject: `${metricText(metric, metricSelector)} of ${shown(object.kind)} ${shown(place)}`,
    permission: permissionOf(path.resource, path.rbacNamespace),
  };
}

interface ObjectPath {
  readonly text: string;
  /** As RBAC names it. */
  readonly resource: string;
  /** Of the object; `undefined` for one that is in none. */
  readonly namespace: string | undefined;
  readonly rbacNamespace: string | undefined;
}

async function objectPath(query: ObjectQuery, kinds: KindDiscovery, signal: AbortSignal): Promise<ObjectPath | SourceFailure> {
  const { namespace, object, metric } = query;
  if (isNamespace(object)) {
    const text = `namespaces/${encodeStrictly(object.name)}/metrics/${encodeStrictly(metric)}`;
    return { text, resource: 'metrics', namespace: undefined, rbacNamespace: object.name };
  }
  const type = await kinds.resolve(object, signal);
  if (!type.ok) return type;
  const text = `${encodeStrictly(type.resource)}/${encodeStrictly(object.name)}/${encodeStrictly(metric)}`;
  const resource = `${type.resource}/${metric}`;
  if (!type.namespaced) return { text, resource, namespace: undefined, rbacNamespace: undefined };
  const problem = segmentProblem('the namespace', namespace);
  if (problem !== undefined) return refused(problem);
  return { text: `namespaces/${encodeStrictly(namespace)}/${text}`, resource, namespace, rbacNamespace: namespace };
}

function isNamespace({ apiVersion = '', kind }: ObjectQuery['object']): boolean {
  return kind === 'Namespace' && (apiVersion === '' || apiVersion === 'v1');
}

function metricText(metric: string, metricSelector: string): string {
  return `metric ${shown(metric)}${metricSelector === '' ? '' : ` with ${shown(metricSelector)}`}`;
}

function permissionOf(resource: string, namespace: string | undefined): string {
  const where = namespace === undefined ? 'in the cluster' : `in namespace ${shown(namespace)}`;
  return `the verb get on the resource ${shown(resource)} of API group ${customMetricsSource} ${where}`;
}

/** Asks the version in use; when nobody serves it any more, the one that discovery then prefers. */
async function askInUse(parts: Parts, question: Question, signal: AbortSignal): Promise<QueryAnswer> {
  const found = await parts.versions.current(signal);
  if (found.kind !== 'served') return found.failure;
  const answer = await get(parts, question, { version: found.inUse, signal });
  if (answer.kind !== 'not-served') return answered(parts, question, { version: found.inUse, answer });
  const again = await parts.versions.after(found, signal);
  if (again.kind !== 'served') return again.failure;
  for (const version of [again.inUse, ...again.others]) {
    // Nothing says that a version that is listed is served: the APIService may lead to a server that does not know it.
    if (version === found.inUse) continue;
    const other = await get(parts, question, { version, signal });
    if (other.kind === 'not-served') continue;
    parts.versions.use(version, again);
    return answered(parts, question, { version, answer: other });
  }
  const detail = `${customMetricsSource} does not serve ${question.subject}: its APIService is there, but what stands behind answers 404 for the path`;
  return { ok: false, reason: 'missing', detail };
}

interface Asked {
  readonly version: CustomMetricsVersion;
  readonly answer: Exclude<DocumentAnswer, { readonly kind: 'not-served' }>;
}

function get(
  { options, maxBytes }: Parts,
  { tail, subject, permission }: Question,
  { version, signal }: { readonly version: CustomMetricsVersion; readonly signal: AbortSignal },
): Promise<DocumentAnswer> {
  const { client, timeoutMs } = options;
  const path = `/apis/${customMetricsSource}/${version}/${tail}`;
  return getDocument({ client, path, timeoutMs, maxBytes, signal, api: customMetricsSource, subject, permission });
}

function answered({ options }: Parts, question: Question, { version, answer }: Asked): QueryAnswer {
  switch (answer.kind) {
    case 'failure':
      return answer.failure;
    case 'not-found': {
      const detail = `${customMetricsSource} has no ${question.subject}: check the adapter's rules and the labels of the series`;
      return { ok: false, reason: 'missing', detail };
    }
    case 'document':
      return readMetricValues(answer.document, { target: question, version, now: options.clock.now() });
  }
}
