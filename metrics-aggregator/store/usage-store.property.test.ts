import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ContainerUsage, PodUsage, UsageSnapshot } from '../../core/model/metrics-view.ts';
import { createUsageStore, type UsageStore } from './usage-store.ts';
import { usageTableOf } from './usage-table-builder.ts';

const start = 1_000_000;
const maxAgeMs = 100_000;
const points = 3;
const podNames = ['a', 'b', 'c', 'd', 'e'];
const containerNames = ['x', 'y', 'z'];

const amount = fc.constantFrom(undefined, 0, 1, 2, 500);
const containers = fc
  .subarray(containerNames)
  .chain((names) => fc.shuffledSubarray(names, { minLength: names.length }))
  .chain((names) => fc.tuple(...names.map((name) => fc.record({ name: fc.constant(name), cpuMilli: amount, memoryMilli: amount }))));
/** As no server should list them: with a name twice. */
const anyContainers = fc.array(fc.record({ name: fc.constantFrom(...containerNames), cpuMilli: amount, memoryMilli: amount }), {
  maxLength: 4,
});

function stepsOf(list: fc.Arbitrary<ContainerUsage[]>) {
  const podUsage = fc.record({
    namespace: fc.constantFrom('n1', 'n2'),
    name: fc.constantFrom(...podNames),
    timestamp: fc.oneof(
      { weight: 5, arbitrary: fc.integer({ min: -3, max: 8 }).map((step) => start + step * 5_000) },
      fc.integer({ min: 0, max: 3 }).map((step) => start + 100_000 + step * 5_000),
    ),
    windowMs: fc.constantFrom(10_000, 15_000),
    containers: list,
  });
  const answer = fc.uniqueArray(podUsage, { selector: ({ namespace, name }) => `${namespace}/${name}`, maxLength: 6 });
  return fc.array(
    fc.record({
      // Mostly what was there before with some changes, as real answers are.
      change: fc.oneof(
        { weight: 3, arbitrary: answer.map((pods) => ({ kept: true, pods })) },
        answer.map((pods) => ({ kept: false, pods })),
      ),
      elapsed: fc.constantFrom(0, 5_000, 15_000),
      publish: fc.boolean(),
    }),
    { maxLength: 14 },
  );
}

/** All that a snapshot can be asked. */
function everythingOf(snapshot: UsageSnapshot): unknown {
  const fresh: unknown[] = [];
  snapshot.eachFresh((sample) => fresh.push({ ...sample }));
  const each = ['n1', 'n2'].flatMap((namespace) =>
    podNames.map((name) => ({
      usage: snapshot.podUsage(namespace, name),
      histories: containerNames.map((container) => snapshot.containerHistory(namespace, name, container)),
    })),
  );
  return { pods: [...snapshot.pods()], nodes: [...snapshot.nodes()], count: snapshot.podCount, fresh, each };
}

/** The pods of the answer before with those of the change in their place, in a stable order. */
function changed(before: readonly PodUsage[], { kept, pods }: { kept: boolean; pods: readonly PodUsage[] }): readonly PodUsage[] {
  if (!kept) return pods;
  const all = new Map([...before, ...pods].map((pod) => [`${pod.namespace}/${pod.name}`, pod]));
  return [...all.values()];
}

const isAhead = (timestamp: number, now: number): boolean => timestamp > now + 30_000;

/** The rules, one pod at a time, with maps and objects: what the store must come to. */
function createModel() {
  let pods = new Map<string, PodUsage>();
  const histories = new Map<string, { time: number; cpu: number; memory: number }[]>();
  const unpublished = new Set<string>();

  const plausible = ({ name, cpuMilli, memoryMilli }: ContainerUsage): ContainerUsage => {
    const hole = memoryMilli === 0;
    return { name, cpuMilli: hole && cpuMilli === 0 ? undefined : cpuMilli, memoryMilli: hole ? undefined : memoryMilli };
  };
  const observe = (key: string, pod: PodUsage, container: ContainerUsage, now: number): void => {
    const id = `${key}/${container.name}`;
    const past = histories.get(id) ?? [];
    const last = past.at(-1)?.time ?? -Infinity;
    if (pod.timestamp > last) unpublished.add(id);
    else if (pod.timestamp < last && isAhead(last, now)) past.length = 0;
    else return;
    past.push({ time: pod.timestamp, cpu: container.cpuMilli ?? Number.NaN, memory: container.memoryMilli ?? Number.NaN });
    histories.set(id, past.slice(-points));
  };
  const namesOf = (pod: PodUsage): string =>
    pod.containers
      .map(({ name }) => name)
      .toSorted()
      .join();

  return {
    ingest: (list: readonly PodUsage[], now: number) => {
      const next = new Map<string, PodUsage>();
      for (const given of list) {
        const key = `${given.namespace}/${given.name}`;
        const before = pods.get(key);
        const pod = { ...given, containers: given.containers.map(plausible) };
        if (before !== undefined && namesOf(before) === namesOf(pod) && pod.timestamp <= before.timestamp) {
          if (pod.timestamp === before.timestamp) {
            next.set(key, before);
            continue;
          }
          if (!isAhead(before.timestamp, now)) {
            next.set(key, { ...before, clockSkew: true });
            continue;
          }
        }
        const inDoubt =
          before !== undefined && (pod.timestamp < before.timestamp || (pod.timestamp === before.timestamp && before.clockSkew));
        next.set(key, inDoubt === true || isAhead(pod.timestamp, now) ? { ...pod, clockSkew: true } : pod);
        for (const container of pod.containers) observe(key, pod, container, now);
      }
      pods = next;
    },
    expected: (at: number) => {
      const there = [...pods].filter(([, pod]) => pod.timestamp >= at - maxAgeMs);
      const fresh = there.flatMap(([key, pod]) =>
        pod.containers.filter(({ name }) => unpublished.has(`${key}/${name}`)).map(({ name }) => `${key}/${name}@${pod.timestamp}`),
      );
      return { pods: new Map(there), fresh, histories };
    },
    publish: () => unpublished.clear(),
    forgetUnlisted: () => {
      // A container that left takes its mark with it: there is no sample of it to count.
      const listed = new Set([...pods].flatMap(([key, pod]) => pod.containers.map(({ name }) => `${key}/${name}`)));
      for (const id of unpublished) if (!listed.has(id)) unpublished.delete(id);
    },
  };
}

/** Container order is of no meaning. */
const sorted = (pod: PodUsage | undefined) =>
  pod && { ...pod, containers: pod.containers.toSorted((one, other) => (one.name < other.name ? -1 : 1)) };

function expectSame(snapshot: UsageSnapshot, model: ReturnType<typeof createModel>, at: number): void {
  const expected = model.expected(at);
  expect(snapshot.podCount).toBe(expected.pods.size);
  expect([...snapshot.pods()].map(sorted)).toEqual([...expected.pods.values()].map(sorted));
  const fresh: string[] = [];
  snapshot.eachFresh(({ namespace, pod, container, timestamp }) => fresh.push(`${namespace}/${pod}/${container}@${timestamp}`));
  expect(fresh.toSorted()).toEqual(expected.fresh.toSorted());
  for (const namespace of ['n1', 'n2']) {
    for (const name of podNames) {
      expect(sorted(snapshot.podUsage(namespace, name))).toEqual(sorted(expected.pods.get(`${namespace}/${name}`)));
      for (const container of containerNames) {
        const past = expected.histories.get(`${namespace}/${name}/${container}`);
        expect(snapshot.containerHistory(namespace, name, container)).toEqual(
          past && {
            timestamps: Float64Array.from(past, ({ time }) => time),
            cpuMilli: Float64Array.from(past, ({ cpu }) => cpu),
            memoryMilli: Float64Array.from(past, ({ memory }) => memory),
          },
        );
      }
    }
  }
}

type Steps = ReturnType<typeof stepsOf> extends fc.Arbitrary<infer T> ? T : never;

async function run(
  store: UsageStore,
  made: Steps,
  each: (list: readonly PodUsage[], now: number, publish: boolean) => void,
): Promise<void> {
  let now = start;
  let list: readonly PodUsage[] = [];
  for (const { change, elapsed, publish } of made) {
    now += elapsed;
    list = changed(list, change);
    await store.ingest({ pods: usageTableOf(list), nodes: list.map(({ name, timestamp }) => node(name, timestamp)) }, now);
    each(list, now, publish);
  }
}

const node = (name: string, timestamp: number) => ({ name, timestamp, windowMs: 1, cpuMilli: 1, memoryMilli: 1 });

describe('the usage store', () => {
  it('comes to what the rules say, one pod at a time', async () => {
    await fc.assert(
      fc.asyncProperty(stepsOf(containers), async (made) => {
        const store = createUsageStore({ containerHistoryPoints: points, forgetAfterMs: 1e9, maxContainers: 100 });
        const model = createModel();
        await run(store, made, (list, now, publish) => {
          model.ingest(list, now);
          model.forgetUnlisted();
          expectSame(store.snapshot({ at: now, maxAgeMs, publish }), model, now);
          if (publish) model.publish();
        });
      }),
      { numRuns: 200 },
    );
  });

  it('gives snapshots that answer the same for ever, whatever comes later', async () => {
    await fc.assert(
      fc.asyncProperty(
        stepsOf(anyContainers),
        fc.integer({ min: 1, max: 12 }),
        fc.constantFrom(0, 20_000),
        async (made, maxContainers, forgetAfterMs) => {
          const store = createUsageStore({ containerHistoryPoints: points, forgetAfterMs, maxContainers });
          const kept: { snapshot: UsageSnapshot; first: unknown }[] = [];
          await run(store, [...made, ...made], (_, now, publish) => {
            const snapshot = store.snapshot({ at: now, maxAgeMs, publish });
            kept.push({ snapshot, first: everythingOf(snapshot) });
          });
          for (const { snapshot, first } of kept) expect(everythingOf(snapshot)).toEqual(first);
        },
      ),
      { numRuns: 150 },
    );
  });
});
