import { describe } from 'vitest';
import { startRealCluster } from '../e2e/real-cluster.ts';
import { allContracts } from './contracts/index.ts';
import { contractSuite } from './suite.ts';

/** The API server's continue token is base64url of JSON: `rv` is the revision, of which 1 is older than anything it keeps. */
function atFirstRevision(token: string): string {
  const content = JSON.parse(Buffer.from(token, 'base64url').toString('utf8')) as object;
  return Buffer.from(JSON.stringify({ ...content, rv: 1 })).toString('base64url');
}

describe('contracts of the real control plane', () => {
  allContracts(
    contractSuite(async () => {
      const cluster = await startRealCluster({ audit: false });
      const own = cluster.own;
      return {
        name: cluster.name,
        api: cluster.admin,
        client: cluster.adminClient,
        expire:
          own === undefined
            ? undefined
            : async (token) => {
                await own.controlPlane.compact();
                return token === '' ? '' : atFirstRevision(token);
              },
        stop: () => cluster.stop(),
      };
    }),
  );
});
