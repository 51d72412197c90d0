import { messageOf } from '../../../../core/errors.ts';
import type { KubeObject } from '../../../../core/model/object.ts';
import { compileExpression } from '../crd/cel/compile.ts';
import type { CompiledExpression } from '../crd/cel/compile.ts';
import { naturalValue } from '../crd/cel/declarations.ts';
import { kubernetesCel } from '../crd/cel/environment.ts';
import type { Json } from '../json.ts';
import type { LabelSelectorShape } from '../kinds/shapes.ts';
import { matchesSelector } from '../label-selectors.ts';
import type { AdmissionRequest, Webhook } from './webhook-types.ts';

const exemptKinds = new Set([
  'mutatingwebhookconfigurations',
  'validatingwebhookconfigurations',
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
  'mutatingadmissionpolicies',
  'mutatingadmissionpolicybindings',
]);

/** Whether rules and selectors let this request through to the webhook; match conditions come after. */
export function selects(
  webhook: Webhook,
  request: AdmissionRequest,
  namespaceLabels: Readonly<Record<string, string>> | undefined,
): boolean {
  // Configurations of admission itself are never given to webhooks, so that a broken one can always be repaired.
  if (request.type.group === 'admissionregistration.k8s.io' && exemptKinds.has(request.type.plural)) return false;
  return (
    webhook.rules.some((rule) => ruleMatches(rule, request)) &&
    namespaceMatches(webhook.namespaceSelector, request, namespaceLabels) &&
    objectMatches(webhook.objectSelector, request)
  );
}

function includes(rule: Json, field: string, value: string): boolean {
  const values: unknown = rule[field];
  return Array.isArray(values) && (values.includes('*') || values.includes(value));
}

function ruleMatches(rule: Json, request: AdmissionRequest): boolean {
  const { type } = request;
  const scope = rule['scope'] ?? '*';
  if (scope === 'Namespaced' && !type.namespaced) return false;
  if (scope === 'Cluster' && type.namespaced) return false;
  return (
    includes(rule, 'operations', request.operation) &&
    includes(rule, 'apiGroups', type.group) &&
    includes(rule, 'apiVersions', type.version) &&
    resourceMatches(rule['resources'], type.plural, request.subresource ?? '')
  );
}

// `pods`, `pods/status`, `pods/*` (also pods themselves), `*` (every resource, no subresources) and a star on both sides.
function resourceMatches(resources: unknown, plural: string, subresource: string): boolean {
  if (!Array.isArray(resources)) return false;
  return resources.some((item) => {
    const [resource = '', sub = ''] = typeof item === 'string' ? item.split('/') : [];
    return (resource === '*' || resource === plural) && (sub === '*' || sub === subresource);
  });
}

function isEmpty(selector: LabelSelectorShape): boolean {
  return Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0;
}

function namespaceMatches(
  selector: LabelSelectorShape,
  request: AdmissionRequest,
  namespaceLabels: Readonly<Record<string, string>> | undefined,
): boolean {
  if (isEmpty(selector)) return true;
  if (request.type.group === '' && request.type.plural === 'namespaces' && (request.subresource ?? '') === '') {
    return matchesSelector(selector, (request.object ?? request.oldObject)?.metadata.labels ?? {});
  }
  return !request.type.namespaced || matchesSelector(selector, namespaceLabels ?? {});
}

function objectMatches(selector: LabelSelectorShape, request: AdmissionRequest): boolean {
  if (isEmpty(selector)) return true;
  return [request.object, request.oldObject].some(
    (object) => object !== undefined && matchesSelector(selector, object.metadata.labels ?? {}),
  );
}

const conditionCel = kubernetesCel
  .clone()
  .registerVariable('object', 'dyn')
  .registerVariable('oldObject', 'dyn')
  .registerVariable('request', 'dyn');
const compiled = new Map<string, CompiledExpression | Error>();

/** `error` only when no condition is false and at least one could not be evaluated. */
export type ConditionVerdict = { readonly matches: boolean } | { readonly error: string };

/** All of the webhook's CEL match conditions: false decides, whatever else fails. */
export function matchConditions(webhook: Webhook, request: AdmissionRequest, review: Json): ConditionVerdict {
  if (webhook.matchConditions.length === 0) return { matches: true };
  const context = { object: value(request.object), oldObject: value(request.oldObject), request: naturalValue(review) };
  const errors: string[] = [];
  for (const condition of webhook.matchConditions) {
    try {
      const expression = compile(condition.expression);
      if (expression.evaluate(context) !== true) return { matches: false };
    } catch (error) {
      errors.push(`failed evaluating matchCondition ${JSON.stringify(condition.name)}: ${messageOf(error)}`);
    }
  }
  return errors.length === 0 ? { matches: true } : { error: errors.join(', ') };
}

function value(object: KubeObject | undefined): unknown {
  return object === undefined ? null : naturalValue(object);
}

function compile(expression: string): CompiledExpression {
  let known = compiled.get(expression);
  if (known === undefined) {
    try {
      known = compileExpression(conditionCel, expression);
    } catch (error) {
      known = error instanceof Error ? error : new Error(messageOf(error));
    }
    compiled.set(expression, known);
  }
  if (known instanceof Error) throw known;
  return known;
}
