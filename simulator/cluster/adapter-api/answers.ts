import { isConcertinaError } from '../../../core/errors.ts';
import { formatTime } from '../../../core/model/condition.ts';
import { resourceTypes, type KubeObject, type ResourceType } from '../../../core/model/object.ts';
import { formatSelector, matchesSelector, parseSelector, type Selector, type SelectorRequirement } from '../../../core/model/selector.ts';
import type { ApiRequest } from '../api-server/types.ts';
import { badRequest, internalError, metricNotFound, noSuchResource, ok, type Answer } from './responses.ts';
import type { Reading, SeriesStore } from './series-store.ts';
import type { AdapterApiOptions, AdapterFaults } from './types.ts';

export interface AnswerContext extends AdapterApiOptions {
  readonly store: SeriesStore;
  readonly faults: AdapterFaults;
}

type CustomVersion = 'v1beta1' | 'v1beta2';

/** What a path of custom metrics asks for. */
interface Question {
  /** `services`, `deployments.apps`. */
  readonly resource: string;
  readonly namespace: string | undefined;
  /** `*`: every object that the label selector matches. */
  readonly name: string;
  readonly metric: string;
}

/** Below `/apis/custom.metrics.k8s.io/<version>`. */
export function answerCustom(context: AnswerContext, request: ApiRequest, version: CustomVersion, parts: readonly string[]): Answer {
  // Three parts that begin with a namespace are routed as an object without one, and refused only then.
  if (parts[0] === 'namespaces' && parts.length === 3) return badRequest('invalid request path');
  const question = questionOf(parts);
  if (question === undefined) return noSuchResource();
  const objects = selectorOf(request.query.get('labelSelector'));
  if (objects === undefined) return badRequest('unable to parse the label selector');
  const series = selectorOf(request.query.get('metricLabelSelector'));
  if (series === undefined) return internalError('unable to parse requirement');
  const found = question.name === '*' ? many(context, question, objects, series) : one(context, question, series);
  if ('status' in found) return found;
  const items = context.faults.emptyList
    ? []
    : found.map((entry) => customItem(context, version, { ...entry, metric: question.metric, series }));
  return ok({ kind: 'MetricValueList', apiVersion: `custom.metrics.k8s.io/${version}`, metadata: {}, items });
}

function questionOf(parts: readonly string[]): Question | undefined {
  const [first = '', second = '', third = '', fourth = '', fifth = ''] = parts;
  if (first !== 'namespaces') {
    return parts.length === 3 ? { resource: first, namespace: undefined, name: second, metric: third } : undefined;
  }
  if (parts.length === 4 && third === 'metrics') return { resource: 'namespaces', namespace: undefined, name: second, metric: fourth };
  return parts.length === 5 ? { resource: third, namespace: second, name: fourth, metric: fifth } : undefined;
}

function selectorOf(text: string | null): Selector | undefined {
  try {
    return parseSelector(text ?? '');
  } catch (error) {
    if (isConcertinaError(error, 'SELECTOR_INVALID')) return undefined;
    throw error;
  }
}

interface Found {
  readonly type: ResourceType;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly reading: Reading;
}

function one(context: AnswerContext, { resource, namespace, name, metric }: Question, series: Selector): Found[] | Answer {
  const type = typeNamed(context, resource);
  const pod = isPods(type) ? context.objects.get(type, namespace, name) : undefined;
  // Whatever the database still holds of a pod that is gone is not answered.
  const exists = type !== undefined && (!isPods(type) || pod !== undefined);
  const reading = exists ? context.store.read({ type, namespace, name, pod }, metric, series, timeOf(context)) : undefined;
  if (type === undefined || reading === undefined) return metricNotFound(metric, `${resource} ${name}${withSelector(series)}`);
  return [{ type, namespace, name, reading }];
}

function withSelector(series: Selector): string {
  const text = formatSelector(series) ?? '';
  return text === '' ? '' : ` with selector ${text}`;
}

function many(context: AnswerContext, { resource, namespace, metric }: Question, objects: Selector, series: Selector): Found[] | Answer {
  const type = typeNamed(context, resource);
  const found: Found[] = [];
  for (const object of type === undefined ? [] : context.objects.list(type, namespace)) {
    if (type === undefined || !matchesSelector(objects, object.metadata.labels ?? {}) || isLeftOut(context, type, object)) continue;
    const { name } = object.metadata;
    const pod = isPods(type) ? object : undefined;
    const reading = context.store.read({ type, namespace, name, pod }, metric, series, timeOf(context));
    if (reading !== undefined) found.push({ type, namespace, name, reading });
  }
  return found.length === 0 && !context.store.knows(metric) ? metricNotFound(metric, resource) : found;
}

function typeNamed({ store }: AnswerContext, resource: string): ResourceType | undefined {
  return resource === 'pods' ? resourceTypes.pods : store.typeOf(resource);
}

function isPods(type: ResourceType | undefined): type is typeof resourceTypes.pods {
  return type !== undefined && type.group === '' && type.plural === 'pods';
}

function isLeftOut({ faults }: AnswerContext, type: ResourceType, { metadata }: KubeObject): boolean {
  return isPods(type) && faults.partial < 1 && share(`${metadata.namespace}/${metadata.name}`) >= faults.partial;
}

interface Described extends Found {
  readonly metric: string;
  readonly series: Selector;
}

/** Field by field in the order in which Go writes them. */
function customItem(context: AnswerContext, version: CustomVersion, found: Described): object {
  const { type, namespace, name, reading, metric, series } = found;
  const describedObject = {
    kind: type.kind,
    ...(namespace !== undefined && { namespace }),
    name,
    // The core group leaves its slash behind.
    apiVersion: `${type.group}/${type.version}`,
  };
  const timestamp = timestampOf(context);
  const { windowSeconds } = reading;
  const value = valueText(context, reading);
  const selector = selectorObject(series);
  if (version === 'v1beta2') {
    return { describedObject, metric: { name: metric, selector }, timestamp, ...(windowSeconds !== undefined && { windowSeconds }), value };
  }
  return { describedObject, metricName: metric, timestamp, ...(windowSeconds !== undefined && { window: windowSeconds }), value, selector };
}

/** Below `/apis/external.metrics.k8s.io/v1beta1`. */
export function answerExternal(context: AnswerContext, request: ApiRequest, parts: readonly string[]): Answer {
  const [first, namespace = '', metric = ''] = parts;
  if (parts.length !== 3 || first !== 'namespaces') return noSuchResource();
  const selector = selectorOf(request.query.get('labelSelector'));
  if (selector === undefined) return badRequest('unable to parse the label selector');
  const found = context.store.external(namespace, metric, selector, timeOf(context));
  if (found.length === 0 && !context.store.knowsExternal(metric)) return metricNotFound(metric, 'externalmetrics.external.metrics.k8s.io');
  const items = found.map(({ labels, ...reading }) => ({
    metricName: metric,
    metricLabels: labels,
    timestamp: timestampOf(context),
    ...(reading.windowSeconds !== undefined && { window: reading.windowSeconds }),
    value: valueText(context, reading),
  }));
  return ok({
    kind: 'ExternalMetricValueList',
    apiVersion: 'external.metrics.k8s.io/v1beta1',
    metadata: {},
    items: context.faults.emptyList ? [] : items,
  });
}

function timeOf({ clock, faults }: AnswerContext): number {
  return faults.frozenAt ?? clock.now();
}

function timestampOf(context: AnswerContext): string {
  return formatTime(timeOf(context) + context.faults.clockSkewMs);
}

function valueText({ faults }: AnswerContext, { quantity }: Reading): string {
  return faults.notANumber ? 'NaN' : quantity.toString();
}

/** The selector as an object, as `metav1.ParseToLabelSelector` makes it; null when nothing was selected. */
function selectorObject({ requirements }: Selector): object | null {
  if (requirements.length === 0) return null;
  const equal = requirements.filter(({ operator }) => operator === '=' || operator === '==');
  const expressions = requirements.filter((requirement) => !equal.includes(requirement)).map(expressionOf);
  return {
    ...(equal.length > 0 && { matchLabels: Object.fromEntries(equal.map(({ key, values }) => [key, values[0] ?? ''])) }),
    ...(expressions.length > 0 && { matchExpressions: expressions }),
  };
}

const operators: Readonly<Record<string, string>> = { in: 'In', notin: 'NotIn', '!=': 'NotIn', exists: 'Exists', '!': 'DoesNotExist' };

function expressionOf({ key, operator, values }: SelectorRequirement): object {
  return { key, operator: operators[operator] ?? operator, ...(values.length > 0 && { values: values.toSorted() }) };
}

/** A number in [0, 1) that is always the same for a text (FNV-1a, finished by a multiplication). */
function share(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return (Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0) / 2 ** 32;
}
