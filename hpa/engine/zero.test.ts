import { describe, expect, it } from 'vitest';
import { completeBehavior } from './behavior.ts';
import { cpuMetric, outage, queueMetric, spec } from './builders.fixture.ts';
import { conclude } from './conclude.ts';
import { evaluate } from './evaluate.ts';
import { TestTarget } from './target.fixture.ts';
import { withOwnZero } from './zero.ts';

const sleepy = spec({ minReplicas: 0, metrics: [queueMetric] });

/** A target that has gone to sleep by itself. */
function asleep(overrides = {}): TestTarget {
  const target = new TestTarget({ ...sleepy, ...overrides }, 2);
  target.tick(
    0,
    target.spec.metrics.map(() => 0),
  );
  expect(target.replicas).toBe(0);
  return target;
}

describe('to zero', () => {
  it('a target sleeps when nothing asks for it, and says so', () => {
    const target = asleep();
    expect(target.condition('ScaledToZero')).toBe('True/ScaledToZero');
    const { decision, write } = target.tick(15, [0]);
    expect(write).toBeUndefined();
    expect(decision.message).toBe('stays asleep at 0 replicas: queue 0, target 10 per replica (0 = ceil(0 / 10))');
    expect(decision.trace.find(({ step }) => step === 'asleep')?.message).toBe(
      'Asleep at 0 replicas since 2026-01-01T12:00:20Z: wakes, without waiting for a cooldown, when a metric asks for 1 or more, to 4 at most in the first step',
    );
  });

  it('waits for the cooldown like any shrink', () => {
    const target = new TestTarget(sleepy, 2);
    const input = target.input([0], { history: { lastScaleUp: target.now - 299_000 } });
    expect(target.tick(0, [0], { history: input.history }).decision).toMatchObject({ to: 2, holds: [{ by: 'cooldown' }] });
  });

  it('does not happen on unknown data', () => {
    const target = new TestTarget(sleepy, 2);
    expect(target.tick(0, [outage]).decision).toMatchObject({ to: 2, wanted: null, holds: [{ by: 'missing-data' }] });
  });
});

describe('from zero', () => {
  it('wakes at once, whatever was scaled when, to 4 at most; then it cools down', () => {
    const target = asleep();
    const { decision } = target.tick(15, [1000], { history: { lastScaleUp: target.now } });
    expect(decision).toMatchObject({ from: 0, to: 4, wanted: 100, reason: 'ScaleUpLimit' });
    expect(decision.trace.find(({ step }) => step === 'cooldown')?.message).toContain(
      'waking from 0 replicas does not wait for the cooldown',
    );
    expect(target.condition('ScaledToZero')).toBe('False/NotScaledToZero');
    expect(target.tick(15, [1000]).decision).toMatchObject({ to: 4, holds: [{ by: 'rate-limit' }, { by: 'cooldown' }] });
    expect(target.tick(165, [1000]).decision.to).toBe(8);
  });

  it('grows as far as behavior permits', () => {
    const behavior = completeBehavior({
      scaleUp: { policies: [{ type: 'Pods', value: 2, periodSeconds: 60 }] },
      scaleDown: { stabilizationWindowSeconds: 0 },
    });
    const target = asleep({ behavior });
    // Both directions enter the limit, so the two that went to sleep may come back at once.
    expect(target.tick(61, [1000]).decision.to).toBe(2);
  });

  it('needs no tolerance: one message is enough', () => {
    expect(asleep().tick(15, [1]).decision.to).toBe(1);
  });

  it('is not disturbed by a metric that cannot exist without pods', () => {
    const target = asleep({ metrics: [queueMetric, cpuMetric] });
    const { decision, events, error, branch } = target.tick(15, [0, { kind: 'usage', samples: [] }]);
    expect({ branch, events, error, to: decision.to }).toEqual({ branch: 'metrics', events: [], error: undefined, to: 0 });
    expect(target.tick(15, [30, { kind: 'usage', samples: [] }]).decision.to).toBe(3);
  });

  it('sleeps on when nothing is known', () => {
    const { decision } = asleep().tick(15, [outage]);
    expect(decision).toMatchObject({ from: 0, to: 0, wanted: null });
    expect(decision.message).toContain('stays asleep at 0 replicas');
    expect(decision.message).toContain('not waking on unknown data (source-unavailable)');
  });

  it('a floor raised meanwhile wakes it, also when nothing is known', () => {
    const target = asleep();
    target.spec = { ...sleepy, minReplicas: 2 };
    expect(target.tick(15, [outage]).decision).toMatchObject({ from: 0, to: 2, reason: 'TooFewReplicas' });
  });

  it('a Prometheus metric can wake it, too', () => {
    const prometheus = {
      type: 'Prometheus' as const,
      metric: 'rate',
      source: 'main',
      query: 'rate',
      emptyMeans: 'unknown' as const,
      target: queueMetric.type === 'External' ? queueMetric.target : { type: 'Value' as const },
    };
    expect(asleep({ metrics: [prometheus] }).tick(15, [20]).decision.to).toBe(2);
  });
});

describe('the mark of sleep', () => {
  it('goes when somebody else has woken the target, so that a zero set by hand is a pause', () => {
    const target = asleep();
    target.replicas = 3;
    target.tick(15, [30]);
    expect(target.condition('ScaledToZero')).toBe('False/NotScaledToZero');
    target.replicas = 0;
    expect(target.tick(15, [30]).branch).toBe('disabled');
  });

  it('is set when nobody knows whether the write of the zero went through', () => {
    const target = new TestTarget(sleepy, 2);
    const input = target.input([0]);
    const { conditions } = conclude(input, evaluate(input), { kind: 'failed', message: 'timeout', unknown: true });
    expect(conditions.find(({ type }) => type === 'ScaledToZero')).toMatchObject({ status: 'True', reason: 'ScaleToZeroUnconfirmed' });
    const status = { conditions, currentReplicas: 2, desiredReplicas: 2 };
    target.replicas = 0;
    expect(evaluate(target.input([30], { status })).decision.to).toBe(3);
    // It had not.
    target.replicas = 2;
    expect(evaluate(target.input([20], { status })).conditions.find(({ type }) => type === 'ScaledToZero')?.status).toBe('False');
  });

  it('is there for a zero of its own that status could not say, and only for a zero', () => {
    const target = new TestTarget(sleepy, 0);
    const input = target.input([30]);
    expect(evaluate(input).branch).toBe('disabled');
    expect(evaluate(withOwnZero(input)).decision).toMatchObject({ from: 0, to: 3 });
    const native = { ...input, spec: { ...sleepy, native: true } };
    expect(withOwnZero(native)).toBe(native);
    target.replicas = 2;
    const awake = target.input([30]);
    expect(withOwnZero(awake)).toBe(awake);
  });

  it('is as upstream for native objects', () => {
    const target = new TestTarget({ ...sleepy, native: true }, 2);
    const input = target.input([0]);
    expect(
      conclude(input, evaluate(input), { kind: 'failed', message: 'timeout', unknown: true }).conditions.map(({ type }) => type),
    ).not.toContain('ScaledToZero');
  });
});

describe('zero replicas set by hand', () => {
  it('pause, and are told apart from sleep', () => {
    const target = new TestTarget(sleepy, 0);
    const { decision, branch } = target.tick(0, [500]);
    expect({ branch, to: decision.to }).toEqual({ branch: 'disabled', to: 0 });
    expect(target.message('ScalingActive')).toBe(
      'scaling is disabled: Deployment/web is paused, since its 0 replicas were set by somebody else than this policy; set 1 or more to resume',
    );
    expect(target.condition('ScaledToZero')).toBeUndefined();
  });

  it('with the gate off every zero is a pause', () => {
    const target = asleep();
    const { config } = target.input([500]);
    expect(target.tick(15, [500], { config: { ...config, scaleToZero: false } }).branch).toBe('disabled');
    expect(target.condition('ScaledToZero')).toBeUndefined();
  });
});
