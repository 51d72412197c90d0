import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { PodRecord } from '../../core/model/index.ts';
import { drainBuckets } from './drain-buckets.ts';

const priority = fc.integer({ min: -20, max: 20 });

function pod(name: string, value: number): PodRecord {
  return { name, shape: { priority: value } } as unknown as PodRecord;
}

/** Upstream's rule as it is written there: the first bucket that is not below the pod, or the one before it if that is above. */
function upstreamIndex(priorities: readonly number[], value: number): number {
  const index = priorities.findIndex((each) => each >= value);
  if (index < 0) return priorities.length - 1;
  return index > 0 && (priorities[index] ?? 0) > value ? index - 1 : index;
}

it('every pod is in one bucket, that of upstream, whatever the order in which priorities were given', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(priority, { minLength: 1, maxLength: 6 }),
      fc.array(priority, { maxLength: 20 }),
      fc.array(priority, { maxLength: 5 }),
      (given, pods, daemons) => {
        const sorted = given.toSorted((a, b) => a - b);
        const drainPriorities = given.map((each) => ({ priority: each, graceMs: each * 1000 }));
        const [all, agents] = [pods.map((value, index) => pod(`p${index}`, value)), daemons.map((value, index) => pod(`d${index}`, value))];
        const buckets = drainBuckets(all, agents, { drainPriorities, maxGracefulTerminationMs: 1 });
        const expected = sorted
          .map((each, index) => ({
            graceMs: each * 1000,
            pods: all.filter(({ shape }) => upstreamIndex(sorted, shape.priority) === index),
            daemons: agents.filter(({ shape }) => upstreamIndex(sorted, shape.priority) === index),
          }))
          .filter((bucket) => bucket.pods.length + bucket.daemons.length > 0);
        expect(buckets.map(({ graceMs, pods: own, daemons: others }) => ({ graceMs, pods: own, daemons: others }))).toEqual(expected);
      },
    ),
  );
});

it('all pods are one bucket where no priorities are given', () => {
  const [pods, daemons] = [[pod('a', 7), pod('b', -3)], [pod('c', 0)]];
  expect(drainBuckets(pods, daemons, { drainPriorities: [], maxGracefulTerminationMs: 5 })).toEqual([{ graceMs: 5, pods, daemons }]);
});
