import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultEngineConfig } from '../config.ts';
import { cpuMetric, now, queueMetric, readyPods } from './builders.fixture.ts';
import { evaluateMetric, type MetricContext } from './metric.ts';
import type { MetricResult, MetricSpec } from './model.ts';
import { scaleDownThreshold, scaleUpThreshold, type MeasuredMetric } from './threshold.ts';

const metrics: readonly MetricSpec[] = [
  cpuMetric,
  { type: 'Resource', resource: 'cpu', target: { type: 'AverageValue', averageValue: 500n } },
  { type: 'ContainerResource', resource: 'cpu', container: 'app', target: { type: 'Utilization', averageUtilization: 50 } },
  { type: 'Pods', metric: 'rate', target: { type: 'AverageValue', averageValue: 700n } },
  queueMetric,
  { type: 'External', metric: 'rate', target: { type: 'Value', value: 9000n } },
];

/** A sum of so much, all of it in the first pod, or as the one value. */
function resultOf(spec: MetricSpec, pods: readonly string[], total: bigint): MetricResult {
  const timing = { timestamp: now - 5000, windowMs: 15_000 };
  const share = (index: number): bigint => (index === 0 ? total : 0n);
  switch (spec.type) {
    case 'Pods':
      return { kind: 'pod-values', values: pods.map((pod, index) => ({ pod, value: share(index), ...timing })) };
    case 'Resource':
    case 'ContainerResource':
      return {
        kind: 'usage',
        samples: pods.map((pod, index) => ({
          pod,
          ...timing,
          containers: [
            { name: 'side', value: 0n },
            { name: 'app', value: share(index) },
          ],
        })),
      };
    case 'Object':
    case 'External':
    case 'Prometheus':
    case 'Unknown':
      return { kind: 'values', values: [total] };
  }
}

const world = fc.record({
  spec: fc.constantFrom(...metrics),
  replicas: fc.integer({ min: 1, max: 40 }),
  /** Pods without a sample. */
  silent: fc.integer({ min: 0, max: 3 }),
  total: fc.bigInt({ min: 0n, max: 60_000n }),
  tolerance: fc.constantFrom(0, 0.05, 0.1, 0.5),
});

type ReplicasAt = (total: bigint) => number;

/** What is wrong with the threshold upwards of a metric that does not ask for more now. */
function upErrors(measured: MeasuredMetric, at: ReplicasAt, total: bigint): string[] {
  const { currentReplicas } = measured.context;
  if (measured.proposal.replicas > currentReplicas) return [];
  const up = scaleUpThreshold(measured);
  if (up === undefined) return ['every metric can grow'];
  return [
    ...(up.totalMilli > total ? [] : ['is not above the load']),
    ...(at(up.totalMilli) === up.replicas && up.replicas > currentReplicas ? [] : ['does not grow there']),
    ...(at(up.totalMilli - 1n) <= currentReplicas ? [] : ['grows one thousandth earlier']),
  ];
}

function downErrors(measured: MeasuredMetric, at: ReplicasAt, total: bigint): string[] {
  const { currentReplicas } = measured.context;
  if (measured.proposal.replicas < currentReplicas) return [];
  const down = scaleDownThreshold(measured);
  if (down === undefined) return at(0n) >= currentReplicas ? [] : ['shrinks without a load'];
  return [
    ...(down.totalMilli < total ? [] : ['is not below the load']),
    ...(at(down.totalMilli) === down.replicas && down.replicas < currentReplicas ? [] : ['does not shrink there']),
    ...(at(down.totalMilli + 1n) >= currentReplicas ? [] : ['shrinks one thousandth earlier']),
  ];
}

describe('thresholds', () => {
  it('are exact: one thousandth less does not do it', () => {
    fc.assert(
      fc.property(world, ({ spec, replicas, silent, total, tolerance }) => {
        const pods = readyPods(replicas).map((pod) => ({
          ...pod,
          containers: pod.containers.concat({ name: 'side', requests: { cpu: 100n } }),
        }));
        const sampled = pods.slice(0, Math.max(1, replicas - silent)).map(({ name }) => name);
        const context: MetricContext = {
          currentReplicas: replicas,
          statusReplicas: replicas,
          tolerances: { scaleUp: tolerance, scaleDown: tolerance },
          pods,
          now,
          config: defaultEngineConfig,
        };
        const at = (sum: bigint): number => {
          const outcome = evaluateMetric(spec, resultOf(spec, sampled, sum), context);
          if (!outcome.ok) throw new Error(outcome.message);
          return outcome.replicas;
        };
        const result = resultOf(spec, sampled, total);
        const proposal = evaluateMetric(spec, result, context);
        if (!proposal.ok) return;
        const measured: MeasuredMetric = { spec, result, proposal, context };
        expect([upErrors(measured, at, total), downErrors(measured, at, total)].flat()).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });
});
