import { isForbidden, isNotFound, type KubeClient } from '../../core/kube/index.ts';
import { messageOf } from '../../core/errors.ts';
import { parseTime, resourceTypes, type Clock, type Hold, type KubeObject } from '../../core/model/index.ts';
import type { Logger } from '../../core/runtime/index.ts';

/** Name of the Lease by which the upstream autoscaler elects its leader (§2). */
export const rivalLease = 'cluster-autoscaler';

/** Time between two looks, milliseconds. */
const lookEveryMs = 30_000;

interface LeaseSpec {
  readonly holderIdentity?: string | null;
  readonly leaseDurationSeconds?: number | null;
  readonly renewTime?: string | null;
}

/** Another cluster autoscaler that holds its lease: two of them would work against each other. */
export interface RivalWatch {
  /** A hold on everything while there is one; what was seen last where it cannot be looked now. */
  look(signal?: AbortSignal): Promise<Hold | undefined>;
}

/** Who holds such a lease at an instant, `namespace/holder`; a holder that has not renewed it for two of its durations is none any more. */
export function holderOf({ metadata, spec }: KubeObject, now: number): string | undefined {
  const { holderIdentity, leaseDurationSeconds, renewTime } = (spec ?? {}) as LeaseSpec;
  const renewed = parseTime(renewTime ?? undefined);
  if (holderIdentity === undefined || holderIdentity === null || holderIdentity === '' || renewed === undefined) return undefined;
  const alive = now - renewed <= 2 * (leaseDurationSeconds ?? 15) * 1000;
  return alive ? `${metadata.namespace ?? ''}/${holderIdentity}` : undefined;
}

export function rivalHold(holder: string): Hold {
  return {
    by: 'conflict',
    message: `another cluster autoscaler is at work (Lease ${rivalLease}, holder ${holder}), so no node group is changed; scale its Deployment to 0, or run this one with --cloud-provider=none`,
  };
}

export function createRivalWatch(options: {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where upstream's leases are looked for. */
  readonly namespaces: readonly string[];
}): RivalWatch {
  const { client, clock, logger, namespaces } = options;
  let lookedAt: number | undefined;
  let hold: Hold | undefined;
  const read = async (namespace: string, signal: AbortSignal | undefined): Promise<KubeObject | undefined> => {
    try {
      return await client.get(resourceTypes.leases, { namespace, name: rivalLease }, { signal });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      if (isForbidden(error)) {
        logger.debug('whether another cluster autoscaler is at work cannot be seen', { namespace, error: messageOf(error) });
        return undefined;
      }
      throw error;
    }
  };
  return {
    look: async (signal) => {
      if (lookedAt !== undefined && clock.monotonic() - lookedAt < lookEveryMs) return hold;
      const leases = await Promise.all([...new Set(namespaces)].map((namespace) => read(namespace, signal)));
      const holder = leases.flatMap((lease) => (lease === undefined ? [] : (holderOf(lease, clock.now()) ?? [])))[0];
      const before = hold;
      hold = holder === undefined ? undefined : rivalHold(holder);
      lookedAt = clock.monotonic();
      if (hold !== undefined && before === undefined) logger.warn(hold.message);
      if (hold === undefined && before !== undefined)
        logger.info('the other cluster autoscaler has stopped: node groups are changed again');
      return hold;
    },
  };
}
