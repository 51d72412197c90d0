import { buildClusterView } from '../../core/model/cluster-view.ts';
import type { Condition } from '../../core/model/condition.ts';
import type { MetricsView } from '../../core/model/metrics-view.ts';
import { createBatch, evaluateQuiet, type Batch, type BatchFacts, type TickReport } from '../../hpa/batch/index.ts';
import { assemble } from '../../hpa/controller/assemble.ts';
import type { PodLister } from '../../hpa/index.ts';
import { conclude, defaultHpaConfig, emptyState, evaluate, type HpaState } from '../../hpa/index.ts';
import { checkSums, createWorkload, podsPerTarget, type Workload, type WorkloadOptions } from './hpa-workload.ts';

const start = Date.UTC(2026, 10, 22, 12);
const periodMs = 15_000;
/** Ticks before the measured ones: the first decides everything for the first time, and code is compiled. */
const warmUp = 4;
const measured = 7;
const plainTicks = 3;
/** With so many ticks a policy has the recommendations of the whole 5 minutes, and one more for each that is overwritten. */
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
  readonly steady: number;
  readonly news: number;
  readonly full: number;
  /** Of the tick in which everything is decided for the first time. */
  readonly firstMs: number;
  /** `undefined` unless it was asked for. */
  readonly bytesPerPolicy: number | undefined;
}

export interface TickOptions extends WorkloadOptions {
  /** The load of every target is another in each tick, rather than the same load on other pods. */
  readonly shift: boolean;
  readonly memory: boolean;
}

/** What a controller knows of the policies beside the batch. */
interface Known {
  readonly workload: Workload;
  readonly facts: BatchFacts[];
  readonly conditions: (readonly Condition[])[];
  readonly states: HpaState[];
}

interface Moment {
  readonly view: MetricsView;
  readonly now: number;
}

export async function measureTicks(options: TickOptions): Promise<TickFigures> {
  const workload = createWorkload(options, start);
  const conditions = workload.policies.map((): readonly Condition[] => []);
  const plain: Known = { workload, facts: [], conditions: [...conditions], states: workload.policies.map(() => emptyState) };
  await collect();
  const before = memoryInUse();
  const batch = createBatch({ config: defaultHpaConfig, pods: workload.pods });
  const known: Known = { workload, facts: workload.policies.map((_, at) => factsOf(workload, at)), conditions, states: [] };
  const times = { tick: [] as number[], decide: [] as number[], plain: [] as number[], news: [] as number[] };
  let firstMs = 0;
  let report: TickReport | undefined;
  let now = start;
  const ticks = options.memory ? memoryTicks : warmUp + measured;
  for (let tick = 0; tick < ticks; tick++) {
    now += periodMs;
    const changes = tick === 0 ? [] : workload.churn(now);
    const moment = { view: await workload.next(now, options.shift), now };
    await collect();
    const begun = cpuMs();
    workload.pods.apply(changes);
    for (const [at, key] of workload.keys.entries()) batch.set(key, { ...factAt(known, at), scaleReadAt: now });
    report = batch.decideTick(moment);
    const decided = cpuMs();
    evaluateFull(batch, known, report, moment);
    const ended = cpuMs();
    checkSum(options, workload.keys.map((key) => wishOf(batch.stateOf(key), now)));
    if (tick === 0) firstMs = ended - begun;
    if (tick < warmUp || tick >= warmUp + measured) continue;
    times.tick.push(ended - begun);
    times.decide.push(decided - begun);
    times.news.push(timed(() => report?.news.forEach((key) => readQuiet(batch, known, key))));
    if (times.plain.length >= plainTicks) continue;
    await collect();
    times.plain.push(timed(() => evaluatePlainly(plain, moment)));
    checkSum(options, plain.states.map((state) => wishOf(state, now)));
  }
  await collect();
  const bytes = (memoryInUse() - before) / options.targets;
  if (known.facts.length + (report?.full.length ?? 0) === 0) throw new Error('nothing was decided');
  batch.close();
  return {
    tickMs: median(times.tick),
    decideMs: median(times.decide),
    newsMs: median(times.news),
    plainMs: median(times.plain),
    steady: report?.steady ?? 0,
    news: report?.news.length ?? 0,
    full: report?.full.length ?? 0,
    firstMs,
    bytesPerPolicy: options.memory ? bytes : undefined,
  };
}

const scale = (at: number) => ({ specReplicas: podsPerTarget, statusReplicas: podsPerTarget, selector: `app=t${at}` });

function factsOf({ policies }: Workload, at: number): BatchFacts {
  const policy = policies[at];
  if (policy === undefined) throw new Error(`there is no policy ${at}`);
  return { policy, scale: scale(at), history: {} };
}

function factAt({ facts }: Known, at: number): BatchFacts {
  const found = facts[at];
  if (found === undefined) throw new Error(`there is no policy ${at}`);
  return found;
}

/** What the controller does for policies that the batch leaves to the engine; the scale stays, as in upstream's measurement. */
function evaluateFull(batch: Batch, known: Known, { full }: TickReport, moment: Moment): void {
  for (const { key } of full) {
    const at = Number(key.slice(key.indexOf('/t') + 2));
    const facts = factAt(known, at);
    const pods: PodLister = { podsMatching: () => batch.podsOf(key, facts.scale.selector) ?? [] };
    const { input, evaluation, conclusion } = evaluateOne(facts, { pods, state: batch.stateOf(key), conditions: known.conditions[at] ?? [], ...moment });
    batch.note(key, { input, evaluation, conclusion });
    known.conditions[at] = conclusion.conditions;
  }
}

interface Given extends Moment {
  readonly pods: PodLister;
  readonly state: HpaState;
  readonly conditions: readonly Condition[];
}

function evaluateOne({ policy, scale: read, history }: BatchFacts, { pods, state, conditions, view, now }: Given) {
  const status = { conditions, currentReplicas: podsPerTarget, desiredReplicas: podsPerTarget };
  const input = assemble({ policy, scale: read, pods, view, state, status, history, now, config: defaultHpaConfig });
  const evaluation = evaluate(input);
  return { input, evaluation, conclusion: conclude(input, evaluation, { kind: evaluation.write === undefined ? 'none' : 'written' }) };
}

function readQuiet(batch: Batch, known: Known, key: string): void {
  const facts = batch.quiet(key);
  if (facts === undefined) throw new Error(`${key} has no quiet decision`);
  const at = Number(key.slice(key.indexOf('/t') + 2));
  const status = { conditions: known.conditions[at] ?? [], currentReplicas: podsPerTarget, desiredReplicas: podsPerTarget };
  known.conditions[at] = evaluateQuiet(facts, { status, config: defaultHpaConfig }).conclusion.conditions;
}

/** The engine for every policy over one snapshot of the pods, as the controller does without a batch. */
function evaluatePlainly({ workload, conditions, states }: Known, moment: Moment): void {
  const pods = buildClusterView({ at: moment.now, pods: workload.pods.items() });
  for (const at of workload.policies.keys()) {
    const given = { pods, state: states[at] ?? emptyState, conditions: conditions[at] ?? [], ...moment };
    const { conclusion } = evaluateOne(factsOf(workload, at), given);
    states[at] = conclusion.state;
    conditions[at] = conclusion.conditions;
  }
}

/** What the metrics have asked for now. */
function wishOf({ recommendations = [] }: HpaState, now: number): number {
  return recommendations.findLast(({ at }) => at === now)?.replicas ?? Number.NaN;
}

function checkSum({ targets }: WorkloadOptions, wishes: readonly number[]): void {
  const sum = wishes.reduce((total, wish) => total + wish, 0);
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

async function collect(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) {
    globalThis.gc?.();
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
