import { describe, expect, it } from 'vitest';
import type { PodUsage } from '../../../core/model/metrics-view.ts';
import { defaultEstimationConfig } from '../../config.ts';
import { createRecommenderEngine } from '../engine/recommender-engine.ts';
import type { RecommenderEngine } from '../engine/types.ts';
import type { CheckpointPort } from './ports.ts';
import { podOf, policyNamed, scene } from './recommender.fixture.ts';

/** The loop around the real engine. */

const minute = 60_000;
const mi = 1024 * 1024;
const web = 'VerticalPolicy/shop/web';

function usageOf(
  pod: string,
  timestamp: number,
  containers: Readonly<Record<string, readonly [cpuMilli: number, memoryMi: number]>>,
): PodUsage {
  return {
    namespace: 'shop',
    name: pod,
    timestamp,
    windowMs: 15_000,
    containers: Object.entries(containers).map(([name, [cpuMilli, memoryMi]]) => ({ name, cpuMilli, memoryMilli: memoryMi * mi * 1000 })),
  };
}

/** Checkpoints in memory, as the store has them. */
function memoryPort(engine: RecommenderEngine, stored: Map<string, ReturnType<RecommenderEngine['saveCheckpoint']>>, now: () => number) {
  const port: CheckpointPort = {
    loadFor: ({ key }) => {
      let loaded = 0;
      for (const [name, status] of stored) {
        const [policy = '', container = ''] = name.split('#');
        if (policy === key && status !== undefined && engine.loadCheckpoint(key, container, status).ok) loaded += 1;
      }
      return Promise.resolve(loaded);
    },
    pass: (policies) => {
      for (const { key } of policies)
        for (const container of engine.containerNames(key)) stored.set(`${key}#${container}`, engine.saveCheckpoint(key, container, now()));
      return Promise.resolve();
    },
    collectGarbage: () => Promise.resolve(),
    flush: () => Promise.resolve(),
  };
  return port;
}

type Stored = Parameters<typeof memoryPort>[1];

function process(stored: Stored = new Map()) {
  const engine = createRecommenderEngine(defaultEstimationConfig);
  const time = { now: () => 0 };
  const made = scene({ engine, checkpoints: memoryPort(engine, stored, () => time.now()) });
  time.now = () => made.clock.now();
  return made;
}

const milli = (text: unknown): number => {
  const cpu = String((text as { cpu?: string } | undefined)?.cpu);
  return cpu.endsWith('m') ? Number.parseInt(cpu, 10) : Number(cpu) * 1000;
};

describe('the loop with the real engine', () => {
  it('recommends from what is measured, and keeps the bounds over a restart', async () => {
    const stored: Stored = new Map();
    const first = process(stored);
    first.pods.set('shop/web-1', podOf('web-1'));
    first.policies.add(policyNamed('web'));
    first.recommender.start();
    for (let pass = 0; pass < 120; pass++) {
      first.measure({ pods: [usageOf('web-1', first.clock.now(), { app: [400, 500] })] });
      await first.clock.advance(minute);
    }
    const before = first.policies.status(web)['recommendation'] as {
      containerRecommendations: { lowerBound: unknown; upperBound: unknown }[];
    };
    expect(milli(first.target(web, 'app'))).toBeGreaterThanOrEqual(460);
    expect(milli(first.target(web, 'app'))).toBeLessThan(520);
    await first.recommender.stop();

    const second = process(stored);
    await second.clock.advance(120 * minute);
    second.pods.set('shop/web-1', podOf('web-1'));
    second.policies.add(policyNamed('web'), first.policies.status(web));
    second.recommender.start();
    await second.clock.advance(0);
    second.measure({ pods: [usageOf('web-1', second.clock.now(), { app: [1, 1] })] });
    await second.clock.advance(0);
    const after = second.policies.status(web)['recommendation'] as typeof before;
    expect(milli(second.target(web, 'app'))).toBeGreaterThanOrEqual(460);
    expect(milli(after.containerRecommendations[0]?.lowerBound)).toBeGreaterThan(
      0.9 * milli(before.containerRecommendations[0]?.lowerBound),
    );
    expect(milli(after.containerRecommendations[0]?.upperBound)).toBeLessThan(1.1 * milli(before.containerRecommendations[0]?.upperBound));
    await second.recommender.stop();
  });

  it('recommends nothing of a container that was never measured', async () => {
    const { clock, pods, policies, recommender, measure, target, condition } = process();
    pods.set('shop/web-1', podOf('web-1', { containers: ['app', 'quiet'] }));
    policies.add(policyNamed('web'));
    recommender.start();
    await clock.advance(minute);
    expect(condition(web, 'RecommendationProvided')).toContain('False/NoSamples');
    measure({ pods: [usageOf('web-1', clock.now(), { app: [400, 500] })] });
    await clock.advance(minute);
    expect(target(web, 'app')).toBeDefined();
    expect(target(web, 'quiet')).toBeUndefined();
    await recommender.stop();
  });

  it('does not lower a thing for zeros that are in doubt', async () => {
    const { clock, pods, policies, recommender, measure, target } = process();
    pods.set('shop/web-1', podOf('web-1'));
    policies.add(policyNamed('web'));
    recommender.start();
    for (let pass = 0; pass < 10; pass++) {
      measure({ pods: [usageOf('web-1', clock.now(), { app: [400, 500] })] });
      await clock.advance(minute);
    }
    const before = target(web, 'app');
    for (let pass = 0; pass < 200; pass++) {
      measure({ pods: [usageOf('web-1', clock.now(), { app: [0, 0] })], usageDoubt: { reason: 'outage', detail: 'all zero' } });
      await clock.advance(minute);
    }
    expect(target(web, 'app')).toEqual(before);
    await recommender.stop();
  });

  it('raises memory when a container was killed for want of it, within seconds', async () => {
    const { clock, pods, policies, recommender, measure, target } = process();
    const status = { name: 'app', restartCount: 0, state: { running: {} } };
    pods.set('shop/web-1', podOf('web-1', { statuses: [status] }));
    policies.add(policyNamed('web'));
    recommender.start();
    await clock.advance(0);
    measure({ pods: [usageOf('web-1', clock.now(), { app: [400, 500] })] });
    await clock.advance(minute);
    const before = Number((target(web, 'app') as { memory: string }).memory);
    const finishedAt = new Date(clock.now()).toISOString();
    pods.set(
      'shop/web-1',
      podOf('web-1', {
        statuses: [{ name: 'app', restartCount: 1, state: { terminated: { reason: 'OOMKilled', exitCode: 137, finishedAt } } }],
      }),
    );
    await clock.advance(2_000);
    expect(Number((target(web, 'app') as { memory: string }).memory)).toBeGreaterThan(before);
    expect(recommender.explain(web)?.evidence[0]).toMatchObject({ oomKills: 1 });
    await recommender.stop();
  });
});
