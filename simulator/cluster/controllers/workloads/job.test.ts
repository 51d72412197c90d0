import { afterEach, describe, expect, it } from 'vitest';
import { resourceTypes } from '../../../../core/model/object.ts';
import { conditionOf, isActive, type Job, type Pod } from '../kinds.ts';
import { type Harness, patchSpec, podSpec, startHarness } from '../testing/harness.ts';
import { formatIndexes, indexAnnotation, parseIndexes, trackingFinalizer } from './job-accounting.ts';

let harness: Harness | undefined;
afterEach(() => {
  harness?.end();
  harness = undefined;
});

async function start(spec: object): Promise<Harness> {
  harness = startHarness();
  const template = { metadata: { labels: { app: 'job' } }, spec: { ...podSpec('job:1'), restartPolicy: 'Never' } };
  await harness.registry.create(resourceTypes.jobs, { metadata: { name: 'job', namespace: 'default' }, spec: { template, ...spec } });
  await harness.settle();
  return harness;
}

const stored = (of: Harness): Job => of.registry.get(resourceTypes.jobs, 'default', 'job') as Job;
const active = (of: Harness): Pod[] => of.pods().filter(isActive);

async function end(of: Harness, phase: 'Succeeded' | 'Failed', count = 1): Promise<void> {
  for (const pod of active(of).slice(0, count)) {
    await of.registry.mutate(
      resourceTypes.pods,
      'default',
      pod.metadata.name,
      (object) => ({ ...object, status: { ...(object.status as object), phase } }),
      {
        subresource: 'status',
      },
    );
  }
  await of.settle();
}

describe('Job', () => {
  it('runs parallelism pods until completions have succeeded', async () => {
    const of = await start({ completions: 3, parallelism: 2 });
    expect(active(of)).toHaveLength(2);
    expect(of.pods()[0]?.metadata.finalizers).toEqual([trackingFinalizer]);
    await end(of, 'Succeeded', 2);
    expect(stored(of).status).toMatchObject({ active: 1, ready: 1, succeeded: 2 });
    await end(of, 'Succeeded');
    expect(stored(of).status).toMatchObject({ active: 0, succeeded: 3, uncountedTerminatedPods: { succeeded: [], failed: [] } });
    expect(conditionOf(stored(of).status?.conditions, 'Complete')).toMatchObject({ status: 'True', reason: 'CompletionsReached' });
    expect(conditionOf(stored(of).status?.conditions, 'SuccessCriteriaMet')?.status).toBe('True');
    expect(stored(of).status?.completionTime).toBeDefined();
    expect(of.pods().every((pod) => (pod.metadata.finalizers ?? []).length === 0)).toBe(true);
  });

  it('counts a success though its pod is deleted at once', async () => {
    const of = await start({ completions: 1 });
    const [pod] = active(of);
    await of.registry.mutate(
      resourceTypes.pods,
      'default',
      pod!.metadata.name,
      (object) => ({ ...object, status: { phase: 'Succeeded' } }),
      {
        subresource: 'status',
      },
    );
    await of.registry.delete(resourceTypes.pods, 'default', pod!.metadata.name, { gracePeriodSeconds: 0 });
    await of.settle();
    expect(stored(of).status?.succeeded).toBe(1);
    expect(conditionOf(stored(of).status?.conditions, 'Complete')?.status).toBe('True');
  });

  it('replaces failed pods with a growing wait and gives up after the limit', async () => {
    const of = await start({ completions: 1, backoffLimit: 2 });
    await end(of, 'Failed');
    expect(active(of)).toHaveLength(0);
    await of.advance(9);
    expect(active(of)).toHaveLength(0);
    await of.advance(2);
    expect(active(of)).toHaveLength(1);
    await end(of, 'Failed');
    await of.advance(19);
    expect(active(of)).toHaveLength(0);
    await of.advance(2);
    await end(of, 'Failed');
    expect(conditionOf(stored(of).status?.conditions, 'Failed')).toMatchObject({ status: 'True', reason: 'BackoffLimitExceeded' });
    expect(stored(of).status).toMatchObject({ failed: 3, active: 0 });
  });

  it('fails when its deadline is over and ends what runs', async () => {
    const of = await start({ activeDeadlineSeconds: 60 });
    await of.advance(61);
    expect(conditionOf(stored(of).status?.conditions, 'Failed')?.reason).toBe('DeadlineExceeded');
    expect(active(of)).toHaveLength(0);
  });

  it('runs every index of an indexed job once', async () => {
    const of = await start({ completions: 3, parallelism: 3, completionMode: 'Indexed' });
    const indexes = of
      .pods()
      .map((pod) => pod.metadata.annotations?.[indexAnnotation] ?? '')
      .sort();
    expect(indexes).toEqual(['0', '1', '2']);
    expect(of.pods()[0]?.metadata.name).toMatch(/^job-0-/);
    await end(of, 'Failed');
    await of.advance(11);
    expect(
      active(of)
        .map((pod) => pod.metadata.annotations?.[indexAnnotation] ?? '')
        .sort(),
    ).toEqual(['0', '1', '2']);
    await end(of, 'Succeeded', 3);
    expect(stored(of).status).toMatchObject({ succeeded: 3, failed: 1, completedIndexes: '0-2' });
  });

  it('ends its pods while suspended and starts again', async () => {
    const of = await start({ completions: 2, parallelism: 2 });
    await patchSpec(of.registry, resourceTypes.jobs, 'job', { suspend: true });
    await of.settle();
    expect(active(of)).toHaveLength(0);
    expect(conditionOf(stored(of).status?.conditions, 'Suspended')?.status).toBe('True');
    expect(stored(of).status?.startTime).toBeUndefined();
    await patchSpec(of.registry, resourceTypes.jobs, 'job', { suspend: false });
    await of.advance(30);
    expect(active(of)).toHaveLength(2);
    expect(conditionOf(stored(of).status?.conditions, 'Suspended')?.status).toBe('False');
  });

  it('is deleted when its time to live is over', async () => {
    const of = await start({ completions: 1, ttlSecondsAfterFinished: 100 });
    await end(of, 'Succeeded');
    await of.advance(99);
    expect(stored(of)).toBeDefined();
    await of.advance(2);
    expect(stored(of)).toBeUndefined();
  });

  it('works as a queue without completions: one success and nothing left is the end', async () => {
    const of = await start({ parallelism: 3, completions: undefined });
    expect(active(of)).toHaveLength(3);
    await end(of, 'Succeeded');
    expect(active(of)).toHaveLength(2);
    await end(of, 'Succeeded', 2);
    expect(conditionOf(stored(of).status?.conditions, 'Complete')?.status).toBe('True');
  });
});

describe('completed indexes', () => {
  it('read and write runs', () => {
    expect(formatIndexes(new Set([5, 0, 1, 2, 7, 8]))).toBe('0-2,5,7-8');
    expect([...parseIndexes('0-2,5')]).toEqual([0, 1, 2, 5]);
    expect(parseIndexes(undefined).size).toBe(0);
  });
});
