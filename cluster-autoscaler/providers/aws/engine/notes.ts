/** What a person should know of a group. Pure. */
import type { ProviderFailure } from '../../../engine/model.ts';
import type { TextProblem } from '../../group-options.ts';

/** AWS's limit of tags on a group. */
const tagLimit = 50;
const tagsNear = 45;

export interface NotedGroup {
  readonly zones: readonly string[];
  /** Names of the processes that are suspended. */
  readonly suspended: readonly string[];
  /** Number of tags on the group. */
  readonly tags: number;
  /** Types as the group prefers them; empty when it has one that is not known yet. */
  readonly types: readonly string[];
  readonly weighted: boolean;
  readonly missing: number;
  readonly failure: ProviderFailure | undefined;
}

/** One sentence each: what is there, then warnings. */
export function notesOfGroup(group: NotedGroup, problems: readonly TextProblem[]): readonly string[] {
  const notes: string[] = [];
  const suspended = (process: string): boolean => group.suspended.includes(process);
  if (group.zones.length > 0) notes.push(`zones ${group.zones.join(', ')}`);
  if (group.types.length > 0) notes.push(`types ${group.types.join(', ')}`);
  if (group.weighted) notes.push('has weighted instance types: sizes are not instances then; it is looked at and never changed');
  if (group.zones.length > 1 && !suspended('AZRebalance')) {
    notes.push(
      'AZRebalance is not suspended: AWS may end nodes without draining them; suspend it with `aws autoscaling suspend-processes`',
    );
  }
  if (suspended('Launch')) notes.push('the process Launch is suspended: AWS starts no instances');
  if (suspended('Terminate')) notes.push('the process Terminate is suspended: AWS ends no instances');
  if (group.tags >= tagsNear) notes.push(`has ${group.tags} of at most ${tagLimit} tags: a NodePoolPolicy can say the same without tags`);
  if (group.failure !== undefined)
    notes.push(`${group.missing} of its instances do not come: ${group.failure.code}: ${group.failure.message}`);
  for (const { key, value, reason } of problems) notes.push(`${key}=${value} ${reason}`);
  return notes;
}
