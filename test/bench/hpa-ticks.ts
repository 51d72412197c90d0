import { buildClusterView } from '../../core/model/cluster-view.ts';
import type { Condition } from '../../core/model/condition.ts';
import type { MetricsView } from '../../core/model/metrics-view.ts';
import { createBatch, evaluateQuiet, type Batch, type BatchFacts, type PodChange, type TickReport } from '../../hpa/batch/index.ts';
import { assemble } from '../../hpa/controller/assemble.ts';
import { conclude, defaultHpaConfig, emptyState, evaluate, type HpaState, type PodLister } from '../../hpa/index.ts';
import { checkSums, createWorkload, podsPerTarget, type Workload, type WorkloadOptions } from './hpa-workload.ts';

const start = Date.UTC(2026, 10, 22, 12);
const periodMs = 15_000;
/** Ticks before the measured ones: the first decides everything for the first time, and code is compiled. */
const warmUp = 4;
const measured = 7;
const plainTicks = 3;
/** With so many ticks a policy has the recommendations of the whole 5 minutes. */
const memoryTicks = 24;

export interface TickFigures {
  /** CPU milliseconds of one tick: changed pods, decisions, and the engine for what it has to evaluate. */
  readonly tickMs: number;
  /** The part of it before the engine. */
  readonly decideMs: number;
  /** The engine's work for the news of a tick, which waits until their status is written. */
  readonly newsMs: number;
  /** The same samples and pods by the engine alone, one policy after the other. */
  readonly plainMs: number;
  /** Of the tick in which everything is decided for the first time. */
  readonly firstMs: number;
  readonly steady: number;
  readonly news: number;
  readonly full: number;
}

export interface TickOptions extends WorkloadOptions {
  /** The load of every target is another in each tick, rather than the same load on other pods. */
  readonly shift: boolean;
}

/** What a controller has of the policies. */
interface Controller {
  readonly workload: Workload;
  readonly conditions: (readonly Condition[])[];
  /** The engine's memory, where there is no batch. */
  readonly states: HpaState[];
  /** Taken away in the end, to see what it held. */
  held: Held | undefined;
}

interface Held {
  readonly batch: Batch;
  readonly facts: readonly BatchFacts[];
}

interface Moment {
  readonly view: MetricsView;
  readonly now: number;
}

export async function measureTicks(options: TickOptions): Promise<TickFigures> {
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
    const moment = { view: await workload.next(now, options.shift), now };
    await collect();
    const taken = decideAll(batched, changes, moment);
    if (tick === 0) firstMs = taken.tickMs;
    if (tick < warmUp) continue;
    times.push(taken);
    if (plainTimes.length >= plainTicks) continue;
    await collect();
    plainTimes.push(timed(() => evaluatePlainly(plain, moment)));
    checkSum(workload, (at) => plain.states[at] ?? emptyState, now);
  }
  const last = times.at(-1)?.report;
  if (last === undefined) throw new Error('nothing was measured');
  return {
    tickMs: median(times.map((each) => each.tickMs)),
    decideMs: median(times.map((each) => each.decideMs)),
    newsMs: median(times.map((each) => each.newsMs)),
    plainMs: median(plainTimes),
    firstMs,
    steady: last.steady,
    news: last.news.length,
    full: last.full.length,
  };
}

/** Bytes that the batch and its facts hold for a policy: pods, views, policies and their status are there without it. */
export async function measureMemory(options: TickOptions): Promise<number> {
  const workload = createWorkload(options, start);
  const controller = controllerOf(workload);
  hold(controller);
  let now = start;
  for (let tick = 0; tick < memoryTicks; tick++) {
    now += periodMs;
    const changes = tick === 0 ? [] : workload.churn(now);
    const view = await workload.next(now, options.shift);
    await collect();
    decideAll(controller, changes, { view, now });
  }
  await collect();
  const before = memoryInUse();
  controller.held?.batch.close();
  controller.held = undefined;
  await collect();
  return (before - memoryInUse()) / options.targets;
}

function controllerOf(workload: Workload): Controller {
  const { policies } = workload;
  return { workload, conditions: policies.map(() => []), states: policies.map(() => emptyState), held: undefined };
}

function hold(controller: Controller): void {
  const { policies, pods } = controller.workload;
  controller.held = { batch: createBatch({ config: defaultHpaConfig, pods }), facts: policies.map((policy, at) => factsOf(policy, at)) };
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
  tellReadings(held, workload.keys, moment.now);
  const report = batch.decideTick(moment);
  const decided = cpuMs();
  for (const { key } of report.full) evaluateFull(controller, held, key, moment);
  const ended = cpuMs();
  checkSum(workload, (at) => batch.stateOf(workload.keys[at] ?? ''), moment.now);
  const newsMs = timed(() => {
    for (const key of report.news) readQuiet(controller, batch, key);
  });
  return { tickMs: ended - begun, decideMs: decided - begun, newsMs, report };
}

/** So many ticks pass until the scale of a steady policy is read again. */
const readingEvery = 4;

/** Tells of the scales that were read since the last tick; in the first one, of all policies. */
function tellReadings({ batch, facts }: Held, keys: readonly string[], now: number): void {
  const turn = Math.round((now - start) / periodMs) - 1;
  for (const [at, each] of facts.entries()) {
    if (turn === 0 || at % readingEvery === turn % readingEvery) batch.set(keys[at] ?? '', { ...each, scaleReadAt: now });
  }
}

function factsOf(policy: BatchFacts['policy'], at: number): BatchFacts {
  return { policy, scale: { specReplicas: podsPerTarget, statusReplicas: podsPerTarget, selector: `app=t${at}` }, history: {} };
}

function indexOf(key: string): number {
  return Number(key.slice(key.indexOf('/t') + 2));
}

/** What the controller does for a policy that the batch leaves to the engine; the scale stays, as in upstream's measurement. */
function evaluateFull({ conditions }: Controller, { batch, facts }: Held, key: string, moment: Moment): void {
  const at = indexOf(key);
  const known = facts[at];
  if (known === undefined) throw new Error(`there is no policy ${key}`);
  const pods: PodLister = { podsMatching: () => batch.podsOf(key, known.scale.selector) ?? [] };
  const done = evaluateOne(known, { pods, state: batch.stateOf(key), conditions: conditions[at] ?? [], ...moment });
  batch.note(key, done);
  conditions[at] = done.conclusion.conditions;
}

interface Given extends Moment {
  readonly pods: PodLister;
  readonly state: HpaState;
  readonly conditions: readonly Condition[];
}

function evaluateOne({ policy, scale, history }: BatchFacts, { pods, state, conditions, view, now }: Given) {
  const status = statusWith(conditions);
  const input = assemble({ policy, scale, pods, view, state, status, history, now, config: defaultHpaConfig });
  const evaluation = evaluate(input);
  return { input, evaluation, conclusion: conclude(input, evaluation, { kind: evaluation.write === undefined ? 'none' : 'written' }) };
}

function statusWith(conditions: readonly Condition[]) {
  return { conditions, currentReplicas: podsPerTarget, desiredReplicas: podsPerTarget };
}

function readQuiet({ conditions }: Controller, batch: Batch, key: string): void {
  const facts = batch.quiet(key);
  if (facts === undefined) throw new Error(`${key} has no quiet decision`);
  const at = indexOf(key);
  const { conclusion } = evaluateQuiet(facts, { status: statusWith(conditions[at] ?? []), config: defaultHpaConfig });
  conditions[at] = conclusion.conditions;
}

/** The engine for every policy over one snapshot of the pods, as the controller does without a batch. */
function evaluatePlainly({ workload, conditions, states }: Controller, moment: Moment): void {
  const pods = buildClusterView({ at: moment.now, pods: workload.pods.items() });
  for (const [at, policy] of workload.policies.entries()) {
    const given = { pods, state: states[at] ?? emptyState, conditions: conditions[at] ?? [], ...moment };
    const { conclusion } = evaluateOne(factsOf(policy, at), given);
    states[at] = conclusion.state;
    conditions[at] = conclusion.conditions;
  }
}

/** The sum of what the metrics ask for must be upstream's. */
function checkSum({ options: { targets } }: Workload, stateOf: (at: number) => HpaState, now: number): void {
  let sum = 0;
  for (let at = 0; at < targets; at++) {
    sum += stateOf(at).recommendations?.findLast((each) => each.at === now)?.replicas ?? Number.NaN;
  }
  if (sum !== checkSums[targets]) throw new Error(`the ${targets} policies ask for ${sum} replicas; upstream asks for ${checkSums[targets]}`);
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

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** The garbage of making a workload is not a tick's; threads that sweep the heap are let to their end. */
async function collect(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) {
    globalThis.gc?.();
    await new Promise<void>((resolve) => setTimeout(resolve, 150));
  }
}
