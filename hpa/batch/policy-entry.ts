import type { OwnerRecord, PodRecord } from '../../core/model/pod.ts';
import { emptyState, type HpaState, type ScalingSpec } from '../engine/index.ts';
import type { EffectiveBounds } from '../engine/effective-bounds.ts';
import type { CompiledMetric } from './compiled-policy.ts';
import { toldLength, toldPlace, undoPlace, type Judgement } from './judgement.ts';
import type { PodGroup } from './pod-table.ts';
import type { BatchFacts, NotedEvaluation } from './ports.ts';
import type { RecentTick } from './recent-ticks.ts';
import { listBefore, recommendationsOf, recordWish, wishListOf, type WishList } from './wish-history.kernel.ts';

/** What the batch keeps of one policy. */
export interface Entry {
  readonly key: string;
  facts: BatchFacts;
  /** That of the policy, in the mode that the controller runs in. */
  spec: ScalingSpec;
  /** `undefined`: the engine's. */
  metrics: readonly CompiledMetric[] | undefined;
  /** Of the scale, as it was last looked for. */
  selector: string;
  group: PodGroup | undefined;
  /** The recommendations; `undefined` before the first evaluation. */
  wishes: WishList | undefined;
  /** The rest of the engine's state; its recommendations are not kept up to date. */
  state: HpaState;
  /** What was said last ({@link toldPlace}), then what the last wish took the place of; empty when it is not known. */
  told: number[];
  /** State of its schedules when it was said. */
  schedules: EffectiveBounds['schedules'];
  /** While a full evaluation is under way. */
  underWay: UnderWay | undefined;
  /** Of policies that count their own pods only. */
  owners: KnownOwners | undefined;
  /** Of the last decision that the engine did not make. */
  quietTick: RecentTick | undefined;
  quietFacts: BatchFacts;
  quietPods: readonly PodRecord[];
}

interface UnderWay {
  /** What is said if the engine comes to the same. */
  readonly told: number[] | undefined;
  readonly schedules: EffectiveBounds['schedules'];
  /** The pods that it was given. */
  pods: readonly PodRecord[] | undefined;
}

interface KnownOwners {
  /** Whose the pods were when the engine last found none of somebody else. */
  readonly owners: readonly (OwnerRecord | undefined)[];
  /** Revision of the group for which they were compared. */
  revision: number;
}

const noPods: readonly PodRecord[] = [];
const nothingTold: number[] = [];

export function createEntry(key: string, facts: BatchFacts): Entry {
  return {
    key,
    facts,
    spec: facts.policy.spec,
    metrics: undefined,
    selector: '',
    group: undefined,
    wishes: undefined,
    state: emptyState,
    told: nothingTold,
    schedules: undefined,
    underWay: undefined,
    owners: undefined,
    quietTick: undefined,
    quietFacts: facts,
    quietPods: noPods,
  };
}

/** Whether a decision comes out the same: another reading of the same scale is no news. */
export function hasSameMeaning(a: BatchFacts, b: BatchFacts): boolean {
  return (
    a.policy === b.policy &&
    a.scale.specReplicas === b.scale.specReplicas &&
    a.scale.statusReplicas === b.scale.statusReplicas &&
    a.scale.selector === b.scale.selector &&
    a.history.lastScaleUp === b.history.lastScaleUp &&
    a.history.lastScaleDown === b.history.lastScaleDown &&
    a.sizedAt === b.sizedAt &&
    a.conflict === b.conflict &&
    (a.rebased ?? false) === (b.rebased ?? false)
  );
}

/** The next decision is the engine's. */
export function forgetTold(entry: Entry): void {
  entry.told = nothingTold;
  entry.underWay = undefined;
  entry.quietTick = undefined;
}

/** Leaves the decision to the engine; `judgement` when nothing but the engine's word is missing. */
export function handOver(entry: Entry, judgement: Judgement | undefined): void {
  forgetTold(entry);
  entry.underWay = { told: judgement?.told.slice(), schedules: judgement?.bounds.schedules, pods: undefined };
}

/** The pods of the group, for a full evaluation. */
export function lendPods({ underWay }: Entry, group: PodGroup): readonly PodRecord[] {
  group.lent = true;
  if (underWay !== undefined) underWay.pods = group.records;
  return group.records;
}

export function isTold({ told, wishes }: Entry): boolean {
  return told.length > 0 && wishes !== undefined;
}

export function saysTheSame({ told, schedules }: Entry, judgement: Judgement): boolean {
  if (schedules !== judgement.bounds.schedules) return false;
  for (let at = 0; at < toldLength; at++) if (told[at] !== judgement.told[at]) return false;
  return true;
}

const undo = { entry: -1, at: 0, replicas: 0 };

/** Ends a decision that the engine need not make: the wish is recorded as the engine would, and what a decision is made of is kept. */
export function settle(entry: Entry, tick: RecentTick, judgement: Judgement): void {
  const { told, wishes, group } = entry;
  if (wishes === undefined || group === undefined) return;
  entry.wishes = recordWish(wishes, judgement.stabilization, [judgement.told[toldPlace.wish] ?? 0, tick.now], undo);
  for (let at = 0; at < toldLength; at++) told[at] = judgement.told[at] ?? 0;
  told[undoPlace.entry] = undo.entry;
  told[undoPlace.at] = undo.at;
  told[undoPlace.replicas] = undo.replicas;
  entry.schedules = judgement.bounds.schedules;
  entry.quietTick = tick;
  entry.quietFacts = entry.facts;
  entry.quietPods = group.records;
  group.lent = true;
}

/** The engine's state now. */
export function stateOf({ wishes, state }: Entry): HpaState {
  return { ...state, recommendations: wishes === undefined ? undefined : recommendationsOf(wishes) };
}

/** The engine's state before the last decision that it did not make. */
export function stateBefore({ wishes = [], told, state }: Entry): HpaState {
  const before = listBefore(wishes, {
    entry: told[undoPlace.entry] ?? -1,
    at: told[undoPlace.at] ?? 0,
    replicas: told[undoPlace.replicas] ?? 0,
  });
  return { ...state, recommendations: recommendationsOf(before) };
}

/** Takes over what the engine has decided. */
export function noteEvaluation(entry: Entry, noted: NotedEvaluation): void {
  const { underWay } = entry;
  const { recommendations, ...rest } = noted.conclusion.state;
  forgetTold(entry);
  noteOwners(entry, underWay?.pods, noted.input.selection?.foreign.length ?? 0);
  entry.wishes = recommendations === undefined ? undefined : wishListOf(recommendations);
  // Mostly there is nothing else: the one empty state serves all.
  entry.state = isEmpty(rest) ? emptyState : { ...rest, recommendations: undefined };
  if (underWay?.told === undefined || !agrees(underWay.told, noted) || noted.evaluation.bounds.schedules !== underWay.schedules) return;
  entry.told = underWay.told;
  entry.schedules = underWay.schedules;
}

function isEmpty({ scaleUpEvents, scaleDownEvents, failures }: Omit<HpaState, 'recommendations'>): boolean {
  return scaleUpEvents.length === 0 && scaleDownEvents.length === 0 && failures === undefined;
}

/** Whether the engine has come to what was foreseen, on data without doubt, and nothing was left over. */
function agrees(candidate: readonly number[], { input, evaluation, conclusion }: NotedEvaluation): boolean {
  const { branch, write, error, decision, proposed } = evaluation;
  return (
    branch === 'metrics' &&
    write === undefined &&
    error === undefined &&
    conclusion.error === undefined &&
    decision.to === decision.from &&
    decision.wanted === candidate[toldPlace.wish] &&
    proposed === candidate[toldPlace.proposed] &&
    input.selector.ok &&
    input.results.every((result) => result.kind !== 'failure' && result.degraded === undefined)
  );
}

/** Pods of somebody else are for the engine's caller to tell; with the owners that it saw last there are none. */
export function hasForeignPods({ spec, group, owners: known }: Entry): boolean {
  if (spec.podSelection !== 'OwnedOnly' || group === undefined) return false;
  if (known === undefined) return true;
  if (known.revision === group.revision) return false;
  for (const pod of group.records) if (!known.owners.includes(pod.owner)) return true;
  known.revision = group.revision;
  return false;
}

/** Notes whose pods the engine has seen; when they are others meanwhile it has to look again. */
function noteOwners(entry: Entry, pods: readonly PodRecord[] | undefined, foreign: number): void {
  const { spec, group } = entry;
  if (spec.podSelection !== 'OwnedOnly') return;
  const isKnown = foreign === 0 && pods !== undefined && group?.records === pods;
  entry.owners = isKnown ? { owners: [...new Set(pods.map((pod) => pod.owner))], revision: group.revision } : undefined;
}
