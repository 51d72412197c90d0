import type { KubeObject } from '../../../../core/model/object.ts';
import { isJson, objectOf, objectsOf, textOf } from '../json.ts';
import type { Json } from '../json.ts';

/** The objects in its namespace that a pod needs to run. */
export interface PodReferences {
  readonly serviceAccount: string;
  readonly secrets: ReadonlySet<string>;
  readonly configMaps: ReadonlySet<string>;
  readonly claims: ReadonlySet<string>;
}

/** Put up by a kubelet for a pod that no API object asked for. */
export function isMirrorPod(pod: KubeObject): boolean {
  return pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined;
}

export function nodeNameOf(pod: KubeObject): string {
  return textOf(objectOf(pod.spec)['nodeName']);
}

export function podReferences(pod: KubeObject): PodReferences {
  const spec = objectOf(pod.spec);
  const secrets = new Set<string>();
  const configMaps = new Set<string>();
  const claims = new Set<string>();
  const note = (names: Set<string>, reference: unknown, field = 'name'): void => {
    const name = textOf(objectOf(reference)[field]);
    if (name !== '') names.add(name);
  };
  for (const secret of objectsOf(spec['imagePullSecrets'])) note(secrets, secret);
  for (const list of ['initContainers', 'containers', 'ephemeralContainers']) {
    for (const container of objectsOf(spec[list])) {
      for (const source of objectsOf(container['envFrom'])) {
        note(secrets, source['secretRef']);
        note(configMaps, source['configMapRef']);
      }
      for (const { valueFrom } of objectsOf(container['env'])) {
        note(secrets, objectOf(valueFrom)['secretKeyRef']);
        note(configMaps, objectOf(valueFrom)['configMapKeyRef']);
      }
    }
  }
  for (const volume of objectsOf(spec['volumes'])) {
    note(secrets, volume['secret'], 'secretName');
    note(configMaps, volume['configMap']);
    for (const source of objectsOf(objectOf(volume['projected'])['sources'])) {
      note(secrets, source['secret']);
      note(configMaps, source['configMap']);
    }
    for (const { name } of volumeSecrets(volume)) secrets.add(name);
    note(claims, volume['persistentVolumeClaim'], 'claimName');
    // The claim of an ephemeral volume is named after pod and volume.
    if (volume['ephemeral'] !== undefined) claims.add(`${pod.metadata.name}-${textOf(volume['name'])}`);
  }
  return { serviceAccount: textOf(spec['serviceAccountName']), secrets, configMaps, claims };
}

/** Whether a volume takes its content from a trust bundle. */
export function readsTrustBundle(pod: KubeObject): boolean {
  const volumes = objectsOf(objectOf(pod.spec)['volumes']);
  return volumes.some((volume) =>
    objectsOf(objectOf(volume['projected'])['sources']).some((source) => isJson(source['clusterTrustBundle'])),
  );
}

/** Secrets that the drivers of a volume need: `secretRef`, `nodePublishSecretRef` and the like below its source, and that of Azure files. */
export function volumeSecrets(volume: Json): { readonly name: string; readonly namespace: string }[] {
  const found: { name: string; namespace: string }[] = [];
  for (const [kind, source] of Object.entries(volume)) {
    if (!isJson(source)) continue;
    for (const [field, reference] of Object.entries(source)) {
      if (/[sS]ecretRef$/.test(field) && isJson(reference)) {
        found.push({ name: textOf(reference['name']), namespace: textOf(reference['namespace']) });
      }
    }
    if (kind === 'azureFile') found.push({ name: textOf(source['secretName']), namespace: textOf(source['secretNamespace']) });
  }
  return found.filter(({ name }) => name !== '');
}
