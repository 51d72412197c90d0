import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultEstimationConfig } from '../../config.ts';
import { day, minute, pod, policy, start, usage, type PodFacts, type UsageFacts } from './engine.fixture.ts';
import { createEngine, createRecommenderEngine } from './recommender-engine.ts';
import type { PolicyRecommendation, RecommenderEngine } from './types.ts';

const selectors = [
  'app=a',
  'app=b',
  'app in (a, b)',
  'app',
  'tier=web',
  '',
  'app=a,tier!=web',
  '!tier',
  'job-name=j1',
  'app=a,!job-name',
  'job-name in (j1, j2)',
];

const labelsArbitrary = fc
  .record({
    app: fc.constantFrom('a', 'b', undefined),
    tier: fc.constantFrom('web', undefined),
    'job-name': fc.constantFrom('j1', 'j2', undefined, undefined),
    'pod-template-hash': fc.constantFrom('x', 'y', undefined),
  })
  .map((labels) => Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== undefined)) as Record<string, string>);

const podsArbitrary = fc.array(
  fc.record({
    labels: labelsArbitrary,
    containers: fc.constantFrom(['c'], ['c', 'd'], ['d']),
    namespace: fc.constantFrom('ns', 'ns', 'other'),
  }),
  { minLength: 1, maxLength: 8 },
);

function named(pods: readonly Omit<PodFacts, 'name'>[]): PodFacts[] {
  return pods.map((facts, index) => ({ ...facts, name: `p${index}` }));
}

function sampleArbitrary(pods: number): fc.Arbitrary<UsageFacts> {
  return fc.record({
    pod: fc.nat({ max: pods - 1 }).map((index) => `p${index}`),
    container: fc.constantFrom('c', 'd'),
    at: fc.nat({ max: 4000 }).map((minutes) => start + minutes * minute),
    cpu: fc.nat({ max: 3000 }),
    memory: fc.integer({ min: 1, max: 4e9 }),
  });
}

function feed(engine: RecommenderEngine, pods: readonly PodFacts[], samples: readonly UsageFacts[]): void {
  for (const sample of samples)
    engine.observeUsage(usage({ ...sample, namespace: pods.find(({ name }) => name === sample.pod)?.namespace ?? 'ns' }));
}

describe('the engine', () => {
  it('finds the same pods and samples whether policies come before or after the pods', () => {
    const run = fc.tuple(podsArbitrary, fc.shuffledSubarray(selectors), fc.boolean());
    fc.assert(
      fc.property(run, fc.array(sampleArbitrary(8), { maxLength: 30 }), ([facts, chosen, removeOne], samples) => {
        const pods = named(facts);
        const engines = ['before', 'after', 'amid'].map((when) => {
          const engine = createRecommenderEngine(defaultEstimationConfig);
          const setPolicies = (list: readonly string[]): void => list.forEach((selector) => engine.setPolicy(selector, policy(selector)));
          if (when === 'before') setPolicies(chosen);
          for (const [index, each] of pods.entries()) {
            engine.setPod(pod(each));
            if (when === 'amid') setPolicies(chosen.slice(index, index + 1));
          }
          if (when === 'after') setPolicies(chosen);
          if (when === 'amid') setPolicies(chosen.slice(pods.length));
          feed(engine, pods, samples);
          if (removeOne && pods[0] !== undefined) engine.removePod(pods[0].namespace ?? 'ns', pods[0].name);
          return engine;
        });
        const [first, ...others] = engines;
        for (const selector of chosen) {
          const expected = first!.recommend(selector, start + 5 * day)!;
          for (const other of others) {
            expect(other.podCount(selector)).toBe(first!.podCount(selector));
            // Not the amounts: aggregates that are named otherwise are added up in another order, which decides ties.
            expect(plainOf(other.recommend(selector, start + 5 * day)!).evidence).toEqual(plainOf(expected).evidence);
          }
        }
      }),
    );
  });

  it('counts the samples of one minute the same in whatever order they come', () => {
    const value = fc.record({ cpu: fc.nat({ max: 3000 }), memory: fc.integer({ min: 1, max: 4e9 }) });
    fc.assert(
      fc.property(
        fc.array(fc.array(value, { minLength: 4, maxLength: 4 }), { minLength: 1, maxLength: 20 }),
        fc.infiniteStream(fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 })),
        (steps, orders) => {
          const [inOrder, shuffled] = [createRecommenderEngine(defaultEstimationConfig), createRecommenderEngine(defaultEstimationConfig)];
          for (const engine of [inOrder, shuffled]) {
            engine.setPolicy('k', policy());
            for (let index = 0; index < 4; index++) engine.setPod(pod({ name: `p${index}`, labels: { app: 'a', set: String(index % 2) } }));
          }
          for (const [step, values] of steps.entries()) {
            const samples = values.map((each, index) => ({ pod: `p${index}`, at: start + step * 20 * minute, ...each }));
            inOrder.observeUsage(usage(...samples));
            shuffled.observeUsage(usage(...(orders.next().value as number[]).map((index) => samples[index]!)));
          }
          expect(plainOf(shuffled.recommend('k', start + day)!)).toEqual(plainOf(inOrder.recommend('k', start + day)!));
        },
      ),
    );
  });

  it('is not moved by samples that are missing or unknown', () => {
    const step = fc.record({
      cpu: fc.nat({ max: 3000 }),
      memory: fc.integer({ min: 1, max: 4e9 }),
      gap: fc.constantFrom('none', 'unknown', 'missing', 'negative'),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
        const [whole, gapped] = [createRecommenderEngine(defaultEstimationConfig), createRecommenderEngine(defaultEstimationConfig)];
        for (const engine of [whole, gapped]) {
          engine.setPolicy('k', policy());
          engine.setPod(pod({ name: 'p' }));
        }
        for (const [index, { cpu, memory, gap }] of steps.entries()) {
          const at = start + index * 30 * minute;
          whole.observeUsage(usage({ pod: 'p', at, cpu, memory }));
          gapped.observeUsage(usage({ pod: 'p', at, cpu, memory }));
          if (gap === 'unknown') gapped.observeUsage(usage({ pod: 'p', at: at + minute }));
          if (gap === 'missing') gapped.observeUsage(usage({ pod: 'other', at: at + minute, cpu: 0, memory: 0 }));
          if (gap === 'negative') gapped.observeUsage(usage({ pod: 'p', at: at + minute, cpu: -1, memory: -1 }));
        }
        expect(gapped.recommend('k', start + day)).toEqual(whole.recommend('k', start + day));
      }),
    );
  });

  it('recommends after a restart what it did before', () => {
    fc.assert(
      fc.property(fc.array(sampleArbitrary(2), { minLength: 1, maxLength: 80 }), (samples) => {
        const pods = named([{ labels: { app: 'a' } }, { labels: { app: 'a', tier: 'web' } }]);
        const before = createRecommenderEngine(defaultEstimationConfig);
        before.setPolicy('k', policy());
        for (const each of pods) before.setPod(pod(each));
        feed(
          before,
          pods,
          samples.filter(({ container }) => container === 'c').toSorted((a, b) => a.at - b.at),
        );
        const now = start + 20 * day;
        const after = createRecommenderEngine(defaultEstimationConfig);
        after.setPolicy('k', policy());
        const status = before.saveCheckpoint('k', 'c', now)!;
        expect(after.loadCheckpoint('k', 'c', status)).toEqual({ ok: true });
        const { cpuHistogram, memoryHistogram, ...rest } = after.saveCheckpoint('k', 'c', now)!;
        expect({ ...rest }).toEqual({ ...status, cpuHistogram: undefined, memoryHistogram: undefined, ...rest });
        for (const [saved, again] of [
          [status.cpuHistogram, cpuHistogram],
          [status.memoryHistogram, memoryHistogram],
        ] as const) {
          expect(again.bucketWeights).toEqual(saved.bucketWeights);
          expect(again.referenceTimestamp).toBe(saved.referenceTimestamp);
          expect(again.totalWeight ?? 0).toBeCloseTo(saved.totalWeight ?? 0, 9);
        }
      }),
    );
  });

  it('never collects what a pod fed lately, and knows at all times what it holds', () => {
    type Step = {
      readonly kind: 'add' | 'remove' | 'sample' | 'collect' | 'finish' | 'policy' | 'unpolicy' | 'relabel';
      readonly which: number;
      readonly days: number;
    };
    const step: fc.Arbitrary<Step> = fc.record({
      kind: fc.constantFrom('add', 'add', 'remove', 'sample', 'sample', 'sample', 'collect', 'finish', 'policy', 'unpolicy', 'relabel'),
      which: fc.nat({ max: 5 }),
      days: fc.nat({ max: 3 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { engine, state } = createEngine(defaultEstimationConfig);
        engine.setPolicy('all', policy(''));
        const fed = new Map<string, number>();
        const lost: unknown[] = [];
        let now = start;
        for (const { kind, which, days } of steps) {
          now += days * day;
          const facts = {
            name: `p${which}`,
            containers: [`c${which}`],
            labels: { app: which % 2 === 0 ? 'a' : 'b', tier: which > 3 ? 'web' : 'db' },
          };
          if (kind === 'add') engine.setPod(pod(facts));
          else if (kind === 'remove') engine.removePod('ns', facts.name);
          else if (kind === 'finish') engine.setPod(pod({ ...facts, phase: 'Succeeded' }));
          else if (kind === 'relabel') engine.setPod(pod({ ...facts, labels: { app: `a${days}`, 'job-name': 'j' } }));
          else if (kind === 'policy') engine.setPolicy(`k${which}`, policy(selectors[which + days]));
          else if (kind === 'unpolicy') engine.removePolicy(`k${which}`);
          else if (kind === 'sample') {
            if (engine.observeUsage(usage({ pod: facts.name, container: `c${which}`, at: now, cpu: 100, memory: 1e8 })).accepted === 1)
              fed.set(`c${which}`, now);
          } else {
            engine.collectGarbage(now, () => false);
            const names = engine.containerNames('all');
            lost.push(...[...fed].filter(([container, at]) => now - at < 8 * day && !names.includes(container)));
          }
          expect(held(state)).toEqual({ aggregates: engine.stats().aggregates, containers: engine.stats().containers });
        }
        expect(lost).toEqual([]);
        for (let index = 0; index < 6; index++) engine.removePod('ns', `p${index}`);
        engine.collectGarbage(now + 9 * day, () => false);
        expect(engine.stats()).toMatchObject({ aggregates: 0, containers: 0, pods: 0 });
        expect([...state.namespaces.get('ns')!.sets.keys()]).toEqual([]);
      }),
    );
  });
});

/** Counts by walking what the label sets and pods hold. */
function held(state: ReturnType<typeof createEngine>['state']): { aggregates: number; containers: number } {
  let [aggregates, containers] = [0, 0];
  for (const { sets, pods } of state.namespaces.values()) {
    for (const set of sets.values()) {
      for (let a = set.head; a >= 0; a = state.aggregates.nextOfSet[a]!) aggregates++;
      expect(set.pods).toBe([...pods.values()].filter((each) => each.set === set).length);
    }
    for (const { head } of pods.values()) for (let c = head; c >= 0; c = state.windows.nextOfPod[c]!) containers++;
  }
  return { aggregates, containers };
}

/** What does not depend on how the samples are divided into aggregates. */
function plainOf({ containers, evidence }: PolicyRecommendation): { readonly containers: unknown; readonly evidence: unknown } {
  const counts = evidence.map(({ container, samples, memoryPeaks, firstSample, lastSample }) => ({
    container,
    samples,
    memoryPeaks,
    firstSample,
    lastSample,
  }));
  return { containers, evidence: counts };
}
