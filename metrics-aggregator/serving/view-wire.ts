import type { MetricsView, NodeUsage, PodUsage, QueryResult, SourceReport, SourceState } from '../../core/model/metrics-view.ts';
import type { Doubt } from '../../core/model/sample.ts';
import type { ViewFacts } from './ports.ts';

/**
 * How a whole view goes over the wire: lines of JSON. First the header, then batches of sources, pods, nodes and answers to queries in any number, at last
 * the end with the sequence of the header: a body that breaks off has none. Changes that an older reader would misread raise the version.
 */
export const wireVersion = 1;

/** The first line. */
export interface ViewHeader {
  readonly schemaVersion: typeof wireVersion;
  /** The process that counts the sequence: another one counts anew. */
  readonly instance: string;
  readonly sequence: number;
  /** When the view was made, epoch milliseconds by the clock of the server. */
  readonly at: number;
  /** When it was sent, by the same clock: a view that stood for long is known to be old, whatever the time is elsewhere. */
  readonly now: number;
  /** `unchanged`: pods and nodes are those of the view that the client has, and are left out. */
  readonly usage: 'whole' | 'unchanged';
  readonly usageSource: string;
  readonly resourceSource: SourceState;
  readonly usageDoubt?: Doubt | undefined;
  readonly startGraceMs: number;
  readonly unscrapedNodes: readonly { readonly name: string; readonly since: number; readonly pods: number }[];
  /** Revision of the demands whose answers follow; absent when they were not asked for as a client's. */
  readonly demands?: number | undefined;
  /** How many of each follow: a line that is lost on the way is noticed. */
  readonly counts: { readonly sources: number; readonly pods: number; readonly nodes: number; readonly queries: number };
}

/** Namespace, name, timestamp, window, 1 for a clock that went wrong; then name, CPU and memory of each container, null for what was not measured. */
export type PodRow = readonly [string, string, number, number, 0 | 1, readonly (string | number | null)[]];
/** Name, timestamp, window, CPU, memory. */
export type NodeRow = readonly [string, number, number, number | null, number | null];
/** Object, labels, thousandths as decimal text, timestamp, window. */
export type SeriesRow = readonly [string, Readonly<Record<string, string>>, string, number, number | null];
/** Key of the query, its result, the series apart. */
export type QueryRow = readonly [string, object, readonly SeriesRow[]];

export interface ViewLinesOptions {
  readonly view: MetricsView;
  readonly facts: ViewFacts;
  readonly instance: string;
  readonly now: number;
  readonly usage: ViewHeader['usage'];
  /** A client's demands, whose answers are sent; absent: all answers. */
  readonly demands?: { readonly revision: number; readonly keys: ReadonlySet<string> } | undefined;
}

const podsPerLine = 256;
const nodesPerLine = 512;
const seriesPerLine = 512;

/** The lines of a view, each with its line end; making one takes less than a millisecond. */
export function* viewLines({ view, facts, instance, now, usage, demands }: ViewLinesOptions): Generator<string, void> {
  const queries = demands === undefined ? [...facts.queries] : [...facts.queries].filter(([key]) => demands.keys.has(key));
  const nodes = usage === 'whole' ? [...view.nodes()] : [];
  const sources = view.sources();
  const header: ViewHeader = {
    schemaVersion: wireVersion,
    instance,
    sequence: view.sequence,
    at: view.at,
    now,
    usage,
    usageSource: facts.usageSource,
    resourceSource: view.resourceSource,
    usageDoubt: view.usageDoubt,
    startGraceMs: facts.startGraceMs,
    unscrapedNodes: [...facts.unscrapedNodes].map(([name, { since, pods }]) => ({ name, since, pods })),
    demands: demands?.revision,
    counts: { sources: sources.length, pods: usage === 'whole' ? view.podCount : 0, nodes: nodes.length, queries: queries.length },
  };
  yield line(header);
  if (sources.length > 0) yield line({ sources: sources satisfies readonly SourceReport[] });
  if (usage === 'whole') {
    yield* podLines(view.pods());
    for (let from = 0; from < nodes.length; from += nodesPerLine)
      yield line({ nodes: nodes.slice(from, from + nodesPerLine).map(nodeRow) });
  }
  yield* queryLines(queries);
  yield line({ end: true, sequence: view.sequence });
}

function* podLines(pods: Iterable<PodUsage>): Generator<string, void> {
  let rows: PodRow[] = [];
  for (const pod of pods) {
    rows.push(podRow(pod));
    if (rows.length < podsPerLine) continue;
    yield line({ pods: rows });
    rows = [];
  }
  if (rows.length > 0) yield line({ pods: rows });
}

/** A query may have a thousand series: lines are cut by those. */
function* queryLines(queries: Iterable<readonly [string, QueryResult]>): Generator<string, void> {
  let rows: QueryRow[] = [];
  let weight = 0;
  for (const [key, result] of queries) {
    rows.push(queryRow(key, result));
    weight += 1 + (result.known ? result.series.length : 0);
    if (weight < seriesPerLine) continue;
    yield line({ queries: rows });
    rows = [];
    weight = 0;
  }
  if (rows.length > 0) yield line({ queries: rows });
}

function podRow({ namespace, name, timestamp, windowMs, clockSkew, containers }: PodUsage): PodRow {
  const cells: (string | number | null)[] = [];
  for (const container of containers) cells.push(container.name, container.cpuMilli ?? null, container.memoryMilli ?? null);
  return [namespace, name, timestamp, windowMs, clockSkew === true ? 1 : 0, cells];
}

function nodeRow({ name, timestamp, windowMs, cpuMilli, memoryMilli }: NodeUsage): NodeRow {
  return [name, timestamp, windowMs, cpuMilli ?? null, memoryMilli ?? null];
}

function queryRow(key: string, result: QueryResult): QueryRow {
  if (!result.known) return [key, result, []];
  const { series, ...rest } = result;
  return [
    key,
    rest,
    series.map(({ object, labels, milli, timestamp, windowMs }) => [object, labels, String(milli), timestamp, windowMs ?? null]),
  ];
}

function line(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
