import type { KubeClient } from '../../../core/kube/index.ts';
import { resourceTypes, type KubeObject, type ResourceType } from '../../../core/model/object.ts';
import { readList, type Reading } from './reading.ts';

/** Objects of other autoscalers. */
export interface OtherAutoscalers {
  readonly hpas: Reading<readonly KubeObject[]>;
  /** KEDA. */
  readonly scaledObjects: Reading<readonly KubeObject[]>;
  readonly vpas: Reading<readonly KubeObject[]>;
}

const scaledObjects: ResourceType = {
  group: 'keda.sh',
  version: 'v1alpha1',
  plural: 'scaledobjects',
  kind: 'ScaledObject',
  namespaced: true,
};
const vpas: ResourceType = {
  group: 'autoscaling.k8s.io',
  version: 'v1',
  plural: 'verticalpodautoscalers',
  kind: 'VerticalPodAutoscaler',
  namespaced: true,
};

export async function readAutoscalers(client: KubeClient, namespace: string | undefined): Promise<OtherAutoscalers> {
  const [hpaList, kedaList, vpaList] = await Promise.all([
    readList(client, resourceTypes.horizontalPodAutoscalers, namespace),
    readList(client, scaledObjects, namespace),
    readList(client, vpas, namespace),
  ]);
  return { hpas: hpaList, scaledObjects: kedaList, vpas: vpaList };
}
