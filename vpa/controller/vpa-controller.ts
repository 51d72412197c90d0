import type { KubeObject, ObjectReference } from '../../core/model/object.ts';
import { resourceTypes } from '../../core/model/object.ts';
import type { Labels } from '../../core/model/selector.ts';
import { createPolicyBook } from '../policy-book.ts';
import type { KnownPolicy, ObjectSource } from '../ports.ts';
import { createCheckpointPort, type CheckpointKind } from '../recommender/checkpoints/index.ts';
import { createRecommender, type HistoryPort } from '../recommender/controller/index.ts';
import { createRecommenderEngine } from '../recommender/engine/recommender-engine.ts';
import { createHistoryPort, type HistoryTarget } from '../recommender/history/index.ts';
import { createTargetResolver } from '../targets/index.ts';
import { createUpdater } from '../updater/index.ts';
import { createHorizontalRule } from './horizontal.ts';
import { createNamespaceLimits } from './namespace-limits.ts';
import { createNodeRooms } from './node-room.ts';
import type { VpaController, VpaControllerOptions } from './ports.ts';
import { createForeignVpas } from './rivals.ts';

/** Puts the parts of the requests controller together: what recommends, what updates, and what both go by. */
export function createVpaController(options: VpaControllerOptions): VpaController {
  const { client, reads, clock, random, events, logger, registry, config } = options;
  const { recommender: recommenderConfig, updater: updaterConfig, dryRun } = config;
  const book = createPolicyBook({ verticalPolicies: reads.verticalPolicies, nativeVpas: reads.nativeVpas, config });
  const targets = createTargetResolver({ client: options.reader, workloads: reads.workloads, clock, random, logger });
  const limits = createNamespaceLimits(reads.limitRanges);
  const monotonic = (): number => clock.monotonic();
  const rooms = createNodeRooms({ nodes: () => reads.nodes.items(), pods: () => reads.pods.items(), monotonic });
  const engine = createRecommenderEngine(recommenderConfig.estimation);
  // Adopted ones are policies of this program, and rivals are told among those.
  const foreign = createForeignVpas(config.adoptVpas ? undefined : reads.nativeVpas);
  const ended = new AbortController();

  const checkpoints = createCheckpointPort({
    client,
    clock,
    logger,
    engine,
    existing: existingPolicies(reads),
    config: recommenderConfig,
    ignoredNamespaces: config.ignoredNamespaces,
  });
  const history = historyPort(options, { targets, engine, signal: ended.signal });
  const recommender = createRecommender({
    engine,
    book,
    targets,
    pods: podPort(reads),
    metrics: options.metrics,
    client,
    checkpoints,
    history,
    nodeRoom: ({ policy }, pods) => (reads.nodes.hasSynced() ? rooms.of(policy, pods) : undefined),
    clock,
    random,
    events,
    logger,
    registry,
    config: recommenderConfig,
    dryRun,
    adoptedCooldown: config.adoptedCooldown,
    // Policies that wait together are asked for in one batch: with ten at a time a past of many namespaces takes three times as many queries.
    limits: history === undefined ? undefined : { loaders: 50 },
  });
  const horizontal = createHorizontalRule({
    book,
    horizontalClaims: options.horizontalClaims,
    // A dry run moves nothing.
    claims: () => (dryRun ? [] : recommender.claims()),
    templateOf: ({ namespace = '', ...owner }) => targets.workload(namespace, owner)?.templateRequests,
    monotonic,
  });
  const updater = createUpdater({
    client,
    book,
    targets,
    pods: () => reads.view(),
    limits: (namespace) => limits.of(namespace),
    admissionHealthy: options.admissionHealthy,
    horizontal: (known) => horizontal.yields(known),
    foreign: (known) => foreign.on(known),
    historyOf: (key) => recommender.historyOf(key),
    recordScaling: (key, direction, at) => void recommender.recordScaling(key, direction, at),
    clock,
    events,
    logger,
    registry,
    config: updaterConfig,
    dryRun,
    onDecision: options.onDecision,
    onPlan: (key, { decisions, holds }) => recommender.report(key, { decisions, holds }),
  });
  const unsubscribe = book.onChange(({ old, new: known }) => {
    // A status that changes moves no claim.
    if (old?.policy === known?.policy) return;
    for (const target of new Set([old?.policy.target, known?.policy.target])) if (target !== undefined) options.onTargetChange?.(target);
  });

  return {
    book,
    targets,
    limits: (namespace) => limits.of(namespace),
    yields: (known) => horizontal.yields(known),
    requestReferenceOf: (target) => horizontal.referenceOf(target),
    start: () => {
      recommender.start();
      updater.start();
    },
    stop: async () => {
      ended.abort();
      await updater.stop();
      await recommender.stop();
    },
    close: () => {
      unsubscribe();
      targets.close();
      limits.close();
      foreign.close();
      book.close();
    },
    metricsChanged: () => recommender.metricsChanged(),
    observeOom: (oom) => recommender.observeOom(oom),
    passNow: async () => {
      await recommender.passNow();
      await updater.runOnce();
    },
    claims: () => recommender.claims(),
    decisions: () => recommender.decisions(),
    explain: (key) => recommender.explain(key),
    historyReport: () => history?.import.report(),
    stats: () => engine.stats(),
  };
}

function podPort({ pods, view }: VpaControllerOptions['reads']) {
  return {
    get: (key: string) => pods.get(key),
    items: () => pods.items(),
    onDelta: (handler: Parameters<typeof pods.onDelta>[0]) => pods.onDelta(handler),
    hasSynced: () => pods.hasSynced(),
    lister: () => view(),
  };
}

/** Whose checkpoints are no orphans: every object of the kind, whoever carries it out. */
function existingPolicies({ verticalPolicies, nativeVpas }: VpaControllerOptions['reads']) {
  const sources: Readonly<Record<CheckpointKind, ObjectSource | undefined>> = {
    VerticalPolicy: verticalPolicies,
    VerticalPodAutoscaler: nativeVpas,
  };
  return (kind: CheckpointKind): ReadonlySet<string> | undefined => {
    const source = sources[kind];
    if (source?.hasSynced() !== true) return undefined;
    return new Set(source.items().map(({ metadata }: KubeObject) => `${metadata.namespace ?? ''}/${metadata.name}`));
  };
}

function historyPort(
  { history, clock, random, logger, reads }: VpaControllerOptions,
  parts: {
    readonly targets: ReturnType<typeof createTargetResolver>;
    readonly engine: ReturnType<typeof createRecommenderEngine>;
    readonly signal: AbortSignal;
  },
): (HistoryPort & ReturnType<typeof createHistoryPort>) | undefined {
  if (history === undefined) return undefined;
  const { targets, engine, signal } = parts;
  return createHistoryPort({
    client: history.client,
    config: history.config,
    cache: history.cache,
    clock,
    random,
    logger,
    signal,
    livePods: (namespace) =>
      new Map<string, Labels>((reads.view()?.podsInNamespace(namespace) ?? []).map(({ name, labels }) => [name, labels])),
    each: (series) => engine.observeHistory(series),
    targetOf: (known) => historyTarget(known, { targets, firstSample: (key) => firstSample(engine, key, clock.now()) }),
  });
}

/** The first of all that is known of a policy, its checkpoints included. */
function firstSample(engine: ReturnType<typeof createRecommenderEngine>, key: string, now: number): number | undefined {
  const all = (engine.recommend(key, now)?.evidence ?? []).flatMap(({ firstSample: first }) => first ?? []);
  return all.length === 0 ? undefined : Math.min(...all);
}

/** What a policy's checkpoints have is not read again: counted twice it would weigh twice. */
function historyTarget(
  { key, policy }: KnownPolicy,
  {
    targets,
    firstSample: firstOf,
  }: { readonly targets: ReturnType<typeof createTargetResolver>; readonly firstSample: (key: string) => number | undefined },
): HistoryTarget | undefined {
  const resolution = targets.resolve(policy);
  const target: ObjectReference | undefined = policy.target;
  if (target === undefined || resolution.state !== 'known') return undefined;
  return {
    key,
    namespace: policy.reference.namespace ?? '',
    kind: target.kind,
    name: target.name,
    selector: resolution.selector,
    before: firstOf(key),
  };
}

/** Kinds whose objects the book holds. */
export const policyKinds = [resourceTypes.verticalPolicies.kind, resourceTypes.verticalPodAutoscalers.kind] as const;
