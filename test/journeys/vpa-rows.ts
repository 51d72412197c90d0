import { it } from 'vitest';
import { actuationRows } from './vpa-rows-actuation.ts';
import { admissionRows } from './vpa-rows-admission.ts';
import { boundRows } from './vpa-rows-bounds.ts';
import { fallbackRows } from './vpa-rows-fallback.ts';
import { memoryRows } from './vpa-rows-memory.ts';
import { paceRows } from './vpa-rows-pace.ts';
import type { VpaRow, VpaRowsCluster } from './vpa-rows-support.ts';

export { adoptedBudgetRow, adoptedRow } from './vpa-rows-adopted.ts';
export type { PodWrite, VpaRow, VpaRowsCluster } from './vpa-rows-support.ts';

/** The VPA rows of the checklist (metrics-and-cli §F.7). Each has a namespace of its own. */
export const vpaRows: readonly VpaRow[] = [...actuationRows, ...fallbackRows, ...boundRows, ...memoryRows, ...paceRows, ...admissionRows];

/** One test for each row. */
export function vpaRowTests(rows: readonly VpaRow[], getCluster: () => VpaRowsCluster): void {
  // oxlint-disable-next-line vitest/expect-expect -- what is expected stands in the row
  it.each(rows.map(({ name, run }) => [name, run] as const))('%s', (_, run) => run(getCluster()));
}
