/** Annotations and taints that scale-down reads, as upstream names them. */

const prefix = 'cluster-autoscaler.kubernetes.io';

export const safeToEvictAnnotation = `${prefix}/safe-to-evict`;
export const localVolumesAnnotation = `${prefix}/safe-to-evict-local-volumes`;
export const daemonPodAnnotation = `${prefix}/daemonset-pod`;
export const daemonEvictionAnnotation = `${prefix}/enable-ds-eviction`;
export const scaleDownDisabledAnnotation = `${prefix}/scale-down-disabled`;

/** On a node that is going; its value is the time in seconds. */
export const deletionTaint = 'ToBeDeletedByClusterAutoscaler';
/** On a node that is not needed; its value is the time in seconds. */
export const candidateTaint = 'DeletionCandidateOfClusterAutoscaler';
