import type { Clock } from '../../core/model/clock.ts';
import type { ObjectSource } from '../ports.ts';
import { wellKnownKinds, type TargetWorkload, type WellKnownKind } from './target-workload.ts';

/** The mirrors by kind; a kind without one cannot be a target. */
export type WorkloadSources = Readonly<Partial<Record<WellKnownKind, ObjectSource<TargetWorkload>>>>;

export type MirrorAnswer =
  | { readonly state: 'known'; readonly workload: TargetWorkload }
  /** The mirror has not been listed, or the object was missed for so short a time that it may be on its way. */
  | { readonly state: 'pending' }
  | { readonly state: 'absent' };

/** Workloads by kind and name, with patience for those whose pods are seen before them. */
export interface WorkloadMirrors {
  find(kind: WellKnownKind, key: string): MirrorAnswer;
  close(): void;
}

export interface WorkloadMirrorsOptions {
  readonly workloads: WorkloadSources;
  readonly clock: Clock;
  /** Called when an object arrived that was missed. */
  readonly onArrived: () => void;
}

/** An object that is named but not there: on its way for so long, gone afterwards. Watches lag by far less. */
const patienceMs = 10_000;
/** Objects that are missed at a time; forged references must not fill the memory. */
const mostMissed = 10_000;

export function createWorkloadMirrors({ workloads, clock, onArrived }: WorkloadMirrorsOptions): WorkloadMirrors {
  /** Since when, by kind and key; the earliest first. */
  const missed = new Map<string, number>();
  const unsubscribe = wellKnownKinds.flatMap(
    (kind) =>
      workloads[kind]?.onDelta(({ type, key }) => {
        // Nearly always nothing is missed: a hundred thousand ReplicaSets cost nothing here.
        if (type === 'added' && missed.size > 0 && missed.delete(`${kind}/${key}`)) onArrived();
      }) ?? [],
  );
  return {
    find: (kind, key) => {
      const source = workloads[kind];
      const workload = source?.get(key);
      if (workload !== undefined) return { state: 'known', workload };
      if (source === undefined) return { state: 'absent' };
      const now = clock.monotonic();
      const name = `${kind}/${key}`;
      const since = missed.get(name);
      if (since === undefined) {
        missed.set(name, now);
        const [oldest] = missed.keys();
        if (missed.size > mostMissed && oldest !== undefined) missed.delete(oldest);
        return { state: 'pending' };
      }
      return source.hasSynced() && now - since >= patienceMs ? { state: 'absent' } : { state: 'pending' };
    },
    close: () => {
      for (const each of unsubscribe) each();
    },
  };
}
