import { parseTime } from '../../core/model/condition.ts';
import { isFinished, type PodRecord } from '../../core/model/pod.ts';
import type { KubeObject } from '../../core/model/object.ts';
import { resourceTypes } from '../../core/model/object.ts';
import type { NamespaceLimits } from '../model.ts';
import { createPolicyBook } from '../policy-book.ts';
import type { KnownPolicy, ObjectSource, PolicyBook, TargetResolver } from '../ports.ts';
import { checkpointKinds, checkpointOwner, isCheckpointKind, readCheckpoint } from '../recommender/checkpoints/checkpoint-object.ts';
import { claimsOf } from '../recommender/controller/claims.ts';
import { defaultLimits } from '../recommender/controller/index.ts';
import { emptyMemory, type PolicyMemory } from '../recommender/controller/policy-memory.ts';
import { trackPolicy, updatePolicy, type UpdateContext } from '../recommender/controller/policy-update.ts';
import { createUsageFeed, type UsageFed } from '../recommender/controller/usage-feed.ts';
import { amountOf, specRequests } from '../updater/engine/amounts.ts';
import { createRecommenderEngine } from '../recommender/engine/recommender-engine.ts';
import type { OomRecord, RecommenderEngine } from '../recommender/engine/types.ts';
import { createObserver, type Observer } from '../updater/controller/observe.ts';
import { createHorizontalRule, type HorizontalRule } from './horizontal.ts';
import { createNamespaceLimits } from './namespace-limits.ts';
import { createNodeRooms, type NodeRooms } from './node-room.ts';
import type { CheckpointFacts, RequestsInput } from './recommend-ports.ts';
import { createStaticTargets } from './recommend-targets.ts';
import { createForeignVpas, type ForeignVpas } from './rivals.ts';

/** The parts of the controller on what a {@link RequestsInput} has, after one pass of the recommender. */
export interface RequestsScene {
  readonly input: RequestsInput;
  readonly book: PolicyBook;
  readonly engine: RecommenderEngine;
  readonly targets: TargetResolver;
  readonly rooms: NodeRooms;
  readonly observer: Observer;
  readonly horizontal: HorizontalRule;
  readonly foreign: ForeignVpas;
  readonly usage: UsageFed;
  limits(namespace: string): NamespaceLimits | undefined;
  memoryOf(key: string): PolicyMemory;
  checkpointsOf(key: string): readonly CheckpointFacts[];
  /** Kills that were counted here, by the pods they happened in. */
  oomKillsIn(pods: readonly PodRecord[]): readonly OomRecord[];
}

/** A list that does not change. */
export function fixedSource(objects: readonly KubeObject[]): ObjectSource {
  const byKey = new Map(objects.map((raw) => [`${raw.metadata.namespace ?? ''}/${raw.metadata.name}`, raw]));
  return {
    get: (key) => byKey.get(key),
    items: () => objects,
    hasSynced: () => true,
    onDelta: (handler) => {
      for (const [key, raw] of byKey) handler({ type: 'added', key, old: undefined, new: raw });
      return () => undefined;
    },
  };
}

/** Does what the running recommender does in one pass: the same functions, on what is stored and what is measured now. */
export function createScene(input: RequestsInput): RequestsScene {
  const { config, pods, view, now } = input;
  const ofKind = (kind: string): readonly KubeObject[] => input.policies.filter((raw) => raw.kind === kind);
  const natives = fixedSource(ofKind(resourceTypes.verticalPodAutoscalers.kind));
  // Whoever carries native objects out: what would be done for them is shown.
  const book = createPolicyBook({
    verticalPolicies: fixedSource(ofKind(resourceTypes.verticalPolicies.kind)),
    nativeVpas: natives,
    config: { ...config, adoptVpas: true },
  });
  const targets = createStaticTargets(input);
  const engine = createRecommenderEngine(config.recommender.estimation);
  const rooms = createNodeRooms({ nodes: () => input.nodes, pods: () => pods.pods, monotonic: () => 0 });
  const context: UpdateContext = {
    engine,
    targets,
    pods: { ...podSource(pods.pods), lister: () => pods },
    nodeRoom: ({ policy }, own) => (input.nodes.length === 0 ? undefined : rooms.of(policy, own)),
    config: config.recommender,
    limits: defaultLimits,
  };
  const memories = new Map(book.all().map(({ key, raw }) => [key, { ...emptyMemory(key, raw.metadata.uid), prepared: true }]));
  const memoryOf = (key: string): PolicyMemory => {
    const memory = memories.get(key);
    if (memory === undefined) throw new Error(`policy ${key} is not in the book`);
    return memory;
  };
  for (const known of book.all()) trackPolicy(context, known, memoryOf(known.key));
  const checkpoints = loadCheckpoints(engine, book, input.checkpoints);
  const namespaces = new Set(book.all().map(({ policy }) => policy.reference.namespace ?? ''));
  const counted = pods.pods.filter((pod) => namespaces.has(pod.namespace) && pod.phase !== 'Pending');
  for (const pod of counted) engine.setPod(pod);
  const oomKills = observeOoms({ engine, book, targets, checkpoints, pods: counted });
  const usage = createUsageFeed(engine)(view);
  for (const known of book.all()) updatePolicy(context, known, memoryOf(known.key), now);
  const limits = createNamespaceLimits(fixedSource(input.limitRanges));
  return {
    input,
    book,
    engine,
    targets,
    rooms,
    observer: createObserver(pods, targets, book),
    horizontal: createHorizontalRule({
      // Utilization is measured anew for what this program moves, and not for what upstream's VPA does.
      book: config.adoptVpas ? book : withoutNatives(book),
      horizontalClaims: () => input.horizontalClaims,
      claims: () => book.all().flatMap((known) => claimsOf(known.policy, known.recommendation ?? recommendedBy(memoryOf(known.key)))),
      templateOf: ({ namespace = '', ...owner }) => targets.workload(namespace, owner)?.templateRequests,
      monotonic: () => 0,
    }),
    foreign: createForeignVpas(config.adoptVpas ? undefined : natives),
    usage,
    limits: (namespace) => limits.of(namespace),
    memoryOf,
    checkpointsOf: (key) => checkpoints.get(key) ?? [],
    oomKillsIn: (own) => {
      const names = new Set(own.map(({ namespace, name }) => `${namespace}/${name}`));
      return oomKills.filter(({ namespace, pod }) => names.has(`${namespace}/${pod}`));
    },
  };
}

function withoutNatives(book: PolicyBook): PolicyBook {
  return { ...book, forTarget: (namespace, kind, name) => book.forTarget(namespace, kind, name).filter(({ policy }) => !policy.native) };
}

/** What was computed, if anything was. */
export function recommendedBy({
  outcome,
}: PolicyMemory): Extract<PolicyMemory['outcome'], { state: 'recommended' }>['recommendation'] | undefined {
  return outcome.state === 'recommended' && outcome.recommendation.containers.length > 0 ? outcome.recommendation : undefined;
}

function podSource(pods: readonly PodRecord[]): ObjectSource<PodRecord> {
  return { get: () => undefined, items: () => pods, hasSynced: () => true, onDelta: () => () => undefined };
}

/** Of two that are of one container the one that was written later counts. */
function loadCheckpoints(
  engine: RecommenderEngine,
  book: PolicyBook,
  stored: readonly KubeObject[],
): ReadonlyMap<string, readonly CheckpointFacts[]> {
  const facts = new Map<string, CheckpointFacts[]>();
  const dated = stored.map((raw) => ({ raw, reading: readCheckpoint(raw) }));
  const timeOf = ({ reading }: (typeof dated)[number]): number =>
    (reading.ok ? parseTime(reading.status.lastUpdateTime ?? undefined) : undefined) ?? 0;
  for (const { raw, reading } of dated.toSorted((a, b) => timeOf(a) - timeOf(b))) {
    const known = ownerOf(book, raw);
    if (known === undefined) continue;
    const container = checkpointOwner(raw)?.container ?? '';
    const result = reading.ok ? engine.loadCheckpoint(known.key, container, reading.status) : reading;
    const list = (facts.get(known.key) ?? []).filter((each) => each.container !== container);
    const written = reading.ok ? parseTime(reading.status.lastUpdateTime ?? undefined) : undefined;
    facts.set(known.key, [...list, { container, name: raw.metadata.name, written, problem: result.ok ? undefined : result.message }]);
  }
  return facts;
}

function ownerOf(book: PolicyBook, raw: KubeObject): KnownPolicy | undefined {
  const owner = checkpointOwner(raw);
  const kind = Object.keys(checkpointKinds).find((each) => isCheckpointKind(each) && checkpointKinds[each].checkpoints.kind === raw.kind);
  return owner === undefined || kind === undefined ? undefined : book.get(`${kind}/${owner.namespace}/${owner.policy}`);
}

interface OomFeed {
  readonly engine: RecommenderEngine;
  readonly book: PolicyBook;
  readonly targets: TargetResolver;
  readonly checkpoints: ReadonlyMap<string, readonly CheckpointFacts[]>;
  readonly pods: readonly PodRecord[];
}

/**
 * OOM kills that stand in the statuses of the pods. Those that happened before the checkpoint was written are in it; what is later, or of a container without
 * one, nobody has counted. The memory is what the container asks for now: what it asked for then is not kept.
 */
function observeOoms({ engine, book, targets, checkpoints, pods }: OomFeed): readonly OomRecord[] {
  const kills = pods.flatMap((pod) =>
    pod.statuses.flatMap(({ init, name, termination }): OomRecord[] => {
      if (init || termination?.reason !== 'OOMKilled' || termination.finishedAt === undefined) return [];
      const memory = amountOf('memory', specRequests(pod, name)['memory'] ?? 0);
      return [{ namespace: pod.namespace, pod: pod.name, container: name, memory, at: termination.finishedAt }];
    }),
  );
  const byPod = new Map(pods.map((pod) => [`${pod.namespace}/${pod.name}`, pod]));
  return kills
    .toSorted((a, b) => a.at - b.at)
    .filter((kill) => {
      const pod = byPod.get(`${kill.namespace}/${kill.pod}`);
      const top = pod === undefined ? undefined : targets.topmost(pod.namespace, pod.owner);
      if (pod === undefined || top?.state !== 'known') return false;
      const known = targets.controlling({ namespace: pod.namespace, labels: pod.labels, topmost: top.owner }, book);
      const checkpoint = checkpoints.get(known?.key ?? '')?.find(({ container }) => container === kill.container);
      if (checkpoint?.problem === undefined && (checkpoint?.written ?? -Infinity) >= kill.at) return false;
      return engine.observeOom(kill);
    });
}

/** Live pods: neither ended nor on their way out. */
export function livePods(pods: readonly PodRecord[]): readonly PodRecord[] {
  return pods.filter((pod) => !isFinished(pod) && pod.deleted === undefined);
}
