import {
  containerSizing,
  noAmounts,
  type Amounts,
  type ContainerRecommendation,
  type ContainerSizing,
  type NamespaceLimits,
  type Recommendation,
} from '../model.ts';
import { resourceNames } from './amounts.ts';
import { clampNote, clampOf, hasUpstreamNote, type Clamp, type ClampReason } from './clamp.ts';
import { containerBounds } from './container-bounds.ts';
import { boundPod, podPassOrder, type Draft, type PodPass } from './pod-bounds.ts';
import type { ContainerState, PodState } from './pod-resources.ts';
import { capAmount, type Caps } from './policy-caps.ts';

export interface AdaptInput {
  /** `undefined`: nothing is recommended. */
  readonly recommendation: Recommendation | undefined;
  readonly containers: readonly ContainerSizing[];
  readonly pod: PodState;
  readonly limits: NamespaceLimits | undefined;
  /** Containers whose resources stay as they are: they count in the sums of the pod's LimitRange, and are not scaled. */
  readonly leftAlone?: ReadonlySet<string> | undefined;
  /** Quirks Q9 and Q10 as upstream has them. */
  readonly asUpstream?: boolean | undefined;
}

export interface AdaptedRecommendation {
  /** Of containers of the pod, in the order of the recommendation; then those that only the pod's LimitRange brought in. */
  readonly containers: readonly ContainerRecommendation[];
  /** By container, upstream's words: what moved the target. */
  readonly notes: ReadonlyMap<string, readonly string[]>;
  /** Every move of a target, in the order in which it was made. */
  readonly clamps: readonly Clamp[];
}

/** What is recommended for one pod: within its LimitRanges, its policies and, where only requests are controlled, its limits (spec 4.3). Never throws. */
export function adaptRecommendation(input: AdaptInput): AdaptedRecommendation {
  const { recommendation, pod, limits, leftAlone } = input;
  const clamps: Clamp[] = [];
  const drafts = (recommendation?.containers ?? []).filter((each) => leftAlone?.has(each.container) !== true).map(draftOf);
  if (recommendation !== undefined && limits?.pod !== undefined) boundByPod(input, drafts, clamps);
  const states = new Map(pod.containers.map((container) => [container.name, container]));
  const adapted: Draft[] = [];
  for (const draft of drafts) {
    const state = states.get(draft.container);
    if (state === undefined) continue;
    adaptContainer(draft, state, input, clamps);
    adapted.push(draft);
  }
  return { containers: adapted, notes: notesOf(clamps), clamps };
}

function draftOf({ container, target, lowerBound, upperBound, uncappedTarget }: ContainerRecommendation): Draft {
  return { container, target: { ...target }, lowerBound: { ...lowerBound }, upperBound: { ...upperBound }, uncappedTarget };
}

function boundByPod({ pod, limits, leftAlone, asUpstream = false }: AdaptInput, drafts: Draft[], clamps: Clamp[]): void {
  const byContainer = new Map<string, Draft>();
  for (const draft of drafts) if (!byContainer.has(draft.container)) byContainer.set(draft.container, draft);
  for (const { name, requests } of pod.containers) {
    if (byContainer.has(name) || leftAlone?.has(name) === true || Object.keys(requests).length === 0) continue;
    const draft: Draft = { container: name, target: { ...requests }, lowerBound: {}, upperBound: {}, uncappedTarget: noAmounts };
    byContainer.set(name, draft);
    drafts.push(draft);
  }
  for (const [field, resource] of podPassOrder) {
    const moves = boundPod({ pod, drafts: byContainer, limits: limits?.pod ?? noLimits, resource, field, asUpstream });
    if (field !== 'target') continue;
    for (const { draft, from, to, by } of moves) clamps.push(clampOf(draft.container, resource, { from, to, by }));
  }
}

/** One pass of the pod's LimitRange over one field: what {@link adaptRecommendation} does six times. */
export function boundPodField(
  recommendations: readonly ContainerRecommendation[],
  pass: Omit<PodPass, 'drafts'>,
): readonly ContainerRecommendation[] {
  const drafts = recommendations.map(draftOf);
  boundPod({ ...pass, drafts: new Map(drafts.map((draft) => [draft.container, draft])) });
  return drafts;
}

const noLimits = { min: undefined, max: undefined, default: undefined };

function adaptContainer(draft: Draft, state: ContainerState, { containers, limits }: AdaptInput, clamps: Clamp[]): void {
  const sizing = containerSizing(containers, draft.container);
  const steps: readonly Step[] = [
    { caps: containerBounds(state, limits?.container), min: 'limitRangeMin', max: 'limitRangeMax' },
    { caps: { min: sizing?.minAllowed ?? noAmounts, max: sizing?.maxAllowed ?? noAmounts }, min: 'minAllowed', max: 'maxAllowed' },
  ];
  const ownLimits = sizing?.controlledValues === 'RequestsOnly' ? state.limits : noAmounts;
  for (const step of steps) applyCaps(draft, step, clamps);
  applyLimits(draft, ownLimits, clamps);
}

interface Step {
  readonly caps: Caps;
  readonly min: ClampReason;
  readonly max: ClampReason;
}

const fields = ['target', 'lowerBound', 'upperBound'] as const;

function applyCaps(draft: Draft, { caps, min, max }: Step, clamps: Clamp[]): void {
  for (const field of fields) {
    const amounts = draft[field];
    for (const resource of resourceNames(amounts)) {
      const from = amounts[resource] ?? 0;
      const { raised, amount } = capAmount(from, resource, caps);
      amounts[resource] = amount;
      if (field !== 'target') continue;
      if (raised !== from) clamps.push(clampOf(draft.container, resource, { from, to: raised, by: min }));
      if (amount !== raised) clamps.push(clampOf(draft.container, resource, { from: raised, to: amount, by: max }));
    }
  }
}

/** Here a limit of zero counts: nothing may be asked for above it. */
function applyLimits(draft: Draft, limits: Amounts, clamps: Clamp[]): void {
  for (const field of fields) {
    for (const [resource, to] of Object.entries(limits)) {
      const from = Object.hasOwn(draft[field], resource) ? (draft[field][resource] ?? 0) : to;
      if (from <= to) continue;
      draft[field][resource] = to;
      if (field === 'target') clamps.push(clampOf(draft.container, resource, { from, to, by: 'containerLimit' }));
    }
  }
}

function notesOf(clamps: readonly Clamp[]): ReadonlyMap<string, readonly string[]> {
  const notes = new Map<string, string[]>();
  for (const clamp of clamps) {
    if (!hasUpstreamNote(clamp)) continue;
    const list = notes.get(clamp.container);
    if (list === undefined) notes.set(clamp.container, [clampNote(clamp)]);
    else list.push(clampNote(clamp));
  }
  return notes;
}
