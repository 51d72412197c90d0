import { describe, expect, it } from 'vitest';
import type { ContainerRecommendation } from '../../model.ts';
import { input, pod, pods, recommended, start, workload, type InputOptions } from './builders.fixture.ts';
import { noLoop, type LoopState } from './eviction-loop.ts';
import type { UpdatePlan } from './model.ts';
import { planUpdates } from './plan.ts';

const minute = 60_000;

interface Round {
  readonly at: number;
  readonly loop: LoopState;
  /** Names of the pods that are there. */
  readonly names: readonly string[];
  readonly cpu?: string;
  readonly recommendation?: ContainerRecommendation;
  readonly more?: InputOptions;
}

function round({ at, loop, names, cpu = '100m', recommendation = recommended({ cpu: 250 }), more = {} }: Round): UpdatePlan {
  return planUpdates(
    input({
      ...more,
      now: at,
      pods: names.map((name) => pod(name, { cpu, ageMs: minute })),
      recommendation,
      configured: () => ({ ok: true, replicas: names.length }),
      memory: { loop },
    }),
  );
}

/** Two rounds of which nothing came. */
function looped(): LoopState {
  const first = round({ at: start, loop: noLoop, names: ['a', 'b', 'c', 'd'] });
  const second = round({ at: start + 5 * minute, loop: first.loop, names: ['c', 'd', 'e', 'f'] });
  const third = round({ at: start + 10 * minute, loop: second.loop, names: ['e', 'f', 'g', 'h'] });
  expect(first.actions).toHaveLength(2);
  expect(second.actions).toHaveLength(2);
  expect(second.loop.rounds).toBe(1);
  expect(third.actions).toEqual([]);
  return third.loop;
}

const names = ['e', 'f', 'g', 'h'];

describe('updates without effect', () => {
  it('are stopped after two rounds, with the numbers', () => {
    const loop = looped();
    expect(loop.rounds).toBe(2);
    const { skips, decisions } = round({ at: start + 11 * minute, loop, names });
    expect(skips[0]?.hold).toEqual({
      by: 'conflict',
      until: start + 15 * minute,
      message:
        '2 updates in a row changed nothing: container app of pod g came back with 100m of cpu where 250m was to be set; something else rewrites what the pods ask for (another webhook, an admission that cannot keep up), find it with kubectl get mutatingwebhookconfigurations; the next try is at 12:15:00, after 10m',
    });
    expect(decisions[0]).toMatchObject({ from: 100, to: 100, wanted: 250, holds: [{ by: 'conflict' }] });
  });

  it('are tried again after pauses that double up to six hours', () => {
    let loop = looped();
    let at = start + 5 * minute;
    let here = names;
    const pauses: number[] = [];
    for (let index = 0; index < 9; index += 1) {
      const held = round({ at: at + 2 * minute, loop, names: here });
      const until = held.skips[0]?.hold?.until ?? 0;
      pauses.push((until - at) / minute);
      const tried = round({ at: until, loop: held.loop, names: here });
      expect(tried.actions).toHaveLength(2);
      at = until;
      here = here.map((_, position) => `n${index}-${position}`);
      loop = round({ at: at + minute, loop: tried.loop, names: here }).loop;
    }
    expect(pauses).toEqual([10, 20, 40, 80, 160, 320, 360, 360, 360]);
  });

  it('begin anew when something else is recommended', () => {
    const near = round({ at: start + 11 * minute, loop: looped(), names, recommendation: recommended({ cpu: 270 }) });
    expect(near.actions).toEqual([]);
    const far = round({ at: start + 11 * minute, loop: looped(), names, recommendation: recommended({ cpu: 300 }) });
    expect(far.actions).toHaveLength(2);
    expect(far.loop.rounds).toBe(0);
  });

  it('begin anew when pods of another template come', () => {
    const first = round({ at: start, loop: noLoop, names: ['a', 'b', 'c', 'd'] });
    const second = round({ at: start + 5 * minute, loop: first.loop, names: ['c', 'd', 'e', 'f'] });
    const other = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-2', uid: 'rs-2' };
    const third = planUpdates(
      input({
        now: start + 10 * minute,
        pods: ['e', 'f', 'g', 'h'].map((name) => pod(name, { ageMs: minute }, name > 'f' ? { owner: other } : {})),
        recommendation: recommended({ cpu: 250 }),
        configured: () => ({ ok: true, replicas: 2 }),
        memory: { loop: second.loop },
      }),
    );
    expect(second.loop.rounds).toBe(1);
    expect(third.loop.rounds).toBe(0);
    expect(third.actions.length).toBeGreaterThan(0);
  });

  it('are no loop when only some pods come back as they were', () => {
    const first = round({ at: start, loop: noLoop, names: ['a', 'b', 'c', 'd'] });
    const second = planUpdates(
      input({
        now: start + 5 * minute,
        pods: [...['c', 'd', 'e'].map((name) => pod(name)), pod('f', { cpu: '250m' })],
        recommendation: recommended({ cpu: 250 }),
        memory: { loop: first.loop },
      }),
    );
    expect(second.loop.rounds).toBe(0);
  });

  it('are not judged before a pod has come', () => {
    const first = round({ at: start, loop: noLoop, names: ['a', 'b', 'c', 'd'] });
    const still = round({ at: start + minute, loop: first.loop, names: ['c', 'd'] });
    expect(still.loop.rounds).toBe(0);
    expect(still.loop.open).toBeDefined();
  });

  it('are seen of rolls and of resizes too', () => {
    const single = { pods: pods(1), sizing: { singleReplica: 'Surge' } as const, workload: workload({ replicas: 1 }) };
    const rolled = planUpdates(input(single));
    const other = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-2', uid: 'rs-2' };
    const after = planUpdates(
      input({ ...single, now: start + 10 * minute, pods: [pod('new', {}, { owner: other })], memory: { loop: rolled.loop } }),
    );
    expect(after.loop.rounds).toBe(1);
    const inPlace = { sizing: { updateMode: 'InPlace', actuation: 'InPlace' } as const };
    const resized = planUpdates(input(inPlace));
    const undone = planUpdates(input({ ...inPlace, now: start + 10 * minute, memory: { loop: resized.loop } }));
    expect(resized.actions).toHaveLength(2);
    expect(undone.loop.rounds).toBe(1);
    expect(planUpdates(input({ ...inPlace, pods: pods(4, { cpu: '250m' }), memory: { loop: resized.loop } })).loop).toEqual(noLoop);
  });
});
