import type { Shown, Step } from './side-by-side-run.ts';
import { downscaleStabilizationMs, resolutionMs, syncPeriodMs } from './side-by-side-scenario.ts';

/**
 * What upstream says and ours does not, or says otherwise, by name. Each is made equal on upstream's side, and nothing else is; one that does not occur any more fails the
 * test, so that nothing stands here that is not so.
 */
export const explained = {
  'ScaledToZero-everywhere':
    'With the gate HPAScaleToZero, upstream notes after each scaling of any HPA that it is not one to zero. Whether the gate is on shows nowhere in the API; ours goes by minReplicas 0, which nobody can set without it, and says nothing where zero is out of reach.',
  'average-over-nothing':
    'At 0 replicas the average for each is 0/0, which upstream turns into the least number of 64 bits (-9223372036854775808m). Ours leaves out what is not there.',
  'selector-as-go-prints-it':
    'In the Event of a scaling by an Object or External metric upstream shows the selector as Go prints a pointer to it: nil, or &LabelSelector{MatchLabels:map[string]string{…}}. Ours shows it as kubectl writes selectors.',
} as const;

export type Difference = keyof typeof explained;

/** Upstream's status as ours would have it; tells what had to be explained. */
export function explainedShown(shown: Shown, minReplicas: number, seen: Set<Difference>): Shown {
  const conditions = shown.conditions.filter((text) => minReplicas === 0 || !text.startsWith('ScaledToZero='));
  if (conditions.length < shown.conditions.length) seen.add('ScaledToZero-everywhere');
  const text = JSON.stringify(shown.currentMetrics);
  const without = text.replaceAll('"averageValue":"-9223372036854775808m"', '');
  if (without !== text) seen.add('average-over-nothing');
  return { ...shown, conditions, currentMetrics: JSON.parse(without) };
}

/** Upstream's words for a rescale as ours would have them. */
export function explainedRescale(message: string, seen: Set<Difference>): string {
  const plain = message
    .replace('(nil)', '()')
    .replace(
      /\(&LabelSelector\{MatchLabels:map\[string\]string\{(.*?),?\},.*\}\)/,
      (_, labels: string) => `(${labels.replaceAll(': ', '=')})`,
    );
  if (plain !== message) seen.add('selector-as-go-prints-it');
  return plain;
}

/**
 * With new pods a reading is whole after two resolutions: before that it is chance which mixture it shows. And after a shrink the wishes from before it go on to count for
 * the length of the window, so that until then the one may still stabilize what the other has done with. The window is the longer one.
 */
const settleMs = Math.max(2 * resolutionMs, downscaleStabilizationMs) + 1.5 * syncPeriodMs;

/** Neither has scaled for so long that what both show is what there is. */
export function isAtRest(at: number, ...paths: readonly (readonly Step[])[]): boolean {
  return paths.every((path) => path.every((step) => step.at > at || at - step.at > settleMs));
}
