import {
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
  type DaemonPod,
  type DeviceReads,
  type NamespaceLabels,
  type VolumeReads,
} from '../../cluster-autoscaler/index.ts';
import { createReflector, type KubeClient, type Reflector } from '../../core/kube/index.ts';
import type { Clock, Random } from '../../core/model/clock.ts';
import type { Interner } from '../../core/model/interner.ts';
import { projectNode, type NodeRecord } from '../../core/model/node.ts';
import { resourceTypes, type KubeObject, type ResourceType } from '../../core/model/object.ts';
import { projectPdb, type PdbRecord } from '../../core/model/pdb.ts';
import type { Logger } from '../../core/runtime/logging.ts';
import { projectTargetWorkload, unreadTargetFields, type TargetWorkload, type WellKnownKind } from '../../vpa/index.ts';
import type { MirrorFailure } from './mirror-parts.ts';
import { optional, type VerticalMirrors } from './vertical-mirrors.ts';

/** Live copies of what the node controller looks at besides pods. */
export interface NodesMirrors {
  /** Empty, and complete, in a cluster that does not know the kind. */
  readonly policies: Reflector<KubeObject>;
  readonly nodes: Reflector<NodeRecord>;
  readonly budgets: Reflector<PdbRecord>;
  readonly daemonPods: Reflector<DaemonPod>;
  readonly namespaces: Reflector<NamespaceLabels>;
  readonly volumes: VolumeReads;
  /** Empty, and complete, in a cluster that does not know the kinds. */
  readonly devices: DeviceReads;
  /** By `kind/namespace/name`, kept up to date. */
  readonly controllers: ReadonlyMap<string, ControllerFacts>;
  /** Without those there is no loop. */
  readonly needed: readonly Reflector<unknown>[];
  /** Those that nobody else has started. */
  readonly own: readonly { start(): void; stop(): Promise<void> }[];
}

interface NodesMirrorDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly interner: Interner;
  readonly warn: (plural: string) => (failure: MirrorFailure) => void;
  readonly replicaSets: Reflector<TargetWorkload>;
  /** Mirrored for the requests controller already. */
  readonly vertical: VerticalMirrors | undefined;
}

/** Kinds whose pods the drain rules know (§14). */
const controllerKinds = ['ReplicationController', 'ReplicaSet', 'Job', 'StatefulSet', 'DaemonSet'] as const;

type ControllerKind = (typeof controllerKinds)[number];

const types: Readonly<Record<ControllerKind, ResourceType>> = {
  ReplicationController: resourceTypes.replicationControllers,
  ReplicaSet: resourceTypes.replicaSets,
  Job: resourceTypes.jobs,
  StatefulSet: resourceTypes.statefulSets,
  DaemonSet: resourceTypes.daemonSets,
};

export function createNodesMirrors(deps: NodesMirrorDeps): NodesMirrors {
  const { client, clock, random, interner, warn, replicaSets, vertical } = deps;
  const mirror = <T>(type: ResourceType, project: (raw: KubeObject) => T, omit?: readonly string[]): Reflector<T> =>
    createReflector<T>({ client, clock, random, type, project, omit, onFailure: warn(type.plural) });
  const own: Reflector<unknown>[] = [];
  const added = <T>(reflector: Reflector<T>): Reflector<T> => {
    own.push(reflector);
    return reflector;
  };
  const workload = (kind: ControllerKind): Reflector<TargetWorkload> =>
    added(mirror(types[kind], (raw) => projectTargetWorkload(raw, interner, kind), unreadTargetFields(kind)));
  const workloads: Readonly<Record<ControllerKind, Reflector<TargetWorkload>>> = {
    ReplicaSet: replicaSets,
    ReplicationController: vertical?.workloads.ReplicationController ?? workload('ReplicationController'),
    Job: vertical?.workloads.Job ?? workload('Job'),
    StatefulSet: vertical?.workloads.StatefulSet ?? workload('StatefulSet'),
    DaemonSet: vertical?.workloads.DaemonSet ?? workload('DaemonSet'),
  };
  const nodes = vertical?.nodes ?? added(mirror(resourceTypes.nodes, (raw) => projectNode(raw, interner), ['status.images']));
  const budgets = vertical?.budgets ?? added(mirror(resourceTypes.podDisruptionBudgets, (raw) => projectPdb(raw, interner)));
  const daemonPods = added(mirror(resourceTypes.daemonSets, (raw) => projectDaemonPod(raw, interner), ['status']));
  const namespaces = added(
    mirror(resourceTypes.namespaces, ({ metadata }): NamespaceLabels => ({ name: metadata.name, labels: metadata.labels ?? {} })),
  );
  const policies = added(optional(deps, resourceTypes.nodePoolPolicies));
  const claims = added(mirror(resourceTypes.persistentVolumeClaims, projectClaim));
  const volumes = added(mirror(resourceTypes.persistentVolumes, projectVolume));
  const classes = added(mirror(resourceTypes.storageClasses, projectClass));
  const drivers = added(mirror(resourceTypes.csiNodes, projectDrivers));
  // Not waited for: a cluster need not have them, and pods with such claims stay as they are until all are read.
  const devices = {
    claims: added(optional(deps, resourceTypes.resourceClaims, projectResourceClaim)),
    templates: added(optional(deps, resourceTypes.resourceClaimTemplates, projectClaimTemplate)),
    classes: added(optional(deps, resourceTypes.deviceClasses, projectDeviceClass)),
    slices: added(optional(deps, resourceTypes.resourceSlices, projectSlice)),
  };
  return {
    policies,
    nodes,
    budgets,
    daemonPods,
    namespaces,
    volumes: { claims, volumes, classes, drivers },
    devices,
    controllers: liveControllers(workloads),
    needed: [policies, nodes, budgets, daemonPods, namespaces, claims, volumes, classes, drivers, ...Object.values(workloads)],
    own,
  };
}

/** One map that follows the mirrors: a hundred thousand ReplicaSets are not put together anew for every loop. */
function liveControllers(workloads: Readonly<Record<ControllerKind, Reflector<TargetWorkload>>>): ReadonlyMap<string, ControllerFacts> {
  const controllers = new Map<string, ControllerFacts>();
  for (const kind of controllerKinds) {
    workloads[kind].onDelta(({ key, new: workload }) => {
      const name = `${kind}/${key}`;
      if (workload === undefined) controllers.delete(name);
      else controllers.set(name, controllerFacts(kind, key, workload));
    });
  }
  return controllers;
}

function controllerFacts(kind: WellKnownKind, key: string, { uid, replicas }: TargetWorkload): ControllerFacts {
  const [namespace = '', name = ''] = key.split('/');
  return { kind, namespace, name, uid, specReplicas: replicas, statusReplicas: undefined };
}
