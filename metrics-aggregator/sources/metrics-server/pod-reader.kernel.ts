import type { PodUsage } from '../../../core/model/metrics-view.ts';
import { addPod, createUsageTableBuilder, roomForContainer, roomForPod, type UsageTableBuilder } from '../../store/usage-table-builder.ts';
import type { UsageTable } from '../../store/usage-table.ts';
import { standsAt } from './item-list.kernel.ts';
import { bytesOf, plainItem, takeString, takeTimes, takeUsage, type PlainItem } from './plain-item.kernel.ts';

/** The strings of a table. */
export type NamedRows = Pick<UsageTable, 'podCount' | 'containerCount' | 'namespaces' | 'names' | 'firstContainer' | 'containers'>;

/**
 * Reads the items of a PodMetricsList into a table, straight from the bytes if they are of the usual shape (plain-item.kernel.ts).
 *
 * Strings are shared with the answer before: the next pod is mostly the one that came next there, so its bytes are compared and no string is made.
 */
export interface PodReader {
  readonly body: Buffer;
  readonly table: UsageTableBuilder;
  readonly previous: NamedRows | undefined;
  /** Row of `previous` that the next item should be of. */
  expected: number;
  /** Searches of `previous` in vain, since one found something: an answer in another order is not searched for ever. */
  misses: number;
  readonly containerNames: Map<string, string>;
  readonly text: PlainItem;
}

export function createPodReader(body: Buffer, previous: NamedRows | undefined): PodReader {
  // A little more than last time, or by the size of a usual item.
  const pods = previous === undefined ? Math.ceil(body.length / 320) : previous.podCount + (previous.podCount >> 6);
  const containers = previous === undefined ? pods : previous.containerCount + (previous.containerCount >> 6);
  return {
    body,
    table: createUsageTableBuilder(pods + 16, containers + 16),
    previous,
    expected: 0,
    misses: 0,
    containerNames: new Map(),
    text: plainItem(body),
  };
}

const itemStart = bytesOf('{"metadata":{"name":"');
const namespaceKey = bytesOf('","namespace":"');
const containersKey = bytesOf('","containers":[');
const nameKey = bytesOf('{"name":"');
const comma = 0x2c;
const closeBracket = 0x5d;
const closeBrace = 0x7d;

/** Adds the item that begins at `start` to the table and answers where it ends; -1 when it is not of the usual shape, and then nothing was added. */
export function readPodItem(reader: PodReader, start: number): number {
  const { text, table, body, expected } = reader;
  let at = takeString(text, start, itemStart);
  const nameFrom = text.from;
  const nameTo = text.to;
  at = takeString(text, at, namespaceKey);
  const namespaceFrom = text.from;
  const namespaceTo = text.to;
  at = takeTimes(text, at);
  if (at < 0 || !standsAt(body, at, containersKey)) return -1;
  const row = previousRow(reader, { nameFrom, nameTo, namespaceFrom, namespaceTo });
  const firstContainer = table.containerCount;
  const end = readContainers(reader, at + containersKey.length, row);
  if (end < 0 || body[end] !== closeBrace) {
    table.containerCount = firstContainer;
    table.containers.length = firstContainer;
    reader.expected = expected;
    return -1;
  }
  roomForPod(table);
  const pod = table.podCount++;
  table.names.push(row >= 0 ? reader.previous!.names[row]! : body.toString('latin1', nameFrom, nameTo));
  table.namespaces.push(row >= 0 ? reader.previous!.namespaces[row]! : namespaceOf(reader, namespaceFrom, namespaceTo));
  table.timestamps[pod] = text.timestampMs;
  table.windowsMs[pod] = text.windowMs;
  table.firstContainer[pod + 1] = table.containerCount;
  return end + 1;
}

/** Adds a pod that was read the other way, with strings shared likewise. */
export function addParsedPod(reader: PodReader, pod: PodUsage): void {
  const { previous, expected } = reader;
  if (previous === undefined) return addPod(reader.table, pod);
  const isExpected = previous.names[expected] === pod.name && previous.namespaces[expected] === pod.namespace;
  if (isExpected) reader.expected++;
  const row = isExpected ? expected : searchRow(reader, previous, pod.namespace, pod.name);
  const containers = pod.containers.map((container) => ({ ...container, name: shared(reader, container.name) }));
  const { namespace, name } = row < 0 ? pod : { namespace: previous.namespaces[row]!, name: previous.names[row]! };
  addPod(reader.table, { ...pod, namespace, name, containers });
}

/** The containers from behind the opening bracket; answers where the byte behind the closing one is. */
function readContainers(reader: PodReader, start: number, row: number): number {
  const { text, body, table, previous } = reader;
  if (body[start] === closeBracket) return start + 1;
  // Where the same container stood in the answer before, or in the pod before: mostly of the same workload.
  let hint = row >= 0 ? previous!.firstContainer[row]! : table.podCount === 0 ? 0 : table.firstContainer[table.podCount - 1]!;
  const hints = row >= 0 ? previous!.containers : table.containers;
  let at = start;
  for (;;) {
    at = takeString(text, at, nameKey);
    if (at < 0) return -1;
    const name = containerName(reader, hints[hint++]);
    at = takeUsage(text, at);
    if (at < 0) return -1;
    roomForContainer(table);
    const container = table.containerCount++;
    table.containers.push(name);
    table.cpuMilli[container] = text.cpuMilli;
    table.memoryMilli[container] = text.memoryMilli;
    if (body[at] === closeBracket) return at + 1;
    if (body[at] !== comma) return -1;
    at++;
  }
}

function containerName(reader: PodReader, hint: string | undefined): string {
  const { body, from, to } = reader.text;
  return hint !== undefined && isText(body, from, to, hint) ? hint : shared(reader, body.toString('latin1', from, to));
}

/** More names than that are not shared. */
const maxContainerNames = 10_000;

function shared({ containerNames }: PodReader, name: string): string {
  const known = containerNames.get(name);
  if (known !== undefined) return known;
  if (containerNames.size < maxContainerNames) containerNames.set(name, name);
  return name;
}

/** That of the pod before, which is nearly always the same. */
function namespaceOf({ body, table }: PodReader, from: number, to: number): string {
  const last = table.namespaces[table.podCount - 2];
  return last !== undefined && isText(body, from, to, last) ? last : body.toString('latin1', from, to);
}

interface PodRange {
  readonly nameFrom: number;
  readonly nameTo: number;
  readonly namespaceFrom: number;
  readonly namespaceTo: number;
}

/** Rows behind the expected one that are looked at first: a few pods that went. */
const lookAhead = 4;

/** Row of the same pod in the answer before, or -1. */
function previousRow(reader: PodReader, range: PodRange): number {
  const { body, previous, expected } = reader;
  if (previous === undefined) return -1;
  const { nameFrom, nameTo, namespaceFrom, namespaceTo } = range;
  const last = Math.min(expected + lookAhead, previous.podCount - 1);
  for (let row = expected; row <= last; row++) {
    if (isText(body, nameFrom, nameTo, previous.names[row]!) && isText(body, namespaceFrom, namespaceTo, previous.namespaces[row]!)) {
      reader.expected = row + 1;
      return row;
    }
  }
  const namespace = body.toString('latin1', namespaceFrom, namespaceTo);
  return searchRow(reader, previous, namespace, body.toString('latin1', nameFrom, nameTo));
}

/** In an answer of another order than that of names there are no more than so many searches in vain. */
const maxMisses = 4096;

/** Answers are sorted by namespace and name: the one before is searched as such. If it is not, that finds nothing, or the right row all the same. */
function searchRow(reader: PodReader, previous: NamedRows, namespace: string, name: string): number {
  if (reader.misses >= maxMisses) return -1;
  let low = 0;
  let high = previous.podCount - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const order = compare(previous.namespaces[middle]!, namespace) || compare(previous.names[middle]!, name);
    if (order === 0) {
      reader.misses = 0;
      reader.expected = middle + 1;
      return middle;
    }
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  reader.misses++;
  return -1;
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one === other ? 0 : 1;
}

/** True when these ASCII bytes are the text. */
function isText(body: Buffer, from: number, to: number, text: string): boolean {
  if (to - from !== text.length) return false;
  for (let index = 0; index < text.length; index++) if (body[from + index] !== text.charCodeAt(index)) return false;
  return true;
}
