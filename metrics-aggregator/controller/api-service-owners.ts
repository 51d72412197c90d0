import type { KubeClient } from '../../core/kube/api.ts';
import { isConcertinaError } from '../../core/errors.ts';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';

/** Who answers for API groups; `undefined` for a group that nobody serves or whose APIService could not be read. */
export type OwnerProbe = (groups: readonly string[], signal: AbortSignal) => Promise<ReadonlyMap<string, string | undefined>>;

/** Versions under which the groups are registered; the first that exists counts. */
const versions: Readonly<Record<string, readonly string[]>> = {
  'metrics.k8s.io': ['v1beta1'],
  'custom.metrics.k8s.io': ['v1beta2', 'v1beta1'],
  'external.metrics.k8s.io': ['v1beta1'],
};

const probeTimeoutMs = 2_000;

/** Reads the APIService objects of the metrics groups. Without the permission nothing is known, and that is no fault. */
export function createOwnerProbe(client: KubeClient): OwnerProbe {
  return async (groups, signal) => {
    const owners = await Promise.all(groups.map(async (group) => [group, await ownerOf(client, group, signal)] as const));
    return new Map(owners);
  };
}

async function ownerOf(client: KubeClient, group: string, signal: AbortSignal): Promise<string | undefined> {
  for (const version of versions[group] ?? []) {
    try {
      const object = await client.get<KubeObject>(
        resourceTypes.apiServices,
        { name: `${version}.${group}` },
        { signal, timeoutMs: probeTimeoutMs },
      );
      const owner = serviceOf(object);
      if (owner !== undefined) return owner;
    } catch (error) {
      if (!isConcertinaError(error)) throw error;
    }
  }
  return undefined;
}

function serviceOf(object: KubeObject): string | undefined {
  const { service } = (object.spec ?? {}) as { service?: { namespace?: unknown; name?: unknown; port?: unknown } | null };
  if (typeof service?.namespace !== 'string' || typeof service.name !== 'string') return undefined;
  return `${service.namespace}/${service.name}${typeof service.port === 'number' ? `:${service.port}` : ''}`;
}
