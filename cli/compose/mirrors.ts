import { messageOf } from '../../core/errors.ts';
import { createReflector, type KubeClient, type Reflector } from '../../core/kube/index.ts';
import type { Clock, Random } from '../../core/model/clock.ts';
import { buildClusterView, type ClusterView } from '../../core/model/cluster-view.ts';
import { parseTime } from '../../core/model/condition.ts';
import { createInterner } from '../../core/model/interner.ts';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import { projectPod, unreadPodFields, type OwnerRecord, type PodRecord } from '../../core/model/pod.ts';
import type { PdbRecord } from '../../core/model/pdb.ts';
import type { Logger } from '../../core/runtime/logging.ts';
import { projectTargetWorkload, unreadTargetFields, type TargetWorkload } from '../../vpa/index.ts';
import { withoutManagedFields, type MirrorFailure } from './mirror-parts.ts';
import { createNodesMirrors, type NodesMirrors } from './nodes-mirrors.ts';
import { createVerticalMirrors, type VerticalMirrors } from './vertical-mirrors.ts';

/** Live copies of what the components look at. */
export interface Mirrors {
  readonly pods: Reflector<PodRecord>;
  readonly policies: Reflector<KubeObject>;
  readonly nativeHpas: Reflector<KubeObject>;
  readonly metricSources: Reflector<KubeObject>;
  readonly replicaSets: Reflector<TargetWorkload>;
  /** Absent where requests are not decided. */
  readonly vertical: VerticalMirrors | undefined;
  /** Absent where no node groups are scaled. */
  readonly nodes: NodesMirrors | undefined;
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
  /** Who decides in this process. Without, only the pods and the sources are mirrored: what a process does not read it needs no right to. */
  decides: { readonly hpa: boolean; readonly vpa: boolean; readonly nodes?: boolean };
  /** Every pod that has just come to be, as the API server has it. */
  onNewPod?: ((pod: KubeObject) => void) | undefined;
}): Mirrors {
  const { client, clock, random, logger } = deps;
  const interner = createInterner();
  const warn =
    (plural: string) =>
    (failure: MirrorFailure): void =>
      logger.warn(`the mirror of ${plural} met a failure`, {
        kind: failure.kind,
        phase: failure.phase,
        error: messageOf(failure.error),
        retryInMs: Math.round(failure.retryInMs),
      });
  const whole = (
    type: (typeof resourceTypes)['horizontalPolicies' | 'horizontalPodAutoscalers' | 'metricSources'],
  ): Reflector<KubeObject> => createReflector({ client, type, clock, random, project: withoutManagedFields, onFailure: warn(type.plural) });
  const tellNew = newPods(clock, deps.onNewPod);
  const pods = createReflector<PodRecord>({
    client,
    type: resourceTypes.pods,
    clock,
    random,
    project: (raw) => {
      tellNew(raw);
      return projectPod(raw, interner);
    },
    omit: unreadPodFields,
    onFailure: warn('pods'),
  });
  const policies = whole(resourceTypes.horizontalPolicies);
  const nativeHpas = whole(resourceTypes.horizontalPodAutoscalers);
  const metricSources = whole(resourceTypes.metricSources);
  const replicaSets = createReflector<TargetWorkload>({
    client,
    type: resourceTypes.replicaSets,
    clock,
    random,
    project: (raw) => projectTargetWorkload(raw, interner, 'ReplicaSet'),
    omit: unreadTargetFields('ReplicaSet'),
    onFailure: warn('replicasets'),
  });
  const owners = new Map<string, OwnerRecord | 'none'>();
  replicaSets.onDelta(({ old, new: next }) => {
    if (next !== undefined) owners.set(next.uid, next.owner ?? 'none');
    else if (old !== undefined) owners.delete(old.uid);
  });
  const { hpa, vpa, nodes: scalesNodes = false } = deps.decides;
  const vertical = vpa ? createVerticalMirrors({ client, clock, random, logger, interner, warn, replicaSets }) : undefined;
  const nodes = scalesNodes ? createNodesMirrors({ client, clock, random, logger, interner, warn, replicaSets, vertical }) : undefined;
  // A requests policy gives way to horizontal ones, whoever carries them out.
  const all = [
    pods,
    metricSources,
    ...(hpa || vpa ? [policies, nativeHpas] : []),
    ...(hpa || vpa || scalesNodes ? [replicaSets] : []),
    ...(vertical?.all ?? []),
    ...(nodes?.own ?? []),
  ];
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
    vertical,
    nodes,
    controllerOf: ({ uid }) => owners.get(uid),
    start: () => {
      for (const mirror of all) mirror.start();
    },
    stop: async () => {
      await Promise.all(all.map((mirror) => mirror.stop()));
    },
  };
}

/** Older ones were there before this program was, or came while it did not look. */
const newPodMs = 120_000;
const mostNewPods = 10_000;

/** Tells each young pod once, out of all that is seen of it. */
function newPods(clock: Clock, tell: ((pod: KubeObject) => void) | undefined): (raw: KubeObject) => void {
  if (tell === undefined) return () => undefined;
  const told = new Set<string>();
  return (raw) => {
    const { uid = '', creationTimestamp } = raw.metadata;
    if (told.has(uid)) return;
    const created = parseTime(creationTimestamp);
    if (created === undefined || clock.now() - created > newPodMs) return;
    told.add(uid);
    const [oldest] = told;
    if (told.size > mostNewPods && oldest !== undefined) told.delete(oldest);
    tell(raw);
  };
}

/** Least time between two snapshots of the pods, milliseconds: with 150,000 pods one takes some 20 ms. */
const viewMaxAgeMs = 1_000;

/** One snapshot of the pods, and of budgets where they are mirrored, for all evaluations of a tick; made anew when something has changed and the last one is a second old. */
export function cachedView(pods: Reflector<PodRecord>, clock: Clock, budgets?: Reflector<PdbRecord>): () => ClusterView {
  let view: ClusterView | undefined;
  let madeAt = 0;
  let changed = true;
  const note = (): void => {
    changed = true;
  };
  pods.onDelta(note);
  budgets?.onDelta(note);
  return () => {
    if (view === undefined || (changed && clock.monotonic() - madeAt >= viewMaxAgeMs)) {
      view = buildClusterView({ at: clock.now(), pods: pods.items(), pdbs: budgets?.items() ?? [] });
      madeAt = clock.monotonic();
      changed = false;
    }
    return view;
  };
}
