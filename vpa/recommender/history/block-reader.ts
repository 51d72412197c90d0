import { askAdaptively, type BearableSize, type Piece } from './adaptive-query.ts';
import type { BlockSeries, HistoryBlock, PodController } from './block-cache.ts';
import type { HistoryAnswer, HistoryClient, HistoryFailure, HistorySeries } from './history-client.ts';
import type { HistoryConfig } from './history-config.ts';
import type { Block } from './history-grid.ts';
import { cpuQuery, memoryQuery, ownerMetrics, ownerQuery, podLabelsQuery, podOwnerMetric, type OwnerMetric } from './history-queries.ts';

export interface BlockReaderContext {
  readonly client: HistoryClient;
  readonly config: HistoryConfig;
  readonly size: BearableSize;
  /** Called for each query, and for each refusal that leads to smaller ones. */
  readonly onQuery: () => void;
  readonly onSplit: () => void;
  readonly signal: AbortSignal | undefined;
}

export type BlockReading = { readonly ok: true; readonly blocks: ReadonlyMap<string, HistoryBlock> } | HistoryFailure;

/** Reads a block for some namespaces, one query after the other. Whole or not at all. */
export async function readBlock(context: BlockReaderContext, namespaces: readonly string[], block: Block): Promise<BlockReading> {
  const drafts = new Map(namespaces.map((namespace) => [namespace, createDraft(block)]));
  const steps = [
    () => readUsage({ context, drafts, namespaces, block }, 'cpu'),
    () => readUsage({ context, drafts, namespaces, block }, 'memory'),
    ...(context.config.owners ? [() => readControllers({ context, drafts, namespaces, block })] : []),
    ...(context.config.podLabels === undefined ? [] : [() => readLabels({ context, drafts, namespaces, block })]),
  ];
  for (const step of steps) {
    const answer = await step();
    if (!answer.ok) return answer;
  }
  return { ok: true, blocks: new Map([...drafts].map(([namespace, draft]) => [namespace, draft.finish()])) };
}

interface Draft {
  readonly controllers: Map<string, PodController>;
  readonly labels: Map<string, Readonly<Record<string, string>>>;
  column(pod: string, container: string, resource: 'cpu' | 'memory'): Float64Array;
  finish(): HistoryBlock;
}

function createDraft({ points }: Block): Draft {
  const series = new Map<string, BlockSeries>();
  const controllers = new Map<string, PodController>();
  const labels = new Map<string, Readonly<Record<string, string>>>();
  return {
    controllers,
    labels,
    column: (pod, container, resource) => {
      const id = `${pod}\n${container}`;
      let found = series.get(id);
      if (found === undefined) {
        found = { pod, container, cpu: new Float64Array(points).fill(NaN), memory: new Float64Array(points).fill(NaN) };
        series.set(id, found);
      }
      return found[resource];
    },
    finish: () => ({ series: [...series.values()], controllers, labels }),
  };
}

interface Reading {
  readonly context: BlockReaderContext;
  readonly drafts: ReadonlyMap<string, Draft>;
  readonly namespaces: readonly string[];
  readonly block: Block;
}

function readUsage({ context, drafts, namespaces, block }: Reading, resource: 'cpu' | 'memory'): Promise<HistoryAnswer> {
  const { config, size, onSplit } = context;
  const { namespaceLabel, podLabel, containerLabel, resolutionMs: step } = config;
  const pointAt = (index: number): number => block.start + (index + 1) * step;
  const ask = (piece: Piece): Promise<HistoryAnswer> =>
    askWhole(
      context,
      {
        query: (resource === 'cpu' ? cpuQuery : memoryQuery)(config, piece.namespaces),
        start: pointAt(piece.first),
        end: pointAt(piece.first + piece.count - 1),
      },
      ({ labels, timestamps, values }) => {
        const pod = labels[podLabel] ?? '';
        const container = labels[containerLabel] ?? '';
        const draft = drafts.get(labels[namespaceLabel] ?? '');
        if (draft === undefined || pod === '' || container === '') return;
        fillColumn(draft.column(pod, container, resource), { timestamps, values, start: block.start, step });
      },
    );
  return askAdaptively({ ask, size, blockPoints: block.points, onSplit }, { namespaces, first: 0, count: block.points });
}

interface Points {
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
  readonly start: number;
  readonly step: number;
}

/** What is no amount is no sample. */
function fillColumn(column: Float64Array, { timestamps, values, start, step }: Points): void {
  for (const [at, timestamp] of timestamps.entries()) {
    const index = Math.round((timestamp - start) / step) - 1;
    const value = values[at] ?? NaN;
    if (index >= 0 && index < column.length && Number.isFinite(value) && value >= 0) column[index] = value;
  }
}

/** Whose the pods of the block were, up to the topmost controller that is told. */
async function readControllers(reading: Reading): Promise<HistoryAnswer> {
  const { drafts, namespaces } = reading;
  const answer = await readOwners(reading, { metric: podOwnerMetric, namespaces }, (namespace, pod, owner) => {
    drafts.get(namespace)?.controllers.set(pod, owner);
  });
  if (!answer.ok) return answer;
  for (const [kind, metric] of Object.entries(ownerMetrics)) {
    const affected = namespaces.filter((namespace) =>
      [...(drafts.get(namespace)?.controllers.values() ?? [])].some((owner) => owner.kind === kind),
    );
    if (affected.length === 0) continue;
    const above = new Map<string, PodController>();
    const next = await readOwners(reading, { metric, namespaces: affected }, (namespace, name, owner) =>
      above.set(`${namespace}/${name}`, owner),
    );
    if (!next.ok) return next;
    for (const namespace of affected) {
      const controllers = drafts.get(namespace)?.controllers;
      for (const [pod, owner] of controllers ?? []) {
        const topmost = owner.kind === kind ? above.get(`${namespace}/${owner.name}`) : undefined;
        if (topmost !== undefined) controllers?.set(pod, topmost);
      }
    }
  }
  return { ok: true };
}

function readOwners(
  { context, block }: Reading,
  { metric, namespaces }: { readonly metric: OwnerMetric; readonly namespaces: readonly string[] },
  each: (namespace: string, name: string, owner: PodController) => void,
): Promise<HistoryAnswer> {
  return readFacts(
    { context, block, namespaces },
    (some) => ownerQuery(metric, some, block.end - block.start),
    (labels) => {
      const { namespace = '', owner_kind: kind = '', owner_name: name = '' } = labels;
      // kube-state-metrics writes <none> for an object without.
      if (kind !== '' && name !== '' && !kind.startsWith('<')) each(namespace, labels[metric.label] ?? '', { kind, name });
    },
  );
}

function readLabels({ context, drafts, namespaces, block }: Reading): Promise<HistoryAnswer> {
  const { config } = context;
  const { podLabels } = config;
  if (podLabels === undefined) return Promise.resolve({ ok: true });
  return readFacts(
    { context, block, namespaces },
    (some) => podLabelsQuery(config, some, block.end - block.start) ?? '',
    (labels) => {
      const own = Object.entries(labels).flatMap(([key, value]) =>
        key.startsWith(podLabels.prefix) ? [[key.slice(podLabels.prefix.length), value]] : [],
      );
      drafts
        .get(labels[podLabels.namespaceLabel] ?? '')
        ?.labels.set(labels[podLabels.podLabel] ?? '', Object.fromEntries(own) as Record<string, string>);
    },
  );
}

/** Facts of the block as a whole: one point, at its end. */
function readFacts(
  { context, block, namespaces }: Omit<Reading, 'drafts'>,
  query: (namespaces: readonly string[]) => string,
  each: (labels: HistorySeries['labels']) => void,
): Promise<HistoryAnswer> {
  const ask = (piece: Piece): Promise<HistoryAnswer> =>
    askWhole(context, { query: query(piece.namespaces), start: block.end, end: block.end }, ({ labels }) => each(labels));
  return askAdaptively({ ask, size: context.size, blockPoints: 1, onSplit: context.onSplit }, { namespaces, first: 0, count: 1 });
}

/** A query whose series are used only when the answer is whole. */
async function askWhole(
  { client, config, onQuery, signal }: BlockReaderContext,
  question: { readonly query: string; readonly start: number; readonly end: number },
  each: (series: HistorySeries) => void,
): Promise<HistoryAnswer> {
  if (signal?.aborted === true) return { ok: false, reason: 'cancelled', message: 'the import was stopped', tooMuch: false };
  onQuery();
  const series: HistorySeries[] = [];
  const answer = await client.queryRange({ ...question, stepMs: config.resolutionMs, signal }, (one) => series.push(one));
  if (answer.ok) for (const one of series) each(one);
  return answer;
}
