import { afterEach, describe, expect, it } from 'vitest';
import { resourceTypes } from '../../../../core/model/object.ts';
import type { CronJob, Job } from '../kinds.ts';
import { type Harness, patchSpec, podSpec, startHarness } from '../testing/harness.ts';
import { parseSchedule } from './cron-schedule.ts';

let harness: Harness | undefined;
afterEach(() => {
  harness?.end();
  harness = undefined;
});

async function start(spec: object = {}): Promise<Harness> {
  harness = startHarness();
  // On a whole ten minutes, whatever instant virtual time begins with.
  await harness.advance((600_000 - (harness.clock.now() % 600_000)) / 1000);
  const template = { metadata: { labels: { app: 'job' } }, spec: { ...podSpec('job:1'), restartPolicy: 'Never' } };
  await harness.registry.create(resourceTypes.cronJobs, {
    metadata: { name: 'tick', namespace: 'default', creationTimestamp: new Date(harness.clock.now()).toISOString() },
    spec: {
      schedule: '*/5 * * * *',
      jobTemplate: { metadata: { labels: { from: 'cron' } }, spec: { template } },
      ...spec,
    },
  });
  await harness.settle();
  return harness;
}

const jobs = (of: Harness): Job[] => of.registry.list(resourceTypes.jobs) as Job[];
const names = (of: Harness): string[] => jobs(of).map(({ metadata }) => metadata.name);
const stored = (of: Harness): CronJob => of.registry.get(resourceTypes.cronJobs, 'default', 'tick') as CronJob;
const minute = (of: Harness, back = 0): number => Math.floor(of.clock.now() / 60_000) - back;

/** Ends the pods of all Jobs. */
async function finish(of: Harness, phase: 'Succeeded' | 'Failed' = 'Succeeded'): Promise<void> {
  for (const pod of of.pods()) {
    const change = (object: typeof pod): typeof pod => ({ ...object, status: { ...object.status, phase } });
    await of.registry.mutate(resourceTypes.pods, 'default', pod.metadata.name, (object) => change(object as typeof pod), {
      subresource: 'status',
    });
  }
  await of.settle();
}

describe('CronJob', () => {
  it('makes a Job at each time of its schedule, named by the minute', async () => {
    const of = await start();
    await of.advance(299);
    expect(jobs(of)).toEqual([]);
    await of.advance(2);
    expect(names(of)).toEqual([`tick-${minute(of)}`]);
    const [job] = jobs(of);
    expect(job?.metadata).toMatchObject({
      labels: { from: 'cron' },
      annotations: { 'batch.kubernetes.io/cronjob-scheduled-timestamp': expect.stringMatching(/:\d5:00Z$/u) as unknown },
      ownerReferences: [{ kind: 'CronJob', name: 'tick', controller: true }],
    });
    expect(stored(of).status).toMatchObject({ active: [{ kind: 'Job', name: job?.metadata.name }] });
    expect(of.pods()).toHaveLength(1);
    await finish(of);
    expect(stored(of).status?.active).toBeUndefined();
    expect(stored(of).status?.lastSuccessfulTime).toBeDefined();
    await of.advance(300);
    expect(names(of)).toEqual([`tick-${minute(of, 5)}`, `tick-${minute(of)}`]);
  });

  it('suspended it makes none; resumed it makes up for the last time only', async () => {
    const of = await start({ suspend: true });
    await of.advance(1201);
    expect(jobs(of)).toEqual([]);
    await patchSpec(of.registry, resourceTypes.cronJobs, 'tick', { suspend: false });
    await of.settle();
    expect(names(of)).toEqual([`tick-${minute(of)}`]);
  });

  it('startingDeadlineSeconds: what was missed for longer is not made up for', async () => {
    const of = await start({ suspend: true, startingDeadlineSeconds: 30 });
    await of.advance(360);
    await patchSpec(of.registry, resourceTypes.cronJobs, 'tick', { suspend: false });
    await of.settle();
    expect(jobs(of)).toEqual([]);
    await of.advance(241);
    expect(names(of)).toEqual([`tick-${minute(of)}`]);
  });

  it('Forbid waits for the one that runs', async () => {
    const of = await start({ concurrencyPolicy: 'Forbid' });
    await of.advance(301);
    await of.advance(300);
    expect(names(of)).toEqual([`tick-${minute(of, 5)}`]);
    expect(of.eventMessages('JobAlreadyActive')).not.toEqual([]);
    await finish(of);
    expect(names(of)).toContain(`tick-${minute(of)}`);
  });

  it('Replace ends the one that runs, Allow lets it go on', async () => {
    const replaced = await start({ concurrencyPolicy: 'Replace' });
    await replaced.advance(601);
    expect(names(replaced)).toEqual([`tick-${minute(replaced)}`]);
    replaced.end();
    const allowed = await start({ concurrencyPolicy: 'Allow' });
    await allowed.advance(601);
    expect(names(allowed)).toHaveLength(2);
    expect(stored(allowed).status?.active).toHaveLength(2);
  });

  it('keeps so many of the ended ones as the history limits say', async () => {
    const of = await start({ successfulJobsHistoryLimit: 2 });
    await of.advance(1);
    for (let run = 0; run < 4; run++) {
      await of.advance(300);
      await finish(of);
    }
    expect(names(of)).toEqual([`tick-${minute(of, 5)}`, `tick-${minute(of)}`]);
  });

  it('a schedule or time zone that nobody can read makes none and says so', async () => {
    const of = await start({ schedule: 'now and then' });
    await of.advance(600);
    expect(jobs(of)).toEqual([]);
    expect(of.eventMessages('UnparseableSchedule')[0]).toContain('unparseable schedule: "now and then"');
    of.end();
    const zone = await start({ timeZone: 'Mars/Base' });
    expect(zone.eventMessages('UnknownTimeZone')[0]).toContain('Mars/Base');
  });

  it('keeps to its time zone', () => {
    const at = (text: string): number => Date.parse(text);
    const schedule = parseSchedule('30 8 * * *', 'Europe/Berlin');
    if (typeof schedule === 'string') throw new Error(schedule);
    expect(schedule.next(at('2026-01-10T00:00:00Z'))).toBe(at('2026-01-10T07:30:00Z'));
    expect(schedule.next(at('2026-07-10T00:00:00Z'))).toBe(at('2026-07-10T06:30:00Z'));
    expect(schedule.lastBetween(at('2026-07-10T06:30:00Z'), at('2026-07-11T06:29:59Z'))).toBeUndefined();
    expect(schedule.lastBetween(at('2026-07-10T06:29:59Z'), at('2026-07-10T06:30:00Z'))).toBe(at('2026-07-10T06:30:00Z'));
  });
});
