import { messageOf } from '../../../../core/errors.ts';
import { formatTime, parseTime } from '../../../../core/model/condition.ts';
import { type KubeObject, resourceTypes } from '../../../../core/model/object.ts';
import { conditionOf, controllerOf, type CronJob, type CronJobStatus, type Job, keyOf, splitKey, uidOf } from '../kinds.ts';
import { controllerReference } from '../runtime/adoption.ts';
import { ignoreNotFound, isAlreadyExists } from '../runtime/api-errors.ts';
import { sameJson } from '../runtime/canonical.ts';
import { type ControllerContext, recorderFor, type RunningController } from '../runtime/controller.ts';
import { createKeyedQueue } from '../runtime/keyed-queue.ts';
import { needsSync } from '../runtime/needs-sync.ts';
import { type CronSchedule, isTimeZone, parseSchedule } from './cron-schedule.ts';

/** When a Job was due, which is not when it was made. */
const scheduledAnnotation = 'batch.kubernetes.io/cronjob-scheduled-timestamp';
/** Upstream looks a moment after the instant, so that it is surely past. */
const lateMs = 100;
/** A schedule may be years away, further than a timer reaches. */
const longestWaitMs = 86_400_000;

type Ending = 'Complete' | 'Failed';

/**
 * Makes the Jobs of CronJobs: schedule, time zone (UTC unless one is named), suspension, concurrency policy, starting deadline, history limits. Of several times that
 * were missed only the last one is made up for, as upstream.
 */
export function startCronJobController(context: ControllerContext): RunningController {
  const { registry, clock } = context;
  const type = resourceTypes.cronJobs;
  const events = recorderFor(context, 'cronjob-controller');

  const reconcile = async (key: string): Promise<number | undefined> => {
    const { namespace, name } = splitKey(key);
    const found = registry.get(type, namespace, name) as CronJob | undefined;
    if (found === undefined) return undefined;
    const jobs = registry.listOwned(resourceTypes.jobs, uidOf(found)) as readonly Job[];
    const cron = await account(found, jobs);
    await trimHistory(cron, jobs);
    if (cron.metadata.deletionTimestamp !== undefined || cron.spec.suspend === true) return undefined;
    const schedule = scheduleOf(cron);
    return schedule === undefined ? undefined : start(cron, schedule);
  };

  /** Takes finished and vanished Jobs off the list of active ones, and adds those that are not on it. */
  const account = async (cron: CronJob, jobs: readonly Job[]): Promise<CronJob> => {
    const active = cron.status?.active ?? [];
    for (const job of jobs) {
      const ending = endingOf(job);
      if (ending !== undefined && active.some(({ uid }) => uid === uidOf(job))) {
        events.record(cron, 'Normal', 'SawCompletedJob', `Saw completed job: ${job.metadata.name}, condition: ${ending}`);
      }
    }
    for (const { uid, name } of active) {
      if (!jobs.some((job) => uidOf(job) === uid)) events.record(cron, 'Normal', 'MissingJob', `Active job went missing: ${name}`);
    }
    const succeeded = jobs.filter((job) => endingOf(job) === 'Complete').map((job) => job.status?.completionTime ?? '');
    const lastSuccessfulTime = [cron.status?.lastSuccessfulTime ?? '', ...succeeded].toSorted().at(-1);
    const running = jobs.filter((job) => endingOf(job) === undefined);
    return changeStatus(cron, (status) => ({
      ...status,
      active: references(running, status),
      ...(lastSuccessfulTime === undefined || lastSuccessfulTime === '' ? {} : { lastSuccessfulTime }),
    }));
  };

  const trimHistory = async (cron: CronJob, jobs: readonly Job[]): Promise<void> => {
    const limits = { Complete: cron.spec.successfulJobsHistoryLimit ?? 3, Failed: cron.spec.failedJobsHistoryLimit ?? 1 };
    for (const ending of ['Complete', 'Failed'] as const) {
      const ended = jobs.filter((job) => endingOf(job) === ending && job.metadata.deletionTimestamp === undefined);
      ended.sort((a, b) => (startOf(a) < startOf(b) ? -1 : 1));
      for (const job of ended.slice(0, Math.max(0, ended.length - limits[ending]))) await remove(cron, job);
    }
  };

  const scheduleOf = (cron: CronJob): CronSchedule | undefined => {
    const { schedule, timeZone = 'UTC' } = cron.spec;
    if (!isTimeZone(timeZone)) {
      events.record(cron, 'Warning', 'UnknownTimeZone', `invalid timeZone: ${JSON.stringify(timeZone)}: unknown time zone ${timeZone}`);
      return undefined;
    }
    const parsed = parseSchedule(schedule, timeZone);
    if (typeof parsed !== 'string') return parsed;
    events.record(cron, 'Warning', 'UnparseableSchedule', `unparseable schedule: ${JSON.stringify(schedule)} : ${parsed}`);
    return undefined;
  };

  /** Makes the Job that is due, if one is, and answers when to look again. */
  const start = async (cron: CronJob, schedule: CronSchedule): Promise<number | undefined> => {
    const now = clock.now();
    const next = schedule.next(now);
    const wait = next === undefined ? undefined : Math.min(next - now + lateMs, longestWaitMs);
    const due = schedule.lastBetween(Math.max(sinceOf(cron), earliestOf(cron, now)), now);
    if (due === undefined) return wait;
    const running = (registry.listOwned(resourceTypes.jobs, uidOf(cron)) as readonly Job[]).filter((job) => endingOf(job) === undefined);
    const policy = cron.spec.concurrencyPolicy ?? 'Allow';
    if (policy === 'Forbid' && running.length > 0) {
      const message = 'Not starting job because prior execution is running and concurrency policy is Forbid';
      events.record(cron, 'Normal', 'JobAlreadyActive', message);
      return wait;
    }
    if (policy === 'Replace') for (const job of running) await remove(cron, job);
    const job = await create(cron, due);
    if (job === undefined) return wait;
    const kept = policy === 'Replace' ? [] : running;
    await changeStatus(cron, (status) => ({ ...status, active: references([...kept, job], status), lastScheduleTime: formatTime(due) }));
    return wait;
  };

  const create = async (cron: CronJob, due: number): Promise<Job | undefined> => {
    try {
      const job = (await registry.create(resourceTypes.jobs, jobOf(cron, due))) as Job;
      events.record(cron, 'Normal', 'SuccessfulCreate', `Created job ${job.metadata.name}`);
      return job;
    } catch (error) {
      // Made by a look whose status was not written.
      if (isAlreadyExists(error)) return registry.get(resourceTypes.jobs, cron.metadata.namespace, jobName(cron, due)) as Job;
      events.record(cron, 'Warning', 'FailedCreate', `Error creating job: ${messageOf(error)}`);
      throw error;
    }
  };

  const remove = async (cron: CronJob, job: Job): Promise<void> => {
    const { namespace, name } = job.metadata;
    const options = { propagationPolicy: 'Background', preconditions: { uid: uidOf(job) } } as const;
    await ignoreNotFound(registry.delete(resourceTypes.jobs, namespace, name, options));
    events.record(cron, 'Normal', 'SuccessfulDelete', `Deleted job ${name}`);
  };

  const changeStatus = async (cron: CronJob, change: (status: CronJobStatus) => CronJobStatus): Promise<CronJob> => {
    const stored = await registry.mutate(
      type,
      cron.metadata.namespace,
      cron.metadata.name,
      (object) => {
        const current = object as CronJob;
        if (uidOf(current) !== uidOf(cron)) return object;
        const status = change(current.status ?? {});
        return sameJson(status, current.status ?? {}) ? object : { ...current, status };
      },
      { subresource: 'status' },
    );
    return (stored ?? cron) as CronJob;
  };

  const queue = createKeyedQueue({ clock, reconcile, onError: (key, error) => context.onError('cronjob', key, error) });
  const ends = [
    registry.watch(type, (event) => {
      // Also when only the status has changed, as upstream: it holds the time from which a schedule is counted.
      const status = (object: KubeObject | undefined): string | undefined => (object as CronJob | undefined)?.status?.lastScheduleTime;
      const moved = status(event.object) !== status(event.previous);
      if (event.type !== 'DELETED' && (moved || needsSync(event.object, event.previous))) queue.add(keyOf(event.object));
    }),
    registry.watch(resourceTypes.jobs, (event) => {
      const owner = controllerOf(event.object);
      if (owner?.kind === 'CronJob') queue.add(`${event.object.metadata.namespace ?? ''}/${owner.name}`);
    }),
  ];
  return {
    stop: () => {
      for (const end of ends) end();
      queue.stop();
    },
    idle: () => queue.idle() && events.idle(),
  };
}

function endingOf(job: Job): Ending | undefined {
  return (['Complete', 'Failed'] as const).find((type) => conditionOf(job.status?.conditions, type)?.status === 'True');
}

function startOf(job: Job): string {
  return job.status?.startTime ?? job.metadata.creationTimestamp ?? '';
}

/** From when times count: those before were carried out, or the CronJob was not there. */
function sinceOf(cron: CronJob): number {
  return parseTime(cron.status?.lastScheduleTime) ?? parseTime(cron.metadata.creationTimestamp) ?? 0;
}

function earliestOf(cron: CronJob, now: number): number {
  const deadline = cron.spec.startingDeadlineSeconds;
  return deadline === undefined ? Number.NEGATIVE_INFINITY : now - deadline * 1000;
}

/** One name for one instant: two looks can't make two Jobs. */
function jobName(cron: CronJob, due: number): string {
  return `${cron.metadata.name}-${Math.floor(due / 60_000)}`;
}

function jobOf(cron: CronJob, due: number): KubeObject {
  const { metadata, spec } = cron.spec.jobTemplate;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: jobName(cron, due),
      namespace: cron.metadata.namespace ?? 'default',
      ...(metadata?.labels === undefined ? {} : { labels: metadata.labels }),
      annotations: { ...metadata?.annotations, [scheduledAnnotation]: formatTime(due) },
      ownerReferences: [controllerReference(cron, resourceTypes.cronJobs)],
    },
    spec,
  };
}

/** Those that are known stay as they were noted. */
function references(jobs: readonly Job[], { active = [] }: CronJobStatus): CronJobStatus['active'] {
  if (jobs.length === 0) return undefined;
  return jobs.map((job) => active.find(({ uid }) => uid === uidOf(job)) ?? reference(job));
}

function reference(job: Job): NonNullable<CronJobStatus['active']>[number] {
  const { name, namespace = 'default', uid = '', resourceVersion = '' } = job.metadata;
  return { kind: 'Job', apiVersion: 'batch/v1', name, namespace, uid, resourceVersion };
}
