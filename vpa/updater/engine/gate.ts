import type { PodRecord } from '../../../core/model/pod.ts';
import { humanDuration } from '../../../core/units/index.ts';
import type { UpdaterConfig } from '../../config.ts';
import { containerSizing, type SizingPolicy } from '../../model.ts';
import type { SkipCode } from './model.ts';
import { observedContainers } from './observed.ts';
import type { PodPriority } from './priority.ts';

/** Whether a pod differs enough to be updated, and by which rule. */
export type GateVerdict =
  | { readonly pass: true; readonly by: 'out-of-range' | 'quick-oom' | 'long-lived'; readonly message: string }
  | {
      readonly pass: false;
      readonly code: Extract<SkipCode, 'infeasible' | 'young' | 'small-change' | 'no-change' | 'in-range'>;
      readonly message: string;
      /** When it may pass though nothing else changes. */
      readonly until?: number | undefined;
    };

export interface GateInput {
  readonly policy: Pick<SizingPolicy, 'containers' | 'evictAfterOomMs'>;
  readonly pod: PodRecord;
  readonly priority: PodPriority;
  /** An update that asked for no more than this one could not be done. */
  readonly infeasible: boolean;
  readonly config: Pick<UpdaterConfig, 'updateThreshold' | 'lifetimeThresholdMs' | 'evictAfterOomMs'>;
  readonly now: number;
}

/** The gate of §5.4. */
export function gate({ policy, pod, priority, infeasible, config, now }: GateInput): GateVerdict {
  if (infeasible) {
    return {
      pass: false,
      code: 'infeasible',
      message: `an update of pod ${pod.name} to as much could not be done; it is tried again when less is recommended`,
    };
  }
  const oom = isQuickOom(policy, pod, config.evictAfterOomMs);
  if (oom && priority.resourceDiff === 0) {
    return { pass: false, code: 'no-change', message: `pod ${pod.name} ran out of memory, but nothing else is recommended than it has` };
  }
  if (oom) return { pass: true, by: 'quick-oom', message: `pod ${pod.name} ran out of memory soon after a start` };
  if (priority.outsideRange) {
    return { pass: true, by: 'out-of-range', message: `pod ${pod.name} asks for an amount outside of the recommended range, or for none` };
  }
  return longLived(pod, priority, { config, now });
}

function longLived(
  { name, started }: PodRecord,
  { resourceDiff }: PodPriority,
  { config, now }: Pick<GateInput, 'config' | 'now'>,
): GateVerdict {
  const percent = percentText(resourceDiff);
  const wanted = percentText(config.updateThreshold);
  if (resourceDiff < config.updateThreshold) {
    const code = resourceDiff === 0 ? 'in-range' : 'small-change';
    const message = `pod ${name} is within the recommended range and ${percent} from the target; less than ${wanted} is not worth an update`;
    return { pass: false, code, message };
  }
  if (started === undefined) {
    return {
      pass: false,
      code: 'young',
      message: `pod ${name} is within the recommended range and ${percent} from the target, but it is not known since when it runs`,
    };
  }
  const until = started + config.lifetimeThresholdMs;
  if (now < until) {
    const message = `pod ${name} is within the recommended range and ${percent} from the target; it is updated once it has run for ${humanDuration(config.lifetimeThresholdMs)}`;
    return { pass: false, code: 'young', message, until };
  }
  const message = `pod ${name} has run for ${humanDuration(now - started)} and is ${percent} from the target, at least ${wanted}`;
  return { pass: true, by: 'long-lived', message };
}

/** A container that the admission saw and that the policy sizes was killed for memory within the threshold of its start. */
export function isQuickOom(
  policy: Pick<SizingPolicy, 'containers' | 'evictAfterOomMs'>,
  pod: PodRecord,
  defaultThresholdMs: number,
): boolean {
  const threshold = policy.evictAfterOomMs ?? defaultThresholdMs;
  let observed: ReadonlySet<string> | undefined;
  let looked = false;
  return pod.statuses.some(({ init, name, termination }) => {
    if (init || termination?.reason !== 'OOMKilled') return false;
    if (!looked) {
      observed = observedContainers(pod);
      looked = true;
    }
    if (observed?.has(name) === false || containerSizing(policy.containers, name)?.mode === 'Off') return false;
    const { startedAt, finishedAt } = termination;
    // As upstream's zero times: no start is long ago, no end is before any start.
    if (startedAt === undefined && finishedAt !== undefined) return false;
    return finishedAt === undefined || startedAt === undefined || finishedAt - startedAt < threshold;
  });
}

/** `12%`, at most four digits before an exponent. */
export function percentText(fraction: number): string {
  const percent = fraction * 100;
  if (percent >= 10_000) return `more than 10000%`;
  return `${String(Math.round(percent * 10) / 10)}%`;
}
