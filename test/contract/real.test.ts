import { describe } from 'vitest';
import { startRealCluster } from '../e2e/real-cluster.ts';
import { allContracts } from './contracts/index.ts';
import { contractSuite, tokenOfFirstRevision } from './suite.ts';

describe('contracts of the real control plane', () => {
  allContracts(
    contractSuite(async () => {
      const cluster = await startRealCluster({ audit: false });
      const own = cluster.own;
      return {
        name: cluster.name,
        api: cluster.admin,
        client: cluster.adminClient,
        disposable: own !== undefined,
        expire:
          own === undefined
            ? undefined
            : async (token) => {
                await own.controlPlane.compact();
                return tokenOfFirstRevision(token);
              },
        stop: () => cluster.stop(),
      };
    }),
  );
});
