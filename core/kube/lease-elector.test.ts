import { describe, expect, it } from 'vitest';
import type { KubeClient } from './api.ts';
import { createLeaseElector, type LeaseElector, type LeaseElectorOptions } from './lease-elector.ts';
import { createLeaseStore, type LeaseStore } from './lease-store-fake.ts';
import { VirtualClock } from './test-support.ts';

interface Candidate {
  readonly elector: LeaseElector;
  readonly log: string[];
}

function candidate(clock: VirtualClock, store: LeaseStore, identity: string, options: Partial<LeaseElectorOptions> = {}): Candidate {
  const log: string[] = [];
  const elector = createLeaseElector({
    client: store.client(identity),
    clock,
    random: () => 0.5,
    namespace: 'kube-system',
    name: 'concertina',
    identity,
    onStartedLeading: () => log.push('started'),
    onStoppedLeading: (why) => void log.push(`stopped: ${why}`),
    onNewLeader: (leader) => log.push(`leader ${leader === '' ? 'nobody' : leader}`),
    onFailure: (error) => log.push(`failed: ${error instanceof Error ? error.message : String(error)}`),
    ...options,
  });
  return { elector, log };
}

describe('acquiring', () => {
  it('creates the lease as kubectl shows it', async () => {
    const clock = new VirtualClock(Date.UTC(2026, 0, 1));
    const store = createLeaseStore(clock);
    const { elector, log } = candidate(clock, store, 'one');
    elector.start();
    await clock.advance(0);
    expect(elector.isLeader()).toBe(true);
    expect(store.spec()).toEqual({
      holderIdentity: 'one',
      leaseDurationSeconds: 15,
      acquireTime: '2026-01-01T00:00:00.000000Z',
      renewTime: '2026-01-01T00:00:00.000000Z',
      leaseTransitions: 0,
    });
    expect(log).toEqual(['leader one', 'started']);
    await clock.advance(4_000);
    expect(store.spec()?.['renewTime']).toBe('2026-01-01T00:00:04.000000Z');
    expect(store.spec()?.['acquireTime']).toBe('2026-01-01T00:00:00.000000Z');
  });

  it('waits for the lease of another to run out, by its own clock and not by the times written in it', async () => {
    const clock = new VirtualClock();
    const store = createLeaseStore(clock);
    // A holder whose wall clock is years ahead, and one whose clock is years behind, are waited for alike.
    store.put({ holderIdentity: 'dead', leaseDurationSeconds: 15, renewTime: '2099-01-01T00:00:00.000000Z', leaseTransitions: 4 });
    const { elector, log } = candidate(clock, store, 'one');
    elector.start();
    await clock.advance(14_900);
    expect(elector.isLeader()).toBe(false);
    await clock.advance(3_000);
    expect(elector.isLeader()).toBe(true);
    expect(store.spec()).toMatchObject({ holderIdentity: 'one', leaseTransitions: 5 });
    expect(log).toEqual(['leader dead', 'leader one', 'started']);
  });

  it('takes a released lease at the next look', async () => {
    const clock = new VirtualClock();
    const store = createLeaseStore(clock);
    store.put({ holderIdentity: '', leaseDurationSeconds: 1, leaseTransitions: 2 });
    const { elector } = candidate(clock, store, 'one');
    elector.start();
    await clock.advance(0);
    expect(elector.isLeader()).toBe(true);
    expect(store.spec()?.['leaseTransitions']).toBe(3);
  });

  it('does not take the lease of an earlier process of the same name before it runs out', async () => {
    const clock = new VirtualClock();
    const store = createLeaseStore(clock);
    store.put({ holderIdentity: 'one', leaseDurationSeconds: 15, acquireTime: 'earlier', leaseTransitions: 0 });
    const { elector } = candidate(clock, store, 'one');
    elector.start();
    await clock.advance(14_000);
    expect(elector.isLeader()).toBe(false);
    await clock.advance(4_000);
    expect(elector.isLeader()).toBe(true);
  });

  it('recognises its own write when the answer was lost', async () => {
    const clock = new VirtualClock();
    const store = createLeaseStore(clock);
    store.loseNextAnswer();
    const { elector } = candidate(clock, store, 'one');
    elector.start();
    // Given up after half the deadline, then one retry period.
    await clock.advance(8_000);
    expect(elector.isLeader()).toBe(true);
    expect(store.spec()?.['leaseTransitions']).toBe(0);
  });
});

describe('holding', () => {
  it('closes the fence when the renew deadline passes, and says so', async () => {
    const clock = new VirtualClock();
    const store = createLeaseStore(clock);
    const { elector, log } = candidate(clock, store, 'one');
    const fence = elector.fence();
    elector.start();
    await clock.advance(2_000);
    store.fail(503);
    await clock.advance(9_999);
    expect(() => fence.check({ method: 'POST', path: '/x' })).not.toThrow();
    await clock.advance(1);
    expect(() => fence.check({ method: 'PATCH', path: '/apis/apps/v1/namespaces/a/deployments/web/scale?dryRun=All' })).toThrow(
      'PATCH /apis/apps/v1/namespaces/a/deployments/web/scale was not sent: one does not hold lease kube-system/concertina: nobody is known to hold it',
    );
    expect(log).toContain('stopped: the lease was not renewed for 10 s');
    store.fail(undefined);
    await clock.advance(20_000);
    expect(elector.isLeader()).toBe(true);
  });

  it('gives up hanging requests early enough to try again within the deadline', async () => {
    const clock = new VirtualClock();
    const store = createLeaseStore(clock);
    const { elector, log } = candidate(clock, store, 'one');
    elector.start();
    await clock.advance(1_000);
    store.hang(1);
    await clock.advance(8_500);
    expect(elector.isLeader()).toBe(true);
    expect(log.filter((entry) => entry.startsWith('failed'))).toHaveLength(1);
    store.hang(100);
    await clock.advance(12_000);
    expect(elector.isLeader()).toBe(false);
    expect(log.at(-1)).not.toBe('started');
  });

  it('a paused process cannot write when it wakes, even before its timers fire', async () => {
    const clock = new VirtualClock();
    let jump = 0;
    const jumping = {
      now: () => clock.now() + jump,
      monotonic: () => clock.monotonic() + jump,
      setTimeout: (fn: () => void, ms: number) => clock.setTimeout(fn, ms),
    };
    const store = createLeaseStore(clock);
    const elector = createLeaseElector({
      client: store.client('one'),
      clock: jumping,
      random: () => 0.5,
      namespace: 'n',
      name: 'l',
      identity: 'one',
    });
    const fence = elector.fence();
    elector.start();
    await clock.advance(3_000);
    fence.check({ method: 'POST', path: '/x' });
    jump = 9_500;
    expect(() => fence.check({ method: 'POST', path: '/x' })).toThrow(
      'one last renewed lease n/l 10.5 s ago, more than its renew deadline of 10 s',
    );
    expect(elector.isLeader()).toBe(false);
  });

  it('stops at once when somebody else took the lease', async () => {
    const clock = new VirtualClock();
    const store = createLeaseStore(clock);
    const { elector, log } = candidate(clock, store, 'one');
    elector.start();
    await clock.advance(0);
    store.put({ holderIdentity: 'thief', leaseDurationSeconds: 15, leaseTransitions: 1 });
    await clock.advance(4_500);
    expect(elector.isLeader()).toBe(false);
    expect(() => elector.fence().check({ method: 'POST', path: '/x' })).toThrow('thief holds it');
    expect(log).toContain('stopped: thief took the lease');
  });

  it('keeps fields of the lease that it does not know', async () => {
    const clock = new VirtualClock();
    const store = createLeaseStore(clock);
    store.put({ holderIdentity: '', strategy: 'OldestEmulationVersion' }, { labels: { a: 'b' } });
    const { elector } = candidate(clock, store, 'one');
    elector.start();
    await clock.advance(2_000);
    expect(store.spec()).toMatchObject({ strategy: 'OldestEmulationVersion', holderIdentity: 'one' });
    expect(store.object()?.metadata.labels).toEqual({ a: 'b' });
  });

  it('survives listeners that throw', async () => {
    const clock = new VirtualClock();
    const store = createLeaseStore(clock);
    const boom = (): never => {
      throw new Error('listener');
    };
    const { elector, log } = candidate(clock, store, 'one', { onStartedLeading: boom, onStoppedLeading: boom, onNewLeader: boom });
    elector.start();
    await clock.advance(6_000);
    expect(elector.isLeader()).toBe(true);
    await elector.stop();
    expect(store.spec()?.['holderIdentity']).toBe('');
    expect(log.filter((entry) => entry.includes('listener')).length).toBeGreaterThanOrEqual(3);
  });
});

describe('stopping', () => {
  it('closes the fence, waits for running work, then frees the lease for the next', async () => {
    const clock = new VirtualClock();
    const store = createLeaseStore(clock);
    const order: string[] = [];
    const one = candidate(clock, store, 'one', {
      onStoppedLeading: async () => {
        order.push(`fence ${one.elector.isLeader() ? 'open' : 'closed'}, lease of ${String(store.spec()?.['holderIdentity'])}`);
        await new Promise<void>((resolve) => clock.setTimeout(resolve, 3_000));
        order.push(`work ended, lease of ${String(store.spec()?.['holderIdentity'])}`);
      },
    });
    const two = candidate(clock, store, 'two');
    one.elector.start();
    await clock.advance(0);
    two.elector.start();
    await clock.advance(1_000);
    const stopped = one.elector.stop();
    expect(one.elector.isLeader()).toBe(false);
    expect(() => one.elector.fence().check({ method: 'POST', path: '/x' })).toThrow('one is shutting down');
    await clock.advance(3_000);
    await stopped;
    expect(order).toEqual(['fence closed, lease of one', 'work ended, lease of one']);
    expect(store.spec()).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1 });
    expect(two.elector.isLeader()).toBe(false);
    await clock.advance(2_500);
    expect(two.elector.isLeader()).toBe(true);
    await two.elector.stop();
    expect(clock.pending).toBe(0);
  });

  it('does not free the lease of another', async () => {
    const clock = new VirtualClock();
    const store = createLeaseStore(clock);
    store.put({ holderIdentity: 'other', leaseDurationSeconds: 15 });
    const { elector } = candidate(clock, store, 'one');
    elector.start();
    await clock.advance(1_000);
    await elector.stop();
    expect(store.spec()?.['holderIdentity']).toBe('other');
  });
});

describe('options', () => {
  it('are refused when they cannot be safe', () => {
    const clock = new VirtualClock();
    const base = { client: {} as KubeClient, clock, random: () => 0, namespace: 'n', name: 'l', identity: 'i' };
    expect(() => createLeaseElector({ ...base, renewDeadlineMs: 15_000 })).toThrow('must fall in this order');
    expect(() => createLeaseElector({ ...base, retryPeriodMs: 9_000 })).toThrow('must fall in this order');
    expect(() => createLeaseElector({ ...base, identity: '' })).toThrow('needs an identity');
  });
});
