import { it } from 'vitest';
import { cloudRows } from './nodes-rows-cloud.ts';
import { paceRows } from './nodes-rows-pace.ts';
import { policyRows } from './nodes-rows-policy.ts';
import { poolOf } from './nodes-rows-support.ts';
import type { OwnNodesRow } from './nodes-rows-own-support.ts';
import { writerRows } from './nodes-rows-writers.ts';
import type { VirtualNodesCluster } from './nodes-virtual.ts';

export type { OwnNodesRow } from './nodes-rows-own-support.ts';

/** Rows that need virtual time, or to look into the program and its cluster. */
export const ownNodesRows: readonly OwnNodesRow[] = [...cloudRows, ...policyRows, ...paceRows, ...writerRows];

/** One test for each row. */
export function ownNodesRowTests(rows: readonly OwnNodesRow[], start: (row: OwnNodesRow) => Promise<VirtualNodesCluster>): void {
  // oxlint-disable-next-line vitest/expect-expect -- what is expected stands in the row
  it.each(rows.map((row) => [row.name, row] as const))('%s', async (_, row) => {
    const cluster = await start(row);
    await row.run(await poolOf(cluster, row), cluster);
  });
}
