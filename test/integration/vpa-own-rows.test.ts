import { describe, it } from 'vitest';
import { disturbedRows } from '../journeys/vpa-rows-disturbed.ts';
import { ownVpaRows } from '../journeys/vpa-rows-own.ts';
import { startVirtualVpaCluster } from '../journeys/vpa-virtual.ts';

describe('VPA rows of the checklist that need a cluster to themselves, in virtual time', () => {
  // oxlint-disable-next-line vitest/expect-expect -- what is expected stands in the row
  it.each([...ownVpaRows, ...disturbedRows].map((row) => [row.name, row] as const))('%s', async (_, { options, run }) => {
    const cluster = await startVirtualVpaCluster(options);
    try {
      await run(cluster);
    } finally {
      await cluster.stop();
    }
  });
});
