export type { Clock, Random, Timer } from './clock.ts';
export { sleep } from './clock.ts';
export { buildClusterView } from './cluster-view.ts';
export type { ClusterContent, ClusterView } from './cluster-view.ts';
export type * from './condition.ts';
export { findCondition, formatMicroTime, formatTime, parseTime, removeCondition, setCondition } from './condition.ts';
export type * from './cooldown.ts';
export { checkCooldown, defaultCooldown, recordScaling } from './cooldown.ts';
export type { Decision, Hold, HoldReason, TraceStep } from './decision.ts';
export { holdReasons } from './decision.ts';
export type { Claim, ScaleIntent } from './intent.ts';
export { heldShapeOf } from './held-shape.ts';
export { createInterner } from './interner.ts';
export type { Interner, InternerOptions } from './interner.ts';
export type * from './metric-query.ts';
export {
  customMetricsSource,
  externalMetricsSource,
  prometheusSourceName,
  queryKey,
  resourceMetricsSource,
  sourceOfQuery,
} from './metric-query.ts';
export type * from './metrics-view.ts';
export { projectNode, tolerates, untoleratedTaint } from './node.ts';
export type { NodeRecord, Taint } from './node.ts';
export { matchesNodeLabels, matchesNodeSelector, matchesNodeTerm } from './node-selector.ts';
export type { NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, SelectableNode } from './node-selector.ts';
export { apiVersionOf, resourceTypes } from './object.ts';
export type { KubeObject, ObjectMeta, ObjectReference, OwnerReference, ResourceType } from './object.ts';
export { projectPdb } from './pdb.ts';
export type { PdbRecord } from './pdb.ts';
export { allowsNode, isFinished, isServing, projectPod } from './pod.ts';
export type { ContainerStatusRecord, OwnerRecord, PodPhase, PodRecord, TerminationRecord } from './pod.ts';
export { isPodLevelResource, schedulerRequests } from './pod-shape.ts';
export type { ContainerShape, HostPort, PodShape, ResourceClaimShape, VolumeShape } from './pod-shape.ts';
export type { Affinity, PodAffinity, PodAffinityTerm, Toleration, TopologySpreadConstraint } from './raw-pod.ts';
export { addResources, firstMisfit, maxResources, noResources, projectResources } from './resource-list.ts';
export type { ResourceList } from './resource-list.ts';
export { unknown, unknownReasons } from './sample.ts';
export type { Doubt, KnownSample, Sample, UnknownReason, UnknownSample } from './sample.ts';
export { equalities, formatSelector, matchesSelector, parseSelector, selectEverything, selectNothing, selectorOf } from './selector.ts';
export type { LabelSelectorObject, Labels, Selector, SelectorOperator, SelectorRequirement } from './selector.ts';
export { projectWorkload } from './workload.ts';
export type { WorkloadRecord } from './workload.ts';
