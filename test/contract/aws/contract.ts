import type { AwsSuite } from './suite.ts';
import { activityContracts } from './activities.ts';
import { ec2Contracts } from './ec2.ts';
import { groupContracts } from './groups.ts';
import { sizeContracts } from './sizes.ts';

/** All contracts of AWS: to be called once in a `describe`. */
export function awsContracts(suite: AwsSuite): void {
  groupContracts(suite);
  sizeContracts(suite);
  activityContracts(suite);
  ec2Contracts(suite);
}
