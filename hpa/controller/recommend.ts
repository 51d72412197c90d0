import type { Decision } from '../../core/model/decision.ts';
import type { MetricsView } from '../../core/model/metrics-view.ts';
import type { KubeObject, ObjectReference } from '../../core/model/object.ts';
import { formatSelector } from '../../core/model/selector.ts';
import type { WorkloadRecord } from '../../core/model/workload.ts';
import type { HpaConfig } from '../config.ts';
import { evaluate, unableDecision, type HpaState } from '../engine/index.ts';
import { problemsText } from '../../core/model/schema-problems.ts';
import { fromHpa, historyOf, parsePolicy, previousStatus, type PolicyResult } from '../policy.ts';
import { assemble, type ScaleFacts } from './assemble.ts';
import { conflictText, TargetIndex } from './conflicts.ts';
import type { PodLister } from './ports.ts';

export interface RecommendInput {
  /** HorizontalPolicies and autoscaling/v2 HorizontalPodAutoscalers, told apart by `kind`. */
  readonly policies: readonly KubeObject[];
  /** The scale of a target, or one sentence why there is none. */
  readonly scaleOf: (target: ObjectReference) => ScaleFacts | string;
  readonly pods: PodLister;
  readonly view: MetricsView;
  readonly now: number;
  readonly config: HpaConfig;
  /** What the controller remembers of a policy (`namespace/name`); default: no history, so no stabilisation by wishes of the past. */
  readonly stateOf?: ((key: string) => HpaState | undefined) | undefined;
}

/** What would be decided now, for every policy, in their order. Nothing is read or written: all comes from the input. */
export function recommend(input: RecommendInput): Decision[] {
  const targets = new TargetIndex();
  for (const raw of input.policies) targets.set(identity(raw), raw, kindOf(raw));
  return input.policies.map((raw) => recommendOne(input, raw, targets));
}

function recommendOne(input: RecommendInput, raw: KubeObject, targets: TargetIndex): Decision {
  const { now, config } = input;
  const parsed: PolicyResult =
    kindOf(raw) === 'HorizontalPodAutoscaler'
      ? fromHpa(raw, config.adoptedCooldown ? { cooldown: config.cooldown } : {})
      : parsePolicy(raw, config.cooldown);
  const status = previousStatus(raw);
  if (!parsed.ok) {
    const namespace = raw.metadata.namespace ?? '';
    const subject = { apiVersion: raw.apiVersion ?? '', kind: kindOf(raw), namespace, name: raw.metadata.name };
    const { scaleTargetRef } = (raw.spec ?? {}) as { scaleTargetRef?: { apiVersion?: string; kind?: string; name?: string } };
    const { apiVersion = '', kind = '', name = '' } = scaleTargetRef ?? {};
    const message = `${kindOf(raw)} ${namespace}/${raw.metadata.name}: ${problemsText(parsed.problems)}`;
    const hold = { by: 'invalid-policy' as const, reason: parsed.reason, message };
    return unableDecision({ subject, target: { apiVersion, kind, namespace, name }, now, status }, hold);
  }
  const { policy } = parsed;
  const scale = input.scaleOf(policy.target);
  if (typeof scale === 'string') {
    const hold = { by: 'target-unavailable' as const, reason: 'FailedGetScale', message: scale };
    return unableDecision({ subject: policy.reference, target: policy.target, now, status }, hold);
  }
  const key = `${policy.reference.namespace ?? ''}/${policy.reference.name}`;
  const evaluation = evaluate(
    assemble({
      policy,
      scale,
      pods: input.pods,
      view: input.view,
      state: input.stateOf?.(key) ?? { recommendations: [], scaleUpEvents: [], scaleDownEvents: [] },
      status,
      history: historyOf(raw),
      now,
      config: { ...config, dryRun: false },
      conflict: policy.spec.mode === 'Auto' ? conflictText(policy.target, targets.others(policy.target, identity(raw))) : undefined,
    }),
  );
  return evaluation.decision;
}

function kindOf(raw: KubeObject): string {
  if (raw.kind !== undefined) return raw.kind;
  return raw.apiVersion?.startsWith('autoscaling/') === true ? 'HorizontalPodAutoscaler' : 'HorizontalPolicy';
}

function identity(raw: KubeObject): string {
  return `${kindOf(raw)}\n${raw.metadata.namespace ?? ''}/${raw.metadata.name}`;
}

/** The scale that a workload's own record implies, for snapshots; a sentence for kinds without replicas. */
export function scaleOfWorkload(workload: WorkloadRecord): ScaleFacts | string {
  if (workload.specReplicas === undefined) {
    return `spec.scaleTargetRef names ${workload.kind} ${workload.namespace}/${workload.name}, which has no scale subresource; name a kind that can be scaled, like Deployment or StatefulSet`;
  }
  return {
    specReplicas: workload.specReplicas,
    statusReplicas: workload.statusReplicas,
    selector: formatSelector(workload.selector) ?? '',
  };
}
