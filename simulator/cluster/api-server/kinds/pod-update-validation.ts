import { fieldErrors } from '../errors.ts';
import type { FieldError } from '../errors.ts';
import { equalJson } from '../json.ts';
import type { Container, NodeAffinity, NodeSelectorTerm, PodSpec, Toleration } from './shapes.ts';

const { invalid, forbidden } = fieldErrors;

/** The start of upstream's text; there a difference of the two specs follows. */
export const podUpdateRefusal =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

/** What an update of a pod may change: images, more tolerations, a shorter deadline, fewer gates, and of a gated pod a narrower choice of nodes. */
export function validatePodUpdate(spec: PodSpec, before: PodSpec): FieldError[] {
  for (const list of ['containers', 'initContainers'] as const) {
    if ((spec[list] ?? []).length !== (before[list] ?? []).length) {
      return [forbidden(`spec.${list}`, 'pod updates may not add or remove containers')];
    }
  }
  const late = validateDeadline(spec, before);
  if (late !== undefined && spec.activeDeadlineSeconds !== undefined) return [late];
  const errors = [...(late === undefined ? [] : [late]), ...validateAdditions(spec, before)];
  if ((before.schedulingGates ?? []).length > 0) errors.push(...validateNarrowed(spec, before));
  if (!equalJson(mutableFieldsFrom(spec, before), before)) errors.push(forbidden('spec', podUpdateRefusal));
  return errors;
}

function validateDeadline({ activeDeadlineSeconds: now }: PodSpec, { activeDeadlineSeconds: then }: PodSpec): FieldError | undefined {
  if (then === undefined) return undefined;
  const field = 'spec.activeDeadlineSeconds';
  if (now === undefined) return invalid(field, undefined, 'must not update from a positive integer to nil value');
  return now > then ? invalid(field, now, 'must be less than or equal to previous value') : undefined;
}

/** Lists of which one may only grow and one only shrink. */
function validateAdditions({ tolerations = [], schedulingGates = [] }: PodSpec, before: PodSpec): FieldError[] {
  const errors: FieldError[] = [];
  if ((before.tolerations ?? []).some((kept) => !tolerations.some((present) => sameButSeconds(kept, present)))) {
    errors.push(forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds'));
  }
  const gates = (before.schedulingGates ?? []).map((gate) => gate.name);
  for (const [at, { name = '' }] of schedulingGates.entries()) {
    if (gates.includes(name)) continue;
    errors.push(forbidden(`spec.schedulingGates[${at}].name`, `only deletion is allowed, but found new scheduling gate '${name}'`));
  }
  return errors;
}

function sameButSeconds(a: Toleration, b: Toleration): boolean {
  return equalJson({ ...a, tolerationSeconds: undefined }, { ...b, tolerationSeconds: undefined });
}

/** A gated pod's node selector and node affinity may get more conditions, and lose none. */
function validateNarrowed(spec: PodSpec, before: PodSpec): FieldError[] {
  const errors: FieldError[] = [];
  const { nodeSelector = {} } = spec;
  if (Object.entries(before.nodeSelector ?? {}).some(([key, value]) => nodeSelector[key] !== value)) {
    const detail = 'only additions to spec.nodeSelector are allowed (no mutations or deletions)';
    errors.push(invalid('spec.nodeSelector', nodeSelector, detail));
  }
  return [...errors, ...validateNarrowedTerms(termsOf(spec.affinity?.nodeAffinity), termsOf(before.affinity?.nodeAffinity))];
}

function termsOf(affinity: NodeAffinity | undefined): readonly NodeSelectorTerm[] {
  return affinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
}

function validateNarrowedTerms(now: readonly NodeSelectorTerm[], then: readonly NodeSelectorTerm[]): FieldError[] {
  const field = 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms';
  if (then.length === 0) return [];
  if (then.length !== now.length) return [invalid(field, now, 'no additions/deletions to non-empty NodeSelectorTerms list are allowed')];
  return then.flatMap((term, at) => {
    const next = now[at] ?? {};
    return onlyAdds(next, term) ? [] : [invalid(`${field}[${at}]`, next, 'only additions are allowed (no mutations or deletions)')];
  });
}

function onlyAdds(now: NodeSelectorTerm, then: NodeSelectorTerm): boolean {
  const lists = ['matchExpressions', 'matchFields'] as const;
  // A term without conditions matches nothing: with some it would match more.
  if (lists.every((list) => (then[list] ?? []).length === 0)) return lists.every((list) => (now[list] ?? []).length === 0);
  return lists.every((list) => {
    const kept = then[list] ?? [];
    return kept.length === 0 || equalJson((now[list] ?? []).slice(0, kept.length), kept);
  });
}

/** The new spec with every field that may change taken from the old one: equal to the old one if nothing else changed. */
function mutableFieldsFrom(spec: PodSpec, before: PodSpec): PodSpec {
  const restore = (now: Container[] | undefined, then: Container[] | undefined): Container[] | undefined =>
    now?.map((container, at) => withImage(container, then?.[at]?.image));
  const result: PodSpec = { ...spec };
  put(result, 'containers', restore(spec.containers, before.containers));
  put(result, 'initContainers', restore(spec.initContainers, before.initContainers));
  put(result, 'ephemeralContainers', before.ephemeralContainers);
  put(result, 'tolerations', before.tolerations);
  put(result, 'activeDeadlineSeconds', before.activeDeadlineSeconds);
  put(result, 'schedulingGates', before.schedulingGates);
  if ((before.schedulingGates ?? []).length > 0) {
    put(result, 'nodeSelector', before.nodeSelector);
    put(result, 'affinity', withNodeAffinityOf(before, spec));
  }
  if ((before.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1) {
    put(result, 'terminationGracePeriodSeconds', before.terminationGracePeriodSeconds);
  }
  return result;
}

/** The new affinity with the old one's node affinity: that of pods may not change, for its selectors were merged with `matchLabelKeys` on creation. */
function withNodeAffinityOf({ affinity: then }: PodSpec, { affinity: now }: PodSpec): unknown {
  const { nodeAffinity: _narrowed, ...rest } = now ?? {};
  if (then?.nodeAffinity !== undefined) return { ...rest, nodeAffinity: then.nodeAffinity };
  return then === undefined && Object.keys(rest).length === 0 ? undefined : rest;
}

function withImage(container: Container, image: string | undefined): Container {
  return image === undefined ? container : { ...container, image };
}

function put(spec: PodSpec, field: string, value: unknown): void {
  if (value === undefined) delete spec[field];
  else spec[field] = value;
}
