import type { KubeClient, RequestOptions } from '../../../core/kube/api.ts';
import { isAlreadyExists, isNotFound } from '../../../core/kube/status-error.ts';
import type { Clock } from '../../../core/model/clock.ts';
import { resourceTypes, type KubeObject } from '../../../core/model/object.ts';

export interface LeasePlace {
  readonly namespace: string;
  readonly name: string;
}

/** Renews the Lease that says that admission works; all copies that do write the same one. */
export interface AdmissionLeaseWriter {
  renew(options?: RequestOptions): Promise<void>;
}

export interface AdmissionLeaseWriterOptions {
  /** Without the leader's fence: every copy that serves renews. */
  readonly client: Pick<KubeClient, 'create' | 'patch'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly place: LeasePlace;
  /** Of this copy, for people. */
  readonly identity: string;
  readonly durationMs: number;
}

export function createAdmissionLeaseWriter({
  client,
  clock,
  place,
  identity,
  durationMs,
}: AdmissionLeaseWriterOptions): AdmissionLeaseWriter {
  const spec = (): object => ({
    holderIdentity: identity,
    leaseDurationSeconds: Math.ceil(durationMs / 1000),
    renewTime: `${new Date(clock.now()).toISOString().slice(0, -1)}000Z`,
  });
  const patch = (options?: RequestOptions): Promise<unknown> =>
    client.patch(resourceTypes.leases, place, { type: 'merge', body: { spec: spec() } }, options);
  return {
    renew: async (options) => {
      try {
        await patch(options);
      } catch (error) {
        if (!isNotFound(error)) throw error;
        try {
          await client.create(resourceTypes.leases, { metadata: { ...place }, spec: spec() }, options);
        } catch (created) {
          // Another copy was faster: that is as good.
          if (!isAlreadyExists(created)) throw created;
        }
      }
    },
  };
}

/** What is known of the Lease's age, without comparing clocks of different machines. */
export interface LeaseWatch {
  /** What was read now; `undefined`: there is none. */
  observe(lease: KubeObject | undefined): void;
  /** Milliseconds since it was seen to change; `undefined`: it has not been seen to change since this program started. */
  ageMs(): number | undefined;
  /** The last reading found a Lease. */
  exists(): boolean;
}

/** A Lease counts as renewed when it is seen to have changed. What it says at the first sight may be of yesterday. */
export function createLeaseWatch(clock: Pick<Clock, 'monotonic'>): LeaseWatch {
  let seen: string | undefined;
  let changedAt: number | undefined;
  let observed = false;
  return {
    observe: (lease) => {
      const mark = lease === undefined ? undefined : renewalOf(lease);
      if (mark !== undefined && seen !== undefined && mark !== seen) changedAt = clock.monotonic();
      // One that comes into being was renewed by whoever made it.
      if (mark !== undefined && seen === undefined && observed) changedAt = clock.monotonic();
      observed = true;
      seen = mark;
    },
    ageMs: () => (changedAt === undefined ? undefined : clock.monotonic() - changedAt),
    exists: () => seen !== undefined,
  };
}

function renewalOf(lease: KubeObject): string {
  const spec = (lease.spec ?? {}) as { renewTime?: unknown; holderIdentity?: unknown };
  return `${String(spec.renewTime)} ${String(spec.holderIdentity)}`;
}
