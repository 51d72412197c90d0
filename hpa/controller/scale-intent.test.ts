import { describe, expect, it } from 'vitest';
import type { Decision, Hold } from '../../core/model/decision.ts';
import { scaleIntent } from './scale-intent.ts';

const target = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web' };

function decided(to: number, ...by: readonly Hold['by'][]): Decision {
  const holds = by.map((each) => ({ by: each, message: each }));
  return {
    controller: 'hpa',
    subject: target,
    target,
    at: 5,
    from: 2,
    to,
    wanted: to,
    reason: 'AboveTarget',
    message: '',
    holds,
    trace: [],
  };
}

const wanted = (decision: Decision, proposed: number): number => scaleIntent(decision, { proposed, shape: undefined }).wantedReplicas;

describe('scaleIntent', () => {
  it('is what is proposed, though a cooldown or a rate limit still holds it', () => {
    expect(scaleIntent(decided(2, 'cooldown', 'rate-limit'), { proposed: 7, shape: undefined })).toEqual({
      target,
      currentReplicas: 2,
      wantedReplicas: 7,
      shape: undefined,
      at: 5,
    });
    expect(wanted(decided(4), 3)).toBe(4);
  });

  it.each(['dry-run', 'paused', 'conflict'] as const)('is what there will be where %s keeps anything from being set', (by) => {
    expect(wanted(decided(2, by), 7)).toBe(2);
  });
});
