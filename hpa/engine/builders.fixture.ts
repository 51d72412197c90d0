import { defaultEngineConfig } from '../config.ts';
import type { EvaluationInput, HpaPod, MetricResult, MetricSpec, ScalingSpec } from './model.ts';

/** Builders for tests: a Deployment of ready pods with 1 core requested, cpu at 80 %. */

export const now = Date.UTC(2026, 0, 1, 12, 0, 20);

export function readyPod(name: string, overrides: Partial<HpaPod> = {}): HpaPod {
  return {
    name,
    phase: 'Running',
    deleting: false,
    ready: 'True',
    readyTransition: now - 3_600_000,
    startTime: now - 3_610_000,
    containers: [{ name: 'app', requests: { cpu: 1000n, memory: 1_073_741_824_000n } }],
    initContainers: [],
    podRequests: undefined,
    overhead: {},
    ...overrides,
  };
}

export function readyPods(count: number): HpaPod[] {
  return Array.from({ length: count }, (_, index) => readyPod(`web-${index}`));
}

export const cpuMetric: MetricSpec = { type: 'Resource', resource: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } };

/** The same usage in every pod, in thousandths. */
export function usage(pods: readonly HpaPod[], milli: number): MetricResult {
  return {
    kind: 'usage',
    samples: pods.map((pod) => ({
      pod: pod.name,
      timestamp: now - 5000,
      windowMs: 15_000,
      containers: [{ name: 'app', value: BigInt(milli) }],
    })),
  };
}

/** A queue of which one replica works off 10. */
export const queueMetric: MetricSpec = { type: 'External', metric: 'queue', target: { type: 'AverageValue', averageValue: 10_000n } };

/** The queue has so many. */
export function queued(count: number): MetricResult {
  return { kind: 'values', values: [BigInt(count) * 1000n] };
}

export const outage: MetricResult = { kind: 'failure', message: '503 from the adapter', reason: 'source-unavailable' };

export function spec(overrides: Partial<ScalingSpec> = {}): ScalingSpec {
  return {
    native: false,
    minReplicas: 1,
    maxReplicas: 10,
    metrics: [cpuMetric],
    behavior: undefined,
    cooldown: { scaleUpMs: 180_000, scaleDownMs: 300_000 },
    mode: 'Auto',
    ...overrides,
  };
}

/** `replicas` ready pods, each using `milli` thousandths of a core; an empty history of recommendations. */
export function evaluationInput(replicas: number, milli: number, overrides: Partial<EvaluationInput> = {}): EvaluationInput {
  const pods = overrides.pods ?? readyPods(replicas);
  return {
    subject: { apiVersion: 'concertina.dev/v1alpha1', kind: 'HorizontalPolicy', namespace: 'shop', name: 'web' },
    target: { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web' },
    spec: spec(),
    scale: { specReplicas: replicas, statusReplicas: replicas },
    selector: { ok: true },
    pods,
    results: [usage(pods, milli)],
    state: { recommendations: [], scaleUpEvents: [], scaleDownEvents: [] },
    status: { conditions: [], currentReplicas: replicas, desiredReplicas: replicas },
    history: {},
    now,
    config: defaultEngineConfig,
    ...overrides,
  };
}
