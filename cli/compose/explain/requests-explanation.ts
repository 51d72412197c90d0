import type { TraceStep } from '../../../core/model/decision.ts';
import type { DoubtPart, Explanation, ResultStep, RuleStep, UnknownPart } from './explanation.ts';

/** How one policy of requests comes about. CPU in milli-cores, memory in bytes; times are RFC 3339; fractions 0…1. */
export interface RequestsExplanation {
  readonly policy: Explanation['policy'];
  readonly target: RequestsTarget;
  /** Null where the policy cannot be read or is somebody else's: the results say why. */
  readonly data: RequestsData | null;
  readonly estimates: readonly EstimateStep[];
  /** What post-processors moved, in order; `field` is `target`, `lowerBound` or `upperBound`. */
  readonly clamps: readonly ClampStep[];
  /** What could not be capped. */
  readonly warnings: readonly string[];
  /** Nodes that the pods may run on, and the most that one has for them; null: not known. */
  readonly nodes: {
    readonly count: number;
    readonly cpu: number | null;
    readonly memory: number | null;
    readonly note: string | null;
  } | null;
  readonly horizontal: HorizontalStep | null;
  readonly recommendation: {
    /** Whose pods are updated to: what stands in status, or what is computed here while nothing does. */
    readonly acts: 'stored' | 'computed' | 'none';
    readonly containers: readonly RecommendedStep[];
    readonly kept: readonly string[];
  } | null;
  readonly adaptations: readonly AdaptationStep[];
  readonly updates: UpdatesStep | null;
  readonly apply: ApplyStep | null;
  /** One for each container and resource, or one that says why there is none. */
  readonly results: readonly (ResultStep & { readonly dimension: string | null; readonly trace: readonly TraceStep[] })[];
  readonly stored: RequestsStored;
}

export interface RequestsTarget {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly selector: string | null;
  readonly replicas: number | null;
  /** Pods that the selector matches and that have not ended. */
  readonly matched: number;
  /** Those that this policy has. */
  readonly pods: readonly string[];
  /** Why it cannot be acted on. */
  readonly problem: string | null;
  /** The policy that has the others. */
  readonly rival: string | null;
}

export interface RequestsData {
  readonly source: string;
  readonly request: string | null;
  /** The present samples went into the histograms. */
  readonly counted: boolean;
  /** Why not. */
  readonly why: string | null;
  readonly sampledPods: number;
  readonly doubt: DoubtPart | null;
  readonly unknown: UnknownPart | null;
  readonly containers: readonly ContainerData[];
  /** OOM kills that stand in the pods and that no checkpoint has. */
  readonly oomKills: readonly { readonly pod: string; readonly container: string; readonly at: string | null; readonly memory: number }[];
  /** Containers that no live pod has any more. */
  readonly vanished: readonly string[];
}

export interface ContainerData {
  readonly container: string;
  readonly samples: number;
  readonly firstSample: string | null;
  readonly lastSample: string | null;
  readonly lastSampleAgeSeconds: number | null;
  readonly coverage: number;
  readonly memoryPeaks: number;
  readonly oomKills: number;
  readonly checkpoint: {
    readonly name: string;
    readonly writtenAt: string | null;
    readonly ageSeconds: number | null;
    /** Why it was left out; null: it was taken over. */
    readonly problem: string | null;
  } | null;
  /** It lives, and nothing was measured of it for long. */
  readonly silent: boolean;
}

interface Triple {
  readonly lower: number;
  readonly target: number;
  readonly upper: number;
}

export interface EstimateStep {
  readonly container: string;
  readonly resource: string;
  /** Nothing was measured of it. */
  readonly empty: boolean;
  readonly percentiles: Triple;
  readonly estimates: Triple;
  readonly margin: number;
  readonly confidence: number;
  /** With margin, confidence and minimum. */
  readonly result: { readonly lower: number | null; readonly target: number | null; readonly upper: number | null };
  readonly minimum: number;
  readonly atMinimum: boolean;
  readonly oom: { readonly kills: number; readonly at: string | null; readonly from: number; readonly to: number } | null;
}

export interface ClampStep {
  readonly container: string;
  readonly resource: string;
  readonly field: string;
  readonly by: string;
  readonly from: number;
  readonly to: number;
  readonly message: string;
}

export interface HorizontalStep {
  /** Rebase, Yield or Ignore, as the policy has it. */
  readonly rule: string;
  readonly claims: readonly { readonly policy: string; readonly measures: string; readonly foreign: boolean }[];
  readonly yields: readonly { readonly resource: string; readonly message: string }[];
  /** What utilization is measured against; null: nothing is rebased. */
  readonly rebase: string | null;
}

export interface RecommendedStep {
  readonly container: string;
  readonly resource: string;
  readonly target: number;
  readonly lower: number | null;
  readonly upper: number | null;
  readonly uncapped: number | null;
  readonly stored: number | null;
  readonly computed: number | null;
  readonly difference: string | null;
}

export interface AdaptationStep {
  readonly pods: readonly string[];
  readonly clamps: readonly Omit<ClampStep, 'field'>[];
  readonly kept: readonly { readonly resource: string; readonly message: string }[];
  readonly values: readonly {
    readonly container: string;
    readonly requests: Readonly<Record<string, number>>;
    readonly limits: Readonly<Record<string, number>>;
  }[];
}

export interface UpdatesStep {
  readonly cooldowns: readonly Pick<RuleStep, 'held' | 'until' | 'remainingSeconds' | 'message'>[];
  readonly budgets: readonly {
    readonly name: string;
    readonly disruptionsAllowed: number;
    readonly healthy: number;
    readonly wanted: number;
  }[];
  /** Pods for which the same is decided. */
  readonly groups: readonly {
    /** `resize`, `evict`, `surge`, `unboost`, or why it is left alone. */
    readonly verdict: string;
    readonly acts: boolean;
    readonly until: string | null;
    readonly remainingSeconds: number | null;
    readonly message: string;
    readonly pods: readonly string[];
  }[];
}

export interface ApplyStep {
  readonly updateMode: string;
  readonly actuation: string;
  readonly mode: string;
  readonly methods: Readonly<Record<string, number>>;
  readonly pods: number;
  /** What keeps all or some pods as they are, each once. */
  readonly blocked: readonly {
    readonly by: string;
    readonly until: string | null;
    readonly remainingSeconds: number | null;
    readonly message: string;
  }[];
  readonly unchecked: readonly string[];
  /** Whoever carries the object out, where it is not this program for sure. */
  readonly note: string | null;
}

export interface RequestsStored {
  readonly present: boolean;
  readonly observedGeneration: number | null;
  readonly lastScaleUpTime: string | null;
  readonly lastScaleDownTime: string | null;
  readonly lastDecision: {
    readonly reason: string;
    readonly message: string;
    readonly at: string | null;
    readonly ageSeconds: number | null;
    readonly holds: readonly { readonly by: string; readonly until: string | null; readonly message: string }[];
  } | null;
  readonly conditions: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason: string;
    readonly message: string;
    readonly since: string | null;
  }[];
  /** How what is stored is another thing than what would be said now. */
  readonly differences: readonly string[];
}
