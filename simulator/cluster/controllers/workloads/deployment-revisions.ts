import { type KubeObject, resourceTypes } from '../../../../core/model/object.ts';
import { type Deployment, type PodTemplate, type ReplicaSet, uidOf } from '../kinds.ts';
import { controllerReference } from '../runtime/adoption.ts';
import { canonicalJson, nameHash } from '../runtime/canonical.ts';
import {
  byAge,
  desiredReplicasAnnotation,
  maxReplicasAnnotation,
  maxSurgeOf,
  revisionAnnotation,
  revisionHistoryAnnotation,
  specReplicas,
} from './rolling-update.ts';

export const templateHashLabel = 'pod-template-hash';

/** Annotations that stay on the Deployment. */
const notCopied: ReadonlySet<string> = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionAnnotation,
  revisionHistoryAnnotation,
  desiredReplicasAnnotation,
  maxReplicasAnnotation,
  'deprecated.deployment.rollback.to',
]);

function templateKey(template: PodTemplate): string {
  const { [templateHashLabel]: _hash, ...labels } = template.metadata?.labels ?? {};
  return canonicalJson({ metadata: { ...template.metadata, labels }, spec: template.spec });
}

/** The set of the present template (the oldest, should there be several) and the others. */
export function splitSets(
  deployment: Deployment,
  sets: readonly ReplicaSet[],
): { readonly newSet: ReplicaSet | undefined; readonly oldSets: readonly ReplicaSet[] } {
  const wanted = templateKey(deployment.spec.template);
  const newSet = [...sets].sort(byAge).find((set) => templateKey(set.spec.template) === wanted);
  return { newSet, oldSets: sets.filter((set) => set !== newSet) };
}

export function revisionOf(object: KubeObject): number {
  const text = object.metadata.annotations?.[revisionAnnotation];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : 0;
}

/** The annotations that a set should carry: the Deployment's, its own bookkeeping, and its revision if it is the newest. */
export function setAnnotations(
  deployment: Deployment,
  set: ReplicaSet | undefined,
  options: { readonly revision?: number; readonly copy: boolean },
): Record<string, string> {
  const present = set?.metadata.annotations ?? {};
  const annotations: Record<string, string> = { ...present };
  if (options.copy) {
    for (const [key, value] of Object.entries(deployment.metadata.annotations ?? {})) if (!notCopied.has(key)) annotations[key] = value;
  }
  const { revision } = options;
  const old = present[revisionAnnotation];
  if (revision !== undefined && Number(old ?? 0) < revision) {
    annotations[revisionAnnotation] = String(revision);
    if (old !== undefined) {
      const history = present[revisionHistoryAnnotation];
      annotations[revisionHistoryAnnotation] = history === undefined ? old : `${history},${old}`;
    }
  }
  annotations[desiredReplicasAnnotation] = String(specReplicas(deployment));
  annotations[maxReplicasAnnotation] = String(specReplicas(deployment) + maxSurgeOf(deployment));
  return annotations;
}

/** A ReplicaSet for the present template. */
export function newReplicaSet(deployment: Deployment, replicas: number, revision: number): KubeObject {
  const { template, selector, minReadySeconds } = deployment.spec;
  const hash = nameHash(templateKey(template), deployment.status?.collisionCount ?? 0);
  const labels = { ...template.metadata?.labels, [templateHashLabel]: hash };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      namespace: deployment.metadata.namespace ?? 'default',
      labels,
      annotations: setAnnotations(deployment, undefined, { revision, copy: true }),
      ownerReferences: [controllerReference(deployment, resourceTypes.deployments)],
    },
    spec: {
      replicas,
      ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [templateHashLabel]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}

/** True when a set that is in the way of a new one is the Deployment's own and of the same template: somebody was faster. */
export function isOwnTwin(deployment: Deployment, found: KubeObject | undefined): boolean {
  if (found === undefined) return false;
  const owned = found.metadata.ownerReferences?.some((owner) => owner.uid === uidOf(deployment)) === true;
  return owned && templateKey((found as ReplicaSet).spec.template) === templateKey(deployment.spec.template);
}

/** The old sets beyond `revisionHistoryLimit` that are empty and may go, lowest revision first. */
export function setsToClean(deployment: Deployment, oldSets: readonly ReplicaSet[]): ReplicaSet[] {
  const limit = deployment.spec.revisionHistoryLimit ?? 10;
  const alive = oldSets.filter((set) => set.metadata.deletionTimestamp === undefined);
  const excess = alive.length - limit;
  if (excess <= 0) return [];
  return [...alive]
    .sort((a, b) => revisionOf(a) - revisionOf(b) || byAge(a, b))
    .slice(0, excess)
    .filter(
      (set) =>
        specReplicas(set) === 0 &&
        (set.status?.replicas ?? 0) === 0 &&
        (set.metadata.generation ?? 1) <= (set.status?.observedGeneration ?? 0),
    );
}
