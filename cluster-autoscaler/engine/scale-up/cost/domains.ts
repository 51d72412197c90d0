import type { Labels, PodRecord, PodShape } from '../../../../core/model/index.ts';
import type { SchedulingSnapshot } from '../../scheduling/snapshot.ts';
import type { Kind, MixProblem } from './problem.ts';
import type { Term, TermTable } from './terms.ts';

const hostKey = 'kubernetes.io/hostname';

/** Pools that are in the same domain of every topology key that some pod's rule names: for the rules they are one place. */
export interface Cell {
  /** By key. A key that its nodes do not carry is absent. */
  readonly values: ReadonlyMap<string, string>;
  /** Indexes of the problem's pools. */
  readonly pools: readonly number[];
}

/** Where pods are to go: their cell, or none (-1) for pods to whom all are the same. */
export interface Assignment {
  readonly cells: readonly Cell[];
  /** The pods in the order in which they were assigned, which is one in which all rules hold when they are placed: kind and cell of each. */
  readonly kinds: Int32Array;
  readonly cellOf: Int32Array;
  /** Number of pods assigned: the first ones of the two arrays. */
  readonly count: number;
  /** Pods for which no cell was found, by kind. */
  readonly left: ReadonlyMap<number, number>;
}

/** Pods counted by a term in each domain of its key. */
interface Tally {
  readonly counts: Map<string, number>;
  /** Domains with a pod that does not want these beside it. */
  readonly barred: Map<string, number>;
  total: number;
}

/**
 * Divides pods over cells so that every rule over domains (zones and the like) holds: spreading, affinity and anti-affinity, pods that exist counted. Pods
 * that a spread rule counts are kept even over its domains, whoever asked for it, so that the order in which they are scheduled does not matter.
 */
export function assignCells(problem: MixProblem, snapshot: SchedulingSnapshot, weightOf: (kind: Kind) => number): Assignment {
  const { kinds, terms } = problem;
  // Existing pods may name further terms and keys: those come first.
  const tallies = countExisting(problem, snapshot);
  const cells = cellsOf(problem);
  const matches = kinds.map(({ pods }) => (pods[0] === undefined ? [] : terms.matching(pods[0]).filter(({ key }) => key !== hostKey)));
  const ruled = kinds.map(({ rules }) => ({
    spread: rules.spread.filter(({ term }) => term.key !== hostKey),
    affinity: rules.affinity,
    anti: rules.anti.filter(({ key }) => key !== hostKey),
  }));
  const total = kinds.reduce((sum, { pods }) => sum + pods.length, 0);
  const kindOfPod = new Int32Array(total);
  const cellOfPod = new Int32Array(total);
  const loads = new Float64Array(cells.length);
  const spreadTerms = new Set(ruled.flatMap(({ spread }) => spread.map(({ term }) => term)));
  let count = 0;
  let waiting: { kind: number; count: number }[] = [];
  for (const kind of orderOfKinds(ruled, matches)) {
    const { pods } = kinds[kind] as Kind;
    const rules = ruled[kind];
    const counted = matches[kind];
    if (rules === undefined || counted === undefined) continue;
    if (counted.length + rules.spread.length + rules.affinity.length + rules.anti.length > 0) {
      waiting.push({ kind, count: pods.length });
      continue;
    }
    kindOfPod.fill(kind, count, count + pods.length);
    cellOfPod.fill(-1, count, count + pods.length);
    count += pods.length;
  }
  const allowed = bySize(problem.requirementOf.length, (size) => allowedCells(problem, cells, size));
  const domains = createDomains(cells, tallies);
  // A pod may have to wait for others: those that it wants beside it, or those that fill the emptiest domain.
  for (let before = -1; before !== count && waiting.length > 0;) {
    before = count;
    const still: typeof waiting = [];
    for (const { kind, count: wanted } of waiting) {
      const rules = ruled[kind] as (typeof ruled)[number];
      const counted = matches[kind] ?? [];
      const weight = weightOf(kinds[kind] as Kind);
      let done = 0;
      for (; done < wanted; done++) {
        const cell = bestCell({
          rules,
          counted,
          cells,
          allowed: allowed((kinds[kind] as Kind).size),
          tallies,
          domains,
          spreadTerms,
          loads,
        });
        if (cell < 0) break;
        book(cells[cell] as Cell, counted, rules.anti, tallies);
        loads[cell] = (loads[cell] ?? 0) + weight;
        kindOfPod[count] = kind;
        cellOfPod[count] = cell;
        count += 1;
      }
      if (done < wanted) still.push({ kind, count: wanted - done });
    }
    waiting = still;
  }
  return { cells, kinds: kindOfPod, cellOf: cellOfPod, count, left: new Map(waiting.map(({ kind, count: number }) => [kind, number])) };
}

interface CellRules {
  readonly spread: readonly { readonly term: Term; readonly maxSkew: number }[];
  readonly affinity: readonly Term[];
  readonly anti: readonly Term[];
}

/** Those that others want beside them first, then affinity, anti-affinity, spreading, and those that are only counted. */
function orderOfKinds(ruled: readonly CellRules[], matches: readonly (readonly Term[])[]): readonly number[] {
  const wanted = new Set(ruled.flatMap(({ affinity }) => affinity));
  const rank = (kind: number): number => {
    const rules = ruled[kind];
    if (rules === undefined) return 5;
    const isWanted = matches[kind]?.some((term) => wanted.has(term)) === true;
    if (isWanted && rules.affinity.length === 0) return 0;
    if (rules.affinity.length > 0) return 1;
    if (rules.anti.length > 0) return 2;
    return rules.spread.length > 0 ? 3 : 4;
  };
  const ranks = ruled.map((_, kind) => rank(kind));
  return ruled.map((_, kind) => kind).toSorted((a, b) => (ranks[a] ?? 0) - (ranks[b] ?? 0));
}

function cellsOf({ pools, terms }: MixProblem): readonly Cell[] {
  const keys = [...new Set(terms.terms.map(({ key }) => key))].filter((key) => key !== hostKey).toSorted();
  const cells = new Map<string, { values: Map<string, string>; pools: number[] }>();
  for (const [index, { candidate }] of pools.entries()) {
    const { labels } = candidate.template.node;
    const values = new Map(keys.flatMap((key) => (Object.hasOwn(labels, key) ? [[key, labels[key] ?? '']] : [])));
    const name = JSON.stringify([...values]);
    const cell = cells.get(name);
    if (cell === undefined) cells.set(name, { values, pools: [index] });
    else cell.pools.push(index);
  }
  return [...cells].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, cell]) => cell);
}

/** Remembers what is found for a size. */
function bySize<T>(sizes: number, find: (size: number) => T): (size: number) => T {
  const found: (T | undefined)[] = Array.from({ length: sizes }, () => undefined);
  return (size) => (found[size] ??= find(size));
}

/** Indexes of the cells in which some pool may take pods of the size, and has room for one. */
function allowedCells({ pools, requirementOf, requests, resources }: MixProblem, cells: readonly Cell[], size: number): readonly number[] {
  const requirement = requirementOf[size] ?? 0;
  const width = resources.length;
  const takes = (index: number): boolean => {
    const pool = pools[index];
    if (pool?.allows[requirement] !== true) return false;
    return pool.supply.every((free, each) => (requests[size * width + each] ?? 0) <= Math.max(0, free));
  };
  return cells.flatMap((cell, index) => (cell.pools.some(takes) ? [index] : []));
}

type Tallies = ReadonlyMap<Term, Tally>;

/** Pods that exist, counted for the terms over domains; and terms of existing pods that bar new ones. */
function countExisting({ terms }: MixProblem, snapshot: SchedulingSnapshot): Tallies {
  const nodes = snapshot.nodeIds().map((id) => ({ labels: snapshot.node(id).labels, pods: snapshot.podsOn(id) }));
  const barriers = barriersOf(terms, nodes);
  const tallies = new Map(terms.terms.filter(({ key }) => key !== hostKey).map((term) => [term, emptyTally()]));
  for (const { term, value } of barriers) add(tallies.get(term)?.barred, value);
  if (tallies.size === 0) return tallies;
  for (const { labels, pods } of nodes) {
    for (const pod of pods) {
      if (pod.deleted !== undefined) continue;
      for (const term of terms.matching(pod)) count(tallies.get(term), labels[term.key]);
    }
    // A domain without a pod counts, too.
    for (const [term, { counts }] of tallies) {
      const value = labels[term.key];
      if (value !== undefined && !counts.has(value)) counts.set(value, 0);
    }
  }
  return tallies;
}

interface ExistingNode {
  readonly labels: Labels;
  readonly pods: readonly PodRecord[];
}

/** Domains in which an existing pod does not want others beside it. Their terms become known to the table. */
function barriersOf(terms: TermTable, nodes: readonly ExistingNode[]): readonly { readonly term: Term; readonly value: string }[] {
  const known = new Map<PodShape, boolean>();
  const hasAnti = ({ shape }: PodRecord): boolean => {
    let has = known.get(shape);
    if (has === undefined) {
      has = (shape.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).length > 0;
      known.set(shape, has);
    }
    return has;
  };
  const barriers: { readonly term: Term; readonly value: string }[] = [];
  for (const { labels, pods } of nodes) {
    for (const term of pods.filter(hasAnti).flatMap((pod) => terms.antiOf(pod))) {
      const value = labels[term.key];
      if (term.key !== hostKey && value !== undefined) barriers.push({ term, value });
    }
  }
  return barriers;
}

function emptyTally(): Tally {
  return { counts: new Map(), barred: new Map(), total: 0 };
}

function count(tally: Tally | undefined, value: string | undefined): void {
  if (tally === undefined || value === undefined) return;
  add(tally.counts, value);
  tally.total += 1;
}

function add(counts: Map<string, number> | undefined, value: string): void {
  counts?.set(value, (counts.get(value) ?? 0) + 1);
}

/** The least number of pods that a term counts in a domain: of the cells that the pod may go to and of the nodes that exist. */
type Domains = (term: Term, allowed: readonly number[]) => number;

function createDomains(cells: readonly Cell[], tallies: Tallies): Domains {
  return (term, allowed) => {
    const counts = tallies.get(term)?.counts;
    let least = Number.POSITIVE_INFINITY;
    if (counts === undefined) return 0;
    for (const value of counts.values()) least = Math.min(least, value);
    for (const index of allowed) {
      const value = cells[index]?.values.get(term.key);
      if (value !== undefined) least = Math.min(least, counts.get(value) ?? 0);
    }
    return Number.isFinite(least) ? least : 0;
  };
}

interface CellChoice {
  readonly rules: CellRules;
  readonly counted: readonly Term[];
  readonly cells: readonly Cell[];
  readonly allowed: readonly number[];
  readonly tallies: Tallies;
  readonly domains: Domains;
  readonly spreadTerms: ReadonlySet<Term>;
  readonly loads: Float64Array;
}

/** The cell that the rules let the pod into: the one that keeps spreading most even, then the one with the least load, then the first; -1 for none. */
function bestCell(choice: CellChoice): number {
  const { cells, allowed, counted, tallies, spreadTerms, loads } = choice;
  let best = -1;
  let bestUneven = Number.POSITIVE_INFINITY;
  for (const index of allowed) {
    const cell = cells[index];
    if (cell === undefined || !isAllowed(cell, choice)) continue;
    let uneven = 0;
    for (const term of counted) {
      const value = cell.values.get(term.key);
      if (spreadTerms.has(term) && value !== undefined) uneven += tallies.get(term)?.counts.get(value) ?? 0;
    }
    if (uneven > bestUneven || (uneven === bestUneven && (loads[index] ?? 0) >= (loads[best] ?? 0))) continue;
    best = index;
    bestUneven = uneven;
  }
  return best;
}

function isAllowed({ values }: Cell, { rules, counted, tallies, domains, allowed }: CellChoice): boolean {
  const inside = (term: Term, what: 'counts' | 'barred'): number | undefined => {
    const value = values.get(term.key);
    return value === undefined ? undefined : (tallies.get(term)?.[what].get(value) ?? 0);
  };
  for (const { term, maxSkew } of rules.spread) {
    const there = inside(term, 'counts');
    if (there === undefined || there + Number(counted.includes(term)) - domains(term, allowed) > maxSkew) return false;
  }
  for (const term of rules.affinity) {
    const there = inside(term, 'counts');
    const isFirst = tallies.get(term)?.total === 0 && counted.includes(term);
    if (there === undefined || (there === 0 && !isFirst)) return false;
  }
  return rules.anti.every((term) => (inside(term, 'counts') ?? 0) === 0) && counted.every((term) => (inside(term, 'barred') ?? 0) === 0);
}

function book({ values }: Cell, counted: readonly Term[], anti: readonly Term[], tallies: Tallies): void {
  for (const term of counted) count(tallies.get(term), values.get(term.key));
  for (const term of anti) {
    const value = values.get(term.key);
    if (value !== undefined) add(tallies.get(term)?.barred, value);
  }
}
