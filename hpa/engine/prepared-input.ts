import type { EvaluationInput, MetricResult } from './model.ts';

/** With the policy's own settings in place of the controller's, and without what was measured of foreign pods. */
export function prepared(input: EvaluationInput): EvaluationInput {
  const { spec, config, selection } = input;
  const { cpuInitializationMs = config.cpuInitializationMs, initialReadinessDelayMs = config.initialReadinessDelayMs } = spec;
  const same = cpuInitializationMs === config.cpuInitializationMs && initialReadinessDelayMs === config.initialReadinessDelayMs;
  if (same && (selection?.foreign.length ?? 0) === 0) return input;
  const foreign = new Set(selection?.foreign);
  return {
    ...input,
    config: same ? config : { ...config, cpuInitializationMs, initialReadinessDelayMs },
    results: foreign.size === 0 ? input.results : input.results.map((result) => withoutPods(result, foreign)),
  };
}

/** Samples of pods that are not known count all the same (§5.3), so those of foreign pods have to go with them. */
function withoutPods(result: MetricResult, foreign: ReadonlySet<string>): MetricResult {
  switch (result.kind) {
    case 'usage':
      return { ...result, samples: result.samples.filter(({ pod }) => !foreign.has(pod)) };
    case 'pod-values':
      return { ...result, values: result.values.filter(({ pod }) => !foreign.has(pod)) };
    case 'values':
    case 'failure':
      return result;
  }
}
