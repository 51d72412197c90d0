import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodesRows, nodesRowTests } from '../../journeys/nodes-rows.ts';
import { poolOf, type NodesRow } from '../../journeys/nodes-rows-support.ts';
import type { ProcessController } from '../../journeys/process-controller.ts';
import { isOurs } from '../journey-cluster.ts';
import { isForeignCluster } from '../real-cluster.ts';
import { createTeardown } from '../teardown.ts';
import { startRealNodesCluster, type RealNodesCluster } from './nodes-rows-cluster.ts';

const serviceAccount = 'system:serviceaccount:concertina-system:concertina';
const deletionTaint = 'ToBeDeletedByClusterAutoscaler';
const rows = nodesRows.filter(({ real }) => real === true);
const killed: Pick<NodesRow, 'id' | 'groups'> = { id: 'killed', groups: [{ min: 1, max: 3, desired: 2 }] };

// What reads the audit log needs a cluster of our own.
describe.skipIf(isForeignCluster())('node controller rows of the checklist on the real control plane', () => {
  const teardown = createTeardown();
  let started: RealNodesCluster;
  let leader: ProcessController;
  beforeAll(async () => {
    started = await startRealNodesCluster([...rows, killed], teardown);
    leader = await started.startProgram();
  });
  afterAll(() => teardown.run());

  // All at the same time: one program scales all of their groups.
  describe('rows', { concurrent: true, timeout: 600_000 }, () => {
    nodesRowTests(rows, async () => started.rows);
  });

  it(
    'the leader is killed in the middle of a drain: the other copy takes taint and cordon back, and only one of them writes at a time',
    { timeout: 300_000 },
    async () => {
      const pool = await poolOf(started.rows, killed);
      const { timing } = started.rows;
      const other = await started.startProgram();
      await pool.deploy('anchor', { replicas: 1, cpu: '1100m' });
      await pool.runs('anchor', 1, timing.reaction);
      const [anchor] = await pool.pods('anchor');
      const free = (await pool.nodes()).find(({ name }) => name !== anchor?.node)?.name ?? '';
      const going = async (): Promise<boolean> =>
        (await pool.nodes()).find(({ name }) => name === free)?.taints.includes(deletionTaint) === true;
      // So long that the leader is dead, and its lease over, before the node is empty.
      await pool.place('slow', free, { replicas: 1, cpu: '100m', graceSeconds: 120, annotations: { 'concertina.dev/sim-stop': '60s' } });
      await pool.release();
      await pool.comes(
        'its pod is asked to go',
        async () => (await pool.pods('slow')).some((pod) => pod.going),
        timing.refresh + timing.removal,
      );
      expect(await going()).toBe(true);
      await leader.kill();
      const killedAt = started.rows.now();
      await pool.comes(
        'taint and cordon are taken back',
        async () => !(await going()) && (await pool.nodes()).every((node) => !node.unschedulable),
        60_000,
      );
      console.log(`killed leader: ${((started.rows.now() - killedAt) / 1000).toFixed(1)} s until its taint was taken back`);
      expect(pool.terminations()).toEqual([]);
      await pool.comes(
        'the other copy ends it',
        async () => (await pool.nodes()).every(({ name }) => name !== free),
        60_000 + timing.refresh + timing.removal,
      );
      await pool.runs('slow', 1, timing.reaction);
      expect(pool.terminations()).toHaveLength(1);

      const records = ((await started.real.own?.audit?.auditWrites({ successful: true })) ?? []).filter((record) => isOurs(record));
      const at = (identity: string): readonly number[] =>
        records
          .filter(({ userAgent }) => userAgent?.includes(`(${identity})`))
          .map((record) => Date.parse(record.requestReceivedTimestamp));
      expect(Math.max(...at(leader.identity))).toBeLessThanOrEqual(killedAt + 1_000);
      expect(Math.min(...at(other.identity))).toBeGreaterThan(Math.max(...at(leader.identity)));
    },
  );

  it('does everything as its ServiceAccount, and is refused nothing', async () => {
    const records = ((await started.real.own?.audit?.records()) ?? []).filter(
      (record) => isOurs(record) && !record.userAgent?.includes('(explain)'),
    );
    const done = new Set(
      records.map(
        ({ verb, objectRef: { resource, subresource } = { resource: '' } }) =>
          `${verb} ${[resource, subresource].filter(Boolean).join('/')}`,
      ),
    );
    for (const each of ['patch nodes', 'create pods/eviction', 'patch configmaps', 'patch nodepoolpolicies/status'])
      expect(done).toContain(each);
    expect(new Set(records.map(({ user }) => user.username))).toEqual(new Set([serviceAccount]));
    expect(
      records.filter(({ responseStatus }) => responseStatus?.code === 403).map(({ requestURI, verb }) => `${verb} ${requestURI}`),
    ).toEqual([]);
  });
});
