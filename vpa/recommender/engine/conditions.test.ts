import { expect, test } from 'vitest';
import type { Condition } from '../../../core/model/condition.ts';
import type { Recommendation } from '../../model.ts';
import {
  conditionsOfStatus,
  nextStatus,
  recommendationJson,
  recommendationOfStatus,
  sameStatus,
  statusPatch,
  type StatusFacts,
} from './conditions-status.ts';
import { createMissingTracker, handlesPolicy, lastTargets } from './conditions-tracking.ts';
import { nextConditions } from './conditions.ts';

const t0 = Date.parse('2026-01-01T00:00:00Z');
const hour = 3_600_000;
const one: Recommendation = {
  containers: [
    {
      container: 'app',
      target: { cpu: 587, memory: 262_144_000 },
      lowerBound: { cpu: 25, memory: 262_144_000 },
      upperBound: { cpu: 1_000, memory: 1e14 },
      uncappedTarget: { cpu: 587, memory: 1_234_567 },
    },
  ],
};

function facts(more: Partial<StatusFacts>): StatusFacts {
  return { observed: undefined, generation: 3, recommendation: one, podCount: 2, unsupported: null, now: t0, ...more };
}

test('quantities are written as upstream writes them', () => {
  expect(recommendationJson(one)).toEqual({
    containerRecommendations: [
      {
        containerName: 'app',
        target: { cpu: '587m', memory: '262144k' },
        lowerBound: { cpu: '25m', memory: '262144k' },
        upperBound: { cpu: '1', memory: '100T' },
        uncappedTarget: { cpu: '587m', memory: '1234567' },
      },
    ],
  });
  expect(recommendationJson({ containers: [] })).toEqual({});
});

test('what is written is read back, but only while it is provided', () => {
  const status = nextStatus(facts({}));
  expect(recommendationOfStatus(status)).toEqual(one);
  expect(recommendationOfStatus({ ...status, conditions: [{ type: 'RecommendationProvided', status: 'False' }] })).toBeUndefined();
  expect(recommendationOfStatus({ ...status, conditions: null })).toBeUndefined();
  expect(recommendationOfStatus({ recommendation: null })).toBeUndefined();
  expect(recommendationOfStatus('nonsense')).toBeUndefined();
});

test('foreign spellings are read, rounded up; what is no amount is left out', () => {
  const recommendation = {
    containerRecommendations: [
      {
        containerName: 'b',
        target: { cpu: '0.5', memory: '1Gi' },
        lowerBound: { cpu: '1u', memory: '1500m' },
        upperBound: { cpu: 'x', memory: '1E' },
      },
      { containerName: 'a', target: { cpu: 2 } },
      { target: { cpu: 2 } },
      'nonsense',
    ],
  };
  const read = recommendationOfStatus({ recommendation, conditions: [{ type: 'RecommendationProvided', status: 'True' }] });
  expect(read?.containers).toEqual([
    { container: 'a', target: { cpu: 2000 }, lowerBound: {}, upperBound: {}, uncappedTarget: {} },
    { container: 'b', target: { cpu: 500, memory: 2 ** 30 }, lowerBound: { cpu: 1, memory: 2 }, upperBound: {}, uncappedTarget: {} },
  ]);
});

test('conditions are sorted, carry the generation, and their time moves with the status only', () => {
  const first = nextStatus(facts({ recommendation: { containers: [] }, podCount: 0, unsupported: 'targetRef: no such kind' }));
  expect(first.conditions).toEqual([
    {
      type: 'ConfigUnsupported',
      status: 'True',
      message: 'targetRef: no such kind',
      observedGeneration: 3,
      lastTransitionTime: '2026-01-01T00:00:00Z',
    },
    {
      type: 'NoPodsMatched',
      status: 'True',
      reason: 'NoPodsMatched',
      message: 'No pods match this VPA object',
      observedGeneration: 3,
      lastTransitionTime: '2026-01-01T00:00:00Z',
    },
    {
      type: 'RecommendationProvided',
      status: 'False',
      reason: 'NoPodsMatched',
      message: 'No pods match this VPA object',
      observedGeneration: 3,
      lastTransitionTime: '2026-01-01T00:00:00Z',
    },
  ]);
  const second = nextStatus(facts({ observed: first, recommendation: { containers: [] }, now: t0 + hour, generation: 4 }));
  expect(second.conditions).toEqual([
    { type: 'RecommendationProvided', status: 'False', observedGeneration: 4, lastTransitionTime: '2026-01-01T00:00:00Z' },
  ]);
  const third = nextStatus(facts({ observed: second, now: t0 + 2 * hour }));
  expect(third.conditions).toMatchObject([{ type: 'RecommendationProvided', status: 'True', lastTransitionTime: '2026-01-01T02:00:00Z' }]);
});

test('what is not known now stays as it was said; conditions of others stay, ConfigDeprecated goes', () => {
  const conditions: Condition[] = ['ConfigDeprecated', 'ConfigUnsupported', 'LowConfidence', 'NoPodsMatched', 'RecommendationProvided'].map(
    (type) => ({
      type,
      status: 'True',
      reason: 'r',
      message: 'm',
      lastTransitionTime: '2025-01-01T00:00:00Z',
    }),
  );
  const unknown = { generation: 9, now: t0, recommendation: undefined, podCount: undefined, unsupported: undefined };
  expect(nextConditions({ ...unknown, conditions })).toEqual(conditions.slice(1));
  expect(nextConditions({ ...unknown, conditions, podCount: 1, unsupported: null }).map(({ type }) => type)).toEqual([
    'LowConfidence',
    'RecommendationProvided',
  ]);
});

test('conditions that are not whole are read as far as they go', () => {
  expect(conditionsOfStatus({ conditions: [{ type: 'A', status: 'maybe' }, { status: 'True' }, 5, null] })).toEqual([
    { type: 'A', status: 'Unknown', lastTransitionTime: '1970-01-01T00:00:00Z', reason: '', message: '' },
  ]);
});

test('nothing is written when nothing differs, whatever the spelling', () => {
  const next = nextStatus(facts({}));
  expect(statusPatch(JSON.parse(JSON.stringify(next)), next)).toEqual([]);
  const respelled = {
    observedGeneration: 3,
    conditions: next.conditions.map((each) => ({ message: '', reason: null, ...each })),
    recommendation: {
      containerRecommendations: [
        {
          uncappedTarget: { memory: '1234567', cpu: '0.587' },
          containerName: 'app',
          upperBound: { cpu: 1, memory: '100000G' },
          lowerBound: { memory: '251Mi', cpu: '25m' },
          target: { cpu: '587m', memory: '262144000' },
        },
      ],
    },
  };
  expect(sameStatus(respelled, next)).toBe(false);
  (respelled.recommendation.containerRecommendations[0] as { lowerBound: object }).lowerBound = { memory: '250Mi', cpu: '25m' };
  expect(sameStatus(respelled, { ...next, others: {} })).toBe(true);
  expect(statusPatch(respelled, next)).toEqual([]);
  expect(sameStatus(undefined, {})).toBe(true);
});

test('an object without status gets a whole one, one with a status only what differs: fields of others stay', () => {
  const next = nextStatus(facts({}));
  expect(statusPatch(undefined, next)).toEqual([{ op: 'add', path: '/status', value: next }]);
  const observed = { ...(JSON.parse(JSON.stringify(next)) as object), lastDecision: { of: 'the updater' }, observedGeneration: 2 };
  expect(statusPatch(observed, next)).toEqual([{ op: 'add', path: '/status/observedGeneration', value: 3 }]);
  const kept = nextStatus(facts({ observed, recommendation: undefined, podCount: undefined, generation: 3 }));
  expect(statusPatch({ ...observed, observedGeneration: 3 }, kept)).toEqual([]);
  const none = nextStatus(facts({ observed, recommendation: { containers: [] } }));
  expect(statusPatch(observed, none).map(({ op, path }) => `${op} ${path}`)).toEqual([
    'add /status/recommendation',
    'add /status/conditions',
    'add /status/observedGeneration',
  ]);
});

test('a policy without recommendation is warned of after 30 minutes and every 30 more', () => {
  const tracker = createMissingTracker();
  const at = (minutes: number, has = false): boolean => tracker.record('p', has, t0 + minutes * 60_000);
  expect([at(0), at(30), at(31), at(32), at(61), at(62)]).toEqual([false, false, true, false, false, true]);
  expect(tracker.size).toBe(1);
  expect([at(63, true), at(64), at(94), at(95)]).toEqual([false, false, false, true]);
  tracker.forget('p');
  expect(tracker.size).toBe(0);
});

test('a recommender handles its own policies, in its own namespaces', () => {
  const handles = (recommenders: readonly string[], scope: object, namespace = 'shop'): boolean =>
    handlesPolicy({ recommenders, namespace }, { name: 'default', ...scope });
  expect([handles([], {}), handles(['default'], {}), handles(['x'], {})]).toEqual([true, true, false]);
  expect([handles([], { name: 'x' }), handles(['x'], { name: 'x' })]).toEqual([false, true]);
  expect([handles([], { namespace: 'shop' }), handles([], { namespace: 'other' }), handles([], { namespace: '' })]).toEqual([
    true,
    false,
    true,
  ]);
  expect([handles([], { ignoredNamespaces: ['shop'] }), handles([], { ignoredNamespaces: [''] })]).toEqual([false, true]);
});

test('last targets are those of containers that are there', () => {
  const last = lastTargets(
    new Map([
      ['app', undefined],
      ['log', { cpu: 5 }],
    ]),
    { containers: [...one.containers, { ...one.containers[0]!, container: 'new' }] },
  );
  expect([...last]).toEqual([
    ['app', { cpu: 587, memory: 1_234_567 }],
    ['log', { cpu: 5 }],
  ]);
});
