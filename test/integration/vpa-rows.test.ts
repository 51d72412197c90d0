import { afterAll, beforeAll, describe } from 'vitest';
import { vpaRows, vpaRowTests } from '../journeys/vpa-rows.ts';
import { startVirtualVpaCluster, type VirtualVpaCluster } from '../journeys/vpa-virtual.ts';

describe('VPA rows of the checklist on the embedded cluster, in virtual time', () => {
  let cluster: VirtualVpaCluster;
  beforeAll(async () => {
    cluster = await startVirtualVpaCluster();
  });
  afterAll(() => cluster.stop());

  vpaRowTests(vpaRows, () => cluster);
});
