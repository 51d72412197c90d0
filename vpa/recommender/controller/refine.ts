import { containerSizing, type Amounts, type ContainerRecommendation, type Recommendation, type SizingPolicy } from '../../model.ts';
import type { ContainerEvidence, PolicyRecommendation } from '../engine/types.ts';

/** An amount that was not computed anew for want of data: it stays as it was. */
export interface KeptAmount {
  readonly container: string;
  readonly resource: string;
}

export interface RefineInput {
  /** The engine's. */
  readonly computed: PolicyRecommendation | undefined;
  /** What is recommended now. */
  readonly stored: Recommendation | undefined;
  readonly policy: Pick<SizingPolicy, 'containers'>;
  /** Containers that are to be left out. */
  readonly without: ReadonlySet<string>;
}

export interface Refined {
  /** Sorted by name; before post-processors. */
  readonly containers: readonly ContainerRecommendation[];
  readonly evidence: readonly ContainerEvidence[];
  readonly kept: readonly KeptAmount[];
}

const amountFields = ['target', 'lowerBound', 'upperBound', 'uncappedTarget'] as const;

/**
 * The engine's recommendation without what it only guessed: a resource that nothing was ever measured of, or whose samples have all faded, is not recommended
 * the minimum (as upstream does) but stays as it was, or stays out. So is a container that is stored but that the engine knows nothing of, as after a restart
 * without checkpoint.
 */
export function refine({ computed, stored, policy, without }: RefineInput): Refined {
  const evidence = (computed?.evidence ?? []).filter(({ container }) => !without.has(container));
  const storedOf = new Map((stored?.containers ?? []).map((each) => [each.container, each]));
  const measured = (computed?.containers ?? []).flatMap((each) => {
    const before = storedOf.get(each.container);
    storedOf.delete(each.container);
    if (without.has(each.container)) return [];
    return measuredPart(each, before, unmeasuredOf(evidence.find(({ container }) => container === each.container)));
  });
  const unknown = [...storedOf.values()].flatMap((before) => {
    const sizing = containerSizing(policy.containers, before.container);
    return without.has(before.container) || sizing?.mode === 'Off' ? [] : allKept(controlled(before, sizing?.controlledResources));
  });
  const parts = [...measured, ...unknown].toSorted(({ next: a }, { next: b }) =>
    a.container < b.container ? -1 : Number(a.container > b.container),
  );
  return { containers: parts.map(({ next }) => next), evidence, kept: parts.flatMap(({ kept }) => kept) };
}

interface Part {
  readonly next: ContainerRecommendation;
  readonly kept: readonly KeptAmount[];
}

function measuredPart(
  computed: ContainerRecommendation,
  stored: ContainerRecommendation | undefined,
  unmeasured: readonly string[],
): Part[] {
  if (unmeasured.length === 0) return [{ next: computed, kept: [] }];
  const next = withKept(computed, stored, unmeasured);
  // Without any resource it says nothing.
  if (Object.keys(next.target).length === 0) return [];
  return [{ next, kept: keptOf(next).filter(({ resource }) => unmeasured.includes(resource)) }];
}

function allKept(next: ContainerRecommendation): Part[] {
  return [{ next, kept: keptOf(next) }];
}

function keptOf({ container, target }: ContainerRecommendation): KeptAmount[] {
  return Object.keys(target).map((resource) => ({ container, resource }));
}

/** Every bucket's estimate is above 0: 0 is an empty histogram. */
function unmeasuredOf(evidence: ContainerEvidence | undefined): readonly string[] {
  return (evidence?.resources ?? []).flatMap(({ resource, estimates }) => (estimates.target > 0 ? [] : [resource]));
}

function withKept(
  computed: ContainerRecommendation,
  stored: ContainerRecommendation | undefined,
  resources: readonly string[],
): ContainerRecommendation {
  const field = (name: (typeof amountFields)[number]): Amounts => {
    const amounts: Record<string, number> = Object.fromEntries(
      Object.entries(computed[name]).filter(([resource]) => !resources.includes(resource)),
    );
    for (const resource of resources) {
      const before = stored?.[name][resource];
      if (before !== undefined && resource in computed[name]) amounts[resource] = before;
    }
    return amounts;
  };
  return eachField(computed.container, field);
}

function controlled(stored: ContainerRecommendation, resources: readonly string[] | undefined): ContainerRecommendation {
  if (resources === undefined) return stored;
  return eachField(stored.container, (name) =>
    Object.fromEntries(Object.entries(stored[name]).filter(([resource]) => resources.includes(resource))),
  );
}

function eachField(container: string, field: (name: (typeof amountFields)[number]) => Amounts): ContainerRecommendation {
  return {
    container,
    target: field('target'),
    lowerBound: field('lowerBound'),
    upperBound: field('upperBound'),
    uncappedTarget: field('uncappedTarget'),
  };
}

export interface VanishInput {
  /** Containers that the policy is known to have had. */
  readonly names: Iterable<string>;
  /** Containers of live pods; `undefined`: not known. */
  readonly live: ReadonlySet<string> | undefined;
  /** When a live pod last had them, epoch milliseconds; brought up to date here. */
  readonly seen: Map<string, number>;
  /** The container's last sample, for what has not been seen. */
  readonly lastSample: (container: string) => number | undefined;
  readonly limitMs: number;
  readonly now: number;
}

/** Containers that no live pod has had for the limit while others live. Without live pods nothing vanishes: a workload at zero replicas keeps all. */
export function vanishedContainers({ names, live, seen, lastSample, limitMs, now }: VanishInput): ReadonlySet<string> {
  const vanished = new Set<string>();
  if (live === undefined || live.size === 0) return vanished;
  for (const container of live) seen.set(container, now);
  for (const container of names) {
    if (live.has(container)) continue;
    const since = seen.get(container) ?? Math.min(now, lastSample(container) ?? now);
    seen.set(container, since);
    if (now - since >= limitMs) vanished.add(container);
  }
  return vanished;
}
