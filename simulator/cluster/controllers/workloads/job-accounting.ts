import { resourceTypes } from '../../../../core/model/object.ts';
import type { Registry } from '../../api-server/types.ts';
import { type Job, type JobStatus, type Pod, uidOf } from '../kinds.ts';
import { sameJson } from '../runtime/canonical.ts';

/** On pods of Jobs: they must be counted before they may go. */
export const trackingFinalizer = 'batch.kubernetes.io/job-tracking';
export const indexAnnotation = 'batch.kubernetes.io/job-completion-index';

/** A pod of a Job that is over: it failed, succeeded, or is being deleted before it could. */
export function verdictOf(pod: Pod): 'succeeded' | 'failed' | undefined {
  if (pod.status?.phase === 'Succeeded') return 'succeeded';
  if (pod.status?.phase === 'Failed' || pod.metadata.deletionTimestamp !== undefined) return 'failed';
  return undefined;
}

export function isTracked(pod: Pod): boolean {
  return pod.metadata.finalizers?.includes(trackingFinalizer) === true;
}

/**
 * Counts ended pods exactly once in three steps, each of which may be the last before a crash: note their uids in the status, take their
 * finalizer off, move the uids into the counters.
 */
export async function accountPods(registry: Registry, job: Job, pods: readonly Pod[]): Promise<Job> {
  let current = await changeStatus(registry, job, (status) => noteUncounted(status, pods));
  const uncounted = uncountedOf(current.status);
  for (const pod of pods) {
    if (isTracked(pod) && (uncounted.succeeded.includes(uidOf(pod)) || uncounted.failed.includes(uidOf(pod)))) await untrack(registry, pod);
  }
  if (uncounted.succeeded.length + uncounted.failed.length > 0) {
    const owned = registry.listOwned(resourceTypes.pods, uidOf(job)) as readonly Pod[];
    const held = new Set(owned.filter(isTracked).map(uidOf));
    const ordinals = new Map(pods.map((pod) => [uidOf(pod), indexOf(pod)]));
    current = await changeStatus(registry, current, (status) => settleCounts(status, held, ordinals));
  }
  return current;
}

function uncountedOf(status: JobStatus | undefined): { succeeded: string[]; failed: string[] } {
  return { succeeded: status?.uncountedTerminatedPods?.succeeded ?? [], failed: status?.uncountedTerminatedPods?.failed ?? [] };
}

function noteUncounted(status: JobStatus, pods: readonly Pod[]): JobStatus {
  const { succeeded, failed } = uncountedOf(status);
  const known = new Set([...succeeded, ...failed]);
  const fresh = pods.filter((pod) => isTracked(pod) && !known.has(uidOf(pod)));
  const added = (verdict: string): string[] => fresh.filter((pod) => verdictOf(pod) === verdict).map(uidOf);
  const next = { succeeded: [...succeeded, ...added('succeeded')], failed: [...failed, ...added('failed')] };
  return { ...status, uncountedTerminatedPods: next };
}

function settleCounts(status: JobStatus, held: ReadonlySet<string>, ordinals: ReadonlyMap<string, number | undefined>): JobStatus {
  const { succeeded, failed } = uncountedOf(status);
  const done = succeeded.filter((uid) => !held.has(uid));
  const lost = failed.filter((uid) => !held.has(uid));
  const indexes = parseIndexes(status.completedIndexes);
  for (const uid of done) {
    const index = ordinals.get(uid);
    if (index !== undefined) indexes.add(index);
  }
  return {
    ...status,
    succeeded: (status.succeeded ?? 0) + done.length,
    failed: (status.failed ?? 0) + lost.length,
    ...(indexes.size === 0 ? {} : { completedIndexes: formatIndexes(indexes) }),
    uncountedTerminatedPods: { succeeded: succeeded.filter((uid) => held.has(uid)), failed: failed.filter((uid) => held.has(uid)) },
  };
}

export async function untrack(registry: Registry, pod: Pod): Promise<void> {
  await registry.mutate(resourceTypes.pods, pod.metadata.namespace, pod.metadata.name, (object) => {
    if (uidOf(object) !== uidOf(pod)) return object;
    const finalizers = (object.metadata.finalizers ?? []).filter((finalizer) => finalizer !== trackingFinalizer);
    return { ...object, metadata: { ...object.metadata, finalizers } };
  });
}

/** Changes the status of the very job; answers what is stored. */
export async function changeStatus(registry: Registry, job: Job, change: (status: JobStatus) => JobStatus): Promise<Job> {
  const stored = await registry.mutate(
    resourceTypes.jobs,
    job.metadata.namespace,
    job.metadata.name,
    (object) => {
      if (uidOf(object) !== uidOf(job)) return object;
      const status = change((object as Job).status ?? {});
      return sameJson(status, object.status ?? {}) ? object : { ...object, status };
    },
    { subresource: 'status' },
  );
  return (stored as Job | undefined) ?? job;
}

export function indexOf(pod: Pod): number | undefined {
  const text = pod.metadata.annotations?.[indexAnnotation];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** `0-2,5` as numbers. */
export function parseIndexes(text: string | undefined): Set<number> {
  const indexes = new Set<number>();
  for (const part of (text ?? '').split(',')) {
    const [from, to = from] = part.split('-');
    if (from === undefined || from === '') continue;
    for (let index = Number(from); index <= Number(to); index++) indexes.add(index);
  }
  return indexes;
}

export function formatIndexes(indexes: ReadonlySet<number>): string {
  const runs: [number, number][] = [];
  for (const index of [...indexes].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last !== undefined && last[1] === index - 1) last[1] = index;
    else runs.push([index, index]);
  }
  return runs.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join(',');
}
