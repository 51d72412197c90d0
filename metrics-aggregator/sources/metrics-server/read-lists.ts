import { messageOf } from '../../../core/errors.ts';
import { nextTurn } from '../../../core/kube/turn.ts';
import type { NodeUsage } from '../../../core/model/metrics-view.ts';
import { finishUsageTable } from '../../store/usage-table-builder.ts';
import type { UsageTable } from '../../store/usage-table.ts';
import type { SourceFailure } from '../source.ts';
import { closeItemList, nextItem, openItemList, valueEnd, type ItemList } from './item-list.kernel.ts';
import { parseNodeMetrics, parsePodMetrics, type Parsed } from './parse.ts';
import { readNodeItem } from './node-reader.kernel.ts';
import { plainItem } from './plain-item.kernel.ts';
import { addParsedPod, createPodReader, readPodItem, type NamedRows } from './pod-reader.kernel.ts';

export interface ListResult<T> {
  readonly ok: true;
  readonly value: T;
  /** Items that cannot be used, one sentence each, at most twenty. */
  readonly rejected: readonly string[];
}

/** Bytes between two turns of the event loop: half a millisecond of plain items, and some 20 before the reader is compiled. */
const bytesPerTurn = 128 * 1024;
/** What `JSON.parse` costs against reading plain bytes. */
const parsingCost = 8;
const maxRejected = 20;

/** A `PodMetricsList`; `previous` is the answer before, whose strings are shared. */
export async function readPodList(
  body: Buffer,
  path: string,
  previous: NamedRows | undefined,
): Promise<ListResult<UsageTable> | SourceFailure> {
  const reader = createPodReader(body, previous);
  const rejected: string[] = [];
  const failure = await eachItem(body, path, (list) => {
    const end = readPodItem(reader, list.at);
    return end < 0 ? readByParsing(list, rejected, parsePodMetrics, (pod) => addParsedPod(reader, pod)) : moveTo(list, end);
  });
  return failure ?? { ok: true, value: finishUsageTable(reader.table), rejected };
}

/** A `NodeMetricsList`. */
export async function readNodeList(body: Buffer, path: string): Promise<ListResult<readonly NodeUsage[]> | SourceFailure> {
  const nodes: NodeUsage[] = [];
  const rejected: string[] = [];
  const item = plainItem(body);
  const failure = await eachItem(body, path, (list) => {
    const end = readNodeItem(item, list.at, nodes);
    return end < 0 ? readByParsing(list, rejected, parseNodeMetrics, (node) => nodes.push(node)) : moveTo(list, end);
  });
  return failure ?? { ok: true, value: nodes, rejected };
}

/** Has each item read, and `list.at` moved behind it, in slices; `read` answers what it cost in bytes of plain items. A list that is not whole is a failure, never a shorter list. */
async function eachItem(body: Buffer, path: string, read: (list: ItemList) => number): Promise<SourceFailure | undefined> {
  const list = openItemList(body);
  if (list === undefined) return { ok: false, reason: 'invalid', detail: `the answer of ${path} is not a list (${body.length} bytes)` };
  let spent = 0;
  while (nextItem(list)) {
    spent += read(list);
    if (spent < bytesPerTurn) continue;
    spent = 0;
    await nextTurn();
  }
  if (closeItemList(list)) return undefined;
  return list.state === 'cut'
    ? { ok: false, reason: 'partial', detail: `the answer of ${path} is cut short after ${list.count} items` }
    : { ok: false, reason: 'invalid', detail: `the answer of ${path} is broken after ${list.count} items: is there a proxy in between?` };
}

function moveTo(list: ItemList, end: number): number {
  const cost = end - list.at;
  list.at = end;
  return cost;
}

function readByParsing<T>(list: ItemList, rejected: string[], parse: (item: unknown) => Parsed<T>, take: (value: T) => void): number {
  const { body } = list;
  const end = valueEnd(body, list.at);
  const start = list.at;
  if (end < 0) {
    list.count--;
    list.state = 'cut';
    return 0;
  }
  list.at = end;
  const parsed = parseItem(body.toString('utf8', start, end), parse);
  if (parsed.ok) take(parsed.value);
  else if (rejected.length < maxRejected) rejected.push(parsed.problem);
  return (end - start) * parsingCost;
}

function parseItem<T>(text: string, parse: (item: unknown) => Parsed<T>): Parsed<T> {
  let item: unknown;
  try {
    item = JSON.parse(text);
  } catch (error) {
    return { ok: false, problem: `an item is not JSON: ${messageOf(error)}` };
  }
  return parse(item);
}
