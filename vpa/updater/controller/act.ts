import { messageOf } from '../../../core/errors.ts';
import type { JsonPatchOperation } from '../../../core/kube/api.ts';
import { isConflict, isInvalid } from '../../../core/kube/status-error.ts';
import { createInterner } from '../../../core/model/interner.ts';
import { resourceTypes, type KubeObject } from '../../../core/model/object.ts';
import { isFinished, projectPod, type PodRecord } from '../../../core/model/pod.ts';
import { boostedContainers, type ActionOutcome, type UpdateAction } from '../engine/index.ts';
import type { KnownPolicy, WorkloadFacts } from '../../ports.ts';
import type { Turns } from './limits.ts';
import { outcomeOf } from './outcomes.ts';
import type { PodAdaptation, UpdaterOptions } from './ports.ts';
import { rollWorkload } from './surge.ts';

/** What an action is carried out with. */
export interface ActContext {
  readonly options: UpdaterOptions;
  readonly adaptation: PodAdaptation;
  readonly turns: Turns;
  /** Ends with the pass. */
  readonly signal: AbortSignal;
}

export interface ActTask {
  readonly action: UpdateAction;
  /** With what it moves now. */
  readonly known: KnownPolicy;
  readonly workload: WorkloadFacts | undefined;
  /** Names of the budgets that the pod is under. */
  readonly budgets: readonly string[];
}

/** Waits for its turn and carries the action out on the pod as it is now. Never throws. */
export async function carryOut(context: ActContext, task: ActTask): Promise<ActionOutcome> {
  const { method, pod } = task.action;
  const inPlace = method === 'resize' || method === 'unboost';
  const what = inPlace ? 'resize' : method === 'evict' ? 'eviction' : 'roll';
  if (!(await (inPlace ? context.turns.inPlace : context.turns.eviction)(context.signal))) return outOfTime(what, pod);
  try {
    if (inPlace) return await resize(context, task);
    const fresh = await readPod(context, pod);
    if (!fresh.ok) return fresh.outcome;
    if (method === 'surge') return await rollWorkload(context, task);
    await context.options.client.evict(keyOf(pod), { preconditions: { uid: pod.uid }, signal: context.signal });
    return { result: 'done' };
  } catch (error) {
    return outcomeOf(error, { pod, what, signal: context.signal, budgets: task.budgets });
  }
}

function outOfTime(what: string, pod: PodRecord): ActionOutcome {
  const message = `the ${what} of pod ${pod.name} waits for its turn (evictionRateLimit) or for the next pass: the time of this one is over`;
  return { result: 'held', endsPass: true, hold: { by: 'rate-limit', message } };
}

function keyOf({ namespace, name }: PodRecord): { readonly namespace: string; readonly name: string } {
  return { namespace, name };
}

type FreshPod =
  { readonly ok: true; readonly raw: KubeObject; readonly pod: PodRecord } | { readonly ok: false; readonly outcome: ActionOutcome };

/** The pod as it is now; not ok when it is not what was decided upon, because the mirror lags behind. */
async function readPod({ options, signal }: ActContext, seen: PodRecord): Promise<FreshPod> {
  const raw = await options.client.get(resourceTypes.pods, keyOf(seen), { signal });
  const pod = projectPod(raw, createInterner());
  const changed = changeOf(seen, pod);
  if (changed === undefined) return { ok: true, raw, pod };
  return { ok: false, outcome: { result: 'gone', message: `pod ${seen.name} ${changed}; it is decided anew at the next pass` } };
}

function changeOf(seen: PodRecord, pod: PodRecord): string | undefined {
  if (pod.uid !== seen.uid) return 'was replaced meanwhile';
  if (pod.deleted !== undefined || isFinished(pod)) return 'is going already';
  return factsText(pod) === factsText(seen) ? undefined : 'was changed meanwhile';
}

/** Everything that the decision was taken by. */
function factsText(pod: PodRecord): string {
  return JSON.stringify([
    pod.shape.containers.map(({ name, requests, limits }) => [name, requests, limits]),
    pod.statuses.map(({ name, requests, limits }) => [name, requests ?? null, limits ?? null]),
    pod.resize?.state ?? null,
    pod.phase,
    boostedContainers(pod),
  ]);
}

/** How often a resize that meets another write is tried. */
const maxTries = 3;

async function resize(context: ActContext, task: ActTask): Promise<ActionOutcome> {
  const { options, adaptation, signal } = context;
  const { known, workload, action } = task;
  for (let attempt = 1; ; attempt += 1) {
    const fresh = await readPod(context, action.pod);
    if (!fresh.ok) return fresh.outcome;
    const { raw, pod } = fresh;
    const made = adaptation.resize({
      known,
      pod,
      limits: options.limits(pod.namespace),
      templateContainers: workload?.templateContainers,
      now: options.clock.now(),
    });
    if (!made.ok) return { result: 'failed', message: `pod ${pod.name} cannot be resized in place: ${made.problem}` };
    if (made.operations.length === 0) {
      return { result: 'failed', message: `pod ${pod.name} cannot be resized in place: nothing of it would change` };
    }
    try {
      await options.client.resize(keyOf(pod), { type: 'json', body: [...tests(raw), ...made.operations] }, { signal });
    } catch (error) {
      if ((isConflict(error) || isInvalid(error)) && attempt < maxTries && (await hasMoved(context, raw))) continue;
      throw error;
    }
    await annotate(context, raw, made.annotations);
    return { result: 'done' };
  }
}

/** The pod is still the one that was read. */
function tests({ metadata: { uid, resourceVersion } }: KubeObject): readonly JsonPatchOperation[] {
  return [
    { op: 'test', path: '/metadata/uid', value: uid },
    { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion },
  ];
}

async function hasMoved({ options, signal }: ActContext, raw: KubeObject): Promise<boolean> {
  const { namespace, name, resourceVersion } = raw.metadata;
  const now = await options.client.get(resourceTypes.pods, { namespace, name }, { signal });
  return now.metadata.resourceVersion !== resourceVersion;
}

/** Says on the pod that it was resized; that it fails takes nothing back. */
async function annotate({ options, signal }: ActContext, raw: KubeObject, operations: readonly JsonPatchOperation[]): Promise<void> {
  const { namespace, name, uid, annotations } = raw.metadata;
  const body: JsonPatchOperation[] = [
    { op: 'test', path: '/metadata/uid', value: uid },
    ...(annotations === undefined ? [{ op: 'add' as const, path: '/metadata/annotations', value: {} }] : []),
    ...operations,
  ];
  try {
    await options.client.patch(resourceTypes.pods, { namespace, name }, { type: 'json', body }, { signal });
  } catch (error) {
    options.logger.warn('a pod was resized in place, but could not be annotated', {
      pod: `${namespace ?? ''}/${name}`,
      error: messageOf(error),
    });
  }
}
