import type { ClusterView } from '../../core/model/cluster-view.ts';
import type { ScalingHistory } from '../../core/model/cooldown.ts';
import type { Decision, HoldReason } from '../../core/model/decision.ts';
import type { Claim, RequestReference } from '../../core/model/intent.ts';
import type { MetricsView } from '../../core/model/metrics-view.ts';
import type { NodeRecord } from '../../core/model/node.ts';
import type { KubeObject, ObjectReference } from '../../core/model/object.ts';
import type { OwnerRecord, PodRecord } from '../../core/model/pod.ts';
import type { ContainerValues, Clamp as AdaptationClamp, KeptResource } from '../adaptation/index.ts';
import type { VpaConfig } from '../config.ts';
import type { Amounts, Recommendation, SizedResource } from '../model.ts';
import type { KnownPolicy, TargetResolution } from '../ports.ts';
import type { KeptAmount, SilentContainer } from '../recommender/controller/index.ts';
import type { UsageFed } from '../recommender/controller/usage-feed.ts';
import type { Clamp, NodeRoom } from '../recommender/engine/post-processors.ts';
import type { OomRecord, PolicyRecommendation } from '../recommender/engine/types.ts';
import type { SkipCode, UpdateInput, UpdateMethod, UpdatePlan } from '../updater/engine/index.ts';

/** Everything that a recommendation of requests is made of, at one instant. */
export interface RequestsInput {
  /** VerticalPolicies and VerticalPodAutoscalers, told apart by `kind`. */
  readonly policies: readonly KubeObject[];
  /** Their checkpoints, told apart by `kind`. */
  readonly checkpoints: readonly KubeObject[];
  /** With budgets, where they are known. */
  readonly pods: ClusterView;
  readonly view: MetricsView;
  readonly limitRanges: readonly KubeObject[];
  /** Empty: not known, nothing is capped to nodes. */
  readonly nodes: readonly NodeRecord[];
  /** Deployment … CronJob, with their kinds; ReplicaSets where they are known. Objects of other kinds are passed over. */
  readonly workloads: readonly KubeObject[];
  /** What controls an owner of pods; `undefined`: not known. Absent: nothing is known beyond the workloads. */
  readonly controllerOf?: ((owner: OwnerRecord) => OwnerRecord | 'none' | undefined) | undefined;
  /** The scale of a target of another kind, or one sentence why there is none. */
  readonly scaleOf?: ((target: ObjectReference) => { readonly selector: string; readonly replicas: number } | string) | undefined;
  /** Plurals of kinds that could not be read: that an object of them is not there says nothing. */
  readonly unread?: readonly string[] | undefined;
  /** What horizontal policies steer. */
  readonly horizontalClaims: readonly Claim[];
  readonly now: number;
  readonly config: VpaConfig;
}

/** What would be done for one policy, with what it was made of. */
export interface RequestsRecommendation {
  readonly raw: KubeObject;
  /** One for each container and resource; a single one without dimension where nothing can be recommended. */
  readonly decisions: readonly Decision[];
  /** `undefined`: the policy cannot be read or is somebody else's, and the decision says why. */
  readonly known: KnownPolicy | undefined;
  readonly evaluated: EvaluatedRequests | undefined;
}

export interface EvaluatedRequests {
  readonly target: TargetFacts;
  readonly data: DataFacts;
  /** The engine's own, before anything is clamped; `undefined`: it knows nothing of the policy. */
  readonly estimated: PolicyRecommendation | undefined;
  /** Clamped: what a recommender would store now. */
  readonly computed: Recommendation | undefined;
  /** What stands in status. */
  readonly stored: Recommendation | undefined;
  /** Which of the two pods are updated to: what is stored, where something is. */
  readonly acts: 'stored' | 'computed' | 'none';
  /** How the stored one differs from the computed one. */
  readonly differences: readonly RecommendationDifference[];
  /** Rounding, whole cores, policy, global and node caps, in the order in which they were made. */
  readonly clamps: readonly Clamp[];
  readonly warnings: readonly string[];
  /** What nodes have for the pods; `undefined`: not known. */
  readonly room: NodeRoom | undefined;
  readonly horizontal: HorizontalFacts;
  /** What becomes of it in pods, once for all pods that are alike. */
  readonly adaptations: readonly PodGroupAdaptation[];
  readonly plan: UpdatePlan;
  /** What the plan was made with. */
  readonly outside: UpdateInput['outside'];
  readonly history: ScalingHistory;
  readonly apply: ApplyFacts;
  /** Sums over the live pods: what they ask for, and what they would when all had what is recommended. */
  readonly totals: readonly ResourceTotal[];
}

export interface TargetFacts {
  readonly resolution: TargetResolution;
  /** Why it cannot be acted on. */
  readonly problem: string | undefined;
  /** Live pods that the selector matches. */
  readonly matched: readonly PodRecord[];
  /** Those that this policy controls. */
  readonly pods: readonly PodRecord[];
  /** The policy that has the others. */
  readonly rival: ObjectReference | undefined;
}

export interface DataFacts {
  readonly usage: UsageFed;
  /** Pods of the policy of which there is a sample. */
  readonly sampledPods: number;
  readonly checkpoints: readonly CheckpointFacts[];
  /** OOM kills that stand in the pods and that no checkpoint has counted yet. */
  readonly oomKills: readonly OomRecord[];
  readonly kept: readonly KeptAmount[];
  readonly silent: readonly SilentContainer[];
  readonly vanished: readonly string[];
}

export interface CheckpointFacts {
  readonly container: string;
  readonly name: string;
  /** Epoch milliseconds. */
  readonly written: number | undefined;
  /** Why it was left out; `undefined`: it was taken over. */
  readonly problem: string | undefined;
}

export interface RecommendationDifference {
  readonly container: string;
  readonly resource: string;
  readonly stored: number | undefined;
  readonly computed: number | undefined;
  readonly message: string;
}

export interface HorizontalFacts {
  /** Resources that are left to a horizontal policy, with why. */
  readonly yields: ReadonlyMap<string, string>;
  /** What utilization is measured against instead, because both act. */
  readonly reference: RequestReference | undefined;
  /** Horizontal policies that go by the utilization of a resource of the target. */
  readonly claims: readonly Claim[];
}

export interface PodGroupAdaptation {
  readonly pods: readonly string[];
  readonly clamps: readonly AdaptationClamp[];
  /** Resources that stay as they are, because the API server would refuse the pod. */
  readonly kept: readonly KeptResource[];
  /** What an update would set. */
  readonly values: readonly ContainerValues[];
}

/** What keeps pods as they are, the same for all of them. */
export interface ApplyBlock {
  readonly by: HoldReason | SkipCode;
  readonly until: number | undefined;
  readonly message: string;
  readonly pods: readonly string[];
}

export interface ApplyFacts {
  readonly methods: Readonly<Partial<Record<UpdateMethod, number>>>;
  readonly blocks: readonly ApplyBlock[];
  /** What of this cannot be seen from outside of the controller. */
  readonly unchecked: readonly string[];
}

export interface ResourceTotal {
  readonly container: string;
  readonly resource: SizedResource;
  readonly pods: number;
  /** Milli-cores, bytes. */
  readonly from: number;
  readonly to: number;
}

export type { Amounts };
