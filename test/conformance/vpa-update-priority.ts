import type { PodRecord } from '../../core/model/pod.ts';
import { adaptRecommendation, podState } from '../../vpa/adaptation/index.ts';
import { defaultUpdaterConfig, type UpdaterConfig } from '../../vpa/config.ts';
import type { ContainerRecommendation, Recommendation, SizingPolicy } from '../../vpa/model.ts';
import type { WorkloadFacts } from '../../vpa/ports.ts';
import {
  asksForLess,
  comparePriority,
  configuredReplicas,
  createReplicaGroups,
  isInfeasible,
  meetsRequirements,
  podPriority,
  rateLimitOf,
  review,
  selected,
  type PodPriority,
  type ReplicaGroups,
} from '../../vpa/updater/engine/index.ts';
import type { VectorCase } from './runners.ts';
import { updatePass } from './vpa-update-pass.ts';
import { recommendationOf } from './vpa-objects.ts';
import { nativePolicy, podOf } from './vpa-update-objects.ts';

/** Runs the cases about what the updater does with which pod. */

type Json = Readonly<Record<string, unknown>>;

export function updatePriorityRunner({ op, input, expected = {}, tolerance = 0 }: VectorCase): readonly string[] {
  const run = operations[op ?? ''];
  if (run === undefined) return [`there is no operation ${op}`];
  return differencesOf(run(input), expected, tolerance);
}

const operations: Readonly<Record<string, (input: Json) => Json>> = {
  'updater.priority': (input) => {
    const { scaleUp, outsideRange, resourceDiff } = podPriority(podOf(input['pod']), statusOf(input['vpa'])?.containers ?? []);
    return { scaleUp, outsideRecommendedRange: outsideRange, resourceDiff };
  },
  'updater.less': ({ a, b }) => {
    const order = comparePriority(priorityOf(a as Json), priorityOf(b as Json));
    return { less: order > 0, greater: order < 0 };
  },
  'updater.selectGiven': (input) => ({ selected: select(input) }),
  'updater.select': (input) => ({ selected: select(input) }),
  'updater.evictionRequirements': ({ pod, recommendation, vpa }) => ({
    admitted: meetsRequirements(nativePolicy(vpa), podOf(pod), recommendationOf(recommendation)?.containers ?? []),
  }),
  'updater.lowerResource': ({ last, next }) => ({
    lower: asksForLess(recommendationOf(last)?.containers, recommendationOf(next)?.containers),
  }),
  'updater.sequence': sequence,
  'updater.inPlaceCount': inPlaceCount,
  'updater.resizeStatus': ({ pod }) => ({ status: podOf(pod).resize?.state ?? 'None' }),
  'updater.runOnce': updatePass,
  'updater.rateLimiter': ({ ratePerSecond, burst }) => {
    const limit = rateLimitOf(Number(ratePerSecond), Number(burst));
    return limit === undefined ? { unlimited: true, burst: 0 } : { unlimited: false, ratePerSecond: limit.qps, burst: limit.burst };
  },
};

function differencesOf(actual: Json, expected: Json, tolerance: number): readonly string[] {
  return Object.entries(expected).flatMap(([field, wanted]) => {
    const got = actual[field];
    if (typeof wanted === 'number' && typeof got === 'number') {
      if (Math.abs(got - wanted) <= tolerance * Math.abs(wanted)) return [];
    } else if (JSON.stringify(got) === JSON.stringify(wanted)) return [];
    return [`${field}: expected ${JSON.stringify(wanted)}, got ${JSON.stringify(got)}`];
  });
}

function priorityOf(raw: Json): PodPriority {
  return {
    scaleUp: raw['scaleUp'] === true,
    outsideRange: raw['outsideRecommendedRange'] === true,
    resourceDiff: Number(raw['resourceDiff'] ?? 0),
  };
}

function statusOf(vpa: unknown): Recommendation | undefined {
  return recommendationOf((vpa as { readonly status?: Json } | undefined)?.status?.['recommendation']);
}

function select(input: Json): readonly string[] {
  const vpa = input['vpa'];
  const full = nativePolicy(vpa, { perVpaConfig: input['perVpaConfigGate'] === true });
  const applies = input['applyEvictionRequirements'] === true;
  const policy = applies ? full : { ...full, hasUpdatePolicy: false };
  const raw = input['config'] as Readonly<Record<string, number>>;
  const config: UpdaterConfig = {
    ...defaultUpdaterConfig,
    updateThreshold: raw['minChangePriority'] ?? 0,
    lifetimeThresholdMs: (raw['podLifetimeSeconds'] ?? 0) * 1000,
    evictAfterOomMs: (raw['evictAfterOOMSeconds'] ?? 0) * 1000,
  };
  const priorities = input['priorities'] as Readonly<Record<string, Json>> | undefined;
  const infeasible = (input['infeasible'] ?? {}) as Readonly<Record<string, unknown>>;
  const processed = recommendationOf(input['processedRecommendation'])?.containers;
  const admitOnly = input['admitOnly'] as readonly string[] | undefined;
  const reviews = (input['pods'] as readonly unknown[]).map((each) => {
    const pod = podOf(each);
    const given = priorities?.[pod.name];
    return review({
      policy,
      pod,
      containers: processed ?? adapted(policy, pod, vpa),
      infeasible: recommendationOf(infeasible[pod.uid])?.containers,
      priority: given === undefined ? undefined : priorityOf(given),
      config,
      now: Date.parse(String(input['now'])),
    });
  });
  const names = selected(reviews, policy).map(({ pod }) => pod.name);
  return admitOnly === undefined ? names : names.filter((name) => admitOnly.includes(name));
}

/** The cases have no LimitRange. */
function adapted(policy: SizingPolicy, pod: PodRecord, vpa: unknown): readonly ContainerRecommendation[] {
  return adaptRecommendation({ recommendation: statusOf(vpa), containers: policy.containers, pod: podState(pod), limits: undefined })
    .containers;
}

interface Replicated {
  readonly groups: ReplicaGroups;
  readonly pods: ReadonlyMap<string, PodRecord>;
}

function replicated(input: Json): Replicated {
  const kind = String(input['kind']);
  const owner = { apiVersion: 'v1', kind, name: 'owner', uid: 'owner' };
  const pods = (input['pods'] as readonly unknown[]).map((each) => podOf(each, { owner, nodeName: 'node' }));
  const replicas = Number(input['replicas']);
  const facts = { replicas, ready: replicas } as unknown as WorkloadFacts;
  const attempts = Object.entries((input['lastInPlaceAttempt'] ?? {}) as Readonly<Record<string, number>>);
  const resizing = new Map<string, number>();
  for (const [name, at] of attempts) {
    const uid = pods.find((pod) => pod.name === name)?.uid;
    if (uid !== undefined) resizing.set(uid, at * 1000);
  }
  const groups = createReplicaGroups({
    pods,
    configured: (who, live) => configuredReplicas(who, live, facts),
    policy: nativePolicy(input['vpaForGroups'] ?? input['vpa']),
    config: {
      ...defaultUpdaterConfig,
      minReplicas: Number(input['minReplicas']),
      evictionTolerance: Number(input['tolerance']),
      inPlaceSkipDisruptionBudget: input['inPlaceSkipDisruptionBudget'] === true,
    },
    resizing,
  });
  return { groups, pods: new Map(pods.map((pod) => [pod.name, pod])) };
}

function sequence(input: Json): Json {
  let now = Number(input['now']) * 1000;
  const { groups, pods } = replicated(input);
  const policy = nativePolicy(input['vpa']);
  const recommendation = statusOf(input['vpa']);
  const infeasible = (input['infeasible'] ?? {}) as Readonly<Record<string, unknown>>;
  const gated = policy.actuation === 'InPlace' && input['inPlaceGate'] === false;
  const canInPlace = (pod: PodRecord): string => {
    if (gated) return 'InPlaceDeferred';
    const last = recommendationOf(infeasible[pod.uid])?.containers;
    const about = {
      actuation: policy.actuation,
      recommended: recommendation !== undefined,
      infeasible: isInfeasible(policy, last, recommendation?.containers ?? []),
      now,
    };
    return `InPlace${groups.canInPlace(pod, about).decision}`;
  };
  const actions: Readonly<Record<string, (pod: PodRecord) => string>> = {
    canEvict: (pod) => String(groups.canEvict(pod, now).ok),
    canInPlace,
    evict: (pod) => {
      if (!groups.canEvict(pod, now).ok) return 'error';
      groups.evicted(pod);
      return 'ok';
    },
    inPlace: (pod) => {
      if (!groups.kept(pod).ok) return 'error';
      groups.resized(pod);
      return 'ok';
    },
  };
  const steps = input['steps'] as readonly { readonly action: string; readonly pod: string; readonly at?: number }[];
  return {
    results: steps.map(({ action, pod: name, at }) => {
      if (at !== undefined) now = at * 1000;
      const pod = pods.get(name);
      return pod === undefined ? `no pod ${name}` : actions[action]?.(pod);
    }),
  };
}

/** Asks for each pod once, and updates it when it may be. */
function inPlaceCount(input: Json): Json {
  const now = Number(input['now']) * 1000;
  const { groups, pods } = replicated(input);
  const { actuation } = nativePolicy(input['vpa']);
  let updated = 0;
  for (const pod of pods.values()) {
    if (groups.canInPlace(pod, { actuation, recommended: true, infeasible: false, now }).decision !== 'Approved') continue;
    groups.resized(pod);
    updated += 1;
  }
  return { updated };
}
