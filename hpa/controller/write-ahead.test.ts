import { describe, expect, it } from 'vitest';
import { ConcertinaError } from '../../core/errors.ts';
import { ApiStatusError } from '../../core/kube/status-error.ts';
import { FakeCluster } from './cluster.fixture.ts';

const at = '2026-01-01T12:00:00Z';
const refusal = new ApiStatusError({ code: 403, reason: 'Forbidden', message: 'horizontalpolicies/status is forbidden' });
/** The load of 6 pods in 3: grows to 6, and would to 10 at once. */
const busy = 1860;

function cluster(replicas = 3, spec: object = {}, metadata: object = {}) {
  const fake = new FakeCluster();
  const target = fake.addTarget('web', replicas);
  fake.load.set('web', busy);
  fake.setPolicy('web', spec, metadata);
  return { fake, target };
}

async function started(fake: FakeCluster) {
  const controller = fake.controller();
  controller.start();
  await fake.clock.advance(0);
  return controller;
}

/** A process that dies after so many writes: nothing of it comes through any more. */
async function dies(fake: FakeCluster, afterWrites: number) {
  let left = afterWrites;
  fake.onWrite = () => {
    if (left-- <= 0) throw new ConcertinaError('FENCED', 'dead');
  };
  const controller = await started(fake);
  await controller.stop();
  fake.onWrite = undefined;
}

/** Refuses status until it is undone. */
function refuse(fake: FakeCluster, error: Error = refusal) {
  fake.onWrite = (what) => {
    if (what === 'status') throw error;
  };
}

const pendingOf = (fake: FakeCluster) => (fake.status('web') as { pendingScaling?: object }).pendingScaling;
const patches = (fake: FakeCluster) => fake.statusPatches.map(({ body }) => (body as { status: Record<string, unknown> }).status);

describe('a scaling that is noted before it is made', () => {
  it('costs one small write more, and leaves nothing behind', async () => {
    const { fake, target } = cluster();
    const controller = await started(fake);
    expect(target.replicas).toBe(6);
    expect(patches(fake)).toEqual([
      { pendingScaling: { from: 3, to: 6, at } },
      expect.objectContaining({ pendingScaling: null, desiredReplicas: 6, lastScaleUpTime: at }),
    ]);
    expect(pendingOf(fake)).toBeUndefined();
    await fake.clock.advance(160_000);
    expect(
      patches(fake)
        .slice(2)
        .every((patch) => !('pendingScaling' in patch)),
    ).toBe(true);
    await controller.stop();
  });

  it('was not made when the process died before it: the next one does not wait', async () => {
    const { fake, target } = cluster();
    await dies(fake, 1);
    expect({ replicas: target.replicas, pending: pendingOf(fake) }).toEqual({ replicas: 3, pending: { from: 3, to: 6, at } });
    await fake.clock.advance(60_000);
    const second = await started(fake);
    expect(target.replicas).toBe(6);
    expect(pendingOf(fake)).toBeUndefined();
    await second.stop();
  });

  it('counts when the process died after it, also the first of a policy', async () => {
    const { fake, target } = cluster();
    await dies(fake, 2);
    expect(target.replicas).toBe(6);
    await fake.clock.advance(60_000);
    const second = await started(fake);
    expect(fake.decisions.at(-1)).toMatchObject({ from: 6, to: 6, reason: 'CoolingDown' });
    expect(fake.status('web')).toMatchObject({ lastScaleUpTime: '2026-01-01T12:00:40Z' });
    expect(pendingOf(fake)).toBeUndefined();
    await fake.clock.advance(159_000);
    expect(target.replicas).toBe(6);
    await fake.clock.advance(2_000);
    expect(target.replicas).toBe(10);
    await second.stop();
  });

  it('tells of the one before it, which could not be noted afterwards', async () => {
    const { fake, target } = cluster(3, { cooldown: { scaleUpSeconds: 30 } });
    let statuses = 0;
    // What was made is never said; what is to come is.
    fake.onWrite = (what) => {
      if (what === 'status' && ++statuses > 1 && fake.clock.now() < Date.UTC(2026, 0, 1, 12, 0, 30)) throw refusal;
    };
    const controller = await started(fake);
    await fake.clock.advance(30_000);
    expect(target.replicas).toBe(10);
    expect(patches(fake)[1]).toEqual({ lastScaleUpTime: at, pendingScaling: { from: 6, to: 10, at: '2026-01-01T12:00:30Z' } });
    await controller.stop();
  });

  it('is noted once for all tries, and anew when they come to ask for another size', async () => {
    const { fake, target } = cluster();
    const busier = () => {
      target.replicas = 4;
      target.version += 1;
    };
    const same = () => (target.version += 1);
    fake.conflicts = [same, same, busier];
    const controller = await started(fake);
    expect(target.replicas).toBe(3);
    await fake.clock.advance(500);
    expect(target.replicas).toBe(7);
    expect(patches(fake).map(({ pendingScaling }) => pendingScaling)).toEqual([{ from: 3, to: 6, at }, { from: 4, to: 7, at }, null]);
    await controller.stop();
  });

  it('is not made for a policy that went while it was noted', async () => {
    const { fake, target } = cluster();
    fake.onWrite = () => fake.deletePolicy('web');
    const controller = await started(fake);
    expect(target.replicas).toBe(3);
    expect(fake.statusPatches).toEqual([]);
    await controller.stop();
  });

  it('is not made either for a policy that was paused meanwhile, and is noted no more', async () => {
    const { fake, target } = cluster();
    fake.onWrite = () => {
      fake.onWrite = undefined;
      fake.setPolicy('web', { mode: 'Paused' });
    };
    const controller = await started(fake);
    expect(patches(fake)[0]).toEqual({ pendingScaling: { from: 3, to: 6, at } });
    expect(target.replicas).toBe(3);
    expect(pendingOf(fake)).toBeUndefined();
    await controller.stop();
  });

  it('stays noted while nobody knows whether it was made', async () => {
    const { fake, target } = cluster();
    fake.onWrite = (what) => {
      if (what === 'status') return;
      target.replicas = 6;
      throw new ConcertinaError('API_UNREACHABLE', 'no answer');
    };
    const controller = await started(fake);
    expect(pendingOf(fake)).toEqual({ from: 3, to: 6, at });
    fake.onWrite = undefined;
    await fake.clock.advance(16_000);
    expect(fake.decisions.at(-1)).toMatchObject({ from: 6, to: 6, reason: 'CoolingDown' });
    expect(pendingOf(fake)).toBeUndefined();
    await controller.stop();
  });

  it('is not noted of native objects, which have no room for it', async () => {
    const fake = new FakeCluster();
    const target = fake.addTarget('web', 3);
    fake.load.set('web', busy);
    fake.setHpa('web', {});
    const controller = fake.controller({ adoptHpas: true });
    controller.start();
    await fake.clock.advance(0);
    expect(target.replicas).toBe(6);
    expect(fake.statusPatches).toHaveLength(1);
    await controller.stop();
  });
});

describe('a scaling that cannot be noted', () => {
  it('goes ahead when it is growth, and that is said', async () => {
    const { fake, target } = cluster();
    refuse(fake);
    const controller = await started(fake);
    expect(target.replicas).toBe(6);
    expect(fake.decisions[0]?.trace.find(({ step }) => step === 'write-ahead')).toMatchObject({
      message:
        'Not noted in status before it is set (horizontalpolicies/status is forbidden (403 Forbidden)): growth does not wait, but a restart before status can be written may lose its cooldown',
      values: { from: 3, to: 6, noted: false },
    });
    expect(fake.events.map(({ reason }) => reason)).toContain('FailedUpdateStatus');
    // It keeps its cooldown as long as the process lives.
    await fake.clock.advance(170_000);
    expect(target.replicas).toBe(6);
    await controller.stop();
  });

  it('waits when it is a shrink, says why, and is made once status is written again', async () => {
    const { fake, target } = cluster(6);
    fake.load.set('web', 100);
    refuse(fake);
    const controller = await started(fake);
    await fake.clock.advance(400_000);
    expect(target.replicas).toBe(6);
    expect(fake.decisions.at(-1)).toMatchObject({ from: 6, to: 6, wanted: 1, reason: 'FailedUpdateScale' });
    expect(fake.decisions.at(-1)?.holds.at(-1)?.message).toBe(
      'nothing shrinks before it is noted in status, so that a restart knows of it, and status was refused: horizontalpolicies/status is forbidden (403 Forbidden)',
    );
    fake.onWrite = undefined;
    await fake.clock.advance(16_000);
    expect(target.replicas).toBe(1);
    await controller.stop();
  });

  it('waits in both directions when the policy is gone or was replaced', async () => {
    const { fake, target } = cluster();
    refuse(fake, new ApiStatusError({ code: 409, reason: 'Conflict', message: 'another uid' }));
    const controller = await started(fake);
    expect(target.replicas).toBe(3);
    expect(fake.decisions.at(-1)?.message).toContain('6 could not be set: the policy is gone or was replaced: another uid');
    await controller.stop();
  });

  it('goes ahead when an annotation asks for it', async () => {
    const { fake, target } = cluster(3, {}, { annotations: { 'concertina.dev/paused-replicas': '1' } });
    refuse(fake);
    const controller = await started(fake);
    expect(target.replicas).toBe(1);
    await controller.stop();
  });
});

describe('a zero that the controller itself has set', () => {
  const parked = { annotations: { 'concertina.dev/paused-replicas': '0' } };

  it('is no pause by hand for the process that comes after one that died', async () => {
    const { fake, target } = cluster(3, { minReplicas: 2 }, parked);
    await dies(fake, 2);
    expect({ replicas: target.replicas, pending: pendingOf(fake) }).toEqual({ replicas: 0, pending: { from: 3, to: 0, at } });
    fake.setPolicy('web', { minReplicas: 2 });
    const second = await started(fake);
    expect(target.replicas).toBe(2);
    await second.stop();
  });

  it('is no pause by hand for the same process either while no status can be written', async () => {
    const { fake, target } = cluster(3, { minReplicas: 2 }, parked);
    refuse(fake);
    const controller = await started(fake);
    expect(target.replicas).toBe(0);
    fake.setPolicy('web', { minReplicas: 2 });
    await fake.clock.advance(0);
    expect(target.replicas).toBe(2);
    await controller.stop();
  });

  it('is one when somebody has set it since', async () => {
    const { fake, target } = cluster(3, { minReplicas: 2 });
    await dies(fake, 1);
    target.replicas = 0;
    const second = await started(fake);
    expect(target.replicas).toBe(0);
    expect(fake.decisions.at(-1)).toMatchObject({ reason: 'ScalingDisabled' });
    await second.stop();
  });
});
