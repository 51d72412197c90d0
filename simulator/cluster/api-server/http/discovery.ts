import { apiVersionOf } from '../../../../core/model/object.ts';
import type { AggregatedResource } from '../aggregation.ts';
import { notAcceptable } from '../errors.ts';
import type { Kind, Subresource } from '../kinds/kind.ts';
import type { ApiRequest, ApiResponse } from '../types.ts';
import { parseAccept } from './negotiation.ts';
import { jsonOf } from './responses.ts';
import type { ServerContext } from './server-context.ts';

const objectVerbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

interface SubresourceShape {
  readonly group?: string;
  readonly version?: string;
  readonly kind?: string;
  readonly verbs: readonly string[];
}

/** Kinds and verbs of subresources that are not the object itself. */
const subresourceShapes: Readonly<Record<Subresource, SubresourceShape>> = {
  status: { verbs: ['get', 'patch', 'update'] },
  scale: { group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: ['get', 'patch', 'update'] },
  resize: { verbs: ['get', 'patch', 'update'] },
  binding: { kind: 'Binding', verbs: ['create'] },
  eviction: { group: 'policy', version: 'v1', kind: 'Eviction', verbs: ['create'] },
  log: { verbs: ['get'] },
  token: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest', verbs: ['create'] },
  finalize: { verbs: ['update'] },
  ephemeralcontainers: { verbs: [] },
  exec: { verbs: [] },
  attach: { verbs: [] },
  portforward: { verbs: [] },
  proxy: { verbs: [] },
};

interface GroupVersion {
  readonly group: string;
  readonly version: string;
  readonly kinds: readonly Kind[];
  readonly aggregated: readonly AggregatedResource[];
}

function groupVersions({ core, aggregation }: ServerContext): GroupVersion[] {
  const found = new Map<string, { group: string; version: string; kinds: Kind[]; aggregated: readonly AggregatedResource[] }>();
  for (const kind of core.kinds.all()) {
    const { group, version } = kind.type;
    const key = apiVersionOf(kind.type);
    const entry = found.get(key) ?? { group, version, kinds: [], aggregated: [] };
    entry.kinds.push(kind);
    found.set(key, entry);
  }
  for (const { group, version, available, resources } of aggregation.mounted()) {
    if (available) found.set(`${group}/${version}`, { group, version, kinds: [], aggregated: resources });
  }
  return [...found.values()];
}

function served(kind: Kind): Subresource[] {
  return kind.subresources.filter((name) => subresourceShapes[name].verbs.length > 0);
}

function verbsOf(kind: Kind): readonly string[] {
  return kind.createOnly ? ['create'] : objectVerbs;
}

/** The resources of one group and version, the unaggregated way. */
function resourceList(entry: GroupVersion): object {
  const resources = entry.kinds.flatMap((kind) => {
    const main = {
      name: kind.type.plural,
      singularName: kind.singular,
      namespaced: kind.type.namespaced,
      kind: kind.type.kind,
      verbs: verbsOf(kind),
      ...(kind.shortNames.length === 0 ? {} : { shortNames: kind.shortNames }),
      ...(kind.categories.length === 0 ? {} : { categories: kind.categories }),
    };
    const subs = served(kind).map((name) => {
      const { verbs, ...shape } = subresourceShapes[name];
      return {
        name: `${kind.type.plural}/${name}`,
        singularName: '',
        namespaced: kind.type.namespaced,
        kind: kind.type.kind,
        ...shape,
        verbs,
      };
    });
    return [main, ...subs];
  });
  const aggregated = entry.aggregated.map((resource) => ({ singularName: '', ...resource }));
  const groupVersion = entry.group === '' ? entry.version : `${entry.group}/${entry.version}`;
  const bindings = groupVersion === 'v1' ? [bindingResource] : [];
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: [...bindings, ...resources, ...aggregated] };
}

const bindingResource = { name: 'bindings', singularName: 'binding', namespaced: true, kind: 'Binding', verbs: ['create'] };

function groupOf(entries: readonly GroupVersion[], group: string): object {
  const versions = entries
    .filter((entry) => entry.group === group)
    .map(({ version }) => ({ groupVersion: `${group}/${version}`, version }))
    .sort((a, b) => compareVersions(a.version, b.version));
  return { name: group, versions, preferredVersion: versions[0] };
}

/** Stable before beta before alpha, newest first. */
function compareVersions(a: string, b: string): number {
  const rank = (version: string): number[] => {
    const [, major = '0', stage = '', minor = '0'] = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version) ?? [];
    const level = stage === '' ? 2 : stage === 'beta' ? 1 : 0;
    return [level, Number(major), Number(minor)];
  };
  const left = rank(a);
  const right = rank(b);
  for (const [at, value] of left.entries()) if (value !== right[at]) return (right[at] ?? 0) - value;
  return 0;
}

// Aggregated discovery (apidiscovery.k8s.io/v2).

function scopeOf(namespaced: boolean): string {
  return namespaced ? 'Namespaced' : 'Cluster';
}

function discoveryResources(entry: GroupVersion): object[] {
  const own = entry.kinds.map((kind) => {
    const responseKind = { group: entry.group, version: entry.version, kind: kind.type.kind };
    const subresources = served(kind).map((name) => {
      const { group = entry.group, version = entry.version, kind: subKind = kind.type.kind, verbs } = subresourceShapes[name];
      return { subresource: name, responseKind: { group, version, kind: subKind }, verbs };
    });
    return {
      resource: kind.type.plural,
      responseKind,
      scope: scopeOf(kind.type.namespaced),
      singularResource: kind.singular,
      verbs: verbsOf(kind),
      ...(kind.shortNames.length === 0 ? {} : { shortNames: kind.shortNames }),
      ...(kind.categories.length === 0 ? {} : { categories: kind.categories }),
      ...(subresources.length === 0 ? {} : { subresources }),
    };
  });
  const aggregated = entry.aggregated.map(({ name, namespaced, kind, verbs, singularName = '', shortNames }) => ({
    resource: name,
    responseKind: { group: entry.group, version: entry.version, kind },
    scope: scopeOf(namespaced),
    singularResource: singularName,
    verbs,
    ...(shortNames === undefined ? {} : { shortNames }),
  }));
  return [...own, ...aggregated];
}

function aggregatedList(entries: readonly GroupVersion[], core: boolean, server: ServerContext): object {
  const groups = new Set(entries.map((entry) => entry.group).filter((group) => (group === '') === core));
  const items = [...groups].map((group) => ({
    metadata: group === '' ? {} : { name: group },
    versions: entries
      .filter((entry) => entry.group === group)
      .sort((a, b) => compareVersions(a.version, b.version))
      .map((entry) => ({ version: entry.version, resources: discoveryResources(entry), freshness: 'Current' })),
  }));
  const stale = core
    ? []
    : server.aggregation
        .mounted()
        .filter((mounted) => !mounted.available)
        .map(({ group, version }) => ({ metadata: { name: group }, versions: [{ version, freshness: 'Stale' }] }));
  return { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items: [...items, ...stale] };
}

function wantsAggregated(request: ApiRequest): boolean {
  for (const { type, params } of parseAccept(request.headers['accept'])) {
    if (type !== 'application/json' && type !== '*/*' && type !== 'application/*') continue;
    if (params['as'] === undefined) return false;
    if (params['as'] === 'APIGroupDiscoveryList' && params['g'] === 'apidiscovery.k8s.io' && params['v'] === 'v2') return true;
  }
  throw notAcceptable(['application/json', 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList']);
}

/** `/api`, `/apis` and what is below them without a resource; undefined for paths that are none of these. */
export function discovery(server: ServerContext, request: ApiRequest, path: string): ApiResponse | undefined {
  const [root, group, version] = path.split('/').slice(1);
  if (root !== 'api' && root !== 'apis') return undefined;
  const entries = groupVersions(server);
  if (group === undefined) {
    if (wantsAggregated(request)) return aggregatedAnswer(aggregatedList(entries, root === 'api', server));
    return jsonOf(200, root === 'api' ? coreVersions : groupList(entries, server));
  }
  if (root === 'api') return answerResources(entries.find((entry) => entry.group === '' && entry.version === group));
  if (version === undefined) {
    const all = withUnavailable(entries, server);
    return all.some((entry) => entry.group === group)
      ? jsonOf(200, { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(all, group) })
      : undefined;
  }
  return answerResources(entries.find((entry) => entry.group === group && entry.version === version));
}

function answerResources(entry: GroupVersion | undefined): ApiResponse | undefined {
  return entry === undefined ? undefined : jsonOf(200, resourceList(entry));
}

const coreVersions = {
  kind: 'APIVersions',
  versions: ['v1'],
  serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: '127.0.0.1' }],
};

/** Every registered APIService counts, whether its back end answers or not (kube-aggregator's convertToDiscoveryAPIGroup): what they hold is found out one by one. */
function withUnavailable(entries: readonly GroupVersion[], { aggregation }: ServerContext): GroupVersion[] {
  const down = aggregation
    .mounted()
    .filter((mounted) => !mounted.available)
    .map(({ group, version }): GroupVersion => ({ group, version, kinds: [], aggregated: [] }));
  return [...entries, ...down];
}

function groupList(entries: readonly GroupVersion[], server: ServerContext): object {
  const all = withUnavailable(entries, server);
  const names = new Set(all.map((entry) => entry.group).filter((name) => name !== ''));
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: [...names].map((name) => groupOf(all, name)) };
}

function aggregatedAnswer(value: object): ApiResponse {
  return {
    status: 200,
    headers: { 'content-type': 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList', vary: 'Accept' },
    body: JSON.stringify(value),
  };
}
