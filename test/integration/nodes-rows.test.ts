import { afterEach, beforeAll, describe } from 'vitest';
import { nodesRows, nodesRowTests } from '../journeys/nodes-rows.ts';
import { ownNodesRows, ownNodesRowTests } from '../journeys/nodes-rows-own.ts';
import { loadSdk, startVirtualNodesCluster, type VirtualNodesCluster, type VirtualNodesOptions } from '../journeys/nodes-virtual.ts';

describe('node controller rows of the checklist on the embedded cluster, in virtual time', () => {
  let running: VirtualNodesCluster | undefined;
  const start = async (options: VirtualNodesOptions): Promise<VirtualNodesCluster> => (running = await startVirtualNodesCluster(options));
  beforeAll(() => loadSdk());
  afterEach(async () => {
    await running?.stop();
    running = undefined;
  });

  nodesRowTests(nodesRows, start);
  ownNodesRowTests(ownNodesRows, start);
});
