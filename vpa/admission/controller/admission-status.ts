import type { Clock } from '../../../core/model/clock.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import { humanDuration } from '../../../core/units/duration.ts';
import type { AdmissionHealthConfig } from '../config.ts';
import { nextOutcomes, outcomesProblem, type Outcomes } from '../engine/outcomes.ts';
import { observedContainersAnnotation } from '../engine/pod-decision.ts';
import { createLeaseWatch, type LeasePlace } from './admission-lease.ts';
import { createLoop } from './loop.ts';

/** Whether evicted pods would come back with what is recommended. */
export type AdmissionHealth = { readonly ok: true } | { readonly ok: false; readonly message: string };

/** What the updater asks before it evicts. */
export interface AdmissionStatus {
  /** Begins to read the Lease. */
  start(): void;
  stop(): Promise<void>;
  health(): AdmissionHealth;
  /** A pod was created (an `added` of a live list, not of its first listing); raw, with annotations and owner. Cheap for pods that do not matter. */
  podCreated(pod: KubeObject): void;
}

export interface AdmissionStatusOptions {
  readonly clock: Clock;
  readonly config: AdmissionHealthConfig;
  readonly lease: {
    readonly place: LeasePlace;
    readonly read: (signal: AbortSignal) => Promise<KubeObject | undefined>;
  };
  /** Why the webhook object is not as it should be; always `undefined` where it is somebody else's. */
  readonly registrationProblem: () => string | undefined;
  /** Whether a pod ought to carry the annotation: it was created under a policy that has long been known, and admission could have patched it. */
  readonly expected: (pod: KubeObject) => boolean;
  readonly onFailure: (error: unknown) => void;
}

/** Pods whose creation was told last, by uid: a list that is read anew tells them again. */
const remembered = 512;

export function createAdmissionStatus(options: AdmissionStatusOptions): AdmissionStatus {
  const { clock, config, lease, registrationProblem, expected } = options;
  const watch = createLeaseWatch(clock);
  const seen = new Set<string>();
  let outcomes: Outcomes = [];
  const where = `Lease ${lease.place.namespace}/${lease.place.name}`;

  const reader = createLoop({
    clock,
    intervalMs: config.renewMs,
    turn: async (signal) => {
      watch.observe(await lease.read(signal));
      return undefined;
    },
    onFailure: options.onFailure,
  });

  const leaseProblem = (): string | undefined => {
    const age = watch.ageMs();
    if (!watch.exists()) return `${where} is not there: no admission controller has said that it works`;
    if (age === undefined)
      return `${where} has not been seen renewed since this program started: wait ${humanDuration(config.renewMs)}, or look at the admission controller`;
    return age > config.timeoutMs
      ? `${where} was last renewed ${humanDuration(age)} ago, more than ${humanDuration(config.timeoutMs)}: look at the admission controller`
      : undefined;
  };

  return {
    start: () => reader.start(),
    stop: () => reader.stop(),
    health: () => {
      const problem = registrationProblem() ?? leaseProblem() ?? outcomesProblem(outcomes, clock.monotonic(), config);
      return problem === undefined ? { ok: true } : { ok: false, message: problem };
    },
    podCreated: (pod) => {
      const { uid = '', annotations, namespace = '', name } = pod.metadata;
      if (seen.has(uid)) return;
      const annotated = annotations?.[observedContainersAnnotation] !== undefined;
      // One that passed is good news whatever its policy; of the others only those count that should have.
      if (!annotated && !expected(pod)) return;
      seen.add(uid);
      if (seen.size > remembered) for (const oldest of seen) if (seen.delete(oldest)) break;
      outcomes = nextOutcomes(outcomes, { name: `${namespace}/${name}`, at: clock.monotonic(), annotated }, config);
    },
  };
}
