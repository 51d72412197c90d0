import type { TraceStep } from '../../../core/model/decision.ts';
import type { Outlook } from '../../../hpa/index.ts';
import type { NodesExplanation } from './nodes-explanation.ts';
import type { RequestsExplanation } from './requests-explanation.ts';

/** What `concertina explain -o json` prints. Fields are only ever added within one version. Times are RFC 3339, values exact decimal text in thousandths. */
export interface ExplanationReport {
  readonly kind: 'ConcertinaExplanation';
  readonly version: 1;
  /** As of when it was decided; null when nothing could be read. */
  readonly at: string | null;
  readonly server: string | null;
  readonly origin: 'cluster' | 'snapshot';
  /** Why there is no explanation; null when there is one. */
  readonly problem: string | null;
  /** One for each policy that was asked for; more than one when several scale one workload. */
  readonly explanations: readonly Explanation[];
  /** The same for policies of requests. */
  readonly requests: readonly RequestsExplanation[];
  /** Of node groups: a policy of them, a node, or a pod that waits for one. */
  readonly nodes: readonly NodesExplanation[];
}

/** One decision in the order in which it came about. */
export interface Explanation {
  readonly policy: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
    readonly native: boolean;
    readonly generation: number | null;
  };
  readonly target: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly name: string;
    readonly specReplicas: number | null;
    readonly statusReplicas: number | null;
    readonly selector: string | null;
  };
  readonly sources: readonly SourceStep[];
  readonly pods: PodsStep | null;
  /** That the target sleeps at 0 replicas, and what wakes it; null when it does not. */
  readonly asleep: string | null;
  /** What utilization is measured against, where a policy of requests moves those of the pods; null where none does. */
  readonly rebase: string | null;
  readonly metrics: readonly MetricStep[];
  /** What all metrics together ask for; null when they were not read. */
  readonly wanted: { readonly replicas: number | null; readonly metric: string | null; readonly message: string } | null;
  readonly stabilization: StabilizationStep | null;
  readonly rate: RateStep | null;
  readonly bounds: BoundsStep | null;
  readonly rules: readonly RuleStep[];
  readonly result: ResultStep;
  readonly change: ChangeStep | null;
  readonly stored: StoredStep;
  /** The decision's own trace, from which all of this is told. */
  readonly trace: readonly TraceStep[];
}

export interface DoubtPart {
  readonly reason: string;
  readonly detail: string;
  readonly since: string | null;
  readonly until: string | null;
}

export interface UnknownPart {
  readonly reason: string | null;
  readonly detail: string;
  readonly since: string | null;
}

/** One question to one source. */
export interface SourceStep {
  /** Names of the metrics that go by it. */
  readonly metrics: readonly string[];
  /** `metrics.k8s.io`, `custom.metrics.k8s.io`, `external.metrics.k8s.io` or `prometheus/<MetricSource>`. */
  readonly source: string;
  /** As the policy has it, for PromQL; null otherwise. */
  readonly expression: string | null;
  /** The path, or the PromQL as the server got it; null when nothing was sent or it was not kept. */
  readonly request: string | null;
  readonly latencyMs: number | null;
  readonly known: boolean;
  /** Sum of the series as a quantity; null for usage and for what is unknown. */
  readonly value: string | null;
  readonly valueMilli: string | null;
  /** Series, or pods with a sample. */
  readonly samples: number | null;
  /** Pods that are counted, for usage; null otherwise. */
  readonly pods: number | null;
  readonly answeredAt: string | null;
  readonly newestAgeSeconds: number | null;
  readonly oldestAgeSeconds: number | null;
  /** Share of what was asked that was answered. */
  readonly coverage: number | null;
  /** Why it is good for growth only. */
  readonly doubt: DoubtPart | null;
  readonly unknown: UnknownPart | null;
}

export interface PodsStep {
  readonly selector: string;
  /** Pods that the selector matches; what is left are the counted ones and the foreign ones. */
  readonly matched: number;
  readonly counted: number;
  /** Running and Ready, as a Value target counts them. */
  readonly ready: number;
  /** How it was told whose the pods are; null: by their labels alone. */
  readonly note: string | null;
  /** Pods with the labels that belong to others. */
  readonly foreign: readonly string[];
  /** For each metric that is measured in pods; metrics with the same groups share them. */
  readonly groups: readonly PodGroupStep[];
}

export interface PodGroupStep {
  readonly metrics: readonly string[];
  readonly ready: readonly string[];
  readonly unready: readonly { readonly name: string; readonly why: string }[];
  readonly missing: readonly { readonly name: string; readonly reason: string; readonly why: string }[];
  readonly ignored: readonly { readonly name: string; readonly why: string }[];
}

export interface MetricStep {
  readonly name: string;
  readonly type: string;
  readonly wins: boolean;
  /** Replicas that it asks for; null when it is unknown and nothing stands in for it, or when metrics were not read. */
  readonly replicas: number | null;
  /** `186 % of request` */
  readonly measured: string | null;
  /** `80 %` */
  readonly target: string | null;
  readonly formula: string | null;
  /** All numbers of the calculation. */
  readonly values: TraceStep['values'];
  /** What was measured of each pod, of metrics that are measured in pods; null where a part of it is not known. */
  readonly samples: readonly { readonly pod: string; readonly valueMilli: string | null; readonly ageSeconds: number | null }[];
  /** The least and the greatest of them, `120m`; null when there are none, or all are the same. */
  readonly spread: { readonly least: string; readonly greatest: string; readonly pod: string } | null;
  readonly doubt: DoubtPart | null;
  readonly failure: {
    readonly reason: string;
    readonly message: string;
    readonly unknown: string | null;
    readonly since: string | null;
  } | null;
  readonly fallback: FallbackPart | null;
}

export interface FallbackPart {
  readonly behavior: string;
  /** null: it asks for nothing, and nothing shrinks. */
  readonly replicas: number | null;
  readonly formula: string | null;
  readonly failures: number;
  readonly failureThreshold: number;
  readonly since: string;
}

export interface StabilizationStep {
  readonly message: string;
  readonly windowSeconds: number;
  readonly wish: number;
  readonly replicas: number;
  /** The wish of the window that applies instead. */
  readonly holds: { readonly replicas: number; readonly at: string; readonly until: string } | null;
  /** What the controller has stored of a hold that lasts: it remembers wishes that status does not keep. */
  readonly stored: { readonly until: string; readonly message: string } | null;
}

export interface RulesPart {
  readonly selectPolicy: string;
  readonly stabilizationWindowSeconds: number | null;
  readonly tolerance: number | null;
  readonly policies: readonly { readonly type: string; readonly value: number; readonly periodSeconds: number }[];
}

export interface RateStep {
  readonly limited: boolean;
  readonly message: string;
  /** Without `behavior`: growth in one evaluation. */
  readonly builtIn: { readonly factor: number; readonly minimum: number } | null;
  readonly behavior: { readonly scaleUp: RulesPart; readonly scaleDown: RulesPart } | null;
}

export interface BoundsStep {
  readonly message: string;
  readonly limited: boolean;
  readonly min: number;
  readonly max: number;
  readonly policyMin: number;
  readonly policyMax: number;
  /** Schedules that have moved them. */
  readonly minFrom: string | null;
  readonly maxFrom: string | null;
  readonly schedules: readonly {
    readonly name: string;
    readonly phase: string;
    readonly step: number;
    readonly until: string | null;
    readonly minReplicas: number | null;
    readonly maxReplicas: number | null;
  }[];
  readonly next: { readonly name: string; readonly opensAt: string } | null;
  readonly nextChangeAt: string | null;
}

export interface RuleStep {
  readonly rule: 'conflict' | 'missing-data' | 'cooldown-up' | 'cooldown-down' | 'pause' | 'mode' | 'fallback';
  /** It holds this decision. */
  readonly held: boolean;
  readonly until: string | null;
  readonly remainingSeconds: number | null;
  readonly message: string;
}

export interface ResultStep {
  readonly from: number;
  readonly to: number;
  readonly wanted: number | null;
  readonly reason: string;
  readonly message: string;
  readonly holds: readonly {
    readonly by: string;
    readonly until: string | null;
    readonly remainingSeconds: number | null;
    readonly message: string;
  }[];
}

export interface ChangeStep {
  readonly lines: readonly string[];
  readonly metrics: Outlook['metrics'];
  readonly boundsChangeAt: string | null;
}

export interface StoredStep {
  /** False: the object has no status. */
  readonly present: boolean;
  readonly observedGeneration: number | null;
  readonly currentReplicas: number | null;
  readonly desiredReplicas: number | null;
  readonly lastScaleUpTime: string | null;
  readonly lastScaleDownTime: string | null;
  readonly lastDecision: {
    readonly from: number | null;
    readonly to: number | null;
    readonly wanted: number | null;
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
  /** How what is stored is another thing than what would be decided now. */
  readonly differences: readonly {
    readonly field: string;
    readonly stored: number | string | null;
    readonly now: number | string | null;
    readonly message: string;
  }[];
}
