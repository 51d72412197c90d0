import { describe, expect, it } from 'vitest';
import { createInterner } from '../../../core/model/interner.ts';
import { projectPod } from '../../../core/model/pod.ts';
import type { ContainerRecommendation } from '../../model.ts';
import { askedFor, holdShrinks } from './short-observation.ts';
import type { ContainerEvidence } from './types.ts';

const now = Date.UTC(2026, 10, 28, 12);
const hour = 3_600_000;
const day = 24 * hour;

const recommended: ContainerRecommendation = {
  container: 'app',
  target: { cpu: 100, memory: 400 },
  lowerBound: { cpu: 50, memory: 200 },
  upperBound: { cpu: 300, memory: 1e9 },
  uncappedTarget: { cpu: 100, memory: 400 },
};

function seen(sinceMs: number | undefined): ContainerEvidence[] {
  const firstSample = sinceMs === undefined ? undefined : now - sinceMs;
  return [
    {
      container: 'app',
      samples: 1,
      firstSample,
      lastSample: now,
      coverage: 1,
      memoryPeaks: 0,
      oomKills: 0,
      lastOom: undefined,
      resources: [],
    },
  ];
}

function held(sinceMs: number | undefined, requests: object | undefined = { cpu: 500, memory: 300 }, shrinkAfterMs = day) {
  const map = new Map(requests === undefined ? [] : [['app', requests as Record<string, number>]]);
  return holdShrinks([recommended], { shrinkAfterMs, evidence: seen(sinceMs), created: now - hour, kept: [], requests: map, now });
}

describe('usage that was seen for a short time', () => {
  it('may raise requests at once, and does not lower them', () => {
    const { containers, clamps } = held(hour);
    expect(containers[0]).toEqual({ ...recommended, target: { cpu: 500, memory: 400 }, upperBound: { cpu: 500, memory: 1e9 } });
    expect(clamps).toEqual([
      {
        container: 'app',
        resource: 'cpu',
        field: 'target',
        from: 100,
        to: 500,
        by: 'short-observation',
        message:
          'target cpu of container app stays at 500m, which the pods ask for, instead of 100m until 2026-11-29T11:00:00Z: requests are not lowered before usage was seen for 24 h (--vpa-shrink-after)',
      },
    ]);
  });

  it.each([
    ['long enough', day, undefined],
    ['longer', 30 * day, undefined],
    ['and the rule is off', hour, 0],
  ])('%s: as it is', (_, since, shrinkAfterMs) => {
    expect(held(since, undefined, shrinkAfterMs).containers).toEqual([recommended]);
    expect(held(since, { cpu: 500, memory: 800 }, shrinkAfterMs).clamps).toEqual([]);
  });

  it('is counted from the making of the policy where there is no first sample, so that it ends', () => {
    expect(held(undefined).clamps).toHaveLength(1);
    const rule = { shrinkAfterMs: day, evidence: seen(undefined), kept: [], requests: new Map([['app', { cpu: 500 }]]), now };
    expect(holdShrinks([recommended], { ...rule, created: now - 2 * day }).clamps).toEqual([]);
    expect(holdShrinks([recommended], { ...rule, created: undefined }).clamps).toEqual([]);
  });

  it('does not move what is as it was stored', () => {
    const kept = [{ container: 'app', resource: 'cpu' }];
    const rule = {
      shrinkAfterMs: day,
      evidence: seen(hour),
      created: now,
      kept,
      requests: new Map([['app', { cpu: 500, memory: 800 }]]),
      now,
    };
    expect(holdShrinks([recommended], rule).containers[0]?.target).toEqual({ cpu: 100, memory: 800 });
  });

  it('has nothing to hold to where no pod lives, or asks for nothing', () => {
    expect(
      holdShrinks([recommended], { shrinkAfterMs: day, evidence: seen(hour), created: undefined, kept: [], requests: new Map(), now })
        .containers,
    ).toEqual([recommended]);
    expect(held(hour, {}).containers).toEqual([recommended]);
  });
});

describe('what pods ask for', () => {
  const pod = (name: string, cpu: string, annotations: Record<string, string> = {}) =>
    projectPod(
      { metadata: { name, annotations }, spec: { containers: [{ name: 'app', resources: { requests: { cpu, memory: '1500m' } } }] } },
      createInterner(),
    );

  it('is the most of any of them; a boosted start is not asked for', () => {
    expect(askedFor([pod('a', '100m'), pod('b', '300m'), pod('c', '5', { 'vpaCpuStartupBoost/app': '{}' })])).toEqual(
      new Map([['app', { cpu: 300, memory: 2 }]]),
    );
  });
});
