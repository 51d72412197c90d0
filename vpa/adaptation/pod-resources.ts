import type { ContainerShape, ContainerStatusRecord, PodRecord, ResourceList } from '../../core/model/index.ts';
import { noAmounts, type Amounts } from '../model.ts';
import { amountsOf, amountsOfRecord } from './amounts.ts';

/** Requests and limits as the pod spec has them. */
export interface SpecResources {
  /** `undefined`: there is no such list. */
  readonly requests: Amounts | undefined;
  readonly limits: Amounts | undefined;
  /** The `resources` object holds something else too (claims), so it must not be replaced. */
  readonly others: boolean;
}

export interface ContainerState {
  readonly name: string;
  /** In force: what the kubelet reports, else what the spec says; the two are never mixed. */
  readonly requests: Amounts;
  readonly limits: Amounts;
  readonly spec: SpecResources;
  /** What the kubelet reports; `undefined` when it says nothing. */
  readonly reported: SpecResources | undefined;
}

/** What adapting looks at of a pod. */
export interface PodState {
  /** In the order of the spec. */
  readonly containers: readonly ContainerState[];
  readonly initContainers: readonly SpecResources[];
  /** `spec.resources` of the pod itself; `undefined` when it sets none. */
  readonly podLevel: SpecResources | undefined;
}

/** The resources of a pod's record. */
export function podState(pod: Pick<PodRecord, 'shape' | 'statuses'>): PodState {
  const { containers, initContainers, podRequests, podLimits } = pod.shape;
  const podLevel: SpecResources = { requests: recordList(podRequests), limits: recordList(podLimits), others: false };
  return {
    containers: containers.map((shape) => recordState(shape, pod.statuses)),
    initContainers: initContainers.map(shapeSpec),
    podLevel: podLevel.requests === undefined && podLevel.limits === undefined ? undefined : podLevel,
  };
}

function recordState(shape: ContainerShape, statuses: readonly ContainerStatusRecord[]): ContainerState {
  const spec = shapeSpec(shape);
  const status = statuses.find((each) => !each.init && each.name === shape.name);
  const says = status !== undefined && (status.requests !== undefined || status.limits !== undefined);
  const reported = says ? { requests: recordList(status.requests), limits: recordList(status.limits), others: false } : undefined;
  return stateOf(shape.name, spec, reported);
}

function shapeSpec(shape: ContainerShape): SpecResources {
  return { requests: recordList(shape.requests), limits: recordList(shape.limits), others: false };
}

/** A record does not tell an empty list from none; neither holds anything. */
function recordList(list: ResourceList | undefined): Amounts | undefined {
  if (list === undefined || Object.keys(list).length === 0) return undefined;
  return amountsOfRecord(list);
}

type Json = Readonly<Record<string, unknown>>;

/** The resources of a pod's JSON, whatever shape it has. With `status: false` as for a pod that is being created: nothing runs yet. */
export function podStateOfJson(pod: unknown, { status = true }: { readonly status?: boolean } = {}): PodState {
  const spec = objectOf(objectOf(pod)?.['spec']);
  const statuses = status ? statusesByName(objectOf(objectOf(pod)?.['status'])?.['containerStatuses']) : undefined;
  const resources = objectOf(spec?.['resources']);
  return {
    containers: listOf(spec?.['containers']).map((raw) => jsonState(objectOf(raw), statuses)),
    initContainers: listOf(spec?.['initContainers']).map((raw) => jsonSpec(objectOf(objectOf(raw)?.['resources']))),
    podLevel: resources === undefined ? undefined : jsonSpec(resources),
  };
}

function statusesByName(list: unknown): ReadonlyMap<string, Json> {
  const found = new Map<string, Json>();
  for (const raw of listOf(list)) {
    const status = objectOf(raw);
    const name = textOf(status?.['name']);
    if (status !== undefined && !found.has(name)) found.set(name, status);
  }
  return found;
}

function jsonState(raw: Json | undefined, statuses: ReadonlyMap<string, Json> | undefined): ContainerState {
  const name = textOf(raw?.['name']);
  const spec = jsonSpec(objectOf(raw?.['resources']));
  const reported = objectOf(statuses?.get(name)?.['resources']);
  return stateOf(name, spec, reported === undefined ? undefined : jsonSpec(reported));
}

function stateOf(name: string, spec: SpecResources, reported: SpecResources | undefined): ContainerState {
  const { requests = noAmounts, limits = noAmounts } = reported ?? spec;
  return { name, requests, limits, spec, reported };
}

function jsonSpec(resources: Json | undefined): SpecResources {
  return {
    requests: amountsOf(resources?.['requests']),
    limits: amountsOf(resources?.['limits']),
    others: resources !== undefined && Object.keys(resources).some((key) => key !== 'requests' && key !== 'limits'),
  };
}

function objectOf(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
