import { it } from 'vitest';
import { cpuRows } from './hpa-rows-cpu.ts';
import { limitRows } from './hpa-rows-limits.ts';
import { ownRows } from './hpa-rows-own.ts';
import type { HpaRow, RowsCluster } from './hpa-rows-support.ts';

export type { HpaRow, RowsCluster } from './hpa-rows-support.ts';
export { virtualRows } from './hpa-rows-virtual.ts';

/** The HPA rows of the checklist (metrics-and-cli §F.7), by the suite's own HorizontalPolicy. Each has a namespace of its own. */
export const hpaRows: readonly HpaRow[] = [...cpuRows, ...limitRows, ...ownRows];

/** One test for each row. */
export function hpaRowTests(rows: readonly HpaRow[], getCluster: () => RowsCluster): void {
  // oxlint-disable-next-line vitest/expect-expect -- what is expected stands in the row
  it.each(rows.map(({ name, run }) => [name, run] as const))('%s', (_, run) => run(getCluster()));
}
