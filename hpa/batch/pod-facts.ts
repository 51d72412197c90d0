import type { PodShape } from '../../core/model/pod-shape.ts';
import type { PodRecord } from '../../core/model/pod.ts';
import { hpaPod } from '../controller/pods.ts';
import type { EngineConfig } from '../engine/index.ts';
import { podRequests } from '../engine/pod-requests.ts';

/** What the calculation asks of a pod beyond its sample and its request, as bits of one byte. */
export const podFlag = {
  /** Deleting or Failed: takes no part. */
  ignored: 1,
  pending: 2,
  /** Without Ready condition or start time: its CPU says nothing, whatever its age. */
  neverReady: 4,
  /** Not ready since so soon after its start that it never was: its CPU says nothing once it is no longer young. */
  lateUnready: 8,
  /** Within the CPU initialization period when it was last looked at; the bit goes when the period is over. */
  young: 16,
  /** Running and Ready, also while it is being deleted: what Value targets count. */
  serving: 32,
  /** Neither deleting nor ended: what the target itself counts. */
  active: 64,
  readyFalse: 128,
} as const;

/** How long the CPU of a starting pod says nothing; a policy may have its own. */
export type PodTiming = Pick<EngineConfig, 'cpuInitializationMs' | 'initialReadinessDelayMs'>;

/** The flags of a pod at `now`; the one that time changes is only `young`, and that only away. */
export function flagsOf(pod: PodRecord, now: number, { cpuInitializationMs, initialReadinessDelayMs }: PodTiming): number {
  const { phase, ready, started } = pod;
  const deleting = pod.deleted !== undefined;
  let flags = 0;
  if (deleting || phase === 'Failed') flags |= podFlag.ignored;
  if (phase === 'Pending') flags |= podFlag.pending;
  if (phase === 'Running' && ready === 'True') flags |= podFlag.serving;
  if (!deleting && phase !== 'Failed' && phase !== 'Succeeded') flags |= podFlag.active;
  if (ready === undefined || started === undefined) return flags | podFlag.neverReady;
  if (started + cpuInitializationMs > now) flags |= podFlag.young;
  if (ready === 'False') {
    flags |= podFlag.readyFalse;
    if (started + initialReadinessDelayMs > (pod.readySince ?? 0)) flags |= podFlag.lateUnready;
  }
  return flags;
}

/** Requests of a pod in thousandths; NaN where one is missing, which fails a utilization target. */
export interface PodRequests {
  readonly cpu: number;
  readonly memory: number;
}

/** Reads requests by the engine's own rules, once for each shape. */
export function createRequestReader({ podLevelResources }: EngineConfig): (pod: PodRecord) => PodRequests {
  const known = new WeakMap<PodShape, PodRequests>();
  return (pod) => {
    const held = known.get(pod.shape);
    if (held !== undefined) return held;
    const engines = [hpaPod(pod)];
    const read = (resource: string): number => {
      const result = podRequests(engines, { container: '', resource, podLevelResources });
      return result.ok ? Number(result.requests.get(pod.name) ?? Number.NaN) : Number.NaN;
    };
    const requests = { cpu: read('cpu'), memory: read('memory') };
    known.set(pod.shape, requests);
    return requests;
  };
}
