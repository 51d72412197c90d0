import { isConcertinaError } from '../../core/errors.ts';
import { createInterner, type Interner } from '../../core/model/interner.ts';
import type { KubeObject, ObjectReference } from '../../core/model/object.ts';
import { resourceTypes } from '../../core/model/object.ts';
import type { OwnerRecord } from '../../core/model/pod.ts';
import { parseSelector, type Selector } from '../../core/model/selector.ts';
import type { SizingPolicy } from '../model.ts';
import type { TargetResolution, TargetResolver, TopmostController, WorkloadFacts } from '../ports.ts';
import { controllingPolicy } from '../targets/controlling-policy.ts';
import {
  projectTargetWorkload,
  scaledFacts,
  selectsAtRandom,
  wellKnownKindOf,
  workloadFacts,
  type TargetWorkload,
  type WellKnownKind,
} from '../targets/target-workload.ts';
import type { RequestsInput } from './recommend-ports.ts';

type Sources = Pick<RequestsInput, 'workloads' | 'controllerOf' | 'scaleOf' | 'unread'>;
type Named = Pick<OwnerRecord, 'apiVersion' | 'kind' | 'name'>;

/**
 * The {@link TargetResolver} of a snapshot: what is in it is all there is, so that it answers at once and never `pending`. Rules and words are those of the
 * live one; what the snapshot does not have is said to be unknown here rather than missing in the cluster.
 */
export function createStaticTargets(sources: Sources): TargetResolver {
  const interner = createInterner();
  const workloads = new Map<string, WorkloadFacts>();
  for (const raw of sources.workloads) {
    const kind = wellKnownKindOf({ apiVersion: raw.apiVersion ?? '', kind: raw.kind ?? '' });
    const workload = kind === undefined ? undefined : readWorkload(raw, interner, kind);
    if (kind === undefined || workload === undefined) continue;
    const { namespace = '', name } = raw.metadata;
    const facts = workloadFacts(kind, namespace, name, workload);
    workloads.set(keyOf(kind, namespace, name), facts);
  }

  const stored = (namespace: string, at: Named): WorkloadFacts | undefined => {
    const kind = wellKnownKindOf(at);
    return kind === undefined ? undefined : workloads.get(keyOf(kind, namespace, at.name));
  };

  const controllerOf = (namespace: string, at: OwnerRecord): OwnerRecord | 'none' | undefined => {
    const facts = stored(namespace, at);
    if (facts !== undefined) return facts.owner ?? 'none';
    const told = sources.controllerOf?.(at);
    if (told !== undefined) return told;
    if (at.kind === 'ReplicaSet') return deploymentOf(workloads, namespace, at);
    // A kind that is not looked at stands at the top.
    return wellKnownKindOf(at) === undefined ? 'none' : undefined;
  };

  const topmost = (namespace: string, owner: OwnerRecord | undefined): TopmostController => {
    const seen = new Set<string>();
    let at = owner;
    if (at === undefined || (at.kind === 'Node' && !at.apiVersion.includes('/'))) return { state: 'none' };
    for (;;) {
      if (seen.has(at.uid)) return { state: 'failed', message: `the owners of ${at.kind} ${namespace}/${at.name} form a circle` };
      seen.add(at.uid);
      const next: OwnerRecord | 'none' | undefined = controllerOf(namespace, at);
      if (next === undefined) return { state: 'failed', message: `what controls ${at.kind} ${namespace}/${at.name} is not known here` };
      if (next === 'none') return { state: 'known', owner: at };
      at = next;
    }
  };

  const resolve = ({ target, reference }: SizingPolicy): TargetResolution => {
    if (target === undefined) return unsupported('spec.targetRef is missing: name the kind and name of the workload to size');
    const namespace = reference.namespace ?? '';
    const kind = wellKnownKindOf(target);
    if (kind === undefined) return resolveScale(sources, namespace, target);
    const object = `${kind} ${namespace}/${target.name}`;
    const workload = workloads.get(keyOf(kind, namespace, target.name));
    if (workload === undefined) return unsupported(absentText(sources, kind, object));
    const top = workload.owner === undefined ? undefined : topmost(namespace, workload.owner);
    if (top?.state === 'known') {
      const { apiVersion, kind: topKind, name } = top.owner;
      return unsupported(
        `spec.targetRef names ${object}, which is controlled by ${topKind} ${namespace}/${name}; name the topmost controller instead: kind ${topKind}, apiVersion ${apiVersion}, name ${name}`,
      );
    }
    if (selectsAtRandom(workload.selector)) return unsupported(`${object} has no selector to tell its pods by; give it one`);
    return { state: 'known', selector: workload.selector, workload };
  };

  return {
    resolve,
    topmost,
    topmostOf: (namespace, owner) => Promise.resolve(topmost(namespace, owner)),
    workload: (namespace, owner) => stored(namespace, owner),
    controlling: controllingPolicy(resolve),
    onResolved: () => () => undefined,
  };
}

/** A selector that no API server would store reads as an object that is not there. */
function readWorkload(raw: KubeObject, interner: Interner, kind: WellKnownKind): TargetWorkload | undefined {
  try {
    return projectTargetWorkload(raw, interner, kind);
  } catch (error) {
    if (isConcertinaError(error, 'SELECTOR_INVALID')) return undefined;
    throw error;
  }
}

function unsupported(message: string): TargetResolution {
  return { state: 'unsupported', message };
}

function keyOf(kind: WellKnownKind, namespace: string, name: string): string {
  return `${kind}/${namespace}/${name}`;
}

function absentText({ unread = [] }: Sources, kind: WellKnownKind, object: string): string {
  const plural = Object.values(resourceTypes).find((type) => type.kind === kind)?.plural ?? '';
  if (unread.includes(plural)) return `spec.targetRef names ${object}, and ${plural} could not be read; allow list on ${plural}`;
  return `spec.targetRef names ${object}, which does not exist; create it or correct the name`;
}

function resolveScale({ scaleOf }: Sources, namespace: string, target: ObjectReference): TargetResolution {
  const { apiVersion, kind, name } = target;
  const object = `${kind} ${namespace}/${name}`;
  const scale = scaleOf?.({ apiVersion, kind, namespace, name }) ?? `the scale of ${object} is not known here`;
  if (typeof scale === 'string') return unsupported(`spec.targetRef: ${scale}`);
  const selector = selectorIn(scale.selector);
  if (selector === undefined || selectsAtRandom(selector)) {
    return unsupported(
      `the scale of ${object} has no selector to tell its pods by; its CRD needs labelSelectorPath and its controller must fill it`,
    );
  }
  const workload = scaledFacts({ apiVersion, kind, namespace, name }, { selector, replicas: scale.replicas, owner: undefined });
  return { state: 'known', selector, workload };
}

function selectorIn(text: string): Selector | undefined {
  if (text === '') return undefined;
  try {
    return parseSelector(text);
  } catch (error) {
    if (isConcertinaError(error, 'SELECTOR_INVALID')) return undefined;
    throw error;
  }
}

/** Without rights on ReplicaSets it is told by the name that the Deployment controller gives them: `<deployment>-<hash>`. */
function deploymentOf(workloads: ReadonlyMap<string, WorkloadFacts>, namespace: string, { name }: OwnerRecord): OwnerRecord | undefined {
  const cut = name.lastIndexOf('-');
  const facts = cut < 0 ? undefined : workloads.get(keyOf('Deployment', namespace, name.slice(0, cut)));
  if (facts === undefined) return undefined;
  const { apiVersion, kind, name: deployment, uid = '' } = facts.reference;
  return { apiVersion, kind, name: deployment, uid };
}
