import { describe, expect, it } from 'vitest';
import { defaultEngineConfig } from '../config.ts';
import { cpuMetric, evaluationInput, now, readyPod, readyPods, spec, usage } from './builders.fixture.ts';
import { completeBehavior } from './behavior.ts';
import { conclude } from './conclude.ts';
import { evaluate } from './evaluate.ts';
import type { EvaluationInput } from './model.ts';

function holdsOf(input: EvaluationInput): readonly string[] {
  return evaluate(input).decision.holds.map(({ by }) => by);
}

function condition(input: EvaluationInput, type: string) {
  const evaluation = evaluate(input);
  const kind = evaluation.write === undefined ? 'none' : 'written';
  const found = conclude(input, evaluation, { kind }).conditions.find((each) => each.type === type);
  return found === undefined ? undefined : `${found.status}/${found.reason}`;
}

describe('a decision', () => {
  it('says in one sentence what, why and what comes next', () => {
    const { decision, write } = evaluate(evaluationInput(3, 1860));
    expect(decision.message).toBe(
      '3 → 6 replicas: cpu 186 % of request, target 80 % (7 = ceil(3 × 186 / 80)); 7 replicas asked for, but growth from 3 is limited to 6 in one step now; next scale-up not before 12:03:20 (cooldown 3m)',
    );
    expect({ from: decision.from, to: decision.to, wanted: decision.wanted, write }).toEqual({ from: 3, to: 6, wanted: 7, write: 6 });
    expect(decision.reason).toBe('ScaleUpLimit');
  });

  it('needs no more than the arithmetic when nothing holds it', () => {
    const { decision } = evaluate(evaluationInput(4, 1350));
    expect(decision.message).toBe(
      '4 → 7 replicas: cpu 135 % of request, target 80 % (7 = ceil(4 × 135 / 80)); next scale-up not before 12:03:20 (cooldown 3m)',
    );
    expect(decision.holds).toEqual([]);
    expect(decision.reason).toBe('AboveTarget');
  });

  it('names every rule with its numbers in the trace', () => {
    const { decision } = evaluate(evaluationInput(3, 1860));
    expect(decision.trace.map(({ step }) => step)).toEqual([
      'target',
      'metric',
      'wanted',
      'stabilization',
      'rate-limit',
      'cooldown',
      'decision',
    ]);
    expect(decision.trace[1]?.values).toMatchObject({
      utilizationPercent: 186,
      targetPercent: 80,
      toleranceUp: 0.1,
      toleranceDown: 0.1,
      readyPods: 3,
      unreadyPods: 0,
      missingPods: 0,
      ignoredPods: 0,
      rule: 'ready-pods',
      replicas: 7,
    });
    expect(decision.trace[4]?.values).toMatchObject({ current: 3, asked: 7, replicas: 6, minReplicas: 1, maxReplicas: 10 });
  });

  it('stays within tolerance and says so', () => {
    const { decision, write } = evaluate(evaluationInput(3, 860));
    expect(write).toBeUndefined();
    expect(decision.message).toBe('stays at 3 replicas: cpu 86 % of request, target 80 % (ratio 1.075 is within 0.9…1.1)');
    expect(decision.reason).toBe('WithinTarget');
  });

  it('tells until when a recent wish holds a shrink', () => {
    const input = evaluationInput(6, 100, {
      state: { recommendations: [{ replicas: 5, at: now - 60_000 }], scaleUpEvents: [], scaleDownEvents: [] },
      spec: spec({ cooldown: { scaleUpMs: 0, scaleDownMs: 0 } }),
    });
    const { decision } = evaluate(input);
    expect({ to: decision.to, wanted: decision.wanted }).toEqual({ to: 5, wanted: 1 });
    expect(decision.holds).toEqual([
      { by: 'stabilization', until: now + 240_000, message: expect.stringContaining('5 replicas of 11:59:20') as unknown },
    ]);
  });

  it('records the size of the first evaluation, so that nothing shrinks for one window after a restart', () => {
    const first = evaluationInput(6, 100, { state: { recommendations: undefined, scaleUpEvents: [], scaleDownEvents: [] } });
    const { decision, state } = evaluate(first);
    expect(decision.to).toBe(6);
    expect(state.recommendations?.map(({ replicas }) => replicas)).toEqual([6, 1]);
  });
});

describe('cooldowns', () => {
  it.each([
    [179_999, 4, ['cooldown'], 'CoolingDown'],
    [180_000, 7, [], 'AboveTarget'],
  ])('%d ms after a scale-up a growth from 4 leads to %d', (ageMs, to, holds, reason) => {
    const { decision, write } = evaluate(evaluationInput(4, 1350, { history: { lastScaleUp: now - ageMs } }));
    expect({ to: decision.to, holds: decision.holds.map(({ by }) => by), reason: decision.reason }).toEqual({ to, holds, reason });
    expect(write).toBe(to === 4 ? undefined : to);
  });

  it('names the end of the wait', () => {
    const { decision } = evaluate(evaluationInput(4, 1350, { history: { lastScaleUp: now - 60_000 } }));
    expect(decision.holds[0]?.until).toBe(now + 120_000);
    expect(decision.message).toBe(
      'stays at 4 replicas: cpu 135 % of request, target 80 % (7 = ceil(4 × 135 / 80)); scale-up from 4 to 7 waits until 12:02:20: last scale-up at 11:59:20, cooldown 3m',
    );
  });

  it.each([
    ['a scale-up', { lastScaleUp: now - 299_999 }, 4],
    ['a scale-down', { lastScaleDown: now - 299_999 }, 4],
    ['both, long ago', { lastScaleUp: now - 300_000, lastScaleDown: now - 300_000 }, 1],
  ])('a shrink waits 5 minutes from %s', (_, history, to) => {
    expect(evaluate(evaluationInput(4, 100, { history })).decision.to).toBe(to);
  });

  it('growth does not wait for a scale-down', () => {
    expect(evaluate(evaluationInput(4, 1350, { history: { lastScaleDown: now - 1000 } })).decision.to).toBe(7);
  });

  it('a correction up to minReplicas does not wait, and says so', () => {
    const input = evaluationInput(1, 100, { spec: spec({ minReplicas: 3 }), history: { lastScaleUp: now - 1000 } });
    const { decision, branch } = evaluate(input);
    expect({ branch, to: decision.to, holds: decision.holds }).toEqual({ branch: 'below-min', to: 3, holds: [] });
    expect(decision.trace.find(({ step }) => step === 'cooldown')?.message).toContain('does not wait');
  });

  it('a correction down to maxReplicas waits like any shrink', () => {
    const input = evaluationInput(9, 900, { spec: spec({ maxReplicas: 5 }), history: { lastScaleUp: now - 1000 } });
    const { decision, branch } = evaluate(input);
    expect({ branch, to: decision.to, holds: decision.holds.map(({ by }) => by) }).toEqual({
      branch: 'above-max',
      to: 9,
      holds: ['cooldown'],
    });
  });

  it('0 turns them off', () => {
    const off = spec({ cooldown: { scaleUpMs: 0, scaleDownMs: 0 } });
    expect(evaluate(evaluationInput(4, 1350, { spec: off, history: { lastScaleUp: now } })).decision.to).toBe(7);
  });

  it('are remembered with the write and shown in CoolingDown', () => {
    const input = evaluationInput(4, 1350);
    const conclusion = conclude(input, evaluate(input), { kind: 'written' });
    expect(conclusion.history).toEqual({ lastScaleUp: now });
    expect(conclusion.conditions.find(({ type }) => type === 'CoolingDown')).toMatchObject({
      status: 'True',
      message: 'no scale-up before 12:03:20, no scale-down before 12:05:20',
    });
  });
});

describe('unknown data', () => {
  it('holds when the only metric fails, with the reason', () => {
    const input = evaluationInput(4, 0, {
      results: [{ kind: 'failure', message: '503 from metrics.k8s.io', reason: 'source-unavailable', since: now - 60_000 }],
    });
    const { decision, branch } = evaluate(input);
    expect({ branch, to: decision.to, wanted: decision.wanted, reason: decision.reason }).toEqual({
      branch: 'failed',
      to: 4,
      wanted: null,
      reason: 'FailedGetResourceMetric',
    });
    expect(decision.message).toBe(
      'stays at 4 replicas: no replica count can be computed: cpu: 503 from metrics.k8s.io; no shrinking on unknown data (source-unavailable, since 11:59:20)',
    );
    expect(condition(input, 'Held')).toBe('True/MissingData');
    expect(condition(input, 'ScalingActive')).toBe('False/FailedGetResourceMetric');
  });

  const memory = { type: 'Resource' as const, resource: 'memory', target: { type: 'Utilization' as const, averageUtilization: 80 } };
  const failing = { kind: 'failure' as const, message: 'gone' };

  it.each([
    ['grows when another metric asks for it', 1350, 7],
    ['does not shrink when another metric asks for it', 100, 4],
  ])('beside a failed metric it %s', (_, milli, to) => {
    const pods = readyPods(4);
    const input = evaluationInput(4, 0, { spec: spec({ metrics: [memory, cpuMetric] }), pods, results: [failing, usage(pods, milli)] });
    expect(evaluate(input).decision.to).toBe(to);
  });

  it.each([
    ['does not shrink', 100, 4, ['missing-data']],
    ['grows', 1350, 7, []],
  ])('from a source that is down and whose last answer is held it %s', (_, milli, to, holds) => {
    const pods = readyPods(4);
    const degraded = { reason: 'source-unavailable' as const, detail: 'metrics.k8s.io: 503', since: now - 30_000 };
    const input = evaluationInput(4, milli, { pods, results: [{ ...usage(pods, milli), degraded } as EvaluationInput['results'][number]] });
    const { decision } = evaluate(input);
    expect({ to: decision.to, holds: decision.holds.map(({ by }) => by) }).toEqual({ to, holds });
  });

  it('does not shrink when more than half of the pods have no sample', () => {
    const pods = readyPods(20);
    const input = evaluationInput(20, 1, { pods, spec: spec({ maxReplicas: 30 }), results: [usage(pods.slice(0, 9), 1)] });
    expect(evaluate(input).decision).toMatchObject({ to: 20, wanted: 14, holds: [{ by: 'missing-data' }] });
    const upstream = { ...input, config: { ...defaultEngineConfig, missingShareFreeze: 1 } };
    expect(evaluate(upstream).decision.to).toBe(14);
  });

  it('says when only missing samples keep the size', () => {
    const pods = readyPods(3);
    const { decision } = evaluate(evaluationInput(3, 0, { pods, results: [usage(pods.slice(0, 2), 600)] }));
    expect(decision).toMatchObject({ to: 3, wanted: 3, reason: 'MissingData', holds: [{ by: 'missing-data' }] });
    expect(decision.message).toContain('1 of 3 pods have no sample (web-2) and count as fully used');
    expect(decision.trace[1]?.values).toMatchObject({ missingPods: 1, missing: 'web-2' });
  });

  it('without any pod nothing is known', () => {
    const input = evaluationInput(2, 0, { pods: [], results: [{ kind: 'usage', samples: [] }] });
    expect(evaluate(input).decision).toMatchObject({ to: 2, wanted: null });
  });
});

describe('mode and conflict', () => {
  it.each([
    ['DryRun', 'dry-run', 'DryRun'],
    ['Paused', 'paused', 'Paused'],
  ] as const)('%s shows and does not act', (mode, by, reason) => {
    const input = evaluationInput(4, 1350, { spec: spec({ mode }) });
    const evaluation = evaluate(input);
    expect(evaluation.write).toBeUndefined();
    expect(evaluation.decision).toMatchObject({ from: 4, to: 4, wanted: 7, reason, holds: [{ by }] });
    expect(condition(input, 'Held')).toBe(`True/${reason}`);
  });

  it('two controllers do not fight over one target', () => {
    const input = evaluationInput(1, 100, { spec: spec({ minReplicas: 3 }), conflict: 'HorizontalPodAutoscaler shop/web scales it too' });
    expect(evaluate(input)).toMatchObject({ write: undefined, decision: { to: 1, reason: 'Conflict', holds: [{ by: 'conflict' }] } });
  });

  it('a second policy on the same pods stops the evaluation', () => {
    const selector = {
      ok: false,
      reason: 'AmbiguousSelector',
      event: 'AmbiguousSelector',
      message: 'HorizontalPolicy shop/b selects them too',
    } as const;
    const input = evaluationInput(4, 1350, { selector });
    expect(holdsOf(input)).toEqual(['conflict']);
    expect(condition(input, 'ScalingActive')).toBe('False/AmbiguousSelector');
  });

  it('0 replicas pause', () => {
    const input = evaluationInput(0, 0);
    expect(evaluate(input)).toMatchObject({ branch: 'disabled', write: undefined, decision: { reason: 'ScalingDisabled' } });
  });
});

describe('behavior', () => {
  it('keeps scale events only for successful writes', () => {
    const behavior = completeBehavior({ scaleUp: { policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] } });
    const input = evaluationInput(4, 1350, { spec: spec({ behavior }) });
    const evaluation = evaluate(input);
    expect(evaluation.decision).toMatchObject({ to: 5, wanted: 7, holds: [{ by: 'rate-limit' }], reason: 'ScaleUpLimit' });
    expect(conclude(input, evaluation, { kind: 'written' }).state.scaleUpEvents).toEqual([{ change: 1, at: now, outdated: false }]);
    const failed = conclude(input, evaluation, { kind: 'failed', message: 'no' });
    expect(failed.state.scaleUpEvents).toEqual([]);
    expect(failed).toMatchObject({ history: {}, desiredReplicas: 4, action: 'none' });
    expect(failed.events.at(-1)).toEqual({
      type: 'Warning',
      reason: 'FailedRescale',
      message: 'New size: 5; reason: cpu resource utilization (percentage of request) above target; error: no',
    });
  });

  it("emits the rescale event in upstream's words", () => {
    const input = evaluationInput(4, 1350);
    expect(conclude(input, evaluate(input), { kind: 'written' }).events).toEqual([
      {
        type: 'Normal',
        reason: 'SuccessfulRescale',
        message: 'New size: 7; reason: cpu resource utilization (percentage of request) above target',
      },
    ]);
  });
});

describe('status metrics', () => {
  it('shows memory in binary units, cpu decimal', () => {
    const pods = readyPods(2);
    const memory = {
      type: 'Resource' as const,
      resource: 'memory',
      target: { type: 'AverageValue' as const, averageValue: 1_073_741_824_000n },
    };
    const results = [usage(pods, 860), usage(pods, 536_870_912_000)];
    const { currentMetrics, targets } = evaluate(evaluationInput(2, 0, { pods, spec: spec({ metrics: [cpuMetric, memory] }), results }));
    expect(currentMetrics).toEqual([
      { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 86, averageValue: '860m' } } },
      { type: 'Resource', resource: { name: 'memory', current: { averageValue: '512Mi' } } },
    ]);
    expect(targets).toBe('cpu 86%/80%, memory 512Mi/1Gi');
  });

  it('counts a starting pod as idle when growing', () => {
    const pods = [...readyPods(2), readyPod('new', { startTime: now - 20_000, readyTransition: now - 5000, ready: 'False' })];
    const { decision } = evaluate(evaluationInput(3, 1200, { pods, results: [usage(pods, 1200)] }));
    expect(decision.trace[1]?.message).toContain('1 not ready counted as idle');
    expect(decision.to).toBe(3);
  });
});
