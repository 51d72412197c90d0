/** AWS in process: Auto Scaling and EC2 behind their query protocols, and the nodes that their instances become. */
export { startClusterAws } from './cluster-aws.ts';
export type { ClusterAws, ClusterAwsOptions } from './cluster-aws.ts';
export { createAwsEndpoint } from './endpoint.ts';
export type { AwsFault, AwsFaultAnswer, AwsFaults } from './faults.ts';
export { createInstanceNodes } from './instance-nodes.ts';
export type { GroupNodes, InstanceNodes, InstanceNodesOptions, StartupTaint } from './instance-nodes.ts';
export { defaultInstanceTypes } from './instance-types/table.ts';
export type { Accelerator, InstanceType, QuotaBucket } from './instance-types/types.ts';
export type {
  ActivitySummary,
  AwsCall,
  AwsEndpoint,
  AwsEndpointOptions,
  AwsListener,
  AwsRequest,
  AwsRequestHandler,
  AwsResponse,
  AwsTiming,
  CapacityPools,
  GroupDefinition,
  GroupView,
  InstanceEvent,
  InstanceState,
  InstanceView,
  LifecycleState,
  SdkRequest,
} from './types.ts';
