import type { Action, Actions } from '../protocol/action.ts';
import { unsupported, validationError } from '../protocol/aws-error.ts';
import { pageOf } from '../protocol/page.ts';
import type { XmlFields } from '../protocol/xml.ts';
import type { Activity, Group } from '../state/model.ts';
import { groupNamed, invalidToken, maxRecords } from './lookups.ts';

/** Newest first: keys of pages rise while the order falls. */
const lastOrder = 10 ** 12;

const describe: Action = (account, parameters) => {
  const name = parameters.text('AutoScalingGroupName');
  const ids = new Set(parameters.texts('ActivityIds'));
  const limit = maxRecords(parameters, 100, 100);
  const token = parameters.text('NextToken');
  // Activities go with their group.
  if (parameters.flag('IncludeDeletedGroups') === true) throw unsupported('IncludeDeletedGroups');
  parameters.done();
  if (ids.size > 0 && name === undefined) throw validationError('ActivityIds can be given together with AutoScalingGroupName only');
  const groups = name === undefined ? [...account.groups.values()] : [groupNamed(account, name)];
  const activities = groups
    .flatMap((group) => group.activities.map((activity) => ({ group, activity })))
    .filter(({ activity }) => ids.size === 0 || ids.has(activity.id))
    .toSorted((a, b) => b.activity.order - a.activity.order);
  const key = ({ activity }: { readonly activity: Activity }): string => String(lastOrder - activity.order).padStart(13, '0');
  const { items, next } = pageOf(activities, { token, limit, key, badToken: invalidToken });
  return { Activities: items.map(({ group, activity }) => activityFields(group, activity)), NextToken: next };
};

export function activityFields(group: Group, activity: Activity): XmlFields {
  return {
    ActivityId: activity.id,
    AutoScalingGroupName: group.name,
    AutoScalingGroupARN: group.arn,
    Description: activity.description,
    Cause: activity.cause,
    StartTime: new Date(activity.startedAt),
    EndTime: activity.endedAt === undefined ? undefined : new Date(activity.endedAt),
    StatusCode: activity.status,
    StatusMessage: activity.message,
    Progress: activity.progress,
    Details: activity.details,
  };
}

export const activityActions: Actions = { DescribeScalingActivities: describe };
