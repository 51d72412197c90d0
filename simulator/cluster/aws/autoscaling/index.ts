import type { Actions } from '../protocol/action.ts';
import { activityActions } from './activity-actions.ts';
import { configurationActions } from './configuration-actions.ts';
import { groupActions } from './group-actions.ts';
import { instanceActions } from './instance-actions.ts';
import { processActions } from './process-actions.ts';
import { tagActions } from './tag-actions.ts';

/** What is played of the Auto Scaling API, version 2011-01-01. */
export const autoScalingActions: Actions = {
  ...groupActions,
  ...instanceActions,
  ...activityActions,
  ...tagActions,
  ...processActions,
  ...configurationActions,
};
