import { afterAll, beforeAll, describe } from 'vitest';
import { badInputJourneys } from '../journeys/bad-input.ts';
import { startRealJourneyCluster, type RealJourneyCluster } from './journey-cluster.ts';

describe('bad input on the real control plane', () => {
  let started: RealJourneyCluster | undefined;
  beforeAll(async () => {
    started = await startRealJourneyCluster();
  });
  afterAll(() => started?.stop());
  badInputJourneys(() => started!.cluster, { ratchets: true });
});
