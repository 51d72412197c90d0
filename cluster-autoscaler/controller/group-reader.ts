import { messageOf } from '../../core/errors.ts';
import { nextTurn } from '../../core/kube/turn.ts';
import type { Clock } from '../../core/model/index.ts';
import type { Instance } from '../engine/model.ts';
import type { Provider } from '../providers/provider.ts';
import type { GroupReading } from './group-options.ts';

/** Reads the groups of the cloud for one loop. */
export interface GroupReader {
  /** `fresh`: groups whose instances must be read anew. Throws what the provider throws: what cannot be read is not decided upon. */
  read(fresh: ReadonlySet<string>): Promise<readonly GroupReading[]>;
}

/** As upstream: an older list of instances is read again (§27.7). */
const mostAgeMs = 120_000;

/**
 * `cacheInstances`: lists of instances may be two minutes old, as upstream's; a provider has a cache of its own in any case.
 */
export function createGroupReader({
  provider,
  clock,
  cacheInstances,
}: {
  readonly provider: Provider;
  readonly clock: Clock;
  readonly cacheInstances: boolean;
}): GroupReader {
  const cached = new Map<string, { readonly instances: readonly Instance[]; readonly at: number }>();
  const instancesOf = async (group: string, fresh: boolean): Promise<readonly Instance[]> => {
    const known = cached.get(group);
    const now = clock.monotonic();
    if (cacheInstances && !fresh && known !== undefined && now - known.at < mostAgeMs) return known.instances;
    const instances = await provider.instances(group);
    cached.set(group, { instances, at: now });
    return instances;
  };
  return {
    read: async (fresh) => {
      const groups = provider.groups();
      const readings: GroupReading[] = [];
      for (const group of groups) {
        const instances = await instancesOf(group.id, fresh.has(group.id));
        readings.push({ group, instances, template: await templateOf(provider, group.id) });
        await nextTurn();
      }
      const ids = new Set(groups.map(({ id }) => id));
      for (const id of cached.keys()) if (!ids.has(id)) cached.delete(id);
      return readings;
    },
  };
}

/** A template that cannot be made leaves the group without one, and not the loop without the group. */
async function templateOf(provider: Provider, group: string): Promise<GroupReading['template']> {
  try {
    return await provider.template(group);
  } catch (error) {
    return { problem: messageOf(error) };
  }
}
