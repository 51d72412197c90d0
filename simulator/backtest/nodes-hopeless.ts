import { createPodCompiler } from '../cluster/scheduler/pod-info.ts';
import { createWorldObjects, type WorldNode, type WorldPod } from './nodes-objects.ts';
import { placePending } from './nodes-placement.ts';
import type { NodesScene } from './nodes-scene.ts';

/**
 * Shapes whose pods no node of any group can take, however empty: nothing that an autoscaler does shortens their wait. Shapes that ask for other pods
 * nearby are never among them.
 */
export function hopelessShapes(scene: NodesScene): ReadonlySet<string> {
  const objects = createWorldObjects(scene);
  const compiler = createPodCompiler();
  const nodes = scene.groups.map(({ id, template }): WorldNode => {
    const { taints = [] } = (template.spec ?? {}) as { readonly taints?: WorldNode['taints'] };
    const always = { created: 0, annotations: {}, readyAt: 0, brokenUntil: 0, started: true, ready: true, since: 0, cordoned: false };
    return { ...always, name: `any-of-${id}`, group: id, taints };
  });
  const pods = Object.keys(scene.shapes).map((shape): WorldPod => ({
    name: shape,
    shape,
    created: 0,
    node: undefined,
    deleted: undefined,
    endsAt: Number.POSITIVE_INFINITY,
  }));
  const fits = (pod: WorldPod): boolean =>
    placePending(compiler, {
      nodes: nodes.map(objects.nodeObject),
      placed: [],
      pending: [objects.podObject(pod)],
      namespaceLabels: () => ({}),
      rule: 'first-fit',
    }).size > 0;
  const asksForOthers = (pod: WorldPod): boolean => (objects.podRecord(pod).shape.affinity?.podAffinity ?? undefined) !== undefined;
  return new Set(pods.filter((pod) => !asksForOthers(pod) && !fits(pod)).map(({ shape }) => shape));
}
