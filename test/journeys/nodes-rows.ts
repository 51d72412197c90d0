import { it } from 'vitest';
import { growthRows } from './nodes-rows-growth.ts';
import { shrinkRows } from './nodes-rows-shrink.ts';
import { poolOf, type NodesCluster, type NodesRow } from './nodes-rows-support.ts';

export type { NodesCluster, NodesRow, NodesTiming, Pool } from './nodes-rows-support.ts';

/** The rows of the node controller of the checklist (metrics-and-cli §F.7) that any cluster plays. */
export const nodesRows: readonly NodesRow[] = [...growthRows, ...shrinkRows];

/** One test for each row. */
export function nodesRowTests(rows: readonly NodesRow[], getCluster: (row: NodesRow) => Promise<NodesCluster>): void {
  // oxlint-disable-next-line vitest/expect-expect -- what is expected stands in the row
  it.each(rows.map((row) => [row.name, row] as const))('%s', async (_, row) => {
    await row.run(await poolOf(await getCluster(row), row));
  });
}
