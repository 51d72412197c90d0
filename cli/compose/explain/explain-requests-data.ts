import type { EvaluatedRequests } from '../../../vpa/index.ts';
import type { ExplainOptions } from './explain-policy.ts';
import { doubtPart } from './explain-sources.ts';
import type { ContainerData, EstimateStep, RequestsData } from './requests-explanation.ts';
import { isoTime, seconds } from './time-text.ts';

/** What the histograms are made of. */
export function explainData({ data, estimated }: EvaluatedRequests, { snapshot, reading }: ExplainOptions): RequestsData {
  const { view } = reading;
  const { resourceSource: state } = view;
  const now = snapshot.takenAt;
  return {
    source: snapshot.metrics.usageSource ?? 'metrics.k8s.io',
    request: snapshot.metrics.usageRequest?.text ?? null,
    counted: data.usage.fed,
    why: data.usage.fed ? null : refusals[data.usage.why],
    sampledPods: data.sampledPods,
    doubt: doubtPart(view.usageDoubt),
    unknown: state.healthy ? null : { reason: state.reason, detail: state.detail, since: isoTime(state.since) },
    containers: (estimated?.evidence ?? []).map((evidence): ContainerData => {
      const { container, samples, firstSample, lastSample, coverage, memoryPeaks, oomKills } = evidence;
      const checkpoint = data.checkpoints.find((each) => each.container === container);
      return {
        container,
        samples,
        firstSample: isoTime(firstSample),
        lastSample: isoTime(lastSample),
        lastSampleAgeSeconds: lastSample === undefined ? null : seconds(now - lastSample),
        coverage: share(coverage),
        memoryPeaks,
        oomKills,
        checkpoint:
          checkpoint === undefined
            ? null
            : {
                name: checkpoint.name,
                writtenAt: isoTime(checkpoint.written),
                ageSeconds: checkpoint.written === undefined ? null : seconds(now - checkpoint.written),
                problem: checkpoint.problem ?? null,
              },
        silent: data.silent.some((each) => each.container === container),
      };
    }),
    oomKills: data.oomKills.map(({ pod, container, at, memory }) => ({ pod, container, at: isoTime(at), memory })),
    vanished: data.vanished,
  };
}

const refusals = {
  seen: 'it was counted already',
  'not-measured': 'nothing was measured',
  unhealthy: 'its source does not answer',
  doubt: 'it is in doubt, and a histogram cannot take a lie back',
} as const;

function share(fraction: number): number {
  return Number.isFinite(fraction) ? Math.round(fraction * 1000) / 1000 : 0;
}

/** From percentiles to a target and its bounds. */
export function explainEstimates({ estimated }: EvaluatedRequests): EstimateStep[] {
  return (estimated?.evidence ?? []).flatMap(({ container, resources, oomKills, lastOom }) =>
    resources.map(({ resource, percentiles, estimates, margin, confidence, minimum, atMinimum }): EstimateStep => {
      const result = estimated?.containers.find((each) => each.container === container);
      return {
        container,
        resource,
        // Every bucket's estimate is above 0.
        empty: estimates.target <= 0,
        percentiles,
        estimates,
        margin,
        confidence: share(confidence),
        result: {
          lower: result?.lowerBound[resource] ?? null,
          target: result?.target[resource] ?? null,
          upper: result?.upperBound[resource] ?? null,
        },
        minimum,
        atMinimum,
        oom:
          resource !== 'memory' || lastOom === undefined
            ? null
            : { kills: oomKills, at: isoTime(lastOom.at), from: lastOom.from, to: lastOom.to },
      };
    }),
  );
}
