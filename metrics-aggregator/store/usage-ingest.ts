import { nextTurn } from '../../core/kube/turn.ts';
import type { NodeUsage } from '../../core/model/metrics-view.ts';
import { mergeNodes } from '../engine/merge-usage.ts';
import { implausibleSentence, plausibleCpu, plausibleMemory } from '../engine/plausible-usage.ts';
import { addDeparted, type ContainerHistories } from './container-histories.ts';
import { inverseOf, matchRows, startMatch, type RowMatch } from './match-rows.kernel.ts';
import { mergeColumns, mergeRows, type MergeColumns, type RowMerge } from './merge-rows.kernel.ts';
import { withoutRepeats } from './repeated-rows.ts';
import type { DepartedContainer, PodShape, UsageGeneration } from './usage-generation.ts';
import type { UsageTable } from './usage-table.ts';

/** What one answer came to. */
export interface IngestReport {
  readonly pods: number;
  readonly containers: number;
  /** Pods with a newer timestamp than before, or that are new. */
  readonly fresh: number;
  /** Pods whose timestamp went backwards; the later sample was kept, unless it was of the future. */
  readonly backwards: number;
  /** Pods whose sample, as it is used, is of the future. */
  readonly ahead: number;
  /** Containers whose history was given up, or that have none, for lack of room. */
  readonly evicted: number;
  /** Values that cannot be and count as unknown, one sentence each, at most twenty; the last tells how many there are more. */
  readonly implausible: readonly string[];
}

export interface IngestInput {
  readonly answer: { readonly pods: UsageTable; readonly nodes: readonly NodeUsage[] };
  readonly now: number;
  readonly previous: UsageGeneration;
  /** When the answer before came. */
  readonly previousAt: number;
  readonly histories: ContainerHistories;
  readonly historyPoints: number;
  readonly forgetAfterMs: number;
}

export interface IngestResult {
  readonly generation: Omit<UsageGeneration, 'unpublished'>;
  readonly report: IngestReport;
}

/** Rows between two turns of the event loop: less than a millisecond, and some ten before the loops are compiled. */
const rowsPerTurn = 2048;
const maxSentences = 20;

/** The generation that an answer makes of the one before. */
export async function ingestAnswer(input: IngestInput): Promise<IngestResult> {
  const { answer, previous, histories, now } = input;
  const evictedBefore = histories.evicted;
  const { table, match, shape } = await shapeOf(answer.pods, previous.shape, now);
  const sameShape = shape === previous.shape;
  if (!sameShape) await departUnseen(input, match);
  histories.forget(now - input.forgetAfterMs);
  const merge: RowMerge = {
    table,
    match,
    previous,
    shape,
    answerRows: sameShape ? inverseOf(match) : undefined,
    previousRows: sameShape ? undefined : match.containers,
    histories,
    historyPoints: input.historyPoints,
    now,
    columns: mergeColumns(shape),
    counts: { fresh: 0, backwards: 0, ahead: 0, implausible: 0 },
    implausible: [],
    maxImplausible: maxSentences,
    oldest: Infinity,
  };
  await inSlices(shape.podCount, (from, to) => mergeRows(merge, from, to));
  histories.tidy();
  const columns: MergeColumns = merge.columns;
  const generation: IngestResult['generation'] = {
    ...columns,
    shape,
    rings: histories.rings.commit(),
    departures: histories.departures,
    nodes: mergeNodes(previous.nodes, answer.nodes.map(plausibleNode), now),
    oldest: merge.oldest,
  };
  const { fresh, backwards, ahead } = merge.counts;
  const report: IngestReport = {
    pods: shape.podCount,
    containers: shape.containerCount,
    fresh,
    backwards,
    ahead,
    evicted: histories.evicted - evictedBefore,
    implausible: sentencesOf(merge),
  };
  return { generation, report };
}

async function inSlices(rows: number, work: (from: number, to: number) => void): Promise<void> {
  for (let from = 0; from < rows; from += rowsPerTurn) {
    if (from > 0) await nextTurn();
    work(from, Math.min(rows, from + rowsPerTurn));
  }
}

interface Shaped {
  readonly table: UsageTable;
  readonly match: RowMatch;
  /** That of before when the answer lists the same. */
  readonly shape: PodShape;
}

async function shapeOf(table: UsageTable, before: PodShape, now: number): Promise<Shaped> {
  const match = startMatch(table, before);
  await inSlices(table.podCount, (from, to) => matchRows(match, { table, shape: before }, from, to));
  if (match.sameShape) return { table, match, shape: before };
  const rows = new Map<string, Map<string, number>>();
  let repeated = false;
  await inSlices(table.podCount, (from, to) => {
    repeated = indexRows(rows, table, from, to) || repeated;
  });
  if (repeated) return shapeOf(await withoutRepeats(table, now), before, now);
  const { podCount, containerCount, namespaces, names, firstContainer, containers } = table;
  const slots = new Int32Array(containerCount).fill(-1);
  return { table, match, shape: { podCount, containerCount, namespaces, names, firstContainer, containers, rows, slots } };
}

/** True when a pod is listed twice. */
function indexRows(rows: Map<string, Map<string, number>>, { namespaces, names }: UsageTable, from: number, to: number): boolean {
  let repeated = false;
  let namespace: string | undefined;
  let inNamespace = new Map<string, number>();
  for (let row = from; row < to; row++) {
    const next = namespaces[row] ?? '';
    if (next !== namespace) {
      namespace = next;
      const known = rows.get(namespace);
      inNamespace = known ?? new Map<string, number>();
      if (known === undefined) rows.set(namespace, inNamespace);
    }
    const name = names[row] ?? '';
    if (inNamespace.has(name)) repeated = true;
    inNamespace.set(name, row);
  }
  return repeated;
}

/** Notes the containers of before that the answer does not list. */
async function departUnseen({ previous, previousAt, histories }: IngestInput, { seen }: RowMatch): Promise<void> {
  const { shape } = previous;
  const leaving = new Map<string, DepartedContainer[]>();
  await inSlices(shape.podCount, (from, to) => {
    for (let pod = from; pod < to; pod++) {
      const end = shape.firstContainer[pod + 1] ?? 0;
      for (let container = shape.firstContainer[pod] ?? 0; container < end; container++) {
        if (seen[container] === 0) addDeparted(leaving, previous, { pod, container });
      }
    }
  });
  if (leaving.size > 0) histories.depart(leaving, previousAt);
}

/** The same rule as for containers: a node that runs uses memory. */
function plausibleNode(node: NodeUsage): NodeUsage {
  const memory = node.memoryMilli ?? Number.NaN;
  const cpu = node.cpuMilli ?? Number.NaN;
  return { ...node, cpuMilli: known(plausibleCpu(cpu, memory)), memoryMilli: known(plausibleMemory(memory)) };
}

function known(value: number): number | undefined {
  return Number.isNaN(value) ? undefined : value;
}

function sentencesOf({ implausible, counts, shape }: RowMerge): readonly string[] {
  const sentences = implausible.map(({ pod, container, cpuMilli, memoryMilli }) => {
    const path = `${shape.namespaces[pod] ?? ''}/${shape.names[pod] ?? ''}/${shape.containers[container] ?? ''}`;
    return implausibleSentence(`container ${shown(path)}`, cpuMilli, memoryMilli);
  });
  const more = counts.implausible - maxSentences;
  if (more > 0) sentences[maxSentences - 1] = `and ${more + 1} more containers are reported with values that cannot be`;
  return sentences;
}

/** Names come from elsewhere. */
function shown(path: string): string {
  return path.replaceAll(/[\p{Cc}\p{Cf}]/gu, '?').slice(0, 400);
}
