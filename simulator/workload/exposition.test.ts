import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../core/runtime/clock.ts';
import { createApplicationExposition } from './exposition.ts';
import type { MeasuredPod } from './exposition.ts';
import { latencyBounds } from './latency-buckets.ts';
import { constant, createWorkloadModel } from './index.ts';
import type { ContainerUsage, PodIdentity, WorkloadDefinition, WorkloadModel } from './index.ts';

const web: WorkloadDefinition = {
  name: 'web',
  namespace: 'shop',
  owner: 'web',
  load: constant(40),
  cpuPerRequest: 10,
  memory: { base: 1e6 },
  latency: { kind: 'mmc', serviceMs: 30 },
  concurrency: 2,
};

function identity(name: string): PodIdentity {
  return { namespace: 'shop', name, uid: name, labels: {}, annotations: {}, owners: ['web-1', 'web'], containers: ['c'] };
}

interface Bench {
  readonly clock: VirtualClock;
  readonly model: WorkloadModel;
  /** Adds a pod that serves at this ceiling. */
  readonly add: (name: string, milli: number) => ContainerUsage;
  readonly pods: MeasuredPod[];
  /** Lines of the exposition by series. */
  readonly read: () => ReadonlyMap<string, number>;
}

function bench(definition = web): Bench {
  const clock = new VirtualClock();
  const model = createWorkloadModel({ clock, random: () => 0.5 });
  model.define(definition);
  const pods: MeasuredPod[] = [];
  const exposition = createApplicationExposition({ model, pods: () => pods });
  return {
    clock,
    model,
    pods,
    add: (name, milli) => {
      const usage = model.start(identity(name), 'c', { at: clock.now() });
      usage.setCeiling(clock.now(), milli);
      usage.setServing(clock.now(), true);
      pods.push({
        identity: identity(name),
        incarnation: '0',
        serving: true,
        get cpuSeconds() {
          return usage.cpu(clock.now()) / 1e6;
        },
      });
      return usage;
    },
    read: () => {
      const lines = exposition
        .text()
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'));
      return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
    },
  };
}

function series(name: string, pod: string, first = ''): string {
  return `${name}{${first}namespace="shop",pod="${pod}",service="web"}`;
}

function served(lines: ReadonlyMap<string, number>, pod: string): number {
  return lines.get(series('http_requests_total', pod, 'code="200",')) ?? Number.NaN;
}

describe('the exposition of applications', () => {
  it('counts every request of the workload to one of its pods', async () => {
    const { clock, model, add, read } = bench();
    add('a', 1000);
    add('b', 1000);
    await clock.advance(20_000);
    read();
    await clock.advance(40_000);
    const lines = read();
    expect(served(lines, 'a') + served(lines, 'b')).toBeCloseTo(model.results('web')?.totals.served ?? 0, 6);
    expect(served(lines, 'a')).toBeCloseTo(40 * 60 * 0.5, 6);
    expect(lines.get(series('http_requests_total', 'a', 'code="503",'))).toBe(0);
  });

  it('gives the pod that works more the more requests', async () => {
    const { clock, add, read } = bench();
    // The small one can do 9.9 requests a second, the other does the rest.
    add('small', 100);
    add('big', 2000);
    await clock.advance(60_000);
    const lines = read();
    expect(served(lines, 'small') / (served(lines, 'small') + served(lines, 'big'))).toBeCloseTo(9.9 / 40, 2);
  });

  it('shows response times that are spread as the model says', async () => {
    const { clock, model, add, read } = bench();
    add('a', 1000);
    await clock.advance(60_000);
    const lines = read();
    const { latencyMs = 0, latencyP95Ms = 0 } = model.results('web') ?? {};
    const count = lines.get(series('http_request_duration_seconds_count', 'a')) ?? 0;
    expect(count).toBeCloseTo(2400, 6);
    expect((lines.get(series('http_request_duration_seconds_sum', 'a')) ?? 0) / count).toBeCloseTo(latencyMs / 1000, 9);
    const buckets = [...latencyBounds.map(String), '+Inf'].map(
      (le) => lines.get(`http_request_duration_seconds_bucket{namespace="shop",pod="a",service="web",le="${le}"}`) ?? Number.NaN,
    );
    expect(buckets).toEqual(buckets.toSorted((left, right) => left - right));
    expect(buckets.at(-1)).toBe(count);
    // Nobody is faster than the service itself, and the bucket of the 95th percentile is the model's.
    expect(buckets[latencyBounds.indexOf(0.025)]).toBe(0);
    const at = buckets.findIndex((value) => value >= 0.95 * count);
    expect((latencyBounds[at] ?? 0) * 1000).toBeGreaterThanOrEqual(latencyP95Ms);
    expect((latencyBounds[at - 1] ?? 0) * 1000).toBeLessThan(latencyP95Ms);
  });

  it('shows the queue in even shares, and whole from outside', async () => {
    const { clock, model, add, read } = bench({ ...web, load: constant(100), latency: { kind: 'fluid' } });
    add('a', 301);
    add('b', 301);
    await clock.advance(10_000);
    const { queue = 0 } = model.results('web') ?? {};
    expect(queue).toBeCloseTo(400, 6);
    const lines = read();
    expect(lines.get(series('queue_depth', 'a'))).toBeCloseTo(200, 6);
    expect(lines.get('queue_messages_ready{namespace="shop",service="web"}')).toBeCloseTo(400, 6);
  });

  it('counts what is turned away as 503, and keeps the queue of a workload without pods in sight', async () => {
    const { clock, add, read } = bench({ ...web, load: constant(100), maxQueue: 50, holdWhenEmpty: true });
    await clock.advance(1000);
    expect([...read().entries()]).toEqual([['queue_messages_ready{namespace="shop",service="web"}', 50]]);
    add('a', 301);
    read();
    await clock.advance(10_000);
    expect(read().get(series('http_requests_total', 'a', 'code="503",'))).toBeGreaterThan(600);
  });

  it('starts at zero with a container that starts anew, and forgets pods that have gone', async () => {
    const { clock, add, pods, read } = bench();
    add('a', 1000);
    add('b', 1000);
    await clock.advance(30_000);
    const before = served(read(), 'a');
    pods[0] = { ...pods[0]!, identity: identity('a'), incarnation: '1', serving: true, cpuSeconds: 0.2 };
    pods.splice(1, 1);
    await clock.advance(1000);
    const lines = read();
    expect(before).toBeGreaterThan(500);
    expect(served(lines, 'a')).toBeLessThan(50);
    expect(served(lines, 'b')).toBeNaN();
  });

  it('leaves out pods of nobody', async () => {
    const { clock, pods, read } = bench();
    pods.push({ identity: { ...identity('x'), owners: ['other'] }, incarnation: '0', serving: true, cpuSeconds: 1 });
    pods.push({ identity: { ...identity('y'), namespace: 'other' }, incarnation: '0', serving: true, cpuSeconds: 1 });
    await clock.advance(1000);
    expect([...read().keys()]).toEqual(['queue_messages_ready{namespace="shop",service="web"}']);
  });
});
