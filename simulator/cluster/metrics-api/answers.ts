import { formatTime } from '../../../core/model/condition.ts';
import type { Clock } from '../../../core/model/clock.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import { isConcertinaError } from '../../../core/errors.ts';
import { matchesSelector, parseSelector } from '../../../core/model/selector.ts';
import type { Labels } from '../../../core/model/selector.ts';
import { formatDuration, Quantity } from '../../../core/units/index.ts';
import type { ApiRequest, ApiResponse } from '../api-server/types.ts';
import { tableOf } from './table.ts';
import type { TwoPointStore, Usage } from './two-point-store.ts';
import type { MetricsDiscoveryResource, MetricsFaults, MetricsObjects } from './types.ts';

export const metricsApiVersion = 'metrics.k8s.io/v1beta1' as const;
const root = '/apis/metrics.k8s.io/v1beta1';

/** What discovery says of the group. */
export const discovery: readonly MetricsDiscoveryResource[] = [
  { name: 'nodes', singularName: '', namespaced: false, kind: 'NodeMetrics', verbs: ['get', 'list'] },
  { name: 'pods', singularName: '', namespaced: true, kind: 'PodMetrics', verbs: ['get', 'list'] },
];
const discoveryDocument = { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: metricsApiVersion, resources: discovery };

export interface AnswerContext {
  readonly clock: Clock;
  readonly store: TwoPointStore;
  readonly objects: MetricsObjects;
  readonly faults: MetricsFaults;
}

interface MetricsItem extends KubeObject {
  readonly timestamp: string;
  readonly window: string;
  readonly containers?: readonly { readonly name: string; readonly usage: UsageTexts }[];
  readonly usage?: UsageTexts;
}

export interface UsageTexts {
  readonly cpu: string;
  readonly memory: string;
}

/** What a request asks for, by its path. */
type Target =
  | { readonly resource: 'nodes'; readonly name: string | undefined }
  | { readonly resource: 'pods'; readonly namespace: string | undefined; readonly name: string | undefined };

/** Answers one request of the group. */
export function answer(context: AnswerContext, request: ApiRequest): ApiResponse {
  if (context.faults.unavailable) return failure(503, 'ServiceUnavailable', 'the server is currently unable to handle the request');
  if (request.path === root || request.path === `${root}/`) return json(200, discoveryDocument);
  const target = targetOf(request.path);
  if (target === undefined) return failure(404, 'NotFound', 'the server could not find the requested resource');
  if (request.method !== 'GET') return failure(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource');
  if (request.query.get('watch') === 'true' || request.query.get('watch') === '1') {
    return failure(405, 'MethodNotAllowed', 'watch is not supported on resources of metrics.k8s.io');
  }
  if (target.name !== undefined) return single(context, request, target, target.name);
  const kind = target.resource === 'pods' ? 'PodMetricsList' : 'NodeMetricsList';
  try {
    const items = list(context, request, target);
    return respond(request, { kind, apiVersion: metricsApiVersion, metadata: {}, items }, items);
  } catch (error) {
    if (isConcertinaError(error, 'SELECTOR_INVALID')) return failure(400, 'BadRequest', error.message);
    throw error;
  }
}

function targetOf(path: string): Target | undefined {
  if (!path.startsWith(`${root}/`)) return undefined;
  const parts = path
    .slice(root.length + 1)
    .split('/')
    .map(decodeURIComponent);
  if (parts[0] === 'nodes' && parts.length <= 2) return { resource: 'nodes', name: parts[1] };
  if (parts[0] === 'pods' && parts.length === 1) return { resource: 'pods', namespace: undefined, name: undefined };
  if (parts[0] === 'namespaces' && parts[2] === 'pods' && parts.length <= 4) {
    return { resource: 'pods', namespace: parts[1], name: parts[3] };
  }
  return undefined;
}

function single(context: AnswerContext, request: ApiRequest, target: Target, name: string): ApiResponse {
  let item: MetricsItem | undefined;
  if (target.resource === 'nodes') {
    const node = context.objects.node(name);
    item = node === undefined ? undefined : nodeItem(context, node);
  } else {
    const pod = context.objects.pod(target.namespace ?? '', name);
    item = pod === undefined ? undefined : podItem(context, pod);
  }
  if (item === undefined || context.faults.emptyList) {
    const plural = target.resource === 'pods' ? 'podmetrics' : 'nodemetrics';
    const shown = target.resource === 'pods' ? `${target.namespace}/${name}` : name;
    return failure(404, 'NotFound', `${plural}.metrics.k8s.io "${shown}" not found`, {
      name: shown,
      group: 'metrics.k8s.io',
      kind: plural,
    });
  }
  const kind = target.resource === 'pods' ? 'PodMetrics' : 'NodeMetrics';
  return respond(request, { kind, apiVersion: metricsApiVersion, ...item }, [item]);
}

function list(context: AnswerContext, request: ApiRequest, target: Target): readonly MetricsItem[] {
  const selector = parseSelector(request.query.get('labelSelector') ?? '');
  const fields = fieldSelector(request.query.get('fieldSelector') ?? '');
  if (context.faults.emptyList) return [];
  const items: MetricsItem[] = [];
  const objects = target.resource === 'nodes' ? context.objects.nodes() : context.objects.pods(target.namespace);
  for (const object of objects) {
    if (!matchesSelector(selector, object.metadata.labels ?? {}) || !fields(object)) continue;
    const item = target.resource === 'nodes' ? nodeItem(context, object) : podItem(context, object);
    if (item !== undefined) items.push(item);
  }
  return items.sort(
    (left, right) =>
      compare(left.metadata.namespace ?? '', right.metadata.namespace ?? '') || compare(left.metadata.name, right.metadata.name),
  );
}

/** Only name and namespace can be selected by; anything else selects nothing, for the objects behind have no other field. */
function fieldSelector(text: string): (object: KubeObject) => boolean {
  const parts = text.split(',').filter((part) => part !== '');
  return (object) =>
    parts.every((part) => {
      const match = /^([^=!]+)(==|=|!=)(.*)$/.exec(part);
      if (match === null) return false;
      const [, field, operator, value] = match;
      const { name, namespace } = object.metadata;
      const actual = field === 'metadata.name' ? name : field === 'metadata.namespace' ? namespace : undefined;
      return actual !== undefined && (actual === value) === (operator !== '!=');
    });
}

function podItem(context: AnswerContext, pod: KubeObject): MetricsItem | undefined {
  const { faults } = context;
  // metrics-server's informer follows running pods only.
  if ((pod.status as { readonly phase?: string } | undefined)?.phase !== 'Running') return undefined;
  const namespace = pod.metadata.namespace ?? 'default';
  const { name } = pod.metadata;
  if (faults.partial < 1 && share(`${namespace}/${name}`) >= faults.partial) return undefined;
  const points = context.store.pod(namespace, name);
  if (points === undefined) return undefined;
  const containers = points.containers
    .filter((container) => !faults.missingContainer.has(`${namespace}/${name}/${container.name}`))
    .map((container) => ({ name: container.name, usage: usageTexts(container.usage, faults) }));
  return { metadata: metadataOf(context, pod), ...span(context, points), containers };
}

function nodeItem(context: AnswerContext, node: KubeObject): MetricsItem | undefined {
  const usage = context.store.node(node.metadata.name);
  if (usage === undefined) return undefined;
  return { metadata: metadataOf(context, node), ...span(context, usage), usage: usageTexts(usage, context.faults) };
}

function metadataOf(context: AnswerContext, object: KubeObject): KubeObject['metadata'] {
  const { name, namespace, labels } = object.metadata;
  const copied: Labels | undefined = labels;
  return {
    name,
    ...(namespace !== undefined && { namespace }),
    // The moment of the answer: it says nothing about the age of the pod.
    creationTimestamp: formatTime(context.clock.now()),
    ...(copied !== undefined && Object.keys(copied).length > 0 && { labels: copied }),
  };
}

function span(
  context: AnswerContext,
  usage: { readonly timestamp: number; readonly windowMs: number },
): { timestamp: string; window: string } {
  return { timestamp: formatTime(usage.timestamp + context.faults.clockSkewMs), window: formatDuration(usage.windowMs) };
}

/** CPU to the nano-core and memory in binary units, each in its shortest exact form. */
function usageTexts(usage: Usage, faults: MetricsFaults): UsageTexts {
  if (faults.zeroForAll) return { cpu: '0', memory: '0' };
  return {
    cpu: Quantity.ofNano(BigInt(usage.cpuNano)).toString(),
    memory: Quantity.ofInteger(usage.memoryBytes, 'BinarySI').toString(),
  };
}

function respond(request: ApiRequest, body: object, items: readonly MetricsItem[]): ApiResponse {
  const wantsTable = /;\s*as=Table\b/i.test(request.headers['accept'] ?? '');
  return json(200, wantsTable ? tableOf(items) : body);
}

function failure(code: number, reason: string, message: string, details?: object): ApiResponse {
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, ...(details && { details }), code };
  return json(code, status);
}

function json(status: number, body: object): ApiResponse {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

function compare(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

/** A number in [0, 1) that is always the same for a text (FNV-1a, finished by a multiplication). */
function share(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return (Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0) / 2 ** 32;
}
