import type { Registry } from 'prom-client';
import type { JsonPatchOperation, KubeClient } from '../../../core/kube/api.ts';
import type { Clock } from '../../../core/model/clock.ts';
import type { ClusterView } from '../../../core/model/cluster-view.ts';
import type { ScalingDirection, ScalingHistory } from '../../../core/model/cooldown.ts';
import type { Decision } from '../../../core/model/decision.ts';
import type { PodRecord } from '../../../core/model/pod.ts';
import type { Logger } from '../../../core/runtime/logging.ts';
import type { UpdaterConfig } from '../../config.ts';
import type { NamespaceLimits } from '../../model.ts';
import type { EventSink, KnownPolicy, PolicyBook, TargetResolver } from '../../ports.ts';
import type { AdaptedPod, UpdatePlan } from '../engine/index.ts';

/** Pods as the updater looks at them; a {@link ClusterView} is one. */
export type UpdaterView = Pick<ClusterView, 'pods' | 'podsInNamespace' | 'podsMatching' | 'pdbsFor'>;

export interface AdaptationInput {
  /** With what it moves now. */
  readonly known: KnownPolicy;
  readonly pod: PodRecord;
  readonly limits: NamespaceLimits | undefined;
  /** Containers of the workload's pod template, where it is known. */
  readonly templateContainers: readonly string[] | undefined;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** A resize of a pod in place: what is patched on the subresource, and on the pod afterwards. */
export type ResizeOperations =
  | { readonly ok: true; readonly operations: readonly JsonPatchOperation[]; readonly annotations: readonly JsonPatchOperation[] }
  | { readonly ok: false; readonly problem: string };

/** How a recommendation becomes that of a pod, and the patches for it (spec §4, §6.3). */
export interface PodAdaptation {
  adapt(input: AdaptationInput): AdaptedPod | undefined;
  /** The end of a start-up boost included; a container that is still boosted is not in it. */
  resize(input: AdaptationInput): ResizeOperations;
}

export type Health = { readonly ok: true } | { readonly ok: false; readonly message: string };

export interface UpdaterOptions {
  /** Fenced: throws `FENCED` when this process must not write. */
  readonly client: KubeClient;
  readonly book: PolicyBook;
  readonly targets: TargetResolver;
  /** The pods now; called once a pass. `undefined` until they are known. */
  readonly pods: () => UpdaterView | undefined;
  /** What the LimitRanges of a namespace say together. */
  readonly limits: (namespace: string) => NamespaceLimits | undefined;
  /** Whether pods that are created now get their new requests. The message completes a sentence: `…, because the webhook has not been called for 2m`. */
  readonly admissionHealthy: () => Health;
  /** Resources that a policy leaves to a horizontal one: why, by resource. Absent: none. */
  readonly horizontal?: ((known: KnownPolicy) => ReadonlyMap<string, string>) | undefined;
  /** Somebody outside of this program who acts on the target: who. Absent: nobody is looked for. */
  readonly foreign?: ((known: KnownPolicy) => string | undefined) | undefined;
  /** Why a recommendation is too old to act on. Absent: it never is. */
  readonly stale?: ((known: KnownPolicy) => string | undefined) | undefined;
  /** Default: that of `vpa/adaptation`. */
  readonly adaptation?: PodAdaptation | undefined;
  /** When the workload of a policy was last updated; kept in status by whoever writes it. */
  readonly historyOf: (policyKey: string) => ScalingHistory;
  readonly recordScaling: (policyKey: string, direction: ScalingDirection, at: number) => void;
  readonly clock: Clock;
  readonly events: EventSink;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly config: UpdaterConfig;
  /** Decide, show, write nothing. */
  readonly dryRun: boolean;
  /** Every decision as it is taken, also those that change nothing. A throw is logged and goes no further. */
  readonly onDecision?: ((decision: Decision) => void) | undefined;
  /** What a finished pass did, or left, of each policy. A throw is logged and goes no further. */
  readonly onPlan?: ((policyKey: string, plan: UpdatePlan) => void) | undefined;
}

export interface Updater {
  /** Passes begin one interval from now. */
  start(): void;
  /** Waits for what is under way. */
  stop(): Promise<void>;
  /** One pass over every policy, or over those. A pass that is under way is waited for, and not repeated. */
  runOnce(keys?: ReadonlySet<string>): Promise<void>;
  /** Asks for an early pass over a policy: its pods ran out of memory, its recommendation has leapt. */
  hurry(policyKey: string): void;
  /** Of the last pass over each policy. */
  decisions(): readonly Decision[];
  /** What was done and left at the last pass over a policy. */
  planOf(policyKey: string): UpdatePlan | undefined;
  /** When the last whole pass ended, by the clock's monotonic time; `undefined`: none has. */
  lastPass(): number | undefined;
}
