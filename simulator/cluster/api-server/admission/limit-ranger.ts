import type { KubeObject } from '../../../../core/model/object.ts';
import { Quantity } from '../../../../core/units/index.ts';
import { objectOf } from '../json.ts';
import { limitItems, milli } from '../kinds/limit-range.ts';
import type { LimitItem, LimitList } from '../kinds/limit-range.ts';
import type { Container, PodSpec, ResourceRequirements } from '../kinds/shapes.ts';

/** Where the plugin says what it has filled in. */
const annotation = 'kubernetes.io/limit-ranger';

/**
 * The mutating half of the LimitRanger plugin: containers without a request or limit get the namespace's defaults. It comes before the mutating webhooks, and
 * once more when one of them has changed the pod. Changes the draft.
 */
export function applyLimitDefaults(pod: KubeObject, ranges: readonly KubeObject[]): void {
  for (const range of ranges) {
    const defaults = defaultsOf(limitItems(range));
    if (Object.keys(defaults.limits).length + Object.keys(defaults.requests).length === 0) continue;
    const spec = objectOf(pod.spec) as PodSpec;
    const said = [
      ...(spec.containers ?? []).flatMap((container) => fillContainer(container, 'container', defaults)),
      ...(spec.initContainers ?? []).flatMap((container) => fillContainer(container, 'init container', defaults)),
    ];
    if (said.length > 0) (pod.metadata.annotations ??= {})[annotation] = `LimitRanger plugin set: ${said.join('; ')}`;
  }
}

interface Defaults {
  readonly limits: LimitList;
  readonly requests: LimitList;
}

function defaultsOf(items: readonly LimitItem[]): Defaults {
  const containers = items.filter(({ type }) => type === 'Container');
  return {
    limits: Object.assign({}, ...containers.map((item) => item.default ?? {})) as LimitList,
    requests: Object.assign({}, ...containers.map((item) => item.defaultRequest ?? {})) as LimitList,
  };
}

function fillContainer(container: Container, kind: string, defaults: Defaults): string[] {
  const resources = (container.resources ??= {});
  const limits = fillList(resources, 'limits', defaults.limits);
  const requests = fillList(resources, 'requests', defaults.requests);
  const said: string[] = [];
  if (requests.length > 0) said.push(`${requests.join(', ')} request for ${kind} ${container.name ?? ''}`);
  if (limits.length > 0) said.push(`${limits.join(', ')} limit for ${kind} ${container.name ?? ''}`);
  return said;
}

function fillList(resources: ResourceRequirements, part: 'limits' | 'requests', defaults: LimitList): string[] {
  const missing = Object.keys(defaults)
    .filter((name) => resources[part]?.[name] === undefined)
    .toSorted();
  for (const name of missing) (resources[part] ??= {})[name] = defaults[name] ?? '0';
  return missing;
}

/**
 * The validating half: why each LimitRange refuses the pod, one sentence for a violation; nothing for a pod that may be. The first range that refuses is
 * upstream's whole answer.
 */
export function podLimitViolations(pod: KubeObject, ranges: readonly KubeObject[]): string[] {
  const spec = objectOf(pod.spec) as PodSpec;
  return firstRefusal(ranges, (item) => {
    if (item.type === 'Container') {
      return [...(spec.containers ?? []), ...(spec.initContainers ?? [])].flatMap(({ resources }) =>
        violations(item, 'Container', resources ?? {}),
      );
    }
    return item.type === 'Pod' ? violations(item, 'Pod', { requests: podTotal(spec, 'requests'), limits: podTotal(spec, 'limits') }) : [];
  });
}

/** The same for a claim: only what it requests is looked at. */
export function claimLimitViolations(claim: KubeObject, ranges: readonly KubeObject[]): string[] {
  const { requests } = objectOf(objectOf(claim.spec)['resources']) as ResourceRequirements;
  return firstRefusal(ranges, (item) => {
    if (item.type !== 'PersistentVolumeClaim') return [];
    const { type, min = {}, max = {} } = item;
    return [
      ...each(min, (name, bound) => belowMin(type, { name, bound }, { request: requests?.[name] })),
      ...each(max, (name, bound) => aboveMaxRequest(type, { name, bound }, requests?.[name])),
    ];
  });
}

/** A refusal as upstream joins it. */
export function joinViolations(violations: readonly string[]): string {
  const distinct = [...new Set(violations)];
  return distinct.length === 1 ? (distinct[0] ?? '') : `[${distinct.join(', ')}]`;
}

function firstRefusal(ranges: readonly KubeObject[], judge: (item: LimitItem) => string[]): string[] {
  for (const range of ranges) {
    const found = limitItems(range).flatMap(judge);
    if (found.length > 0) return found;
  }
  return [];
}

interface Asked {
  readonly request: string | undefined;
  readonly limit?: string | undefined;
}

/** One bound of an item. */
interface Bound {
  readonly name: string;
  readonly bound: string;
}

function violations(item: LimitItem, type: string, resources: ResourceRequirements): string[] {
  const asked = (name: string): Asked => ({ request: resources.requests?.[name], limit: resources.limits?.[name] });
  return [
    ...each(item.min, (name, bound) => belowMin(type, { name, bound }, asked(name))),
    ...each(item.max, (name, bound) => aboveMax(type, { name, bound }, asked(name))),
    ...each(item.maxLimitRequestRatio, (name, bound) => aboveRatio(type, { name, bound }, asked(name))),
  ];
}

function each(list: LimitList | undefined, judge: (name: string, bound: string) => string | undefined): string[] {
  // Upstream's order is that of a Go map: any. Ours is always the same.
  return Object.entries(list ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, bound]) => judge(name, bound) ?? []);
}

function belowMin(type: string, { name, bound }: Bound, { request, limit }: Asked): string | undefined {
  const lead = `minimum ${name} usage per ${type} is ${bound}`;
  if (request === undefined) return `${lead}.  No request is specified`;
  if (milli(request) < milli(bound)) return `${lead}, but request is ${request}`;
  return limit !== undefined && milli(limit) < milli(bound) ? `${lead}, but limit is ${limit}` : undefined;
}

function aboveMax(type: string, { name, bound }: Bound, { request, limit }: Asked): string | undefined {
  const lead = `maximum ${name} usage per ${type} is ${bound}`;
  if (limit === undefined) return `${lead}.  No limit is specified`;
  if (milli(limit) > milli(bound)) return `${lead}, but limit is ${limit}`;
  return request !== undefined && milli(request) > milli(bound) ? `${lead}, but request is ${request}` : undefined;
}

function aboveMaxRequest(type: string, { name, bound }: Bound, request: string | undefined): string | undefined {
  const lead = `maximum ${name} usage per ${type} is ${bound}`;
  if (request === undefined) return `${lead}.  No request is specified`;
  return milli(request) > milli(bound) ? `${lead}, but request is ${request}` : undefined;
}

function aboveRatio(type: string, { name, bound }: Bound, { request, limit }: Asked): string | undefined {
  const lead = `${name} max limit to request ratio per ${type} is ${bound}`;
  if (request === undefined || milli(request) === 0) return `${lead}, but no request is specified or request is 0`;
  if (limit === undefined || milli(limit) === 0) return `${lead}, but no limit is specified or limit is 0`;
  const ratio = milli(limit) / milli(request);
  return ratio * 1000 > milli(bound) ? `${lead}, but provided ratio is ${ratio.toFixed(6)}` : undefined;
}

/** Main containers and sidecars together, or the largest init container with the sidecars before it; what the pod itself says of cpu and memory wins. */
function podTotal(spec: PodSpec, part: 'requests' | 'limits'): LimitList {
  const total = new Map<string, Quantity>();
  const sidecars = new Map<string, Quantity>();
  const highest = new Map<string, Quantity>();
  const lists = (containers: readonly Container[] | undefined): { readonly list: LimitList; readonly sidecar: boolean }[] =>
    (containers ?? []).map(({ resources, restartPolicy }) => ({ list: resources?.[part] ?? {}, sidecar: restartPolicy === 'Always' }));
  for (const { list } of lists(spec.containers)) add(total, list);
  for (const { list, sidecar } of lists(spec.initContainers)) {
    if (sidecar) {
      add(total, list);
      add(sidecars, list);
    }
    const together = new Map(sidecars);
    if (!sidecar) add(together, list);
    raise(highest, together);
  }
  raise(total, highest);
  const result: LimitList = Object.fromEntries([...total].map(([name, quantity]) => [name, quantity.toString()]));
  for (const name of ['cpu', 'memory']) {
    const own = spec.resources?.[part]?.[name];
    if (own !== undefined) result[name] = own;
  }
  return result;
}

function add(total: Map<string, Quantity>, list: LimitList): void {
  for (const [name, text] of Object.entries(list)) {
    const quantity = Quantity.tryParse(text);
    if (quantity !== undefined) total.set(name, total.get(name)?.add(quantity) ?? quantity);
  }
}

function raise(total: Map<string, Quantity>, other: ReadonlyMap<string, Quantity>): void {
  for (const [name, quantity] of other) {
    const before = total.get(name);
    if (before === undefined || quantity.cmp(before) > 0) total.set(name, quantity);
  }
}
