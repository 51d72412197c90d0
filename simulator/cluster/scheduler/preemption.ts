import type { Random } from '../../../core/model/clock.ts';
import { parseTime } from '../../../core/model/condition.ts';
import { conditionOf, type PodDisruptionBudget } from '../controllers/kinds.ts';
import { compileSelector, isEmptySelector } from '../controllers/runtime/label-selector.ts';
import { type Cycle, filterNode, tryPod } from './cycle.ts';
import type { Rejection } from './filters/rejection.ts';
import { histogram } from './messages.ts';
import { cloneNode, type NodeInfo } from './node-info.ts';
import type { NodeTable } from './node-table.ts';
import type { Nominations } from './nominations.ts';
import type { Diagnosis } from './placement.ts';
import type { PodInfo } from './pod-info.ts';

export interface PreemptionInput {
  readonly table: NodeTable;
  readonly nominations: Nominations;
  readonly random: Random;
  readonly budgets: () => readonly PodDisruptionBudget[];
}

export type PreemptionOutcome =
  { readonly node: NodeInfo; readonly victims: readonly PodInfo[] } | { readonly message: string; readonly clearNomination: boolean };

interface Candidate {
  readonly node: NodeInfo;
  /** Most important first. */
  readonly victims: readonly PodInfo[];
  readonly violations: number;
}

const notHelpful = 'Preemption is not helpful for scheduling';
const noVictims = 'No preemption victims found for incoming pod';

/** Which pods would have to go, on which node, for the pod to fit: as few and as unimportant as possible, budgets respected where that can be. */
export function findPreemption(cycle: Cycle, diagnosis: Diagnosis, input: PreemptionInput): PreemptionOutcome {
  const { pod } = cycle;
  const refusal = ineligible(pod, diagnosis, input);
  if (refusal !== undefined) return { message: refusal, clearNomination: false };
  const potential = [...diagnosis.byNode].filter(([, rejection]) => !rejection.unresolvable).map(([node]) => node);
  const refused = new Map<NodeInfo, readonly string[]>();
  const candidates = input.table.lowestPriority() < pod.priority ? dryRun(cycle, potential, refused, input) : [];
  if (candidates.length === 0 && refused.size === 0) for (const node of potential) refused.set(node, [noVictims]);
  const best = pickCandidate(candidates);
  if (best !== undefined) return { node: best.node, victims: best.victims };
  const total = input.table.size;
  const reasons = [...refused.values()].flat();
  for (let others = total - refused.size; others > 0; others--) reasons.push(notHelpful);
  return { message: `0/${total} nodes are available: ${histogram(reasons)}.`, clearNomination: true };
}

function ineligible(pod: PodInfo, diagnosis: Diagnosis, { table, nominations }: PreemptionInput): string | undefined {
  if (pod.pod.spec.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.';
  const nominated = table.byName(nominations.nodeOf(pod.key) ?? '');
  if (nominated === undefined || diagnosis.byNode.get(nominated)?.unresolvable === true) return undefined;
  for (const other of nominated.pods.values()) {
    if (other.priority < pod.priority && isBeingPreempted(other)) return 'not eligible due to a terminating pod on the nominated node.';
  }
  return undefined;
}

function isBeingPreempted({ terminating, pod }: PodInfo): boolean {
  const condition = conditionOf(pod.status?.conditions, 'DisruptionTarget');
  return terminating && condition?.status === 'True' && condition.reason === 'PreemptionByScheduler';
}

/** Looks at enough nodes from a random start: a tenth of them, at least 100, as upstream. */
function dryRun(
  cycle: Cycle,
  potential: readonly NodeInfo[],
  refused: Map<NodeInfo, readonly string[]>,
  input: PreemptionInput,
): Candidate[] {
  const wanted = Math.min(potential.length, Math.max(100, Math.floor(potential.length / 10)));
  const start = Math.floor(input.random() * potential.length);
  const budgets = input.budgets();
  const candidates: Candidate[] = [];
  for (let step = 0; step < potential.length; step++) {
    const node = potential[(start + step) % potential.length];
    if (node === undefined) continue;
    const found = victimsOn(cycle, node, budgets, input.nominations);
    if (Array.isArray(found)) refused.set(node, found);
    else candidates.push(found);
    if (candidates.length >= wanted && candidates.some(({ violations }) => violations === 0)) break;
  }
  return candidates;
}

function victimsOn(cycle: Cycle, node: NodeInfo, budgets: readonly PodDisruptionBudget[], nominations: Nominations): Candidate | string[] {
  const lower = [...node.pods.values()].filter((other) => other.priority < cycle.pod.priority).sort(moreImportant);
  if (lower.length === 0) return [noVictims];
  const copy = cloneNode(node);
  for (const other of lower) tryPod(cycle, copy, other, -1);
  const away = new Set(lower);
  const fits = (): Rejection | undefined => filterWithNominated(cycle, copy, nominations);
  const restore = (): void => {
    for (const other of away) tryPod(cycle, copy, other, 1);
  };
  const rejection = fits();
  if (rejection !== undefined) {
    restore();
    return [...rejection.reasons];
  }
  const { violating, others } = splitByBudget(lower, budgets);
  let violations = 0;
  const reprieve = (other: PodInfo): boolean => {
    tryPod(cycle, copy, other, 1);
    if (fits() === undefined) {
      away.delete(other);
      return true;
    }
    tryPod(cycle, copy, other, -1);
    return false;
  };
  for (const other of violating) if (!reprieve(other)) violations += 1;
  for (const other of others) reprieve(other);
  const victims = lower.filter((other) => away.has(other));
  restore();
  return victims.length === 0 ? [noVictims] : { node, victims, violations };
}

function filterWithNominated(cycle: Cycle, node: NodeInfo, nominations: Nominations): Rejection | undefined {
  const expected = nominations.before(cycle.pod, node.name);
  for (const pod of expected) tryPod(cycle, node, pod, 1);
  const beside = expected.length === 0 ? undefined : filterNode(cycle, node);
  for (const pod of expected) {
    tryPod(cycle, node, pod, -1);
    cycle.absent.delete(pod.key);
  }
  return beside ?? filterNode(cycle, node);
}

function startOf({ pod, createdAt }: PodInfo): number {
  return parseTime(pod.status?.startTime) ?? createdAt;
}

/** Higher priority first, then the longer running. */
function moreImportant(a: PodInfo, b: PodInfo): number {
  return b.priority - a.priority || startOf(a) - startOf(b) || (a.key < b.key ? -1 : 1);
}

/** Pods whose deletion would break a budget, given those before them in the list. */
function splitByBudget(pods: readonly PodInfo[], budgets: readonly PodDisruptionBudget[]): { violating: PodInfo[]; others: PodInfo[] } {
  const rules = budgets
    .filter(({ spec }) => spec.selector !== undefined && !isEmptySelector(spec.selector))
    .map((budget) => ({
      namespace: budget.metadata.namespace ?? '',
      matches: compileSelector(budget.spec.selector),
      disrupted: budget.status?.disruptedPods ?? {},
      allowed: budget.status?.disruptionsAllowed ?? 0,
    }));
  const violating: PodInfo[] = [];
  const others: PodInfo[] = [];
  for (const pod of pods) {
    let breaks = false;
    if (Object.keys(pod.group.labels).length > 0) {
      for (const rule of rules) {
        if (rule.namespace !== pod.namespace || !rule.matches(pod.group.labels) || rule.disrupted[pod.name] !== undefined) continue;
        rule.allowed -= 1;
        if (rule.allowed < 0) breaks = true;
      }
    }
    (breaks ? violating : others).push(pod);
  }
  return { violating, others };
}

/**
 * Fewest budget violations, least important victims, smallest sum of priorities, fewest victims, latest start of the most important
 * ones; the first of what is left.
 */
function pickCandidate(candidates: readonly Candidate[]): Candidate | undefined {
  const scores: ((candidate: Candidate) => number)[] = [
    ({ violations }) => -violations,
    ({ victims }) => -(victims[0]?.priority ?? 0),
    // 2^31 on each so that a few very low priorities do not look better than one.
    ({ victims }) => -victims.reduce((total, victim) => total + victim.priority + 2 ** 31, 0),
    ({ victims }) => -victims.length,
    ({ victims }) => Math.min(...victims.filter(({ priority }) => priority === victims[0]?.priority).map(startOf)),
  ];
  let left = candidates;
  for (const score of scores) {
    if (left.length <= 1) break;
    const best = Math.max(...left.map(score));
    left = left.filter((candidate) => score(candidate) === best);
  }
  return left[0];
}
