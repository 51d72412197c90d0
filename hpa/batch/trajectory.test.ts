import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Condition } from '../../core/model/condition.ts';
import { queryKey } from '../../core/model/metric-query.ts';
import type { MetricsView, PodUsage, QueryResult } from '../../core/model/metrics-view.ts';
import { plainView } from '../../core/model/metrics-view.fixture.ts';
import type { PodRecord } from '../../core/model/pod.ts';
import { defaultEngineConfig, defaultHpaConfig, type HpaConfig } from '../config.ts';
import { assemble } from '../controller/assemble.ts';
import { metricQuery } from '../controller/queries.ts';
import { conclude, evaluate } from '../engine/index.ts';
import { fromHpa, type ScalingPolicy } from '../policy.ts';
import { createBatch } from './batch.ts';
import type { Batch, BatchFacts, NotedEvaluation } from './ports.ts';
import { evaluateQuiet } from './quiet-evaluation.ts';
import { fakePods, podRecord, type FakePods } from './scene.fixture.ts';

/** The decision paths that were observed from upstream's controller, through the batch. */

interface Trajectory {
  readonly id: string;
  readonly input: {
    readonly config: {
      readonly cpuInitializationSeconds: number;
      readonly downscaleStabilizationSeconds: number;
      readonly initialReadinessDelaySeconds: number;
      readonly scaleToZeroEnabled: boolean;
      readonly tolerance: number;
    };
    readonly hpaSpec: unknown;
    readonly podRequestMilli: number;
    readonly sampleAgeSeconds: number;
    readonly sampleWindowSeconds: number;
  };
  readonly ticks: readonly Tick[];
}

interface Tick {
  readonly t: number;
  readonly specReplicas: number;
  readonly pods: readonly (readonly [number, number, boolean, number, ...(number | null)[]])[];
  readonly values: readonly (number | string)[];
  readonly expected: {
    readonly replicas: number;
    readonly desiredReplicas: number;
    readonly ableToScale: string | null;
    readonly scalingActive: string | null;
    readonly scalingLimited: string | null;
  };
}

const file = path.join(import.meta.dirname, '../../test/conformance/vectors/hpa-trajectory.json');
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { readonly cases: readonly Trajectory[] };
const start = Date.UTC(2033, 4, 18);
const app = 'd';
const selector = `app=${app}`;

function configOf({ config }: Trajectory['input']): HpaConfig {
  return {
    ...defaultHpaConfig,
    engine: {
      ...defaultEngineConfig,
      cpuInitializationMs: config.cpuInitializationSeconds * 1000,
      downscaleStabilizationMs: config.downscaleStabilizationSeconds * 1000,
      initialReadinessDelayMs: config.initialReadinessDelaySeconds * 1000,
      scaleToZero: config.scaleToZeroEnabled,
      tolerance: config.tolerance,
    },
  };
}

/** One record for each pod; what stays the same stays the same object. */
function podsOf({ input }: Trajectory, tick: Tick, at: number, before: readonly PodRecord[]): PodRecord[] {
  const known = new Map(before.map((pod) => [pod.name, pod]));
  const request = `${input.podRequestMilli}m`;
  const pods: PodRecord[] = [];
  for (const [count, started, ready, transition] of tick.pods) {
    for (let each = 0; each < count; each += 1) {
      const name = `p${pods.length}`;
      const pod = podRecord({
        name,
        namespace: 'n',
        app,
        at,
        startedAgo: started * 1000,
        ready: ready ? 'True' : 'False',
        readyAgo: transition * 1000,
        requests: [{ cpu: request, memory: request }],
      });
      pods.push(sameOrNew(known.get(name), pod));
    }
  }
  return pods;
}

function viewOf({ input }: Trajectory, tick: Tick, policy: ScalingPolicy, at: number): MetricsView {
  const { metrics } = policy.spec;
  const samples = tick.pods.flatMap(([count, , , , ...values]) => Array.from({ length: count }, () => values));
  const timing = { timestamp: at - input.sampleAgeSeconds * 1000, windowMs: input.sampleWindowSeconds * 1000 };
  const perPod = metrics.filter(({ type }) => type === 'Resource' || type === 'Pods');
  const queries = new Map<string, QueryResult>();
  for (const [index, metric] of metrics.entries()) {
    const query = metricQuery(metric, { namespace: 'n', selector });
    if (query === undefined) continue;
    const value = tick.values[index];
    const column = perPod.indexOf(metric);
    const series =
      typeof value === 'number'
        ? [{ object: '', labels: {}, milli: BigInt(value), ...timing }]
        : samples.flatMap((values, pod) => {
            const sample = values[column];
            return typeof sample === 'number' ? [{ object: `p${pod}`, labels: {}, milli: BigInt(sample), ...timing }] : [];
          });
    const isKnown = value !== 'error' && series.length > 0;
    queries.set(
      queryKey(query),
      isKnown
        ? { known: true, series, at, source: 's', coverage: 1, doubt: undefined }
        : { known: false, reason: 'source-unavailable', detail: 'the fetch fails', since: at, source: 's' },
    );
  }
  const columnOf = (resource: string): number => perPod.findIndex((metric) => metric.type === 'Resource' && metric.resource === resource);
  const usage = samples.flatMap((values, pod): PodUsage[] => {
    const cpuMilli = values[columnOf('cpu')] ?? undefined;
    const memoryMilli = values[columnOf('memory')] ?? undefined;
    if (cpuMilli === undefined && memoryMilli === undefined) return [];
    return [{ namespace: 'n', name: `p${pod}`, ...timing, containers: [{ name: 'app', cpuMilli, memoryMilli }] }];
  });
  const failed = metrics.some(({ type }, index) => type === 'Resource' && tick.values[index] === 'error');
  const source = failed
    ? { healthy: false as const, reason: 'source-unavailable' as const, detail: 'down', since: at, lastSuccess: undefined }
    : undefined;
  return plainView({ at, pods: failed ? [] : usage, queries, ...(source === undefined ? {} : { source }) });
}

interface Replay {
  readonly batch: Batch;
  readonly source: FakePods;
  readonly config: HpaConfig;
  readonly policy: ScalingPolicy;
  conditions: readonly Condition[];
  desiredReplicas: number;
  quiet: number;
  full: number;
}

function replay(trajectory: Trajectory): Replay {
  const raw = {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'h', namespace: 'n' },
    spec: trajectory.input.hpaSpec,
  };
  const parsed = fromHpa(raw, { anyMetric: true });
  if (!parsed.ok) throw new Error(`${trajectory.id} has a spec that cannot be read`);
  const config = configOf(trajectory.input);
  const source = fakePods();
  const batch = createBatch({ config, pods: source });
  const self: Replay = { batch, source, config, policy: parsed.policy, conditions: [], desiredReplicas: 0, quiet: 0, full: 0 };
  for (const tick of trajectory.ticks) {
    const { evaluation } = decide(self, trajectory, tick);
    const shown = (type: string): string | null => {
      const condition = self.conditions.find((each) => each.type === type);
      return condition === undefined ? null : `${condition.status}/${condition.reason}`;
    };
    expect(
      {
        replicas: evaluation.write ?? tick.specReplicas,
        desiredReplicas: self.desiredReplicas,
        ableToScale: shown('AbleToScale'),
        scalingActive: shown('ScalingActive'),
        scalingLimited: shown('ScalingLimited'),
      },
      `${trajectory.id} at t=${tick.t}`,
    ).toEqual(tick.expected);
  }
  return self;
}

/** One tick: quiet decisions are read from the batch, the others made by the engine and told to it. */
function decide(self: Replay, trajectory: Trajectory, tick: Tick): NotedEvaluation {
  const { batch, source, policy, config } = self;
  const now = start + tick.t * 1000;
  const pods = podsOf(trajectory, tick, now, source.items());
  source.become(pods);
  const view = viewOf(trajectory, tick, policy, now);
  const scale = { specReplicas: tick.specReplicas, statusReplicas: pods.length, selector };
  const facts: BatchFacts = { policy, scale, history: {} };
  batch.set('n/h', facts);
  const report = batch.decideTick({ now, view });
  const status = { conditions: self.conditions, currentReplicas: tick.specReplicas, desiredReplicas: self.desiredReplicas };
  const quiet = batch.quiet('n/h');
  const done = quiet === undefined ? byEngine(self, { facts, view, status }) : evaluateQuiet(quiet, { status, config });
  expect(report.full.length).toBe(quiet === undefined ? 1 : 0);
  self[quiet === undefined ? 'full' : 'quiet'] += 1;
  self.conditions = done.conclusion.conditions;
  self.desiredReplicas = done.conclusion.desiredReplicas;
  return done;
}

function sameOrNew(old: PodRecord | undefined, pod: PodRecord): PodRecord {
  const isSame = old !== undefined && old.started === pod.started && old.ready === pod.ready && old.readySince === pod.readySince;
  return isSame ? old : pod;
}

function byEngine(
  { batch, config }: Replay,
  {
    facts,
    view,
    status,
  }: { readonly facts: BatchFacts; readonly view: MetricsView; readonly status: Parameters<typeof assemble>[0]['status'] },
): NotedEvaluation {
  const { policy, scale, history } = facts;
  const pods = { podsMatching: () => batch.podsOf('n/h', selector) ?? [] };
  const input = assemble({ policy, scale, pods, view, state: batch.stateOf('n/h'), status, history, now: view.at, config });
  const evaluation = evaluate(input);
  const conclusion = conclude(input, evaluation, { kind: evaluation.write === undefined ? 'none' : 'written' });
  batch.note('n/h', { input, evaluation, conclusion });
  return { input, evaluation, conclusion };
}

describe('decision paths of upstream through the batch', () => {
  it(`gives the same replicas and conditions at every sync of ${cases.length} of them`, { timeout: 120_000 }, () => {
    let quiet = 0;
    let full = 0;
    for (const trajectory of cases) {
      const done = replay(trajectory);
      quiet += done.quiet;
      full += done.full;
    }
    // Paths through columns, too: not everything was left to the engine.
    expect(quiet).toBeGreaterThan(1000);
    expect(full).toBeGreaterThan(1000);
  });
});
