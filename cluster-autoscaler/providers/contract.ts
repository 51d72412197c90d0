/**
 * What the loop relies on of every provider, written once and run by the tests of each: `providerContract('simulated', start)`. The bench is the
 * provider over some cloud, in process or not; nothing here knows which.
 */
import { afterEach, describe, expect, it } from 'vitest';
import type { NodeRecord } from '../../core/model/index.ts';
import type { Instance } from '../engine/model.ts';
import type { Provider, ProviderGroup } from './provider.ts';
import { templateNode } from './template-node.ts';

/** A provider over a cloud that has {@link ProviderBench.group} and one more group. Refreshed by the tests. */
export interface ProviderBench {
  readonly provider: Provider;
  /** Minimum 1, maximum 5, two instances that run. */
  readonly group: string;
  /** Another group, with one instance that runs and a minimum of 0. */
  readonly otherGroup: string;
  /** Lets the cloud do what it was asked for, and so much time pass that a refresh reads again. */
  readonly settle: () => Promise<void>;
  /** Lets the cloud notice what it was asked for, without time for it. Absent where it does so by itself. */
  readonly react?: () => Promise<void>;
  /** The size that the cloud has for the group, asked behind the provider's back. */
  readonly sizeInCloud: (group: string) => Promise<number>;
  /** From now on the cloud cannot launch anything for the group. Absent where the cloud cannot be made to. */
  readonly stockout?: (group: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Runs the contract; `start` makes a fresh bench for every test. */
export function providerContract(name: string, start: () => Promise<ProviderBench>): void {
  describe(`provider contract: ${name}`, () => {
    let bench: ProviderBench | undefined;
    const begin = async (): Promise<ProviderBench> => {
      bench = await start();
      await bench.provider.refresh();
      return bench;
    };
    afterEach(async () => {
      await bench?.provider.close();
      await bench?.close();
      bench = undefined;
    });

    it('shows a group with its bounds, its target and its instances, all known by their ids', async () => {
      const { provider, group } = await begin();
      expect(groupNamed(provider, group)).toMatchObject({ minSize: 1, maxSize: 5, targetSize: 2 });
      const instances = await provider.instances(group);
      expect(instances.map(({ state }) => state)).toEqual(['running', 'running']);
      expect(new Set(instances.map(({ id }) => id)).size).toBe(2);
      for (const { id } of instances) {
        expect(provider.groupOf(nodeOf(id))).toBe(group);
        expect(provider.hasInstance(nodeOf(id))).toBe(true);
      }
    });

    it('answers the same after another refresh', async () => {
      const { provider, group, settle } = await begin();
      const before = [provider.groups(), await provider.instances(group)];
      await provider.refresh();
      expect([provider.groups(), await provider.instances(group)]).toEqual(before);
      await settle();
      await provider.refresh();
      expect([provider.groups(), await provider.instances(group)]).toEqual(before);
    });

    it('raises the target at once; the instances come', async () => {
      const { provider, group, settle, sizeInCloud } = await begin();
      expect(await provider.increaseSize(group, 2)).toEqual({ ok: true });
      expect(groupNamed(provider, group).targetSize).toBe(4);
      expect(await sizeInCloud(group)).toBe(4);
      await settle();
      await provider.refresh();
      const instances = await provider.instances(group);
      expect(instances.map(({ state, failure }) => [state, failure])).toEqual(Array.from({ length: 4 }, () => ['running', undefined]));
    });

    it('lists what is asked for and has not come as being created', async () => {
      const { provider, group, react } = await begin();
      await provider.increaseSize(group, 2);
      await react?.();
      await provider.refresh();
      const instances = await provider.instances(group);
      expect(instances).toHaveLength(4);
      expect(instances.filter(({ state }) => state === 'creating')).toHaveLength(2);
      for (const { id, failure } of instances) {
        expect(failure).toBeUndefined();
        expect(provider.groupOf(nodeOf(id))).toBe(group);
      }
    });

    it.each([0, -1, 4])('refuses to raise by %i and changes nothing', async (delta) => {
      const { provider, group, sizeInCloud } = await begin();
      const result = await provider.increaseSize(group, delta);
      expect(result).toMatchObject({ ok: false, failure: { class: 'other' } });
      expect(groupNamed(provider, group).targetSize).toBe(2);
      expect(await sizeInCloud(group)).toBe(2);
    });

    it.each([0, 1, -1])('refuses to lower the target by %i, for its instances exist', async (delta) => {
      const { provider, group, sizeInCloud } = await begin();
      expect(await provider.decreaseTargetSize(group, delta)).toMatchObject({ ok: false, failure: { class: 'other' } });
      expect(groupNamed(provider, group).targetSize).toBe(2);
      expect(await sizeInCloud(group)).toBe(2);
    });

    it('ends an instance and lowers the target with it', async () => {
      const { provider, group, settle, sizeInCloud } = await begin();
      const [first, second] = await twoInstances(provider, group);
      expect(await provider.deleteInstances(group, [first.id])).toEqual({ ok: true });
      expect(groupNamed(provider, group).targetSize).toBe(1);
      expect(await sizeInCloud(group)).toBe(1);
      await settle();
      await provider.refresh();
      expect((await provider.instances(group)).map(({ id }) => id)).toEqual([second.id]);
      expect(provider.groupOf(nodeOf(first.id))).toBeUndefined();
      expect(provider.hasInstance(nodeOf(first.id))).not.toBe(true);
    });

    it('reads again after a deletion, however short ago the last reading was', async () => {
      const { provider, group } = await begin();
      const [first] = await twoInstances(provider, group);
      await provider.deleteInstances(group, [first.id]);
      await provider.refresh();
      const left = await provider.instances(group);
      expect(left.filter(({ id, state }) => id === first.id && state !== 'deleting')).toEqual([]);
      expect(groupNamed(provider, group).targetSize).toBe(1);
    });

    it('refuses to go below the minimum', async () => {
      const { provider, group, sizeInCloud } = await begin();
      const [first, second] = await twoInstances(provider, group);
      await provider.deleteInstances(group, [first.id]);
      expect(await provider.deleteInstances(group, [second.id])).toMatchObject({ ok: false, failure: { class: 'other' } });
      expect(await sizeInCloud(group)).toBe(1);
    });

    it('refuses instances that nobody or another group has, the good ones among them too', async () => {
      const { provider, group, otherGroup, sizeInCloud } = await begin();
      const [first] = await twoInstances(provider, group);
      const [other] = await provider.instances(otherGroup);
      expect(other).toBeDefined();
      for (const bad of [`${first.id}0`, other?.id ?? '']) {
        expect(await provider.deleteInstances(group, [first.id, bad])).toMatchObject({ ok: false, failure: { class: 'other' } });
      }
      expect(await sizeInCloud(group)).toBe(2);
      expect(await sizeInCloud(otherGroup)).toBe(1);
    });

    it('refuses every change of a group that it does not know', async () => {
      const { provider } = await begin();
      for (const result of [
        await provider.increaseSize('nobody', 1),
        await provider.decreaseTargetSize('nobody', -1),
        await provider.deleteInstances('nobody', ['x']),
      ]) {
        expect(result).toMatchObject({ ok: false, failure: { class: 'other', message: expect.stringContaining('nobody') as string } });
      }
      expect(await provider.instances('nobody')).toEqual([]);
      expect(await provider.template('nobody')).toEqual({ problem: expect.stringContaining('nobody') as string });
      expect(provider.groupOf(nodeOf('nobody:///x'))).toBeUndefined();
      expect(provider.groupOf(nodeOf(''))).toBeUndefined();
    });

    it('makes a template of an empty, ready node', async () => {
      const { provider, group } = await begin();
      const answer = await provider.template(group);
      if ('problem' in answer) throw new Error(answer.problem);
      const { node, pods } = answer.template;
      expect(node).toMatchObject({ ready: 'True', unschedulable: false, deleted: undefined });
      for (const resource of ['cpu', 'memory', 'pods']) expect(node.allocatable[resource]).toBeGreaterThan(0);
      expect(node.labels['kubernetes.io/hostname']).toBe(node.name);
      expect(pods.every(({ mirror }) => mirror)).toBe(true);
    });

    it('says of what will not come why, and takes it back when that is deleted', async ({ skip }) => {
      const { provider, group, settle, sizeInCloud, stockout } = await begin();
      if (stockout === undefined) skip('this cloud cannot run out of machines');
      await stockout?.(group);
      expect(await provider.increaseSize(group, 2)).toEqual({ ok: true });
      await settle();
      await provider.refresh();
      const failed = (await provider.instances(group)).filter(({ failure }) => failure !== undefined);
      expect(failed).toHaveLength(2);
      for (const { state, failure } of failed) {
        expect(state).toBe('creating');
        expect(failure).toMatchObject({ class: 'out-of-resources', code: expect.stringMatching(/./) as string });
      }
      expect(groupNamed(provider, group).notes.join('\n')).toContain(failed[0]?.failure?.code);
      const ids = failed.map(({ id }) => id);
      expect(await provider.deleteInstances(group, ids)).toEqual({ ok: true });
      expect(groupNamed(provider, group).targetSize).toBe(2);
      expect(await sizeInCloud(group)).toBe(2);
      await provider.refresh();
      const left = (await provider.instances(group)).filter(({ state }) => state !== 'deleting');
      expect(left.map(({ state, failure }) => [state, failure])).toEqual([
        ['running', undefined],
        ['running', undefined],
      ]);
    });
  });
}

/** The group of that id; fails when the provider does not list it. */
export function groupNamed(provider: Provider, id: string): ProviderGroup {
  const group = provider.groups().find((each) => each.id === id);
  if (group === undefined) throw new Error(`the provider lists no group ${id}`);
  return group;
}

/** A registered node of that provider id. */
export function nodeOf(providerId: string): NodeRecord {
  return { ...templateNode({ name: `node-of-${providerId}`, labels: {}, taints: [], capacity: {} }), providerId };
}

async function twoInstances(provider: Provider, group: string): Promise<readonly [Instance, Instance]> {
  const [first, second] = await provider.instances(group);
  if (first === undefined || second === undefined) throw new Error(`group ${group} has fewer than two instances`);
  return [first, second];
}
