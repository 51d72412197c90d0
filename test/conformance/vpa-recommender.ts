import { parseTime } from '../../core/model/condition.ts';
import { Quantity } from '../../core/units/index.ts';
import type { EstimationConfig } from '../../vpa/config.ts';
import type { Amounts, CheckpointStatus, ContainerRecommendation, HistogramCheckpoint } from '../../vpa/model.ts';
import { createRecommenderEngine } from '../../vpa/recommender/engine/recommender-engine.ts';
import type { RecommenderEngine } from '../../vpa/recommender/engine/types.ts';
import type { VectorCase, VectorRunner } from './runners.ts';
import { aggregateOps } from './vpa-aggregates.ts';
import { arithmeticOps, humanize } from './vpa-arithmetic.ts';
import { configOf, gatedSizings, namespaceOfVectors, podRecord, policyOf, usageOf, type Flags, type VectorPod } from './vpa-engine.ts';
import { differences, histogramOps } from './vpa-histogram.ts';
import { recommendationOf } from './vpa-objects.ts';
import { observerOps } from './vpa-observers.ts';

type Json = Readonly<Record<string, unknown>>;

const ops: Readonly<Record<string, VectorRunner>> = {
  ...observerOps,
  ...histogramOps,
  ...arithmeticOps,
  ...aggregateOps,
  'recommender.pipeline': runPipeline,
};

/** Every operation of the recommender and of its checkpoints. */
export function vpaRecommenderRunner(vector: VectorCase): ReturnType<VectorRunner> {
  const runner = ops[vector.op ?? ''];
  return runner === undefined ? [`no runner for the operation ${vector.op}`] : runner(vector);
}

/** As we do it, and if that is not what upstream does, with the pod minimum split as upstream splits it. */
function runPipeline(vector: VectorCase): ReturnType<VectorRunner> {
  const config = configOf(vector.input['flags'] as Flags | undefined);
  const ours = comparePipeline(vector, config);
  if (ours.length === 0) return ours;
  return comparePipeline(vector, { ...config, splitOverLiveContainers: false }).length === 0 ? { quirk: 'Q11' } : ours;
}

interface PipelineEvent {
  readonly type: 'cpu' | 'memory' | 'oom' | 'series' | 'deletePod' | 'recommend';
  readonly pod?: string;
  readonly container?: string;
  readonly t?: number;
  readonly from?: number;
  readonly step?: number;
  readonly milli?: number | SeriesValues;
  readonly bytes?: number | SeriesValues;
}

interface SeriesValues {
  readonly list?: readonly number[];
  readonly runs?: readonly (readonly [value: number, repetitions: number])[];
}

interface Pipeline {
  readonly engine: RecommenderEngine;
  readonly start: number;
  /** The time of the last event. */
  now: number;
  readonly humanized: boolean;
  readonly accepted: boolean[];
  readonly snapshots: Snapshot[];
}

function comparePipeline({ input, expected = {}, tolerance }: VectorCase, config: EstimationConfig): readonly string[] {
  const engine = createRecommenderEngine(config, { upstreamKeys: true });
  engine.setPolicy('p', policyOf(input['selector'], gatedSizings(input['resourcePolicy'], input['perVpaConfigGate'] === true)));
  for (const pod of input['pods'] as readonly VectorPod[]) engine.setPod(podRecord(pod));
  const start = parseTime(input['start'] as string) ?? 0;
  const humanized = (input['flags'] as Flags | undefined)?.['humanize-memory'] === true;
  const pipeline: Pipeline = { engine, start, now: start, humanized, accepted: [], snapshots: [] };
  for (const event of input['events'] as readonly PipelineEvent[]) play(pipeline, event);
  const { accepted, snapshots } = pipeline;
  const wanted = expected['acceptedAll'] === true ? accepted.map(() => true) : expected['accepted'];
  const wantedSnapshots = ((expected['snapshots'] ?? []) as readonly Json[]).map((snapshot) => ({
    ...snapshot,
    recommendation: recommendationOf(snapshot['recommendation']),
  }));
  const ours = snapshots.map((snapshot, index) => alignSnapshot(snapshot, wantedSnapshots[index], config));
  return differences({ accepted: wanted, snapshots: wantedSnapshots }, { accepted, snapshots: ours }, tolerance ?? 0);
}

interface Snapshot {
  readonly recommendation: unknown;
  readonly states: Readonly<Record<string, { readonly checkpoint: Partial<CheckpointStatus> }>>;
}

/**
 * A histogram written for another reference is the same one: which of the references it gets when several are merged depends on the order of a Go map upstream
 * (specification 3.4.6). The weights must be those that it would have at the expected reference, to the bit.
 */
function alignSnapshot({ recommendation, states }: Snapshot, expected: unknown, { halfLifeMs }: EstimationConfig): Snapshot {
  const wanted = (expected as Snapshot | undefined)?.states ?? {};
  const aligned = Object.entries(states).map(([name, { checkpoint }]) => {
    const of = wanted[name]?.checkpoint;
    const cpuHistogram = alignHistogram(checkpoint.cpuHistogram, of?.cpuHistogram, halfLifeMs.cpu);
    const memoryHistogram = alignHistogram(checkpoint.memoryHistogram, of?.memoryHistogram, halfLifeMs.memory);
    return [name, { checkpoint: { ...checkpoint, cpuHistogram, memoryHistogram } as Partial<CheckpointStatus> }] as const;
  });
  return { recommendation, states: Object.fromEntries(aligned) };
}

function alignHistogram(
  actual: HistogramCheckpoint | undefined,
  expected: HistogramCheckpoint | undefined,
  halfLifeMs: number,
): HistogramCheckpoint | undefined {
  const from = parseTime(actual?.referenceTimestamp ?? undefined);
  const to = parseTime(expected?.referenceTimestamp ?? undefined);
  if (actual === undefined || from === undefined || to === undefined || !Number.isInteger((from - to) / halfLifeMs)) return actual;
  const { totalWeight } = actual;
  const moved = totalWeight === undefined ? undefined : totalWeight * 2 ** ((from - to) / halfLifeMs);
  return { ...actual, referenceTimestamp: expected?.referenceTimestamp, totalWeight: moved };
}

function play(pipeline: Pipeline, event: PipelineEvent): void {
  const { type, pod = '', t = 0 } = event;
  if (type === 'recommend') pipeline.snapshots.push(snapshotOf(pipeline));
  else if (type === 'deletePod') pipeline.engine.removePod(namespaceOfVectors, pod);
  else if (type === 'series') playSeries(pipeline, event);
  else playSample(pipeline, type, { ...event, t });
}

function playSample(
  pipeline: Pipeline,
  type: 'cpu' | 'memory' | 'oom',
  { pod = '', container = '', t = 0, milli, bytes }: PipelineEvent,
): void {
  const { engine, accepted, start } = pipeline;
  const at = start + t * 1000;
  pipeline.now = Math.max(pipeline.now, at);
  if (type === 'oom') {
    accepted.push(engine.observeOom({ namespace: namespaceOfVectors, pod, container, memory: bytes as number, at }));
    return;
  }
  const amount = type === 'cpu' ? { milli: milli as number } : { bytes: bytes as number };
  accepted.push(engine.observeUsage(usageOf({ pod, container, at, ...amount })).accepted === 1);
}

function playSeries(pipeline: Pipeline, event: PipelineEvent): void {
  const { from = 0, step = 0 } = event;
  const cpu = valuesOf(event.milli);
  const memory = valuesOf(event.bytes);
  for (let index = 0; index < Math.max(cpu.length, memory.length); index++) {
    const t = from + index * step;
    const [milli, bytes] = [cpu[index], memory[index]];
    if (milli !== undefined) playSample(pipeline, 'cpu', { ...event, t, milli });
    if (bytes !== undefined) playSample(pipeline, 'memory', { ...event, t, bytes });
  }
}

function valuesOf(values: number | SeriesValues | undefined): readonly number[] {
  if (values === undefined) return [];
  if (typeof values === 'number') return [values];
  if (Array.isArray(values)) return values as readonly number[];
  return values.list ?? (values.runs ?? []).flatMap(([value, repetitions]) => Array.from({ length: repetitions }, () => value));
}

const century = 100 * 365 * 86_400_000;

function snapshotOf({ engine, now, humanized }: Pipeline): Snapshot {
  const containers = engine.recommend('p', now)?.containers ?? [];
  const states = engine.containerNames('p').map((name) => {
    // A century on no window is open: nothing is left out.
    const { lastUpdateTime: _, ...checkpoint } = engine.saveCheckpoint('p', name, now + century) ?? {};
    return [name, { checkpoint: { totalSamplesCount: 0, ...checkpoint } }];
  });
  return { recommendation: { containers: humanized ? containers.map(humanizedOf) : containers }, states: Object.fromEntries(states) };
}

function humanizedOf(recommended: ContainerRecommendation): ContainerRecommendation {
  const of = ({ memory, ...rest }: Amounts): Amounts =>
    memory === undefined ? rest : { ...rest, memory: Number(Quantity.parse(humanize(memory)).toInteger('up')) };
  const { container, target, lowerBound, upperBound, uncappedTarget } = recommended;
  return { container, target: of(target), lowerBound: of(lowerBound), upperBound: of(upperBound), uncappedTarget: of(uncappedTarget) };
}
