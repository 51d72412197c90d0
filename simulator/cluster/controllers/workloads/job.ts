import { messageOf } from '../../../../core/errors.ts';
import { formatTime, parseTime } from '../../../../core/model/condition.ts';
import { type KubeObject, resourceTypes } from '../../../../core/model/object.ts';
import {
  conditionOf,
  controllerOf,
  isActive,
  isReady,
  isTerminal,
  type Job,
  keyOf,
  type Pod,
  splitKey,
  type StatusCondition,
  uidOf,
} from '../kinds.ts';
import { ignoreNotFound } from '../runtime/api-errors.ts';
import { type ControllerContext, recorderFor, type RunningController } from '../runtime/controller.ts';
import { createKeyedQueue } from '../runtime/keyed-queue.ts';
import { needsSync } from '../runtime/needs-sync.ts';
import { countByNode, rankForDeletion } from '../runtime/pod-ranking.ts';
import { podFromTemplate } from '../runtime/pod-template.ts';
import { slowStart } from '../runtime/slow-start.ts';
import { accountPods, changeStatus, indexAnnotation, indexOf, parseIndexes, trackingFinalizer, untrack } from './job-accounting.ts';

/** A replacement for a failed pod waits 10 s, doubling with every failure in a row, at most 10 minutes. */
const firstBackoffMs = 10_000;
const maxBackoffMs = 600_000;

interface Ending {
  readonly type: 'Complete' | 'Failed';
  readonly reason: string;
  readonly message: string;
}

/** Runs Jobs to their end: parallelism, completions, indexes, back-off limit, deadline, suspension and time to live. */
export function startJobController(context: ControllerContext): RunningController {
  const { registry, clock } = context;
  const type = resourceTypes.jobs;
  const events = recorderFor(context, 'job-controller');
  /** When the last pod of a job failed, by uid: what the back-off is counted from. */
  const lastFailure = new Map<string, number>();

  const reconcile = async (key: string): Promise<number | undefined> => {
    const { namespace, name } = splitKey(key);
    const found = registry.get(type, namespace, name) as Job | undefined;
    if (found === undefined || found.metadata.deletionTimestamp !== undefined) {
      if (found !== undefined) await releaseAll(found);
      return undefined;
    }
    if (isFinished(found)) return expire(found);
    const before = found.status?.failed ?? 0;
    let job = await accountPods(registry, await begin(found), podsOf(found));
    if ((job.status?.failed ?? 0) > before) lastFailure.set(uidOf(job), clock.monotonic());
    const ending = endingOf(job);
    if (ending !== undefined) return finish(job, ending);
    const wait = job.spec.suspend === true ? await suspend(job) : await run(job);
    job = await writeCounts(job);
    return earliest([wait, deadlineIn(job)]);
  };

  const podsOf = (job: Job): readonly Pod[] => registry.listOwned(resourceTypes.pods, uidOf(job)) as readonly Pod[];
  const activeOf = (job: Job): Pod[] => podsOf(job).filter(isActive);

  /** Start time, and the Suspended condition on the way in and out. */
  const begin = async (job: Job): Promise<Job> =>
    changeStatus(registry, job, (status) => {
      const suspended = conditionOf(status.conditions, 'Suspended')?.status === 'True';
      if (job.spec.suspend === true) {
        if (suspended) return status;
        const { startTime: _start, ...rest } = status;
        events.record(job, 'Normal', 'Suspended', 'Job suspended');
        return {
          ...rest,
          conditions: put(status.conditions, { type: 'Suspended', status: 'True', reason: 'JobSuspended', message: 'Job suspended' }),
        };
      }
      const startTime = status.startTime ?? formatTime(clock.now());
      if (!suspended) return { ...status, startTime };
      events.record(job, 'Normal', 'Resumed', 'Job resumed');
      const resumed = { type: 'Suspended', status: 'False', reason: 'JobResumed', message: 'Job resumed' };
      return { ...status, startTime, conditions: put(status.conditions, resumed) };
    });

  const put = (conditions: readonly StatusCondition[] | undefined, next: StatusCondition): StatusCondition[] => {
    const time = formatTime(clock.now());
    return [...(conditions ?? []).filter((entry) => entry.type !== next.type), { ...next, lastProbeTime: time, lastTransitionTime: time }];
  };

  const endingOf = (job: Job): Ending | undefined => announcedEnding(job) ?? failureOf(job) ?? (isEnough(job) ? completion : undefined);

  const failureOf = (job: Job): Ending | undefined => {
    const limit = job.spec.backoffLimit ?? 6;
    const restarts = job.spec.template.spec.restartPolicy === 'OnFailure' ? restartsOf(podsOf(job)) : 0;
    if ((job.status?.failed ?? 0) > limit || (restarts > 0 && restarts >= limit)) {
      return { type: 'Failed', reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' };
    }
    if (deadlineIn(job) !== 0) return undefined;
    return { type: 'Failed', reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' };
  };

  const isEnough = (job: Job): boolean => {
    const succeeded = job.status?.succeeded ?? 0;
    const { completions } = job.spec;
    return completions === undefined ? succeeded > 0 && activeOf(job).length === 0 : succeeded >= completions;
  };

  /** Announces the end, deletes what still runs, and says it is over once nothing does. */
  const finish = async (job: Job, ending: Ending): Promise<number | undefined> => {
    const announced = ending.type === 'Failed' ? 'FailureTarget' : 'SuccessCriteriaMet';
    await Promise.all(activeOf(job).map((pod) => remove(job, pod)));
    const left = podsOf(job).filter((pod) => !isTerminal(pod));
    const { reason, message } = ending;
    const ended = await changeStatus(registry, job, (status) => {
      let conditions = status.conditions ?? [];
      if (conditionOf(conditions, announced) === undefined)
        conditions = put(conditions, { type: announced, status: 'True', reason, message });
      const figures = { ...status, active: 0, ready: 0, terminating: left.length, conditions };
      if (left.length > 0) return figures;
      const done = put(conditions, { type: ending.type, status: 'True', reason, message });
      return { ...figures, conditions: done, ...(ending.type === 'Complete' ? { completionTime: formatTime(clock.now()) } : {}) };
    });
    if (left.length > 0) return undefined;
    lastFailure.delete(uidOf(job));
    if (ending.type === 'Complete') events.record(job, 'Normal', 'Completed', 'Job completed');
    else events.record(job, 'Warning', reason, message);
    return expire(ended);
  };

  const expire = async (job: Job): Promise<number | undefined> => {
    await releaseAll(job);
    const ttl = job.spec.ttlSecondsAfterFinished;
    if (ttl === undefined) return undefined;
    const end = job.status?.conditions?.find((entry) => (entry.type === 'Complete' || entry.type === 'Failed') && entry.status === 'True');
    const left = (parseTime(end?.lastTransitionTime) ?? clock.now()) + ttl * 1000 - clock.now();
    if (left > 0) return left;
    const options = { propagationPolicy: 'Foreground', preconditions: { uid: uidOf(job) } } as const;
    await ignoreNotFound(registry.delete(type, job.metadata.namespace, job.metadata.name, options));
    return undefined;
  };

  /** Pods of a job that is over, or going, need not be counted any more. */
  const releaseAll = async (job: Job): Promise<void> => {
    for (const pod of podsOf(job)) {
      if (
        pod.metadata.finalizers?.includes(trackingFinalizer) === true &&
        (isTerminal(pod) || pod.metadata.deletionTimestamp !== undefined)
      ) {
        await untrack(registry, pod);
      }
    }
  };

  const suspend = async (job: Job): Promise<undefined> => {
    await Promise.all(activeOf(job).map((pod) => remove(job, pod)));
    return undefined;
  };

  const run = async (job: Job): Promise<number | undefined> => {
    const active = activeOf(job);
    const wanted = wantedActive(job, active.length);
    if (active.length > wanted) {
      const victims = rankForDeletion(active, countByNode(active), clock.now()).slice(0, active.length - wanted);
      await Promise.all(victims.map((pod) => remove(job, pod)));
      return undefined;
    }
    if (active.length === wanted) return undefined;
    const wait = backoffIn(job);
    if (wait > 0) return wait;
    const indexes = job.spec.completionMode === 'Indexed' ? freeIndexes(job, wanted - active.length) : undefined;
    const count = indexes?.length ?? wanted - active.length;
    const { error } = await slowStart(count, async (at) => create(job, indexes?.[at]));
    if (error !== undefined) throw error;
    return undefined;
  };

  const wantedActive = (job: Job, active: number): number => {
    const parallelism = job.spec.parallelism ?? 1;
    const { completions } = job.spec;
    const succeeded = job.status?.succeeded ?? 0;
    if (completions !== undefined) return Math.max(0, Math.min(parallelism, completions - succeeded));
    // A work queue: once one pod succeeded no new one is started.
    return succeeded > 0 ? Math.min(active, parallelism) : parallelism;
  };

  const freeIndexes = (job: Job, count: number): number[] => {
    const taken = parseIndexes(job.status?.completedIndexes);
    for (const pod of activeOf(job)) taken.add(indexOf(pod) ?? -1);
    const free: number[] = [];
    for (let index = 0; index < (job.spec.completions ?? 0) && free.length < count; index++) if (!taken.has(index)) free.push(index);
    return free;
  };

  const backoffIn = (job: Job): number => {
    const at = lastFailure.get(uidOf(job));
    const failures = job.status?.failed ?? 0;
    if (at === undefined || failures === 0) return 0;
    return Math.max(0, at + Math.min(firstBackoffMs * 2 ** (failures - 1), maxBackoffMs) - clock.monotonic());
  };

  const create = async (job: Job, index: number | undefined): Promise<void> => {
    try {
      const created = await registry.create(resourceTypes.pods, jobPod(job, index));
      events.record(job, 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata.name}`);
    } catch (error) {
      events.record(job, 'Warning', 'FailedCreate', `Error creating: ${messageOf(error)}`);
      throw error;
    }
  };

  const remove = async (job: Job, pod: Pod): Promise<void> => {
    const { namespace, name } = pod.metadata;
    await ignoreNotFound(registry.delete(resourceTypes.pods, namespace, name, { preconditions: { uid: uidOf(pod) } }));
    events.record(job, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
  };

  const writeCounts = async (job: Job): Promise<Job> => {
    const pods = podsOf(job);
    const active = pods.filter(isActive);
    const terminating = pods.filter((pod) => !isTerminal(pod) && pod.metadata.deletionTimestamp !== undefined).length;
    return changeStatus(registry, job, (status) => ({
      ...status,
      active: active.length,
      ready: active.filter(isReady).length,
      terminating,
    }));
  };

  const deadlineIn = (job: Job): number | undefined => {
    const started = parseTime(job.status?.startTime);
    const { activeDeadlineSeconds, suspend: suspended } = job.spec;
    if (activeDeadlineSeconds === undefined || started === undefined || suspended === true) return undefined;
    return Math.max(0, started + activeDeadlineSeconds * 1000 - clock.now());
  };

  const queue = createKeyedQueue({ clock, reconcile, onError: (key, error) => context.onError('job', key, error) });
  context.pods.subscribe((_change, pod) => {
    const owner = controllerOf(pod);
    if (owner?.kind === 'Job') queue.add(`${pod.metadata.namespace ?? ''}/${owner.name}`);
  });
  const end = registry.watch(type, (event) => {
    if (event.type !== 'DELETED' && needsSync(event.object, event.previous)) queue.add(keyOf(event.object));
    if (event.type === 'DELETED') lastFailure.delete(uidOf(event.object));
  });
  return {
    stop: () => {
      end();
      queue.stop();
    },
    idle: () => queue.idle() && events.idle(),
  };
}

const completion: Ending = { type: 'Complete', reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' };

/** The end that an earlier sync announced: it is not weighed again. */
function announcedEnding({ status }: Job): Ending | undefined {
  const failed = conditionOf(status?.conditions, 'FailureTarget');
  const target = failed ?? conditionOf(status?.conditions, 'SuccessCriteriaMet');
  if (target?.status !== 'True') return undefined;
  return { type: failed === undefined ? 'Complete' : 'Failed', reason: target.reason ?? '', message: target.message ?? '' };
}

function isFinished(job: Job): boolean {
  return ['Complete', 'Failed'].some((type) => conditionOf(job.status?.conditions, type)?.status === 'True');
}

function restartsOf(pods: readonly Pod[]): number {
  return pods
    .filter(isActive)
    .reduce((total, pod) => total + (pod.status?.containerStatuses ?? []).reduce((sum, status) => sum + (status.restartCount ?? 0), 0), 0);
}

function earliest(waits: readonly (number | undefined)[]): number | undefined {
  const known = waits.filter((wait) => wait !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

function jobPod(job: Job, index: number | undefined): KubeObject {
  const { name } = job.metadata;
  const identity = {
    'batch.kubernetes.io/controller-uid': uidOf(job),
    'batch.kubernetes.io/job-name': name,
    'controller-uid': uidOf(job),
    'job-name': name,
  };
  const labels = index === undefined ? identity : { ...identity, [indexAnnotation]: String(index) };
  const generateName = index === undefined ? `${name}-` : `${name}-${index}-`;
  const pod = podFromTemplate(job.spec.template, job, resourceTypes.jobs, { generateName, labels });
  const finalizers = [...(pod.metadata.finalizers ?? []), trackingFinalizer];
  if (index === undefined) return { ...pod, metadata: { ...pod.metadata, finalizers } };
  const annotations = { ...pod.metadata.annotations, [indexAnnotation]: String(index) };
  const { spec } = job.spec.template;
  const variable = { name: 'JOB_COMPLETION_INDEX', value: String(index) };
  const containers = spec.containers.map((container) => ({
    ...container,
    env: [...(Array.isArray(container['env']) ? (container['env'] as unknown[]) : []), variable],
  }));
  return { ...pod, metadata: { ...pod.metadata, finalizers, annotations }, spec: { ...spec, hostname: `${name}-${index}`, containers } };
}
