import { parseTime } from '../../../core/model/condition.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import type { ContainerStatusRecord, PodRecord, TerminationRecord } from '../../../core/model/pod.ts';
import { Quantity } from '../../../core/units/quantity.ts';
import type { OomRecord } from './types.ts';

/**
 * OOM kills that show in the step from one state of a pod to the next (spec §3.6.1): a container that now stands terminated by an OOM kill with what the new
 * pod asks for, or one that runs again after one with what the old pod asked for. Waiting to running (a crash loop) is not counted: that kill was seen when
 * it happened. A pod that is new, or that has taken another's name, has no step.
 */
export function oomKills(old: PodRecord | undefined, next: PodRecord): OomRecord[] {
  // Nearly every change of a pod leaves the statuses as they are, and equal ones are shared.
  if (old === undefined || old.uid !== next.uid || old.statuses === next.statuses) return [];
  const kills: OomRecord[] = [];
  for (const status of next.statuses) {
    // The recommender has no samples of init containers.
    if (status.init || status.termination?.reason !== 'OOMKilled') continue;
    const before = old.statuses.find(({ name, init }) => name === status.name && !init);
    const pod = before === undefined ? undefined : killedPod({ old, next, before, status });
    const at = status.termination.finishedAt;
    if (pod === undefined || at === undefined) continue;
    kills.push({ namespace: next.namespace, pod: next.name, container: status.name, memory: memoryRequest(pod, status.name), at });
  }
  return kills;
}

interface Step {
  readonly old: PodRecord;
  readonly next: PodRecord;
  readonly before: ContainerStatusRecord;
  readonly status: ContainerStatusRecord;
}

/** The pod whose request counts; `undefined` when the step shows no new kill. */
function killedPod({ old, next, before, status }: Step): PodRecord | undefined {
  const restarted = status.restarts > before.restarts;
  if (currentEnd(status) !== undefined) return currentEnd(before) === undefined || restarted ? next : undefined;
  return before.running && status.running && restarted ? old : undefined;
}

/** How the container stands now, if it stands still: the record also keeps the end before the last restart. */
function currentEnd({ running, waiting, termination }: ContainerStatusRecord): TerminationRecord | undefined {
  return running || waiting !== '' ? undefined : termination;
}

/** Bytes; what the kubelet reports goes before the spec, whole (spec §4.1). 0: no request. */
function memoryRequest(pod: PodRecord, container: string): number {
  const status = pod.statuses.find(({ name, init }) => name === container && !init);
  const reported = status?.requests !== undefined || status?.limits !== undefined;
  const requests = reported ? status.requests : pod.shape.containers.find(({ name }) => name === container)?.requests;
  return Math.ceil((requests?.['memory'] ?? 0) / 1000);
}

interface RawEvent {
  readonly reason?: unknown;
  readonly involvedObject?: RawRegarding | null;
  readonly regarding?: RawRegarding | null;
}

interface RawRegarding {
  readonly kind?: unknown;
  readonly namespace?: unknown;
  readonly name?: unknown;
}

/**
 * Containers that the kubelet's `Evicted` Event (core/v1 or events.k8s.io/v1) blames for want of memory, with what they used (spec §3.6.2). Lists of
 * different lengths void the Event; an entry that is no quantity is left out.
 */
export function evictionOoms(event: KubeObject): OomRecord[] {
  const { reason, involvedObject, regarding } = event as KubeObject & RawEvent;
  const { kind, namespace, name } = involvedObject ?? regarding ?? {};
  const at = parseTime(event.metadata.creationTimestamp);
  if (reason !== 'Evicted' || kind !== 'Pod' || typeof namespace !== 'string' || typeof name !== 'string' || at === undefined) return [];
  const { annotations } = event.metadata;
  const containers = listIn(annotations, 'offending_containers');
  const usages = listIn(annotations, 'offending_containers_usage');
  const starved = listIn(annotations, 'starved_resource');
  if (containers.length !== usages.length || containers.length !== starved.length) return [];
  return containers.flatMap((container, index) => {
    const usage = starved[index] === 'memory' ? Quantity.tryParse(usages[index]) : undefined;
    if (usage === undefined || usage.sign < 0) return [];
    return [{ namespace, pod: name, container, memory: Number(usage.toInteger('up')), at }];
  });
}

function listIn(annotations: KubeObject['metadata']['annotations'], key: string): readonly string[] {
  const text: unknown = annotations?.[key];
  return typeof text === 'string' ? text.split(',') : [];
}
