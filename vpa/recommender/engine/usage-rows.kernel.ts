import type { UsageColumns } from '../../../core/model/metrics-view.ts';
import type { PodState } from './model-state.ts';

/**
 * Which container each entry of the usage columns belongs to. Columns of answers that list the same pods are the same arrays, and then nothing is looked up; of
 * others only the rows that differ are.
 */
export interface UsageRows {
  names: readonly string[];
  namespaces: readonly string[];
  containers: readonly string[];
  /** Numbers of containers; {@link unknownContainer} and {@link ignoredContainer} are none. */
  entries: Int32Array;
  firsts: Int32Array;
  pods: (PodState | undefined)[];
  /** Rows that have entries of which nothing is known. */
  unresolved: number[];
  /** Pods with a row whose containers are to be found anew. */
  changed: PodState[];
  /** Pods came that unresolved rows may belong to. */
  added: boolean;
}

export const unknownContainer = -1;
/** An init container, or a container of a finished pod: it feeds nothing. */
export const ignoredContainer = -2;

export interface RowFinder {
  readonly pod: (namespace: string, name: string) => PodState | undefined;
  readonly container: (pod: PodState, container: string) => number;
}

export function createUsageRows(): UsageRows {
  const none = new Int32Array(0);
  return { names: [], namespaces: [], containers: [], entries: none, firsts: none, pods: [], unresolved: [], changed: [], added: false };
}

/** The pod is forgotten: its containers' numbers may be given to others. */
export function dropRow(rows: UsageRows, pod: PodState): void {
  const { row } = pod;
  if (row < 0) return;
  rows.entries.fill(unknownContainer, rows.firsts[row]!, rows.firsts[row + 1]!);
  rows.pods[row] = undefined;
  rows.unresolved.push(row);
  pod.row = -1;
}

export function noteChanged(rows: UsageRows, pod: PodState): void {
  if (pod.row >= 0) rows.changed.push(pod);
  else rows.added = true;
}

/** Brings the entries up to date with these columns. */
export function alignRows(rows: UsageRows, columns: UsageColumns, find: RowFinder): void {
  const { changed } = rows;
  if (rows.names !== columns.names || rows.containers !== columns.containers || rows.namespaces !== columns.namespaces) {
    rebuild(rows, columns, find);
  } else {
    for (const pod of changed) if (pod.row >= 0) resolve(rows, pod.row, pod, find);
    if (rows.added) retry(rows, find);
  }
  changed.length = 0;
  rows.added = false;
}

function retry(rows: UsageRows, find: RowFinder): void {
  const { unresolved } = rows;
  rows.unresolved = [];
  for (const row of unresolved) {
    const pod = find.pod(rows.namespaces[row]!, rows.names[row]!);
    resolve(rows, row, pod, find);
  }
}

function resolve(rows: UsageRows, row: number, pod: PodState | undefined, find: RowFinder): void {
  const { entries, firsts, containers } = rows;
  const end = firsts[row + 1]!;
  rows.pods[row] = pod;
  if (pod === undefined) {
    entries.fill(unknownContainer, firsts[row]!, end);
    rows.unresolved.push(row);
    return;
  }
  pod.row = row;
  let missing = false;
  for (let entry = firsts[row]!; entry < end; entry++) {
    const container = find.container(pod, containers[entry]!);
    entries[entry] = container;
    missing ||= container === unknownContainer;
  }
  if (missing) rows.unresolved.push(row);
}

/** The lists mostly differ by a few pods, in the same order: an old row is taken over where both names are the same. */
function rebuild(rows: UsageRows, columns: UsageColumns, find: RowFinder): void {
  const old = { ...rows };
  const left = forgetChanged(old);
  const { podCount, names, namespaces, containers, firstContainer } = columns;
  rows.names = names;
  rows.namespaces = namespaces;
  rows.containers = containers;
  rows.firsts = firstContainer;
  rows.entries = new Int32Array(firstContainer[podCount] ?? 0);
  rows.pods = Array.from({ length: podCount });
  rows.unresolved = [];
  let from = 0;
  for (let row = 0; row < podCount; row++) {
    if (takeOver(rows, old, row, from)) {
      from++;
      continue;
    }
    const pod = find.pod(namespaces[row]!, names[row]!);
    const before = pod?.row ?? -1;
    resolve(rows, row, pod, find);
    while (from <= before) leave(left, old.pods[from++]);
  }
  while (from < old.pods.length) leave(left, old.pods[from++]);
  for (const pod of left) if (rows.pods[pod.row] !== pod) pod.row = -1;
}

/** Rows of changed pods are found anew, not taken over. Answers the pods whose old row must not be believed afterwards. */
function forgetChanged(old: UsageRows): PodState[] {
  const left: PodState[] = [];
  for (const pod of old.changed) {
    if (pod.row >= 0) old.pods[pod.row] = undefined;
    left.push(pod);
  }
  return left;
}

function leave(left: PodState[], pod: PodState | undefined): void {
  if (pod !== undefined) left.push(pod);
}

function takeOver(rows: UsageRows, old: UsageRows, row: number, from: number): boolean {
  const pod = old.pods[from];
  if (pod === undefined || old.names[from] !== rows.names[row] || old.namespaces[from] !== rows.namespaces[row]) return false;
  const first = rows.firsts[row]!;
  const oldFirst = old.firsts[from]!;
  const count = rows.firsts[row + 1]! - first;
  if (old.firsts[from + 1]! - oldFirst !== count) return false;
  for (let index = 0; index < count; index++) {
    if (rows.containers[first + index] !== old.containers[oldFirst + index] || old.entries[oldFirst + index] === unknownContainer)
      return false;
    rows.entries[first + index] = old.entries[oldFirst + index]!;
  }
  rows.pods[row] = pod;
  pod.row = row;
  return true;
}

export function rowsBytes(rows: UsageRows): number {
  return rows.entries.byteLength + rows.pods.length * 8;
}
