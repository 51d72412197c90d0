import type { KubeObject, ObjectMeta, ResourceType } from '../../../../core/model/object.ts';
import type { PodTemplate } from '../kinds.ts';
import { controllerReference } from './adoption.ts';

/** A pod of a template, owned by the set; the caller adds a name or `generateName` and what else its kind asks for. */
export function podFromTemplate(
  template: PodTemplate,
  owner: KubeObject,
  ownerType: ResourceType,
  metadata: { readonly name?: string; readonly generateName?: string; readonly labels?: Record<string, string> },
): KubeObject & { metadata: ObjectMeta } {
  const { labels, annotations, finalizers } = template.metadata ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: metadata.name ?? '',
      ...(metadata.generateName === undefined ? {} : { generateName: metadata.generateName }),
      namespace: owner.metadata.namespace ?? 'default',
      labels: { ...labels, ...metadata.labels },
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ownerReferences: [controllerReference(owner, ownerType)],
    },
    spec: template.spec,
  };
}
