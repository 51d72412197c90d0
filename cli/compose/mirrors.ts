import { messageOf } from '../../core/errors.ts';
import { createReflector, type KubeClient, type Reflector } from '../../core/kube/index.ts';
import type { Clock, Random } from '../../core/model/clock.ts';
import { buildClusterView, type ClusterView } from '../../core/model/cluster-view.ts';
import { createInterner } from '../../core/model/interner.ts';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import { projectPod, unreadPodFields, type OwnerRecord, type PodRecord } from '../../core/model/pod.ts';
import type { Logger } from '../../core/runtime/logging.ts';

/** Live copies of what the components look at. */
export interface Mirrors {
  readonly pods: Reflector<PodRecord>;
  readonly policies: Reflector<KubeObject>;
  readonly nativeHpas: Reflector<KubeObject>;
  readonly metricSources: Reflector<KubeObject>;
  readonly replicaSets: Reflector<OwnedObject>;
  /** What controls an owner of pods: what Deployment a ReplicaSet belongs to. */
  readonly controllerOf: (owner: OwnerRecord) => OwnerRecord | 'none' | undefined;
  /** Pods in phase Running. */
  readonly runningPods: () => number;
  start(): void;
  stop(): Promise<void>;
}

export function createMirrors(deps: {
  client: KubeClient;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** Without deciding, only the pods and the sources are mirrored: what a process does not read it needs no right to. */
  decides: boolean;
}): Mirrors {
  const { client, clock, random, logger } = deps;
  const interner = createInterner();
  const warn =
    (plural: string) => (failure: { readonly kind: string; readonly phase: string; readonly error: unknown; readonly retryInMs: number }) =>
      logger.warn(`the mirror of ${plural} met a failure`, {
        kind: failure.kind,
        phase: failure.phase,
        error: messageOf(failure.error),
        retryInMs: Math.round(failure.retryInMs),
      });
  const whole = (
    type: (typeof resourceTypes)['horizontalPolicies' | 'horizontalPodAutoscalers' | 'metricSources'],
  ): Reflector<KubeObject> => createReflector({ client, type, clock, random, project: withoutManagedFields, onFailure: warn(type.plural) });
  const pods = createReflector<PodRecord>({
    client,
    type: resourceTypes.pods,
    clock,
    random,
    project: (raw) => projectPod(raw, interner),
    omit: unreadPodFields,
    onFailure: warn('pods'),
  });
  const policies = whole(resourceTypes.horizontalPolicies);
  const nativeHpas = whole(resourceTypes.horizontalPodAutoscalers);
  const metricSources = whole(resourceTypes.metricSources);
  const replicaSets = createReflector<OwnedObject>({
    client,
    type: resourceTypes.replicaSets,
    clock,
    random,
    project: (raw) => projectOwned(raw, interner),
    omit: ['spec', 'status'],
    onFailure: warn('replicasets'),
  });
  const owners = new Map<string, OwnerRecord | 'none'>();
  replicaSets.onDelta(({ old, new: next }) => {
    if (next !== undefined) owners.set(next.uid, next.controller);
    else if (old !== undefined) owners.delete(old.uid);
  });
  const all = [pods, metricSources, ...(deps.decides ? [policies, nativeHpas, replicaSets] : [])];
  let running = 0;
  const isRunning = (pod: PodRecord | undefined): number => (pod?.phase === 'Running' ? 1 : 0);
  pods.onDelta((delta) => {
    running += isRunning(delta.new) - isRunning(delta.old);
  });
  return {
    runningPods: () => running,
    pods,
    policies,
    nativeHpas,
    metricSources,
    replicaSets,
    controllerOf: ({ uid }) => owners.get(uid),
    start: () => {
      for (const mirror of all) mirror.start();
    },
    stop: async () => {
      await Promise.all(all.map((mirror) => mirror.stop()));
    },
  };
}

/** An object as far as it tells whose it is. */
interface OwnedObject {
  readonly uid: string;
  readonly controller: OwnerRecord | 'none';
}

function projectOwned({ metadata }: KubeObject, interner: ReturnType<typeof createInterner>): OwnedObject {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  const uid = metadata.uid ?? '';
  if (owner === undefined) return { uid, controller: 'none' };
  const { apiVersion, kind, name } = owner;
  // ReplicaSets of one Deployment share its record.
  return { uid, controller: interner.object('owner', owner.uid, () => ({ apiVersion, kind, name, uid: owner.uid })) };
}

function withoutManagedFields(raw: KubeObject): KubeObject {
  const { managedFields: _managed, ...metadata } = raw.metadata;
  return { ...raw, metadata };
}

/** Least time between two snapshots of the pods, milliseconds: with 150,000 pods one takes some 20 ms. */
const viewMaxAgeMs = 1_000;

/** One snapshot of the pods for all evaluations of a tick; made anew when something has changed and the last one is a second old. */
export function cachedView(pods: Reflector<PodRecord>, clock: Clock): () => ClusterView {
  let view: ClusterView | undefined;
  let madeAt = 0;
  let changed = true;
  pods.onDelta(() => {
    changed = true;
  });
  return () => {
    if (view === undefined || (changed && clock.monotonic() - madeAt >= viewMaxAgeMs)) {
      view = buildClusterView({ at: clock.now(), pods: pods.items() });
      madeAt = clock.monotonic();
      changed = false;
    }
    return view;
  };
}
