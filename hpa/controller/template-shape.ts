import type { KubeClient } from '../../core/kube/api.ts';
import { createInterner } from '../../core/model/interner.ts';
import type { KubeObject, ResourceType } from '../../core/model/object.ts';
import type { PodShape } from '../../core/model/pod-shape.ts';
import { projectPod, type PodRecord } from '../../core/model/pod.ts';

/** The shape of the newest of some pods. */
export function newestShape(pods: readonly PodRecord[]): PodShape | undefined {
  let newest: PodRecord | undefined;
  for (const pod of pods) if (newest === undefined || (pod.created ?? 0) > (newest.created ?? 0)) newest = pod;
  return newest?.shape;
}

/**
 * The shape of the pods that a target without pods would get, from `spec.template` of the object itself. `undefined` where the object may not be read, or has
 * none there: then the shape is not known before the first pod is.
 */
export async function templateShape(
  client: KubeClient,
  type: ResourceType,
  key: { readonly name: string; readonly namespace?: string | undefined },
  signal?: AbortSignal,
): Promise<PodShape | undefined> {
  try {
    const target = await client.get<KubeObject>(type, key, { signal });
    const template = (target.spec as { readonly template?: { readonly spec?: unknown } } | undefined)?.template;
    if (template?.spec === undefined) return undefined;
    return projectPod({ metadata: { name: key.name, namespace: key.namespace }, spec: template.spec } as KubeObject, createInterner())
      .shape;
  } catch {
    return undefined;
  }
}
