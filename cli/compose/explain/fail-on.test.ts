import { describe, expect, it } from 'vitest';
import { readingOf, recommendFrom } from '../recommend-from.ts';
import { failOn, failSentences, readFailConditions } from './fail-on.ts';
import { recommendationItem } from './recommendation-report.ts';
import { itemsOf as requestsOf, recommended, verticalPolicy, type RequestsScene } from './requests-scene.fixture.ts';
import { cpu, outage, policy, queue, settings, snapshotOf, usage, type Scene } from './scene.fixture.ts';

function itemOf(scene: Scene) {
  const snapshot = snapshotOf(scene);
  const reading = readingOf(snapshot, settings);
  return recommendationItem(recommendFrom(snapshot, settings, reading)[0]!, reading);
}

const steady = itemOf({ replicas: 4, usage: usage(4, 80) });
const growing = itemOf({ replicas: 3, usage: usage(3, 150) });
const cooling = itemOf({ replicas: 3, usage: usage(3, 150), policy: policy({}, { status: { lastScaleUpTime: '2026-11-22T05:59:00Z' } }) });
const capped = itemOf({ replicas: 3, usage: usage(3, 150), policy: policy({ maxReplicas: 3 }) });
const invalid = itemOf({ replicas: 3, policy: policy({ maxReplicas: 0 }) });
const both = { metrics: [cpu, queue] };
const missing = itemOf({ replicas: 4, usage: usage(4, 30), queue: outage, policy: policy(both) });
const growsAllTheSame = itemOf({ replicas: 4, usage: usage(4, 150), queue: outage, policy: policy(both) });
const fallback = itemOf({
  replicas: 4,
  usage: usage(4, 30),
  queue: outage,
  policy: policy({ ...both, fallback: { failureThreshold: 1, replicas: 4 } }),
});
const doubted = itemOf({
  replicas: 4,
  usage: usage(4, 80),
  parts: {
    metrics: { ...snapshotOf({ replicas: 4, usage: usage(4, 80) }).metrics, doubt: { reason: 'partial', detail: 'half is missing' } },
  },
});

describe('readFailConditions', () => {
  it('reads one or several, in an order of its own', () => {
    expect(readFailConditions('held')).toEqual(['held']);
    expect(readFailConditions('missing-data, held,change')).toEqual(['held', 'change', 'missing-data']);
  });

  it('names the word that is none', () => {
    expect(readFailConditions('held,often')).toEqual({ wrong: 'often' });
    expect(readFailConditions('')).toEqual({ wrong: '' });
  });
});

describe('failOn', () => {
  const met = (condition: 'held' | 'change' | 'missing-data', item: typeof steady): string | undefined =>
    failOn([condition], [item]).reasons[0]?.message;

  it('held: what a cooldown, a conflict, a mode or missing data keeps from being done; not what bounds it', () => {
    expect(met('held', steady)).toBeUndefined();
    expect(met('held', growing)).toBeUndefined();
    expect(met('held', capped)).toBeUndefined();
    expect(met('held', cooling)).toBe('is held by cooldown (2m left)');
    expect(met('held', invalid)).toBe('is held by invalid-policy');
    expect(met('held', missing)).toBe('is held by missing-data');
  });

  it('change: what would set another size now', () => {
    expect(met('change', growing)).toBe('would go from 3 to 6 replicas');
    for (const item of [steady, cooling, capped, missing]) expect(met('change', item)).toBeUndefined();
  });

  it('missing-data: also where it holds nothing at the moment', () => {
    for (const item of [steady, growing, cooling]) expect(met('missing-data', item)).toBeUndefined();
    for (const item of [missing, growsAllTheSame, fallback]) expect(met('missing-data', item)).toMatch(/^lacks queue: external\.metrics/);
    expect(met('missing-data', doubted)).toBe('knows cpu in part only: half is missing');
  });

  it('is said in one sentence for each condition', () => {
    const all = failOn(['held', 'change'], [cooling, missing, growing]);
    expect(all.failed).toBe(true);
    expect(failSentences(all)).toEqual([
      '--fail-on held: HorizontalPolicy shop/web is held by cooldown (2m left), and 1 more',
      '--fail-on change: HorizontalPolicy shop/web would go from 3 to 6 replicas',
    ]);
    expect(failSentences(failOn(['held'], [steady]))).toEqual([]);
  });
});

describe('failOn of requests', () => {
  const first = (scene: RequestsScene) => requestsOf(scene)[0]!;
  const met = (condition: 'held' | 'change' | 'missing-data', scene: RequestsScene): string | undefined =>
    failOn([condition], [first(scene)]).reasons[0]?.message;

  it('change: a request that would be set now', () => {
    expect(met('change', {})).toBe('would set the cpu request of container c from 100m to 224m');
    expect(met('change', { policies: [verticalPolicy({ mode: 'Paused' })] })).toBeUndefined();
  });

  it('held: what keeps it from being set, not the range that it is in', () => {
    expect(met('held', {})).toBeUndefined();
    expect(met('held', { policies: [verticalPolicy({ mode: 'Paused' })] })).toBe('is held by paused');
    expect(met('held', { policies: [verticalPolicy({}, recommended('105m', '66Mi'))] })).toBeUndefined();
  });

  it('missing-data: nothing is known of it', () => {
    expect(met('missing-data', { usage: [], vertical: { checkpoints: [] } })).toMatch(/^is held by missing data: nothing is recommended/);
    expect(met('missing-data', {})).toBeUndefined();
  });
});
