import type { Account } from './account.ts';
import { uuid } from './ids.ts';
import type { Activity, Group } from './model.ts';

interface NewActivity {
  readonly description: string;
  readonly cause: string;
  readonly zone?: string;
  readonly subnet?: string;
  readonly status: Activity['status'];
}

/** AWS keeps activities for six weeks. */
const retentionMs = 42 * 86_400_000;

/** Begins an activity of the group. */
export function beginActivity(account: Account, group: Group, { description, cause, zone, subnet, status }: NewActivity): Activity {
  const now = account.clock.now();
  const activity: Activity = {
    id: uuid(account.random),
    group: group.name,
    startedAt: now,
    order: account.nextOrder(),
    description,
    cause,
    details: JSON.stringify({
      ...(subnet !== undefined && { 'Subnet ID': subnet }),
      ...(zone !== undefined && { 'Availability Zone': zone }),
    }),
    status,
    progress: status === 'PreInService' ? 30 : 0,
  };
  let old = 0;
  for (const { startedAt } of group.activities) {
    if (startedAt >= now - retentionMs) break;
    old += 1;
  }
  group.activities.splice(0, old);
  group.activities.push(activity);
  return activity;
}

export function endActivity(account: Account, activity: Activity, status: 'Successful' | 'Failed' | 'Cancelled', message?: string): void {
  activity.status = status;
  activity.progress = 100;
  activity.endedAt = account.clock.now();
  if (message === undefined) return;
  activity.message = message;
  activity.description = `${activity.description}.  Status Reason: ${message}`;
}

/** `At 2026-01-01T00:00:00Z <what>`: the form of each sentence of a cause. */
export function at(account: Account, what: string): string {
  return `At ${new Date(account.clock.now()).toISOString().replace(/\.\d+Z$/, 'Z')} ${what}.`;
}

/** Two spaces between sentences, as AWS writes them. */
export function causes(...sentences: readonly string[]): string {
  return sentences.filter((sentence) => sentence !== '').join('  ');
}
