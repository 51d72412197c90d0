import { type KubeObject, resourceTypes } from '../../../../core/model/object.ts';
import { type Pod, type StatefulSet, type Volume } from '../kinds.ts';
import { controllerReference } from '../runtime/adoption.ts';
import { podFromTemplate } from '../runtime/pod-template.ts';
import { type Revision, revisionHashLabel } from './revisions.ts';

/** The ordinal in a pod's name; nothing when the name is not one of the set's. */
export function ordinalOf(set: KubeObject, pod: KubeObject): number | undefined {
  const prefix = `${set.metadata.name}-`;
  const rest = pod.metadata.name.startsWith(prefix) ? pod.metadata.name.slice(prefix.length) : '';
  return /^(0|[1-9]\d*)$/.test(rest) ? Number(rest) : undefined;
}

/** The pod of an ordinal at a revision: stable name, host name and claims. */
export function statefulPod(set: StatefulSet, ordinal: number, revision: Revision): KubeObject {
  const name = `${set.metadata.name}-${ordinal}`;
  const template = revision.template;
  const labels = {
    'statefulset.kubernetes.io/pod-name': name,
    'apps.kubernetes.io/pod-index': String(ordinal),
    [revisionHashLabel]: revision.name,
  };
  const pod = podFromTemplate(template, set, resourceTypes.statefulSets, { name, labels });
  const claims = set.spec.volumeClaimTemplates ?? [];
  const claimed = new Set(claims.map((claim) => claim.metadata.name));
  const volumes: Volume[] = [
    ...claims.map((claim) => ({ name: claim.metadata.name, persistentVolumeClaim: { claimName: claimName(set, claim, ordinal) } })),
    ...(template.spec.volumes ?? []).filter((volume) => !claimed.has(volume.name)),
  ];
  const { serviceName } = set.spec;
  return {
    ...pod,
    spec: {
      ...template.spec,
      hostname: name,
      ...(serviceName === undefined || serviceName === '' ? {} : { subdomain: serviceName }),
      ...(volumes.length === 0 ? {} : { volumes }),
    },
  };
}

function claimName(set: StatefulSet, claim: KubeObject, ordinal: number): string {
  return `${claim.metadata.name}-${set.metadata.name}-${ordinal}`;
}

/** The PersistentVolumeClaims that the pod of an ordinal needs. They outlive it unless the retention policy says otherwise. */
export function claimsFor(set: StatefulSet, ordinal: number): KubeObject[] {
  const dies = set.spec.persistentVolumeClaimRetentionPolicy?.whenDeleted === 'Delete';
  return (set.spec.volumeClaimTemplates ?? []).map((claim) => ({
    ...claim,
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      ...claim.metadata,
      name: claimName(set, claim, ordinal),
      namespace: set.metadata.namespace ?? 'default',
      labels: { ...claim.metadata.labels, ...set.spec.selector.matchLabels },
      ...(dies ? { ownerReferences: [controllerReference(set, resourceTypes.statefulSets)] } : {}),
    },
  }));
}

export function revisionOfPod(pod: Pod): string {
  return pod.metadata.labels?.[revisionHashLabel] ?? '';
}
