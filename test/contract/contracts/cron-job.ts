import { describe, expect, it } from 'vitest';
import { assert, created, field, need, waitFor, waitForGone, waitForObject, type ContractSuite } from '../suite.ts';

interface OwnedJob {
  readonly metadata: {
    readonly name: string;
    readonly ownerReferences: readonly object[];
    readonly annotations: Readonly<Record<string, string>>;
  };
}

/** Times pass by the schedule only: a CronJob is made suspended, told that it last ran some minutes ago, and resumed. */
export function cronJobContracts(suite: ContractSuite): void {
  const path = (namespace: string, name = ''): string => `/apis/batch/v1/namespaces/${namespace}/cronjobs${name === '' ? '' : `/${name}`}`;
  const jobsPath = (namespace: string): string => `/apis/batch/v1/namespaces/${namespace}/jobs`;
  const jobsOf = async (namespace: string): Promise<OwnedJob[]> =>
    field<OwnedJob[]>((await suite.api.get(jobsPath(namespace))).body, 'items');
  const cronJob = (spec: object = {}): object => ({
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'tick' },
    spec: {
      schedule: '* * * * *',
      suspend: true,
      jobTemplate: {
        metadata: { labels: { from: 'cron' } },
        spec: {
          template: {
            metadata: { labels: { app: 'tick' } },
            spec: { restartPolicy: 'Never', schedulerName: 'nobody', containers: [{ name: 'c', image: 'registry.example/c:1' }] },
          },
        },
      },
      ...spec,
    },
  });
  /** Some minutes of its schedule have passed. */
  const overdue = async (spec: object = {}): Promise<string> => {
    const namespace = await suite.namespace();
    await created(suite.api, path(namespace), cronJob(spec));
    const lastScheduleTime = new Date(Date.now() - 180_000).toISOString().replace(/\.\d+Z$/u, 'Z');
    assert.code(await suite.api.patch(`${path(namespace, 'tick')}/status`, 'merge', { status: { lastScheduleTime } }), 200);
    return namespace;
  };
  const resume = async (namespace: string): Promise<void> => {
    assert.code(await suite.api.patch(path(namespace, 'tick'), 'merge', { spec: { suspend: false } }), 200);
  };
  const firstJob = (namespace: string): Promise<OwnedJob> => waitFor('a Job is made', async () => (await jobsOf(namespace))[0]);

  describe('CronJob', () => {
    it('defaults', async () => {
      const namespace = await suite.namespace();
      const body = await created(suite.api, path(namespace), cronJob());
      expect(field(body, 'spec')).toMatchObject({ concurrencyPolicy: 'Allow', successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 });
    });

    it('makes a Job of its template for the last time that it missed, and counts it as active', async () => {
      const namespace = await overdue();
      await resume(namespace);
      const job = await firstJob(namespace);
      const minute = Number(/^tick-(\d+)$/u.exec(job.metadata.name)?.[1]);
      expect(Math.abs(minute - Date.now() / 60_000)).toBeLessThan(2);
      expect(job.metadata).toMatchObject({
        labels: { from: 'cron' },
        ownerReferences: [{ apiVersion: 'batch/v1', kind: 'CronJob', name: 'tick', controller: true, blockOwnerDeletion: true }],
      });
      expect(Date.parse(job.metadata.annotations['batch.kubernetes.io/cronjob-scheduled-timestamp'] ?? '')).toBe(minute * 60_000);
      const body = await waitForObject(suite.api, path(namespace, 'tick'), (object) => field(object, 'status.active.0.name') !== undefined);
      expect(field(body, 'status.active.0')).toMatchObject({ kind: 'Job', apiVersion: 'batch/v1', namespace });
      expect(Date.parse(need(body, 'status.lastScheduleTime'))).toBeGreaterThanOrEqual(minute * 60_000);
    });

    it('a Job that has ended is active no more', async () => {
      const namespace = await overdue();
      await resume(namespace);
      const job = await firstJob(namespace);
      // No second one comes in between.
      assert.code(await suite.api.patch(path(namespace, 'tick'), 'merge', { spec: { suspend: true } }), 200);
      const pods = `/api/v1/namespaces/${namespace}/pods`;
      const pod = await waitFor('the pod of the Job', async () => {
        const list = (await suite.api.get(`${pods}?labelSelector=job-name%3D${job.metadata.name}`)).body;
        return field<string | undefined>(list, 'items.0.metadata.name');
      });
      assert.code(await suite.api.patch(`${pods}/${pod}/status`, 'strategic', { status: { phase: 'Succeeded' } }), 200);
      const body = await waitForObject(
        suite.api,
        path(namespace, 'tick'),
        (object) => field(object, 'status.lastSuccessfulTime') !== undefined,
      );
      const left = field<{ name: string }[] | undefined>(body, 'status.active') ?? [];
      expect(left.map(({ name }) => name)).not.toContain(job.metadata.name);
    });

    it('startingDeadlineSeconds: what was missed for longer is left', async () => {
      const namespace = await suite.namespace();
      // Of a leap day: it was never missed lately.
      await created(suite.api, path(namespace), cronJob({ schedule: '0 0 29 2 *', startingDeadlineSeconds: 30 }));
      await resume(namespace);
      // Another one, resumed after it, is carried out meanwhile.
      const other = await overdue();
      await resume(other);
      await firstJob(other);
      expect(await jobsOf(namespace)).toEqual([]);
    });

    it('its Jobs go with it', async () => {
      const namespace = await overdue();
      await resume(namespace);
      const job = await firstJob(namespace);
      assert.code(await suite.api.delete(`${path(namespace, 'tick')}?propagationPolicy=Background`), 200);
      await waitForGone(suite.api, `${jobsPath(namespace)}/${job.metadata.name}`);
    });
  });
}
