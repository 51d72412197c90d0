import { describe, expect, it } from 'vitest';
import { completeBehavior } from './behavior.ts';
import { cpuMetric, evaluationInput, now, outage, queued, queueMetric, readyPod, readyPods, spec, usage } from './builders.fixture.ts';
import { evaluate } from './evaluate.ts';
import type { EvaluationInput } from './model.ts';
import { whatWouldChange } from './outlook.ts';

function outlook(input: EvaluationInput) {
  return whatWouldChange(input, evaluate(input));
}

describe('whatWouldChange', () => {
  it('gives the loads at which one replica more or less is asked for, tolerance and rounding included', () => {
    const { metrics, lines } = outlook(evaluationInput(4, 800));
    // 80 % ± 10 % is 72…88; and from 88 on 4 × 89 / 80 is more than 4. Below, ceil(4 × p / 80) ≤ 3 from 60 % on.
    expect(metrics).toEqual([
      {
        metric: 'cpu',
        now: '80 % of request',
        known: true,
        replicas: 4,
        up: { kind: 'at', replicas: 5, value: '89 % of request', totalMilli: '3560' },
        down: { kind: 'at', replicas: 3, value: '60 % of request', totalMilli: '2439' },
      },
    ]);
    expect(lines).toEqual([
      'Grows to 5 replicas when cpu reaches 89 % of request (now 80 % of request)',
      'Shrinks when cpu falls to 60 % of request (now 80 % of request)',
    ]);
  });

  it('explains why a target under its target does not shrink', () => {
    // 3 × 68 / 80 = 2.55: with two replicas it would be above the target.
    expect(outlook(evaluationInput(3, 680)).lines).toContain('Shrinks when cpu falls to 53 % of request (now 68 % of request)');
  });

  it('names what holds until when, the first to end first', () => {
    const input = evaluationInput(6, 100, {
      state: { recommendations: [{ replicas: 5, at: now - 60_000 }], scaleUpEvents: [], scaleDownEvents: [] },
      history: { lastScaleUp: now - 200_000 },
    });
    const { holds, lines } = outlook(input);
    expect(holds.map(({ by, until }) => [by, until])).toEqual([
      ['cooldown', now + 100_000],
      ['stabilization', now + 240_000],
    ]);
    expect(lines).toContain('All metrics ask for fewer replicas now');
    expect(lines.at(-2)).toMatch(/^Held until 12:02:00 \(cooldown\): Scale-down from 6 to 5 waits/);
  });

  it('needs all metrics to shrink and one to grow', () => {
    const pods = readyPods(4);
    const input = evaluationInput(4, 0, {
      pods,
      spec: spec({ metrics: [cpuMetric, queueMetric] }),
      results: [usage(pods, 300), queued(38)],
    });
    expect(outlook(input).lines).toEqual([
      'Grows to 5 replicas when cpu reaches 89 % of request (now 30 % of request)',
      'Grows to 5 replicas when queue reaches 44001m (now 38)',
      'Shrinks when queue falls to 30 (now 38)',
    ]);
  });

  it('waits for an unknown metric, or for its fallback', () => {
    const pods = readyPods(4);
    const base = evaluationInput(4, 0, { pods, spec: spec({ metrics: [cpuMetric, queueMetric] }), results: [usage(pods, 800), outage] });
    expect(outlook(base).lines).toEqual([
      'Grows to 5 replicas when cpu reaches 89 % of request (now 80 % of request)',
      'queue is unknown (503 from the adapter): it can ask for more only when it is known again',
      'Shrinks when cpu falls to 60 % of request (now 80 % of request) and queue is known again',
    ]);
    const fallback = { failureThreshold: 1, behavior: 'Static' as const, replicas: 2 };
    expect(outlook({ ...base, spec: { ...base.spec, fallback } }).lines.at(-1)).toBe(
      'Shrinks when cpu falls to 60 % of request (now 80 % of request)',
    );
  });

  it('says what no load changes', () => {
    expect(outlook(evaluationInput(10, 2000)).lines[0]).toBe('cpu (now 200 % of request) cannot make it grow: maxReplicas 10 is reached');
    expect(outlook(evaluationInput(1, 800)).lines.at(-1)).toBe('Does not shrink by load: minReplicas 1 is reached');
    const behavior = completeBehavior({ scaleUp: { selectPolicy: 'Disabled' } });
    expect(outlook(evaluationInput(4, 800, { spec: spec({ behavior }) })).metrics[0]?.up).toEqual({
      kind: 'never',
      why: 'behavior.scaleUp is Disabled',
    });
  });

  it('says what wakes a target that sleeps', () => {
    const asleep = {
      type: 'ScaledToZero',
      status: 'True' as const,
      reason: 'ScaledToZero',
      message: '',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    };
    const input = evaluationInput(0, 0, {
      pods: [],
      spec: spec({ minReplicas: 0, metrics: [queueMetric] }),
      results: [queued(0)],
      status: { conditions: [asleep], currentReplicas: 0, desiredReplicas: 0 },
    });
    expect(outlook(input).lines).toEqual([
      'Wakes to 1 replica when queue reaches 1m (now 0)',
      'Does not shrink by load: minReplicas 0 is reached',
    ]);
  });

  it('tells when the schedules move the bounds', () => {
    const schedules = [
      { name: 'day', start: '10 12 * * *', end: '20 12 * * *', timeZone: 'UTC', minReplicas: 6, maxReplicas: undefined, rampMs: 0 },
    ];
    const { boundsChangeAt, lines } = outlook(evaluationInput(4, 800, { spec: spec({ schedules }) }));
    expect(boundsChangeAt).toBe(Date.UTC(2026, 0, 1, 12, 10));
    expect(lines.at(-1)).toBe('No schedule is active; day opens at 2026-01-01T12:10:00Z; next change at 2026-01-01T12:10:00Z');
  });

  it('without metrics there is only the decision to say', () => {
    expect(outlook(evaluationInput(0, 0, { pods: [] })).lines).toHaveLength(1);
  });

  it('counts pods that start or have no sample as the decision does', () => {
    const pods = [...readyPods(3), readyPod('young', { phase: 'Pending', ready: 'False' }), readyPod('silent')];
    const input = evaluationInput(5, 0, { pods, results: [usage(pods.slice(0, 3), 1000)] });
    const { up } = outlook(input).metrics[0]!;
    expect(up.kind).toBe('at');
    const total = Number(up.kind === 'at' ? up.totalMilli : '0');
    const at = (milli: number): number | null => {
      const [first, ...others] = pods.slice(0, 3);
      const results = [usage([first!], milli), usage(others, 0)].flatMap((each) => (each.kind === 'usage' ? each.samples : []));
      return evaluate({ ...input, results: [{ kind: 'usage', samples: results }] }).decision.wanted;
    };
    expect(at(total)).toBeGreaterThan(5);
    expect(at(total - 1)).toBe(5);
  });
});
