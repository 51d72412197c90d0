/** Instances that were asked for and are not there: they make missing capacity visible (§16). Pure. */
import type { ProviderFailure } from '../../../engine/model.ts';
import { failureOfMessage } from './failure-code.ts';
import { placeholderName, providerIdOf } from './provider-id.ts';
import type { Compat } from './template.ts';

/** One line of DescribeScalingActivities. */
export interface ScalingActivity {
  /** `Failed`, `Successful`, `InProgress`, … */
  readonly status: string;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly description?: string | undefined;
  readonly message?: string | undefined;
}

export interface LaunchQuestionOfGroup {
  /** Newest first, as AWS lists them. */
  readonly activities: readonly ScalingActivity[];
  /** When we last changed the size, epoch milliseconds; `undefined`: not since this process started. */
  readonly lastChange: number | undefined;
  readonly compat: Compat;
}

/**
 * Why what is missing will not come: a Failed activity that started at or after our last change; older ones count for nothing. Without a change of
 * ours upstream looks at all there are; ours only at those that are newer than the last success. Failed terminations say nothing of capacity (ours).
 */
export function launchFailure({ activities, lastChange, compat }: LaunchQuestionOfGroup): ProviderFailure | undefined {
  const upstream = compat === 'cluster-autoscaler';
  for (const { status, startedAt, description, message } of activities) {
    if (lastChange !== undefined && startedAt < lastChange) return undefined;
    const launch = upstream || description === undefined || !description.startsWith('Terminating');
    if (status === 'Failed' && launch) return failureOfMessage(message, upstream);
    if (!upstream && lastChange === undefined && status === 'Successful' && launch) return undefined;
  }
  return undefined;
}

/** Provider ids of the placeholders of a group: as many as are missing, numbered from the count of the real ones, in its first zone. */
export function placeholderIds(group: {
  readonly name: string;
  readonly zones: readonly string[];
  readonly desired: number;
  readonly real: number;
}): readonly string[] {
  const ids: string[] = [];
  for (let index = group.real; index < group.desired; index++) {
    ids.push(providerIdOf(group.zones[0] ?? '', placeholderName(group.name, index)));
  }
  return ids;
}
