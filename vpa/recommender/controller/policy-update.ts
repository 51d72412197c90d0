import type { PodRecord } from '../../../core/model/pod.ts';
import { formatSelector, type Selector } from '../../../core/model/selector.ts';
import { isFinished } from '../../../core/model/pod.ts';
import type { RecommenderConfig } from '../../config.ts';
import type { Recommendation, SizingPolicy } from '../../model.ts';
import type { KnownPolicy, TargetResolver, WorkloadFacts } from '../../ports.ts';
import { postProcess, type PostProcessed } from '../engine/post-processors.ts';
import { askedFor, holdShrinks } from '../engine/short-observation.ts';
import type { ContainerEvidence, RecommenderEngine } from '../engine/types.ts';
import type { PolicyMemory, SilentContainer } from './policy-memory.ts';
import type { PodPort, RecommenderLimits, RecommenderOptions } from './ports.ts';
import { refine, vanishedContainers, type Refined } from './refine.ts';

export interface UpdateContext {
  readonly engine: RecommenderEngine;
  readonly targets: TargetResolver;
  readonly pods: PodPort;
  readonly nodeRoom: RecommenderOptions['nodeRoom'];
  readonly config: RecommenderConfig;
  readonly limits: RecommenderLimits;
}

/** Looks its target up and tells the engine of the policy when something of it has changed. Answers whether the engine knows it. */
export function trackPolicy({ engine, targets }: UpdateContext, { key, policy }: KnownPolicy, memory: PolicyMemory): boolean {
  const resolution = targets.resolve(policy);
  // What is being looked up anew is what it was until then.
  if (resolution.state !== 'pending' || memory.resolution === undefined) memory.resolution = resolution;
  if (resolution.state !== 'known') return memory.tracked !== undefined;
  const { selector } = resolution;
  const { tracked } = memory;
  if (tracked?.policy === policy && tracked.selector === selector) return true;
  const text = trackedText(policy, selector);
  if (tracked?.text !== text) {
    const { reference, containers, estimation, created } = policy;
    engine.setPolicy(key, { namespace: reference.namespace ?? '', selector, containers, estimation, created });
  }
  memory.tracked = { policy, selector, text };
  return true;
}

function trackedText({ containers, estimation, created }: SizingPolicy, selector: Selector): string {
  return JSON.stringify([formatSelector(selector), containers, estimation, created]);
}

/** What became of a look at a policy. */
export type UpdateResult =
  /** It cannot be said yet; nothing that is stored is to change. */
  | { readonly state: 'waiting' }
  | { readonly state: 'unsupported'; readonly message: string }
  | {
      readonly state: 'recommended';
      readonly before: Recommendation | undefined;
      readonly after: Recommendation;
      readonly pods: number;
      readonly vanished: readonly string[];
    };

/** Computes what is recommended now and keeps it in the memory. */
export function updatePolicy(context: UpdateContext, known: KnownPolicy, memory: PolicyMemory, now: number): UpdateResult {
  const { resolution } = memory;
  if (resolution === undefined || resolution.state === 'pending') return { state: 'waiting' };
  if (resolution.state === 'unsupported') {
    memory.outcome = resolution;
    return resolution;
  }
  if (!memory.prepared) return { state: 'waiting' };
  const { engine, limits } = context;
  const { key, policy } = known;
  const before = memory.outcome.state === 'recommended' ? memory.outcome.recommendation : known.recommendation;
  const pods = podsOf(context, policy, resolution.selector);
  const live = pods === undefined ? undefined : containersOf(pods);
  const computed = engine.recommend(key, now);
  const lastSample = new Map((computed?.evidence ?? []).map((each) => [each.container, each.lastSample]));
  const vanished = vanishedContainers({
    names: new Set([...engine.containerNames(key), ...(before?.containers ?? []).map(({ container }) => container)]),
    live,
    seen: memory.seen,
    lastSample: (container) => lastSample.get(container),
    limitMs: comesAndGoes(policy) ? limits.vanishedOfJobsMs : limits.vanishedMs,
    now,
  });
  forgetVanished(context, { key, memory, vanished, live });
  const without = new Set([...vanished, ...injected(policy, resolution.workload, live)]);
  const refined = refine({ computed, stored: before, policy, without });
  const { recommendation, clamps, warnings } = processed(context, known, { refined, pods, now });
  const podCount = engine.podCount(key);
  const silent = silentContainers(refined.evidence, { live, pods: pods ?? [], now, limitMs: limits.silentMs });
  memory.evidence = refined.evidence;
  memory.kept = refined.kept;
  memory.outcome = { state: 'recommended', recommendation, podCount, silent, clamps, warnings };
  memory.recommendedAt = now;
  return { state: 'recommended', before, after: recommendation, pods: podCount, vanished: [...vanished] };
}

/** Held, rounded and capped. */
function processed(
  { config, nodeRoom }: UpdateContext,
  known: KnownPolicy,
  { refined, pods, now }: { readonly refined: Refined; readonly pods: readonly PodRecord[] | undefined; readonly now: number },
): PostProcessed {
  const { policy } = known;
  const observed = holdShrinks(refined.containers, {
    // Upstream shrinks after a minute.
    shrinkAfterMs: policy.native ? 0 : config.shrinkAfterMs,
    evidence: refined.evidence,
    created: policy.created,
    kept: refined.kept,
    requests: askedFor(pods ?? []),
    now,
  });
  const nodes = pods === undefined ? undefined : nodeRoom?.(known, pods);
  const capped = postProcess(observed.containers, { policy, estimation: config.estimation, nodes });
  return { ...capped, clamps: [...observed.clamps, ...capped.clamps] };
}

/** Pods that run or are about to; `undefined`: not known. */
export function podsOf({ pods }: UpdateContext, { reference }: SizingPolicy, selector: Selector): readonly PodRecord[] | undefined {
  const found = pods.lister()?.podsMatching(reference.namespace ?? '', selector);
  return found?.filter((pod) => !isFinished(pod));
}

function containersOf(pods: readonly PodRecord[]): ReadonlySet<string> {
  // Pods of one template share their shape.
  const shapes = new Set(pods.map(({ shape }) => shape));
  return new Set(
    [...shapes].flatMap(({ containers, initContainers }) =>
      [...containers, ...initContainers.filter(({ sidecar }) => sidecar)].map(({ name }) => name),
    ),
  );
}

/** Between two runs of a job none of its pods lives, and two runs need not have the same containers. */
function comesAndGoes({ target }: SizingPolicy): boolean {
  return target?.kind === 'Job' || target?.kind === 'CronJob';
}

interface Vanishing {
  readonly key: string;
  readonly memory: PolicyMemory;
  readonly vanished: ReadonlySet<string>;
  readonly live: ReadonlySet<string> | undefined;
}

/** The engine loses them at once, their checkpoints when they are collected: until then they must be known as vanished. */
function forgetVanished({ engine }: UpdateContext, { key, memory, vanished, live }: Vanishing): void {
  for (const container of vanished) {
    engine.forgetContainer(key, container);
    memory.seen.delete(container);
  }
  const still = [...memory.vanished].filter((container) => live?.has(container) !== true);
  if (vanished.size > 0 || still.length !== memory.vanished.size) memory.vanished = new Set([...still, ...vanished]);
}

/** Containers that other webhooks put into the pods, where the policy does not want them sized. */
function injected(
  { injectedContainers }: SizingPolicy,
  workload: WorkloadFacts | undefined,
  live: ReadonlySet<string> | undefined,
): string[] {
  const template = workload?.templateContainers;
  if (injectedContainers !== 'Ignore' || template === undefined) return [];
  return [...(live ?? [])].filter((container) => !template.includes(container));
}

interface SilenceFacts {
  readonly live: ReadonlySet<string> | undefined;
  readonly pods: readonly PodRecord[];
  readonly now: number;
  readonly limitMs: number;
}

function silentContainers(evidence: readonly ContainerEvidence[], { live, pods, now, limitMs }: SilenceFacts): SilentContainer[] {
  const silent = evidence.filter(({ container, lastSample }) => live?.has(container) === true && now - (lastSample ?? 0) > limitMs);
  if (silent.length === 0) return [];
  // A workload that has only just begun to run need not have a sample.
  const isOld = pods.some(({ started }) => started !== undefined && now - started > limitMs);
  return isOld ? silent.map(({ container, lastSample }) => ({ container, since: lastSample })) : [];
}
