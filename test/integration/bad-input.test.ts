import { afterAll, beforeAll, describe } from 'vitest';
import { badInputJourneys } from '../journeys/bad-input.ts';
import { startVirtualJourneyCluster, type VirtualJourneyCluster } from '../journeys/virtual-cluster.ts';

describe('bad input on the embedded cluster, in virtual time', () => {
  let cluster: VirtualJourneyCluster;
  beforeAll(async () => {
    cluster = await startVirtualJourneyCluster(5);
  });
  afterAll(() => cluster.stop());
  badInputJourneys(() => cluster, { ratchets: false });
});
