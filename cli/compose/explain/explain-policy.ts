import type { Recommendation, SnapshotReading } from '../recommend-from.ts';
import type { DecisionSettings } from '../settings.ts';
import { explainBounds, explainRate, explainStabilization } from './explain-limits.ts';
import { explainChange, explainMetrics, explainWanted } from './explain-metrics.ts';
import { explainPods } from './explain-pods.ts';
import { explainRules } from './explain-rules.ts';
import { explainSources, type Evaluated, type Facts } from './explain-sources.ts';
import type { Explanation, ResultStep } from './explanation.ts';
import { storedStabilization, storedStatus } from './stored-status.ts';
import { isoTime, remainingSeconds } from './time-text.ts';

export interface ExplainOptions {
  readonly snapshot: Facts['snapshot'];
  readonly reading: SnapshotReading;
  readonly settings: DecisionSettings;
}

/** One decision, step by step, with everything that it was made of. */
export function explainPolicy({ raw, decision, policy, evaluated }: Recommendation, options: ExplainOptions): Explanation {
  const now = options.snapshot.takenAt;
  const native = decision.subject.kind === 'HorizontalPodAutoscaler';
  const periodMs = policy?.syncPeriodMs ?? options.settings.hpa.syncPeriod;
  const stored = storedStatus(raw, { decision, native, now, periodMs });
  const { apiVersion, kind, namespace = '', name } = decision.subject;
  const { target } = decision;
  return {
    policy: { apiVersion, kind, namespace, name, native, generation: raw.metadata.generation ?? null },
    target: {
      apiVersion: target.apiVersion,
      kind: target.kind,
      name: target.name,
      specReplicas: evaluated?.scale.specReplicas ?? null,
      statusReplicas: evaluated?.scale.statusReplicas ?? null,
      selector: evaluated?.scale.selector ?? null,
    },
    ...(evaluated === undefined ? noSteps : stepsOf(evaluated, options, storedStabilization(stored, now))),
    result: resultOf(decision, now),
    stored,
    trace: decision.trace,
  };
}

type Steps = Omit<Explanation, 'policy' | 'target' | 'result' | 'stored' | 'trace'>;

/** Of a policy, or a target, that cannot be used. */
const noSteps: Steps = {
  sources: [],
  pods: null,
  asleep: null,
  rebase: null,
  metrics: [],
  wanted: null,
  stabilization: null,
  rate: null,
  bounds: null,
  rules: [],
  change: null,
};

function stepsOf(evaluated: Evaluated, options: ExplainOptions, held: ReturnType<typeof storedStabilization>): Steps {
  return {
    sources: explainSources(evaluated, options),
    pods: explainPods(evaluated, options),
    asleep: stepIn(evaluated, 'asleep'),
    rebase: stepIn(evaluated, 'rebase'),
    metrics: explainMetrics(evaluated),
    wanted: explainWanted(evaluated),
    stabilization: explainStabilization(evaluated, held),
    rate: explainRate(evaluated),
    bounds: explainBounds(evaluated),
    rules: explainRules(evaluated),
    change: explainChange(evaluated),
  };
}

function stepIn({ evaluation }: Evaluated, name: string): string | null {
  return evaluation.decision.trace.find(({ step }) => step === name)?.message ?? null;
}

function resultOf({ from, to, wanted, reason, message, holds }: Recommendation['decision'], now: number): ResultStep {
  return {
    from,
    to,
    wanted,
    reason,
    message,
    holds: holds.map(({ by, until, message: text }) => ({
      by,
      until: isoTime(until),
      remainingSeconds: remainingSeconds(until, now),
      message: text,
    })),
  };
}
