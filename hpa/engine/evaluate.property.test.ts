import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { completeBehavior } from './behavior.ts';
import { cpuMetric, evaluationInput, now, readyPod, spec } from './builders.fixture.ts';
import { conclude } from './conclude.ts';
import { evaluate } from './evaluate.ts';
import type { EvaluationInput, HpaPod, MetricResult, ScalingSpec } from './model.ts';

const policies = fc.array(
  fc.record({
    type: fc.constantFrom('Pods' as const, 'Percent' as const),
    value: fc.integer({ min: 1, max: 300 }),
    periodSeconds: fc.integer({ min: 1, max: 1800 }),
  }),
  { minLength: 1, maxLength: 3 },
);

const rules = fc.record(
  {
    stabilizationWindowSeconds: fc.integer({ min: 0, max: 3600 }),
    selectPolicy: fc.constantFrom('Max' as const, 'Min' as const, 'Disabled' as const),
    policies,
    tolerance: fc.double({ min: 0, max: 1, noNaN: true }),
  },
  { requiredKeys: [] },
);

const behavior = fc.option(fc.record({ scaleUp: rules, scaleDown: rules }, { requiredKeys: [] }), { nil: undefined }).map(completeBehavior);

const bounds = fc
  .tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 60 }))
  .map(([min, more]) => ({ minReplicas: min, maxReplicas: min + more }));

const history = fc.record(
  { lastScaleUp: fc.integer({ min: now - 900_000, max: now }), lastScaleDown: fc.integer({ min: now - 900_000, max: now }) },
  { requiredKeys: [] },
);

const pod = fc.record({
  phase: fc.constantFrom('Running', 'Running', 'Running', 'Pending', 'Failed', 'Succeeded'),
  deleting: fc.boolean().map((value) => value),
  ready: fc.constantFrom('True' as const, 'True' as const, 'False' as const, undefined),
  startTime: fc.integer({ min: now - 1_200_000, max: now }),
  readyTransition: fc.integer({ min: now - 1_200_000, max: now }),
  milli: fc.option(fc.integer({ min: 0, max: 4000 }), { nil: undefined }),
});

const recommendations = fc.array(
  fc.record({ replicas: fc.integer({ min: 1, max: 120 }), at: fc.integer({ min: now - 900_000, max: now }) }),
  {
    maxLength: 6,
  },
);

const events = fc.array(
  fc.record({ change: fc.integer({ min: 1, max: 40 }), at: fc.integer({ min: now - 900_000, max: now }), outdated: fc.constant(false) }),
  { maxLength: 4 },
);

interface World {
  readonly input: EvaluationInput;
}

const world: fc.Arbitrary<World> = fc
  .record({
    replicas: fc.integer({ min: 1, max: 120 }),
    bounds,
    behavior,
    history,
    recommendations,
    scaleUpEvents: events,
    scaleDownEvents: events,
    pods: fc.array(pod, { maxLength: 12 }),
    target: fc.integer({ min: 1, max: 200 }),
  })
  .map((drawn) => {
    const { bounds: limits, behavior: rulesOfBoth, target } = drawn;
    const pods = drawn.pods.map(({ milli, ...rest }, index) => ({ milli, ...readyPod(`p${index}`, rest) }));
    const scaling: ScalingSpec = spec({
      ...limits,
      behavior: rulesOfBoth,
      metrics: [{ ...cpuMetric, target: { type: 'Utilization', averageUtilization: target } } as ScalingSpec['metrics'][number]],
    });
    const { scaleUpEvents, scaleDownEvents } = drawn;
    return {
      input: evaluationInput(drawn.replicas, 0, {
        spec: scaling,
        pods,
        results: [
          samplesOf(
            pods,
            drawn.pods.map(({ milli }) => milli),
          ),
        ],
        history: drawn.history,
        state: { recommendations: drawn.recommendations, scaleUpEvents, scaleDownEvents },
      }),
    };
  });

function samplesOf(pods: readonly HpaPod[], milli: readonly (number | undefined)[]): MetricResult {
  return {
    kind: 'usage',
    samples: pods.flatMap(({ name }, index) => {
      const value = milli[index];
      if (value === undefined) return [];
      return [{ pod: name, timestamp: now - 5000, windowMs: 15_000, containers: [{ name: 'app', value: BigInt(value) }] }];
    }),
  };
}

describe('evaluate', () => {
  it('sets nothing outside the bounds, and moves towards them from outside', () => {
    const property = (): void =>
      fc.assert(
        fc.property(world, ({ input }) => {
          const { write } = evaluate(input);
          const { minReplicas, maxReplicas } = input.spec;
          return write === undefined || (write >= minReplicas && write <= maxReplicas);
        }),
        { numRuns: 500 },
      );
    expect(property).not.toThrow();
  });

  it('never changes anything that the decision does not say', () => {
    fc.assert(
      fc.property(world, ({ input }) => {
        const { decision, write } = evaluate(input);
        expect(write ?? decision.from).toBe(decision.to);
        expect(decision.from).toBe(input.scale.specReplicas);
        expect(decision.wanted === null || decision.wanted === decision.to || decision.holds.length > 0).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('is the same for any order of pods and samples', () => {
    fc.assert(
      fc.property(world, fc.infiniteStream(fc.nat()), ({ input }, order) => {
        const shuffle = <T>(list: readonly T[]): T[] =>
          list
            .map((item) => ({ item, at: order.next().value ?? 0 }))
            .toSorted((a, b) => a.at - b.at)
            .map(({ item }) => item);
        const [result] = input.results;
        const samples = result?.kind === 'usage' ? shuffle(result.samples) : [];
        const shuffled = evaluate({ ...input, pods: shuffle(input.pods), results: [{ kind: 'usage', samples }] });
        const { to, wanted, reason, message } = evaluate(input).decision;
        expect(shuffled.decision).toMatchObject({
          to,
          wanted,
          reason,
          message: shuffled.branch === 'failed' ? shuffled.decision.message : message,
        });
      }),
      { numRuns: 300 },
    );
  });

  it('asks for no fewer replicas under more load', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.array(fc.tuple(fc.integer({ min: 0, max: 3000 }), fc.integer({ min: 0, max: 3000 })), { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 150 }),
        (replicas, loads, target) => {
          const pods = loads.map((_, index) => readyPod(`p${index}`));
          const metrics = [
            { type: 'Resource' as const, resource: 'cpu', target: { type: 'Utilization' as const, averageUtilization: target } },
          ];
          const at = (milli: readonly number[]): number =>
            evaluate(
              evaluationInput(replicas, 0, {
                pods,
                spec: spec({ metrics, maxReplicas: 1000, cooldown: { scaleUpMs: 0, scaleDownMs: 0 } }),
                // Pods and spec agree: otherwise "no change" means another number than the pods that are multiplied.
                scale: { specReplicas: pods.length, statusReplicas: pods.length },
                results: [samplesOf(pods, milli)],
              }),
            ).decision.to;
          expect(at(loads.map(([low, more]) => low + more))).toBeGreaterThanOrEqual(at(loads.map(([low]) => low)));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('never shrinks when a metric is unknown, unless the size is out of bounds', () => {
    const failure: MetricResult = { kind: 'failure', message: 'gone', reason: 'source-unavailable' };
    const property = (): void =>
      fc.assert(
        fc.property(world, fc.boolean(), ({ input }, first) => {
          const metrics = [...input.spec.metrics, cpuMetric];
          const results = first ? [failure, ...input.results] : [...input.results, failure];
          const { decision, branch } = evaluate({ ...input, spec: { ...input.spec, metrics }, results });
          return branch === 'above-max' || decision.to >= decision.from;
        }),
        { numRuns: 500 },
      );
    expect(property).not.toThrow();
  });

  it('never shrinks on degraded data', () => {
    const property = (): void =>
      fc.assert(
        fc.property(world, ({ input }) => {
          const [result] = input.results;
          const samples = result?.kind === 'usage' ? result.samples : [];
          const degraded = { reason: 'source-unavailable' as const, detail: '503' };
          const { decision, branch } = evaluate({ ...input, results: [{ kind: 'usage', samples, degraded }] });
          return branch === 'above-max' || decision.to >= decision.from;
        }),
        { numRuns: 500 },
      );
    expect(property).not.toThrow();
  });

  it('does not scale within a cooldown, except up to minReplicas', () => {
    const property = (): void =>
      fc.assert(
        fc.property(world, ({ input }) => {
          const { decision, branch } = evaluate(input);
          const { lastScaleUp = -Infinity, lastScaleDown = -Infinity } = input.history;
          if (decision.to > decision.from) return branch === 'below-min' || now - lastScaleUp >= 180_000;
          return decision.to === decision.from || now - Math.max(lastScaleUp, lastScaleDown) >= 300_000;
        }),
        { numRuns: 500 },
      );
    expect(property).not.toThrow();
  });

  it('keeps both cooldowns over a whole run of random load', () => {
    const property = (): void =>
      fc.assert(
        fc.property(fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 60, maxLength: 120 }), behavior, (loads, rulesOfBoth) => {
          let replicas = 4;
          let carried: Pick<EvaluationInput, 'state' | 'history' | 'status'> = {
            state: { recommendations: undefined, scaleUpEvents: [], scaleDownEvents: [] },
            history: {},
            status: { conditions: [], currentReplicas: 4, desiredReplicas: 4 },
          };
          let lastUp = -Infinity;
          let last = -Infinity;
          for (const [tick, load] of loads.entries()) {
            const at = now + tick * 15_000;
            const pods = Array.from({ length: replicas }, (_, index) => readyPod(`p${index}`));
            const input = evaluationInput(replicas, 0, {
              ...carried,
              pods,
              now: at,
              spec: spec({ maxReplicas: 30, behavior: rulesOfBoth }),
              results: [
                samplesOf(
                  pods,
                  pods.map(() => load),
                ),
              ],
            });
            const evaluation = evaluate(input);
            const {
              state,
              history: next,
              conditions,
              currentReplicas,
              desiredReplicas,
            } = conclude(input, evaluation, {
              kind: evaluation.write === undefined ? 'none' : 'written',
            });
            carried = { state, history: next, status: { conditions, currentReplicas, desiredReplicas } };
            if (evaluation.write === undefined) continue;
            const grows = evaluation.write > replicas;
            if (grows ? at - lastUp < 180_000 : at - last < 300_000) return false;
            if (grows) lastUp = at;
            last = at;
            replicas = evaluation.write;
          }
          return true;
        }),
        { numRuns: 60 },
      );
    expect(property).not.toThrow();
  });
});
