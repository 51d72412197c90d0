import { messageOf } from '../../core/errors.ts';
import type { KubeClient } from '../../core/kube/api.ts';
import { objectPath } from '../../core/kube/paths.ts';
import { answerInvalid, errorFromAnswer, isForbidden, isNotFound } from '../../core/kube/status-error.ts';
import type { Clock } from '../../core/model/clock.ts';
import type { OwnerReference, ResourceType } from '../../core/model/object.ts';
import type { OwnerRecord } from '../../core/model/pod.ts';
import { parseSelector, type Selector } from '../../core/model/selector.ts';

/** An object that may have a scale. */
export interface ScaleSubject {
  /** Group only: the version is looked up when the named one does not serve the kind. */
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

export type ScaleAnswer =
  | {
      readonly state: 'scalable';
      /** Empty text in the scale: `undefined`. */
      readonly selector: Selector | undefined;
      readonly replicas: number;
      readonly owner: OwnerRecord | undefined;
    }
  /** There is no such kind, kind with scale, or object. One sentence with what to do. */
  | { readonly state: 'absent'; readonly message: string }
  /** It could not be read; may pass. `lasting`: only an administrator can change it. */
  | { readonly state: 'failed'; readonly lasting: boolean; readonly message: string };

interface DiscoveredResource {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

/** Discovery is asked again after this; sooner when a kind is not in it, since a CRD may have just been installed. */
const keepMs = 600_000;
const keepOnMissMs = 30_000;
const maxAnswerBytes = 4 * 2 ** 20;

/** An owner reference is written by whoever creates the object: nothing of it may get into a path unchecked. */
const groupVersion = /^(?:([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)\/)?(v[0-9][a-z0-9]{0,30})$/;

const version = /^v[0-9][a-z0-9]{0,30}$/;
const plural = /^[a-z0-9.-]{1,253}(?:\/[a-z0-9.-]{1,253})?$/;

/** Reads scales of any kind through discovery; never throws. */
export function createScaleLookup({
  client,
  clock,
}: {
  readonly client: KubeClient;
  readonly clock: Clock;
}): (subject: ScaleSubject) => Promise<ScaleAnswer> {
  const discover = remember(clock, (path) => fetchResources(client, path));
  const versions = remember(clock, (group) => fetchVersions(client, group));

  const typeIn = async (group: string, inVersion: string, kind: string): Promise<ResourceType | 'no-scale' | undefined> => {
    const path = group === '' ? `/api/${inVersion}` : `/apis/${group}/${inVersion}`;
    for (const maxAgeMs of [keepMs, keepOnMissMs]) {
      const resources = await discover(path, maxAgeMs);
      const main = resources.find((each) => each.kind === kind && !each.name.includes('/'));
      if (main === undefined) continue;
      if (!resources.some((each) => each.name === `${main.name}/scale`)) return 'no-scale';
      return { group, version: inVersion, plural: main.name, kind, namespaced: main.namespaced };
    }
    return undefined;
  };

  const typeOf = async ({ apiVersion, kind }: ScaleSubject): Promise<ResourceType | string> => {
    const match = groupVersion.exec(apiVersion);
    if (match === null) return `apiVersion "${shown(apiVersion)}" of kind ${shown(kind)} is not GROUP/VERSION, like argoproj.io/v1alpha1`;
    const [, group = '', named = ''] = match;
    const first = await typeIn(group, named, kind);
    if (typeof first === 'object') return first;
    let withoutScale = first === 'no-scale';
    // Only group and kind count, as upstream.
    const others = group === '' ? [] : (await versions(group, keepOnMissMs)).filter((each) => each !== named);
    for (const other of others) {
      const type = await typeIn(group, other, kind);
      if (typeof type === 'object') return type;
      withoutScale ||= type === 'no-scale';
    }
    return withoutScale
      ? `kind ${kind} of ${apiVersion} has no scale subresource; name a kind that can be scaled, like Deployment or StatefulSet`
      : `kind ${shown(kind)} of ${apiVersion} is not known to the API server; correct kind and apiVersion, or install its CRD`;
  };

  return async (subject) => {
    const { kind, namespace, name } = subject;
    const object = `${shown(kind)} ${namespace}/${shown(name)}`;
    try {
      const type = await typeOf(subject);
      if (typeof type === 'string') return { state: 'absent', message: type };
      return await readScale(client, type, subject);
    } catch (error) {
      if (isNotFound(error)) return { state: 'absent', message: `${object} does not exist; create it or correct the name` };
      if (isForbidden(error)) {
        return {
          state: 'failed',
          lasting: true,
          message: `the scale of ${object} may not be read: grant the verb get on its scale subresource`,
        };
      }
      return { state: 'failed', lasting: false, message: `the scale of ${object} cannot be read: ${messageOf(error)}` };
    }
  };
}

async function readScale(client: KubeClient, type: ResourceType, { namespace, name }: ScaleSubject): Promise<ScaleAnswer> {
  // Raw, since owners stand in the metadata of the scale.
  const path = objectPath(type, { name, ...(type.namespaced ? { namespace } : {}) }, 'scale');
  const scale = await getJson(client, path);
  const { metadata, spec, status } = (scale ?? {}) as {
    readonly metadata?: { readonly ownerReferences?: readonly OwnerReference[] };
    readonly spec?: { readonly replicas?: unknown };
    readonly status?: { readonly selector?: unknown };
  };
  const text = typeof status?.selector === 'string' ? status.selector : '';
  const controller = metadata?.ownerReferences?.find((each) => each.controller === true);
  return {
    state: 'scalable',
    selector: text === '' ? undefined : parseSelector(text),
    replicas: typeof spec?.replicas === 'number' ? spec.replicas : 0,
    owner:
      controller === undefined
        ? undefined
        : { apiVersion: controller.apiVersion, kind: controller.kind, name: controller.name, uid: controller.uid },
  };
}

/** For messages: short and without control characters. */
export function shown(text: string): string {
  return text.replace(/\p{Cc}/gu, ' ').slice(0, 253);
}

interface Remembered<T> {
  readonly at: number;
  readonly value: Promise<T>;
}

/** Group-versions are few; a stream of forged references must not make them many. */
const mostRemembered = 512;

/** Calls `fetch` once for a key while its answer is young enough; failures are not kept. */
function remember<T>(clock: Clock, fetch: (key: string) => Promise<T>): (key: string, maxAgeMs: number) => Promise<T> {
  const known = new Map<string, Remembered<T>>();
  return (key, maxAgeMs) => {
    const held = known.get(key);
    if (held !== undefined && clock.monotonic() - held.at < maxAgeMs) return held.value;
    const entry = { at: clock.monotonic(), value: fetch(key) };
    known.delete(key);
    known.set(key, entry);
    const [oldest] = known.keys();
    if (known.size > mostRemembered && oldest !== undefined) known.delete(oldest);
    entry.value.catch(() => {
      if (known.get(key) === entry) known.delete(key);
    });
    return entry.value;
  };
}

/** Throws what an answer other than 200 says. */
async function getJson(client: KubeClient, path: string): Promise<unknown> {
  const request = { method: 'GET', path } as const;
  const answer = await client.raw({ ...request, maxBytes: maxAnswerBytes });
  if (answer.status !== 200) throw errorFromAnswer(answer, request);
  try {
    return JSON.parse(answer.body.toString('utf8'));
  } catch {
    throw answerInvalid(answer, request);
  }
}

/** What nobody serves is empty. */
async function getList(client: KubeClient, path: string): Promise<unknown> {
  try {
    return await getJson(client, path);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function fetchResources(client: KubeClient, path: string): Promise<readonly DiscoveredResource[]> {
  const list = (await getList(client, path)) as { readonly resources?: readonly DiscoveredResource[] } | undefined;
  return (list?.resources ?? []).filter(({ name }) => plural.test(name));
}

async function fetchVersions(client: KubeClient, group: string): Promise<readonly string[]> {
  const found = (await getList(client, `/apis/${group}`)) as { readonly versions?: readonly { readonly version?: unknown }[] } | undefined;
  return (found?.versions ?? []).flatMap(({ version: name }) => (typeof name === 'string' && version.test(name) ? [name] : []));
}
