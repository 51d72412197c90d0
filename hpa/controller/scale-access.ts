import { messageOf } from '../../core/errors.ts';
import type { KubeClient, Scale } from '../../core/kube/api.ts';
import { isNotFound } from '../../core/kube/status-error.ts';
import type { Clock } from '../../core/model/clock.ts';
import type { ObjectReference, ResourceType } from '../../core/model/object.ts';

export type ScaleRead =
  | { readonly ok: true; readonly type: ResourceType; readonly scale: Scale }
  /** One sentence: which object, what is wrong, what to do. */
  | { readonly ok: false; readonly message: string };

/** Reads scales of any kind; which resource a kind is comes from discovery and is remembered. */
export interface ScaleAccess {
  read(target: ObjectReference, signal?: AbortSignal): Promise<ScaleRead>;
}

interface DiscoveredResource {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

interface Remembered<T> {
  readonly at: number;
  readonly value: Promise<T>;
}

/** Discovery is asked again after this; sooner when a kind is not in it, since a CRD may have just been installed. */
const keepMs = 600_000;
const keepOnMissMs = 30_000;

export function createScaleAccess({ client, clock }: { readonly client: KubeClient; readonly clock: Clock }): ScaleAccess {
  const discover = remember(clock, (path) => fetchResources(client, path));
  const versions = remember(clock, (group) => fetchVersions(client, group));

  const lookUp = async (group: string, version: string, kind: string): Promise<ResourceType | 'no-scale' | undefined> => {
    const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
    for (const maxAgeMs of [keepMs, keepOnMissMs]) {
      const resources = await discover(path, maxAgeMs);
      const main = resources.find((each) => each.kind === kind && !each.name.includes('/'));
      if (main === undefined) continue;
      if (!resources.some((each) => each.name === `${main.name}/scale`)) return 'no-scale';
      return { group, version, plural: main.name, kind, namespaced: main.namespaced };
    }
    return undefined;
  };

  const otherVersions = async (group: string, named: string): Promise<readonly string[]> => {
    if (group === '') return [];
    return (await versions(group, keepOnMissMs)).filter((version) => version !== named);
  };

  const resolve = async (target: ObjectReference): Promise<ResourceType | string> => {
    const parts = target.apiVersion.split('/');
    if (parts.length > 2 || parts.some((part) => part === '')) {
      return `spec.scaleTargetRef.apiVersion "${target.apiVersion}" is not GROUP/VERSION, like apps/v1`;
    }
    const [group, named] = parts.length === 2 ? [parts[0] ?? '', parts[1] ?? ''] : ['', target.apiVersion];
    const first = await lookUp(group, named, target.kind);
    if (typeof first === 'object') return first;
    let withoutScale = first === 'no-scale';
    // The named version does not have it: upstream goes by group and kind only.
    for (const version of await otherVersions(group, named)) {
      const type = await lookUp(group, version, target.kind);
      if (typeof type === 'object') return type;
      withoutScale ||= type === 'no-scale';
    }
    const shown = `spec.scaleTargetRef names kind ${target.kind} of ${target.apiVersion}`;
    return withoutScale
      ? `${shown}, which has no scale subresource; name a kind that can be scaled, like Deployment or StatefulSet`
      : `${shown}, which the API server does not know; correct kind and apiVersion, or install its CRD`;
  };

  return {
    read: async (target, signal) => {
      const name = `${target.kind} ${target.namespace ?? ''}/${target.name}`;
      try {
        const type = await resolve(target);
        if (typeof type === 'string') return { ok: false, message: type };
        const key = { name: target.name, ...(type.namespaced ? { namespace: target.namespace } : {}) };
        return { ok: true, type, scale: await client.getScale(type, key, { signal }) };
      } catch (error) {
        if (isNotFound(error)) {
          return { ok: false, message: `${name} does not exist; create it or correct spec.scaleTargetRef.name` };
        }
        return { ok: false, message: `the scale of ${name} cannot be read: ${messageOf(error)}` };
      }
    },
  };
}

/** Calls `fetch` once for a key while its answer is young enough; failures are not kept. */
function remember<T>(clock: Clock, fetch: (key: string) => Promise<T>): (key: string, maxAgeMs: number) => Promise<T> {
  const known = new Map<string, Remembered<T>>();
  return (key, maxAgeMs) => {
    const held = known.get(key);
    if (held !== undefined && clock.monotonic() - held.at < maxAgeMs) return held.value;
    const entry = { at: clock.monotonic(), value: fetch(key) };
    known.set(key, entry);
    entry.value.catch(() => {
      if (known.get(key) === entry) known.delete(key);
    });
    return entry.value;
  };
}

/** Body of a discovery path; `undefined` when nobody serves it. */
async function getJson(client: KubeClient, path: string): Promise<unknown> {
  const answer = await client.raw({ method: 'GET', path });
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw new Error(`GET ${path} was answered with ${answer.status}`);
  return JSON.parse(answer.body.toString('utf8'));
}

async function fetchResources(client: KubeClient, path: string): Promise<readonly DiscoveredResource[]> {
  const list = (await getJson(client, path)) as { readonly resources?: readonly DiscoveredResource[] } | undefined;
  return list?.resources ?? [];
}

async function fetchVersions(client: KubeClient, group: string): Promise<readonly string[]> {
  const found = (await getJson(client, `/apis/${group}`)) as { readonly versions?: readonly { readonly version?: unknown }[] } | undefined;
  return (found?.versions ?? []).flatMap(({ version }) => (typeof version === 'string' ? [version] : []));
}
