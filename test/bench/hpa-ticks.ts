import { buildClusterView } from '../../core/model/cluster-view.ts';
import type { Condition } from '../../core/model/condition.ts';
import type { MetricsView } from '../../core/model/metrics-view.ts';
import { createBatch, evaluateQuiet, type Batch, type BatchFacts, type PodChange, type TickReport } from '../../hpa/batch/index.ts';
import { assemble } from '../../hpa/controller/assemble.ts';
import { conclude, defaultHpaConfig, emptyState, evaluate, type HpaState, type PodLister } from '../../hpa/index.ts';
import { median } from './figure.ts';
import { checkSums, createWorkload, podsPerTarget, type Workload, type WorkloadOptions } from './hpa-workload.ts';

const start = Date.UTC(2026, 10, 22, 12);
const periodMs = 15_000;
/** Ticks before the measured ones: the first decides everything for the first time, the next ones scale, and code is compiled. */
const warmUp = 5;
const measured = 5;
/** With so many ticks a policy has the recommendations of the whole 5 minutes. */
const memoryTicks = 24;
/** A policy's scale is read again every so many ticks. */
const readingEvery = 4;

export interface TickFigures {
  /**
   * CPU milliseconds of one tick: the changed pods, the scales that were read, all decisions, and the engine for the policies that scale or of which
   * something is to be judged that is not in columns.
   */
  readonly tickMs: number;
  /** The part of it before the engine. */
  readonly decideMs: number;
  /** The engine's work for the news of a tick, which waits until their status is written. */
  readonly newsMs: number;
  /** The same decisions by the engine alone, one policy after the other. */
  readonly plainMs: number;
  /** Of the tick in which everything is decided for the first time. */
  readonly firstMs: number;
  /** Policies of a tick, on average. */
  readonly steady: number;
  readonly news: number;
  readonly full: number;
}

/** What a controller has of the policies. */
interface Controller {
  readonly workload: Workload;
  /** Replicas in the spec of each target; the pods do not follow. */
  readonly sizes: Int32Array;
  readonly conditions: (readonly Condition[])[];
  /** The engine's memory, where there is no batch. */
  readonly states: HpaState[];
  /** Taken away in the end, to see what it held. */
  held: Held | undefined;
}

interface Held {
  readonly batch: Batch;
  readonly facts: BatchFacts[];
}

interface Moment {
  readonly view: MetricsView;
  readonly now: number;
}

/** Ticks of a batch beside those of the engine alone: they must want the same for every policy in every tick, and in the first what upstream wants. */
export async function measureTicks(options: WorkloadOptions): Promise<TickFigures> {
  const workload = createWorkload(options, start);
  const batched = controllerOf(workload);
  const plain = controllerOf(workload);
  hold(batched);
  const times: Times[] = [];
  const plainTimes: number[] = [];
  let firstMs = 0;
  let now = start;
  for (let tick = 0; tick < warmUp + measured; tick++) {
    now += periodMs;
    const changes = tick === 0 ? [] : workload.churn(now);
    const moment = { view: await workload.next(now), now };
    await collect();
    const taken = decideAll(batched, changes, moment);
    await collect();
    const plainMs = timed(() => evaluatePlainly(plain, moment));
    checkWishes(batched, plain, now);
    if (tick === 0) {
      firstMs = taken.tickMs;
      checkSum(plain, now);
    }
    if (tick < warmUp) continue;
    times.push(taken);
    plainTimes.push(plainMs);
  }
  return {
    tickMs: median(times.map((each) => each.tickMs)),
    decideMs: median(times.map((each) => each.decideMs)),
    newsMs: median(times.map((each) => each.newsMs)),
    plainMs: median(plainTimes),
    firstMs,
    steady: mean(times.map(({ report }) => report.steady)),
    news: mean(times.map(({ report }) => report.news.length)),
    full: mean(times.map(({ report }) => report.full.length)),
  };
}

/** Bytes that the batch and its facts hold for a policy: pods, views, policies and their status are there without it. */
export async function measureMemory(options: WorkloadOptions): Promise<number> {
  const workload = createWorkload(options, start);
  const controller = controllerOf(workload);
  hold(controller);
  let now = start;
  let view: MetricsView | undefined;
  for (let tick = 0; tick < memoryTicks; tick++) {
    now += periodMs;
    const changes = tick === 0 ? [] : workload.churn(now);
    view = await workload.next(now);
    await collect();
    decideAll(controller, changes, { view, now });
  }
  for (let turn = 0; turn < 3; turn++) await collect();
  const before = memoryInUse();
  letGo(controller);
  for (let turn = 0; turn < 3; turn++) await collect();
  const bytes = (before - memoryInUse()) / options.targets;
  // Nothing that remembers 20 recommendations takes less: something else still holds it.
  if (bytes < 200) throw new Error(`the batch has let go of only ${Math.round(bytes)} bytes a policy`);
  // Whoever has a batch has a view too: it must not go with it.
  if (view?.podCount !== options.targets * podsPerTarget) throw new Error('the view does not have all pods');
  return bytes;
}

function controllerOf(workload: Workload): Controller {
  const { policies } = workload;
  return {
    workload,
    sizes: new Int32Array(policies.length).fill(podsPerTarget),
    conditions: policies.map(() => []),
    states: policies.map(() => emptyState),
    held: undefined,
  };
}

function hold(controller: Controller): void {
  const batch = createBatch({ config: defaultHpaConfig, pods: controller.workload.pods });
  controller.held = { batch, facts: controller.workload.policies.map((_, at) => factsOf(controller, at, start)) };
}

function letGo(controller: Controller): void {
  controller.held?.batch.close();
  controller.held = undefined;
}

interface Times {
  readonly tickMs: number;
  readonly decideMs: number;
  readonly newsMs: number;
  readonly report: TickReport;
}

/** One tick of the batch, with what the engine has to evaluate. Not in an async function, whose variables would keep the batch. */
function decideAll(controller: Controller, changes: readonly PodChange[], moment: Moment): Times {
  const { workload, held } = controller;
  if (held === undefined) throw new Error('there is no batch');
  const { batch } = held;
  const begun = cpuMs();
  workload.pods.apply(changes);
  tellReadings(controller, held, moment.now);
  const report = batch.decideTick(moment);
  const decided = cpuMs();
  for (const { key } of report.full) evaluateFull(controller, held, key, moment);
  const ended = cpuMs();
  for (const at of workload.policies.keys()) controller.states[at] = batch.stateOf(workload.keys[at] ?? '');
  const newsMs = timed(() => {
    for (const key of report.news) readQuiet(controller, batch, key);
  });
  return { tickMs: ended - begun, decideMs: decided - begun, newsMs, report };
}

/** Tells of the scales that were read since the last tick; in the first one, of all policies. */
function tellReadings(controller: Controller, { batch, facts }: Held, now: number): void {
  const { keys } = controller.workload;
  const turn = Math.round((now - start) / periodMs) - 1;
  const [from, step] = turn === 0 ? [0, 1] : [turn % readingEvery, readingEvery];
  for (let at = from; at < keys.length; at += step) {
    const read = factsOf(controller, at, now);
    facts[at] = read;
    batch.set(keys[at] ?? '', read);
  }
}

function factsOf({ workload, sizes }: Controller, at: number, scaleReadAt: number): BatchFacts {
  const policy = workload.policies[at];
  if (policy === undefined) throw new Error(`there is no policy ${at}`);
  const scale = { specReplicas: sizes[at] ?? 0, statusReplicas: podsPerTarget, selector: `app=t${at}` };
  return { policy, scale, scaleReadAt, history: noHistory };
}

const noHistory = {};

function indexOf(key: string): number {
  return Number(key.slice(key.indexOf('/t') + 2));
}

/** What the controller does for a policy that the batch leaves to the engine. */
function evaluateFull(controller: Controller, { batch, facts }: Held, key: string, moment: Moment): void {
  const at = indexOf(key);
  const known = facts[at];
  if (known === undefined) throw new Error(`there is no policy ${key}`);
  const pods: PodLister = { podsMatching: () => batch.podsOf(key, known.scale.selector) ?? [] };
  const done = evaluateOne(controller, at, known, { pods, state: batch.stateOf(key), ...moment });
  batch.note(key, done);
  if (done.evaluation.write === undefined) return;
  const after = factsOf(controller, at, moment.now);
  facts[at] = after;
  batch.set(key, after);
}

interface Given extends Moment {
  readonly pods: PodLister;
  readonly state: HpaState;
}

function evaluateOne(controller: Controller, at: number, { policy, scale, history }: BatchFacts, { pods, state, view, now }: Given) {
  const status = statusOf(controller, at);
  const input = assemble({ policy, scale, pods, view, state, status, history, now, config: defaultHpaConfig });
  const evaluation = evaluate(input);
  const conclusion = conclude(input, evaluation, { kind: evaluation.write === undefined ? 'none' : 'written' });
  controller.conditions[at] = conclusion.conditions;
  controller.sizes[at] = evaluation.write ?? controller.sizes[at] ?? 0;
  return { input, evaluation, conclusion };
}

function statusOf({ conditions, sizes }: Controller, at: number) {
  const replicas = sizes[at] ?? 0;
  return { conditions: conditions[at] ?? [], currentReplicas: replicas, desiredReplicas: replicas };
}

function readQuiet(controller: Controller, batch: Batch, key: string): void {
  const facts = batch.quiet(key);
  if (facts === undefined) throw new Error(`${key} has no quiet decision`);
  const at = indexOf(key);
  const { conclusion } = evaluateQuiet(facts, { status: statusOf(controller, at), config: defaultHpaConfig });
  controller.conditions[at] = conclusion.conditions;
}

/** The engine for every policy over one snapshot of the pods, as the controller does without a batch. */
function evaluatePlainly(controller: Controller, moment: Moment): void {
  const { workload, states } = controller;
  const pods = buildClusterView({ at: moment.now, pods: workload.pods.items() });
  for (const at of workload.policies.keys()) {
    const facts = factsOf(controller, at, moment.now);
    states[at] = evaluateOne(controller, at, facts, { pods, state: states[at] ?? emptyState, ...moment }).conclusion.state;
  }
}

/** What the metrics of a policy have asked for now. */
function wishOf({ states }: Controller, at: number, now: number): number {
  return states[at]?.recommendations?.findLast((each) => each.at === now)?.replicas ?? Number.NaN;
}

function checkSum(controller: Controller, now: number): void {
  const { targets } = controller.workload.options;
  let sum = 0;
  for (let at = 0; at < targets; at++) sum += wishOf(controller, at, now);
  if (sum !== checkSums[targets])
    throw new Error(`the ${targets} policies ask for ${sum} replicas; upstream asks for ${checkSums[targets]}`);
}

function checkWishes(batched: Controller, plain: Controller, now: number): void {
  for (const at of plain.workload.policies.keys()) {
    const wish = wishOf(batched, at, now);
    const wanted = wishOf(plain, at, now);
    if (wish !== wanted || batched.sizes[at] !== plain.sizes[at]) {
      throw new Error(
        `policy ${at} asks for ${wish} and has ${batched.sizes[at]}; by the engine it asks for ${wanted} and has ${plain.sizes[at]}`,
      );
    }
  }
}

function timed(work: () => void): number {
  const begun = cpuMs();
  work();
  return cpuMs() - begun;
}

/** CPU of the whole process, threads of the garbage collector included. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function memoryInUse(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}

/** The garbage of making a workload is not a tick's; threads that sweep the heap are let to their end. */
async function collect(): Promise<void> {
  globalThis.gc?.();
  await new Promise<void>((resolve) => setTimeout(resolve, 150));
}
