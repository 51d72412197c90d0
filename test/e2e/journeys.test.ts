import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resourceTypes } from '../../core/model/object.ts';
import { leadershipJourney } from '../journeys/leadership.ts';
import type { ProcessJourneyCluster } from '../journeys/process-cluster.ts';
import { scalingJourneys } from '../journeys/scaling.ts';
import { isOurs, startRealJourneyCluster, type RealJourneyCluster } from './journey-cluster.ts';
import { isForeignCluster, type RealCluster } from './real-cluster.ts';

const serviceAccount = 'system:serviceaccount:concertina-system:concertina';

describe('journeys on the real control plane', () => {
  let started: RealJourneyCluster | undefined;
  let real: RealCluster;
  let cluster: ProcessJourneyCluster;

  beforeAll(async () => {
    started = await startRealJourneyCluster();
    ({ real, cluster } = started);
  });
  afterAll(() => started?.stop());

  // What reads the audit log needs a cluster of our own; on a foreign one these are skipped, and vitest says so.
  describe.skipIf(isForeignCluster())('with the audit log', () => {
    leadershipJourney(() => cluster);
    scalingJourneys(() => cluster);

    it('does everything as its ServiceAccount, and is refused nothing', async () => {
      const records = (await real.own?.audit?.records()) ?? [];
      const ours = records.filter((record) => isOurs(record));
      expect(ours.length).toBeGreaterThan(0);
      expect(new Set(ours.map((record) => record.user.username))).toEqual(new Set([serviceAccount]));
      expect(ours.filter((record) => record.responseStatus?.code === 403)).toEqual([]);
    });
  });

  it('installs with two replicas of the Deployment asked for', async () => {
    const object = await cluster.client.get(resourceTypes.deployments, { namespace: 'concertina-system', name: 'concertina' });
    expect(object.spec).toMatchObject({ replicas: 2 });
  });
});
