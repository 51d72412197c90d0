/** Auto Scaling groups of AWS. */
export type { AwsClientSettings } from './api.ts';
export type { Compat, ManagedNodegroup, MixedInstances } from './engine/index.ts';
export { instanceTypeSource, staticInstanceTypes } from './instance-types/table.ts';
export type { DescribeManagedNodegroup } from './launch-data.ts';
export { createAwsProvider, type AwsProviderOptions } from './provider.ts';
export { installedSdk, type AutoScalingSdk, type AwsSdkLoader, type Ec2Sdk } from './sdk.ts';
