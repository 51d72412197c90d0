import type { ScalingHistory } from '../../core/model/cooldown.ts';
import type { RequestReference } from '../../core/model/intent.ts';
import type { MetricsView } from '../../core/model/metrics-view.ts';
import type { PodRecord } from '../../core/model/pod.ts';
import { parseSelector, type Selector } from '../../core/model/selector.ts';
import { messageOf } from '../../core/errors.ts';
import type { HpaConfig } from '../config.ts';
import {
  ownedPods,
  type ControllerOf,
  type EngineConfig,
  type EvaluationInput,
  type HpaState,
  type PodSelectionFacts,
  type PreviousStatus,
  type SelectorState,
} from '../engine/index.ts';
import type { ScalingPolicy } from '../policy.ts';
import { hpaPod, rebasedPod } from './pods.ts';
import type { PodLister } from './ports.ts';
import { metricResult } from './samples.ts';

/** A scale as far as a decision needs it. */
export interface ScaleFacts {
  readonly specReplicas: number;
  readonly statusReplicas: number;
  /** Label selector text. */
  readonly selector: string;
}

export interface AssembleOptions {
  readonly policy: ScalingPolicy;
  readonly scale: ScaleFacts;
  readonly pods: PodLister;
  /** Milliseconds since anything was heard of pods. */
  readonly podsAgeMs?: number | undefined;
  /** Since when the target has this size, epoch milliseconds. */
  readonly sizedAt?: number | undefined;
  readonly view: MetricsView;
  readonly state: HpaState;
  readonly status: PreviousStatus;
  readonly history: ScalingHistory;
  readonly now: number;
  readonly config: HpaConfig;
  readonly conflict?: string | undefined;
  /** A requests policy moves the requests of the pods. */
  readonly requestReference?: RequestReference | undefined;
  /** What controls an owner of pods; absent: pods are told by their labels. */
  readonly controllerOf?: ControllerOf | undefined;
  /** Policies, other than this one, that select one of its pods; names them. */
  readonly othersOf?: ((selector: Selector, pods: readonly PodRecord[]) => readonly string[]) | undefined;
}

/** Everything that the engine wants to know, out of snapshots: no I/O. */
export function assemble(options: AssembleOptions): EvaluationInput {
  const { policy, scale, config, requestReference: reference } = options;
  const selected = selectPods(options);
  const sampled = {
    namespace: policy.reference.namespace ?? '',
    selector: scale.selector,
    pods: selected.pods,
    view: options.view,
    now: options.now,
    maxSampleAgeMs: config.maxSampleAgeMs,
    strict: !policy.native,
    podsAgeMs: options.podsAgeMs,
    sizedAt: options.sizedAt,
    statusReplicas: scale.statusReplicas,
  };
  return {
    subject: policy.reference,
    target: policy.target,
    spec: config.dryRun && policy.spec.mode === 'Auto' ? { ...policy.spec, mode: 'DryRun' } : policy.spec,
    scale: { specReplicas: scale.specReplicas, statusReplicas: scale.statusReplicas },
    selector: selected.state,
    pods: reference === undefined ? selected.pods.map(hpaPod) : selected.pods.map((pod) => rebasedPod(hpaPod(pod), reference)),
    requestReference: reference,
    selection: selected.selection,
    results: policy.spec.metrics.map((metric) => metricResult(metric, sampled)),
    state: options.state,
    status: options.status,
    history: options.history,
    conflict: options.conflict,
    generation: policy.generation,
    now: options.now,
    config: engineConfig(options),
  };
}

function engineConfig({ policy, config }: AssembleOptions): EngineConfig {
  // Native objects keep upstream's way with missing samples.
  // Upstream's gate shows in what the API server stores: without it nobody can set minReplicas to 0.
  if (policy.native)
    return { ...config.engine, missingShareFreeze: 1, scaleToZero: config.engine.scaleToZero && policy.spec.minReplicas === 0 };
  // Evaluations that follow each other at once are one failure; those of a short period are not.
  const period = policy.syncPeriodMs ?? config.syncPeriodMs;
  return { ...config.engine, failureSpacingMs: Math.min(config.engine.failureSpacingMs ?? Infinity, period / 2) };
}

interface SelectedPods {
  readonly state: SelectorState;
  readonly pods: readonly PodRecord[];
  readonly selection?: PodSelectionFacts | undefined;
}

function selectPods({ policy, scale, pods, othersOf, controllerOf }: AssembleOptions): SelectedPods {
  const target = `${policy.target.kind}/${policy.target.name}`;
  if (scale.selector === '') {
    const message = `the scale of ${target} has no selector, so its pods cannot be told; a CRD needs labelSelectorPath in its scale subresource`;
    return { pods: [], state: { ok: false, reason: 'InvalidSelector', event: 'SelectorRequired', message } };
  }
  let selector: Selector;
  try {
    selector = parseSelector(scale.selector);
  } catch (error) {
    const message = `the selector of ${target} cannot be read: ${messageOf(error)}`;
    return { pods: [], state: { ok: false, reason: 'InvalidSelector', event: 'InvalidSelector', message } };
  }
  const matched = pods.podsMatching(policy.reference.namespace ?? '', selector);
  const owned =
    policy.spec.podSelection === 'OwnedOnly' && controllerOf !== undefined ? ownedPods(matched, policy.target, controllerOf) : undefined;
  const counted = owned?.pods ?? matched;
  const others = othersOf?.(selector, counted) ?? [];
  if (others.length === 0) return { pods: counted, state: { ok: true }, selection: owned && { foreign: owned.foreign, note: owned.note } };
  const message = `pods of ${target} (${scale.selector}) are selected by ${others.join(', ')} too; give the targets disjoint selectors or delete all policies but one`;
  return { pods: counted, state: { ok: false, reason: 'AmbiguousSelector', event: 'AmbiguousSelector', message } };
}
