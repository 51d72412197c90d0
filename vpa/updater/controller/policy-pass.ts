import type { ObjectReference } from '../../../core/model/object.ts';
import { isServing, type PodRecord } from '../../../core/model/pod.ts';
import type { KnownPolicy } from '../../ports.ts';
import {
  configuredReplicas,
  createUpdatePass,
  noLoop,
  type LoopState,
  type OutsideHolds,
  type UpdateInput,
  type UpdatePlan,
} from '../engine/index.ts';
import { carryOut, type ActContext } from './act.ts';
import type { PolicyLabels } from './metrics.ts';
import type { ObservedTarget, Observer } from './observe.ts';
import type { Health, UpdaterView } from './ports.ts';
import { reportAction, reportPlan, type ReportContext } from './report.ts';

/** What is remembered between passes, of all policies. */
export interface UpdaterMemory {
  /** By pod uid. */
  readonly resizing: Map<string, number>;
  readonly infeasible: UpdateInput['memory']['infeasible'];
  /** Pods whose eviction was accepted, by uid, and when: the mirror of pods may not show it yet, and their places count as empty. */
  readonly evicted: Map<string, number>;
  /** By policy key. */
  readonly loops: Map<string, LoopState>;
  readonly plans: Map<string, UpdatePlan>;
}

/** One pass over many policies. */
export interface PassContext extends ActContext, ReportContext {
  readonly view: UpdaterView;
  readonly observer: Observer;
  readonly health: Health;
  readonly memory: UpdaterMemory;
}

const noYields: ReadonlyMap<string, string> = new Map();

/** Decides and acts on the pods of one policy. */
export async function passOverPolicy(context: PassContext, known: KnownPolicy): Promise<void> {
  const observed = context.observer.targetOf(known);
  const input = inputOf(context, known, observed);
  const labels = labelsOf(known, input);
  const pass = createUpdatePass(input);
  for (let action = pass.next(); action !== undefined; action = pass.next()) {
    const budgets = context.view.pdbsFor(action.pod.namespace, action.pod.labels).map(({ name }) => name);
    const outcome = await carryOut(context, { action, known: pass.known, workload: observed.workload, budgets });
    reportAction(context, known, { action, outcome, labels });
    pass.afterAction(outcome);
    const mayBeGone = outcome.result === 'done' || outcome.result === 'unknown';
    if (action.method === 'evict' && mayBeGone) context.memory.evicted.set(action.pod.uid, context.options.clock.now());
  }
  const plan = pass.plan();
  context.memory.loops.set(known.key, plan.loop);
  context.memory.plans.set(known.key, plan);
  reportPlan(context, known, { plan, labels });
}

function labelsOf({ policy }: KnownPolicy, { pods }: UpdateInput): PolicyLabels {
  const { namespace = '', name } = policy.reference;
  return { namespace, name, updateMode: policy.updateMode, pods: pods.length };
}

function inputOf(context: PassContext, known: KnownPolicy, observed: ObservedTarget): UpdateInput {
  const { options, adaptation, memory, view } = context;
  const { clock, config, targets } = options;
  const namespace = known.policy.reference.namespace ?? '';
  const limits = options.limits(namespace);
  const now = clock.now();
  const templateContainers = observed.workload?.templateContainers;
  return {
    now,
    known,
    target: targetOf(known),
    workload: observed.workload,
    pods: observed.pods.map((pod) => withEviction(pod, memory.evicted, now)),
    configured: (owner, live) => configuredReplicas(owner, live, targets.workload(namespace, owner)),
    adapt: (effective, pod) => adaptation.adapt({ known: effective, pod, limits, templateContainers, now }),
    config,
    history: options.historyOf(known.key),
    memory: { resizing: memory.resizing, infeasible: memory.infeasible, loop: memory.loops.get(known.key) ?? noLoop },
    outside: outsideOf(context, known, observed),
    pdbsFor: (pod) => (isServing(pod) ? view.pdbsFor(pod.namespace, pod.labels) : []),
  };
}

/** For so long an eviction that cannot be seen is believed in, milliseconds. */
const evictionMemoryMs = 120_000;

function withEviction(pod: PodRecord, evicted: UpdaterMemory['evicted'], now: number): PodRecord {
  if (evicted.size === 0 || pod.deleted !== undefined) return pod;
  const at = evicted.get(pod.uid);
  return at === undefined || now - at >= evictionMemoryMs ? pod : { ...pod, deleted: at };
}

function targetOf({ policy: { target, reference } }: KnownPolicy): ObjectReference {
  return target ?? { apiVersion: '', kind: 'workload', namespace: reference.namespace ?? '', name: '' };
}

function outsideOf({ options, health }: PassContext, known: KnownPolicy, { problem, rival }: ObservedTarget): OutsideHolds {
  return {
    admission: health.ok ? undefined : health.message,
    conflict: rival === undefined ? options.foreign?.(known) : rivalText(known, rival),
    target: problem,
    stale: options.stale?.(known),
    dryRun: options.dryRun,
    yields: options.horizontal?.(known) ?? noYields,
  };
}

function rivalText({ policy: { target } }: KnownPolicy, { policy: { reference } }: KnownPolicy): string {
  return `${reference.kind} ${reference.name} acts on ${target?.kind} ${target?.name} already, and one workload is sized by one policy: delete one of the two`;
}
