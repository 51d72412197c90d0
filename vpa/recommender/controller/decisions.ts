import type { Decision, Hold, TraceStep } from '../../../core/model/decision.ts';
import type { ObjectReference } from '../../../core/model/object.ts';
import type { PodRecord } from '../../../core/model/pod.ts';
import { sizedResources, type ContainerRecommendation, type SizedResource } from '../../model.ts';
import type { KnownPolicy } from '../../ports.ts';
import { amountText } from '../engine/post-processors.ts';
import type { ContainerEvidence, ResourceEvidence } from '../engine/types.ts';
import type { PolicyMemory } from './policy-memory.ts';

/**
 * The recommendation of a policy as decisions, one for each container and resource: what a pod asks for now, and what it should. `to` is `from`, since the
 * recommender itself gives nothing to pods; what is done with it the updater decides. `pod` is one that the policy is for, if there is any.
 */
export function recommendationDecisions({ policy }: KnownPolicy, memory: PolicyMemory, pod: PodRecord | undefined): Decision[] {
  const { outcome } = memory;
  const { reference, target } = policy;
  if (target === undefined || outcome.state === 'waiting') return [];
  const base = { controller: 'vpa', subject: reference, target: withNamespace(target, reference), at: memory.recommendedAt ?? 0 };
  if (outcome.state === 'unsupported') {
    const hold: Hold = { by: 'target-unavailable', message: outcome.message };
    return [{ ...base, from: 0, to: 0, wanted: null, reason: 'ConfigUnsupported', message: outcome.message, holds: [hold], trace: [] }];
  }
  return outcome.recommendation.containers.flatMap((each) =>
    sizedResources.flatMap((resource): Decision[] => {
      const wanted = each.target[resource];
      if (wanted === undefined) return [];
      const from = requestOf(pod, each.container, resource);
      const evidence = memory.evidence.find(({ container }) => container === each.container);
      return [
        {
          ...base,
          dimension: `requests/${resource}/${each.container}`,
          from,
          to: from,
          wanted,
          reason: 'RecommendationProvided',
          message: sentence(each, resource, from),
          holds: [...keptHold(memory, each.container, resource), ...modeHold(policy)],
          trace: [...evidenceSteps(evidence, resource), ...clampSteps(memory, each.container, resource)],
        },
      ];
    }),
  );
}

function withNamespace(target: ObjectReference, { namespace }: ObjectReference): ObjectReference {
  return namespace === undefined ? target : { ...target, namespace };
}

/** Milli-cores or bytes; 0: it asks for nothing, or there is no pod. */
function requestOf(pod: PodRecord | undefined, container: string, resource: SizedResource): number {
  const milli = pod?.shape.containers.find(({ name }) => name === container)?.requests[resource] ?? 0;
  return resource === 'cpu' ? milli : Math.ceil(milli / 1000);
}

function sentence({ container, target, lowerBound, upperBound }: ContainerRecommendation, resource: SizedResource, from: number): string {
  const text = (amount: number | undefined): string => (amount === undefined ? 'none' : amountText(resource, amount));
  return (
    `${resource} of container ${container}: ${text(target[resource])} recommended (bounds ${text(lowerBound[resource])} to ` +
    `${text(upperBound[resource])}), ${from === 0 ? 'nothing' : text(from)} requested`
  );
}

function keptHold({ kept, evidence }: PolicyMemory, container: string, resource: string): Hold[] {
  if (!kept.some((each) => each.container === container && each.resource === resource)) return [];
  const last = evidence.find((each) => each.container === container)?.lastSample;
  const since = last === undefined ? 'nothing was measured of it' : `nothing was measured of it since ${new Date(last).toISOString()}`;
  return [{ by: 'missing-data', message: `${resource} of container ${container} stays as it was recommended before: ${since}` }];
}

function modeHold({ mode, reference }: KnownPolicy['policy']): Hold[] {
  if (mode === 'Auto') return [];
  const what = `${reference.kind} ${reference.namespace ?? ''}/${reference.name}`;
  return mode === 'DryRun'
    ? [{ by: 'dry-run', message: `${what} has mode DryRun: set spec.mode to Auto to act` }]
    : [{ by: 'paused', message: `${what} has mode Paused: set spec.mode to Auto to act` }];
}

function evidenceSteps(evidence: ContainerEvidence | undefined, resource: SizedResource): TraceStep[] {
  const found = evidence?.resources.find((each) => each.resource === resource);
  if (evidence === undefined || found === undefined) return [];
  const oom = resource === 'memory' ? oomStep(evidence) : [];
  return [samplesStep(evidence), ...oom, ...resourceSteps(found)];
}

function samplesStep({ samples, coverage, memoryPeaks, firstSample, lastSample }: ContainerEvidence): TraceStep {
  return {
    step: 'samples',
    message: `${samples} CPU samples cover ${Math.round(coverage * 100)} % of the minutes since the first; ${memoryPeaks} memory peaks`,
    values: { samples, coverage, memoryPeaks, firstSample: firstSample ?? null, lastSample: lastSample ?? null },
  };
}

function oomStep({ oomKills, lastOom }: ContainerEvidence): TraceStep[] {
  if (lastOom === undefined) return [];
  const { at, from, to } = lastOom;
  const message = `${oomKills} OOM kills; the last raised a peak from ${amountText('memory', from)} to ${amountText('memory', to)}`;
  return [{ step: 'oom-bump', message, values: { oomKills, at, from, to } }];
}

function resourceSteps({ resource, percentiles, estimates, margin, confidence, minimum, atMinimum }: ResourceEvidence): TraceStep[] {
  const text = (amount: number): string => amountText(resource, amount);
  return [
    {
      step: 'percentile',
      message: `percentile ${percentiles.target} of usage is ${text(estimates.target)} (bounds ${percentiles.lower}: ${text(estimates.lower)}, ${percentiles.upper}: ${text(estimates.upper)})`,
      values: { percentile: percentiles.target, estimate: estimates.target, lower: estimates.lower, upper: estimates.upper },
    },
    { step: 'margin', message: `${Math.round(margin * 100)} % are added`, values: { margin } },
    {
      step: 'confidence',
      message: `confidence ${confidence.toFixed(2)} (1: a day of samples every minute) widens the bounds`,
      values: { confidence },
    },
    {
      step: 'minimum',
      message: `the minimum of the pod leaves ${text(minimum)} for this container${atMinimum ? ', and that is what is recommended' : ''}`,
      values: { minimum, atMinimum },
    },
  ];
}

function clampSteps({ outcome }: PolicyMemory, container: string, resource: string): TraceStep[] {
  if (outcome.state !== 'recommended') return [];
  return outcome.clamps
    .filter((clamp) => clamp.container === container && clamp.resource === resource)
    .map(({ by, message, field, from, to }) => ({ step: `clamp-${by}`, message, values: { field, from, to } }));
}
