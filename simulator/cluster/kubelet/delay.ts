import type { Random } from '../../../core/model/clock.ts';
import { tryParseDurationMs } from '../../../core/units/index.ts';

/** Milliseconds: fixed, uniform between two bounds, or log-normal with a long tail. */
export type Delay =
  number | { readonly min: number; readonly max: number } | { readonly median: number; readonly sigma: number; readonly max?: number };

export function drawDelay(delay: Delay, random: Random): number {
  if (typeof delay === 'number') return delay;
  if ('min' in delay) return delay.min + (delay.max - delay.min) * random();
  const normal = Math.sqrt(-2 * Math.log(random() || Number.MIN_VALUE)) * Math.cos(2 * Math.PI * random());
  return Math.min(delay.max ?? Number.POSITIVE_INFINITY, delay.median * Math.exp(delay.sigma * normal));
}

const prefix = 'concertina.dev/sim-';

/**
 * Overrides on a pod, each also as `…/sim-x.<container>` for one container:
 * `sim-pull`, `sim-start`, `sim-ready`, `sim-init`, `sim-stop`, `sim-run` (durations), `sim-exit-code`, `sim-crash-after` (duration, then exit 1),
 * `sim-pull-error` (`true`, or how many pulls fail), `sim-resize` (`Deferred`, `Infeasible`, `Error`), `sim-resize-delay`.
 */
export type SimAnnotation =
  'pull' | 'start' | 'ready' | 'init' | 'stop' | 'run' | 'exit-code' | 'crash-after' | 'pull-error' | 'resize' | 'resize-delay';

export function simAnnotation(annotations: Readonly<Record<string, string>>, name: SimAnnotation, container?: string): string | undefined {
  return (container === undefined ? undefined : annotations[`${prefix}${name}.${container}`]) ?? annotations[`${prefix}${name}`];
}

/** Milliseconds of an override; what is no duration counts as none. */
export function simDuration(annotations: Readonly<Record<string, string>>, name: SimAnnotation, container?: string): number | undefined {
  const value = tryParseDurationMs(simAnnotation(annotations, name, container));
  return value === undefined || value < 0 ? undefined : value;
}
