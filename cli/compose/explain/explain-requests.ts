import { formatSelector } from '../../../core/model/selector.ts';
import type { Decision } from '../../../core/model/decision.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import type { EvaluatedRequests, RequestsRecommendation } from '../../../vpa/index.ts';
import type { ExplainOptions } from './explain-policy.ts';
import { explainData, explainEstimates } from './explain-requests-data.ts';
import { explainApply, explainUpdates } from './explain-requests-updates.ts';
import type { HorizontalStep, RecommendedStep, RequestsExplanation, RequestsStored, RequestsTarget } from './requests-explanation.ts';
import { fieldsOf, list, text, time } from './stored-status.ts';
import { isoTime, remainingSeconds, seconds } from './time-text.ts';

/** One policy of requests, step by step, with everything that it was made of. */
export function explainRequests(recommendation: RequestsRecommendation, options: ExplainOptions): RequestsExplanation {
  const { raw, decisions, known, evaluated } = recommendation;
  const now = options.snapshot.takenAt;
  const [first] = decisions;
  const subject = first?.subject ?? { apiVersion: raw.apiVersion ?? '', kind: raw.kind ?? '', name: raw.metadata.name };
  return {
    policy: {
      apiVersion: subject.apiVersion,
      kind: subject.kind,
      namespace: raw.metadata.namespace ?? '',
      name: raw.metadata.name,
      native: known?.policy.native ?? subject.kind === 'VerticalPodAutoscaler',
      generation: raw.metadata.generation ?? null,
    },
    target: targetOf(first, evaluated),
    ...(known === undefined || evaluated === undefined
      ? noSteps
      : {
          data: explainData(evaluated, options),
          estimates: explainEstimates(evaluated),
          clamps: evaluated.clamps.map(({ container, resource, field, by, from, to, message }) => ({
            container,
            resource,
            field,
            by,
            from,
            to,
            message,
          })),
          warnings: evaluated.warnings,
          nodes: nodesOf(evaluated, options),
          horizontal: horizontalOf(evaluated, known.policy.horizontal),
          recommendation: recommendationPart(evaluated),
          adaptations: evaluated.adaptations.map(({ pods, clamps, kept, values }) => ({
            pods,
            clamps,
            kept,
            values: values.map(({ container, requests, limits }) => ({ container, requests, limits })),
          })),
          updates: explainUpdates(known, evaluated, options),
          apply: explainApply(known, evaluated, options),
        }),
    results: decisions.map((decision) => resultOf(decision, now)),
    stored: storedOf(raw, evaluated, now),
  };
}

const noSteps = {
  data: null,
  estimates: [],
  clamps: [],
  warnings: [],
  nodes: null,
  horizontal: null,
  recommendation: null,
  adaptations: [],
  updates: null,
  apply: null,
} as const;

function targetOf(decision: Decision | undefined, evaluated: EvaluatedRequests | undefined): RequestsTarget {
  const { apiVersion = '', kind = '', name = '' } = decision?.target ?? {};
  const named = { apiVersion, kind, name };
  if (evaluated === undefined) return { ...named, selector: null, replicas: null, matched: 0, pods: [], problem: null, rival: null };
  const { resolution, matched, pods, problem = null, rival } = evaluated.target;
  return {
    ...named,
    ...resolvedPart(resolution),
    matched: matched.length,
    pods: pods.map((pod) => pod.name),
    problem,
    rival: rival === undefined ? null : `${rival.kind} ${rival.namespace ?? ''}/${rival.name}`,
  };
}

function resolvedPart(resolution: EvaluatedRequests['target']['resolution']): Pick<RequestsTarget, 'selector' | 'replicas'> {
  if (resolution.state !== 'known') return { selector: null, replicas: null };
  return { selector: formatSelector(resolution.selector) ?? null, replicas: resolution.workload?.replicas ?? null };
}

/** Of a snapshot of one namespace the DaemonSets of the others are not known. */
function nodesOf({ room }: EvaluatedRequests, { reading, snapshot }: ExplainOptions): RequestsExplanation['nodes'] {
  if (room === undefined) return null;
  const most = (resource: 'cpu' | 'memory'): number | null =>
    room.nodes.reduce<number | null>((best, { [resource]: amount }) => (amount === undefined ? best : Math.max(best ?? 0, amount)), null);
  const namespaces = new Set(snapshot.pods.map(({ metadata }) => metadata.namespace ?? ''));
  const daemons = reading.pods.pods.some(({ owner }) => owner?.kind === 'DaemonSet');
  const note =
    namespaces.size === 1 && !daemons ? 'pods of other namespaces were not read: what DaemonSets take of the nodes is not known' : null;
  return { count: room.nodes.length, cpu: most('cpu'), memory: most('memory'), note };
}

function horizontalOf({ horizontal }: EvaluatedRequests, rule: string): HorizontalStep {
  const { claims, yields, reference } = horizontal;
  // Without somebody who measures it, nothing is rebased.
  const resources =
    reference?.resources.filter((resource) => claims.some(({ measures, foreign }) => measures === resource && foreign !== true)) ?? [];
  const template =
    reference?.template === undefined ? 'which is not known: their utilization is unknown' : 'so that a resize changes no utilization';
  return {
    rule,
    claims: claims.map(({ policy, measures = '', foreign }) => ({
      policy: `${policy.kind} ${policy.namespace ?? ''}/${policy.name}`,
      measures,
      foreign: foreign === true,
    })),
    yields: [...yields].map(([resource, message]) => ({ resource, message })),
    rebase:
      resources.length === 0
        ? null
        : `${resources.join(' and ')} utilization is measured against the requests of the pod template, ${template}`,
  };
}

function recommendationPart({ acts, stored, computed, differences, data }: EvaluatedRequests): RequestsExplanation['recommendation'] {
  const amountIn = (recommendation: typeof stored, container: string, resource: string): number | null =>
    recommendation?.containers.find((each) => each.container === container)?.target[resource] ?? null;
  const containers = (stored ?? computed)?.containers ?? [];
  return {
    acts,
    containers: containers.flatMap(({ container, target, lowerBound, upperBound, uncappedTarget }) =>
      Object.entries(target).map(([resource, amount]): RecommendedStep => ({
        container,
        resource,
        target: amount,
        lower: lowerBound[resource] ?? null,
        upper: upperBound[resource] ?? null,
        uncapped: uncappedTarget[resource] ?? null,
        stored: amountIn(stored, container, resource),
        computed: amountIn(computed, container, resource),
        difference: differences.find((each) => each.container === container && each.resource === resource)?.message ?? null,
      })),
    ),
    kept: data.kept.map(
      ({ container, resource }) => `${resource} of container ${container} stays as it was recommended before: nothing is known of it here`,
    ),
  };
}

function resultOf(
  { dimension, from, to, wanted, reason, message, holds, trace }: Decision,
  now: number,
): RequestsExplanation['results'][number] {
  return {
    dimension: dimension ?? null,
    from,
    to,
    wanted,
    reason,
    message,
    holds: holds.map(({ by, until, message: why }) => ({
      by,
      until: isoTime(until),
      remainingSeconds: remainingSeconds(until, now),
      message: why,
    })),
    trace,
  };
}

/** Whoever may write status may have written anything: nothing is believed. */
function storedOf(raw: KubeObject, evaluated: EvaluatedRequests | undefined, now: number): RequestsStored {
  const status = fieldsOf(raw.status);
  const observed = status['observedGeneration'];
  const decision = fieldsOf(status['lastDecision']);
  const at = time(decision['at']);
  const present = Object.keys(status).length > 0;
  const { history } = evaluated ?? {};
  const observedGeneration = typeof observed === 'number' ? observed : null;
  return {
    present,
    observedGeneration,
    lastScaleUpTime: isoTime(history?.lastScaleUp),
    lastScaleDownTime: isoTime(history?.lastScaleDown),
    lastDecision:
      Object.keys(decision).length === 0
        ? null
        : {
            reason: text(decision['reason']),
            message: text(decision['message']),
            at,
            ageSeconds: at === null ? null : seconds(now - Date.parse(at)),
            holds: list(decision['holds']).map((hold) => ({
              by: text(hold['by']),
              until: time(hold['until']),
              message: text(hold['message']),
            })),
          },
    conditions: list(status['conditions']).map((condition) => ({
      type: text(condition['type']),
      status: text(condition['status']),
      reason: text(condition['reason']),
      message: text(condition['message']),
      since: time(condition['lastTransitionTime']),
    })),
    differences: [
      ...generationLag(raw, observedGeneration),
      ...(evaluated === undefined || evaluated.stored !== undefined
        ? []
        : [
            'no recommendation is stored: no recommender has looked at it, or it has seen no usage; does `concertina run` (or the upstream VPA, of its own objects) work in this cluster?',
          ]),
      ...(evaluated?.differences ?? []).map(({ message }) => message),
    ],
  };
}

function generationLag({ metadata: { generation } }: KubeObject, observed: number | null): string[] {
  if (observed === null || generation === undefined || observed >= generation) return [];
  return [`status tells of generation ${observed}, the policy is at ${generation}: no controller has looked at the change yet`];
}
