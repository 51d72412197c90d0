import { expect } from 'vitest';
import { resourceTypes } from '../../core/model/object.ts';
import { large, minute, nodeNamed, second, toldOf, type OwnNodesRow } from './nodes-rows-own-support.ts';

/** The one that wastes less, and another one that helps as well. */
const pair = [
  { name: 'a', max: 3 },
  { name: 'b', max: 3, type: 'm5.xlarge' },
];

/** What the cloud does, or does not. */
export const cloudRows: readonly OwnNodesRow[] = [
  {
    id: 'pair',
    name: 'several groups grow in one loop',
    groups: ['a', 'b', 'c'].map((letter) => ({ name: letter, max: 3, zone: letter })),
    run: async (pool, { aws }) => {
      const term = { labelSelector: { matchLabels: { app: 'web' } }, topologyKey: 'topology.kubernetes.io/zone' };
      const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
      await pool.deploy('web', { replicas: 3, cpu: '100m', spec: { nodeSelector: { pool: pool.id }, affinity } });
      await pool.runs('web', 3, 3 * minute);
      const calls = aws.calls().filter(({ action }) => action === 'SetDesiredCapacity');
      expect(calls.map(({ parameters }) => parameters['AutoScalingGroupName'])).toEqual(['pair-a', 'pair-b', 'pair-c']);
      expect(new Set(calls.map(({ at }) => at)).size).toBe(1);
      expect((await toldOf(pool, 'web', 'TriggeredScaleUp')).toSorted()).toEqual(
        ['a', 'b', 'c'].map((letter) => `pod triggered scale-up: [{pair-${letter} 0->1 (max: 3)}]`),
      );
    },
  },
  {
    id: 'stock',
    name: 'insufficient capacity: the group is in backoff with the code of AWS, another one grows; it is asked again when that is over',
    groups: pair,
    run: async (pool, { aws }) => {
      await pool.policy({}, { group: 'a' });
      aws.capacity.set({ type: 'm5.large', zone: 'us-east-1a' }, 0);
      await pool.deploy('web', { replicas: 1, cpu: '1500m' });
      await pool.comes('the cheaper group is asked', () => pool.size('a') === 1, 30 * second);
      await pool.runs('web', 1, 4 * minute);
      expect([pool.size('a'), pool.size('b')]).toEqual([0, 1]);
      const [group] = (await pool.status()).groups ?? [];
      expect(group?.backoff).toMatchObject({
        code: 'InsufficientInstanceCapacity',
        message: expect.stringContaining('sufficient m5.large capacity') as string,
      });
      expect(group?.scaleUp).toBe('Backoff');
      expect(await pool.condition('Healthy')).toBe('False/Backoff');
      expect(pool.sizes('a'), 'asked for, and taken back').toEqual([1, 0]);

      // While it is in backoff nobody asks it.
      await pool.deploy('more', { replicas: 1, cpu: '3' });
      await pool.comes('the other one helps', () => pool.size('b') === 2, 4 * minute);
      aws.capacity.set({ type: 'm5.large', zone: 'us-east-1a' }, undefined);
      await pool.comes('it is healthy again', async () => (await pool.condition('Healthy')) === 'True/Healthy', 6 * minute);
      // One fits on what is there.
      await pool.deploy('late', { replicas: 2, cpu: '1800m' });
      await pool.runs('late', 2, 4 * minute);
      expect([pool.size('a'), pool.size('b')]).toEqual([1, 2]);
    },
  },
  {
    id: 'throttled',
    name: 'throttling: nothing is asked for twice, nothing is removed meanwhile, and it goes on by itself',
    groups: [{ min: 2, max: 4 }],
    run: async (pool, cluster) => {
      const { aws } = cluster;
      // The loop that cannot read its groups decides nothing: 6 attempts of a reading, and two more of the next one.
      await cluster.clock.advance(55 * second);
      aws.faults.add({ actions: ['DescribeAutoScalingGroups'], times: 8, answer: { kind: 'throttle' } });
      const throttled = (): number => aws.calls().filter(({ error }) => error === 'Throttling').length;
      await pool.comes('it is throttled', () => throttled() === 8, 4 * minute);
      const failed = cluster.controller().log.filter(({ message }) => message === 'a loop of the node controller has failed');
      expect(failed.map(({ fields }) => fields['error'])).toEqual([
        expect.stringMatching(/DescribeAutoScalingGroups in us-east-1 failed after 6 attempts: Throttling/u),
      ]);
      aws.faults.add({ actions: ['SetDesiredCapacity'], times: 3, answer: { kind: 'throttle' } });
      await pool.deploy('web', { replicas: 3, cpu: large });
      await pool.runs('web', 3, 4 * minute);
      expect(pool.sizes()).toEqual([3]);
      expect(throttled()).toBe(11);
      expect(pool.terminations()).toEqual([]);
      await pool.stays('that is all', () => pool.size() === 3, 3 * minute);
    },
  },
  {
    id: 'absent',
    name: 'an instance that never joins is given back after the provision time, its group is in backoff, another one grows',
    groups: pair,
    settings: { maxNodeProvisionTime: '5m' },
    run: async (pool, cluster) => {
      await pool.policy({}, { group: 'a' });
      cluster.setMachines(pool.group('a'), { neverJoins: true });
      await pool.deploy('web', { replicas: 1, cpu: '1500m' });
      await pool.comes('it is asked for', () => pool.size('a') === 1, 30 * second);
      const askedAt = cluster.now();
      await pool.stays('it is waited for', () => pool.size('a') === 1 && pool.size('b') === 0, 5 * minute - 20 * second);
      await pool.comes('it is given back', () => pool.size('a') === 0, 2 * minute);
      expect(cluster.now() - askedAt).toBeGreaterThanOrEqual(5 * minute - 10 * second);
      await pool.runs('web', 1, 4 * minute);
      expect([pool.size('a'), pool.size('b')]).toEqual([0, 1]);
      await pool.comes('no instance is left behind', () => pool.instances('a').length === 0, 2 * minute);
      expect((await pool.status()).groups?.[0]?.backoff?.code).toBeDefined();
      expect(pool.sizes('a')).toEqual([1]);
    },
  },
  {
    id: 'full',
    name: 'a group at its maximum: the Event of the pod, the status of the policy and explain say so',
    groups: [{ max: 2 }],
    run: async (pool, cluster) => {
      await pool.policy({});
      await pool.deploy('web', { replicas: 3, cpu: large });
      await pool.comes(
        'it is full',
        async () => pool.size() === 2 && (await toldOf(pool, 'web', 'NotTriggerScaleUp')).length > 0,
        4 * minute,
      );
      expect(await toldOf(pool, 'web', 'NotTriggerScaleUp')).toEqual(["pod didn't trigger scale-up: 1 max node group size reached"]);
      const held = async (): Promise<boolean> => {
        const { lastDecision } = await pool.status();
        return lastDecision?.reason === 'NotTriggerScaleUp' && lastDecision.holds?.[0]?.by === 'bounds';
      };
      await pool.comes('the policy says so', held, minute);
      await pool.comes('two run', async () => (await pool.pods('web')).filter(({ ready }) => ready).length === 2, 3 * minute);
      const waiting = (await pool.pods('web')).find(({ ready }) => !ready);
      expect(await cluster.explain(`pod/${waiting?.name}`, pool.namespace)).toContain('raise its maximum, which is 2');
      await pool.stays('it keeps its maximum', () => pool.size() === 2, 3 * minute);
    },
  },
  {
    id: 'raised',
    name: 'somebody raises the desired capacity: it is not fought, counts for what is needed, and goes when it is unneeded',
    groups: [{ min: 1, max: 8 }],
    run: async (pool) => {
      await pool.policy({});
      await pool.deploy('web', { replicas: 1, cpu: large });
      await pool.runs('web', 1, minute);
      await pool.setByHand(3);
      // Not read yet: the next raise is built on what is there then.
      await pool.scale('web', 2);
      await pool.runs('web', 2, 4 * minute);
      expect(pool.size()).toBeGreaterThanOrEqual(3);
      expect(pool.sizes().length > 0 && pool.sizes().every((size) => size >= 3), JSON.stringify(pool.sizes())).toBe(true);
      await pool.comes('what is too much goes', () => pool.size() === 2, 8 * minute);
      await pool.stays('and no more', () => pool.size() === 2, 3 * minute);
      await pool.runs('web', 2, minute);
    },
  },
  {
    id: 'booting',
    name: 'an instance that somebody else has asked for is waited for while it boots; one that never joins is not waited for longer than others',
    groups: [{ max: 4 }],
    settings: { maxNodeProvisionTime: '5m' },
    run: async (pool, cluster) => {
      await pool.policy({});
      cluster.setMachines(pool.id, { joinDelay: 3 * minute });
      await pool.setByHand(1);
      await cluster.clock.advance(80 * second);
      await pool.deploy('web', { replicas: 1, cpu: large });
      await pool.stays('nothing more is asked for', () => pool.size() === 1, minute);
      await pool.runs('web', 1, 3 * minute);
      expect(pool.sizes()).toEqual([]);

      cluster.setMachines(pool.id, { neverJoins: true });
      await pool.setByHand(2);
      await cluster.clock.advance(80 * second);
      await pool.scale('web', 2);
      await pool.stays('it may come', () => pool.size() === 2, minute);
      cluster.setMachines(pool.id, {});
      await pool.runs('web', 2, 8 * minute);
      await pool.comes('the one that did not come is given back', () => pool.size() === 2 && pool.instances().length === 2, 8 * minute);
    },
  },
  {
    id: 'lowered',
    name: 'somebody lowers the desired capacity: what pods need is asked for again, once',
    groups: [{ min: 1, max: 8, desired: 3 }],
    run: async (pool) => {
      await pool.deploy('web', { replicas: 3, cpu: large });
      await pool.runs('web', 3, minute);
      await pool.setByHand(1);
      await pool.comes('two nodes go', async () => (await pool.nodes()).length === 1, 3 * minute);
      await pool.runs('web', 3, 8 * minute);
      expect(pool.size()).toBe(3);
      expect(pool.sizes().at(-1)).toBe(3);
      expect(Math.max(...pool.sizes())).toBe(3);
      await pool.stays('that is all', () => pool.size() === 3, 3 * minute);
    },
  },
  {
    id: 'lost',
    name: 'an instance that ends behind our back is replaced by its group, and by nobody else',
    groups: [{ min: 1, max: 8, desired: 2 }],
    run: async (pool) => {
      await pool.deploy('web', { replicas: 2, cpu: large });
      await pool.runs('web', 2, minute);
      const [lost] = await pool.nodes();
      await pool.terminateByHand(lost?.instance ?? '');
      await pool.comes('its node goes', async () => (await nodeNamed(pool, lost?.name ?? '')) === undefined, 3 * minute);
      await pool.runs('web', 2, 5 * minute);
      await pool.stays('as many as before', () => pool.size() === 2, 3 * minute);
      expect(pool.sizes()).toEqual([]);
      expect(pool.terminations()).toEqual([]);
    },
  },
  {
    id: 'orphan',
    name: 'a Node that somebody deletes: its instance is given back after the provision time, and the pods get another node',
    groups: [{ min: 1, max: 8, desired: 2 }],
    settings: { maxNodeProvisionTime: '5m' },
    run: async (pool, { client }) => {
      await pool.deploy('web', { replicas: 2, cpu: large });
      await pool.runs('web', 2, minute);
      const [node] = await pool.nodes();
      await client.delete(resourceTypes.nodes, { name: node?.name ?? '' });
      const has = (): boolean => pool.instances().some(({ id }) => id === node?.instance);
      await pool.stays('it may come back', has, 4 * minute);
      await pool.comes('its instance goes', () => !has(), 4 * minute);
      await pool.runs('web', 2, 8 * minute);
      expect(pool.terminations().map(({ parameters }) => parameters['InstanceId'])).toEqual([node?.instance]);
      expect(pool.size()).toBe(2);
    },
  },
  {
    id: 'clash',
    name: 'a refusal of AWS backs the group off at once, with its words in the status',
    groups: pair,
    run: async (pool, { aws }) => {
      await pool.policy({}, { group: 'a' });
      aws.faults.add({
        actions: ['SetDesiredCapacity'],
        naming: pool.group('a'),
        answer: { kind: 'error', code: 'ScalingActivityInProgress', message: 'busy' },
      });
      await pool.deploy('web', { replicas: 1, cpu: '1500m' });
      await pool.runs('web', 1, 3 * minute);
      expect(pool.sizeCalls('a')).toEqual([]);
      expect(pool.sizes('b')).toEqual([1]);
      expect((await pool.status()).groups?.[0]?.backoff).toMatchObject({ code: 'ScalingActivityInProgress' });
    },
  },
];
