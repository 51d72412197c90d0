import type { Amounts } from '../model.ts';
import { quantityText, resourceNames } from './amounts.ts';
import type { ContainerValues } from './container-resources.ts';
import type { SpecResources } from './pod-resources.ts';

/** RFC 6902; the shape of core/kube's operation of that name. */
export type PatchOperation =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };

/** What the pod has already: a list that is `undefined` is made first. */
export type Presence = Pick<SpecResources, 'requests' | 'limits' | 'others'>;

/** The operations that set the resources of the container at that place of the spec, in upstream's order (spec 6.3). */
export function containerOperations(
  index: number,
  presence: Presence,
  values: Pick<ContainerValues, 'requests' | 'limits'>,
): PatchOperation[] {
  const base = `/spec/containers/${index}/resources`;
  const operations: PatchOperation[] = [];
  if (presence.requests === undefined && presence.limits === undefined && !presence.others)
    operations.push({ op: 'add', path: base, value: {} });
  for (const kind of ['requests', 'limits'] as const) {
    const amounts = values[kind];
    const resources = resourceNames(amounts);
    if (presence[kind] === undefined && resources.length > 0) operations.push({ op: 'add', path: `${base}/${kind}`, value: {} });
    for (const resource of resources) {
      operations.push({ op: 'add', path: `${base}/${kind}/${escapePointer(resource)}`, value: textOf(resource, amounts) });
    }
  }
  return operations;
}

function textOf(resource: string, amounts: Amounts): string {
  return quantityText(resource, amounts[resource] ?? 0);
}

/** The part of the vpaUpdates annotation that is about one container: `container 0: <notes>, cpu request, memory limit`. */
export function containerSummary(index: number, { requests, limits, notes }: ContainerValues): string {
  const set = [
    ...resourceNames(requests).map((resource) => `${resource} request`),
    ...resourceNames(limits).map((resource) => `${resource} limit`),
  ];
  return `container ${index}: ${[...notes, ...set].join(', ')}`;
}

export function annotationOperation(key: string, value: string): PatchOperation {
  return { op: 'add', path: `/metadata/annotations/${escapePointer(key)}`, value };
}

function escapePointer(part: string): string {
  return part.replaceAll('~', '~0').replaceAll('/', '~1');
}
