import type { Actions } from '../protocol/action.ts';
import { instanceActions } from './instance-actions.ts';
import { placeActions } from './place-actions.ts';
import { templateActions } from './template-actions.ts';
import { typeActions } from './type-actions.ts';

/** What is played of the EC2 API, version 2016-11-15. */
export const ec2Actions: Actions = { ...instanceActions, ...templateActions, ...typeActions, ...placeActions };
