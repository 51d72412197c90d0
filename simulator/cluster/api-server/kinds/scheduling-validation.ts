import { fieldErrors } from '../errors.ts';
import type { FieldError } from '../errors.ts';
import { dnsLabelError, labelValueErrors, validateLabelKey } from './metadata-validation.ts';
import { oneOf, validateNodeSelectorTerm, validateSelectorShape } from './selector-validation.ts';
import type {
  LabelSelectorShape,
  NodeAffinity,
  PodAffinity,
  PodAffinityTerm,
  PodSpec,
  Toleration,
  TopologySpreadConstraint,
} from './shapes.ts';

const { required, invalid, forbidden, notSupported, duplicate } = fieldErrors;

/** In the order in which the server's text lists them. */
export const taintEffects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

/** Where a pod may go, as core/v1 has it checked: affinity, gates, spreading. Tolerations are {@link validateTolerations}'s. */
export function validateScheduling(spec: PodSpec, path: string): FieldError[] {
  const { nodeAffinity, podAffinity, podAntiAffinity } = spec.affinity ?? {};
  return [
    ...validateNodeAffinity(nodeAffinity, `${path}.affinity.nodeAffinity`),
    ...validatePodAffinity(podAffinity, `${path}.affinity.podAffinity`),
    ...validatePodAffinity(podAntiAffinity, `${path}.affinity.podAntiAffinity`),
    ...validateGates(spec.schedulingGates ?? [], `${path}.schedulingGates`),
    ...validateSpread(spec.topologySpreadConstraints ?? [], `${path}.topologySpreadConstraints`),
  ];
}

function validateNodeAffinity(affinity: NodeAffinity | undefined, path: string): FieldError[] {
  const hard = affinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const errors: FieldError[] = [];
  if (hard !== undefined) {
    const field = `${path}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms`;
    const terms = hard.nodeSelectorTerms ?? [];
    if (terms.length === 0) errors.push(required(field, 'must have at least one node selector term'));
    for (const [at, term] of terms.entries()) errors.push(...validateNodeSelectorTerm(term, `${field}[${at}]`, false));
  }
  for (const [at, { weight, preference = {} }] of (affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
    const field = `${path}.preferredDuringSchedulingIgnoredDuringExecution[${at}]`;
    errors.push(...validateWeight(weight, field), ...validateNodeSelectorTerm(preference, `${field}.preference`, true));
  }
  return errors;
}

function validateWeight(weight = 0, field: string): FieldError[] {
  return weight > 0 && weight <= 100 ? [] : [invalid(`${field}.weight`, weight, 'must be in the range 1-100')];
}

function validatePodAffinity(affinity: PodAffinity | undefined, path: string): FieldError[] {
  const hard = affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  const soft = affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return [
    ...hard.flatMap((term, at) => validateTerm(term, `${path}.requiredDuringSchedulingIgnoredDuringExecution[${at}]`)),
    ...soft.flatMap(({ weight, podAffinityTerm = {} }, at) => {
      const field = `${path}.preferredDuringSchedulingIgnoredDuringExecution[${at}]`;
      return [...validateWeight(weight, field), ...validateTerm(podAffinityTerm, `${field}.podAffinityTerm`)];
    }),
  ];
}

function validateTerm(term: PodAffinityTerm, field: string): FieldError[] {
  const { topologyKey = '' } = term;
  const errors = [
    ...validateSelectorShape(term.labelSelector, `${field}.labelSelector`),
    ...validateSelectorShape(term.namespaceSelector, `${field}.namespaceSelector`),
  ];
  for (const name of term.namespaces ?? []) {
    const wrong = dnsLabelError(name);
    if (wrong !== undefined) errors.push(invalid(`${field}.namespace`, name, wrong));
  }
  errors.push(...validateMergedKeys(term, field));
  if (topologyKey === '') errors.push(required(`${field}.topologyKey`, 'can not be empty'));
  return [...errors, ...validateLabelKey(topologyKey, `${field}.topologyKey`)];
}

interface MergedKeys {
  readonly labelSelector?: LabelSelectorShape;
  readonly matchLabelKeys?: readonly string[];
  readonly mismatchLabelKeys?: readonly string[];
}

/**
 * `matchLabelKeys` and `mismatchLabelKeys`. A pod's have been merged into the selector by now (see `mergeLabelKeys`): a key that is in the selector twice was there
 * before. A template's have not, so that there only the pods made from it are refused. The odd path of the cause is upstream's.
 */
function validateMergedKeys({ labelSelector, matchLabelKeys = [], mismatchLabelKeys = [] }: MergedKeys, field: string): FieldError[] {
  const errors = [
    ...validateKeys(matchLabelKeys, labelSelector, `${field}.matchLabelKeys`),
    ...validateKeys(mismatchLabelKeys, labelSelector, `${field}.mismatchLabelKeys`),
  ];
  const seen = new Set(Object.keys(labelSelector?.matchLabels ?? {}));
  for (const { key = '' } of labelSelector?.matchExpressions ?? []) {
    const at = matchLabelKeys.lastIndexOf(key);
    if (at >= 0 && seen.has(key)) errors.push(invalid(`${field}[${at}]`, key, 'exists in both matchLabelKeys and labelSelector'));
    seen.add(key);
  }
  for (const [at, key] of matchLabelKeys.entries()) {
    if (!mismatchLabelKeys.includes(key)) continue;
    errors.push(invalid(`${field}.matchLabelKeys[${at}]`, key, 'exists in both matchLabelKeys and mismatchLabelKeys'));
  }
  return errors;
}

function validateKeys(keys: readonly string[], selector: LabelSelectorShape | undefined, field: string): FieldError[] {
  if (keys.length === 0) return [];
  if (selector === undefined) return [forbidden(field, 'must not be specified when labelSelector is not set')];
  return keys.flatMap((key, at) => validateLabelKey(key, `${field}[${at}]`));
}

function validateGates(gates: readonly { name?: string }[], field: string): FieldError[] {
  const seen = new Set<string>();
  return gates.flatMap(({ name = '' }, at) => {
    const errors = validateLabelKey(name, `${field}[${at}]`);
    if (seen.has(name)) errors.push(duplicate(`${field}[${at}]`, name));
    seen.add(name);
    return errors;
  });
}

const actions = ['DoNotSchedule', 'ScheduleAnyway'];
const policies = ['Honor', 'Ignore'];

function validateSpread(constraints: readonly TopologySpreadConstraint[], path: string): FieldError[] {
  return constraints.flatMap((constraint, at) => {
    const field = `${path}[${at}]`;
    const { maxSkew = 0, topologyKey = '', whenUnsatisfiable = '' } = constraint;
    const errors = maxSkew > 0 ? [] : [invalid(`${field}.maxSkew`, maxSkew, 'must be greater than zero')];
    if (topologyKey === '') errors.push(required(`${field}.topologyKey`, 'can not be empty'));
    errors.push(...oneOf(`${field}.whenUnsatisfiable`, whenUnsatisfiable, actions));
    const repeated = constraints
      .slice(at + 1)
      .some((other) => (other.topologyKey ?? '') === topologyKey && (other.whenUnsatisfiable ?? '') === whenUnsatisfiable);
    if (repeated) errors.push(duplicate(`${field}.{topologyKey, whenUnsatisfiable}`, `{${topologyKey}, ${whenUnsatisfiable}}`));
    return [
      ...errors,
      ...validateMinDomains(constraint, field),
      ...oneOf(`${field}.nodeAffinityPolicy`, constraint.nodeAffinityPolicy, policies),
      ...oneOf(`${field}.nodeTaintsPolicy`, constraint.nodeTaintsPolicy, policies),
      ...validateMergedKeys(constraint, field),
      ...validateSelectorShape(constraint.labelSelector, `${field}.labelSelector`),
    ];
  });
}

function validateMinDomains({ minDomains, whenUnsatisfiable = '' }: TopologySpreadConstraint, path: string): FieldError[] {
  if (minDomains === undefined) return [];
  const field = `${path}.minDomains`;
  const errors = minDomains > 0 ? [] : [invalid(field, minDomains, 'must be greater than zero')];
  if (whenUnsatisfiable !== 'DoNotSchedule') {
    errors.push(invalid(field, minDomains, `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`));
  }
  return errors;
}

export function validateTolerations(tolerations: readonly Toleration[] | undefined, path: string): FieldError[] {
  return (tolerations ?? []).flatMap((toleration, at) => validateToleration(toleration, `${path}[${at}]`));
}

function validateToleration(toleration: Toleration, field: string): FieldError[] {
  const { key = '', operator = '', effect = '' } = toleration;
  const errors = key === '' ? [] : validateLabelKey(key, `${field}.key`);
  if (key === '' && operator !== 'Exists') {
    const detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
    errors.push(invalid(`${field}.operator`, operator, detail));
  }
  if (toleration.tolerationSeconds !== undefined && effect !== 'NoExecute') {
    errors.push(invalid(`${field}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"));
  }
  errors.push(...validateTolerated(toleration, `${field}.operator`));
  return effect === '' ? errors : [...errors, ...oneOf(`${field}.effect`, effect, taintEffects)];
}

/** Operator and value. Gt and Lt are alpha in 1.36 and off by default; the text of their refusal names them all the same. */
function validateTolerated({ operator = '', value = '' }: Toleration, field: string): FieldError[] {
  switch (operator) {
    case '':
    case 'Equal': {
      const wrong = labelValueErrors(value);
      return wrong.length === 0 ? [] : [invalid(field, value, wrong.join(';'))];
    }
    case 'Exists':
      return value === '' ? [] : [invalid(field, value, "value must be empty when `operator` is 'Exists'")];
    case 'Gt':
    case 'Lt':
      return [notSupported(field, operator, ['Equal', 'Exists', 'Lt', 'Gt'])];
    default:
      return [notSupported(field, operator, ['Equal', 'Exists'])];
  }
}

interface Taint {
  readonly key?: string;
  readonly value?: string;
  readonly effect?: string;
}

/** A node's taints; upstream names them as if they were metadata. */
export function validateTaints(taints: readonly Taint[], path: string): FieldError[] {
  const seen = new Set<string>();
  return taints.flatMap((taint, at) => {
    const field = `${path}[${at}]`;
    const { key = '', value = '', effect = '' } = taint;
    const errors = validateLabelKey(key, `${field}.key`);
    const wrong = labelValueErrors(value);
    if (wrong.length > 0) errors.push(invalid(`${field}.value`, value, wrong.join(';')));
    errors.push(...(effect === '' ? [required(`${field}.effect`)] : oneOf(`${field}.effect`, effect, taintEffects)));
    const id = `${effect}:${key}`;
    // Printed by the server's internal type, which has no JSON names.
    const shown = { Key: key, Value: value, Effect: effect, TimeAdded: null };
    if (seen.has(id)) errors.push(duplicate(field, shown, 'taints must be unique by key and effect pair'));
    seen.add(id);
    return errors;
  });
}
