import { describe, expect, it } from 'vitest';
import type { ContainerPoint, NodeScrape } from '../kubelet/index.ts';
import { TwoPointStore } from './two-point-store.ts';

const second = 1000;
const mebi = 1024 * 1024;

/** One node with one pod; times in seconds. */
function scrape(timestamp: number, containers: readonly Partial<ContainerPoint>[], node: Partial<NodeScrape['node']> = {}): NodeScrape {
  return {
    node: { name: 'n1', cpuSeconds: timestamp, memoryBytes: mebi, timestamp: timestamp * second, ...node },
    pods: [
      {
        namespace: 'default',
        name: 'web',
        containers: containers.map((container, index) => ({
          name: `c${index}`,
          cpuSeconds: 1,
          memoryBytes: mebi,
          startTime: 0,
          timestamp: timestamp * second,
          ...container,
        })),
      },
    ],
  };
}

function stored(...rounds: readonly NodeScrape[]): TwoPointStore {
  const store = new TwoPointStore(15 * second);
  for (const round of rounds) store.store([round]);
  return store;
}

describe('the two-point rule', () => {
  it('answers the average between the last two points, and the last memory', () => {
    const store = stored(scrape(100, [{ cpuSeconds: 10, memoryBytes: mebi }]), scrape(115, [{ cpuSeconds: 13, memoryBytes: 2 * mebi }]));
    expect(store.pod('default', 'web')).toEqual({
      timestamp: 115_000,
      windowMs: 15_000,
      containers: [{ name: 'c0', usage: { timestamp: 115_000, windowMs: 15_000, cpuNano: 200_000_000, memoryBytes: 2 * mebi } }],
    });
    expect(store.node('n1')).toEqual({ timestamp: 115_000, windowMs: 15_000, cpuNano: 1_000_000_000, memoryBytes: mebi });
  });

  it('needs two points, except for a container of ten seconds up to one resolution', () => {
    expect(stored(scrape(100, [{}])).pod('default', 'web')).toBeUndefined();
    expect(stored(scrape(100, [{}])).node('n1')).toBeUndefined();
    const young = (age: number): unknown => stored(scrape(100, [{ startTime: (100 - age) * second, cpuSeconds: 2 }])).pod('default', 'web');
    expect(young(9.9)).toBeUndefined();
    expect(young(10)).toMatchObject({ windowMs: 10_000, containers: [{ usage: { cpuNano: 200_000_000 } }] });
    expect(young(14.9)).toBeDefined();
    expect(young(15)).toBeUndefined();
  });

  it('keeps the old pair while the timestamp stands still', () => {
    const store = stored(scrape(100, [{ cpuSeconds: 10 }]), scrape(110, [{ cpuSeconds: 12 }]));
    const before = store.pod('default', 'web');
    store.store([scrape(110, [{ cpuSeconds: 12 }])]);
    expect(store.pod('default', 'web')).toEqual(before);
    store.store([scrape(120, [{ cpuSeconds: 13 }])]);
    expect(store.pod('default', 'web')).toMatchObject({ windowMs: 10_000, containers: [{ usage: { cpuNano: 100_000_000 } }] });
  });

  it('leaves a pod out when one container has no earlier point', () => {
    const store = stored(scrape(100, [{}]), scrape(115, [{ cpuSeconds: 2 }, { cpuSeconds: 2 }]));
    expect(store.pod('default', 'web')).toBeUndefined();
    store.store([scrape(130, [{ cpuSeconds: 3 }, { cpuSeconds: 3 }])]);
    expect(store.pod('default', 'web')?.containers).toHaveLength(2);
  });

  it.each([
    ['no CPU', { cpuSeconds: 0 }],
    ['no memory', { memoryBytes: 0 }],
  ])('leaves a pod out when one container reports %s', (_name, missing) => {
    const store = stored(scrape(100, [{}, {}]), scrape(115, [{ cpuSeconds: 2 }, { cpuSeconds: 2, ...missing }]));
    expect(store.pod('default', 'web')).toBeUndefined();
    expect(store.node('n1')).toBeDefined();
  });

  it('forgets the earlier point at a restart', () => {
    const store = stored(scrape(100, [{ cpuSeconds: 50 }]), scrape(115, [{ cpuSeconds: 51 }]));
    store.store([scrape(130, [{ cpuSeconds: 0.5, startTime: 125 * second }])]);
    expect(store.pod('default', 'web')).toBeUndefined();
    store.store([scrape(145, [{ cpuSeconds: 2, startTime: 125 * second }])]);
    expect(store.pod('default', 'web')).toMatchObject({ windowMs: 15_000, containers: [{ usage: { cpuNano: 100_000_000 } }] });
  });

  it('leaves out only the container whose counter went back', () => {
    const store = stored(scrape(100, [{ cpuSeconds: 50 }, { cpuSeconds: 50 }]), scrape(115, [{ cpuSeconds: 49 }, { cpuSeconds: 51 }]));
    expect(store.pod('default', 'web')?.containers.map(({ name }) => name)).toEqual(['c1']);
  });

  it('takes the earliest timestamp of the containers for the pod', () => {
    const store = stored(
      scrape(100, [{ timestamp: 100_000 }, { timestamp: 99_000 }]),
      scrape(115, [
        { cpuSeconds: 2, timestamp: 115_000 },
        { cpuSeconds: 2, timestamp: 113_000 },
      ]),
    );
    expect(store.pod('default', 'web')).toMatchObject({ timestamp: 113_000, windowMs: 14_000 });
  });

  it('loses node and pods with one failed scrape, and needs two more', () => {
    const store = stored(scrape(100, [{}]), scrape(115, [{ cpuSeconds: 2 }]));
    store.store([]);
    expect([store.pod('default', 'web'), store.node('n1')]).toEqual([undefined, undefined]);
    store.store([scrape(145, [{ cpuSeconds: 3 }])]);
    expect([store.pod('default', 'web'), store.node('n1')]).toEqual([undefined, undefined]);
    store.store([scrape(160, [{ cpuSeconds: 4 }])]);
    expect(store.pod('default', 'web')).toBeDefined();
    expect(store.node('n1')).toBeDefined();
  });
});
