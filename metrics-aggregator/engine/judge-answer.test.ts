import { describe, expect, it } from 'vitest';
import type { SourceState } from '../../core/model/metrics-view.ts';
import { judgeAnswer } from './judge-answer.ts';

const healthy: SourceState = { healthy: true, lastSuccess: 500 };
const answerOf = (podCount: number) => ({ ok: true as const, pods: { podCount } });
const name = 'metrics.k8s.io';

describe('judgeAnswer', () => {
  it('takes an empty list while pods run for a broken source', () => {
    const state = judgeAnswer(answerOf(0), { name, previous: healthy, runningPods: 3, now: 1000 });
    expect(state).toEqual({
      healthy: false,
      reason: 'source-broken',
      detail: 'metrics.k8s.io lists no pod although 3 are Running',
      since: 1000,
      lastSuccess: 500,
    });
  });

  it('takes an empty list of an empty cluster for what it is', () => {
    expect(judgeAnswer(answerOf(0), { name, previous: healthy, runningPods: 0, now: 1000 })).toEqual({ healthy: true, lastSuccess: 1000 });
  });

  it('keeps the first instant of an outage through all its failures', () => {
    const failure = { ok: false as const, reason: 'source-unavailable' as const, detail: '503' };
    const first = judgeAnswer(failure, { name, previous: healthy, runningPods: 3, now: 1000 });
    const second = judgeAnswer({ ...failure, reason: 'source-absent' }, { name, previous: first, runningPods: 3, now: 9000 });
    expect(second).toMatchObject({ healthy: false, reason: 'source-absent', since: 1000, lastSuccess: 500 });
    expect(judgeAnswer(answerOf(3), { name, previous: second, runningPods: 3, now: 9500 })).toEqual({ healthy: true, lastSuccess: 9500 });
  });
});
