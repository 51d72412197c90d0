import { describe, expect, it } from 'vitest';
import { selectNothing } from '../../../core/model/selector.ts';
import { defaultEstimationConfig, type EstimationConfig } from '../../config.ts';
import type { CheckpointStatus } from '../../model.ts';
import { day, freshUsage, minute, pod, policy, sizing, start, usage } from './engine.fixture.ts';
import { createEngine, createRecommenderEngine } from './recommender-engine.ts';
import type { RecommenderEngine } from './types.ts';

const exists = (): boolean => true;
const gone = (): boolean => false;

function engineWith(config: Partial<EstimationConfig> = {}): RecommenderEngine {
  return createRecommenderEngine({ ...defaultEstimationConfig, ...config });
}

/** A day of samples every minute, of this CPU and memory. */
function feedDay(engine: RecommenderEngine, name: string, cpu: number, memory: number): void {
  for (let index = 0; index <= 1440; index++) engine.observeUsage(usage({ pod: name, at: start + index * minute, cpu, memory }));
}

describe('usage', () => {
  it('is taken once, by time, and what is unknown, negative or not newer is told', () => {
    const engine = engineWith();
    engine.setPod(pod({ name: 'p', containers: ['c', 'd'], initContainers: ['init'] }));
    const answer = usage(
      { pod: 'p', at: start, cpu: 100, memory: 1e8 },
      { pod: 'stranger', at: start, cpu: 1 },
      { pod: 'p', container: 'x', at: start, cpu: 1 },
    );
    expect(engine.observeUsage(answer)).toEqual({ accepted: 1, unknown: 2, refused: 0 });
    expect(engine.observeUsage(answer)).toEqual({ accepted: 0, unknown: 2, refused: 1 });
    expect(engine.observeUsage(usage({ pod: 'p', container: 'd', at: start, cpu: -1 }))).toEqual({ accepted: 0, unknown: 0, refused: 1 });
    expect(engine.observeUsage(usage({ pod: 'p', container: 'init', at: start, cpu: 1 }))).toEqual({ accepted: 0, unknown: 0, refused: 0 });
    expect(engine.observeUsage(usage({ pod: 'p', container: 'd', at: start }))).toEqual({ accepted: 0, unknown: 0, refused: 0 });
  });

  it('without columns is taken the same way', () => {
    const samples = [0, 1, 2, 3].map((index) => ({ pod: 'p', at: start + index * minute, cpu: 100 + index, memory: 1e8 + index }));
    const answers = [usage, freshUsage].map((of) => {
      const engine = engineWith();
      engine.setPolicy('k', policy());
      engine.setPod(pod({ name: 'p' }));
      const observed = samples.map((sample) => engine.observeUsage(of(sample, { pod: 'q', at: start, cpu: 1 })));
      return [observed, engine.saveCheckpoint('k', 'c', start + day * 3)];
    });
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[0]![0]).toContainEqual({ accepted: 1, unknown: 1, refused: 0 });
  });

  it('finds containers that come, go and come again', () => {
    const engine = engineWith();
    engine.setPolicy('k', policy());
    const answer = (at: number) => usage({ pod: 'p', at, cpu: 100 }, { pod: 'q', at, cpu: 100 });
    engine.setPod(pod({ name: 'p' }));
    expect(engine.observeUsage(answer(start))).toMatchObject({ accepted: 1, unknown: 1 });
    engine.setPod(pod({ name: 'q' }));
    expect(engine.observeUsage(answer(start + 1))).toMatchObject({ accepted: 2, unknown: 0 });
    engine.removePod('ns', 'p');
    engine.setPod(pod({ name: 'new' }));
    expect(engine.observeUsage(answer(start + 2))).toMatchObject({ accepted: 1, unknown: 1 });
    engine.setPod(pod({ name: 'q', phase: 'Succeeded' }));
    expect(engine.observeUsage(answer(start + 3))).toEqual({ accepted: 0, unknown: 1, refused: 0 });
    expect(engine.stats()).toMatchObject({ containers: 2, pods: 2, aggregates: 1 });
  });

  it('of pods that only wait is not expected', () => {
    const engine = engineWith();
    engine.setPolicy('k', policy());
    engine.setPod(pod({ name: 'p', phase: 'Pending' }));
    expect(engine.podCount('k')).toBe(0);
    engine.setPod(pod({ name: 'p' }));
    expect(engine.podCount('k')).toBe(1);
  });
});

describe('a recommendation', () => {
  it('tells how it came about', () => {
    const engine = engineWith();
    engine.setPolicy('k', policy());
    engine.setPod(pod({ name: 'p' }));
    feedDay(engine, 'p', 200, 4e8);
    engine.observeOom({ namespace: 'ns', pod: 'p', container: 'c', memory: 5e8, at: start + day + minute });
    const { containers, evidence } = engine.recommend('k', start + day)!;
    expect(containers).toMatchObject([{ container: 'c', target: { cpu: 247 }, uncappedTarget: { cpu: 247 } }]);
    expect(evidence).toMatchObject([
      {
        samples: 1441,
        firstSample: start,
        lastSample: start + day,
        coverage: 1,
        memoryPeaks: 2,
        oomKills: 1,
        lastOom: { at: start + day + minute, from: 5e8, to: 5e8 + 100 * 2 ** 20 },
        resources: [
          {
            resource: 'cpu',
            percentiles: { lower: 0.5, target: 0.9, upper: 0.95 },
            estimates: { target: 215 },
            margin: 0.15,
            confidence: 1,
            minimum: 25,
            atMinimum: false,
          },
          { resource: 'memory', minimum: 262144000, atMinimum: false },
        ],
      },
    ]);
    expect(engine.recommend('other', start)).toBeUndefined();
  });

  it('takes the overrides of the container over those of the policy over the flags', () => {
    const engine = engineWith();
    const containers = [sizing({ container: 'c', estimation: { margin: { cpu: 1 } } }), sizing({ container: 'off', mode: 'Off' })];
    const estimation = { margin: { cpu: 0.5, memory: 0 }, podMinimum: { cpu: 1, memory: 1 }, targetPercentile: { memory: 1 } };
    engine.setPolicy('k', policy('app=a', { containers, estimation }));
    engine.setPod(pod({ name: 'p', containers: ['c', 'd', 'off'] }));
    for (const container of ['c', 'd']) engine.observeUsage(usage({ pod: 'p', container, at: start, cpu: 100, memory: 1e8 }));
    const { containers: recommended, evidence } = engine.recommend('k', start)!;
    expect(recommended.map(({ container, target }) => [container, target['cpu'], target['memory']])).toEqual([
      ['c', 220, 110265643],
      ['d', 165, 110265643],
    ]);
    expect(evidence[0]!.resources[1]).toMatchObject({ percentiles: { target: 1 }, margin: 0, minimum: 0 });
  });

  it('divides the pod minimum among the containers that live pods have, or as upstream among all', () => {
    const minimums = [true, false].map((splitOverLiveContainers) => {
      const engine = engineWith({ splitOverLiveContainers });
      engine.setPolicy('k', policy());
      engine.setPod(pod({ name: 'old', containers: ['old'] }));
      engine.setPod(pod({ name: 'p', containers: ['c'] }));
      engine.removePod('ns', 'old');
      return engine.recommend('k', start)!.evidence.map(({ resources }) => resources[0]!.minimum);
    });
    expect(minimums).toEqual([
      [25, 25],
      [12, 12],
    ]);
  });
});

describe('a policy', () => {
  it('keeps what was learnt and what was loaded when its selector changes', () => {
    const engine = engineWith();
    engine.setPolicy('k', policy('app=a'));
    engine.setPod(pod({ name: 'p', labels: { app: 'a', tier: 'web' } }));
    engine.observeUsage(usage({ pod: 'p', at: start, cpu: 100 }));
    const stored = engine.saveCheckpoint('k', 'c', start)!;
    engine.loadCheckpoint('k', 'loaded', stored);
    engine.setPolicy('k', policy('tier=web'));
    expect(engine.containerNames('k')).toEqual(['c', 'loaded']);
    expect(engine.saveCheckpoint('k', 'c', start)).toEqual(stored);
    engine.setPolicy('k', policy('tier=other'));
    expect(engine.containerNames('k')).toEqual(['loaded']);
    engine.setPolicy('k', policy('app in (a, b),tier'));
    expect(engine.saveCheckpoint('k', 'c', start)).toEqual(stored);
    engine.setPolicy('k', { ...policy(), selector: selectNothing });
    expect([engine.podCount('k'), engine.containerNames('k')]).toEqual([0, ['loaded']]);
    engine.removePolicy('k');
    expect([engine.podCount('k'), engine.recommend('k', start), engine.containerNames('k')]).toEqual([0, undefined, []]);
    expect(engine.stats()).toMatchObject({ aggregates: 1, policies: 0 });
  });

  it('sets what happens to the aggregates, the older of two first, and what it sets no more is as before', () => {
    const { engine, state } = createEngine(defaultEstimationConfig);
    engine.setPod(pod({ name: 'p' }));
    const settings = () => state.aggregates.settings[1]!;
    const defaults = settings();
    const bump = (ratio: number, created: number | undefined) =>
      policy('app=a', { containers: [sizing({ container: '*', oomBumpUpRatio: ratio })], created });
    engine.setPolicy('young', bump(2, 20));
    expect(settings().oomBumpUpRatio).toBe(2);
    engine.setPolicy(
      'old',
      policy('app=a', {
        containers: [sizing({ container: 'c', oomBumpUpRatio: 3 })],
        estimation: { halfLifeMs: { cpu: day / 2 } },
        created: 10,
      }),
    );
    expect(settings()).toMatchObject({ oomBumpUpRatio: 3, cpuHalfLifeMs: day / 2, memoryHalfLifeMs: day });
    engine.setPolicy('old', policy('app=a', { created: 10 }));
    expect(settings()).toMatchObject({ oomBumpUpRatio: 2, cpuHalfLifeMs: day });
    engine.setPolicy('old', bump(3, 30));
    expect(settings().oomBumpUpRatio).toBe(2);
    engine.removePolicy('young');
    expect(settings().oomBumpUpRatio).toBe(3);
    engine.removePolicy('old');
    expect(settings()).toBe(defaults);
  });

  it('does not see pods of other namespaces', () => {
    const engine = engineWith();
    engine.setPolicy('k', policy(''));
    engine.setPod(pod({ name: 'p', namespace: 'other' }));
    engine.setPod(pod({ name: 'q', labels: {} }));
    expect(engine.podCount('k')).toBe(1);
  });
});

describe('labels that are new in every run', () => {
  const run = (name: string, job: string, extra: Record<string, string> = {}) =>
    pod({ name, labels: { app: 'a', 'job-name': job, ...extra } });

  it('do not make aggregates of their own', () => {
    const engine = engineWith();
    engine.setPolicy('k', policy());
    for (let index = 0; index < 50; index++) {
      engine.setPod(run(`p${index}`, `job-${index}`));
      engine.observeUsage(usage({ pod: `p${index}`, at: start + index * minute, cpu: 100 }));
      engine.removePod('ns', `p${index}`);
    }
    expect(engine.stats().aggregates).toBe(1);
    expect(engine.recommend('k', start)!.evidence[0]!.samples).toBe(50);
    const upstream = createRecommenderEngine(defaultEstimationConfig, { upstreamKeys: true });
    for (let index = 0; index < 50; index++) upstream.setPod(run(`p${index}`, `job-${index}`));
    expect(upstream.stats().aggregates).toBe(50);
  });

  it('do for the pods of a policy that asks for them, from then on', () => {
    const engine = engineWith();
    engine.setPolicy('all', policy());
    engine.setPod(run('p1', 'one'));
    engine.setPod(run('p2', 'two'));
    for (const name of ['p1', 'p2']) engine.observeUsage(usage({ pod: name, at: start, cpu: 100, memory: 1e9 }));
    engine.setPolicy('one', policy('job-name=one'));
    expect([engine.podCount('one'), engine.podCount('all')]).toEqual([1, 2]);
    for (const name of ['p1', 'p2']) engine.observeUsage(usage({ pod: name, at: start + minute, cpu: 100 }));
    expect(engine.recommend('one', start)!.evidence[0]!.samples).toBe(1);
    expect(engine.recommend('all', start)!.evidence[0]!.samples).toBe(4);
    // The peak of the open window went with its container.
    expect(engine.saveCheckpoint('one', 'c', start + 2 * day)!.memoryHistogram.totalWeight).toBe(1);
    expect(engine.saveCheckpoint('all', 'c', start + 2 * day)!.memoryHistogram.totalWeight).toBe(2);
    engine.setPod(run('p3', 'three'));
    expect(engine.stats().aggregates).toBe(2);
    engine.removePolicy('one');
    expect(engine.recommend('all', start)!.evidence[0]!.samples).toBe(4);
  });

  it('are not taken for absent by a policy that asks for pods without them', () => {
    const engine = engineWith();
    engine.setPod(run('p1', 'one'));
    engine.setPod(pod({ name: 'plain' }));
    engine.setPolicy('k', policy('!job-name'));
    expect(engine.podCount('k')).toBe(1);
    engine.setPod(run('p2', 'two'));
    engine.setPod(pod({ name: 'plain-2' }));
    expect(engine.podCount('k')).toBe(2);
  });
});

describe('a relabelled pod', () => {
  it('takes the peak of its open window with it', () => {
    const engine = engineWith();
    engine.setPolicy('a', policy('app=a'));
    engine.setPolicy('b', policy('app=b'));
    engine.setPod(pod({ name: 'p' }));
    engine.observeUsage(usage({ pod: 'p', at: start, memory: 5e8 }));
    engine.setPod(pod({ name: 'p', labels: { app: 'b' } }));
    engine.observeUsage(usage({ pod: 'p', at: start + minute, memory: 9e8 }));
    expect(engine.saveCheckpoint('a', 'c', start + 2 * day)!.memoryHistogram.bucketWeights).toBeUndefined();
    expect(engine.saveCheckpoint('b', 'c', start + 2 * day)!.memoryHistogram).toMatchObject({
      totalWeight: 1,
      bucketWeights: { 34: 10_000 },
    });
  });
});

describe('a checkpoint', () => {
  it('leaves open windows out and is the same as text', () => {
    const engine = createRecommenderEngine(defaultEstimationConfig);
    engine.setPolicy('k', policy());
    for (const name of ['p', 'q']) engine.setPod(pod({ name }));
    engine.observeUsage(usage({ pod: 'p', at: start, cpu: 100, memory: 5e8 }, { pod: 'q', at: start, cpu: 150, memory: 6e8 }));
    const [early, late] = [start + minute, start + 2 * day].map((now) => engine.saveCheckpoint('k', 'c', now)!);
    expect(early!.memoryHistogram).toEqual({ referenceTimestamp: '2026-01-02T00:00:00Z' });
    expect(late!.memoryHistogram).toEqual({
      referenceTimestamp: '2026-01-02T00:00:00Z',
      bucketWeights: { 25: 10_000, 28: 10_000 },
      totalWeight: 2,
    });
    for (const now of [start + minute, start + 2 * day])
      expect(engine.checkpointText('k', 'c', now)).toBe(JSON.stringify(engine.saveCheckpoint('k', 'c', now)));
    expect(engine.checkpointText('k', 'x', start)).toBeUndefined();
    engine.setPod(pod({ name: 'p', containers: ['c', 'idle'] }));
    expect(engine.checkpointText('k', 'idle', start)).toBe(JSON.stringify(engine.saveCheckpoint('k', 'idle', start)));
  });

  const fine: CheckpointStatus = {
    version: 'v3',
    cpuHistogram: { bucketWeights: { 5: 10_000 }, totalWeight: 1, referenceTimestamp: '2026-01-01T00:00:00Z' },
    memoryHistogram: {},
    totalSamplesCount: 10,
  };

  it.each([
    [{ version: 'v2' }, 'has a version other than v3'],
    [{ cpuHistogram: { totalWeight: -1 } }, 'its cpu histogram has the total weight -1'],
    [
      { memoryHistogram: { bucketWeights: { 176: 1 }, totalWeight: 1 } },
      'its memory histogram has a weight for bucket "176", but there are 176 buckets',
    ],
    [{ memoryHistogram: { bucketWeights: { '-1': 1 }, totalWeight: 1 } }, 'a weight for bucket "-1"'],
    [{ cpuHistogram: { bucketWeights: { 1: Number.NaN }, totalWeight: 1 } }, 'has the weight "NaN" in bucket 1'],
    [{ cpuHistogram: { referenceTimestamp: 'yesterday\n' } }, 'has the reference time "yesterday?", which is not RFC 3339'],
    [{ firstSampleStart: 'x' }, 'firstSampleStart is not an RFC 3339 time'],
    [{ totalSamplesCount: -1 }, 'totalSamplesCount is not a number from 0 up'],
    [{ memoryHistogram: undefined as never }, 'its memory histogram is missing'],
  ])('that is wrong is refused as a whole: %j', (wrong, sentence) => {
    const engine = engineWith();
    engine.setPolicy('k', policy());
    const answer = engine.loadCheckpoint('k', 'c', { ...fine, ...wrong });
    expect(answer).toMatchObject({ ok: false });
    expect(!answer.ok && answer.message).toContain(sentence);
    expect(engine.stats().aggregates).toBe(0);
  });

  it('adds to what is there, and the second one takes the place of the first', () => {
    const engine = engineWith();
    expect(engine.loadCheckpoint('k', 'c', fine)).toMatchObject({ ok: false });
    engine.setPolicy('k', policy());
    engine.setPod(pod({ name: 'p' }));
    engine.observeUsage(usage({ pod: 'p', at: start, cpu: 100 }));
    expect(engine.loadCheckpoint('k', 'c', fine)).toEqual({ ok: true });
    expect(engine.saveCheckpoint('k', 'c', start)).toMatchObject({
      totalSamplesCount: 11,
      cpuHistogram: { totalWeight: 1.1, bucketWeights: { 5: 10_000, 8: 1000 } },
    });
    engine.loadCheckpoint('k', 'c', { ...fine, totalSamplesCount: 20 });
    expect(engine.saveCheckpoint('k', 'c', start)).toMatchObject({ totalSamplesCount: 21 });
    engine.forgetContainer('k', 'c');
    expect(engine.saveCheckpoint('k', 'c', start)).toMatchObject({ totalSamplesCount: 1 });
    engine.removePod('ns', 'p');
    engine.forgetContainer('k', 'c');
    expect(engine.containerNames('k')).toEqual([]);
    expect(engine.stats().aggregates).toBe(0);
  });
});

describe('garbage', () => {
  it('is what is old, and what never had a sample and whose pods will not come back', () => {
    const engine = engineWith();
    engine.setPolicy('k', policy());
    for (const name of ['cpu', 'memory', 'empty']) engine.setPod(pod({ name, containers: [name] }));
    engine.observeUsage(
      usage({ pod: 'cpu', container: 'cpu', at: start, cpu: 1 }, { pod: 'memory', container: 'memory', at: start + day, memory: 1e8 }),
    );
    for (const name of ['cpu', 'memory']) engine.removePod('ns', name);
    expect(engine.collectGarbage(start + 7 * day, gone)).toBe(0);
    expect(engine.collectGarbage(start + 8 * day, gone)).toBe(1);
    expect(engine.containerNames('k')).toEqual(['empty', 'memory']);
    expect(engine.collectGarbage(start + 9 * day, gone)).toBe(1);
    engine.setPod(pod({ name: 'empty', containers: ['empty'], phase: 'Failed' }));
    expect(engine.collectGarbage(start + 9 * day, exists)).toBe(0);
    expect(engine.collectGarbage(start + 9 * day, gone)).toBe(1);
    expect(engine.stats()).toMatchObject({ aggregates: 0, pods: 1 });
  });

  it('that a container still feeds comes to life with the next sample', () => {
    const engine = engineWith();
    engine.setPolicy('k', policy());
    engine.setPod(pod({ name: 'p' }));
    engine.observeUsage(usage({ pod: 'p', at: start, cpu: 100 }));
    expect(engine.collectGarbage(start + 9 * day, exists)).toBe(1);
    expect(engine.containerNames('k')).toEqual([]);
    expect(engine.observeUsage(usage({ pod: 'p', at: start + 9 * day, cpu: 100 })).accepted).toBe(1);
    expect(engine.recommend('k', start)!.evidence[0]!.samples).toBe(1);
  });

  it('leaves nothing of a namespace', () => {
    const { engine, state } = createEngine(defaultEstimationConfig);
    engine.setPolicy('k', policy());
    engine.setPod(pod({ name: 'p' }));
    engine.observeUsage(usage({ pod: 'p', at: start, cpu: 100 }));
    engine.removePod('ns', 'p');
    engine.removePolicy('k');
    expect(state.namespaces.size).toBe(1);
    engine.collectGarbage(start + 9 * day, gone);
    expect(state.namespaces.size).toBe(0);
  });
});

describe('history', () => {
  const series = (timestamps: readonly number[], labels = { app: 'a' }, name = 'p') => ({
    namespace: 'ns',
    pod: name,
    container: 'c',
    labels,
    timestamps: Float64Array.from(timestamps),
    cpu: Float64Array.from(timestamps, () => 0.1),
    memory: Float64Array.from(timestamps, () => 5e8),
  });

  it('of a pod that is gone is kept under its labels', () => {
    const engine = engineWith();
    engine.setPolicy('k', policy());
    expect(engine.observeHistory(series([start, start + day]))).toBe(2);
    expect(engine.recommend('k', start)!.evidence[0]).toMatchObject({ samples: 2, memoryPeaks: 2, firstSample: start });
    expect(engine.observeHistory(series([]))).toBe(0);
  });

  it('of a live pod goes on into what is measured of it, and does not count that again', () => {
    const engine = engineWith();
    engine.setPolicy('k', policy());
    engine.setPod(pod({ name: 'p' }));
    expect(engine.observeHistory(series([start, start + minute]))).toBe(2);
    expect(engine.observeUsage(usage({ pod: 'p', at: start + minute, cpu: 100 }))).toMatchObject({ refused: 1 });
    expect(engine.observeUsage(usage({ pod: 'p', at: start + 2 * minute, cpu: 100, memory: 4e8 }))).toMatchObject({ accepted: 1 });
    expect(engine.recommend('k', start)!.evidence[0]).toMatchObject({ samples: 3, memoryPeaks: 1 });
    // Loaded again after it was measured: only what is older.
    expect(engine.observeHistory(series([start + minute, start + 2 * minute, start + 3 * minute]))).toBe(1);
  });

  it('takes unknown values for none', () => {
    const engine = engineWith();
    engine.setPolicy('k', policy());
    const unknown = {
      ...series([start, start + minute]),
      cpu: Float64Array.of(Number.NaN, 0.1),
      memory: Float64Array.of(Number.NaN, Number.NaN),
    };
    expect(engine.observeHistory(unknown)).toBe(1);
    expect(engine.recommend('k', start)!.evidence[0]).toMatchObject({ samples: 1, memoryPeaks: 0 });
  });
});

it('an OOM kill of an unknown container, or one that is too old, is refused', () => {
  const engine = engineWith();
  engine.setPod(pod({ name: 'p' }));
  const kill = { namespace: 'ns', pod: 'p', container: 'c', memory: 1e9, at: start };
  expect(engine.observeOom({ ...kill, pod: 'q' })).toBe(false);
  expect(engine.observeOom({ ...kill, container: 'd' })).toBe(false);
  expect(engine.observeOom(kill)).toBe(true);
  expect(engine.observeOom({ ...kill, at: start - day - 1 })).toBe(false);
  engine.setPod(pod({ name: 'p', phase: 'Failed' }));
  expect(engine.observeOom({ ...kill, at: start + minute, memory: 2e9 })).toBe(true);
});
