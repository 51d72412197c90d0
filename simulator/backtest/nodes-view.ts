import { projectNode, projectPod, type KubeObject, type ScaleIntent } from '../../core/model/index.ts';
import type { NodesCloud } from './nodes-cloud.ts';
import type { NodesCluster } from './nodes-cluster.ts';
import type { DeletionProgress, GroupOptions, LoopInput } from './nodes-loop.ts';
import { instanceId, type WorldObjects } from './nodes-objects.ts';
import { msOf, type NodesScene, type SceneGroup } from './nodes-scene.ts';

/** What of a scene never changes, as records. */
export type Facts = Pick<LoopInput, 'daemonPods' | 'namespaces'> & {
  readonly templates: ReadonlyMap<string, LoopInput['groups'][number]['template']>;
};

export function factsOf(scene: NodesScene, { interner }: WorldObjects): Facts {
  const template = ({ template: node, templatePods }: SceneGroup) => ({
    node: projectNode(node, interner),
    pods: templatePods.map((pod) => projectPod(pod, interner)),
  });
  const names = new Set(Object.values(scene.shapes).map(({ metadata }) => metadata.namespace ?? ''));
  return {
    templates: new Map(scene.groups.map((group) => [group.id, template(group)])),
    daemonPods: scene.daemonSets.map((set) => ({ owner: set.metadata.uid ?? '', pod: projectPod(daemonPod(set), interner) })),
    namespaces: new Map([...names].map((name) => [name, { 'kubernetes.io/metadata.name': name }])),
  };
}

function daemonPod({ metadata, spec }: KubeObject): KubeObject {
  const { template } = spec as { readonly template: KubeObject };
  const { name, namespace, uid = '' } = metadata;
  const owner = { apiVersion: 'apps/v1', kind: 'DaemonSet', name, uid, controller: true };
  const own = { ...template.metadata, name: `${name}-new`, uid: `${uid}-new`, ownerReferences: [owner] };
  return { ...template, metadata: namespace === undefined ? own : { ...own, namespace } };
}

/** A world as it is shown. Times in seconds. */
export interface Shown {
  readonly scene: NodesScene;
  readonly facts: Facts;
  readonly cluster: NodesCluster;
  readonly cloud: NodesCloud;
  /** Names of the instances of each group as the cloud listed them last. */
  readonly listed: ReadonlyMap<string, readonly string[]>;
  readonly now: number;
  readonly group: GroupOptions;
  readonly intentLead: number;
}

/** Everything that one loop reads. */
export function loopInput({ scene, facts, cluster, cloud, listed, now, group, intentLead }: Shown, deletions: DeletionProgress): LoopInput {
  const nodes = [...cluster.nodes.values()];
  return {
    now: msOf(now),
    nodes: nodes.map(cluster.objects.nodeRecord),
    pods: [...cluster.pods.values()].map(cluster.objects.podRecord),
    pdbs: [...cluster.budgets.values()],
    daemonPods: facts.daemonPods,
    controllers: controllersOf(scene, cluster),
    groups: scene.groups.map(({ id, min, max }) => ({
      id,
      minSize: min,
      maxSize: max,
      targetSize: cloud.targets.get(id) ?? 0,
      instances: (listed.get(id) ?? []).flatMap((name) => instanceOf(cloud, name)),
      template: facts.templates.get(id),
      options: group,
    })),
    groupOfNode: new Map(nodes.flatMap(({ name, group }) => (cloud.instance(name) === undefined ? [] : [[name, group] as const]))),
    gone: { nodes: new Set(nodes.map(({ name }) => name).filter((name) => cloud.instance(name) === undefined)), unknown: new Set() },
    namespaces: facts.namespaces,
    deletions,
    intents: intentsOf(scene, cluster, { now, lead: intentLead }),
  };
}

function instanceOf(cloud: NodesCloud, name: string): LoopInput['groups'][number]['instances'] {
  const instance = cloud.instance(name);
  if (instance === undefined) return [];
  const id = instanceId(instance.group, name);
  if (instance.state !== 'stockout') return [{ id, state: instance.state }];
  return [{ id, state: 'creating', failure: { class: 'out-of-resources', code: 'STOCKOUT', message: 'the zone is out of machines' } }];
}

function controllersOf({ sets, daemonSets }: NodesScene, cluster: NodesCluster): NonNullable<LoopInput['controllers']> {
  const facts = [
    ...sets.map((set) => ({ ...set, specReplicas: cluster.replicas.get(set.name), statusReplicas: cluster.live(set.name).length })),
    ...daemonSets.map(({ metadata: { name, namespace = '', uid = '' } }) => ({
      kind: 'DaemonSet',
      namespace,
      name,
      uid,
      specReplicas: undefined,
      statusReplicas: undefined,
    })),
  ];
  return new Map(facts.map((each) => [`${each.kind}/${each.namespace}/${each.name}`, each]));
}

/** What the replicas controllers want: spec.replicas, and with a lead what it is about to be. */
function intentsOf(
  scene: NodesScene,
  cluster: NodesCluster,
  { now, lead }: { readonly now: number; readonly lead: number },
): readonly ScaleIntent[] {
  return scene.sets.map(({ kind, namespace, name, uid }) => {
    const coming = scene.workload.findLast(
      (change) => change.what === 'scale' && change.set === name && change.at > now && change.at <= now + lead,
    );
    const wanted = coming?.what === 'scale' ? coming.to : (cluster.replicas.get(name) ?? 0);
    const pod = { name, shape: name, created: now, node: undefined, deleted: undefined, endsAt: Number.POSITIVE_INFINITY };
    return {
      target: { apiVersion: 'apps/v1', kind, namespace, name, uid },
      currentReplicas: cluster.live(name).length,
      wantedReplicas: wanted,
      shape: cluster.objects.podRecord(pod).shape,
      at: msOf(now),
    };
  });
}
