import { it } from 'vitest';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { realClock } from '../../../core/runtime/clock.ts';
import { buildClusterView } from '../../../core/model/cluster-view.ts';
import { selectorOf } from '../../../core/model/selector.ts';
import { plainView } from '../../../core/model/metrics-view.fixture.ts';
import { defaultEstimationConfig } from '../../config.ts';
import { createRecommenderEngine } from '../engine/recommender-engine.ts';
import { podOf, policyNamed, scene } from './recommender.fixture.ts';

it('perf', async () => {
  const n = 10_000;
  const engine = createRecommenderEngine(defaultEstimationConfig);
  const views: any[] = [plainView({ at: realClock.now(), sequence: 0 })];
  let made: ReturnType<typeof scene>;
  const lister = { v: undefined as any };
  made = scene({ engine: engine as never, clock: realClock, metrics: () => views[0], checkpoints: undefined,
  });
  const { policies, pods, targets, writes } = made;
  for (let i = 0; i < n; i++) {
    const policy = policyNamed(`p${i}`);
    policies.add({ ...policy, reference: { ...policy.reference, namespace: `ns-${i % 500}` } });
    targets.resolutions.set(`p${i}`, { state: 'known', selector: selectorOf({ matchLabels: { app: `a${i}` } }), workload: undefined });
    pods.set(`ns-${i % 500}/pod-${i}`, podOf(`pod-${i}`, { namespace: `ns-${i % 500}`, app: `a${i}` }));
  }
  lister.v = buildClusterView({ at: 0, pods: pods.items() });
  const { createRecommender } = await import('./recommender.ts');
  const { Registry } = await import('prom-client');
  const registry = new Registry();
  const { fakeWrites } = await import('./recommender.fixture.ts');
  const w = fakeWrites(policies);
  const recommender = createRecommender({
    engine, book: policies.book, targets: targets.targets,
    pods: { ...pods, lister: () => lister.v, hasSynced: () => true },
    limits: { sliceMs: 5 }, metrics: () => views[0], client: w.client, clock: realClock, random: Math.random, events: { emit: () => undefined }, logger: made.logger, registry,
    config: { ...(await import('../../config.ts')).defaultRecommenderConfig },
  });
  const h = monitorEventLoopDelay({ resolution: 1 }); 
  let seq = 0;
  const measure = (k: number) => {
    seq += 1;
    const at = realClock.now() - 100_000 + k * 1000;
    views[0] = plainView({ at, sequence: seq, pods: Array.from({ length: n }, (_, i) => ({ namespace: `ns-${i % 500}`, name: `pod-${i}`, timestamp: at, windowMs: 15000, containers: [{ name: 'app', cpuMilli: 100 + (i * 7 + k * 13) % 300, memoryMilli: (1e8 + i * 1000 + k * 1e5) * 1000 }] })) });
  };
  recommender.start();
  await new Promise((r) => setTimeout(r, 300));
  for (let k = 1; k < 5; k++) {
    measure(k);
    await new Promise((r) => setTimeout(r, 10));
    h.reset(); h.enable();
    const t = performance.now();
    recommender.metricsChanged();
    await recommender.passNow();
    const ms = performance.now() - t;
    h.disable();
    console.error(`pass ${k}: ${ms.toFixed(0)} ms, writes ${w.writes.patches.length}, max loop delay ${(h.max / 1e6).toFixed(1)} ms, p99 ${(h.percentile(99) / 1e6).toFixed(1)}`);
    w.writes.patches.length = 0;
  }
  h.reset(); h.enable();
  const t = performance.now();
  await recommender.passNow();
  h.disable();
  console.error(`unchanged: ${(performance.now() - t).toFixed(0)} ms, writes ${w.writes.patches.length}, max ${(h.max / 1e6).toFixed(1)}`);
  await recommender.stop();
}, 120000);
