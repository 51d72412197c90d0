import { formatTime, parseTime } from '../../core/model/condition.ts';
import { createInterner } from '../../core/model/interner.ts';
import type { KubeObject } from '../../core/model/object.ts';
import { projectPod } from '../../core/model/pod.ts';
import type { Amounts } from '../../vpa/model.ts';
import { checkpointName } from '../../vpa/recommender/checkpoints/checkpoint-name.ts';
import { checkpointOrder, createWriteQueue } from '../../vpa/recommender/checkpoints/checkpoint-order.ts';
import { nextConditions } from '../../vpa/recommender/engine/conditions.ts';
import { handlesPolicy, lastTargets, nextMissing } from '../../vpa/recommender/engine/conditions-tracking.ts';
import { evictionOoms, oomKills } from '../../vpa/recommender/engine/observers.ts';
import { annotatedContainer, integerCpuContainers, roundToCores } from '../../vpa/recommender/engine/post-processors.ts';
import type { OomRecord } from '../../vpa/recommender/engine/types.ts';
import type { VectorCase, VectorRunner } from './runners.ts';
import { amountsOf, podObject, recommendationOf } from './vpa-objects.ts';

type Json = Readonly<Record<string, unknown>>;

/** Observation, conditions, post-processors and the writing of checkpoints: their operations in the VPA vectors. */
export const observerOps: Readonly<Record<string, VectorRunner>> = {
  'oom.podUpdate': compared(({ oldPod, newPod }) => {
    const interner = createInterner();
    const project = (raw: unknown): ReturnType<typeof projectPod> => projectPod(podObject(raw), interner);
    return { ooms: oomsJson(oomKills(oldPod === undefined || oldPod === null ? undefined : project(oldPod), project(newPod))) };
  }),
  'oom.evictedEvent': compared(({ event }) => {
    const raw = event as Partial<KubeObject>;
    return { ooms: oomsJson(evictionOoms({ ...raw, metadata: { name: '', ...raw.metadata } })) };
  }),
  'vpa.conditions': compared(({ podsMatched, hasRecommendation }) => {
    const one = { container: 'c', target: { cpu: 1 }, lowerBound: {}, upperBound: {}, uncappedTarget: {} };
    const conditions = nextConditions({
      conditions: [],
      generation: undefined,
      recommendation: { containers: hasRecommendation === true ? [one] : [] },
      podCount: podsMatched === true ? 1 : 0,
      unsupported: null,
      now: 0,
    });
    return { conditions: Object.fromEntries(conditions.map(({ type, status, reason, message }) => [type, { status, reason, message }])) };
  }),
  'vpa.recordRecommendation': compared(({ hasRecommendation, lastLogged, now }) => {
    const { since, overdue } = nextMissing(timeOf(lastLogged), hasRecommendation === true, timeOf(now) ?? NaN);
    return { tracked: since !== undefined, lastLogged: since === undefined ? undefined : formatTime(since), error: overdue };
  }),
  'vpa.lastRecommendation': compared(({ previous, recommendation }) => {
    const { containers = [] } = recommendationOf(recommendation) ?? {};
    // The builder of upstream's tests gives the target as the uncapped one too.
    const given = containers.map((each) => (Object.keys(each.uncappedTarget).length > 0 ? each : { ...each, uncappedTarget: each.target }));
    const before = new Map(Object.entries(previous as Json).map(([container, amounts]) => [container, amountsOf(amounts)]));
    return { last: Object.fromEntries(lastTargets(before, { containers: given })) };
  }, withAmounts),
  'postprocess.integerCpu': compared(({ annotations, recommendation }) => {
    const rounded = roundToCores(
      recommendationOf(recommendation) ?? { containers: [] },
      integerCpuContainers(annotations as Record<string, string>),
    );
    return {
      containerRecommendations: rounded.recommendation.containers.map(({ container, ...rest }) => ({ containerName: container, ...rest })),
    };
  }, withAmounts),
  'postprocess.annotationContainer': compared(({ key, prefix, suffix }) => ({
    container: annotatedContainer(key as string, prefix as string, suffix as string),
  })),
  'feeder.recommenderFilter': compared(({ recommenderName, vpas }) => ({
    handled: (vpas as readonly Json[])
      .filter(({ recommenders }) => handlesPolicy({ recommenders: recommenderNames(recommenders) }, { name: recommenderName as string }))
      .map(({ name }) => name),
  })),
  'checkpoint.order': compared(({ vpas }) => {
    const turns = (vpas as readonly Json[]).map(({ name, checkpointWritten, conditions }) => ({
      name,
      lastWritten: timeOf(checkpointWritten),
      fetchingHistory: ((conditions ?? []) as readonly Json[]).some(({ type, status }) => type === 'FetchingHistory' && status === 'True'),
    }));
    return { order: checkpointOrder(turns).map(({ name }) => name) };
  }),
  'checkpoint.name': compared(({ vpa, container }) => ({ name: checkpointName(vpa as string, container as string) })),
  'checkpoint.progress': compared(({ contextAlreadyCancelled, workers, vpas, containersPerVpa }) => {
    const queue = createWriteQueue(Array.from({ length: vpas as number }), () => contextAlreadyCancelled === true);
    const taken = (worker: number): number => {
      const before = queue.left;
      do queue.take(worker);
      while (queue.left > 0 && contextAlreadyCancelled !== true);
      // Time is up: whatever it asks for now, it gets nothing.
      queue.take(worker);
      return before - queue.left;
    };
    const written = Array.from({ length: workers as number }, (_, worker) => taken(worker)).reduce((sum, each) => sum + each, 0);
    return { checkpointsWritten: written * (containersPerVpa as number) };
  }),
};

function compared(run: (input: Json) => Json, prepare: (expected: unknown) => unknown = (expected) => expected): VectorRunner {
  return ({ input, expected }: VectorCase) => {
    const actual = run(input);
    return Object.entries(expected ?? {}).flatMap(([key, value]) => {
      const wanted = canonical(prepare(value));
      const given = canonical(actual[key]);
      return wanted === given ? [] : [`${key}: expected ${wanted}, got ${given}`];
    });
  };
}

/** Absent, null, {} and [] are one thing; keys sorted. */
function canonical(value: unknown): string {
  if (value === undefined || value === null) return 'null';
  if (Array.isArray(value)) return value.length === 0 ? 'null' : `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object') return JSON.stringify(value);
  const entries = Object.entries(value)
    .map(([key, each]) => [key, canonical(each)] as const)
    .filter(([, text]) => text !== 'null')
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? 'null' : `{${entries.map(([key, text]) => `${key}:${text}`).join(',')}}`;
}

/** Quantities as amounts: they are compared by value. */
function withAmounts(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withAmounts);
  if (typeof value !== 'object' || value === null) return value;
  if ('cpu' in value || 'memory' in value) return amountsOf(value) satisfies Amounts | undefined;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withAmounts(each)]));
}

function oomsJson(ooms: readonly OomRecord[]): unknown {
  return ooms.map(({ namespace, pod, container, memory, at }) => ({
    namespace,
    pod,
    container,
    memoryBytes: memory,
    time: formatTime(at),
  }));
}

function timeOf(value: unknown): number | undefined {
  return typeof value === 'string' ? parseTime(value) : undefined;
}

function recommenderNames(raw: unknown): readonly string[] {
  return ((raw ?? []) as readonly (string | { readonly name: string })[]).map((each) => (typeof each === 'string' ? each : each.name));
}
