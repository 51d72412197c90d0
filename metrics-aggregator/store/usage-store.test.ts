import { describe, expect, it } from 'vitest';
import type { NodeUsage, PodUsage, UsageSnapshot } from '../../core/model/metrics-view.ts';
import { createContainerHistories } from './container-histories.ts';
import { createUsageStore, defaultUsageStoreConfig, type UsageStoreConfig } from './usage-store.ts';
import { usageTableOf } from './usage-table-builder.ts';

const at = Date.UTC(2026, 0, 1, 12);
const mega = 1_000_000_000;

type Containers = Readonly<Record<string, readonly [cpuMilli: number | undefined, memoryMilli: number | undefined]>>;

function pod(name: string, timestamp: number, containers: Containers | number = 100): PodUsage {
  const given: Containers = typeof containers === 'number' ? { c: [containers, mega] } : containers;
  const list = Object.entries(given).map(([container, [cpuMilli, memoryMilli]]) => ({ name: container, cpuMilli, memoryMilli }));
  return { namespace: 'shop', name, timestamp, windowMs: 15_000, containers: list };
}

function storeWith(config: Partial<UsageStoreConfig> = {}) {
  const store = createUsageStore({ ...defaultUsageStoreConfig, ...config });
  return {
    ingest: (pods: readonly PodUsage[], now = at, nodes: readonly NodeUsage[] = []) =>
      store.ingest({ pods: usageTableOf(pods), nodes }, now),
    look: (when = at): UsageSnapshot => store.snapshot({ at: when, maxAgeMs: 180_000 }),
    publish: (when = at): UsageSnapshot => store.snapshot({ at: when, maxAgeMs: 180_000, publish: true }),
  };
}

const cpuOf = (snapshot: UsageSnapshot, name: string): number | undefined => snapshot.podUsage('shop', name)?.containers[0]?.cpuMilli;
const pastOf = (snapshot: UsageSnapshot, name: string, container = 'c') => [
  ...(snapshot.containerHistory('shop', name, container)?.cpuMilli ?? []),
];

function freshIn(snapshot: UsageSnapshot): string[] {
  const seen: string[] = [];
  snapshot.eachFresh((sample) => seen.push(`${sample.pod}/${sample.container}@${sample.timestamp - at}=${sample.cpuMilli}`));
  return seen;
}

describe('the usage store', () => {
  it('knows nothing at first', () => {
    const snapshot = storeWith().look();
    expect(snapshot.podCount).toBe(0);
    expect([...snapshot.pods()]).toEqual([]);
    expect(snapshot.podUsage('shop', 'a')).toBeUndefined();
    expect(snapshot.containerHistory('shop', 'a', 'c')).toBeUndefined();
    expect(freshIn(snapshot)).toEqual([]);
  });

  it('shows what the last answer listed, as it was measured', async () => {
    const { ingest, look } = storeWith();
    const pods = [pod('a', at, { c: [100, mega], side: [undefined, 2 * mega] }), pod('b', at - 5_000, {})];
    const node = { name: 'n1', timestamp: at, windowMs: 10_000, cpuMilli: 900, memoryMilli: 4 * mega };
    expect(await ingest(pods, at, [node])).toEqual({
      pods: 2,
      containers: 2,
      fresh: 2,
      backwards: 0,
      ahead: 0,
      evicted: 0,
      implausible: [],
    });
    const snapshot = look();
    expect([...snapshot.pods()]).toEqual(pods);
    expect(snapshot.podUsage('shop', 'a')).toEqual(pods[0]);
    expect(snapshot.podUsage('other', 'a')).toBeUndefined();
    expect([snapshot.podCount, [...snapshot.nodes()], snapshot.nodeUsage('n1')]).toEqual([2, [node], node]);
  });

  it('counts a sample with the same timestamp as no new observation', async () => {
    const { ingest, look, publish } = storeWith();
    await ingest([pod('a', at, 100)]);
    publish();
    expect((await ingest([pod('a', at, 999)])).fresh).toBe(0);
    expect([cpuOf(look(), 'a'), pastOf(look(), 'a'), freshIn(look())]).toEqual([100, [100], []]);
  });

  it('keeps the later sample when the timestamp goes backwards, and flags it until a newer one comes', async () => {
    const { ingest, look } = storeWith();
    await ingest([pod('a', at, 200)]);
    expect((await ingest([pod('a', at - 1000, 100)])).backwards).toBe(1);
    expect(look().podUsage('shop', 'a')).toEqual({ ...pod('a', at, 200), clockSkew: true });
    await ingest([pod('a', at, 201)]);
    expect(look().podUsage('shop', 'a')?.clockSkew, 'the same sample again is in the same doubt').toBe(true);
    await ingest([pod('a', at + 1000, 300)]);
    expect(look().podUsage('shop', 'a')).toEqual(pod('a', at + 1000, 300));
    expect(pastOf(look(), 'a')).toEqual([200, 300]);
  });

  it('uses and flags a sample of the future, and lets it give way', async () => {
    const { ingest, look } = storeWith();
    await ingest([pod('a', at - 15_000, 50)], at - 15_000);
    expect((await ingest([pod('a', at + 1_200_000, 100)])).ahead).toBe(1);
    expect(look().podUsage('shop', 'a')).toMatchObject({ timestamp: at + 1_200_000, clockSkew: true });
    const back = await ingest([pod('a', at, 700)], at + 15_000);
    expect([back.backwards, back.ahead]).toEqual([1, 0]);
    expect(look().podUsage('shop', 'a')).toEqual({ ...pod('a', at, 700), clockSkew: true });
    expect(pastOf(look(), 'a'), 'between two clocks there is no order').toEqual([700]);
    await ingest([pod('a', at + 15_000, 710)], at + 30_000);
    expect(look().podUsage('shop', 'a')).toEqual(pod('a', at + 15_000, 710));
    expect(pastOf(look(), 'a')).toEqual([700, 710]);
  });

  it('takes half a minute ahead for no fault', async () => {
    const { ingest, look } = storeWith();
    expect((await ingest([pod('a', at + 30_000)])).ahead).toBe(0);
    expect(look().podUsage('shop', 'a')?.clockSkew).toBeUndefined();
  });

  it('shows no pod that the answer does not list, and keeps its history for a while', async () => {
    const { ingest, look } = storeWith({ forgetAfterMs: 60_000 });
    await ingest([pod('a', at, 1), pod('b', at, 2)]);
    for (let time = at + 15_000; time <= at + 60_000; time += 15_000) await ingest([pod('b', time)], time);
    expect([...look(at + 60_000).pods()].map(({ name }) => name)).toEqual(['b']);
    expect(pastOf(look(), 'a')).toEqual([1]);
    await ingest([pod('b', at + 61_000)], at + 61_000);
    expect(pastOf(look(), 'a')).toEqual([]);
    expect(pastOf(look(), 'b')).toHaveLength(6);
  });

  it('goes on with the history of a pod that comes back, and takes the sample that it left with for nothing new', async () => {
    const { ingest, publish } = storeWith();
    await ingest([pod('a', at, 1), pod('b', at)]);
    publish();
    await ingest([pod('b', at)], at + 15_000);
    expect((await ingest([pod('a', at, 1), pod('b', at)], at + 30_000)).fresh).toBe(0);
    expect(freshIn(publish())).toEqual([]);
    await ingest([pod('a', at + 40_000, 2), pod('b', at)], at + 45_000);
    const snapshot = publish();
    expect([freshIn(snapshot), pastOf(snapshot, 'a')]).toEqual([['a/c@40000=2'], [1, 2]]);
  });

  it('never shows an old value of a container that is missing inside a listed pod', async () => {
    const { ingest, look, publish } = storeWith();
    await ingest([pod('a', at, { c: [1, mega], side: [2, mega] })]);
    publish();
    expect((await ingest([pod('a', at, { side: [9, mega] })])).fresh, 'the timestamp is the same').toBe(0);
    expect(look().podUsage('shop', 'a')?.containers).toEqual([{ name: 'side', cpuMilli: 9, memoryMilli: mega }]);
    expect(freshIn(look())).toEqual([]);
    expect(pastOf(look(), 'a', 'c'), 'its history is not forgotten yet').toEqual([1]);
    await ingest([pod('a', at + 1, { c: [3, mega], side: [4, mega] })]);
    expect([pastOf(look(), 'a', 'c'), pastOf(look(), 'a', 'side')]).toEqual([
      [1, 3],
      [2, 4],
    ]);
  });

  it('replaces a pod of the same name with other containers as a whole, even when its timestamp is earlier', async () => {
    const { ingest, look } = storeWith();
    await ingest([pod('db-0', at, { old: [1, mega], both: [2, mega] })]);
    expect((await ingest([pod('db-0', at - 5_000, { new: [3, mega], both: [4, mega] })])).backwards).toBe(1);
    expect(look().podUsage('shop', 'db-0')).toEqual({ ...pod('db-0', at - 5_000, { new: [3, mega], both: [4, mega] }), clockSkew: true });
    expect([pastOf(look(), 'db-0', 'new'), pastOf(look(), 'db-0', 'both')]).toEqual([[3], [2]]);
  });

  it('takes the order of containers for nothing: Metrics Server gives that of a Go map', async () => {
    const { ingest, look } = storeWith();
    await ingest([pod('a', at, { x: [1, mega], y: [2, mega], z: [3, mega] })]);
    await ingest([pod('a', at + 1, { z: [30, mega], x: [10, mega], y: [20, mega] })]);
    await ingest([pod('a', at + 1, { y: [0, 0], z: [0, 0], x: [0, 0] })]);
    const byName = look()
      .podUsage('shop', 'a')
      ?.containers.map(({ name, cpuMilli }) => [name, cpuMilli]);
    expect(Object.fromEntries(byName ?? [])).toEqual({ x: 10, y: 20, z: 30 });
    expect(['x', 'y', 'z'].map((name) => pastOf(look(), 'a', name))).toEqual([
      [1, 10],
      [2, 20],
      [3, 30],
    ]);
  });

  it('does not mix up containers when one name stands twice in a pod', async () => {
    const { ingest, look } = storeWith({ forgetAfterMs: 10, containerHistoryPoints: 3 });
    const twice = (timestamp: number, ...cpus: number[]): PodUsage => ({
      ...pod('a', timestamp),
      containers: cpus.map((cpuMilli) => ({ name: 'c', cpuMilli, memoryMilli: mega })),
    });
    await ingest([twice(at, 1)], at);
    await ingest([twice(at + 1, 2, 20)], at + 1);
    await ingest([twice(at + 2, 3, 30)], at + 2);
    expect(
      look()
        .podUsage('shop', 'a')
        ?.containers.map(({ cpuMilli }) => cpuMilli),
    ).toEqual([3, 30]);
    await ingest([twice(at + 3, 4)], at + 3);
    await ingest([twice(at + 20, 5), pod('b', at + 20, 7), pod('d', at + 20, 8)], at + 20);
    expect([pastOf(look(), 'a'), pastOf(look(), 'b'), pastOf(look(), 'd')]).toEqual([[3, 4, 5], [7], [8]]);
  });

  it('counts a pod that is listed twice once, with the later sample', async () => {
    const { ingest, look } = storeWith();
    const report = await ingest([pod('a', at, 1), pod('b', at, 2), pod('a', at + 1, 3), pod('b', at - 1, 4)]);
    expect([report.pods, report.containers, report.fresh]).toEqual([2, 2, 2]);
    expect([look().podCount, cpuOf(look(), 'a'), cpuOf(look(), 'b')]).toEqual([2, 3, 2]);
    await ingest([pod('a', at + 2, 5), pod('a', at + 2, 6), pod('b', at + 2, 7)]);
    expect([look().podCount, cpuOf(look(), 'a'), cpuOf(look(), 'b')]).toEqual([2, 5, 7]);
  });

  it('leaves out what is older than the maximum age at the time of the snapshot', async () => {
    const { ingest, look } = storeWith();
    const old = { name: 'n1', timestamp: at - 1000, windowMs: 1, cpuMilli: 1, memoryMilli: 1 };
    await ingest([pod('a', at, 1), pod('b', at - 1000, 2)], at, [old]);
    expect([look(at + 179_000).podCount, look(at + 179_000).nodeUsage('n1')]).toEqual([2, old]);
    const later = look(at + 179_001);
    expect([later.podCount, [...later.pods()].length, later.podUsage('shop', 'b'), [...later.nodes()], later.nodeUsage('n1')]).toEqual([
      1,
      1,
      undefined,
      [],
      undefined,
    ]);
    expect(freshIn(later)).toEqual(['a/c@0=1']);
    expect(pastOf(later, 'b'), 'what was measured stays measured').toEqual([2]);
  });

  it('shows an observation as fresh in one published snapshot, however many are taken and answers come', async () => {
    const { ingest, look, publish } = storeWith();
    await ingest([pod('a', at, 1), pod('b', at, 1)]);
    expect(freshIn(look())).toEqual(['a/c@0=1', 'b/c@0=1']);
    await ingest([pod('b', at, 1), pod('a', at + 1, 2)]);
    expect(freshIn(publish()), 'of two answers').toEqual(['b/c@0=1', 'a/c@1=2']);
    expect([freshIn(look()), freshIn(publish())]).toEqual([[], []]);
    await ingest([pod('b', at + 2, 3), pod('a', at + 1, 2)]);
    expect(freshIn(publish())).toEqual(['b/c@2=3']);
  });

  it('keeps so many points of a container and no more', async () => {
    const { ingest, look } = storeWith({ containerHistoryPoints: 3 });
    for (let point = 0; point < 10; point++) await ingest([pod('a', at + point, point)]);
    expect(look().containerHistory('shop', 'a', 'c')).toEqual({
      timestamps: Float64Array.of(at + 7, at + 8, at + 9),
      cpuMilli: Float64Array.of(7, 8, 9),
      memoryMilli: Float64Array.of(mega, mega, mega),
    });
  });

  it('gives the history of those up first that have been away for longest', async () => {
    const { ingest, look } = storeWith({ maxContainers: 3 });
    await ingest([pod('a', at, 1), pod('b', at, 2), pod('c', at, 3)]);
    await ingest([pod('b', at, 2), pod('c', at, 3)], at + 1);
    await ingest([pod('c', at, 3)], at + 2);
    const { evicted } = await ingest([pod('c', at, 3), pod('d', at, 4)], at + 3);
    expect([evicted, pastOf(look(), 'a'), pastOf(look(), 'b'), pastOf(look(), 'd')]).toEqual([1, [], [2], [4]]);
  });

  it('leaves no notes behind of pods that come and go, as when two servers answer in turn', async () => {
    const histories = createContainerHistories(2, 100);
    const leave = (slot: number) => new Map([['shop/a', [{ name: 'c', slot, end: 0, points: 0 }]]]);
    const other = histories.claim('shop', 'b', 'c').slot;
    histories.depart(new Map([['shop/b', [{ name: 'c', slot: other, end: 0, points: 0 }]]]), 0);
    const { slot } = histories.claim('shop', 'a', 'c');
    for (let turn = 0; turn < 10; turn++) {
      histories.depart(leave(slot), turn);
      expect(histories.claim('shop', 'a', 'c').slot).toBe(slot);
      histories.tidy();
    }
    expect(histories.departures.map(({ pods }) => [...pods.keys()])).toEqual([['shop/b']]);
    expect(histories.rings.used).toBe(2);
    histories.forget(1);
    expect([histories.departures, histories.rings.used]).toEqual([[], 1]);
  });

  it('holds the newest sample of those that find no room for a history', async () => {
    const { ingest, look, publish } = storeWith({ maxContainers: 1 });
    expect((await ingest([pod('a', at, 1), pod('b', at, 2)])).evicted).toBe(1);
    expect([pastOf(look(), 'a'), pastOf(look(), 'b'), cpuOf(look(), 'b')]).toEqual([[1], [2], 2]);
    publish();
    await ingest([pod('a', at + 1, 3), pod('b', at + 1, 4)]);
    const snapshot = publish();
    expect([pastOf(snapshot, 'a'), pastOf(snapshot, 'b'), freshIn(snapshot)]).toEqual([[1, 3], [4], ['a/c@1=3', 'b/c@1=4']]);
    await ingest([pod('b', at + 2, 5)], at + 2);
    expect(pastOf(look(), 'b'), 'room has come').toEqual([5]);
  });

  it('takes values that cannot be for unknown, and says so', async () => {
    const { ingest, look } = storeWith();
    const node = { name: 'n1', timestamp: at, windowMs: 1, cpuMilli: 5, memoryMilli: 0 };
    const { implausible } = await ingest([pod('a', at, { idle: [0, mega], filled: [0, 0], half: [7, 0], negative: [-1, mega] })], at, [
      node,
    ]);
    expect(look().podUsage('shop', 'a')?.containers).toEqual([
      { name: 'idle', cpuMilli: 0, memoryMilli: mega },
      { name: 'filled', cpuMilli: undefined, memoryMilli: undefined },
      { name: 'half', cpuMilli: 7, memoryMilli: undefined },
      { name: 'negative', cpuMilli: undefined, memoryMilli: mega },
    ]);
    expect(look().nodeUsage('n1')).toEqual({ ...node, memoryMilli: undefined });
    expect(implausible.map((sentence) => sentence.split(' is ')[0])).toEqual([
      'container shop/a/filled',
      'container shop/a/half',
      'container shop/a/negative',
    ]);
    expect(look().containerHistory('shop', 'a', 'half')?.memoryMilli).toEqual(Float64Array.of(Number.NaN));
  });

  it('writes at most twenty sentences, with names that cannot disturb a terminal', async () => {
    const { ingest } = storeWith();
    const many = Array.from({ length: 30 }, (_, index) => pod(`p\u001b[31m${index}`, at, { c: [0, 0] }));
    const { implausible } = await ingest(many);
    expect(implausible).toHaveLength(20);
    expect(implausible[0]).toContain('shop/p?[31m0/c');
    expect(implausible[19]).toBe('and 11 more containers are reported with values that cannot be');
  });

  it('is of the answer before until the next is taken in, and takes answers that overlap one after the other', async () => {
    const { ingest, look, publish } = storeWith();
    await ingest([pod('a', at, 1)]);
    publish();
    const many = (timestamp: number, cpu: number) => Array.from({ length: 20_000 }, (_, index) => pod(`p${index}`, timestamp, cpu));
    const first = ingest(many(at + 1, 2));
    const second = ingest(many(at + 2, 3));
    await new Promise((resolve) => setImmediate(resolve));
    expect([look().podCount, cpuOf(look(), 'a'), pastOf(look(), 'a')]).toEqual([1, 1, [1]]);
    await first;
    expect([look().podCount, cpuOf(look(), 'p19999')]).toEqual([20_000, 2]);
    await second;
    expect(pastOf(look(), 'p19999')).toEqual([2, 3]);
  });

  it('refuses a table whose columns do not fit, and changes nothing', async () => {
    const store = createUsageStore();
    await store.ingest({ pods: usageTableOf([pod('a', at)]), nodes: [] }, at);
    const broken = { ...usageTableOf([pod('b', at)]), containerCount: 2 };
    expect(() => store.ingest({ pods: broken, nodes: [] }, at)).toThrow(/columns of other lengths/);
    expect(store.snapshot({ at, maxAgeMs: 1 }).podUsage('shop', 'a')).toBeDefined();
  });

  it('has no sample of a time that is no number', async () => {
    const { ingest, look } = storeWith();
    await ingest([pod('a', Number.NaN), pod('b', at)]);
    expect([look().podCount, look().podUsage('shop', 'a')]).toEqual([1, undefined]);
    await ingest([pod('a', at, 5), pod('b', Number.NaN)]);
    expect([look().podCount, cpuOf(look(), 'a'), cpuOf(look(), 'b')]).toEqual([2, 5, 100]);
  });
});
