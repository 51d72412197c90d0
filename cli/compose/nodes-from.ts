import {
  nodesOutlook,
  projectClaim,
  projectClass,
  projectDaemonPod,
  projectDrivers,
  projectVolume,
  type ControllerFacts,
  type GroupReading,
  type NodesOutlook,
  type VolumeReads,
} from '../../cluster-autoscaler/index.ts';
import { createInterner } from '../../core/model/interner.ts';
import type { KubeObject } from '../../core/model/object.ts';
import { projectPdb } from '../../core/model/pdb.ts';
import type { ClusterSnapshot, SnapshotNodePools } from '../../core/model/snapshot.ts';
import { projectWorkload } from '../../core/model/workload.ts';
import { nodesConfig } from './nodes-settings.ts';
import type { SnapshotReading } from './recommend-from.ts';
import type { DecisionSettings } from './settings.ts';

/** What the node controller would do at the instant of a snapshot; `undefined` where the snapshot does not say which node groups there are. */
export function nodesFrom(
  { takenAt, nodePools }: Pick<ClusterSnapshot, 'takenAt' | 'nodePools'>,
  settings: DecisionSettings,
  { pods: view }: Pick<SnapshotReading, 'pods'>,
): NodesOutlook | undefined {
  const cloud = nodePools?.cloud;
  if (nodePools === undefined || cloud === undefined) return undefined;
  const interner = createInterner();
  const listed = <T>(items: readonly T[]) => ({ items: () => items, hasSynced: () => true });
  const pods = new Map(view.pods.map((pod) => [`${pod.namespace}/${pod.name}`, pod]));
  const gone = new Set(cloud.gone);
  const unknown = new Set(cloud.unknown);
  return nodesOutlook({
    now: takenAt,
    reads: {
      pods: { ...listed(view.pods), get: (key) => pods.get(key), onDelta: () => () => undefined },
      nodes: { ...listed(view.nodes), get: (name) => view.node(name) },
      budgets: listed(nodePools.podDisruptionBudgets.map((raw) => projectPdb(raw, interner))),
      daemonPods: listed(nodePools.daemonSets.map((raw) => projectDaemonPod(raw, interner))),
      namespaces: listed(nodePools.namespaces.map(({ metadata }) => ({ name: metadata.name, labels: metadata.labels ?? {} }))),
      controllers: controllersOf(nodePools),
      volumes: volumesOf(nodePools),
    },
    policies: nodePools.nodePoolPolicies,
    provider: {
      groupOf: ({ name }) => cloud.groupOfNode[name],
      hasInstance: ({ name }) => (unknown.has(name) ? undefined : !gone.has(name)),
    },
    // Written by this program, and of the shape of its own types.
    readings: cloud.groups as unknown as readonly GroupReading[],
    memory: nodePools.memory,
    priorities: nodePools.priorities,
    intents: [],
    config: nodesConfig(settings, {
      namespace: '',
      cooldown: settings.cooldown,
      gpuLabel: cloud.gpuLabel,
      ignoredLabels: cloud.ignoredLabels,
    }),
  });
}

function controllersOf({ controllers, daemonSets }: SnapshotNodePools): ReadonlyMap<string, ControllerFacts> {
  const interner = createInterner();
  return new Map(
    [...controllers, ...daemonSets].map((raw) => {
      const { kind, namespace, name, uid, specReplicas, statusReplicas } = projectWorkload(raw, interner);
      return [`${kind}/${namespace}/${name}`, { kind, namespace, name, uid, specReplicas, statusReplicas }];
    }),
  );
}

function volumesOf({ volumes }: SnapshotNodePools): VolumeReads {
  const of = <T>(kind: string, project: (raw: KubeObject) => T) => {
    const items = volumes.filter((raw) => raw.kind === kind).map(project);
    return { items: () => items, hasSynced: () => true };
  };
  return {
    claims: of('PersistentVolumeClaim', projectClaim),
    volumes: of('PersistentVolume', projectVolume),
    classes: of('StorageClass', projectClass),
    drivers: of('CSINode', projectDrivers),
  };
}
