import { afterAll, beforeAll, describe } from 'vitest';
import { hpaRows, hpaRowTests, virtualRows, type RowsCluster } from '../journeys/hpa-rows.ts';
import { startVirtualJourneyCluster, type VirtualJourneyCluster } from '../journeys/virtual-cluster.ts';

// With the cooldowns of 3 and 5 minutes as they are.
describe('HPA rows of the checklist on the embedded cluster, in virtual time', () => {
  let virtual: VirtualJourneyCluster;
  let cluster: RowsCluster;
  beforeAll(async () => {
    virtual = await startVirtualJourneyCluster(1, {}, { adapter: true });
    cluster = { ...virtual, adapter: virtual.embedded.adapter, window: (seconds) => seconds * 1000 };
    await virtual.startController();
  });
  afterAll(() => virtual.stop());

  hpaRowTests(hpaRows, () => cluster);
  for (const row of virtualRows) hpaRowTests([{ ...row, run: (rows) => row.run(rows, virtual) }], () => cluster);
});
