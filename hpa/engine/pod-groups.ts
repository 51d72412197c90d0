import type { EngineConfig, HpaPod, Milli } from './model.ts';

/** One pod's value as the calculation uses it. */
export interface UsageSample {
  readonly value: Milli;
  readonly timestamp: number;
  readonly windowMs: number;
}

/** The pods of the target by the part that they play (§5.1). */
export interface PodGroups {
  readonly readyCount: number;
  readonly unready: readonly string[];
  readonly missing: readonly string[];
  readonly ignored: readonly string[];
}

/** Sorts the pods into groups; the first rule that matches wins. `resource` is empty for custom metrics. */
export function groupPods(
  pods: readonly HpaPod[],
  samples: ReadonlyMap<string, UsageSample>,
  options: { readonly resource: string; readonly now: number; readonly config: EngineConfig },
): PodGroups {
  let readyCount = 0;
  const unready: string[] = [];
  const missing: string[] = [];
  const ignored: string[] = [];
  for (const pod of pods) {
    const sample = samples.get(pod.name);
    if (pod.deleting || pod.phase === 'Failed') ignored.push(pod.name);
    else if (pod.phase === 'Pending') unready.push(pod.name);
    // Succeeded and Unknown pods without a sample end here too, as upstream.
    else if (sample === undefined) missing.push(pod.name);
    else if (options.resource === 'cpu' && isCpuUnready(pod, sample, options)) unready.push(pod.name);
    else readyCount += 1;
  }
  return { readyCount, unready, missing, ignored };
}

/** CPU of a starting pod says nothing about its load; readiness matters for no other resource. */
function isCpuUnready(pod: HpaPod, sample: UsageSample, { now, config }: { readonly now: number; readonly config: EngineConfig }): boolean {
  if (pod.ready === undefined || pod.startTime === undefined) return true;
  if (pod.startTime + config.cpuInitializationMs > now) {
    return pod.ready === 'False' || sample.timestamp < pod.readyTransition + sample.windowMs;
  }
  // An old pod that lost readiness so soon after its start never became ready properly.
  return pod.ready === 'False' && pod.startTime + config.initialReadinessDelayMs > pod.readyTransition;
}
