import { createReflector, type KubeClient } from '../../core/kube/index.ts';
import { resourceTypes, type KubeObject, type ResourceType } from '../../core/model/object.ts';
import { realClock } from '../../core/runtime/clock.ts';
import { realRandom } from '../../core/runtime/random.ts';

/** Live Pods and Nodes of a real cluster, in the form in which the simulator's metrics API asks for them. */
export async function reflectedObjects(client: KubeClient) {
  const mirror = (type: ResourceType) =>
    createReflector<KubeObject, 'namespace'>({
      client,
      type,
      clock: realClock,
      random: realRandom,
      project: (raw) => raw,
      indexes: { namespace: (raw) => [raw.metadata.namespace ?? ''] },
    });
  const pods = mirror(resourceTypes.pods);
  const nodes = mirror(resourceTypes.nodes);
  pods.start();
  nodes.start();
  await Promise.all([pods.waitForSync(), nodes.waitForSync()]);
  return {
    objects: {
      pods: (namespace?: string) => (namespace === undefined ? pods.items() : pods.byIndex('namespace', namespace)),
      pod: (namespace: string, name: string) => pods.get(`${namespace}/${name}`),
      nodes: () => nodes.items(),
      node: (name: string) => nodes.get(name),
    },
    stop: async () => {
      await Promise.all([pods.stop(), nodes.stop()]);
    },
  };
}
