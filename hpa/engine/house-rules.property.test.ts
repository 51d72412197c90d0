import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { completeBehavior } from './behavior.ts';
import { cpuMetric, now, queued, queueMetric, readyPod } from './builders.fixture.ts';
import { effectiveBounds } from './effective-bounds.ts';
import { evaluate } from './evaluate.ts';
import type { EvaluationInput, FallbackBehavior, FallbackPolicy, HpaPod, MetricResult, ScalingSchedule, ScalingSpec } from './model.ts';
import { TestTarget } from './target.fixture.ts';

// What the suite adds to upstream's rules, all of it at once.

const behaviors: readonly FallbackBehavior[] = [
  'Static',
  'Static',
  'CurrentReplicas',
  'CurrentReplicasIfHigher',
  'CurrentReplicasIfLower',
  'Hold',
];

const fallback: fc.Arbitrary<FallbackPolicy | undefined> = fc.option(
  fc.record({
    failureThreshold: fc.integer({ min: 1, max: 3 }),
    behavior: fc.constantFrom(...behaviors),
    replicas: fc.integer({ min: 1, max: 40 }),
  }),
  { nil: undefined },
);

const minuteOfDay = fc.integer({ min: 0, max: 59 });

const schedule: fc.Arbitrary<ScalingSchedule> = fc
  .record({
    start: minuteOfDay,
    end: minuteOfDay,
    timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kathmandu'),
    minReplicas: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined }),
    more: fc.option(fc.integer({ min: 0, max: 40 }), { nil: undefined }),
    rampMs: fc.constantFrom(0, 0, 600_000),
  })
  .map(({ start, end, more, ...rest }) => ({
    name: `s${start}`,
    start: `${start} * * * *`,
    end: `${end === start ? (end + 1) % 60 : end} * * * *`,
    ...rest,
    maxReplicas: more === undefined ? undefined : (rest.minReplicas ?? 1) + more,
  }));

const behavior = fc.constantFrom(
  undefined,
  completeBehavior({}),
  completeBehavior({
    scaleUp: { policies: [{ type: 'Pods', value: 3, periodSeconds: 60 }] },
    scaleDown: { stabilizationWindowSeconds: 0 },
  }),
);

const policy: fc.Arbitrary<ScalingSpec> = fc
  .record({
    minReplicas: fc.integer({ min: 0, max: 20 }),
    more: fc.integer({ min: 0, max: 30 }),
    fallback,
    schedules: fc.array(schedule, { maxLength: 3 }),
    behavior,
    panicRatio: fc.constantFrom(undefined, 1, 2.5),
    cooldowns: fc.boolean(),
    metrics: fc.constantFrom(
      [queueMetric],
      [cpuMetric, queueMetric],
      [{ ...queueMetric, type: 'External' as const, target: { type: 'Value' as const, value: 20_000n } } as typeof queueMetric],
    ),
  })
  .map(({ minReplicas, more, cooldowns, ...rest }) => ({
    ...rest,
    native: false,
    minReplicas,
    maxReplicas: Math.max(1, minReplicas + more),
    cooldown: cooldowns ? { scaleUpMs: 180_000, scaleDownMs: 300_000 } : { scaleUpMs: 0, scaleDownMs: 0 },
    mode: 'Auto' as const,
  }));

/** A number is a measured value, `out` an outage, `part` an answer of which a part is missing. */
type Seen = number | 'out' | 'part';
const seen: fc.Arbitrary<Seen> = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 400 }) },
  { weight: 2, arbitrary: fc.constant('out' as const) },
  { weight: 1, arbitrary: fc.constant('part' as const) },
);

interface Step {
  readonly seconds: number;
  readonly seen: readonly Seen[];
  readonly unready: number;
  /** Evaluations in a row that see this. */
  readonly times: number;
}

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    seconds: fc.constantFrom(15, 15, 60, 300),
    seen: fc.array(seen, { minLength: 2, maxLength: 2 }),
    unready: fc.integer({ min: 0, max: 5 }),
    times: fc.integer({ min: 1, max: 6 }),
  }),
  { minLength: 3, maxLength: 10 },
);

function podsOf(replicas: number, unready: number): HpaPod[] {
  return Array.from({ length: replicas }, (_, index) =>
    readyPod(`web-${index}`, index < unready ? { ready: 'False', startTime: now - 5000 } : {}),
  );
}

function dataOf(spec: ScalingSpec, step: Step, pods: readonly HpaPod[]): MetricResult[] {
  return spec.metrics.map((metric, index): MetricResult => {
    const value = step.seen[index] ?? 'out';
    if (value === 'out') return { kind: 'failure', message: 'gone', reason: 'source-unavailable' };
    const degraded = value === 'part' ? { reason: 'partial' as const, detail: 'a part is missing' } : undefined;
    const amount = value === 'part' ? 10 : value;
    if (metric.type !== 'Resource') return { ...queued(amount), degraded } as MetricResult;
    const samples = pods.map(({ name }) => ({
      pod: name,
      timestamp: now - 1000,
      windowMs: 15_000,
      containers: [{ name: 'app', value: BigInt(amount * 5) }],
    }));
    return { kind: 'usage', samples, degraded };
  });
}

/** Plays a run and shows every evaluation with its input. */
function play(
  spec: ScalingSpec,
  run: readonly Step[],
  look: (input: EvaluationInput, evaluation: ReturnType<typeof evaluate>) => void,
): void {
  const target = new TestTarget(spec, Math.min(Math.max(spec.minReplicas, 3), spec.maxReplicas));
  for (const step of run.flatMap((each) => Array.from({ length: each.times }, () => each))) {
    const pods = podsOf(target.replicas, step.unready);
    const results = dataOf(spec, step, pods);
    const before = target.input(results, { pods, now: target.now + step.seconds * 1000 });
    look(before, target.tick(step.seconds, results, { pods }));
  }
}

function holds(check: (input: EvaluationInput, evaluation: ReturnType<typeof evaluate>) => void, numRuns = 250): void {
  fc.assert(
    fc.property(policy, steps, (spec, run) => play(spec, run, check)),
    { numRuns },
  );
}

describe('every policy, every run', () => {
  it('sets nothing outside the bounds of the moment, which are within those of the policy', () => {
    let writes = 0;
    holds((input, { write, bounds }) => {
      expect(input.spec.minReplicas).toBeLessThanOrEqual(bounds.min);
      expect(bounds.min).toBeLessThanOrEqual(bounds.max);
      expect(bounds.max).toBeLessThanOrEqual(input.spec.maxReplicas);
      if (write === undefined) return;
      writes += 1;
      expect(write).toBeGreaterThanOrEqual(bounds.min);
      expect(write).toBeLessThanOrEqual(bounds.max);
    });
    expect(writes).toBeGreaterThan(100);
  });

  it('never shrinks on unknown data, unless a fallback that may do so was written', () => {
    const shrunk = { known: 0, fallback: 0 };
    holds((input, { decision, branch, fallback: state }) => {
      if (decision.to >= decision.from || branch === 'above-max') return;
      const unknown = input.results.some((result) => result.kind === 'failure');
      expect(input.results.some((result) => result.kind !== 'failure' && result.degraded !== undefined)).toBe(false);
      shrunk[unknown ? 'fallback' : 'known'] += 1;
      if (!unknown) return;
      expect(['Static', 'CurrentReplicasIfLower']).toContain(input.spec.fallback?.behavior);
      expect(state?.active.length).toBe(input.results.filter(({ kind }) => kind === 'failure').length);
      expect(decision.trace.some(({ step, values }) => step === 'fallback' && values['shrinks'] === true)).toBe(true);
    });
    expect(Math.min(shrunk.known, shrunk.fallback)).toBeGreaterThan(0);
  });

  it('a fallback takes nothing away from what a metric that works asks for', () => {
    holds((input, { decision, fallback: state }) => {
      if ((state?.active.length ?? 0) === 0 || decision.wanted === null) return;
      const without = evaluate({ ...input, spec: { ...input.spec, fallback: undefined } });
      const asked = without.decision.trace.flatMap(({ step, values }) =>
        step === 'metric' && values['failed'] !== true ? [Number(values['replicas'])] : [],
      );
      expect(decision.wanted).toBeGreaterThanOrEqual(Math.max(0, ...asked));
    });
  });

  it('waits for the cooldown between scale-ups, but for floors, waking and panic', () => {
    let lastUp = -Infinity;
    const grown = { early: 0, later: 0 };
    holds((input, { decision, startsCooldown }) => {
      if (input.history.lastScaleUp === undefined) lastUp = -Infinity;
      if (decision.to <= decision.from) return;
      const step = decision.trace.find((each) => each.step === 'cooldown');
      const early = input.spec.cooldown.scaleUpMs > 0 && input.now - lastUp < input.spec.cooldown.scaleUpMs;
      const excused = /correction up to minReplicas|waking from 0|above panicRatio/.test(step?.message ?? '');
      grown[early ? 'early' : 'later'] += 1;
      expect(early && !excused).toBe(false);
      if (startsCooldown) lastUp = input.now;
    });
    expect(Math.min(grown.early, grown.later)).toBeGreaterThan(0);
  });

  it('never grows while growth is paused, and never shrinks while shrinking is', () => {
    fc.assert(
      fc.property(policy, steps, fc.constantFrom('in', 'out'), (spec, run, direction) => {
        const pause = { scaleIn: direction === 'in', scaleOut: direction === 'out', annotation: `concertina.dev/paused=${direction}` };
        play({ ...spec, pause }, run, (_, { decision }) => {
          const change = decision.to - decision.from;
          expect(direction === 'in' ? change : -change).toBeGreaterThanOrEqual(0);
        });
      }),
      { numRuns: 150 },
    );
  });

  it('is kept where an annotation puts it', () => {
    fc.assert(
      fc.property(policy, steps, fc.nat({ max: 50 }), (spec, run, replicas) => {
        const parked = Math.min(replicas, spec.maxReplicas);
        const pause = { scaleIn: true, scaleOut: true, replicas: parked, annotation: 'x' };
        play({ ...spec, pause }, run, (_, { decision }) => expect(decision.to).toBe(parked));
      }),
      { numRuns: 100 },
    );
  });

  it('decides the same for any order of the pods', () => {
    holds((input, evaluation) => {
      const results = input.results.map((result) =>
        result.kind === 'usage' ? { ...result, samples: result.samples.toReversed() } : result,
      );
      const other = evaluate({ ...input, pods: input.pods.toReversed(), results });
      expect({ to: other.decision.to, wanted: other.decision.wanted, write: other.write, branch: other.branch }).toEqual({
        to: evaluation.decision.to,
        wanted: evaluation.decision.wanted,
        write: evaluation.write,
        branch: evaluation.branch,
      });
    }, 100);
  });

  it('is pure: the same input gives the same result', () => {
    holds((input, evaluation) => expect(evaluate(input)).toEqual(evaluation), 60);
  });
});

describe('effectiveBounds', () => {
  it('keeps the order of the bounds at every moment', () => {
    fc.assert(
      fc.property(policy, fc.integer({ min: 0, max: 86_400_000 }), (spec, later) => {
        const { min, max } = effectiveBounds(spec, now + later);
        expect([spec.minReplicas, min, max, spec.maxReplicas]).toEqual(
          [spec.minReplicas, min, max, spec.maxReplicas].toSorted((a, b) => a - b),
        );
      }),
      { numRuns: 300 },
    );
  });
});
