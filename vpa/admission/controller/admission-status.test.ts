import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import { defaultAdmissionHealth } from '../config.ts';
import { bookOf } from '../../policy.fixture.ts';
import { knownPolicy, newPod, simplePatch, simpleTargets } from '../test-support.ts';
import { createLeaseWatch } from './admission-lease.ts';
import { createAdmissionStatus } from './admission-status.ts';
import { createExpectedPods, type ExpectedPodsOptions } from './expected-pods.ts';

const minute = 60_000;
const lease = (renewTime: string): KubeObject => ({ metadata: { name: 'l' }, spec: { holderIdentity: 'a', renewTime } });

describe('the age of a Lease', () => {
  it('counts from the change that was seen, whatever its own clock says', () => {
    const clock = new VirtualClock();
    const watch = createLeaseWatch(clock);
    expect([watch.exists(), watch.ageMs()]).toEqual([false, undefined]);
    watch.observe(lease('2090-01-01T00:00:00Z'));
    // It may be of yesterday.
    expect([watch.exists(), watch.ageMs()]).toEqual([true, undefined]);
    watch.observe(lease('2090-01-01T00:00:00Z'));
    expect(watch.ageMs()).toBeUndefined();
    watch.observe(lease('1990-01-01T00:00:00Z'));
    expect(watch.ageMs()).toBe(0);
    watch.observe(undefined);
    expect(watch.exists()).toBe(false);
    watch.observe(lease('2000-01-01T00:00:00Z'));
    expect(watch.ageMs()).toBe(0);
  });
});

function statusWith(options: Partial<ExpectedPodsOptions> = {}) {
  const clock = new VirtualClock();
  let renewals = 0;
  const book = bookOf(knownPolicy());
  const expected = createExpectedPods({
    clock,
    book,
    targets: simpleTargets,
    limits: () => undefined,
    patch: simplePatch,
    concerns: (each) => each !== 'kube-system',
    ...options,
  });
  const status = createAdmissionStatus({
    clock,
    config: defaultAdmissionHealth,
    lease: { place: { namespace: 'concertina', name: 'concertina-vpa-admission' }, read: () => Promise.resolve(lease(String(renewals++))) },
    registrationProblem: () => undefined,
    expected: (pod) => expected.expects(pod),
    onFailure: () => undefined,
  });
  let pods = 0;
  const create = (how: { annotated?: boolean; namespace?: string; labels?: Record<string, string>; uid?: string } = {}): void =>
    status.podCreated({
      ...newPod({
        namespace: how.namespace ?? 'shop',
        name: `web-5d8-${++pods}`,
        uid: how.uid ?? `pod-${pods}`,
        creationTimestamp: new Date(clock.now()).toISOString(),
        ...(how.labels === undefined ? {} : { labels: how.labels }),
        ...(how.annotated === true ? { annotations: { vpaObservedContainers: 'app' } } : {}),
      }),
    });
  return { clock, status, create, book };
}

async function healthy(options: Partial<ExpectedPodsOptions> = {}) {
  const all = statusWith(options);
  all.status.start();
  await all.clock.advance(2 * minute);
  expect(all.status.health()).toEqual({ ok: true });
  return all;
}

describe('outcomes', () => {
  it('of three pods in a row that passed by admission are a failure that names one', async () => {
    const { status, create } = await healthy();
    create();
    create();
    expect(status.health()).toEqual({ ok: true });
    create();
    expect(status.health()).toEqual({
      ok: false,
      message: expect.stringContaining(
        'the last 3 pods of managed workloads were created without passing through admission, the last one shop/web-5d8-3',
      ),
    });
    create({ annotated: true });
    expect(status.health()).toEqual({ ok: true });
    await status.stop();
  });

  it('are no row when one passed in between, and are told once for each pod', async () => {
    const { status, create } = await healthy();
    for (const annotated of [false, false, true, false, false]) create({ annotated });
    expect(status.health().ok).toBe(true);
    for (let again = 0; again < 5; again++) create({ uid: 'the-same' });
    expect(status.health().ok).toBe(false);
    create({ annotated: true });
    for (let again = 0; again < 5; again++) create({ uid: 'another' });
    expect(status.health().ok).toBe(true);
    await status.stop();
  });

  it('are forgotten in time: a hold does not last for ever', async () => {
    const { status, create, clock } = await healthy();
    for (let pod = 0; pod < 3; pod++) create();
    await clock.advance(30 * minute);
    expect(status.health().ok).toBe(false);
    await clock.advance(1_000);
    expect(status.health().ok).toBe(true);
    await status.stop();
  });

  it('count for pods only that admission ought to have patched', async () => {
    const { status, create, book, clock } = await healthy();
    const thrice = (how: Parameters<typeof create>[0]): void => [1, 2, 3].forEach(() => create(how));
    thrice({ labels: { app: 'other' } });
    thrice({ namespace: 'elsewhere' });
    thrice({ namespace: 'kube-system' });
    book.set(knownPolicy({ mode: 'DryRun' }));
    thrice({});
    book.set(knownPolicy({ actuation: 'Off', updateMode: 'Off' }));
    thrice({});
    // Acting again, but for so short a time that not every copy may know.
    book.set(knownPolicy());
    thrice({});
    expect(status.health()).toEqual({ ok: true });
    await clock.advance(minute);
    thrice({});
    expect(status.health().ok).toBe(false);
    await status.stop();
  });

  it('do not count where the patch itself fails', async () => {
    const { status, create } = await healthy({ patch: () => ({ ok: false, message: 'a boost without a factor' }) });
    for (let pod = 0; pod < 5; pod++) create();
    expect(status.health()).toEqual({ ok: true });
    await status.stop();
  });
});
