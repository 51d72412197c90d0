import { messageOf } from '../../core/errors.ts';
import { createReflector, isNotFound, type KubeClient, type Reflector } from '../../core/kube/index.ts';
import type { Clock, Random } from '../../core/model/clock.ts';
import type { Interner } from '../../core/model/interner.ts';
import { projectNode, type NodeRecord } from '../../core/model/node.ts';
import { resourceTypes, type KubeObject, type ResourceType } from '../../core/model/object.ts';
import { projectPdb, type PdbRecord } from '../../core/model/pdb.ts';
import type { Logger } from '../../core/runtime/logging.ts';
import { projectTargetWorkload, unreadTargetFields, type TargetWorkload, type WellKnownKind } from '../../vpa/index.ts';
import { withoutManagedFields, type MirrorFailure } from './mirror-parts.ts';

/** Live copies of what the requests controller looks at besides pods. */
export interface VerticalMirrors {
  readonly verticalPolicies: Reflector<KubeObject>;
  /** Empty, and complete, in a cluster that does not know the kind. */
  readonly nativeVpas: Reflector<KubeObject>;
  readonly workloads: Readonly<Record<WellKnownKind, Reflector<TargetWorkload>>>;
  readonly limitRanges: Reflector<KubeObject>;
  readonly nodes: Reflector<NodeRecord>;
  readonly budgets: Reflector<PdbRecord>;
  /** Events of evicted pods: the kubelet's word for memory that ran out. */
  readonly evictions: Reflector<KubeObject>;
  readonly all: readonly { start(): void; stop(): Promise<void> }[];
}

interface MirrorDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly interner: Interner;
  readonly warn: (plural: string) => (failure: MirrorFailure) => void;
  /** Mirrored for the replicas controller already. */
  readonly replicaSets: Reflector<TargetWorkload>;
}

export function createVerticalMirrors(deps: MirrorDeps): VerticalMirrors {
  const { client, clock, random, interner, warn, replicaSets } = deps;
  const common = { client, clock, random };
  const whole = (type: ResourceType): Reflector<KubeObject> =>
    createReflector({ ...common, type, project: withoutManagedFields, onFailure: warn(type.plural) });
  const workload = (type: ResourceType, kind: WellKnownKind): Reflector<TargetWorkload> =>
    createReflector<TargetWorkload>({
      ...common,
      type,
      project: (raw) => projectTargetWorkload(raw, interner, kind),
      omit: unreadTargetFields(kind),
      onFailure: warn(type.plural),
    });
  const workloads = {
    Deployment: workload(resourceTypes.deployments, 'Deployment'),
    ReplicaSet: replicaSets,
    StatefulSet: workload(resourceTypes.statefulSets, 'StatefulSet'),
    DaemonSet: workload(resourceTypes.daemonSets, 'DaemonSet'),
    Job: workload(resourceTypes.jobs, 'Job'),
    CronJob: workload(resourceTypes.cronJobs, 'CronJob'),
    ReplicationController: workload(resourceTypes.replicationControllers, 'ReplicationController'),
  };
  const verticalPolicies = whole(resourceTypes.verticalPolicies);
  const nativeVpas = optional(deps, resourceTypes.verticalPodAutoscalers);
  const limitRanges = whole(resourceTypes.limitRanges);
  const nodes = createReflector<NodeRecord>({
    ...common,
    type: resourceTypes.nodes,
    project: (raw) => projectNode(raw, interner),
    omit: ['status.images'],
    onFailure: warn('nodes'),
  });
  const budgets = createReflector<PdbRecord>({
    ...common,
    type: resourceTypes.podDisruptionBudgets,
    project: (raw) => projectPdb(raw, interner),
    onFailure: warn('poddisruptionbudgets'),
  });
  const evictions = createReflector<KubeObject>({
    ...common,
    type: resourceTypes.coreEvents,
    fieldSelector: 'reason=Evicted',
    project: withoutManagedFields,
    onFailure: warn('events'),
  });
  const { ReplicaSet: _shared, ...own } = workloads;
  return {
    verticalPolicies,
    nativeVpas,
    workloads,
    limitRanges,
    nodes,
    budgets,
    evictions,
    all: [verticalPolicies, nativeVpas, limitRanges, nodes, budgets, evictions, ...Object.values(own)],
  };
}

type OptionalDeps = Pick<MirrorDeps, 'client' | 'clock' | 'random' | 'logger' | 'warn'>;

/** A kind that a cluster need not have: while the API server does not know it there is none of it, which is knowledge too. */
export function optional(deps: OptionalDeps, type: ResourceType): Reflector<KubeObject>;
export function optional<T>(deps: OptionalDeps, type: ResourceType, project: (raw: KubeObject) => T): Reflector<T>;
export function optional(
  { client, clock, random, logger, warn }: OptionalDeps,
  type: ResourceType,
  project: (raw: KubeObject) => unknown = withoutManagedFields,
): Reflector<unknown> {
  let absent = false;
  const waiters = new Set<() => void>();
  const failed = warn(type.plural);
  const inner = createReflector<unknown>({
    client,
    clock,
    random,
    type,
    project,
    onFailure: (failure) => {
      if (!isNotFound(failure.error)) {
        failed(failure);
        return;
      }
      if (!absent) logger.info(`the cluster has no ${type.plural}`, { group: type.group, said: messageOf(failure.error) });
      absent = true;
      for (const settle of waiters) settle();
      waiters.clear();
    },
  });
  return {
    start: () => inner.start(),
    stop: () => inner.stop(),
    get: (key) => inner.get(key),
    items: () => inner.items(),
    get size() {
      return inner.size;
    },
    byIndex: (name, value) => inner.byIndex(name, value),
    indexValues: (name) => inner.indexValues(name),
    onDelta: (handler) => inner.onDelta(handler),
    stats: () => inner.stats(),
    hasSynced: () => absent || inner.hasSynced(),
    waitForSync: (signal) =>
      absent
        ? Promise.resolve(true)
        : Promise.race([inner.waitForSync(signal), new Promise<boolean>((resolve) => waiters.add(() => resolve(true)))]),
  };
}
