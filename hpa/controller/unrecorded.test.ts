import { describe, expect, it } from 'vitest';
import { ConcertinaError } from '../../core/errors.ts';
import { FakeCluster } from './cluster.fixture.ts';
import { outcomeUnknown, withUnrecorded } from './unrecorded.ts';

const facts = { history: {}, unsure: undefined, pending: undefined, first: false, status: {}, specReplicas: 6, now: 9_000 };
const lastDecision = { from: 3, to: 3, reason: 'x', message: 'x', at: '2026-01-01T00:00:00Z', holds: [] };

/** The scale was written, then the process was killed: status still says 3, and the load asks for more than 6. */
async function killedBeforeStatus() {
  const cluster = new FakeCluster();
  const target = cluster.addTarget('web', 3);
  cluster.load.set('web', 800);
  cluster.setPolicy('web', {});
  const first = cluster.controller();
  first.start();
  await cluster.clock.advance(0);
  await first.stop();
  target.replicas = 6;
  cluster.load.set('web', 1860);
  return { cluster, target };
}

describe('a scaling that was not written down', () => {
  it('counts from when it was sent, if the scale shows that it was carried out', () => {
    expect(withUnrecorded({ ...facts, unsure: { from: 3, to: 6, at: 5_000 } })).toEqual({ lastScaleUp: 5_000 });
    expect(withUnrecorded({ ...facts, unsure: { from: 9, to: 6, at: 5_000 } })).toEqual({ lastScaleDown: 5_000 });
    expect(withUnrecorded({ ...facts, unsure: { from: 6, to: 7, at: 5_000 } }), 'it was not').toEqual({});
    expect(withUnrecorded({ ...facts, unsure: { from: 3, to: 7, at: 5_000 } }), 'somebody has set 6 since').toEqual({ lastScaleUp: 5_000 });
  });

  it('counts, after a start, from when it was made at the latest, if it was noted before and the scale shows that it was carried out', () => {
    const later = { ...facts, first: true, now: 90_000 };
    expect(withUnrecorded({ ...later, pending: { from: 3, to: 6, at: 5_000 } })).toEqual({ lastScaleUp: 45_000 });
    expect(withUnrecorded({ ...later, pending: { from: 9, to: 6, at: 80_000 } })).toEqual({ lastScaleDown: 90_000 });
    expect(withUnrecorded({ ...later, pending: { from: 6, to: 8, at: 5_000 } }), 'it was not').toEqual({});
    expect(withUnrecorded({ ...later, pending: { from: 3, to: 8, at: 5_000 } }), 'somebody has set 6 since').toEqual({
      lastScaleUp: 45_000,
    });
    expect(withUnrecorded({ ...later, first: false, pending: { from: 3, to: 6, at: 5_000 } }), 'this process knows what it did').toEqual(
      {},
    );
    const history = { lastScaleUp: 60_000, lastScaleDown: 1_000 };
    expect(withUnrecorded({ ...later, history, pending: { from: 3, to: 6, at: 5_000 } }), 'an old note').toEqual(history);
    const status = { desiredReplicas: 3, lastDecision };
    expect(withUnrecorded({ ...later, status, pending: { from: 9, to: 3, at: 5_000 } }), 'what followed could not be noted').toEqual({
      lastScaleDown: 45_000,
      lastScaleUp: 90_000,
    });
    expect(withUnrecorded({ ...later, status, pending: { from: 3, to: 6, at: 5_000 } }), 'all is explained').toEqual({
      lastScaleUp: 45_000,
    });
  });

  it('is supposed at the first look after a start, when status names another number', () => {
    const status = { desiredReplicas: 3, lastDecision };
    expect(withUnrecorded({ ...facts, first: true, status })).toEqual({ lastScaleUp: 9_000 });
    expect(withUnrecorded({ ...facts, first: true, status: { ...status, desiredReplicas: 8 } })).toEqual({ lastScaleDown: 9_000 });
    expect(withUnrecorded({ ...facts, first: true, status: { ...status, desiredReplicas: 6 } })).toEqual({});
    expect(withUnrecorded({ ...facts, first: true, status: {} }), 'a new policy has no history').toEqual({});
    expect(withUnrecorded({ ...facts, status }), 'later a person may scale by hand').toEqual({});
  });

  it('is not supposed after a refusal', () => {
    expect(outcomeUnknown(new ConcertinaError('API_UNREACHABLE', 'timeout'))).toBe(true);
    expect(outcomeUnknown(new ConcertinaError('FENCED', 'no'))).toBe(false);
    expect(outcomeUnknown(Object.assign(new ConcertinaError('API_STATUS', 'x'), { status: { code: 409 } }))).toBe(false);
    expect(outcomeUnknown(Object.assign(new ConcertinaError('API_STATUS', 'x'), { status: { code: 504 } }))).toBe(true);
  });

  it('keeps its cooldown when the controller dies between the scale and its status', async () => {
    const { cluster, target } = await killedBeforeStatus();
    const second = cluster.controller();
    second.start();
    await cluster.clock.advance(100_000);
    expect(target.replicas).toBe(6);
    await cluster.clock.advance(81_000);
    expect(target.replicas).toBe(10);
    await second.stop();
  });

  it('keeps its cooldown also when the first read after the start fails', async () => {
    const { cluster, target } = await killedBeforeStatus();
    cluster.broken.set('web', new ConcertinaError('API_UNREACHABLE', 'down'));
    const second = cluster.controller();
    second.start();
    await cluster.clock.advance(20_000);
    cluster.broken.delete('web');
    await cluster.clock.advance(100_000);
    expect(target.replicas).toBe(6);
    await cluster.clock.advance(120_000);
    expect(target.replicas).toBe(10);
    await second.stop();
  });
});
