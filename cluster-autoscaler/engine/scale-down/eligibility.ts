import type { NodeRecord, PodRecord } from '../../../core/model/index.ts';
import { gpuResources } from '../gpus.ts';
import type { NodeGroupOptions, UnremovableReason } from '../model.ts';
import { isReady } from '../registry/index.ts';
import type { NodeDevices, ScaleDownOptions } from './model.ts';
import { deletionTaint, scaleDownDisabledAnnotation } from './names.ts';
import { taintTime } from './taint-time.ts';
import type { Utilization, UtilizationRules } from './utilization.ts';
import { utilizationOf } from './utilization.ts';

/** A deletion taint that is older than this says nothing any more: whatever was to delete the node has failed (upstream's MaxCloudProviderNodeDeletionTime). */
const longestDeletionMs = 300_000;

const defaultGpuResource = 'nvidia.com/gpu';

/** What eligibility looks at. */
export interface EligibilityFacts {
  readonly now: number;
  readonly node: NodeRecord;
  readonly pods: readonly PodRecord[];
  /** Options of its group; `undefined`: it belongs to none. */
  readonly group: Pick<NodeGroupOptions, 'utilizationThreshold' | 'gpuUtilizationThreshold' | 'ignoreDaemonSetsUtilization'> | undefined;
  /** A removal of it failed a short time ago. */
  readonly recentlyUnremovable: boolean;
  readonly devices?: NodeDevices | undefined;
  /** GPUs of the node are devices. Default: they are when it shows no GPU resource and a driver has published devices of it. */
  readonly gpuViaDra?: boolean | undefined;
}

/** What is known of a node before its removal is simulated. */
export interface Eligibility {
  /** `undefined`: the removal is worth a simulation. */
  readonly reason: UnremovableReason | undefined;
  readonly utilization: Utilization | undefined;
  /** Why the utilization could not be computed. */
  readonly problem?: string | undefined;
}

/** Flags that eligibility reads. */
export type EligibilityOptions = Pick<
  ScaleDownOptions,
  'gpuLabel' | 'gpuResource' | 'ignoreMirrorPodsUtilization' | 'scaleDownUnreadyEnabled'
>;

/** The first reason that keeps a node (§13.3), with its utilization if that was looked at. The snapshot is the caller's matter. */
export function eligibilityOf(facts: EligibilityFacts, options: EligibilityOptions): Eligibility {
  const { now, node, group } = facts;
  if (facts.recentlyUnremovable) return { reason: 'RecentlyUnremovable', utilization: undefined };
  if (isBeingDeleted(node, now)) return { reason: 'CurrentlyBeingDeleted', utilization: undefined };
  if (isScaleDownDisabled(node)) return { reason: 'ScaleDownDisabledAnnotation', utilization: undefined };
  if (group === undefined) return { reason: 'NotAutoscaled', utilization: undefined };
  const gpu = isGpuNode(node, options);
  const utilization = utilizationOf(node, facts.pods, {
    now,
    ignoreDaemonSets: group.ignoreDaemonSetsUtilization,
    ignoreMirrors: options.ignoreMirrorPodsUtilization,
    gpu: gpu ? gpuOf(facts, options) : undefined,
    devices: facts.devices,
  });
  if (typeof utilization === 'string') return { reason: 'UnexpectedError', utilization: undefined, problem: utilization };
  if (!options.scaleDownUnreadyEnabled && !isReady(node)) return { reason: 'ScaleDownUnreadyDisabled', utilization };
  const threshold = gpu ? group.gpuUtilizationThreshold : group.utilizationThreshold;
  return { reason: utilization.share > threshold ? 'NotUnderutilized' : undefined, utilization };
}

function gpuOf({ node, devices, gpuViaDra }: EligibilityFacts, { gpuResource }: EligibilityOptions): UtilizationRules['gpu'] {
  const shown = gpuResources.find((name) => (node.allocatable[name] ?? 0) > 0);
  const viaDra = gpuViaDra ?? (shown === undefined && (devices?.slices.length ?? 0) > 0);
  return { resource: gpuResource ?? shown ?? defaultGpuResource, viaDra };
}

/** A deletion of the node was begun less than five minutes ago. */
export function isBeingDeleted(node: NodeRecord, now: number): boolean {
  const since = taintTime(node, deletionTaint);
  return since !== undefined && now - since < longestDeletionMs;
}

/** An operator forbids the removal. */
export function isScaleDownDisabled({ annotations }: NodeRecord): boolean {
  return annotations[scaleDownDisabledAnnotation] === 'true';
}

/** The cloud's GPU label is on it. */
export function isGpuNode({ labels }: NodeRecord, { gpuLabel }: Pick<ScaleDownOptions, 'gpuLabel'>): boolean {
  return gpuLabel !== '' && labels[gpuLabel] !== undefined;
}
