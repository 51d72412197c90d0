import { defaultEngineConfig } from '../../hpa/config.ts';
import type { Tolerances } from '../../hpa/engine/arithmetic.ts';
import { completeBehavior, type RulesInput } from '../../hpa/engine/behavior.ts';
import { concludeUnavailable, conclude, evaluate } from '../../hpa/engine/index.ts';
import type {
  EngineConfig,
  EvaluationInput,
  HpaPod,
  HpaState,
  MetricResult,
  MetricSpec,
  MetricTarget,
  PreviousStatus,
  ScaleEvent,
  ScalingSpec,
} from '../../hpa/engine/index.ts';
import { evaluateMetric } from '../../hpa/engine/metric.ts';
import { groupPods } from '../../hpa/engine/pod-groups.ts';
import { podRequests } from '../../hpa/engine/pod-requests.ts';
import { changeWithin, limitByRules, limitPerSync, scaleDownLimit, scaleUpLimit, storeScaleEvent } from '../../hpa/engine/rate-limit.ts';
import { stabilize, stabilizeWithBehavior } from '../../hpa/engine/stabilization.ts';
import { problemsText } from '../../core/model/schema-problems.ts';
import { fromHpa } from '../../hpa/policy.ts';
import type { VectorCase } from './runners.ts';

/** The instant that ages are counted back from; far enough from 0 for "very long ago". */
const now = 2_000_000_000_000;

type Json = Record<string, unknown>;

interface VectorPod {
  readonly name: string;
  readonly phase: string;
  readonly ready: 'True' | 'False' | 'Unknown' | null;
  readonly startedSecondsAgo: number | null;
  readonly readyTransitionSecondsAgo: number | null;
  readonly deleting?: boolean;
  readonly containers?: readonly { readonly name: string; readonly requestMilli: number | string | null }[];
  readonly initContainers?: readonly {
    readonly name: string;
    readonly requestMilli: number | string | null;
    readonly restartPolicy?: string | null;
  }[];
  readonly podLevelRequestsSet?: boolean;
  readonly podLevelRequestMilli?: number | string | null;
  readonly overheadMilli?: number | string | null;
}

interface VectorSample {
  readonly pod: string;
  readonly timestampSecondsAgo: number;
  readonly windowSeconds: number;
  readonly containers?: readonly { readonly name: string; readonly usageMilli: number | string | null }[];
  readonly valueMilli?: number | string;
}

interface VectorMetric {
  readonly type: string;
  readonly resource?: string;
  readonly container?: string;
  readonly target?: {
    readonly type: 'Utilization' | 'Value' | 'AverageValue';
    readonly value?: number;
    readonly valueMilli?: number | string;
  };
  readonly samples?: readonly VectorSample[];
  readonly valuesMilli?: readonly (number | string)[];
  readonly fetchError?: boolean;
}

interface VectorConfig {
  readonly cpuInitializationSeconds?: number;
  readonly initialReadinessDelaySeconds?: number;
  readonly tolerance?: number;
  readonly downscaleStabilizationSeconds?: number;
  readonly scaleUpLimitFactor?: number;
  readonly scaleUpLimitMinimum?: number;
  readonly scaleToZeroEnabled?: boolean;
}

/** All kinds of the three HPA files. */
export function hpaRunner(vector: VectorCase): readonly string[] {
  const run = kinds[vector.kind];
  return run === undefined ? [`kind ${vector.kind} is not known`] : run(vector);
}

const kinds: Readonly<Record<string, (vector: VectorCase) => readonly string[]>> = {
  replicas: ({ input, expected }) => diff(expected, runReplicas(input)),
  groupPods: ({ input, expected }) => diff(expected, runGroupPods(input)),
  podRequests: ({ input, expected }) => diff(expected, runPodRequests(input)),
  limitsWithoutBehavior: ({ input, expected }) => diff(expected, runLimits(input)),
  stabilizeWithoutBehavior: ({ input, expected }) => diff(expected, runStabilize(input)),
  stabilizeWithBehavior: ({ input, expected }) => diff(expected, runStabilizeWithBehavior(input)),
  scaleUpLimit: ({ input, expected }) => diff(expected, runRawLimit(input, scaleUpLimit)),
  scaleDownLimit: ({ input, expected }) => diff(expected, runRawLimit(input, scaleDownLimit)),
  rateLimit: ({ input, expected }) => diff(expected, runRateLimit(input)),
  storeEvent: ({ input, expected }) => diff(expected, runStoreEvent(input)),
  reconcile: ({ input, expected }) => diff(expected, runReconcile(input)),
  trajectory: runTrajectory,
};

/** Every listed field must match; fields that are not listed do not matter. */
function diff(expected: unknown, actual: Json): readonly string[] {
  return Object.entries((expected ?? {}) as Json).flatMap(([key, value]) => {
    const wanted = canonical(value);
    const given = canonical(actual[key]);
    return wanted === given ? [] : [`${key}: expected ${wanted}, got ${given}`];
  });
}

/** Integers as text, since large ones are written so; keys sorted. */
function canonical(value: unknown): string {
  if (value === undefined || value === null) return 'null';
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'string') return /^-?\d+$/.test(value) ? value : JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value === 'object') {
    const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, each]) => `${key}:${canonical(each)}`).join(',')}}`;
  }
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : JSON.stringify(value);
}

function configOf(config: VectorConfig = {}): EngineConfig {
  const seconds = (value: number | undefined, fallback: number): number => (value === undefined ? fallback : value * 1000);
  const base = defaultEngineConfig;
  return {
    ...base,
    cpuInitializationMs: seconds(config.cpuInitializationSeconds, base.cpuInitializationMs),
    initialReadinessDelayMs: seconds(config.initialReadinessDelaySeconds, base.initialReadinessDelayMs),
    downscaleStabilizationMs: seconds(config.downscaleStabilizationSeconds, base.downscaleStabilizationMs),
    tolerance: config.tolerance ?? base.tolerance,
    scaleUpLimitFactor: config.scaleUpLimitFactor ?? base.scaleUpLimitFactor,
    scaleUpLimitMinimum: config.scaleUpLimitMinimum ?? base.scaleUpLimitMinimum,
    scaleToZero: config.scaleToZeroEnabled ?? base.scaleToZero,
    // The house rule is off: the vectors are upstream's.
    missingShareFreeze: 1,
  };
}

/** The vectors give one number a container: it stands for each resource that the metrics ask for. */
function requestsOf(resources: string | readonly string[], value: number | string | null | undefined): Record<string, bigint> {
  if (value === undefined || value === null) return {};
  return Object.fromEntries([resources].flat().map((resource) => [resource, BigInt(value)]));
}

function podOf(pod: VectorPod, resource: string | readonly string[]): HpaPod {
  return {
    name: pod.name,
    phase: pod.phase,
    deleting: pod.deleting === true,
    ready: pod.ready ?? undefined,
    readyTransition: ago(pod.readyTransitionSecondsAgo ?? 1_000_000_000),
    startTime: pod.startedSecondsAgo === null ? undefined : ago(pod.startedSecondsAgo),
    containers: (pod.containers ?? []).map(({ name, requestMilli }) => ({ name, requests: requestsOf(resource, requestMilli) })),
    initContainers: (pod.initContainers ?? []).map(({ name, requestMilli, restartPolicy }) => ({
      name,
      requests: requestsOf(resource, requestMilli),
      restartable: restartPolicy === 'Always',
    })),
    // Set, but without the resource in question: another supported one stands there.
    podRequests: pod.podLevelRequestsSet === true ? { 'hugepages-2Mi': 1n, ...requestsOf(resource, pod.podLevelRequestMilli) } : undefined,
    overhead: requestsOf(resource, pod.overheadMilli),
  };
}

function ago(seconds: number): number {
  return now - seconds * 1000;
}

function specOf(metric: VectorMetric): MetricSpec {
  const { type, resource = '', container = '' } = metric;
  const target = targetOf(metric.target);
  switch (type) {
    case 'Resource':
      return { type, resource, target };
    case 'ContainerResource':
      return { type, resource, container, target };
    case 'Pods':
    case 'External':
      return { type, metric: 'm', target };
    case 'Object':
      return { type, metric: 'm', describedObject: { kind: 'Service', name: 's' }, target };
    default:
      return { type: 'Unknown', name: type };
  }
}

function targetOf(target: VectorMetric['target']): MetricTarget {
  if (target === undefined) return { type: 'Utilization' };
  if (target.type === 'Utilization') return { type: target.type, averageUtilization: target.value };
  const milli = target.valueMilli === undefined ? undefined : BigInt(target.valueMilli);
  return target.type === 'Value' ? { type: target.type, value: milli } : { type: target.type, averageValue: milli };
}

function resultOf(metric: VectorMetric): MetricResult {
  if (metric.fetchError === true) return { kind: 'failure', message: 'the metrics API failed' };
  if (metric.valuesMilli !== undefined) return { kind: 'values', values: metric.valuesMilli.map(BigInt) };
  const samples = metric.samples ?? [];
  const timing = (sample: VectorSample) => ({ timestamp: ago(sample.timestampSecondsAgo), windowMs: sample.windowSeconds * 1000 });
  if (metric.type === 'Pods') {
    return { kind: 'pod-values', values: samples.map((each) => ({ pod: each.pod, ...timing(each), value: BigInt(each.valueMilli ?? 0) })) };
  }
  return {
    kind: 'usage',
    samples: samples.map((each) => ({
      pod: each.pod,
      ...timing(each),
      containers: (each.containers ?? []).map(({ name, usageMilli }) => ({
        name,
        value: usageMilli === null ? undefined : BigInt(usageMilli),
      })),
    })),
  };
}

function runReplicas(input: Json): Json {
  const { currentReplicas, statusReplicas, tolerances, config, metric, pods } = input as {
    currentReplicas: number;
    statusReplicas: number;
    tolerances: Tolerances;
    config?: VectorConfig;
    metric: VectorMetric;
    pods: readonly VectorPod[];
  };
  const outcome = evaluateMetric(specOf(metric), resultOf(metric), {
    currentReplicas,
    statusReplicas,
    tolerances,
    pods: pods.map((pod) => podOf(pod, metric.resource ?? '')),
    now,
    config: configOf(config),
  });
  if (!outcome.ok) return { error: outcome.kind };
  const { utilizationPercent, averageMilli, totalMilli } = outcome.values;
  return { replicas: outcome.replicas, utilization: utilizationPercent, averageMilli, valueMilli: totalMilli };
}

function runGroupPods(input: Json): Json {
  const { config, resource, pods, samples } = input as {
    config?: VectorConfig;
    resource: string;
    pods: readonly VectorPod[];
    samples: readonly VectorSample[];
  };
  const values = new Map(
    samples.map((each) => [
      each.pod,
      { value: BigInt(each.valueMilli ?? 0), timestamp: ago(each.timestampSecondsAgo), windowMs: each.windowSeconds * 1000 },
    ]),
  );
  const groups = groupPods(
    pods.map((pod) => podOf(pod, resource)),
    values,
    { resource, now, config: configOf(config) },
  );
  return {
    readyPodCount: groups.readyCount,
    unreadyPods: groups.unready.toSorted(),
    missingPods: groups.missing.toSorted(),
    ignoredPods: groups.ignored.toSorted(),
  };
}

function runPodRequests(input: Json): Json {
  const { pods, container, resource, podLevelResourcesEnabled } = input as {
    pods: readonly VectorPod[];
    container: string;
    resource: string;
    podLevelResourcesEnabled: boolean;
  };
  const result = podRequests(
    pods.map((pod) => podOf(pod, resource)),
    { container, resource, podLevelResources: podLevelResourcesEnabled },
  );
  return result.ok ? { requestsMilli: Object.fromEntries(result.requests) } : { error: result.kind };
}

function runLimits(input: Json): Json {
  const { currentReplicas, desiredReplicas, minReplicas, maxReplicas, scaleUpLimitFactor, scaleUpLimitMinimum } = input as Record<
    string,
    number
  >;
  const { replicas, reason } = limitPerSync(
    { current: currentReplicas!, desired: desiredReplicas! },
    { min: minReplicas!, max: maxReplicas! },
    { factor: scaleUpLimitFactor!, minimum: scaleUpLimitMinimum! },
  );
  return { replicas, reason };
}

type Ages = readonly { readonly replicas: number; readonly secondsAgo: number }[];

function recommendationsOf(list: Ages) {
  return list.map(({ replicas, secondsAgo }) => ({ replicas, at: ago(secondsAgo) }));
}

function runStabilize(input: Json): Json {
  const { windowSeconds, recommendations, desiredReplicas } = input as {
    windowSeconds: number;
    recommendations: Ages;
    desiredReplicas: number;
  };
  const result = stabilize(recommendationsOf(recommendations), desiredReplicas, { windowMs: windowSeconds * 1000, now });
  return { replicas: result.replicas, recommendationsKept: result.recommendations.length };
}

function runStabilizeWithBehavior(input: Json): Json {
  const { recommendations, currentReplicas, desiredReplicas, scaleUpWindowSeconds, scaleDownWindowSeconds } = input as {
    recommendations: Ages;
    currentReplicas: number;
    desiredReplicas: number;
    scaleUpWindowSeconds: number;
    scaleDownWindowSeconds: number;
  };
  const result = stabilizeWithBehavior(
    recommendationsOf(recommendations),
    { current: currentReplicas, wish: desiredReplicas },
    { upMs: scaleUpWindowSeconds * 1000, downMs: scaleDownWindowSeconds * 1000, now },
  );
  return { replicas: result.replicas, recommendationsAfter: result.recommendations.map(({ replicas }) => replicas) };
}

interface VectorEvent {
  readonly change: number;
  readonly secondsAgo: number;
  readonly outdated?: boolean;
}

function eventsOf(events: readonly VectorEvent[] = []): ScaleEvent[] {
  return events.map(({ change, secondsAgo, outdated }) => ({ change, at: ago(secondsAgo), outdated: outdated ?? false }));
}

function runRawLimit(input: Json, limit: typeof scaleUpLimit): Json {
  const { currentReplicas, scaleUpEvents, scaleDownEvents, rules } = input as {
    currentReplicas: number;
    scaleUpEvents?: VectorEvent[];
    scaleDownEvents?: VectorEvent[];
    rules: RulesInput;
  };
  const completed = completeBehavior({ scaleUp: rules })!.scaleUp;
  return { replicas: limit(currentReplicas, { up: eventsOf(scaleUpEvents), down: eventsOf(scaleDownEvents) }, { rules: completed, now }) };
}

function runRateLimit(input: Json): Json {
  const { currentReplicas, desiredReplicas, minReplicas, maxReplicas, scaleUp, scaleDown, scaleUpEvents, scaleDownEvents } = input as {
    currentReplicas: number;
    desiredReplicas: number;
    minReplicas: number;
    maxReplicas: number;
    scaleUp: RulesInput | null;
    scaleDown: RulesInput | null;
    scaleUpEvents?: VectorEvent[];
    scaleDownEvents?: VectorEvent[];
  };
  const behavior = completeBehavior({ scaleUp: scaleUp ?? undefined, scaleDown: scaleDown ?? undefined })!;
  const { replicas, reason } = limitByRules(
    { current: currentReplicas, desired: desiredReplicas },
    { min: minReplicas, max: maxReplicas },
    { behavior, events: { up: eventsOf(scaleUpEvents), down: eventsOf(scaleDownEvents) }, now },
  );
  return { replicas, reason };
}

function runStoreEvent(input: Json): Json {
  const { change, rules, events } = input as { change: number; rules: RulesInput | null; events: VectorEvent[] };
  const before = eventsOf(events);
  const completed = rules === null ? undefined : completeBehavior({ scaleUp: rules })!.scaleUp;
  const after = storeScaleEvent(before, change, { rules: completed, now });
  return {
    changeInLast60s: changeWithin(before, 60_000, now),
    eventsAfter: after.map((event) => ({ change: event.change, outdated: event.outdated })),
  };
}

const subject = { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', namespace: 'n', name: 'h' };
const target = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'n', name: 'd' };
const noCooldown = { scaleUpMs: 0, scaleDownMs: 0 };

interface ReconcileInput {
  readonly config?: VectorConfig;
  readonly hpa: {
    readonly minReplicas?: number | null;
    readonly maxReplicas: number;
    readonly metrics: readonly VectorMetric[];
    readonly behavior?: { readonly scaleUp?: RulesInput | null; readonly scaleDown?: RulesInput | null } | null;
  };
  readonly scale: { readonly specReplicas: number; readonly statusReplicas: number; readonly selector?: string };
  readonly pods: readonly VectorPod[];
  readonly recommendations: Ages | null;
  readonly scaledToZeroCondition?: boolean | null;
  readonly scaleGetError?: boolean;
  readonly scaleUpdateError?: boolean;
}

function reconcileInput(input: ReconcileInput): EvaluationInput {
  const { hpa, scale, pods, recommendations, scaledToZeroCondition } = input;
  const behavior = hpa.behavior ?? undefined;
  const resources = hpa.metrics.map((metric) => metric.resource ?? 'cpu');
  const marked: PreviousStatus['conditions'] =
    typeof scaledToZeroCondition === 'boolean'
      ? [
          {
            type: 'ScaledToZero',
            status: scaledToZeroCondition ? 'True' : 'False',
            reason: scaledToZeroCondition ? 'ScaledToZero' : 'NotScaledToZero',
            message: '',
            lastTransitionTime: '2020-01-01T00:00:00Z',
          },
        ]
      : [];
  const spec: ScalingSpec = {
    native: true,
    minReplicas: hpa.minReplicas ?? 1,
    maxReplicas: hpa.maxReplicas,
    metrics: hpa.metrics.map(specOf),
    behavior: completeBehavior(
      behavior === undefined ? undefined : { scaleUp: behavior.scaleUp ?? undefined, scaleDown: behavior.scaleDown ?? undefined },
    ),
    cooldown: noCooldown,
    mode: 'Auto',
  };
  return {
    subject,
    target,
    spec,
    scale,
    selector: selectorState(scale.selector),
    pods: pods.map((pod) => podOf(pod, resources)),
    results: hpa.metrics.map(resultOf),
    state: {
      recommendations: recommendations === null ? undefined : recommendationsOf(recommendations),
      scaleUpEvents: [],
      scaleDownEvents: [],
    },
    status: { conditions: marked, currentReplicas: scale.specReplicas, desiredReplicas: scale.specReplicas },
    history: {},
    now,
    config: configOf(input.config),
  };
}

function selectorState(selector: string | undefined): EvaluationInput['selector'] {
  if (selector === 'missing') return { ok: false, reason: 'InvalidSelector', event: 'SelectorRequired', message: 'no selector' };
  if (selector === 'unparsable') return { ok: false, reason: 'InvalidSelector', event: 'InvalidSelector', message: 'bad selector' };
  if (selector === 'ambiguous') return { ok: false, reason: 'AmbiguousSelector', event: 'AmbiguousSelector', message: 'two of them' };
  return { ok: true };
}

function runReconcile(raw: Json): Json {
  const vector = raw as unknown as ReconcileInput;
  const input = reconcileInput(vector);
  if (vector.scaleGetError === true) {
    const { conditions, desiredReplicas } = concludeUnavailable(input, 'FailedGetScale', 'no scale');
    return {
      desiredReplicas,
      conditions: shownConditions(conditions),
      action: 'none',
      error: 'internal',
      metricLabels: {},
      scaleWritten: false,
    };
  }
  const evaluation = evaluate(input);
  const outcome =
    evaluation.write === undefined
      ? { kind: 'none' as const }
      : vector.scaleUpdateError === true
        ? { kind: 'failed' as const, message: 'no' }
        : { kind: 'written' as const };
  const conclusion = conclude(input, evaluation, outcome);
  const zero = conclusion.conditions.find(({ type }) => type === 'ScaledToZero');
  const resource = conclusion.currentMetrics
    .map(
      (metric) =>
        (metric['resource'] ?? metric['containerResource']) as { name: string; current: { averageUtilization?: number } } | undefined,
    )
    .find((metric) => metric?.name === 'cpu');
  return {
    desiredReplicas: conclusion.desiredReplicas,
    conditions: shownConditions(conclusion.conditions),
    action: conclusion.action,
    error: conclusion.error === undefined ? 'none' : 'internal',
    metricLabels: Object.fromEntries(evaluation.metricLabels.map(({ type, action, error }) => [type, { action, error }])),
    cpuUtilization: resource?.current.averageUtilization,
    scaledToZero: zero === undefined ? undefined : zero.status === 'True',
    scaleWritten: outcome.kind === 'written',
  };
}

function shownConditions(conditions: PreviousStatus['conditions']): Json {
  return Object.fromEntries(
    conditions.filter(({ type }) => type !== 'ScaledToZero').map(({ type, status, reason }) => [type, { status, reason }]),
  );
}

interface Tick {
  readonly t: number;
  readonly specReplicas: number;
  readonly pods: readonly (readonly (number | boolean | null)[])[];
  readonly values: readonly (number | string)[];
  readonly expected: {
    readonly replicas: number;
    readonly desiredReplicas: number;
    readonly ableToScale: string | null;
    readonly scalingActive: string | null;
    readonly scalingLimited: string | null;
  };
}

interface TrajectoryInput {
  readonly config: VectorConfig;
  readonly hpaSpec: Json;
  readonly podRequestMilli: number;
  readonly sampleAgeSeconds: number;
  readonly sampleWindowSeconds: number;
}

function runTrajectory(vector: VectorCase): readonly string[] {
  const input = vector.input as unknown as TrajectoryInput;
  const parsed = fromHpa(
    { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: { name: 'h', namespace: 'n' }, spec: input.hpaSpec },
    { anyMetric: true },
  );
  if (!parsed.ok) return [problemsText(parsed.problems)];
  const { spec } = parsed.policy;
  const config = configOf(input.config);
  let state: HpaState = { recommendations: undefined, scaleUpEvents: [], scaleDownEvents: [] };
  let status: PreviousStatus = { conditions: [], currentReplicas: 0, desiredReplicas: 0 };
  for (const tick of (vector.ticks ?? []) as readonly Tick[]) {
    const at = now + tick.t * 1000;
    const { pods, results } = tickData(tick, { input, metrics: spec.metrics, at });
    const evaluationInput: EvaluationInput = {
      subject,
      target,
      spec,
      scale: { specReplicas: tick.specReplicas, statusReplicas: pods.length },
      selector: { ok: true },
      pods,
      results,
      state,
      status,
      history: {},
      now: at,
      config,
    };
    const evaluation = evaluate(evaluationInput);
    const conclusion = conclude(evaluationInput, evaluation, { kind: evaluation.write === undefined ? 'none' : 'written' });
    state = conclusion.state;
    const { conditions, currentReplicas, desiredReplicas } = conclusion;
    status = { conditions, currentReplicas, desiredReplicas };
    const shown = (type: string): string | null => {
      const condition = conditions.find((each) => each.type === type);
      return condition === undefined ? null : `${condition.status}/${condition.reason}`;
    };
    const differences = diff(tick.expected, {
      replicas: evaluation.write ?? tick.specReplicas,
      desiredReplicas,
      ableToScale: shown('AbleToScale'),
      scalingActive: shown('ScalingActive'),
      scalingLimited: shown('ScalingLimited'),
    });
    // What follows a wrong tick is wrong too.
    if (differences.length > 0) return [`t=${tick.t}`, ...differences];
  }
  return [];
}

function tickData(
  tick: Tick,
  { input, metrics, at }: { readonly input: TrajectoryInput; readonly metrics: readonly MetricSpec[]; readonly at: number },
): { readonly pods: readonly HpaPod[]; readonly results: readonly MetricResult[] } {
  const request = BigInt(input.podRequestMilli);
  const pods: HpaPod[] = [];
  const values: (bigint | undefined)[][] = [];
  for (const [count, started, ready, transition, ...samples] of tick.pods) {
    for (let each = 0; each < Number(count); each += 1) {
      pods.push({
        name: `p${pods.length}`,
        phase: 'Running',
        deleting: false,
        ready: ready === true ? 'True' : 'False',
        readyTransition: at - Number(transition) * 1000,
        startTime: at - Number(started) * 1000,
        containers: [{ name: 'c', requests: { cpu: request, memory: request } }],
        initContainers: [],
        podRequests: undefined,
        overhead: {},
      });
      values.push(samples.map((sample) => (typeof sample === 'number' ? BigInt(sample) : undefined)));
    }
  }
  const timing = { timestamp: at - input.sampleAgeSeconds * 1000, windowMs: input.sampleWindowSeconds * 1000 };
  let column = -1;
  const results = metrics.map((metric, index): MetricResult => {
    const perPod = metric.type === 'Resource' || metric.type === 'Pods';
    if (perPod) column += 1;
    const value = tick.values[index];
    if (value === 'error') return { kind: 'failure', message: 'the fetch fails' };
    if (typeof value === 'number') return { kind: 'values', values: [BigInt(value)] };
    const known = pods.flatMap((pod, at) => {
      const sample = values[at]?.[column];
      return sample === undefined ? [] : [{ pod: pod.name, value: sample, ...timing }];
    });
    if (metric.type === 'Pods') return { kind: 'pod-values', values: known };
    return { kind: 'usage', samples: known.map(({ value: usage, ...rest }) => ({ ...rest, containers: [{ name: 'c', value: usage }] })) };
  });
  return { pods, results };
}
