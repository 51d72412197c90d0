import { parseTime } from '../../core/model/condition.ts';
import type { CheckpointStatus, ContainerSizing } from '../../vpa/model.ts';
import { containerSizing, defaultContainerSizing } from '../../vpa/model.ts';
import { createAggregate, createAggregates } from '../../vpa/recommender/engine/aggregates.kernel.ts';
import { histogramCheckpoint, timeText } from '../../vpa/recommender/engine/checkpoint-form.kernel.ts';
import {
  acceptCpu,
  added,
  allocateContainer,
  createContainerWindows,
  createMemoryStep,
  prepareOom,
  refused,
  replaced,
  stepMemory,
  unchanged,
} from '../../vpa/recommender/engine/container-windows.kernel.ts';
import { atLeast } from '../../vpa/recommender/engine/estimator.kernel.ts';
import { add, decayFactor, type HistogramPool } from '../../vpa/recommender/engine/histogram.kernel.ts';
import { defaultSettingsOf, settingsFor } from '../../vpa/recommender/engine/policy-settings.ts';
import { createRecommenderEngine } from '../../vpa/recommender/engine/recommender-engine.ts';
import type { RecommenderEngine } from '../../vpa/recommender/engine/types.ts';
import type { VectorCase, VectorRunner } from './runners.ts';
import { configOf, gatedSizings, podRecord, policyOf, usageOf, type Flags, type VectorPod } from './vpa-engine.ts';
import { differences } from './vpa-histogram.ts';

type Json = Readonly<Record<string, unknown>>;

function check(run: (input: VectorCase['input']) => unknown): VectorRunner {
  return ({ input, expected, tolerance }) => differences(expected, run(input), tolerance ?? 0);
}

const config = configOf();
const far = 4_000_000_000_000;

/** What belongs to aggregates, and to the checkpoints of aggregates. */
export const aggregateOps: Readonly<Record<string, VectorRunner>> = {
  'recommender.minSplit': check(runMinSplit),
  'recommender.controlledResources': check(runControlledResources),
  'recommender.order': check(({ containers }) => ({ order: namesOf(containers as readonly string[]) })),
  'container.events': check(runContainerEvents),
  'aggregate.expired': check(runExpired),
  'aggregate.policy': check(runPolicy),
  'aggregate.policyLookup': ({ input, expected }) => differences(expected, runPolicyLookup(input), 0),
  'aggregate.keys': check(runKeys),
  'aggregate.gc': check(runGc),
  'vpa.matchingPods': check(runMatchingPods),
  'checkpoint.currentPeak': check(runCurrentPeak),
  'checkpoint.aggregateSave': check(runAggregateSave),
  'checkpoint.aggregateLoad': runAggregateLoad,
};

function engineFor(containers: readonly string[], sizings: readonly ContainerSizing[] = []): RecommenderEngine {
  const engine = createRecommenderEngine(config, { upstreamKeys: true });
  engine.setPolicy('p', policyOf({}, sizings));
  engine.setPod(podRecord({ name: 'pod', containers }));
  return engine;
}

function runMinSplit({ containers, baseCpuMilli, baseMemoryBytes }: VectorCase['input']): unknown {
  const names = containers as readonly string[];
  const floors = engineFor(names).recommend('p', far)?.evidence ?? [];
  return Object.fromEntries(
    names.map((name) => {
      const minimum = (resource: string): number =>
        floors.find(({ container }) => container === name)?.resources.find((each) => each.resource === resource)?.minimum ?? 0;
      return [
        name,
        { cpuMilli: atLeast(baseCpuMilli as number, minimum('cpu')), memoryBytes: atLeast(baseMemoryBytes as number, minimum('memory')) },
      ];
    }),
  );
}

function runControlledResources({ controlledResources }: VectorCase['input']): unknown {
  const sizing = { ...defaultContainerSizing, controlledResources: controlledResources as readonly string[] };
  const recommended = engineFor(['c'], [sizing]).recommend('p', far)?.containers[0];
  const { target = {}, lowerBound = {}, upperBound = {} } = recommended ?? {};
  const lists = [target, lowerBound, upperBound].map((amounts) => Object.keys(amounts).toSorted().join());
  return { resources: new Set(lists).size === 1 ? Object.keys(target).toSorted() : lists };
}

function namesOf(containers: readonly string[]): readonly string[] {
  return engineFor(containers)
    .recommend('p', far)!
    .containers.map(({ container }) => container);
}

interface ContainerEvent {
  readonly type: 'cpu' | 'memory' | 'oom';
  readonly t: number;
  readonly milli?: number;
  readonly bytes?: number;
}

/** Plays the events on one container's window and notes what would be done to the histograms. */
function runContainerEvents(input: VectorCase['input']): unknown {
  const { memoryAggregationIntervalMs, oomBumpUpRatio, oomMinBumpUp } = configOf(input['flags'] as Flags | undefined);
  const seconds = input['intervalSeconds'] as number | undefined;
  const start = parseTime(input['start'] as string) ?? 0;
  const windows = createContainerWindows(1);
  const c = allocateContainer(windows, 0);
  const step = createMemoryStep();
  step.interval = seconds === undefined ? memoryAggregationIntervalMs : seconds * 1000;
  const calls: unknown[] = [];
  const note = (call: string, resource: string, value: number, at: number): void => {
    calls.push({ call, resource, value, weight: resource === 'cpu' ? 0.1 : 1, t: (at - start) / 1000 });
  };
  const memory = (): boolean => {
    const outcome = stepMemory(windows, c, step);
    if (outcome === replaced) note('subtract', 'memory', step.subtract, step.end);
    if (outcome >= added) note('add', 'memory', step.add, step.end);
    return outcome !== refused && outcome >= unchanged;
  };
  const accepted = (input['events'] as readonly ContainerEvent[]).map(({ type, t, milli = 0, bytes = 0 }) => {
    const at = start + t * 1000;
    if (type === 'cpu') {
      const taken = acceptCpu(windows, c, milli, at);
      if (taken) note('add', 'cpu', milli / 1000, at);
      return taken;
    }
    if (type === 'oom')
      return prepareOom(windows, c, { memory: bytes, at, ratio: oomBumpUpRatio, minBump: oomMinBumpUp }, step) !== undefined && memory();
    Object.assign(step, { t: at, bytes, oom: false });
    return memory();
  });
  return { accepted, histogramCalls: calls };
}

interface AgedAggregate {
  readonly totalSamplesCount?: number;
  readonly lastSampleStart?: string | null;
  readonly creationTime?: string | null;
  readonly podPhase?: string;
  readonly controllerExists?: boolean;
}

/** Whether an aggregate of that age is dropped at the time. */
function isDropped(
  { totalSamplesCount = 0, lastSampleStart, creationTime, podPhase = 'Running', controllerExists = true }: AgedAggregate,
  now: number,
): boolean {
  const engine = engineFor(['c']);
  const created = parseTime(creationTime ?? undefined);
  // The first pass of the collector tells the engine what time it is.
  if (created !== undefined) engine.collectGarbage(created, () => true);
  const last = parseTime(lastSampleStart ?? undefined);
  for (let index = 0; index < totalSamplesCount && last !== undefined; index++) {
    engine.observeUsage(usageOf({ pod: 'pod', container: 'c', at: last - index, milli: 100 }));
  }
  engine.setPod(podRecord({ name: 'pod', containers: ['c'], phase: podPhase }));
  return engine.collectGarbage(now, () => controllerExists) === 1;
}

function runExpired(input: VectorCase['input']): unknown {
  const base = parseTime(input['base'] as string) ?? 0;
  return { expired: (input['at'] as readonly number[]).map((seconds) => isDropped(input as AgedAggregate, base + seconds * 1000)) };
}

function runGc(input: VectorCase['input']): unknown {
  return { deleted: isDropped(input as AgedAggregate, parseTime(input['now'] as string) ?? 0) };
}

function runPolicy(input: VectorCase['input']): unknown {
  const raw = input['policy'] as Json | null | undefined;
  const list = raw === null || raw === undefined ? [] : [{ containerName: 'c', ...raw }];
  const sizings = gatedSizings({ containerPolicies: list }, input['perVpaConfigGate'] === true);
  const sizing = containerSizing(sizings, 'c') ?? defaultContainerSizing;
  const engine = { settings: new Map(), defaultSettings: defaultSettingsOf(config) };
  const settings = settingsFor(engine, [{ policy: policyOf({}, sizings) }], 'c');
  return {
    scalingMode: sizing.mode,
    controlledResources: sizing.controlledResources,
    memoryAggregationIntervalSeconds: settings.intervalMs / 1000,
    memoryAggregationIntervalCount: settings.intervalCount,
    oomBumpUpRatio: settings.oomBumpUpRatio,
    oomMinBumpUpBytes: settings.oomMinBumpUp,
  };
}

function runPolicyLookup(input: VectorCase['input']): unknown {
  const names = input['containers'] as readonly string[];
  const sizings = gatedSizings(input['resourcePolicy'], false);
  const recommended = engineFor(names, sizings).recommend('p', far)?.containers ?? [];
  return Object.fromEntries(
    names.map((name) => [
      name,
      {
        scalingMode: containerSizing(sizings, name)?.mode ?? 'Auto',
        needsRecommendation: recommended.some(({ container }) => container === name),
      },
    ]),
  );
}

function runKeys(input: VectorCase['input']): unknown {
  const engine = createRecommenderEngine(config, { upstreamKeys: true });
  const containers = input['containers'] as readonly { namespace: string; labels?: Record<string, string>; name: string }[];
  for (const [index, { namespace, labels, name }] of containers.entries()) {
    engine.setPod(podRecord({ name: `pod-${index}`, namespace, labels: labels ?? {}, containers: [name] }));
  }
  return { aggregates: engine.stats().aggregates };
}

function runMatchingPods(input: VectorCase['input']): unknown {
  const pods = input['pods'] as readonly VectorPod[];
  const matched = pods.filter((pod) => countOf(input, [pod]) === 1).map(({ name }) => name);
  const count = countOf(input, pods);
  return { pods: count === matched.length ? matched : [`${count} counted`] };
}

function countOf(input: VectorCase['input'], pods: readonly VectorPod[]): number {
  const engine = createRecommenderEngine(config, { upstreamKeys: true });
  engine.setPolicy('p', policyOf(input['selector'], [], input['vpaNamespace'] as string));
  // Known while it ran: a pod that finished is not forgotten.
  for (const pod of pods) engine.setPod(podRecord({ ...pod, phase: 'Running' }));
  for (const pod of pods) engine.setPod(podRecord(pod));
  return engine.podCount('p');
}

function runCurrentPeak(input: VectorCase['input']): unknown {
  const start = parseTime(input['start'] as string) ?? 0;
  const engine = engineFor(['c']);
  for (const { t, bytes } of input['memorySamples'] as readonly { t: number; bytes: number }[]) {
    engine.observeUsage(usageOf({ pod: 'pod', container: 'c', at: start + t * 1000, bytes }));
  }
  const built = (input['buildAt'] as readonly number[]).map((seconds) => engine.saveCheckpoint('p', 'c', start + seconds * 1000));
  return { memoryEmpty: built.map((status) => status?.memoryHistogram.bucketWeights === undefined) };
}

interface RawSample {
  readonly value: number;
  readonly weight: number;
  readonly time: string;
}

function runAggregateSave(input: VectorCase['input']): unknown {
  const aggregates = createAggregates();
  const a = createAggregate(aggregates, 0, defaultSettingsOf(config));
  const fill = (pool: HistogramPool, samples: unknown): void => {
    for (const { value, weight, time } of (samples ?? []) as readonly RawSample[]) {
      add(pool, a, pool.scheme.bucketOf(value), weight * decayFactor(pool, a, parseTime(time) ?? 0));
    }
  };
  fill(aggregates.cpu, input['cpu']);
  fill(aggregates.memory, input['memory']);
  const first = parseTime((input['firstSampleStart'] as string | null | undefined) ?? undefined);
  const last = parseTime((input['lastSampleStart'] as string | null | undefined) ?? undefined);
  return {
    version: 'v3',
    firstSampleStart: first === undefined ? null : timeText(first),
    lastSampleStart: last === undefined ? null : timeText(last),
    totalSamplesCount: input['totalSamplesCount'],
    cpuHistogram: histogramCheckpoint(aggregates.cpu, a),
    memoryHistogram: histogramCheckpoint(aggregates.memory, a),
  };
}

/** Compares those fields of the loaded state that the case names. */
function runAggregateLoad({ input, expected = {}, tolerance }: VectorCase): readonly string[] {
  const engine = createRecommenderEngine(config);
  engine.setPolicy('p', policyOf({}));
  const loaded = engine.loadCheckpoint('p', 'c', input['status'] as CheckpointStatus);
  const status = engine.saveCheckpoint('p', 'c', far);
  const actual: Record<string, unknown> = {
    error: !loaded.ok,
    ...status,
    cpuEmpty: status?.cpuHistogram.bucketWeights === undefined,
    memoryEmpty: status?.memoryHistogram.bucketWeights === undefined,
  };
  const named = Object.fromEntries(Object.keys(expected).map((key) => [key, actual[key]]));
  return differences(expected, named, tolerance ?? 0);
}
