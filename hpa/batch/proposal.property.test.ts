import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SeriesSample } from '../../core/model/metric-query.ts';
import { queryKey } from '../../core/model/metric-query.ts';
import type { QueryResult } from '../../core/model/metrics-view.ts';
import { plainView } from '../../core/model/metrics-view.fixture.ts';
import { parseSelector } from '../../core/model/selector.ts';
import { defaultHpaConfig } from '../config.ts';
import { assemble } from '../controller/assemble.ts';
import { evaluateMetric, type MetricOutcome } from '../engine/metric.ts';
import { metricContext } from '../engine/metric-context.ts';
import { emptyState, type MetricResult, type MetricSpec, type ScalingSpec } from '../engine/index.ts';
import type { ScalingPolicy } from '../policy.ts';
import { compileMetrics, type CompiledMetric } from './compiled-policy.ts';
import { createTableContext, needMemory, setNow } from './pod-table.ts';
import { drawnPods, fakePods, now, podRecord, usageOfPods, type DrawnPod } from './scene.fixture.ts';
import { createTargetGroups } from './target-groups.ts';
import { emptyUsageProposal, proposalEnd, proposeByUsage, type UsageContext } from './usage-proposal.kernel.ts';
import { createUsageRows, readUsage } from './usage-rows.ts';
import { proposeByValue } from './value-proposal.kernel.ts';

const target = fc.oneof(
  fc.integer({ min: 1, max: 300 }).map((percent) => ({ type: 'Utilization' as const, averageUtilization: percent })),
  fc.bigInt({ min: 1n, max: 3_000n }).map((milli) => ({ type: 'AverageValue' as const, averageValue: milli })),
);

const usageSpec: fc.Arbitrary<MetricSpec> = fc
  .record({ type: fc.constant('Resource' as const), resource: fc.constantFrom('cpu', 'memory'), target })
  .map((spec) =>
    // Memory is counted in other sizes.
    spec.resource === 'memory' && spec.target.type === 'AverageValue'
      ? { ...spec, target: { ...spec.target, averageValue: spec.target.averageValue * 400_000_000n } }
      : spec,
  );

const milli = fc.oneof(
  fc.bigInt({ min: -10_000n, max: 1_000_000n }),
  fc.bigInt({ min: 0n, max: 2_000n }),
  fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
);

const valueSpec: fc.Arbitrary<MetricSpec> = fc
  .record({
    type: fc.constantFrom('External' as const, 'Object' as const, 'Prometheus' as const),
    target: fc.oneof(
      fc.bigInt({ min: 1n, max: 100_000n }).map((value) => ({ type: 'Value' as const, value })),
      fc.bigInt({ min: 1n, max: 100_000n }).map((averageValue) => ({ type: 'AverageValue' as const, averageValue })),
    ),
  })
  .map(({ type, target: wanted }) => {
    if (type === 'External') return { type, metric: 'queue', target: wanted };
    if (type === 'Object') return { type, metric: 'queue', describedObject: { kind: 'Service', name: 'web' }, target: wanted };
    return { type, metric: 'queue', source: 'main', query: 'sum(queue)', emptyMeans: 'unknown', target: wanted };
  });

const sizes = fc.record({ specReplicas: fc.integer({ min: 1, max: 20 }), statusReplicas: fc.integer({ min: 0, max: 20 }) });
const tolerance = fc.constantFrom(0, 0.05, 0.1, 0.33, 1);

interface Scene {
  readonly pods: readonly DrawnPod[];
  readonly metric: MetricSpec;
  readonly native: boolean;
  readonly scale: { readonly specReplicas: number; readonly statusReplicas: number };
  readonly series: readonly bigint[];
  readonly sizedAgo: number;
  readonly up: number;
  readonly down: number;
}

function sceneOf(metric: fc.Arbitrary<MetricSpec>): fc.Arbitrary<Scene> {
  return fc.record({
    pods: drawnPods,
    metric,
    native: fc.boolean(),
    scale: sizes,
    series: fc.array(milli, { minLength: 1, maxLength: 3 }),
    sizedAgo: fc.constantFrom(0, 30_000, 3_600_000),
    up: tolerance,
    down: tolerance,
  });
}

function rules(value: number) {
  return { stabilizationWindowSeconds: undefined, selectPolicy: 'Max' as const, policies: [], tolerance: value };
}

/** What both calculations make of a scene. */
function calculate(scene: Scene) {
  const { pods, metric, native, scale, sizedAgo, up, down } = scene;
  const spec: ScalingSpec = {
    native,
    minReplicas: 1,
    maxReplicas: 1000,
    metrics: [metric],
    behavior: { scaleUp: rules(up), scaleDown: rules(down) },
    cooldown: { scaleUpMs: 0, scaleDownMs: 0 },
    mode: 'Auto',
  };
  const reference = { apiVersion: 'concertina.dev/v1alpha1', kind: 'HorizontalPolicy', namespace: 'shop', name: 'web' };
  const policy: ScalingPolicy = {
    reference,
    native,
    generation: 1,
    target: { ...reference, kind: 'Deployment' },
    spec,
    syncPeriodMs: undefined,
  };
  const compiled = compileMetrics(spec, { namespace: 'shop', selector: 'app=web' })?.[0];
  if (compiled === undefined) throw new Error('the metric should be one of those that are calculated in columns');
  const view = plainView({ at: now, pods: usageOfPods(pods, now), queries: queriesOf(scene, compiled) });
  const source = fakePods();
  const records = pods.map(({ facts }) => podRecord(facts));
  source.become(records);
  const sizedAt = now - sizedAgo;
  const input = assemble({
    policy,
    scale: { ...scale, selector: 'app=web' },
    pods: { podsMatching: () => records },
    view,
    state: emptyState,
    status: { conditions: [], currentReplicas: scale.specReplicas, desiredReplicas: scale.specReplicas },
    history: {},
    now,
    sizedAt,
    config: defaultHpaConfig,
  });
  const result = input.results[0] as MetricResult;
  const outcome = evaluateMetric(metric, result, metricContext(input));

  const context = createTableContext(defaultHpaConfig.engine);
  const groups = createTargetGroups(context);
  const rows = createUsageRows();
  needMemory(context);
  const timing = defaultHpaConfig.engine;
  const group = groups.acquire('shop', { text: 'app=web', selector: parseSelector('app=web') }, timing);
  setNow(context, now);
  groups.refresh(() => source.items());
  readUsage(rows, context.table, view);
  const usage: UsageContext = {
    table: context.table,
    columns: rows.columns,
    shape: rows.shape,
    now,
    cpuInitializationMs: timing.cpuInitializationMs,
    maxSampleAgeMs: defaultHpaConfig.maxSampleAgeMs,
    strict: !native,
    sizedAt,
    ...scale,
    currentReplicas: scale.specReplicas,
    toleranceUp: up,
    toleranceDown: down,
    sizeWhenUnready: !native,
  };
  const proposal = emptyUsageProposal();
  if (compiled.kind === 'usage') proposeByUsage(proposal, compiled.usage, group, usage);
  else proposeByValue(proposal, compiled, seriesOf(scene.series, compiled), { group, context: usage });
  return { input, outcome, proposal, degraded: result.kind !== 'failure' && result.degraded !== undefined };
}

function seriesOf(values: readonly bigint[], compiled: CompiledMetric): SeriesSample[] {
  const counted = compiled.kind === 'value' && compiled.single ? values.slice(0, 1) : values;
  return counted.map((each) => ({ object: '', labels: {}, milli: each, timestamp: now, windowMs: undefined }));
}

function queriesOf({ series }: Scene, compiled: CompiledMetric): ReadonlyMap<string, QueryResult> {
  if (compiled.kind !== 'value') return new Map();
  const result: QueryResult = { known: true, series: seriesOf(series, compiled), at: now, source: 's', coverage: 1, doubt: undefined };
  return new Map([[queryKey(compiled.query), result]]);
}

type Calculated = ReturnType<typeof calculate>;

function expectProposal({ outcome, proposal, degraded }: Calculated): void {
  expect({ ok: outcome.ok, degraded }).toEqual({ ok: true, degraded: false });
  const { ready, unready, missing, ignored, keptByGaps, replicas } = proposal;
  expect({ ready, unready, missing, ignored, keptByGaps, replicas }).toEqual(outcome.ok ? countsOf(outcome) : undefined);
}

function countsOf({ groups, keptByGaps, replicas }: Extract<MetricOutcome, { ok: true }>) {
  const { readyCount = 0, unready = [], missing = [], ignored = [] } = groups ?? {};
  return { ready: readyCount, unready: unready.length, missing: missing.length, ignored: ignored.length, keptByGaps, replicas };
}

/** Every end but a proposal leaves the metric to the engine; each has its reason. */
function expectReason(calculated: Calculated, { metric, native }: Scene): void {
  const { outcome, proposal, degraded } = calculated;
  const isSo = (): boolean => {
    if (proposal.end === proposalEnd.failed) return !outcome.ok;
    if (proposal.end === proposalEnd.doubtful) return !native && (degraded || proposal.rowless > 0);
    return isHuge(calculated, metric);
  };
  expect({ end: proposal.end, isSo: isSo() }).toEqual({ end: proposal.end, isSo: true });
}

/** Whether some number on the way can be beyond what a double holds exactly. */
function isHuge({ input }: Calculated, metric: MetricSpec): boolean {
  const [result] = input.results;
  if (metric.type !== 'Resource' || result?.kind !== 'usage') throw new Error('usage was asked for');
  const { resource, target: wanted } = metric;
  const used = result.samples.flatMap(({ containers }) => containers.map(({ value = 0n }) => value));
  const requested = input.pods.flatMap(({ containers }) => containers.map(({ requests }) => requests[resource] ?? 0n));
  const times = BigInt(Math.max(100, wanted.averageUtilization ?? 0)) + 3n;
  const sum = (values: readonly bigint[]): bigint => values.reduce((total, value) => total + value, 0n);
  const targets = (wanted.averageValue ?? 0n) * BigInt(input.pods.length);
  return sum(used) + sum(requested) * times + targets > BigInt(Number.MAX_SAFE_INTEGER);
}

describe('proposals in columns', () => {
  it('are what the engine proposes for usage, or say that it has to', { timeout: 120_000 }, () => {
    const ends = [0, 0, 0, 0];
    const ruleCounts = new Map<string, number>();
    fc.assert(
      fc.property(sceneOf(usageSpec), (scene) => {
        const calculated = calculate(scene);
        const { outcome, proposal } = calculated;
        ends[proposal.end]! += 1;
        if (proposal.end !== proposalEnd.ok) return expectReason(calculated, scene);
        const rule = outcome.ok ? String(outcome.values['rule']) : '';
        ruleCounts.set(rule, (ruleCounts.get(rule) ?? 0) + 1);
        return expectProposal(calculated);
      }),
      { numRuns: 8000 },
    );
    // A property that met only one kind of scene would show nothing.
    expect(Math.min(...ends)).toBeGreaterThan(50);
    for (const rule of ['ready-pods', 'filled-up', 'within-tolerance', 'direction-changed', 'count-against-direction']) {
      expect(ruleCounts.get(rule), rule).toBeGreaterThan(5);
    }
  });

  it('are what the engine proposes for values', { timeout: 120_000 }, () => {
    let proposed = 0;
    fc.assert(
      fc.property(sceneOf(valueSpec), (scene) => {
        const { outcome, proposal } = calculate(scene);
        if (outcome.ok) proposed += 1;
        const wanted = outcome.ok ? outcome.replicas : 'fails';
        expect(proposal.end === proposalEnd.ok ? proposal.replicas : 'fails').toBe(wanted);
      }),
      { numRuns: 5000 },
    );
    expect(proposed).toBeGreaterThan(2000);
  });
});
