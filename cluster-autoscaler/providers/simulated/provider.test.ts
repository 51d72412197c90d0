import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import { groupNamed, nodeOf, providerContract } from '../contract.ts';
import { templateNode } from '../template-node.ts';
import { createSimulatedProvider, type SimulatedGroup, type SimulatedMachine, type SimulatedProvider } from './index.ts';

const template = {
  node: templateNode({ name: 'template', labels: {}, taints: [], capacity: { cpu: 4_000, memory: 8e12, pods: 110_000 } }),
  pods: [],
};

function group(more: Partial<SimulatedGroup> = {}): SimulatedGroup {
  return { id: 'workers', minSize: 1, maxSize: 5, size: 2, template, bootMs: 20_000, shutdownMs: 10_000, ...more };
}

interface Scene {
  readonly clock: VirtualClock;
  readonly provider: SimulatedProvider;
  /** `+id` and `-id` as nodes come and go. */
  readonly nodes: string[];
}

function scene(groups: readonly SimulatedGroup[] = [group()]): Scene {
  const clock = new VirtualClock();
  const nodes: string[] = [];
  const provider = createSimulatedProvider({
    clock,
    groups,
    onNode: ({ id }: SimulatedMachine) => nodes.push(`+${id}`),
    onGone: ({ id }: SimulatedMachine) => nodes.push(`-${id}`),
  });
  return { clock, provider, nodes };
}

providerContract('simulated', async () => {
  const { clock, provider } = scene([group(), group({ id: 'other', minSize: 0, size: 1 })]);
  return {
    provider,
    group: 'workers',
    otherGroup: 'other',
    settle: () => clock.advance(60_000),
    sizeInCloud: async (id) => groupNamed(provider, id).targetSize,
    stockout: async (id) => provider.setStock(id, 0),
    close: async () => undefined,
  };
});

describe('simulated provider', () => {
  it('tells of nodes from the start, after the boot, and when they are gone', async () => {
    const { clock, provider, nodes } = scene();
    provider.start();
    expect(nodes.splice(0)).toEqual(['+sim:///workers/0', '+sim:///workers/1']);
    await provider.increaseSize('workers', 1);
    await clock.advance(19_999);
    expect(nodes).toEqual([]);
    await clock.advance(1);
    expect(nodes.splice(0)).toEqual(['+sim:///workers/2']);
    await provider.deleteInstances('workers', ['sim:///workers/0']);
    await clock.advance(9_999);
    expect(nodes).toEqual([]);
    await clock.advance(1);
    expect(nodes).toEqual(['-sim:///workers/0']);
    expect(provider.hasInstance(nodeOf('sim:///workers/0'))).toBe(false);
    expect(provider.hasInstance(nodeOf('sim:///workers/9'))).toBeUndefined();
  });

  it('shows the tags and the price that it was given', () => {
    const { provider } = scene([group({ tags: { team: 'shop' }, price: 0.1 })]);
    expect(groupNamed(provider, 'workers')).toMatchObject({ tags: { team: 'shop' }, price: 0.1 });
  });

  it('launches what the stock has and fails the rest', async () => {
    const { clock, provider } = scene([group({ stock: 1 })]);
    await provider.increaseSize('workers', 3);
    await clock.advance(60_000);
    const instances = await provider.instances('workers');
    expect(instances.map(({ state, failure }) => failure?.code ?? state)).toEqual([
      'running',
      'running',
      'running',
      'SimulatedStockout',
      'SimulatedStockout',
    ]);
  });

  it('gives up failed machines before those that may still come', async () => {
    const { provider } = scene([group({ stock: 1 })]);
    await provider.increaseSize('workers', 2);
    expect(await provider.decreaseTargetSize('workers', -1)).toEqual({ ok: true });
    expect((await provider.instances('workers')).map(({ failure }) => failure)).toEqual([undefined, undefined, undefined]);
    expect(groupNamed(provider, 'workers').targetSize).toBe(3);
    expect(await provider.decreaseTargetSize('workers', -2)).toMatchObject({ ok: false });
  });

  it('refuses changes as it is told, until it is told otherwise', async () => {
    const { provider } = scene();
    const failure = { class: 'out-of-resources', code: 'Quota', message: 'no more' } as const;
    provider.refuse('workers', failure);
    expect(await provider.increaseSize('workers', 1)).toEqual({ ok: false, failure });
    expect(await provider.deleteInstances('workers', ['sim:///workers/0'])).toEqual({ ok: false, failure });
    provider.refuse('workers', undefined);
    expect(await provider.increaseSize('workers', 1)).toEqual({ ok: true });
  });

  it('replaces a machine that is lost', async () => {
    const { clock, provider, nodes } = scene();
    provider.lose('sim:///workers/0');
    await clock.advance(30_000);
    expect(nodes).toEqual(['-sim:///workers/0', '+sim:///workers/2']);
    expect(groupNamed(provider, 'workers').targetSize).toBe(2);
  });

  it('leaves machines that never boot as being created', async () => {
    const { clock, provider } = scene();
    provider.setBootMs('workers', Number.POSITIVE_INFINITY);
    await provider.increaseSize('workers', 1);
    await clock.advance(3_600_000);
    expect((await provider.instances('workers')).map(({ state }) => state)).toEqual(['running', 'running', 'creating']);
  });

  it('goes below the minimum only when it is forced', async () => {
    const { provider } = scene([group({ size: 1 })]);
    expect(await provider.deleteInstances('workers', ['sim:///workers/0'])).toMatchObject({ failure: { code: 'MinSizeReached' } });
    expect(await provider.deleteInstances('workers', ['sim:///workers/0'], { forced: true })).toEqual({ ok: true });
  });

  it('leaves no timer behind', async () => {
    const { clock, provider } = scene();
    await provider.increaseSize('workers', 2);
    await provider.close();
    expect(clock.pending).toBe(0);
  });
});
