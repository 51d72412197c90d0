import { nextTurn } from '../../core/kube/turn.ts';
import { sampleOrder } from '../engine/merge-usage.ts';
import type { UsageTable } from './usage-table.ts';

/** Rows between two turns of the event loop. */
const rowsPerTurn = 4096;

/**
 * The table with each pod once. No server should list one twice; of those that it does list twice, the sample counts that would count if they had come in
 * two answers.
 */
export async function withoutRepeats(table: UsageTable, now: number): Promise<UsageTable> {
  const rows = new Map<string, number>();
  for (let row = 0; row < table.podCount; row++) {
    if (row % rowsPerTurn === rowsPerTurn - 1) await nextTurn();
    const key = `${table.namespaces[row] ?? ''}/${table.names[row] ?? ''}`;
    const before = rows.get(key);
    const order = before === undefined ? 'newer' : sampleOrder(table.timestamps[before] ?? 0, table.timestamps[row] ?? 0, now);
    if (order === 'newer' || order === 'overdue') rows.set(key, row);
  }
  return pick(table, [...rows.values()]);
}

function pick(table: UsageTable, rows: readonly number[]): UsageTable {
  const firstContainer = new Int32Array(rows.length + 1);
  const containerRows: number[] = [];
  rows.forEach((row, at) => {
    const end = table.firstContainer[row + 1] ?? 0;
    for (let container = table.firstContainer[row] ?? 0; container < end; container++) containerRows.push(container);
    firstContainer[at + 1] = containerRows.length;
  });
  const numbers = (column: Float64Array, from: readonly number[]) => Float64Array.from(from, (row) => column[row] ?? Number.NaN);
  const texts = (column: readonly string[], from: readonly number[]) => from.map((row) => column[row] ?? '');
  return {
    podCount: rows.length,
    containerCount: containerRows.length,
    namespaces: texts(table.namespaces, rows),
    names: texts(table.names, rows),
    timestamps: numbers(table.timestamps, rows),
    windowsMs: numbers(table.windowsMs, rows),
    firstContainer,
    containers: texts(table.containers, containerRows),
    cpuMilli: numbers(table.cpuMilli, containerRows),
    memoryMilli: numbers(table.memoryMilli, containerRows),
  };
}
