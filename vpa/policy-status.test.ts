import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../core/model/object.ts';
import { annotationRevision, historyOf, recommendationOf } from './policy.ts';

const provided = [{ type: 'RecommendationProvided', status: 'True', reason: '', message: '', lastTransitionTime: '2026-11-01T00:00:00Z' }];

function object(status: unknown, kind = 'VerticalPolicy', annotations: Record<string, string> = {}): KubeObject {
  return { apiVersion: 'x/v1', kind, metadata: { name: 'web', namespace: 'shop', annotations }, spec: {}, status };
}

describe('recommendationOf', () => {
  it('reads amounts, sorted by container', () => {
    const containerRecommendations = [
      { containerName: 'web', target: { cpu: '25m', memory: '262144k' }, upperBound: { cpu: '100T' } },
      {
        containerName: 'app',
        target: { cpu: '1', memory: '1Gi' },
        lowerBound: { cpu: '0.5' },
        uncappedTarget: { cpu: '1500m' },
        evidence: {},
      },
    ];
    expect(recommendationOf(object({ conditions: provided, recommendation: { containerRecommendations } }))).toEqual({
      containers: [
        {
          container: 'app',
          target: { cpu: 1000, memory: 2 ** 30 },
          lowerBound: { cpu: 500 },
          upperBound: {},
          uncappedTarget: { cpu: 1500 },
        },
        { container: 'web', target: { cpu: 25, memory: 262_144_000 }, lowerBound: {}, upperBound: { cpu: 1e17 }, uncappedTarget: {} },
      ],
    });
  });

  const recommendation = { containerRecommendations: [{ containerName: 'app', target: { cpu: '1' } }] };

  it.each<[string, unknown]>([
    ['no status', undefined],
    ['a status of another form', 'x'],
    ['no condition', { recommendation }],
    ['one that says that there is none', { conditions: [{ ...provided[0], status: 'False' }], recommendation }],
    ['no recommendation', { conditions: provided }],
    ['one of another form', { conditions: provided, recommendation: { containerRecommendations: 'x' } }],
    ['conditions of another form', { conditions: [null, 'x'], recommendation }],
  ])('is none with %s', (_, status) => {
    expect(recommendationOf(object(status))).toBeUndefined();
  });

  it('leaves out what cannot be read: unknown is not zero', () => {
    const containerRecommendations = [
      null,
      { target: { cpu: '1' } },
      { containerName: 'no-target' },
      { containerName: 'app', target: { cpu: 'x', memory: '1Gi', '': '1' }, lowerBound: [] },
    ];
    expect(recommendationOf(object({ conditions: provided, recommendation: { containerRecommendations } }))).toEqual({
      containers: [{ container: 'app', target: { memory: 2 ** 30 }, lowerBound: {}, upperBound: {}, uncappedTarget: {} }],
    });
  });
});

describe('historyOf', () => {
  const times = { lastScaleUpTime: '2026-11-01T00:00:10Z', lastScaleDownTime: '2026-11-01T00:00:20Z' };
  const annotations = {
    'concertina.dev/last-scale-up-time': '2026-11-01T00:00:30Z',
    'concertina.dev/last-scale-down-time': 'soon',
  };

  it('is in the status of a VerticalPolicy', () => {
    const start = Date.UTC(2026, 10, 1);
    expect(historyOf(object(times, 'VerticalPolicy', annotations))).toEqual({ lastScaleUp: start + 10_000, lastScaleDown: start + 20_000 });
    expect(historyOf(object({ lastScaleUpTime: 5 }))).toEqual({ lastScaleUp: undefined, lastScaleDown: undefined });
  });

  it('is in the annotations of a VerticalPodAutoscaler, whether it says its kind or not', () => {
    const history = { lastScaleUp: Date.UTC(2026, 10, 1, 0, 0, 30), lastScaleDown: undefined };
    expect(historyOf(object(times, 'VerticalPodAutoscaler', annotations))).toEqual(history);
    const { kind: _, ...raw } = object(times, '', annotations);
    expect(historyOf({ ...raw, apiVersion: 'autoscaling.k8s.io/v1' })).toEqual(history);
  });
});

describe('annotationRevision', () => {
  it('changes with the annotations that are read, and with no others', () => {
    const of = (annotations: Record<string, string>): string => annotationRevision(object(undefined, 'VerticalPolicy', annotations));
    const integer = 'vpa-post-processor.kubernetes.io/app_integerCPU';
    expect(of({ other: '1', 'concertina.dev/last-scale-up-time': '2026-11-01T00:00:30Z' })).toBe(of({}));
    expect(of({ [integer]: 'true' })).not.toBe(of({}));
    expect(of({ [integer]: 'true' })).not.toBe(of({ [integer]: 'false' }));
    expect(of({ 'concertina.dev/paused': 'true' })).not.toBe(of({}));
    expect(of({ [integer]: 'true', 'concertina.dev/paused': 'true' })).toBe(of({ 'concertina.dev/paused': 'true', [integer]: 'true' }));
  });
});
