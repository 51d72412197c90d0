import type { Amounts, ContainerRecommendation, SizedResource } from '../../model.ts';
import { containerSizing, sizedResources } from '../../model.ts';
import { mergeMembers, nameOfAggregate, sampleFacts, scratch } from './aggregates.kernel.ts';
import { rangeEnd } from './checkpoints.ts';
import { estimate, estimatesOf } from './estimator.kernel.ts';
import type { EstimationPlan, PlainEstimates } from './estimator.kernel.ts';
import { anyFed, membersOf } from './model-policies.ts';
import type { EngineState, OomNote, PolicyState } from './model-state.ts';
import { planFor } from './policy-settings.ts';
import type { ContainerEvidence, PolicyRecommendation, ResourceEvidence } from './types.ts';

interface Range {
  readonly container: string;
  readonly from: number;
  readonly to: number;
  readonly resources: readonly string[];
}

export function recommend(state: EngineState, policy: PolicyState, now: number): PolicyRecommendation {
  const members = membersOf(state, policy);
  const ranges = sizedRanges(state, policy, members);
  const share = 1 / sharers(state, members, ranges);
  const containers: ContainerRecommendation[] = [];
  const evidence: ContainerEvidence[] = [];
  for (const range of ranges) {
    const plan = planFor(state, policy, range.container);
    estimateRange(state, plan, members, { ...range, share });
    const numbers = estimatesOf(state.estimates);
    containers.push(recommendationOf(range, numbers));
    evidence.push(evidenceOf(state, members, range, { plan, numbers, now }));
  }
  return { containers, evidence };
}

/** The policy's containers without those that it switches off. */
function sizedRanges(state: EngineState, { policy }: PolicyState, members: readonly number[]): Range[] {
  const ranges: Range[] = [];
  for (let from = 0; from < members.length;) {
    const to = rangeEnd(state, members, from);
    const container = state.names[nameOfAggregate(state.aggregates, members[from] ?? 0)] ?? '';
    const sizing = containerSizing(policy.containers, container);
    if (sizing?.mode !== 'Off') ranges.push({ container, from, to, resources: sizing?.controlledResources ?? sizedResources });
    from = to;
  }
  return ranges;
}

/** Among how many containers the pod minimum is divided: those that live pods have, or as upstream all that there ever were. */
function sharers(state: EngineState, members: readonly number[], ranges: readonly Range[]): number {
  if (!state.config.splitOverLiveContainers) return ranges.length;
  const live = ranges.filter(({ from, to }) => anyFed(state, members, from, to)).length;
  return live === 0 ? ranges.length : live;
}

/** Fills `state.estimates`. */
function estimateRange(
  state: EngineState,
  plan: EstimationPlan,
  members: readonly number[],
  { from, to, share }: { readonly from: number; readonly to: number; readonly share: number },
): void {
  const { aggregates, estimates } = state;
  let a = members[from] ?? scratch;
  if (to - from > 1) {
    mergeMembers(aggregates, { list: members, from, to });
    a = scratch;
  }
  estimate({ cpu: aggregates.cpu, memory: aggregates.memory, plan }, a, share, estimates);
}

function recommendationOf({ container, resources }: Range, { cpu, memory }: PlainEstimates): ContainerRecommendation {
  const target = amountsOf(resources, cpu.target, memory.target);
  const lowerBound = amountsOf(resources, cpu.lower, memory.lower);
  const upperBound = amountsOf(resources, cpu.upper, memory.upper);
  return { container, target, lowerBound, upperBound, uncappedTarget: target };
}

function amountsOf(resources: readonly string[], cpu: number, memory: number): Amounts {
  if (resources === sizedResources) return { cpu, memory };
  const withMemory = resources.includes('memory');
  if (resources.includes('cpu')) return withMemory ? { cpu, memory } : { cpu };
  return withMemory ? { memory } : {};
}

interface EvidenceInput {
  readonly plan: EstimationPlan;
  readonly numbers: PlainEstimates;
  readonly now: number;
}

function evidenceOf(
  state: EngineState,
  members: readonly number[],
  range: Range,
  { plan, numbers, now }: EvidenceInput,
): ContainerEvidence {
  const { aggregates } = state;
  let [first, last, samples, minutes, peaks] = [Infinity, -Infinity, 0, 0, 0];
  let kills = 0;
  let latest: OomNote | undefined;
  for (const a of members.slice(range.from, range.to)) {
    const facts = sampleFacts(aggregates, a);
    first = Math.min(first, facts.first);
    last = Math.max(last, facts.last);
    samples += facts.samples;
    minutes += facts.minutes;
    peaks += facts.peaks;
    const note = state.oomNotes.get(a);
    kills += note?.kills ?? 0;
    if (note !== undefined && (latest === undefined || note.at > latest.at)) latest = note;
  }
  const span = Math.floor((now - first) / 60_000) + 1;
  return {
    container: range.container,
    samples,
    firstSample: first === Infinity ? undefined : first,
    lastSample: last === -Infinity ? undefined : last,
    coverage: span >= 1 ? Math.min(1, minutes / span) : 0,
    memoryPeaks: peaks,
    oomKills: kills,
    lastOom: latest === undefined ? undefined : { at: latest.at, from: latest.from, to: latest.to },
    resources: sizedResources
      .filter((resource) => range.resources.includes(resource))
      .map((resource) => resourceEvidence(resource, plan, numbers)),
  };
}

function resourceEvidence(resource: SizedResource, plan: EstimationPlan, numbers: PlainEstimates): ResourceEvidence {
  const { percentiles, margin } = plan[resource];
  const [lower = 0, target = 0, upper = 0] = percentiles;
  const { raw, confidence, minimum, atMinimum } = numbers[resource];
  return { resource, percentiles: { lower, target, upper }, estimates: raw, margin, confidence, minimum, atMinimum };
}
