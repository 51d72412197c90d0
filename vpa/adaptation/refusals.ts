import { noAmounts, type LimitBounds, type NamespaceLimits } from '../model.ts';
import { withoutResources } from './amounts.ts';
import type { ContainerValues } from './container-resources.ts';
import type { PodState } from './pod-resources.ts';

/** A resource that stays as it is in the whole pod, because the API server would refuse the pod with what is recommended. */
export interface KeptResource {
  readonly resource: string;
  /** One sentence for a person. */
  readonly message: string;
}

export interface GuardInput {
  readonly pod: PodState;
  /** By the pod's containers. */
  readonly values: readonly (ContainerValues | undefined)[];
  readonly limits: NamespaceLimits | undefined;
}

/**
 * Takes out the resources with which the API server would refuse a pod that it takes as it is: upstream's rounding, and its bounds where no limits are set,
 * can miss a LimitRange, and policies can contradict one.
 */
export function guardValues(input: GuardInput): { readonly values: GuardInput['values']; readonly kept: readonly KeptResource[] } {
  const kept: KeptResource[] = [];
  for (const resource of touchedResources(input.values)) {
    const problem = addedRefusal(input, [], resource);
    if (problem === undefined) continue;
    kept.push({ resource, message: `${resource} stays as it is: with what is recommended ${problem}` });
  }
  if (kept.length === 0) return { values: input.values, kept };
  const left = new Set(kept.map(({ resource }) => resource));
  return { values: input.values.map((each) => (each === undefined ? undefined : withoutValues(each, left))), kept };
}

/** Without those resources; `undefined` when nothing is left to set. */
export function withoutValues(values: ContainerValues, left: ReadonlySet<string>): ContainerValues | undefined {
  if (left.size === 0) return values;
  const requests = withoutResources(values.requests, left);
  const limits = withoutResources(values.limits, left);
  if (Object.keys(requests).length + Object.keys(limits).length === 0) return undefined;
  const notes = values.notes.filter((note) => !left.has(note.split(/[ :]/, 1)[0] ?? ''));
  return { ...values, requests, limits, notes };
}

function touchedResources(values: GuardInput['values']): ReadonlySet<string> {
  return new Set(values.flatMap((each) => (each === undefined ? [] : [...Object.keys(each.requests), ...Object.keys(each.limits)])));
}

interface Pair {
  readonly request: number | undefined;
  readonly limit: number | undefined;
}

/** Why the API server would refuse the pod with the values over that resource, where it would not with the others. */
export function addedRefusal(input: GuardInput, others: GuardInput['values'], resource: string): string | undefined {
  const problems = refusals(input, resource);
  if (problems.length === 0) return undefined;
  const known = refusals({ ...input, values: others }, resource);
  return problems.find((problem) => !known.includes(problem));
}

/** Why the API server would refuse the pod over that resource; the rules are those of its validation and of its LimitRanger. */
export function refusals({ pod, values, limits }: GuardInput, resource: string): readonly string[] {
  const problems: string[] = [];
  const pairs = pod.containers.map(({ spec }, index) => ({
    request: (values[index]?.requests ?? noAmounts)[resource] ?? spec.requests?.[resource],
    limit: (values[index]?.limits ?? noAmounts)[resource] ?? spec.limits?.[resource],
  }));
  for (const [index, pair] of pairs.entries()) {
    const name = `container "${pod.containers[index]?.name ?? ''}"`;
    if ((pair.limit ?? Number.POSITIVE_INFINITY) < (pair.request ?? 0)) problems.push(`the request of ${name} would exceed its limit`);
    for (const problem of boundsProblems(pair, limits?.container, resource)) problems.push(`${name} would ${problem}`);
  }
  const sum: Pair = { request: sumOf(pairs, 'request'), limit: sumOf(pairs, 'limit') };
  for (const problem of boundsProblems(sum, limits?.pod, resource)) problems.push(`the pod would ${problem}`);
  const podLevel = podLevelProblem(pod, pairs, resource);
  if (podLevel !== undefined) problems.push(`the pod would ${podLevel}`);
  return problems;
}

function boundsProblems(pair: Pair, bounds: LimitBounds | undefined, resource: string): readonly string[] {
  if (bounds === undefined) return [];
  const problems: string[] = [];
  const min = bounds.min?.[resource] ?? 0;
  if (min > 0 && isBelow(pair, min)) problems.push('fall below the minimum of a LimitRange');
  const max = bounds.max?.[resource] ?? 0;
  if (max > 0 && isAbove(pair, max)) problems.push('exceed the maximum of a LimitRange');
  return problems;
}

function isBelow({ request = 0, limit = Number.POSITIVE_INFINITY }: Pair, min: number): boolean {
  return request < min || limit < min;
}

function isAbove({ request = 0, limit = Number.POSITIVE_INFINITY }: Pair, max: number): boolean {
  return limit > max || request > max;
}

function podLevelProblem({ podLevel }: PodState, pairs: readonly Pair[], resource: string): string | undefined {
  const request = podLevel?.requests?.[resource] ?? podLevel?.limits?.[resource];
  if (request !== undefined && (sumOf(pairs, 'request') ?? 0) > request) return 'ask for more in its containers than for itself';
  const limit = podLevel?.limits?.[resource] ?? Number.POSITIVE_INFINITY;
  return pairs.some((pair) => (pair.limit ?? 0) > limit) ? 'have a container with a higher limit than its own' : undefined;
}

/** `undefined` when no container has it. */
function sumOf(pairs: readonly Pair[], key: keyof Pair): number | undefined {
  return pairs.reduce<number | undefined>((sum, pair) => (pair[key] === undefined ? sum : (sum ?? 0) + pair[key]), undefined);
}
