import { describe, expect, it } from 'vitest';
import type { UsageFacts, UsageItem } from './metrics-apis.ts';
import { absent, failed, forbidden, pod, read, statusesOf } from './test-support.ts';
import { judgeUsage, type UsageContext } from './usage-checks.ts';

const now = 10_000_000;
const item = (place: string, ageMs = 10_000): UsageItem => {
  const [namespace = '', name = ''] = place.includes('/') ? place.split('/') : ['', place];
  return { namespace, name, timestamp: now - ageMs, windowMs: 15_000 };
};
const facts = (change: Partial<UsageFacts> = {}): UsageFacts => ({
  pods: read([item('shop/a'), item('shop/b', 40_000)]),
  nodes: read([item('node-a')]),
  tookMs: 8,
  ...change,
});
const context = (change: Partial<UsageContext> = {}): UsageContext => ({
  now,
  maxAgeMs: 180_000,
  pods: read([pod('shop/a'), pod('shop/b')]),
  readyNodes: ['node-a'],
  used: true,
  ...change,
});
const line = (of: Partial<UsageFacts>, within: Partial<UsageContext>, check: string) =>
  judgeUsage(facts(of), context(within)).find((each) => each.check === `metrics.k8s.io/${check}`);

describe('usage', () => {
  it('is well', () => {
    const checks = judgeUsage(facts(), context());
    expect(statusesOf(checks)).toEqual([
      'OK metrics.k8s.io/answer',
      'OK metrics.k8s.io/age',
      'OK metrics.k8s.io/coverage',
      'OK metrics.k8s.io/nodes',
    ]);
    expect(checks[1]).toMatchObject({
      message: 'the newest sample is 10 s old, the oldest 40 s, over a window of 15 s',
      values: { newestAgeSeconds: 10, oldestAgeSeconds: 40, windowSeconds: 15 },
    });
  });

  it.each([
    [failed, true, 'FAIL'],
    [failed, false, 'WARN'],
    [absent, true, 'FAIL'],
    [forbidden, true, 'SKIPPED'],
  ])('not answered (%o), used %s: %s, and nothing more', (pods, used, status) => {
    const checks = judgeUsage(facts({ pods }), context({ used }));
    expect(statusesOf(checks)).toEqual([`${status} metrics.k8s.io/answer`]);
  });

  it('an empty answer while pods run is not zero usage', () => {
    expect(line({ pods: read([]) }, {}, 'answer')).toMatchObject({
      status: 'FAIL',
      message: expect.stringContaining('no pod at all although 2 pods run') as unknown,
    });
    expect(line({ pods: read([]) }, { pods: read([]) }, 'answer')?.status).toBe('OK');
  });

  it('ages: all old, some old, in the future', () => {
    expect(line({ pods: read([item('shop/a', 200_000)]) }, {}, 'age')?.status).toBe('FAIL');
    expect(line({ pods: read([item('shop/a', 200_000), item('shop/b')]) }, {}, 'age')).toMatchObject({
      status: 'WARN',
      message: expect.stringContaining('1 sample older than 3 min') as unknown,
    });
    expect(line({ pods: read([item('shop/a', -60_000)]) }, {}, 'age')).toMatchObject({
      status: 'WARN',
      message: expect.stringContaining('60 s in the future') as unknown,
    });
    expect(line({ pods: read([item('shop/a', -2_000)]) }, {}, 'age')?.status).toBe('OK');
  });

  it('coverage counts pods that should have a sample, and no others', () => {
    const pods = read([
      pod('shop/a'),
      pod('shop/b'),
      pod('shop/new', { started: now - 20_000 }),
      pod('shop/done', { phase: 'Succeeded' }),
      pod('shop/waits', { phase: 'Pending' }),
    ]);
    expect(line({}, { pods }, 'coverage')).toMatchObject({ status: 'OK', values: { running: 2, missing: 0 } });
    const one = line({ pods: read([item('shop/a')]) }, { pods: read([pod('shop/a'), pod('shop/b'), pod('shop/c')]) }, 'coverage');
    expect(one).toMatchObject({ status: 'FAIL', values: { running: 3, missing: 2, missingPods: ['shop/b', 'shop/c'] } });
    expect(one?.message).toContain('33.3 % of 3 running pods have a sample; without: shop/b, shop/c');
    expect(line({}, { pods: read([pod('shop/a'), pod('shop/b'), pod('shop/c')]) }, 'coverage')?.status, 'a third').toBe('WARN');
    expect(line({}, { pods: forbidden }, 'coverage')?.status).toBe('SKIPPED');
    expect(line({}, { pods: read([]) }, 'coverage')?.status).toBe('OK');
  });

  it('nodes that are not scraped', () => {
    const nodes = line({}, { readyNodes: ['node-a', 'node-b'] }, 'nodes');
    expect(nodes).toMatchObject({ status: 'WARN', message: expect.stringContaining('1 node of 2 without a sample: node-b') as unknown });
    expect(line({ nodes: read([]) }, {}, 'nodes')?.status).toBe('FAIL');
    expect(line({ nodes: failed }, {}, 'nodes')?.status).toBe('WARN');
    expect(line({}, { readyNodes: undefined }, 'nodes')?.status).toBe('SKIPPED');
    expect(line({ nodes: undefined }, {}, 'nodes'), 'one namespace only').toBeUndefined();
  });
});
