import { describe, expect, it } from 'vitest';
import type { ScaleIntent } from '../../../core/model/index.ts';
import { pod } from './builders.fixture.ts';
import { intentPods, lookAhead } from './intents.ts';

const target = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'default', name: 'web' };
const { shape } = pod({ name: 'shape', cpu: '2' });

function intent(wantedReplicas: number, more: Partial<ScaleIntent> = {}): ScaleIntent {
  return { target, currentReplicas: 1, wantedReplicas, shape, at: 5, ...more };
}

const labels = { app: 'web', 'pod-template-hash': 'abc' };
const existing = [
  pod({ name: 'web-abc-1', owner: 'web-abc', labels }),
  pod({ name: 'web-abc-2', owner: 'web-abc', labels: { ...labels, newest: 'yes' }, created: '2026-02-01T00:00:00Z' }),
  pod({ name: 'other-1', owner: 'webb-abc', labels }),
];

describe('looking ahead', () => {
  it('makes the pods that are wanted and do not exist, as the newest of the target look', () => {
    const made = intentPods([intent(4)], existing);
    expect(made.map(({ name, uid }) => [name, uid])).toEqual([
      ['web-intent-0', 'intent:default/Deployment/web/0'],
      ['web-intent-1', 'intent:default/Deployment/web/1'],
    ]);
    expect(made[0]).toMatchObject({
      shape,
      phase: 'Pending',
      created: 5,
      labels: { newest: 'yes' },
      owner: { name: 'web-abc' },
      nodeName: undefined,
    });
  });

  it('makes none when enough are there, pending ones counted, or fewer are wanted', () => {
    expect(intentPods([intent(2)], existing)).toEqual([]);
    expect(intentPods([intent(0)], existing)).toEqual([]);
  });

  it('does not count pods that are on their way out', () => {
    const leaving = existing.map((each) => ({ ...each, deleted: 1 }));
    expect(intentPods([intent(2)], leaving)).toHaveLength(2);
  });

  it('names targets whose shape is not known: unknown is not zero', () => {
    expect(lookAhead([intent(4, { shape: undefined })], existing)).toEqual({
      pods: [],
      unknown: [{ target, reason: '2 replicas are wanted, but what a pod of it asks for is not known' }],
    });
  });

  it('stops at the limit, in the order of names, and says whom it left out', () => {
    const other = { ...target, name: 'api' };
    const { pods, unknown } = lookAhead([intent(9), intent(3, { target: other })], [], 5);
    expect(pods.map(({ name }) => name)).toEqual(['api-intent-0', 'api-intent-1', 'api-intent-2', 'web-intent-0', 'web-intent-1']);
    expect(unknown).toEqual([]);
    expect(lookAhead([intent(9), intent(3, { target: other })], [], 3).unknown).toMatchObject([{ target: { name: 'web' } }]);
  });

  it('knows the pods of a ReplicaSet, too', () => {
    const set = { ...target, kind: 'ReplicaSet', name: 'web-abc' };
    expect(intentPods([intent(3, { target: set })], existing)).toHaveLength(1);
  });
});
