import type { Random } from '../../core/model/clock.ts';
import { createInterner } from '../../core/model/interner.ts';
import { projectPod, type PodRecord } from '../../core/model/pod.ts';
import { selectEverything } from '../../core/model/selector.ts';
import { conclude, defaultEngineConfig, emptyState, evaluate, type EvaluationInput, type HpaPod, type HpaState } from '../../hpa/index.ts';
import { createRecommenderEngine, defaultContainerSizing, defaultEstimationConfig, type RecommenderEngine } from '../../vpa/index.ts';
import type { ScalingHistory } from '../../core/model/cooldown.ts';
import { usageOf } from './plain-usage.ts';

/**
 * One workload under the replicas engine and the requests engine at once, in virtual time: what the two do to each other through the requests.
 * The load is shared evenly by the pods; nothing else of a cluster plays a part, so that what is seen is the loop itself.
 */

export interface ClosedLoopOptions {
  /** How utilization is measured: against the pods' own requests, as upstream, or against the template's, as here. */
  readonly utilization: 'of-pod-requests' | 'of-template-requests';
  /** Demand of the whole workload at a time, milli-cores. */
  readonly demand: (now: number) => number;
  /** Percent. */
  readonly targetUtilization: number;
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly replicas: number;
  /** Of the template, milli-cores. */
  readonly request: number;
  readonly days: number;
  readonly random: Random;
  /** Cooldowns of the replicas policy, milliseconds. */
  readonly cooldown: { readonly scaleUpMs: number; readonly scaleDownMs: number };
}

/** What there is at one time. */
export interface ClosedLoopPoint {
  /** Milliseconds since the start. */
  readonly at: number;
  readonly replicas: number;
  /** Milli-cores a pod. */
  readonly request: number;
  readonly demand: number;
}

const minute = 60_000;
const start = Date.UTC(2026, 0, 5);
/** --pod-update-threshold and the time after which a pod that is within its bounds is updated all the same. */
const updateThreshold = 0.1;
const lifetimeMs = 12 * 60 * minute;

export function playClosedLoop(options: ClosedLoopOptions): ClosedLoopPoint[] {
  const engine = createRecommenderEngine(defaultEstimationConfig);
  engine.setPolicy('web', {
    namespace: 'shop',
    selector: selectEverything,
    containers: [defaultContainerSizing],
    estimation: {},
    created: start,
  });
  const pods = podsOf(engine);
  const points: ClosedLoopPoint[] = [];
  let replicas = options.replicas;
  let request = options.request;
  let updatedAt = start;
  let state: HpaState = emptyState;
  let history: ScalingHistory = {};
  pods.become(replicas);
  for (let step = 1; step <= options.days * 1440; step += 1) {
    const now = start + step * minute;
    const demand = options.demand(now);
    const usage = pods.names().map(() => Math.ceil((demand / replicas) * (0.9 + 0.2 * options.random())));
    engine.observeUsage(usageOf(pods.names(), usage, now));
    const wanted = engine.recommend('web', now)?.containers[0];
    if (wanted !== undefined && isUpdated({ request, wanted: bounds(wanted), age: now - updatedAt })) {
      request = wanted.target['cpu'] ?? request;
      updatedAt = now;
    }
    const measured = options.utilization === 'of-pod-requests' ? request : options.request;
    const input = inputOf(options, { replicas, usage, request: measured, names: pods.names(), state, history, now });
    const evaluation = evaluate(input);
    const conclusion = conclude(input, evaluation, { kind: evaluation.write === undefined ? 'none' : 'written' });
    ({ state, history } = conclusion);
    replicas = evaluation.write ?? replicas;
    pods.become(replicas);
    points.push({ at: now - start, replicas, request, demand });
  }
  return points;
}

function bounds({
  target,
  lowerBound,
  upperBound,
}: {
  readonly target: Amounts;
  readonly lowerBound: Amounts;
  readonly upperBound: Amounts;
}) {
  return { target: target['cpu'] ?? 0, lower: lowerBound['cpu'] ?? 0, upper: upperBound['cpu'] ?? Infinity };
}

type Amounts = Readonly<Record<string, number>>;

/** The upstream updater's rule for one resource. */
function isUpdated(facts: {
  readonly request: number;
  readonly wanted: { readonly target: number; readonly lower: number; readonly upper: number };
  readonly age: number;
}): boolean {
  const { request, wanted, age } = facts;
  if (request < wanted.lower || request > wanted.upper) return wanted.target !== request;
  return age >= lifetimeMs && Math.abs(request - wanted.target) / request >= updateThreshold;
}

function podsOf(engine: RecommenderEngine) {
  const interner = createInterner();
  const records: PodRecord[] = [];
  const nameOf = (index: number): string => `web-${index}`;
  return {
    names: () => records.map(({ name }) => name),
    become: (count: number): void => {
      while (records.length < count) {
        const record = podRecord(nameOf(records.length), interner);
        records.push(record);
        engine.setPod(record);
      }
      while (records.length > count) {
        const last = records.pop();
        if (last !== undefined) engine.removePod(last.namespace, last.name);
      }
    },
  };
}

function podRecord(name: string, interner: ReturnType<typeof createInterner>): PodRecord {
  return projectPod(
    {
      metadata: { name, namespace: 'shop', uid: name, labels: { app: 'web' } },
      spec: { containers: [{ name: 'app' }] },
      status: { phase: 'Running' },
    },
    interner,
  );
}

function inputOf(
  options: ClosedLoopOptions,
  facts: {
    readonly replicas: number;
    readonly usage: readonly number[];
    readonly request: number;
    readonly names: readonly string[];
    readonly state: HpaState;
    readonly history: ScalingHistory;
    readonly now: number;
  },
): EvaluationInput {
  const { replicas, usage, request, names, now } = facts;
  const metric = {
    type: 'Resource' as const,
    resource: 'cpu',
    target: { type: 'Utilization' as const, averageUtilization: options.targetUtilization },
  };
  return {
    subject: { apiVersion: 'concertina.dev/v1alpha1', kind: 'HorizontalPolicy', namespace: 'shop', name: 'web' },
    target: { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web' },
    spec: {
      native: false,
      minReplicas: options.minReplicas,
      maxReplicas: options.maxReplicas,
      metrics: [metric],
      behavior: undefined,
      cooldown: options.cooldown,
      mode: 'Auto',
    },
    scale: { specReplicas: replicas, statusReplicas: replicas },
    selector: { ok: true },
    pods: names.map((name) => hpaPod(name, request)),
    results: [
      {
        kind: 'usage',
        samples: names.map((pod, index) => ({
          pod,
          timestamp: now - 5000,
          windowMs: 15_000,
          containers: [{ name: 'app', value: BigInt(usage[index] ?? 0) }],
        })),
      },
    ],
    state: facts.state,
    status: { conditions: [], currentReplicas: replicas, desiredReplicas: replicas },
    history: facts.history,
    now,
    config: defaultEngineConfig,
  };
}

function hpaPod(name: string, request: number): HpaPod {
  return {
    name,
    phase: 'Running',
    deleting: false,
    ready: 'True',
    readyTransition: start - 3_600_000,
    startTime: start - 3_610_000,
    containers: [{ name: 'app', requests: { cpu: BigInt(request) } }],
    initContainers: [],
    podRequests: undefined,
    overhead: {},
  };
}
