import type { HpaPod, Milli, ResourceMap } from './model.ts';

export type RequestsResult =
  | { readonly ok: true; readonly requests: ReadonlyMap<string, Milli> }
  | { readonly ok: false; readonly kind: 'MissingRequest' | 'ContainerNotFound'; readonly message: string };

/** Pod-level requests apply to these resources only. */
function isPodLevelResource(name: string): boolean {
  return name === 'cpu' || name === 'memory' || name.startsWith('hugepages-');
}

/**
 * The request of every pod (§5.2), also of failed, completed and deleting ones: one gap makes a utilization target impossible for all,
 * as upstream. `container` is empty for the whole pod.
 */
export function podRequests(
  pods: readonly HpaPod[],
  options: { readonly container: string; readonly resource: string; readonly podLevelResources: boolean },
): RequestsResult {
  const requests = new Map<string, Milli>();
  for (const pod of pods) {
    const result = requestOf(pod, options);
    if (typeof result !== 'bigint') return { ok: false, ...result };
    requests.set(pod.name, result);
  }
  return { ok: true, requests };
}

interface RequestGap {
  readonly kind: 'MissingRequest' | 'ContainerNotFound';
  readonly message: string;
}

function requestOf(
  pod: HpaPod,
  {
    container,
    resource,
    podLevelResources,
  }: { readonly container: string; readonly resource: string; readonly podLevelResources: boolean },
): Milli | RequestGap {
  if (container !== '') return containerRequest(pod, container, resource);
  const podLevel = pod.podRequests;
  if (podLevelResources && podLevel !== undefined && Object.keys(podLevel).some(isPodLevelResource)) {
    const effective = effectiveRequest(pod, podLevel, resource);
    return effective ?? { kind: 'MissingRequest', message: `pod ${pod.name} has no ${resource} request at pod level or in a container` };
  }
  let total = 0n;
  for (const each of countedContainers(pod)) {
    const request = each.requests[resource];
    if (request === undefined) return missingRequest(pod, each.name, resource);
    total += request;
  }
  return total;
}

function containerRequest(pod: HpaPod, container: string, resource: string): Milli | RequestGap {
  const found = countedContainers(pod).find((each) => each.name === container);
  if (found === undefined) return { kind: 'ContainerNotFound', message: `pod ${pod.name} has no container ${container}` };
  return found.requests[resource] ?? missingRequest(pod, container, resource);
}

function missingRequest(pod: HpaPod, container: string, resource: string): RequestGap {
  return {
    kind: 'MissingRequest',
    message: `container ${container} of pod ${pod.name} has no ${resource} request; set resources.requests.${resource} or use an AverageValue target`,
  };
}

/** Containers and native sidecars, in this order. */
function countedContainers(pod: HpaPod): { readonly name: string; readonly requests: ResourceMap }[] {
  return [...pod.containers, ...pod.initContainers.filter((each) => each.restartable)];
}

/** The pod-level value if given for the resource, else what the containers need at most in any phase; plus overhead. */
function effectiveRequest(pod: HpaPod, podLevel: ResourceMap, resource: string): Milli | undefined {
  const own = isPodLevelResource(resource) ? podLevel[resource] : undefined;
  const base = own ?? aggregateRequest(pod, resource);
  const overhead = pod.overhead[resource];
  if (base === undefined) return overhead;
  return base + (overhead ?? 0n);
}

function aggregateRequest(pod: HpaPod, resource: string): Milli | undefined {
  let present = false;
  const read = (requests: ResourceMap): Milli => {
    const value = requests[resource];
    if (value !== undefined) present = true;
    return value ?? 0n;
  };
  let running = 0n;
  for (const each of pod.containers) running += read(each.requests);
  let sidecars = 0n;
  let initPeak = 0n;
  for (const each of pod.initContainers) {
    const value = read(each.requests);
    if (each.restartable) sidecars += value;
    // An ordinary init container runs beside the sidecars that were started before it.
    const phase = each.restartable ? sidecars : sidecars + value;
    if (phase > initPeak) initPeak = phase;
  }
  running += sidecars;
  if (!present) return undefined;
  return running > initPeak ? running : initPeak;
}
