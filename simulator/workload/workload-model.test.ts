import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../core/runtime/clock.ts';
import { constant, createWorkloadModel, leak, parseLoad, steps } from './index.ts';
import type { PodIdentity, WorkloadDefinition, WorkloadModel } from './index.ts';

const start = Date.UTC(2026, 0, 1);
const mebi = 1024 * 1024;

function pod(overrides: Partial<PodIdentity> = {}): PodIdentity {
  return {
    namespace: 'default',
    name: 'web-1',
    uid: 'u1',
    labels: { app: 'web' },
    annotations: {},
    owners: ['web'],
    containers: ['c'],
    ...overrides,
  };
}

function setup(definition: Partial<WorkloadDefinition> = {}): { clock: VirtualClock; model: WorkloadModel } {
  const clock = new VirtualClock(start);
  const model = createWorkloadModel({ clock, random: () => 0.5 });
  model.define({
    name: 'web',
    namespace: 'default',
    load: constant(100),
    cpuPerRequest: 10,
    baseCpu: 0,
    memory: { base: 50 * mebi },
    ...definition,
  });
  return { clock, model };
}

describe('workload model', () => {
  it('spreads the demand over the replicas that serve', () => {
    const { model } = setup();
    const first = model.start(pod(), 'c', { at: start });
    const second = model.start(pod({ name: 'web-2' }), 'c', { at: start });
    first.setServing(start, true);
    expect(first.rate(start + 1)).toBe(1000);
    second.setServing(start + 10_000, true);
    expect([first.rate(start + 20_000), second.rate(start + 20_000)]).toEqual([500, 500]);
    // In core-seconds: 10 alone, then half of 10 more.
    expect(first.cpu(start + 20_000) / 1e6).toBeCloseTo(15, 9);
    expect(second.cpu(start + 20_000) / 1e6).toBeCloseTo(5, 9);
    second.release(start + 20_000);
    expect(first.rate(start + 20_001)).toBe(1000);
  });

  it('throttles at the ceiling, queues, and says so', () => {
    const { model } = setup({ maxQueue: 500, latency: { kind: 'fluid' } });
    const usage = model.start(pod(), 'c', { at: start });
    usage.setCeiling(start, 500);
    usage.setServing(start, true);
    const later = start + 20_000;
    expect(usage.cpu(later) / 1e6).toBeCloseTo(10, 9);
    expect(usage.throttledMs(later)).toBeCloseTo(20_000, 6);
    expect(model.results('web', later)).toMatchObject({
      demand: 100,
      demandCpu: 1000,
      capacity: 50,
      queue: 500,
      throttled: true,
      replicas: 1,
    });
    // 20 ms of service and 500 requests at 50 per second.
    expect(model.results('web', later)?.latencyMs).toBeCloseTo(10_020, 6);
    expect(model.results('web', later)?.totals.dropped).toBeCloseTo(500, 6);
    expect(usage.wanted(later, later + 1)).toBe(Number.POSITIVE_INFINITY);
    usage.setCeiling(later, 2000);
    expect(model.results('web', later + 60_000)?.queue).toBe(0);
  });

  it('burns CPU at the start, longer under a limit', () => {
    const { model } = setup({ startup: { cpuMilli: 1000, durationMs: 10_000 }, baseCpu: 0 });
    const free = model.start(pod(), 'c', { at: start });
    const limited = model.start(pod({ name: 'web-2' }), 'c', { at: start });
    limited.setCeiling(start, 250);
    expect(free.startupEnd(start)).toBe(start + 10_000);
    expect(limited.startupEnd(start)).toBe(start + 40_000);
    expect(limited.rate(start + 1000)).toBe(250);
    // A boost half way: 5 of 10 core-seconds are left after 20 s.
    limited.setCeiling(start + 20_000, 1000);
    expect(limited.startupEnd(start + 20_000)).toBe(start + 25_000);
    expect(limited.cpu(start + 60_000) / 1e6).toBeCloseTo(10, 9);
    expect(limited.throttledMs(start + 60_000)).toBeCloseTo(20_000, 6);
    expect(free.throttledMs(start + 60_000)).toBe(0);
  });

  it('holds memory per request, leaks, and follows a series', () => {
    const { model } = setup({
      memory: { base: 100 * mebi, perRequest: mebi, leak: 1024, series: steps([{ at: 60_000, value: 7 * mebi }]) },
      latency: { kind: 'constant', ms: 500 },
    });
    const usage = model.start(pod(), 'c', { at: start });
    expect(usage.memory(start)).toBe(100 * mebi);
    usage.setServing(start, true);
    // 100 requests per second that stay half a second: 50 in work.
    expect(usage.memory(start + 10_000)).toBeCloseTo(150 * mebi + 10 * 1024, 3);
    expect(usage.memory(start + 60_000)).toBeCloseTo(157 * mebi + 60 * 1024, 3);
  });

  it('takes annotations for pods without a workload, else idles below a small limit', () => {
    const { model } = setup();
    const other = { owners: [], labels: {} };
    const annotated = model.start(
      pod({ ...other, annotations: { 'concertina.dev/sim-cpu': 'step:0s=100m,10s=300m', 'concertina.dev/sim-memory': '64Mi' } }),
      'c',
      { at: start },
    );
    expect([annotated.rate(start), annotated.rate(start + 10_000)]).toEqual([100, 300]);
    expect(annotated.cpu(start + 20_000) / 1e6).toBeCloseTo(4, 9);
    expect(annotated.memory(start)).toBe(64 * mebi);
    annotated.setCeiling(start + 20_000, 200);
    expect(annotated.cpu(start + 30_000) / 1e6).toBeCloseTo(6, 9);
    expect(annotated.throttledMs(start + 30_000)).toBe(10_000);
    const idle = model.start(pod(other), 'c', { at: start, memoryLimit: 4 * mebi });
    expect(idle.rate(start)).toBe(1);
    expect(idle.memory(start)).toBe(2 * mebi);
    const wrong = model.start(pod({ ...other, annotations: { 'concertina.dev/sim-cpu': 'a lot' } }), 'c', { at: start });
    expect(wrong.rate(start)).toBe(1);
    const sidecar = model.start(pod({ containers: ['c', 's'], annotations: { 'concertina.dev/sim-cpu.s': '20m' } }), 's', { at: start });
    expect(sidecar.rate(start)).toBe(20);
  });

  it('takes over pods that run when a workload is defined or its load changes', async () => {
    const { clock, model } = setup();
    const usage = model.start(pod(), 'c', { at: start });
    usage.setServing(start, true);
    await clock.advance(10_000);
    expect(usage.cpu(clock.now()) / 1e6).toBeCloseTo(10, 9);
    model.setLoad('web', parseLoad('step:0s=10,10s=20'));
    expect(usage.rate(clock.now())).toBe(100);
    await clock.advance(20_000);
    expect(usage.cpu(clock.now()) / 1e6).toBeCloseTo(10 + 1 + 2, 9);
    model.remove('web');
    expect(usage.rate(clock.now())).toBe(1);
    model.define({
      name: 'web',
      namespace: 'default',
      owner: 'web',
      load: constant(5),
      cpuPerRequest: 10,
      baseCpu: 0,
      memory: { base: 1 },
    });
    expect(usage.rate(clock.now())).toBe(50);
    expect(usage.cpu(clock.now()) / 1e6).toBeCloseTo(13, 9);
    expect(() => model.setLoad('other', constant(1))).toThrow(/no workload "other"/);
  });

  it('answers by M/M/c below saturation', () => {
    const { model } = setup({ load: constant(50) });
    const usage = model.start(pod(), 'c', { at: start });
    usage.setCeiling(start, 1000);
    usage.setServing(start, true);
    // One server of 100/s at 50 %: 1/(100-50) s in all.
    expect(model.results('web', start + 1000)?.latencyMs).toBeCloseTo(20, 9);
    expect(model.results('web', start + 1000)?.latencyP95Ms).toBeGreaterThan(40);
  });

  it('leaks of a static profile grow with the age of the container', () => {
    const { model } = setup({ memory: { base: 0, series: leak({ start: 0, perSecond: 1000 }) } });
    const usage = model.start(pod(), 'c', { at: start });
    expect(usage.memory(start + 5000)).toBe(5000);
  });
});
