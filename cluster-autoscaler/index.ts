/** The node controller: NodePoolPolicy, the loop that buys and removes nodes, and the clouds that it knows. */
export {
  defaultActuationConfig,
  defaultNodesHealthConfig,
  defaultStatusConfigMap,
  prioritiesOf,
  priorityConfigMap,
  type ActuationConfig,
  type GroupDefaults,
  type NodesConfig,
} from './config.ts';
export { houseEngine } from './controller/house-engine.ts';
export { createNodesController, type NodesController } from './controller/nodes-controller.ts';
export type { EventSink, NamespaceLabels, NodesControllerOptions, NodesReads } from './controller/ports.ts';
export { projectDaemonPod } from './controller/daemon-pods.ts';
export type { DeviceReads } from './controller/devices.ts';
export { createProviderMetrics } from './controller/provider-metrics.ts';
export { memoryOf } from './controller/status-config-map.ts';
export { holderOf, rivalLease } from './controller/rival.ts';
export { projectClaim, projectClass, projectDrivers, projectVolume, type VolumeReads } from './controller/volumes.ts';
export {
  defaultGroupOptions,
  defaultLoopOptions,
  parseDrainPriorities,
  parseGpuLimit,
  upstreamGroupOptions,
  upstreamLoopOptions,
} from './engine/loop/index.ts';
export type { ExpanderName, GroupReport, LoopOptions, LoopReport, NodeReport, PendingPodReport } from './engine/loop/index.ts';
export type { ControllerFacts, DaemonPod, FilterFailure, Instance, NodeGroup, NodeTemplate, ProviderFailure } from './engine/model.ts';
export { projectClaimTemplate, projectDeviceClass, projectResourceClaim, projectSlice } from './engine/scheduling/devices/index.ts';
export { nodePoolPolicyCrd } from './policy-crd.ts';
export { parseNodePoolPolicy } from './policy.ts';
export { createAwsProvider } from './providers/aws/index.ts';
export { createClusterApiProvider } from './providers/clusterapi/index.ts';
export type { Provider, ProviderGroup } from './providers/provider.ts';
export type { GroupReading, ResolvedGroup } from './controller/group-options.ts';
export { nodesOutlook, type NodesOutlook, type NodesOutlookInput } from './controller/outlook.ts';
export type { PolicyAssignment, PolicyEntry } from './policy-groups.ts';
export { statusOf as nodePoolStatusOf } from './policy-status.ts';
