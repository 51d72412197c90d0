import type { SeriesSample } from '../../core/model/metric-query.ts';
import type { NodeUsage, QueryResult, SourceReport } from '../../core/model/metrics-view.ts';
import type { ViewHeader } from '../serving/view-wire.ts';
import {
  createUsageTableBuilder,
  finishUsageTable,
  roomForContainer,
  roomForPod,
  type UsageTableBuilder,
} from '../store/usage-table-builder.ts';
import type { UsageTable } from '../store/usage-table.ts';
import { headerLine, queryResult, reportOf, resultOf, sourcesLine } from './wire-schema.ts';

/** A view as it came over the wire. */
export interface ReceivedView {
  readonly header: ViewHeader;
  readonly sources: readonly SourceReport[];
  /** `undefined`: as in the view before. */
  readonly usage: ReceivedUsage | undefined;
  /** By `queryKey`. */
  readonly queries: ReadonlyMap<string, QueryResult>;
}

export interface ReceivedUsage {
  readonly pods: UsageTable;
  readonly nodes: readonly NodeUsage[];
  /** Pods whose clock went wrong, `namespace/name`. */
  readonly skewed: ReadonlySet<string>;
}

/** Puts a view together line by line. */
export interface ViewDecoder {
  /** Takes one line, parsed. Throws {@link WireError}. */
  line(value: unknown): void;
  /** After the last line. Throws {@link WireError} when something is missing. */
  finish(): ReceivedView;
}

/** An answer that is not what the protocol says: nothing of it is used. The message says where, and never what came. */
export class WireError extends Error {}

export function createViewDecoder(): ViewDecoder {
  return new Decoder();
}

class Decoder implements ViewDecoder {
  #header: ViewHeader | undefined;
  readonly #sources: SourceReport[] = [];
  #pods: UsageTableBuilder = createUsageTableBuilder(1);
  readonly #nodes: NodeUsage[] = [];
  readonly #skewed = new Set<string>();
  readonly #queries = new Map<string, QueryResult>();
  /** Names that many pods share; a text of its own for each would be most of the memory. */
  readonly #names = new Map<string, string>();
  #ended = false;

  line(value: unknown): void {
    if (typeof value !== 'object' || value === null) throw new WireError('a line is no object');
    if (this.#ended) throw new WireError('a line follows the end');
    if (this.#header === undefined) this.#takeHeader(value);
    else if ('pods' in value) for (const row of rowsOf(value.pods, 'pods')) this.#takePod(row);
    else if ('nodes' in value) for (const row of rowsOf(value.nodes, 'nodes')) this.#nodes.push(nodeOf(row));
    else if ('queries' in value) for (const row of rowsOf(value.queries, 'queries')) this.#takeQuery(row);
    else if ('sources' in value) this.#takeSources(value.sources);
    else if ('end' in value) this.#end(value);
    // Any other line is something that a newer server tells besides.
  }

  finish(): ReceivedView {
    const header = this.#header;
    if (header === undefined || !this.#ended) throw new WireError('it broke off before its end');
    const { sources, pods, nodes, queries } = header.counts;
    const counted = sources === this.#sources.length && pods === this.#pods.podCount;
    if (!counted || nodes !== this.#nodes.length || queries !== this.#queries.size) {
      throw new WireError('it has not as many sources, pods, nodes or answers as it says');
    }
    const usage =
      header.usage === 'unchanged' ? undefined : { pods: finishUsageTable(this.#pods), nodes: this.#nodes, skewed: this.#skewed };
    return { header, sources: this.#sources, usage, queries: this.#queries };
  }

  #takeHeader(value: object): void {
    if ('schemaVersion' in value && typeof value.schemaVersion === 'number' && value.schemaVersion !== 1) {
      throw new WireError(`it is of version ${value.schemaVersion} and this program reads version 1: run the same release on both sides`);
    }
    const read = headerLine.safeParse(value);
    if (!read.success) throw new WireError(`the header is not valid at ${read.error.issues[0]?.path.join('.') ?? ''}`);
    this.#header = read.data;
    // What a header says is not believed with memory.
    const room = Math.min(read.data.counts.pods, 1_000_000);
    this.#pods = createUsageTableBuilder(room, room);
  }

  #takeSources(value: unknown): void {
    const read = sourcesLine.safeParse(value);
    if (!read.success) throw new WireError(`the sources are not valid at ${read.error.issues[0]?.path.join('.') ?? ''}`);
    for (const report of read.data) this.#sources.push(reportOf(report));
  }

  #takePod(row: readonly unknown[]): void {
    const [namespace, name, timestamp, windowMs, skew, cells] = row;
    if (!Array.isArray(cells) || cells.length % 3 !== 0) throw new WireError('a pod has no list of containers');
    const pods = this.#pods;
    roomForPod(pods);
    const at = pods.podCount++;
    const owner = this.#shared(textOf(namespace, 'a pod'));
    const own = textOf(name, 'a pod');
    pods.namespaces.push(owner);
    pods.names.push(own);
    pods.timestamps[at] = numberOf(timestamp, 'a pod');
    pods.windowsMs[at] = numberOf(windowMs, 'a pod');
    if (skew === 1) this.#skewed.add(`${owner}/${own}`);
    for (let cell = 0; cell < cells.length; cell += 3) {
      roomForContainer(pods);
      const index = pods.containerCount++;
      pods.containers.push(this.#shared(textOf(cells[cell], 'a container')));
      pods.cpuMilli[index] = amountOf(cells[cell + 1]) ?? Number.NaN;
      pods.memoryMilli[index] = amountOf(cells[cell + 2]) ?? Number.NaN;
    }
    pods.firstContainer[at + 1] = pods.containerCount;
  }

  #takeQuery(row: readonly unknown[]): void {
    const [key, result, series] = row;
    const read = queryResult.safeParse(result);
    if (!read.success) throw new WireError(`an answer is not valid at ${read.error.issues[0]?.path.join('.') ?? ''}`);
    const samples = rowsOf(series, 'series').map(seriesOf);
    // A known result of nothing would be added up to zero.
    if (read.data.known && samples.length === 0) throw new WireError('an answer is known and has no value');
    this.#queries.set(textOf(key, 'an answer'), resultOf(read.data, samples));
  }

  #end(value: object): void {
    if (!('sequence' in value) || value.sequence !== this.#header?.sequence) throw new WireError('its end is that of another view');
    this.#ended = true;
  }

  #shared(text: string): string {
    const known = this.#names.get(text);
    if (known !== undefined) return known;
    this.#names.set(text, text);
    return text;
  }
}

function rowsOf(value: unknown, what: string): readonly (readonly unknown[])[] {
  if (!Array.isArray(value) || !value.every(Array.isArray)) throw new WireError(`${what} are no list of lists`);
  return value as readonly (readonly unknown[])[];
}

function textOf(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new WireError(`${what} has something other than a text for a name`);
  return value;
}

function numberOf(value: unknown, what: string): number {
  // JSON can say 1e999.
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new WireError(`${what} has something other than a number for a time`);
  return value;
}

/** An amount of usage; `undefined` when it was not measured. */
function amountOf(value: unknown): number | undefined {
  if (value === null) return undefined;
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw new WireError('an amount is not a number from 0');
  return value;
}

function nodeOf([name, timestamp, windowMs, cpuMilli, memoryMilli]: readonly unknown[]): NodeUsage {
  return {
    name: textOf(name, 'a node'),
    timestamp: numberOf(timestamp, 'a node'),
    windowMs: numberOf(windowMs, 'a node'),
    cpuMilli: amountOf(cpuMilli),
    memoryMilli: amountOf(memoryMilli),
  };
}

const wholeNumber = /^-?\d{1,60}$/;

function seriesOf([object, labels, milli, timestamp, windowMs]: readonly unknown[]): SeriesSample {
  if (typeof milli !== 'string' || !wholeNumber.test(milli)) throw new WireError('a value is not a whole number of thousandths');
  if (typeof labels !== 'object' || labels === null || !Object.values(labels).every((value) => typeof value === 'string')) {
    throw new WireError('a series has labels that are no texts');
  }
  return {
    object: textOf(object, 'a series'),
    labels: labels as Readonly<Record<string, string>>,
    milli: BigInt(milli),
    timestamp: numberOf(timestamp, 'a series'),
    windowMs: windowMs === null ? undefined : numberOf(windowMs, 'a series'),
  };
}
