import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resourceTypes } from '../../../core/model/object.ts';
import { adoptedBudgetRow, adoptedRow, vpaRows, vpaRowTests } from '../../journeys/vpa-rows.ts';
import { asked, atTarget, scene, type SizingStatus } from '../../journeys/vpa-rows-support.ts';
import { isOurs } from '../journey-cluster.ts';
import { isForeignCluster } from '../real-cluster.ts';
import { createTeardown } from '../teardown.ts';
import { startRealVpaCluster, type RealVpaCluster } from './vpa-rows-cluster.ts';

const serviceAccount = 'system:serviceaccount:concertina-system:concertina';

// What reads the audit log needs a cluster of our own.
describe.skipIf(isForeignCluster())('VPA rows of the checklist on the real control plane', () => {
  const teardown = createTeardown();
  let started: RealVpaCluster;
  beforeAll(async () => {
    started = await startRealVpaCluster(teardown);
  });
  afterAll(() => teardown.run());

  // All at the same time: one program sizes all of them.
  describe('rows', { concurrent: true }, () => {
    vpaRowTests(
      [...vpaRows, adoptedRow, adoptedBudgetRow].filter(({ real }) => real === true),
      () => started.rows,
    );
  });

  it('the leader is killed in the middle of an update: one writer at a time, bounds and first sample carry on, pods are created all the same', async () => {
    const { rows, journeys, serving } = started;
    const web = await scene(rows, { replicas: 6, load: 1800, policy: { mode: 'DryRun', updatePolicy: { updateMode: 'InPlace' } } });
    const before = await untilStored(web);
    const other = await started.startAnother();
    teardown.add(() => other.stop());
    await web.patchPolicy({ mode: 'Auto' });
    await web.comes('the first ones are resized', async () => (await web.writes('resize')).length > 0, 30_000);
    await serving.kill();
    const killedAt = rows.now();
    await web.scale(8);
    await web.comes('two more pods run, as they are', (pods) => pods.length === 8 && pods.every(({ ready }) => ready), 30_000);
    expect((await web.pods()).slice(-2).map(({ requests }) => requests.cpu)).toEqual([100, 100]);
    await web.comes('the other copy does the rest', (pods) => atTarget(web, pods), 90_000);
    const writes = (await journeys.writes()).filter(({ resource }) => resource === 'pods' || resource === 'verticalpolicies');
    const at = (identity: string): readonly number[] =>
      writes.filter(({ userAgent }) => userAgent.includes(`(${identity})`)).map((write) => write.at);
    const lastOfFirst = Math.max(...at(serving.identity));
    const firstOfOther = Math.min(...at(other.identity));
    expect(lastOfFirst).toBeLessThanOrEqual(killedAt + 1_000);
    expect(firstOfOther).toBeGreaterThan(lastOfFirst);
    const after = await web.status();
    expect(facts(after).first).toBe(facts(before).first);
    expect(facts(after).upper).toBeLessThanOrEqual(facts(before).upper);
    console.log(`killed leader: ${((firstOfOther - killedAt) / 1000).toFixed(1)} s until the other copy wrote`);

    async function untilStored(of: typeof web): Promise<SizingStatus> {
      await of.recommends(60_000);
      const stored = async (): Promise<boolean> =>
        (await rows.client.list(resourceTypes.verticalPolicyCheckpoints, { namespace: of.namespace })).items.length === 1;
      await of.comes('there is a checkpoint', stored, 60_000);
      return of.status();
    }
  });

  it('does everything as its ServiceAccount, and is refused nothing', async () => {
    const records = ((await started.real.own?.audit?.records()) ?? []).filter((record) => isOurs(record));
    expect(records.length).toBeGreaterThan(0);
    expect(new Set(records.map((record) => record.user.username))).toEqual(new Set([serviceAccount]));
    expect(records.filter((record) => record.responseStatus?.code === 403).map(({ requestURI, verb }) => `${verb} ${requestURI}`)).toEqual(
      [],
    );
  });
});

function facts({ recommendation }: SizingStatus): { readonly first: string | undefined; readonly upper: number } {
  const [container] = recommendation?.containerRecommendations ?? [];
  return { first: container?.evidence?.firstSampleTime, upper: asked(container?.upperBound).cpu ?? Number.NaN };
}
