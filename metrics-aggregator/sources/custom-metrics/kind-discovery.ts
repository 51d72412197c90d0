import { customMetricsSource } from '../../../core/model/metric-query.ts';
import { createFlight, getDocument, isRecord, shown, type Flight } from '../metric-list/index.ts';
import type { SourceFailure } from '../source.ts';
import type { DiscoveryOptions } from './version-discovery.ts';

/** A kind as a path of custom metrics names it. */
export interface MetricResource {
  readonly ok: true;
  /** `services`, `deployments.apps`: the core group has no suffix. */
  readonly resource: string;
  readonly namespaced: boolean;
}

/** Finds the plural of kinds by discovery of their API version. */
export interface KindDiscovery {
  /** `apiVersion` absent: the core group. */
  resolve(
    object: { readonly apiVersion?: string | undefined; readonly kind: string },
    signal: AbortSignal,
  ): Promise<MetricResource | SourceFailure>;
}

interface KindList {
  readonly kinds: ReadonlyMap<string, MetricResource>;
  readonly at: number;
}

type Loaded = KindList | SourceFailure;

/** API versions come from policies: what is known of them is bounded. */
const maxApiVersions = 64;
/** A kind that is not in the list is looked for again at most so often: it may be that of a new CustomResourceDefinition. */
const missMs = 30_000;
/** A group is a DNS name of at most 253 characters, a version a label of at most 63. */
const maxGroupVersionLength = 253 + 1 + 63;
const groupVersionPattern = /^(?:([a-z0-9]([-a-z0-9.]*[a-z0-9])?)\/)?(v[a-z0-9]+)$/;

export function createKindDiscovery(options: DiscoveryOptions): KindDiscovery {
  const { clock, rediscoverMs } = options;
  const lists = new Map<string, KindList>();
  const flights = new Map<string, Flight<Loaded>>();

  const flightOf = (apiVersion: string, type: GroupVersion): Flight<Loaded> => {
    const running = flights.get(apiVersion);
    if (running !== undefined) return running;
    const flight = createFlight(async () => {
      const loaded = await load(type, options);
      flights.delete(apiVersion);
      if ('kinds' in loaded) remember(apiVersion, loaded);
      return loaded;
    });
    flights.set(apiVersion, flight);
    return flight;
  };
  const remember = (apiVersion: string, list: KindList): void => {
    lists.delete(apiVersion);
    lists.set(apiVersion, list);
    const [oldest] = lists.keys();
    if (lists.size > maxApiVersions && oldest !== undefined) lists.delete(oldest);
  };

  return {
    resolve: async ({ apiVersion = 'v1', kind }, signal) => {
      const wanted = apiVersion === '' ? 'v1' : apiVersion;
      const known = lists.get(wanted);
      const resource = known?.kinds.get(kind);
      const keepMs = resource === undefined ? Math.min(missMs, rediscoverMs) : rediscoverMs;
      if (known !== undefined && clock.monotonic() - known.at < keepMs) return resource ?? noSuchKind(kind, wanted);
      const type = parseGroupVersion(wanted);
      if (type === undefined) return noSuchKind(kind, wanted);
      const loaded = await flightOf(wanted, type).join(signal);
      if (!('kinds' in loaded)) return resource ?? loaded;
      return loaded.kinds.get(kind) ?? noSuchKind(kind, wanted);
    },
  };
}

function noSuchKind(kind: string, apiVersion: string): SourceFailure {
  const detail = `${customMetricsSource} cannot be asked about an object of kind ${shown(kind)}: the cluster has none in ${shown(apiVersion)}; check apiVersion and kind`;
  return { ok: false, reason: 'missing', detail };
}

interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

function parseGroupVersion(text: string): GroupVersion | undefined {
  const match = text.length > maxGroupVersionLength ? null : groupVersionPattern.exec(text);
  if (match === null) return undefined;
  const [, group = '', , version = ''] = match;
  return { group, version };
}

/**
 * The kinds of a group. As upstream's REST mapper, it is the group that counts: a version that is not served any more is replaced by the
 * preferred one, so that an object named with `networking.k8s.io/v1beta1` is still found.
 */
async function load(type: GroupVersion, options: DiscoveryOptions): Promise<Loaded> {
  const list = await get(pathOf(type), options);
  if (list.kind === 'document') return kindsOf(list.document, type.group, options.clock.monotonic());
  if (list.kind === 'failure') return list.failure;
  const nothing = { kinds: new Map<string, MetricResource>(), at: options.clock.monotonic() };
  if (type.group === '') return nothing;
  const group = await get(`/apis/${type.group}`, options);
  if (group.kind === 'failure') return group.failure;
  const preferred = group.kind === 'document' ? preferredOf(group.document) : undefined;
  if (preferred === undefined || preferred === type.version) return nothing;
  const other = await get(pathOf({ group: type.group, version: preferred }), options);
  if (other.kind === 'failure') return other.failure;
  return other.kind === 'document' ? kindsOf(other.document, type.group, options.clock.monotonic()) : nothing;
}

function pathOf({ group, version }: GroupVersion): string {
  return group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
}

function get(path: string, { client, timeoutMs, maxBytes }: DiscoveryOptions): ReturnType<typeof getDocument> {
  const permission = `get on the path ${path} (ClusterRole system:discovery)`;
  return getDocument({ client, path, timeoutMs, maxBytes, api: 'the API server', subject: `the kinds of ${path}`, permission });
}

function preferredOf(group: Readonly<Record<string, unknown>>): string | undefined {
  const preferred = group['preferredVersion'];
  const version = isRecord(preferred) ? preferred['version'] : undefined;
  return typeof version === 'string' && /^v[a-z0-9]+$/.test(version) ? version : undefined;
}

function kindsOf(document: Readonly<Record<string, unknown>>, group: string, at: number): Loaded {
  const resources = document['resources'] ?? [];
  if (document['kind'] !== 'APIResourceList' || !Array.isArray(resources)) {
    return {
      ok: false,
      reason: 'invalid',
      detail: `the API server's list of the kinds of ${group === '' ? 'the core group' : group} is no APIResourceList`,
    };
  }
  const kinds = new Map<string, MetricResource>();
  for (const entry of resources as unknown[]) {
    const { name, kind, namespaced } = isRecord(entry) ? entry : {};
    // A name with a slash is a subresource: its kind may be another one (Scale), or that of the object once more.
    if (typeof name !== 'string' || typeof kind !== 'string' || name.includes('/') || kinds.has(kind)) continue;
    kinds.set(kind, { ok: true, resource: group === '' ? name : `${name}.${group}`, namespaced: namespaced === true });
  }
  return { kinds, at };
}
