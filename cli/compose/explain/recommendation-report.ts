import type { Decision, Hold, HoldReason } from '../../../core/model/decision.ts';
import type { RequestsRecommendation } from '../../../vpa/index.ts';
import type { Recommendation, SnapshotReading } from '../recommend-from.ts';
import { explainMetrics } from './explain-metrics.ts';
import { sampleTimes, type Evaluated } from './explain-sources.ts';
import type { MetricStep } from './explanation.ts';
import type { FailOn } from './fail-on.ts';
import type { RequestsTotal } from './requests-total.ts';
import { remainingSeconds, seconds } from './time-text.ts';
import { evidenceText, verticalPart, type VerticalPart } from './vertical-item.ts';

/** What `concertina recommend -o json` prints. Fields are only ever added within one version. */
export interface RecommendationReport {
  readonly kind: 'ConcertinaRecommendations';
  readonly version: 1;
  /** As of when it was decided, epoch milliseconds; null when nothing could be read. */
  readonly at: number | null;
  readonly server: string | null;
  readonly origin: 'cluster' | 'snapshot';
  /** Why there is no recommendation; null when there are some, or none to make. */
  readonly problem: string | null;
  /** What `--fail-on` was asked for and has found; null without it. */
  readonly failOn: FailOn | null;
  /** In the order of namespace, name and kind; a policy of requests has one for each resource of each container; node groups come first, with dimension `nodes`. */
  readonly items: readonly RecommendationItem[];
  /** What pods ask for, and would; null without a policy of requests. */
  readonly requests: RequestsTotal | null;
  /** What the rows of node groups go by; null where no group was looked at. */
  readonly nodes: NodesPart | null;
}

/** What a single look at node groups takes for granted, and what it does not know. */
export interface NodesPart {
  /** Pods that count here and that the running controller would still leave alone for so many seconds: they are `new`, or `delayed` by a flag or an annotation. */
  readonly young: readonly {
    readonly namespace: string;
    readonly name: string;
    readonly seconds: number;
    readonly why: 'new' | 'delayed';
  }[];
  /** Targets whose pods to come are not counted, one sentence each. */
  readonly unknown: readonly string[];
}

/** Why a group grows by more than the pods that are there need. */
export interface AheadPart {
  /** Pods that horizontal policies are about to want and that the group grows for. */
  readonly pods: number;
  /** Whose they are: `Deployment shop/web`. */
  readonly targets: readonly string[];
  /** Nodes of the growth that the group would not be given without them. */
  readonly nodes: number;
}

/** A hold with the time that is left. */
export interface HoldPart {
  readonly by: HoldReason;
  /** Epoch milliseconds; null when it depends on something else. */
  readonly until: number | null;
  readonly remainingSeconds: number | null;
  readonly message: string;
}

/** A metric without what was measured of each pod: `explain` has that. */
export type MetricSummary = Omit<MetricStep, 'samples'>;

/** The decision (its times in epoch milliseconds) and what a person asks about it first. */
export interface RecommendationItem extends Decision {
  readonly mode: string | null;
  /** The bounds that hold now; null when the policy was not evaluated. */
  readonly bounds: { readonly min: number; readonly max: number } | null;
  readonly metrics: readonly MetricSummary[];
  /** The metric that decides, `cpu 186%/80%`; where none does all of them; null when none was read. */
  readonly decidedBy: string | null;
  /** What bounds it: stabilization, rate policies, minReplicas and maxReplicas. */
  readonly limitedBy: readonly HoldPart[];
  /** What keeps it from being carried out at all. */
  readonly heldBy: readonly HoldPart[];
  /** Age of the oldest sample that the deciding metric goes by; where none decides that of all. Of requests: of the newest sample of the container. */
  readonly dataAgeSeconds: number | null;
  /** Of a policy of requests; null of one of replicas. */
  readonly vertical: VerticalPart | null;
  /** Of a node group that grows for pods to come; null otherwise. */
  readonly ahead: AheadPart | null;
}

export const limits: ReadonlySet<HoldReason> = new Set<HoldReason>(['stabilization', 'rate-limit', 'bounds']);

/** The rows of a policy of requests. */
export function requestItems(recommendation: RequestsRecommendation): RecommendationItem[] {
  const { decisions, known } = recommendation;
  return decisions.map((decision) => {
    const parts = decision.holds.map((hold) => holdPart(hold, decision.at));
    const vertical = verticalPart(recommendation, decision);
    const last = vertical.evidence?.lastSample ?? null;
    return {
      ...decision,
      ...notEvaluated,
      mode: known === undefined ? null : known.policy.mode === 'Auto' ? known.policy.updateMode : known.policy.mode,
      decidedBy: evidenceText(vertical),
      dataAgeSeconds: last === null ? null : seconds(Math.max(0, decision.at - last)),
      limitedBy: parts.filter(({ by }) => limits.has(by)),
      heldBy: parts.filter(({ by }) => !limits.has(by)),
      vertical,
      ahead: null,
    };
  });
}

export function recommendationItem({ decision, policy, evaluated }: Recommendation, reading: SnapshotReading): RecommendationItem {
  const parts = decision.holds.map((hold) => holdPart(hold, decision.at));
  return {
    ...decision,
    mode: policy?.spec.mode ?? null,
    ...(evaluated === undefined ? notEvaluated : evaluatedPart(evaluated, reading)),
    limitedBy: parts.filter(({ by }) => limits.has(by)),
    heldBy: parts.filter(({ by }) => !limits.has(by)),
    vertical: null,
    ahead: null,
  };
}

type EvaluatedPart = Pick<RecommendationItem, 'bounds' | 'metrics' | 'decidedBy' | 'dataAgeSeconds'>;

export const notEvaluated: EvaluatedPart = { bounds: null, metrics: [], decidedBy: null, dataAgeSeconds: null };

function evaluatedPart(evaluated: Evaluated, reading: SnapshotReading): EvaluatedPart {
  const { evaluation, metrics, input } = evaluated;
  const winner = metrics.find(({ wins }) => wins);
  const times = (winner === undefined ? metrics : [winner]).flatMap((metric) => sampleTimes(metric, reading));
  const oldest = times.length === 0 ? undefined : times.reduce((a, b) => Math.min(a, b));
  return {
    bounds: { min: evaluation.bounds.min, max: evaluation.bounds.max },
    metrics: explainMetrics(evaluated).map(summaryOf),
    decidedBy: (winner === undefined ? evaluation.targets : shortOf(winner)) ?? null,
    dataAgeSeconds: oldest === undefined ? null : seconds(Math.max(0, input.now - oldest)),
  };
}

function summaryOf(step: MetricStep): MetricSummary {
  const { samples: _samples, ...summary } = step;
  return summary;
}

function shortOf({ outcome, fallback }: Evaluated['metrics'][number]): string | undefined {
  if (outcome?.ok === true) return outcome.short;
  return fallback === undefined ? undefined : `${fallback.subject} (${fallback.formula})`;
}

export function holdPart({ by, until, message }: Hold, now: number): HoldPart {
  return { by, until: until ?? null, remainingSeconds: remainingSeconds(until, now), message };
}
