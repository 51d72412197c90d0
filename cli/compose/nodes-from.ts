import {
  nodesOutlook,
  projectClaim,
  projectClaimTemplate,
  projectClass,
  projectDaemonPod,
  projectDeviceClass,
  projectDrivers,
  projectResourceClaim,
  projectSlice,
  projectVolume,
  type ControllerFacts,
  type DeviceReads,
  type GroupReading,
  type NodesOutlook,
  type VolumeReads,
} from '../../cluster-autoscaler/index.ts';
import type { ClusterView } from '../../core/model/cluster-view.ts';
import type { ScaleIntent } from '../../core/model/intent.ts';
import { createInterner } from '../../core/model/interner.ts';
import type { KubeObject } from '../../core/model/object.ts';
import { projectPdb } from '../../core/model/pdb.ts';
import type { ClusterSnapshot, SnapshotCloud, SnapshotNodePools } from '../../core/model/snapshot.ts';
import { projectWorkload } from '../../core/model/workload.ts';
import { deviceTypes } from './capture-nodes.ts';
import { nodesConfig } from './nodes-settings.ts';
import type { DecisionSettings } from './settings.ts';

/** What of a reading the node controller goes by. */
export interface PodsAndNodes {
  readonly pods: Pick<ClusterView, 'pods' | 'nodes' | 'node'>;
}

/** What the node controller would do at the instant of a snapshot, with these intents of horizontal policies; `undefined` where the snapshot does not say which node groups there are. */
export function nodesFrom(
  { takenAt, nodePools }: Pick<ClusterSnapshot, 'takenAt' | 'nodePools'>,
  settings: DecisionSettings,
  { pods: view }: PodsAndNodes,
  intents: readonly ScaleIntent[] = [],
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
      devices: devicesOf(nodePools),
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
    intents,
    config: configOf(settings, cloud),
  });
}

function configOf(settings: DecisionSettings, cloud: SnapshotCloud | undefined): ReturnType<typeof nodesConfig> {
  const facts = cloud === undefined ? {} : { gpuLabel: cloud.gpuLabel, ignoredLabels: cloud.ignoredLabels };
  return nodesConfig(settings, { namespace: '', cooldown: settings.cooldown, ...facts });
}

/** What flags say to the loop that {@link nodesFrom} runs. */
export function loopOptionsOf(settings: DecisionSettings, cloud: SnapshotCloud | undefined): ReturnType<typeof nodesConfig>['loop'] {
  return configOf(settings, cloud).loop;
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

/** `undefined` in files of older versions, and where the reader had no right to read them all. */
function devicesOf({ devices, unread = [] }: SnapshotNodePools): DeviceReads | undefined {
  const plurals: readonly string[] = deviceTypes.map(({ plural }) => plural);
  if (devices === undefined || unread.some((plural) => plurals.includes(plural))) return undefined;
  const of = <T>(kind: string, project: (raw: KubeObject) => T) => {
    const items = devices.filter((raw) => raw.kind === kind).map(project);
    return { items: () => items, hasSynced: () => true };
  };
  return {
    claims: of('ResourceClaim', projectResourceClaim),
    templates: of('ResourceClaimTemplate', projectClaimTemplate),
    classes: of('DeviceClass', projectDeviceClass),
    slices: of('ResourceSlice', projectSlice),
  };
}
