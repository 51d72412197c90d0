import type { Action, Actions } from '../protocol/action.ts';
import { AwsError, validationError } from '../protocol/aws-error.ts';
import { pageOf } from '../protocol/page.ts';
import { uuid } from '../state/ids.ts';
import { invalidToken, maxRecords } from './lookups.ts';

const create: Action = (account, parameters) => {
  const name = parameters.required('LaunchConfigurationName');
  const imageId = parameters.text('ImageId');
  const instanceType = parameters.text('InstanceType');
  const keyName = parameters.text('KeyName');
  const userData = parameters.text('UserData');
  const securityGroups = parameters.texts('SecurityGroups');
  const spotPrice = parameters.text('SpotPrice');
  parameters.done();
  if (imageId === undefined || instanceType === undefined) {
    throw validationError('Valid requests must contain either the InstanceID parameter or both the ImageId and InstanceType parameters.');
  }
  if (account.configurations.has(name)) {
    throw new AwsError(
      'AlreadyExists',
      `Launch Configuration by this name already exists - A launch configuration already exists with the name ${name}`,
    );
  }
  account.configurations.set(name, {
    name,
    arn: `arn:aws:autoscaling:${account.region}:${account.accountId}:launchConfiguration:${uuid(account.random)}:launchConfigurationName/${name}`,
    imageId,
    instanceType,
    createdAt: account.clock.now(),
    securityGroups,
    ...(keyName !== undefined && { keyName }),
    ...(userData !== undefined && { userData }),
    ...(spotPrice !== undefined && { spotPrice }),
  });
  return undefined;
};

const describe: Action = (account, parameters) => {
  const names = new Set(parameters.texts('LaunchConfigurationNames'));
  const limit = maxRecords(parameters, 50, 100);
  const token = parameters.text('NextToken');
  parameters.done();
  const found = [...account.configurations.values()]
    .filter(({ name }) => names.size === 0 || names.has(name))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const { items, next } = pageOf(found, { token, limit, key: ({ name }) => name, badToken: invalidToken });
  return {
    LaunchConfigurations: items.map((each) => ({
      LaunchConfigurationName: each.name,
      LaunchConfigurationARN: each.arn,
      ImageId: each.imageId,
      InstanceType: each.instanceType,
      CreatedTime: new Date(each.createdAt),
      KeyName: each.keyName ?? '',
      SecurityGroups: each.securityGroups,
      ClassicLinkVPCSecurityGroups: [],
      UserData: each.userData ?? '',
      KernelId: '',
      RamdiskId: '',
      BlockDeviceMappings: [],
      InstanceMonitoring: { Enabled: true },
      SpotPrice: each.spotPrice,
      EbsOptimized: false,
    })),
    NextToken: next,
  };
};

export const configurationActions: Actions = { CreateLaunchConfiguration: create, DescribeLaunchConfigurations: describe };
