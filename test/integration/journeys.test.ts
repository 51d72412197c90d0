import { afterAll, beforeAll, describe } from 'vitest';
import { scalingJourneys } from '../journeys/scaling.ts';
import { startVirtualJourneyCluster, type VirtualJourneyCluster } from '../journeys/virtual-cluster.ts';

describe('journeys on the embedded cluster, in virtual time', () => {
  let cluster: VirtualJourneyCluster;
  beforeAll(async () => {
    cluster = await startVirtualJourneyCluster();
  });
  afterAll(() => cluster.stop());
  scalingJourneys(() => cluster);
});
