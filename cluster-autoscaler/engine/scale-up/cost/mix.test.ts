import { describe, expect, it } from 'vitest';
import { group, play, pod, pods, sizes } from '../builders.fixture.ts';

const cost = { expanders: ['cost'] } as const;

describe('the cheapest mix of pools', () => {
  it('takes the pool that is cheapest for what pods ask, not for a node', () => {
    const groups = [
      group({ id: 'big', cpu: '16', memory: '64Gi', price: 0.8 }),
      group({ id: 'small', cpu: '4', memory: '16Gi', price: 0.25 }),
    ];
    expect(sizes(play({ groups, pods: pods(8, { cpu: '2' }), options: cost }).result)).toEqual(['big 0→1']);
    // One pod alone is cheaper on the small one.
    expect(sizes(play({ groups, pods: pods(1, { cpu: '2' }), options: cost }).result)).toEqual(['small 0→1']);
  });

  it('mixes pools where that is cheaper, in one loop', () => {
    const groups = [
      group({ id: 'cores', cpu: '16', memory: '16Gi', price: 0.5 }),
      group({ id: 'memory', cpu: '2', memory: '64Gi', price: 0.5 }),
    ];
    const demand = [...pods(14, { prefix: 'c', cpu: '1', memory: '100Mi' }), ...pods(10, { prefix: 'm', cpu: '100m', memory: '6Gi' })];
    const { result } = play({ groups, pods: demand, options: cost });
    expect(sizes(result)).toEqual(['cores 0→1', 'memory 0→1']);
    expect(result.helped).toHaveLength(24);
    expect(result.trace.find(({ step }) => step === 'mix')?.values).toMatchObject({ nodes: 2, pods: 24, price: 1, late: false });
  });

  it('guesses prices that nobody knows, and says so', () => {
    const groups = [group({ id: 'a', cpu: '4' }), group({ id: 'b', cpu: '32', memory: '16Gi' })];
    const { result } = play({ groups, pods: pods(1, { cpu: '2' }), options: cost });
    expect(sizes(result)).toEqual(['a 0→1']);
    expect(result.trace.find(({ step }) => step === 'mix')?.message).toContain(
      'prices of 2 pools are guessed: 0.0365 a core and 0.0033 a GiB an hour',
    );
  });

  it('plans again around a pool that the cloud refuses', () => {
    const groups = [group({ id: 'cheap', price: 0.1 }), group({ id: 'dear', price: 0.3 })];
    const { result, snapshot } = play({ groups, pods: pods(4, { cpu: '2' }), options: cost, refused: ['cheap'] });
    expect(sizes(result)).toEqual(['dear 0→2']);
    expect(result.failures.map(({ change }) => change.group)).toEqual(['cheap']);
    expect(result.helped).toHaveLength(4);
    expect(snapshot.nodeCount).toBe(2);
  });

  it('tries the pools of the highest priority first', () => {
    const groups = [group({ id: 'spot', price: 0.3, priority: 5, max: 1 }), group({ id: 'demand', price: 0.1, priority: 1 })];
    const { result } = play({ groups, pods: pods(4, { cpu: '2' }), options: { expanders: ['priority', 'cost'] } });
    expect(sizes(result)).toEqual(['spot 0→1', 'demand 0→1']);
    const byMap = play({ groups, pods: pods(4, { cpu: '2' }), priorities: '5: [dem]', options: { expanders: ['priority', 'cost'] } });
    expect(sizes(byMap.result)).toEqual(['demand 0→2']);
    expect(byMap.result.events.map(({ reason }) => reason)).toContain('PriorityConfigMapNotMatchedGroup');
  });

  it('leaves pods whose rules it does not plan to the ordinary rounds', () => {
    const odd = { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [hostTerm] } } };
    const { result } = play({
      groups: [group({ id: 'a', price: 1 })],
      pods: [...pods(3, { prefix: 'plain', cpu: '3' }), pod({ name: 'odd', labels: { app: 'odd' }, cpu: '2', spec: odd })],
      options: cost,
    });
    expect(sizes(result)).toEqual(['a 0→4']);
    expect(result.helped).toHaveLength(4);
  });

  it('stops where the cluster may not grow, with nodes that hold the more', () => {
    const groups = [
      group({ id: 'big', cpu: '16', memory: '64Gi', price: 1.2 }),
      group({ id: 'small', cpu: '4', memory: '16Gi', price: 0.25 }),
    ];
    const { result } = play({ groups, pods: pods(16, { cpu: '2' }), options: { ...cost, maxNodesTotal: 2 } });
    expect(sizes(result)).toEqual(['big 0→2']);
    expect(result.helped).toHaveLength(16);
  });

  it('fills without searching when the time is over, and says so', () => {
    let now = 0;
    const stopwatch = (): number => (now += 10_000);
    const scene = { groups: [group({ id: 'a', price: 1 })], pods: pods(4, { cpu: '2' }), options: cost };
    const { result } = play({ ...scene, stopwatch });
    expect(sizes(result)).toEqual(['a 0→2']);
    const step = result.trace.find((each) => each.step === 'mix');
    expect(step?.values['late']).toBe(true);
    expect(step?.message).toContain('the time of 1000 ms was over before the end');
  });

  it('counts pods that exist for zones', () => {
    const spread = {
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: 'topology.kubernetes.io/zone',
          whenUnsatisfiable: 'DoNotSchedule',
          labelSelector: { matchLabels: { app: 'w' } },
        },
      ],
    };
    const groups = [group({ id: 'a', zone: 'a', size: 1, price: 1 }), group({ id: 'b', zone: 'b', price: 1 })];
    const existing = pods(2, { prefix: 'old', cpu: '2', labels: { app: 'w' } });
    const { snapshot } = play({ groups });
    for (const each of existing) snapshot.place(each, snapshot.find('a-0')!);
    const { result } = play({ groups, snapshot, pods: pods(2, { cpu: '1', labels: { app: 'w' }, spec: spread }), options: cost });
    expect(sizes(result)).toEqual(['b 0→1']);
  });
});

const hostTerm = { labelSelector: { matchLabels: { app: 'odd' } }, topologyKey: 'kubernetes.io/hostname' };
