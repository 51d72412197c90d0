import { setImmediate as nextTurn } from 'node:timers/promises';
import { defaultEstimationConfig } from '../../vpa/config.ts';
import { estimate, target, type EstimationInput } from '../../vpa/recommender/engine/estimator.kernel.ts';
import { createEngine } from '../../vpa/recommender/engine/recommender-engine.ts';
import type { EngineState } from '../../vpa/recommender/engine/model-state.ts';
import type { CheckpointTexts, RecommenderEngine } from '../../vpa/recommender/engine/types.ts';
import { createUsageRows } from '../../vpa/recommender/engine/usage-rows.kernel.ts';
import { denseAggregate, denseCheckpoint, denseCpu, densePeak, denseRecommendation, type DenseAggregate } from './vpa-dense.ts';
import {
  checkpointLength,
  cpuTime,
  days,
  memoryTime,
  mulberry32,
  podName,
  sharedColumns,
  snapshot,
  steps,
  targetSums,
  workloadPod,
  workloadPolicy,
  type Workload,
} from './vpa-workload.ts';

/** CPU time of this process, nanoseconds. */
function cpuNow(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}

function timed(run: () => void): number {
  const started = cpuNow();
  run();
  return cpuNow() - started;
}

/** Bytes that are held once the collector is through. */
function heldBytes(): number {
  for (let turn = 0; turn < 3; turn++) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

export interface Fed {
  readonly engine: RecommenderEngine & CheckpointTexts;
  readonly state: EngineState;
  /** Nanoseconds of CPU time for a CPU sample and for a memory peak. */
  readonly cpuNs: number;
  readonly memoryNs: number;
}

export const afterAll = memoryTime(days) + 1;

/** An engine that has seen the whole workload, through the columns of 108 answers. */
export function feedEngine({ count, cpu, memory }: Workload): Fed {
  const { engine, state } = createEngine(defaultEstimationConfig);
  for (let index = 0; index < count; index++) engine.setPolicy(podName(index), workloadPolicy(index));
  for (let index = 0; index < count; index++) engine.setPod(workloadPod(index));
  const shared = sharedColumns(count);
  const unknown = new Float64Array(count).fill(Number.NaN);
  let cpuNs = 0;
  for (let step = 0; step < steps; step++) {
    const usage = snapshot(shared, { timestamps: new Float64Array(count).fill(cpuTime(step)), cpuMilli: cpu[step]!, memoryMilli: unknown });
    cpuNs += timed(() => expectAccepted(engine.observeUsage(usage).accepted, count));
  }
  let memoryNs = 0;
  for (let day = 0; day < days; day++) {
    const usage = snapshot(shared, {
      timestamps: new Float64Array(count).fill(memoryTime(day)),
      cpuMilli: unknown,
      memoryMilli: memory[day]!,
    });
    memoryNs += timed(() => expectAccepted(engine.observeUsage(usage).accepted, count));
  }
  return { engine, state, cpuNs: cpuNs / count / steps, memoryNs: memoryNs / count / days };
}

function expectAccepted(accepted: number, count: number): void {
  if (accepted !== count) throw new Error(`${accepted} of ${count} samples were accepted`);
}

export function feedDense({ count, cpu, memory }: Workload): { readonly aggregates: readonly DenseAggregate[]; readonly cpuNs: number } {
  const aggregates = Array.from({ length: count }, denseAggregate);
  const cpuNs = timed(() => {
    for (let step = 0; step < steps; step++) {
      const values = cpu[step]!;
      const t = cpuTime(step);
      for (let index = 0; index < count; index++) denseCpu(aggregates[index]!, values[index]!, t);
    }
  });
  for (let day = 0; day < days; day++) {
    for (let index = 0; index < count; index++) densePeak(aggregates[index]!, memory[day]![index]! / 1000, memoryTime(day));
  }
  return { aggregates, cpuNs: cpuNs / count / steps };
}

/** Bytes of an aggregate once its pod and policy are gone, and of a container with all that belongs to it. */
export function measureBytes(workload: Workload): { readonly aggregate: number; readonly whole: number; readonly dense: number } {
  const { count } = workload;
  const before = heldBytes();
  const fed: { engine: RecommenderEngine; state: EngineState } = feedEngine(workload);
  // The columns of the last answer belong to whoever answered.
  for (let index = 0; index < count; index++)
    Object.assign(fed.state.namespaces.get('default')?.pods.get(podName(index)) ?? {}, { row: -1 });
  Object.assign(fed.state.rows, createUsageRows());
  const whole = heldBytes() - before;
  for (let index = 0; index < count; index++) fed.engine.removePolicy(podName(index));
  for (let index = 0; index < count; index++) fed.engine.removePod('default', podName(index));
  const { aggregates } = fed.engine.stats();
  if (aggregates !== count) throw new Error(`${aggregates} aggregates are left of ${count}`);
  // The columns of containers, which no container uses now, are not part of an aggregate.
  const { windows, podOf } = fed.state;
  const spare = windows.f64.byteLength + windows.nextOfPod.byteLength + (windows.free.length + podOf.length) * 8;
  const aggregate = heldBytes() - before - spare;
  const beforeDense = heldBytes();
  const { aggregates: dense } = feedDense(workload);
  const denseBytes = heldBytes() - beforeDense;
  if (dense.length !== count || fed.state.aggregates.count !== count) throw new Error('lost aggregates');
  return { aggregate: aggregate / count, whole: whole / count, dense: denseBytes / count };
}

export interface RecommendationTimes {
  readonly numbersUs: number;
  readonly objectsUs: number;
  readonly denseUs: number;
}

export function measureRecommendations({ engine, state }: Fed, count: number, dense: readonly DenseAggregate[]): RecommendationTimes {
  const { aggregates, defaultPlan, estimates } = state;
  const input: EstimationInput = { cpu: aggregates.cpu, memory: aggregates.memory, plan: defaultPlan };
  let sum = 0;
  const numbers = bestOf(() => {
    sum = 0;
    for (let a = 1; a <= count; a++) {
      estimate(input, a, 1, estimates);
      sum += estimates.cpu[target]!;
    }
  });
  expectSum(sum, count);
  const objects = bestOf(() => {
    sum = 0;
    for (let index = 0; index < count; index++) {
      sum += engine.recommend(podName(index), afterAll)?.containers[0]?.target['cpu'] ?? Number.NaN;
    }
  });
  expectSum(sum, count);
  const out = new Float64Array(6);
  const plain = bestOf(() => {
    sum = 0;
    for (const aggregate of dense) {
      denseRecommendation(aggregate, out);
      sum += out[1]!;
    }
  });
  expectSum(sum, count);
  return { numbersUs: numbers / count / 1000, objectsUs: objects / count / 1000, denseUs: plain / count / 1000 };
}

/** Nanoseconds. */
function bestOf(run: () => void, times = 5): number {
  let best = Infinity;
  for (let time = 0; time < times; time++) best = Math.min(best, timed(run));
  return best;
}

function expectSum(sum: number, count: number): void {
  if (sum !== targetSums[count]) throw new Error(`the sum of target CPU of ${count} containers is ${sum} m, not ${targetSums[count]} m`);
}

export interface CheckpointTimes {
  readonly textUs: number;
  /** As an object that `JSON.stringify` is given. */
  readonly objectUs: number;
  readonly denseUs: number;
  /** The longest time that the pass kept the event loop, milliseconds of wall clock. */
  readonly blockMs: number;
}

const sliceMs = 10;

export async function measureCheckpoints({ engine }: Fed, count: number, dense: readonly DenseAggregate[]): Promise<CheckpointTimes> {
  const text = bestOf(() => {
    let length = 0;
    for (let index = 0; index < count; index++) length += engine.checkpointText(podName(index), 'c', afterAll)?.length ?? 0;
    expectLength(length / count);
  });
  const object = bestOf(() => {
    let length = 0;
    for (let index = 0; index < count; index++) length += JSON.stringify(engine.saveCheckpoint(podName(index), 'c', afterAll)).length;
    expectLength(length / count);
  }, 3);
  const plain = bestOf(() => {
    for (const aggregate of dense) denseCheckpoint(aggregate, afterAll);
  }, 3);
  const [textUs, objectUs, denseUs] = [text, object, plain].map((ns) => ns / count / 1000) as [number, number, number];
  return { textUs, objectUs, denseUs, blockMs: await longestBlock(engine, count) };
}

function expectLength(mean: number): void {
  if (Math.abs(mean - checkpointLength) > 1) throw new Error(`a checkpoint has ${mean} bytes, not ${checkpointLength}`);
}

/** Writes all checkpoints in slices, as the controller does. */
async function longestBlock(engine: Fed['engine'], count: number): Promise<number> {
  let longest = 0;
  for (let index = 0; index < count;) {
    const started = performance.now();
    while (index < count && performance.now() - started < sliceMs) engine.checkpointText(podName(index++), 'c', afterAll);
    longest = Math.max(longest, performance.now() - started);
    await nextTurn();
  }
  return longest;
}

/** Microseconds of CPU time to add a pod, one for each policy, all in one namespace. */
export function measureAdding(policies: number): number {
  const pods = Array.from({ length: 10_000 }, (_, index) => workloadPod(index % policies)).map((pod, index) => ({
    ...pod,
    name: `added-${index}`,
    labels: { ...pod.labels, instance: String(index) },
  }));
  let best = Infinity;
  for (let round = 0; round < 4; round++) {
    const { engine } = createEngine(defaultEstimationConfig);
    for (let index = 0; index < policies; index++) engine.setPolicy(podName(index), workloadPolicy(index));
    const taken = timed(() => {
      for (const pod of pods) engine.setPod(pod);
    });
    let matched = 0;
    for (let index = 0; index < policies; index++) matched += engine.podCount(podName(index));
    if (matched !== pods.length) throw new Error(`${matched} of ${pods.length} pods are matched`);
    best = Math.min(best, taken);
  }
  return best / pods.length / 1000;
}

/** Pods of one policy in the measure of resident memory; each of them has a label set, and so an aggregate, of its own. */
const podsPerPolicy = 10;

/** Resident bytes of this process with that many containers that were measured a hundred times in twelve days. */
export function engineBytes(count: number): number {
  const { engine } = createEngine(defaultEstimationConfig);
  const policies = count / podsPerPolicy;
  for (let index = 0; index < policies; index++) engine.setPolicy(podName(index), workloadPolicy(index));
  for (let index = 0; index < count; index++) {
    const pod = workloadPod(index);
    engine.setPod({ ...pod, labels: { app: `a${index % policies}`, instance: String(index) } });
  }
  const shared = sharedColumns(count);
  const random = mulberry32(42);
  const base = Float64Array.from({ length: count }, () => 0.05 + 1.95 * random());
  const cpuMilli = new Float64Array(count);
  const memoryMilli = new Float64Array(count);
  const timestamps = new Float64Array(count);
  for (let step = 0; step < steps; step++) {
    for (let index = 0; index < count; index++) {
      cpuMilli[index] = Math.trunc(base[index]! * (0.5 + random()) * 1000);
      memoryMilli[index] = Math.trunc(base[index]! * (0.5 + random()) * 2 ** 30) * 1000;
    }
    // Three hours and a quarter between two answers: twelve days, so that there are as many windows of memory too.
    timestamps.fill(cpuTime(step * 175));
    expectAccepted(engine.observeUsage(snapshot(shared, { timestamps, cpuMilli, memoryMilli })).accepted, count);
  }
  for (let index = 0; index < policies; index++) engine.recommend(podName(index), cpuTime(steps * 175));
  globalThis.gc?.();
  const { containers, aggregates } = engine.stats();
  if (containers !== count || aggregates !== count)
    throw new Error(`${containers} containers and ${aggregates} aggregates are held, not ${count}`);
  return process.memoryUsage().rss;
}
