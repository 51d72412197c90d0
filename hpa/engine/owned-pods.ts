import type { ObjectReference } from '../../core/model/object.ts';
import type { OwnerRecord } from '../../core/model/pod.ts';
import type { PodSelectionFacts } from './model.ts';
import { namesText } from './text.ts';

/** A pod as far as it tells whose it is; a `PodRecord` is one. */
export interface OwnedPod {
  readonly name: string;
  /** The owner reference with `controller: true`. */
  readonly owner: OwnerRecord | undefined;
}

/**
 * What controls an owner, for example the Deployment of a ReplicaSet: the record, `'none'` when nothing does, `undefined` when the caller does not know the object.
 * Must answer by uid, since a name may be given again.
 */
export type ControllerOf = (owner: OwnerRecord) => OwnerRecord | 'none' | undefined;

export interface PodSelection<Pod extends OwnedPod> extends PodSelectionFacts {
  /** The pods of the target, in their order; the given list itself when none is left out. */
  readonly pods: readonly Pod[];
  /** Pods kept by their labels, because the chain of their owners is not known to the end. */
  readonly byLabels: number;
}

/** A chain is no longer than this; longer ones are taken for a loop. */
const maxDepth = 8;

/** Kinds whose pods they own themselves. */
const direct: ReadonlySet<string> = new Set(['apps/StatefulSet', 'apps/ReplicaSet', '/ReplicationController']);

/**
 * Of pods that match the target's selector, those that belong to it: their controllers lead to the target (§15 no. 6). Pods of Jobs, of other workloads with the same
 * labels and pods of nobody are left out. A pod whose chain ends in something that the caller does not know is kept by its labels, and `note` says so. So is every pod
 * when none can be traced to a target of a kind of its own, since its operator may own pods in a way of its own.
 */
export function ownedPods<Pod extends OwnedPod>(
  pods: readonly Pod[],
  target: ObjectReference,
  controllerOf: ControllerOf,
): PodSelection<Pod> {
  const verdicts = new Map<OwnerRecord | undefined, Verdict>();
  const verdict = ({ owner }: Pod): Verdict => {
    let known = verdicts.get(owner);
    if (known === undefined) verdicts.set(owner, (known = belongs(owner, target, controllerOf)));
    return known;
  };
  const foreign = pods.filter((pod) => verdict(pod) === 'foreign');
  const byLabels = pods.filter((pod) => verdict(pod) === 'unknown').length;
  if (foreign.length === 0) return { pods, foreign: [], byLabels, note: noteOf({ target, foreign, byLabels, pods }) };
  if (foreign.length + byLabels === pods.length && !isBuiltIn(target)) {
    const note = `no pod can be traced to ${target.kind}/${target.name} by its owners, so all that match the selector are counted`;
    return { pods, foreign: [], byLabels: pods.length, note };
  }
  return {
    pods: pods.filter((pod) => verdict(pod) !== 'foreign'),
    foreign: foreign.map(({ name }) => name),
    byLabels,
    note: noteOf({ target, foreign, byLabels, pods }),
  };
}

type Verdict = 'owned' | 'foreign' | 'unknown';

function belongs(owner: OwnerRecord | undefined, target: ObjectReference, controllerOf: ControllerOf): Verdict {
  let next = owner;
  for (let depth = 0; next !== undefined && depth < maxDepth; depth += 1) {
    if (isTarget(next, target)) return 'owned';
    if (!canLeadTo(next, target)) return 'foreign';
    const controller = controllerOf(next);
    if (controller === undefined) return 'unknown';
    next = controller === 'none' ? undefined : controller;
  }
  // A loop: nothing is known of its end.
  return next === undefined ? 'foreign' : 'unknown';
}

/** The version of an API group does not matter, and the uid only where the target's is known. */
function isTarget({ apiVersion, kind, name, uid }: OwnerRecord, target: ObjectReference): boolean {
  if (kind !== target.kind || name !== target.name || groupOf(apiVersion) !== groupOf(target.apiVersion)) return false;
  return target.uid === undefined || target.uid === uid;
}

/** For built-in kinds it is known what stands between them and their pods, also without asking. */
function canLeadTo({ apiVersion, kind }: OwnerRecord, target: ObjectReference): boolean {
  const wanted = fullKind(target);
  if (direct.has(wanted)) return false;
  return wanted !== 'apps/Deployment' || `${groupOf(apiVersion)}/${kind}` === 'apps/ReplicaSet';
}

function isBuiltIn(target: ObjectReference): boolean {
  return fullKind(target) === 'apps/Deployment' || direct.has(fullKind(target));
}

function fullKind({ apiVersion, kind }: ObjectReference): string {
  return `${groupOf(apiVersion)}/${kind}`;
}

function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}

function noteOf(facts: {
  readonly target: ObjectReference;
  readonly foreign: readonly OwnedPod[];
  readonly byLabels: number;
  readonly pods: readonly OwnedPod[];
}): string {
  const { target, foreign, byLabels, pods } = facts;
  const parts: string[] = [];
  if (foreign.length > 0) {
    const owners = [...new Set(foreign.map(({ owner }) => (owner === undefined ? 'nobody' : `${owner.kind}/${owner.name}`)))];
    parts.push(`${foreign.length} of ${pods.length} matching pods belong to others (${namesText(owners)}) and are left out`);
  }
  if (byLabels > 0) parts.push(`${byLabels} are counted by their labels, since the chain of their owners is not known to the end`);
  return parts.length === 0 ? `all belong to ${target.kind}/${target.name}` : parts.join('; ');
}
