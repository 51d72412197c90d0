/** The AWS SDK, loaded when it is first needed: without AWS nobody pays for it (client-ec2 alone is 90 MiB). */
import type * as AutoScaling from '@aws-sdk/client-auto-scaling';
import type * as Ec2 from '@aws-sdk/client-ec2';
import { ConcertinaError } from '../../../core/errors.ts';

/** What is used of `@aws-sdk/client-auto-scaling`. */
export type AutoScalingSdk = Pick<
  typeof AutoScaling,
  | 'AutoScalingClient'
  | 'DescribeAutoScalingGroupsCommand'
  | 'DescribeLaunchConfigurationsCommand'
  | 'DescribeScalingActivitiesCommand'
  | 'SetDesiredCapacityCommand'
  | 'TerminateInstanceInAutoScalingGroupCommand'
>;

/** What is used of `@aws-sdk/client-ec2`. */
export type Ec2Sdk = Pick<
  typeof Ec2,
  | 'EC2Client'
  | 'DescribeImagesCommand'
  | 'DescribeInstanceTypesCommand'
  | 'DescribeLaunchTemplateVersionsCommand'
  | 'GetInstanceTypesFromInstanceRequirementsCommand'
>;

/** Where the SDK comes from; a test or a bundle may have its own. */
export interface AwsSdkLoader {
  autoScaling(): Promise<AutoScalingSdk>;
  ec2(): Promise<Ec2Sdk>;
}

/** The packages as installed. Throws `PROVIDER_SDK_MISSING` when one is not. */
export const installedSdk: AwsSdkLoader = {
  autoScaling: () => found('@aws-sdk/client-auto-scaling', import('@aws-sdk/client-auto-scaling')),
  ec2: () => found('@aws-sdk/client-ec2', import('@aws-sdk/client-ec2')),
};

async function found<T extends object>(name: string, loading: Promise<T>): Promise<T> {
  try {
    return named(await loading);
  } catch (cause) {
    throw new ConcertinaError(
      'PROVIDER_SDK_MISSING',
      `The package ${name} cannot be loaded: install it, or choose another --cloud-provider.`,
      {
        cause,
        details: { package: name },
      },
    );
  }
}

/** In the bundle a CommonJS package that is imported lazily has its exports under `default` alone. */
function named<T extends object>(loaded: T): T {
  const names = Object.keys(loaded);
  return names.length === 1 && 'default' in loaded ? (loaded.default as T) : loaded;
}
