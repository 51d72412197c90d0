import { formatTime } from '../../../core/model/condition.ts';
import type { PodRecord } from '../../../core/model/pod.ts';
import { sizedResources, type Amounts, type ContainerRecommendation, type SizedResource } from '../../model.ts';
import { amountText, type Clamp } from './post-processors-clamp.ts';
import type { ContainerEvidence } from './types.ts';

/** What a container's requests are held by while its usage was not seen for long enough. */
export interface ObservationRule {
  /** Usage has to be seen for so long before requests are lowered, milliseconds; 0: at once, as upstream. */
  readonly shrinkAfterMs: number;
  readonly evidence: readonly ContainerEvidence[];
  /** When the policy was made, epoch milliseconds: usage of a container that has no first CPU sample is counted from then. */
  readonly created: number | undefined;
  /** Amounts that were not computed from usage but are as they were stored: they are left so. */
  readonly kept: readonly { readonly container: string; readonly resource: string }[];
  /** What the containers of live pods ask for. */
  readonly requests: ReadonlyMap<string, Amounts>;
  /** Epoch milliseconds. */
  readonly now: number;
}

export interface Held {
  readonly containers: readonly ContainerRecommendation[];
  readonly clamps: readonly Clamp[];
}

/**
 * A few minutes of usage say that a container needs at least so much, and nothing about what it needs at noon: until usage was seen for long enough a target is not
 * below what the pods ask for. It may grow at once. What a person has set (maxAllowed) and what no node can hold come after this, and may still lower it.
 */
export function holdShrinks(containers: readonly ContainerRecommendation[], rule: ObservationRule): Held {
  const { shrinkAfterMs, evidence, requests, now, created, kept } = rule;
  if (shrinkAfterMs <= 0) return { containers, clamps: [] };
  const firstOf = new Map(evidence.map(({ container, firstSample }) => [container, firstSample]));
  const clamps: Clamp[] = [];
  const held = containers.map((each) => {
    const first = firstOf.get(each.container);
    const until = (first ?? created ?? -Infinity) + shrinkAfterMs;
    const asked = requests.get(each.container);
    if (asked === undefined || now >= until) return each;
    const raised = sizedResources.filter(
      (resource) =>
        (each.target[resource] ?? Infinity) < (asked[resource] ?? 0) &&
        !kept.some((amount) => amount.container === each.container && amount.resource === resource),
    );
    if (raised.length === 0) return each;
    for (const resource of raised) clamps.push(clampOf(each, resource, { to: asked[resource] ?? 0, until, rule }));
    const raise = (amounts: Amounts): Amounts => ({
      ...amounts,
      ...Object.fromEntries(raised.map((resource) => [resource, Math.max(amounts[resource] ?? 0, asked[resource] ?? 0)])),
    });
    return { ...each, target: raise(each.target), upperBound: raise(each.upperBound) };
  });
  return { containers: held, clamps };
}

function clampOf(
  { container, target }: ContainerRecommendation,
  resource: SizedResource,
  { to, until, rule }: { readonly to: number; readonly until: number; readonly rule: ObservationRule },
): Clamp {
  const from = target[resource] ?? 0;
  const hours = Math.round(rule.shrinkAfterMs / 360_000) / 10;
  const message =
    `target ${resource} of container ${container} stays at ${amountText(resource, to)}, which the pods ask for, instead of ${amountText(resource, from)} until ` +
    `${formatTime(until)}: requests are not lowered before usage was seen for ${hours} h (--vpa-shrink-after)`;
  return { container, resource, field: 'target', from, to, by: 'short-observation', message };
}

/** The most that a container asks for in any of the pods. A boosted start says nothing about what is asked for. */
export function askedFor(pods: readonly PodRecord[]): ReadonlyMap<string, Amounts> {
  const asked = new Map<string, { cpu?: number; memory?: number }>();
  // Pods of one template share their shape.
  for (const { containers, annotations } of new Set(pods.map(({ shape }) => shape))) {
    for (const { name, requests } of containers) {
      const most = asked.get(name) ?? {};
      const { cpu, memory } = requests;
      if (cpu !== undefined && annotations[`vpaCpuStartupBoost/${name}`] === undefined) most.cpu = Math.max(most.cpu ?? 0, cpu);
      if (memory !== undefined) most.memory = Math.max(most.memory ?? 0, Math.ceil(memory / 1000));
      asked.set(name, most);
    }
  }
  return asked;
}
