import { checkQuery, formatSeconds, pinRange, quoted, splitBySelector } from '../../promql/index.ts';
import type { FormFields } from '../http/index.ts';
import type { ClientFailure, ServerLimit } from './answer-failure.ts';
import { askApi } from './client-request.ts';
import { mergeWarnings } from './envelope.ts';
import { flavourFields } from './flavour.ts';
import { serverTimeout, strangeAnswer, type ClientContext } from './instant-query.ts';
import { askLabelValues } from './names-query.ts';
import { createSeriesStitcher, type SeriesStitcher } from './series-stitcher.ts';
import { parseRangeItem, type RangeItem } from './series-item.ts';

export interface RangeRequest {
  readonly query: string;
  /** Epoch milliseconds; points are at start, start + step, … up to end. */
  readonly start: number;
  readonly end: number;
  /** Whole milliseconds. */
  readonly step: number;
}

export interface RangeOptions {
  readonly signal?: AbortSignal | undefined;
  /** Series of the whole answer, in place of the limit of the MetricSource. */
  readonly maxSeries?: number | undefined;
  /** Labels that the query may be split by, first choice first. */
  readonly splitLabels?: readonly string[] | undefined;
}

export type RangeAnswer =
  | {
      readonly ok: true;
      readonly series: readonly RangeItem[];
      readonly warnings: readonly string[];
      /** Requests that it took. */
      readonly requests: number;
    }
  | ClientFailure;

/** Labels that split most queries about a cluster into parts of like size. */
const splitLabels = ['pod', 'instance', 'node', 'container', 'namespace', 'job'];
/** A range is halved so often at most: 1/64 of 11,000 points is three hours at a minute. */
const MAX_TIME_SPLITS = 6;
const MAX_SELECTOR_SPLITS = 6;
/** One question may not become a flood of them. */
const MAX_REQUESTS = 256;
const MAX_LABEL_VALUES = 4000;

interface Run {
  readonly context: ClientContext;
  readonly request: RangeRequest;
  readonly options: RangeOptions;
  /** The query may be asked for in pieces of time. */
  readonly divisible: boolean;
  /** Points of one request: shrinks when the server answers that it is too much. */
  size: number;
  requests: number;
  readonly stitcher: SeriesStitcher;
  readonly warnings: (readonly string[])[];
}

/** A part of the question: some points of the grid, for some of the series. */
interface Piece {
  readonly query: string;
  /** Index of its first point. */
  readonly first: number;
  readonly count: number;
  readonly timeSplits: number;
  readonly selectorSplits: number;
}

/**
 * A range query, in as many requests as it takes. All requests are on one grid (start + n × step), each point in exactly one of them, so that the pieces put
 * together are what one request would have answered. Where the server answers that the question is too large, the time is split in halves, then the series
 * by the values of a label (first the series where the server counts series); a split by series is made only where it is exact (see `splitBySelector`).
 * An answer is whole or a failure, never a part.
 */
export async function askRange(context: ClientContext, request: RangeRequest, options: RangeOptions): Promise<RangeAnswer> {
  const { start, end, step } = request;
  if (!(Number.isInteger(step) && step > 0 && Number.isInteger(start) && Number.isInteger(end) && end >= start)) {
    const detail = `a range of MetricSource ${context.name} must have whole milliseconds, a step above 0 and an end not before its start`;
    return { ok: false, reason: 'refused', detail };
  }
  const count = Math.floor((end - start) / step) + 1;
  const pinned = pinRange(request.query, request);
  if (!pinned.ok && count > context.limits.maxPoints) {
    return {
      ok: false,
      reason: 'refused',
      detail: `the range has ${count} points, more than ${context.limits.maxPoints}, and ${pinned.problem}`,
    };
  }
  const run: Run = {
    context,
    request,
    options,
    divisible: pinned.ok,
    size: context.limits.maxPoints,
    requests: 0,
    stitcher: createSeriesStitcher(),
    warnings: [],
  };
  const failure = await answer(run, { query: pinned.ok ? pinned.query : request.query, first: 0, count, timeSplits: 0, selectorSplits: 0 });
  if (failure !== undefined) return failure;
  return { ok: true, series: run.stitcher.finish(), warnings: mergeWarnings(run.warnings), requests: run.requests };
}

/** Asks for a piece in requests of the current size, from early to late. */
async function answer(run: Run, piece: Piece): Promise<ClientFailure | undefined> {
  const end = piece.first + piece.count;
  for (let first = piece.first; first < end;) {
    const count = Math.min(run.size, end - first);
    const failure = await answerOne(run, { ...piece, first, count });
    if (failure !== undefined) return failure;
    first += count;
  }
  return undefined;
}

async function answerOne(run: Run, piece: Piece): Promise<ClientFailure | undefined> {
  const failure = await ask(run, piece);
  if (failure?.limit === undefined) return failure;
  const ways = failure.limit === 'series' ? [bySelector, byTime] : [byTime, bySelector];
  for (const way of ways) {
    const parts = await way(run, piece, failure.limit);
    if (parts === undefined) continue;
    for (const part of parts) {
      const partFailure = await answer(run, part);
      if (partFailure !== undefined) return partFailure;
    }
    return undefined;
  }
  return { ...failure, detail: `${failure.detail}; it could not be asked for in smaller pieces: shorten the range or select less` };
}

type Parts = readonly [Piece, Piece] | undefined;

function byTime(run: Run, piece: Piece, limit: ServerLimit): Promise<Parts> {
  if (!run.divisible || piece.count < 2 || piece.timeSplits >= MAX_TIME_SPLITS) return Promise.resolve(undefined);
  const half = Math.ceil(piece.count / 2);
  if (limit !== 'series') run.size = Math.min(run.size, half);
  const timeSplits = piece.timeSplits + 1;
  return Promise.resolve([
    { ...piece, count: half, timeSplits },
    { ...piece, first: piece.first + half, count: piece.count - half, timeSplits },
  ]);
}

async function bySelector(run: Run, piece: Piece): Promise<Parts> {
  if (piece.selectorSplits >= MAX_SELECTOR_SPLITS) return undefined;
  for (const label of run.options.splitLabels ?? splitLabels) {
    // Whether it may be split at all is known without asking for values.
    if (!splitBySelector(piece.query, { label, values: ['a', 'b'] }).ok) continue;
    const values = await valuesOf(run, piece, label);
    if (values === undefined) continue;
    const split = splitBySelector(piece.query, { label, values });
    if (!split.ok) continue;
    const [some, others] = split.queries;
    const selectorSplits = piece.selectorSplits + 1;
    return [
      { ...piece, query: some, selectorSplits },
      { ...piece, query: others, selectorSplits },
    ];
  }
  return undefined;
}

async function valuesOf(run: Run, piece: Piece, label: string): Promise<readonly string[] | undefined> {
  const checked = checkQuery(piece.query);
  if (!checked.ok || ++run.requests > MAX_REQUESTS) return undefined;
  const { start, end } = run.request;
  const values = await askLabelValues(run.context, label, {
    match: checked.selectors,
    start,
    end,
    maxItems: MAX_LABEL_VALUES,
    signal: run.options.signal,
  });
  return values.ok && values.items.length > 1 ? values.items : undefined;
}

async function ask(run: Run, piece: Piece): Promise<ClientFailure | undefined> {
  const { context, request, options, stitcher } = run;
  const { name, limits, type } = context;
  if (++run.requests > MAX_REQUESTS) {
    return {
      ok: false,
      reason: 'refused',
      detail: `the range query ${quoted(request.query)} would take MetricSource ${name} more than ${MAX_REQUESTS} requests`,
    };
  }
  const maxSeries = options.maxSeries ?? limits.maxSeries;
  const from = request.start + piece.first * request.step;
  const form: FormFields = [
    ['query', piece.query],
    ['start', formatSeconds(from)],
    ['end', formatSeconds(from + (piece.count - 1) * request.step)],
    ['step', formatSeconds(request.step)],
    ['timeout', serverTimeout(limits.timeoutMs)],
    ...flavourFields({ type, options: context.options, use: 'range', maxSeries }),
  ];
  const items: RangeItem[] = [];
  const result = await askApi(context.http, name, {
    path: '/api/v1/query_range',
    form,
    itemsAt: 'data.result',
    visit: (text) => {
      const item = parseRangeItem(text);
      if (item !== undefined) items.push(item);
      return item !== undefined;
    },
    maxItems: maxSeries,
    itemName: 'series',
    signal: options.signal,
  });
  if (!result.ok) return result;
  if (result.envelope.resultType !== 'matrix') return strangeAnswer(context);
  run.warnings.push(result.envelope.warnings);
  for (const item of items) stitcher.add(item);
  if (stitcher.seriesCount <= maxSeries) return undefined;
  return {
    ok: false,
    reason: 'refused',
    detail: `the range query ${quoted(request.query)} has more than ${maxSeries} series: select less`,
  };
}
