import { describe, expect, it } from 'vitest';
import { group, play, pod, pods, sizes } from './builders.fixture.ts';

const reasonsOf = (played: ReturnType<typeof play>): Record<string, string> =>
  Object.fromEntries(played.result.pods[0]!.refusals.map(({ group: id, reason }) => [id, reason]));

describe('scaleUp as upstream', () => {
  it('asks for as many nodes as the pods need, and says so in upstream’s words', () => {
    const { result, effects } = play({ compat: true, groups: [group({ id: 'ng', size: 1 })], pods: pods(9, { cpu: '2' }) });
    expect(effects).toEqual([{ type: 'increase-size', group: 'ng', delta: 5 }]);
    expect(result).toMatchObject({ outcome: 'Successful', error: undefined, increases: [{ group: 'ng', from: 1, to: 6, max: 10 }] });
    expect(result.helped).toHaveLength(9);
    expect(result.events.slice(0, 3).map(({ reason, message }) => [reason, message])).toEqual([
      ['ScaledUpGroup', 'Scale-up: setting group ng size to 6 instead of 1 (max: 10)'],
      ['ScaledUpGroup', 'Scale-up: group ng size set to 6 instead of 1 (max: 10)'],
      ['TriggeredScaleUp', 'pod triggered scale-up: [{ng 1->6 (max: 10)}]'],
    ]);
    expect(result.pods.every(({ state }) => state === 'helped')).toBe(true);
    expect(result.planned).toEqual([]);
  });

  it('does nothing without pods', () => {
    expect(play({ compat: true, groups: [group({ id: 'ng' })] }).result).toMatchObject({ outcome: 'NotNeeded', increases: [], events: [] });
  });

  it('says for each group why it is not looked at, and which filter refuses', () => {
    const played = play({
      compat: true,
      options: { cores: { min: 0, max: 16 } },
      pods: [pod({ name: 'big', cpu: '3' })],
      groups: [
        group({ id: 'unhealthy', state: 'unhealthy' }),
        group({ id: 'backoff', state: 'backoff' }),
        group({ id: 'full', size: 2, max: 2 }),
        group({ id: 'no-template', template: false }),
        group({ id: 'held', hold: 'in cooldown' }),
        group({ id: 'huge', cpu: '10', memory: '1Gi' }),
        group({ id: 'small', cpu: '2' }),
        group({ id: 'tainted', taints: [{ key: 'gpu', effect: 'NoSchedule' }] }),
      ],
    });
    expect(played.result.outcome).toBe('NoOptionsAvailable');
    expect(reasonsOf(played)).toMatchObject({
      unhealthy: 'not ready for scale-up',
      backoff: 'in backoff after failed scale-up',
      full: 'max node group size reached',
      'no-template': 'not ready for scale-up',
      held: 'in cooldown',
      huge: 'max cluster cpu limit reached',
      small: 'Insufficient cpu',
    });
    expect(reasonsOf(played)['tainted']).toContain('untolerated taint');
    expect(played.result.pods[0]).toMatchObject({ state: 'refused' });
    const [event] = played.result.events;
    expect(event).toMatchObject({ reason: 'NotTriggerScaleUp', on: { kind: 'Pod', name: 'big', namespace: 'default' } });
    expect(event?.message).toMatch(/^pod didn't trigger scale-up: 1 Insufficient cpu, .*2 not ready for scale-up/);
  });

  it('takes one option a loop: pods that another group could take wait', () => {
    const here = { spec: { nodeSelector: { pool: 'b' } } };
    const { result } = play({
      compat: true,
      options: { expanders: ['most-pods'] },
      groups: [group({ id: 'a', labels: { pool: 'a' } }), group({ id: 'b', labels: { pool: 'b' } })],
      pods: [...pods(2, { prefix: 'any-a', spec: { nodeSelector: { pool: 'a' } } }), pod({ name: 'z', ...here })],
    });
    expect(sizes(result)).toEqual(['a 0→1']);
    expect(result.pods.map(({ name, state }) => `${name} ${state}`)).toEqual(['any-a-00000 helped', 'any-a-00001 helped', 'z waits']);
    expect(result.pods[2]?.message).toContain('b could take it');
  });

  it('caps by max-nodes-total, with an event, and by the quota', () => {
    const groups = [group({ id: 'ng', size: 3, max: 100 })];
    const capped = play({ compat: true, groups, pods: pods(10, { cpu: '3' }), options: { maxNodesTotal: 7 } });
    expect(sizes(capped.result)).toEqual(['ng 3→7']);
    const byCores = play({ compat: true, groups, pods: pods(10, { cpu: '3' }), options: { cores: { min: 0, max: 22 } } });
    // 3 nodes have 12 cores; of the 10 that are left, 4 at a time.
    expect(sizes(byCores.result)).toEqual(['ng 3→5']);
    expect(byCores.result.trace.map(({ step }) => step)).toContain('cluster-limits');
  });

  it('balances over similar groups, and leaves dissimilar ones out', () => {
    const groups = [
      group({ id: 'a', zone: 'a', size: 2 }),
      group({ id: 'b', zone: 'b' }),
      group({ id: 'c', zone: 'c', cpu: '5' }),
      group({ id: 'full', zone: 'd', size: 3, max: 3 }),
    ];
    const options = { balanceSimilarNodeGroups: true, expanders: ['least-waste'] } as const;
    const { result } = play({ compat: true, groups, pods: pods(4, { cpu: '3' }), options });
    expect(sizes(result)).toEqual(['b 0→3', 'a 2→3']);
    expect(result.chosen).toMatchObject([{ similar: [expect.stringMatching(/^[ab]$/)], tie: true }]);
  });

  it('leaves a similar group out which does not take every pod that the chosen one takes', () => {
    const groups = [group({ id: 'a', zone: 'a' }), group({ id: 'b', zone: 'b', taints: [{ key: 'k', effect: 'NoSchedule' }] })];
    const { result } = play({ compat: true, groups, pods: pods(4, { cpu: '3' }), options: { balanceSimilarNodeGroups: true } });
    expect(sizes(result)).toEqual(['a 0→4']);
  });

  it('stops at the first refusal and keeps what was done before', () => {
    const groups = [group({ id: 'a', zone: 'a' }), group({ id: 'b', zone: 'b', size: 1 }), group({ id: 'c', zone: 'c', size: 2 })];
    const options = { balanceSimilarNodeGroups: true } as const;
    const scene = { compat: true, groups, pods: pods(9, { cpu: '3' }), refused: ['b'] };
    const { result, effects } = play({ ...scene, options });
    expect(effects.map((effect) => (effect.type === 'increase-size' ? effect.group : ''))).toEqual(['a', 'b']);
    expect(result).toMatchObject({ outcome: 'Error', error: 'failed to increase node group size: b: no capacity' });
    expect(result.increases.map((change) => change.group)).toEqual(['a']);
    expect(result.failures).toMatchObject([{ change: { group: 'b' }, failure: { code: 'InsufficientInstanceCapacity' } }]);
    expect(result.events.map(({ reason }) => reason)).toEqual(['ScaledUpGroup', 'ScaledUpGroup', 'ScaledUpGroup', 'FailedToScaleUpGroup']);
    const parallel = play({ ...scene, options: { ...options, parallelScaleUp: true } });
    expect(parallel.result.increases.map((change) => change.group)).toEqual(['a', 'c']);
  });

  it('scales a group of all or nothing to its maximum, or not at all', () => {
    const groups = [group({ id: 'tpu', max: 4, options: { zeroOrMax: true } })];
    expect(sizes(play({ compat: true, groups, pods: pods(1) }).result)).toEqual(['tpu 0→4']);
    const limited = play({ compat: true, groups, pods: pods(1), options: { maxNodesTotal: 3 } });
    expect(reasonsOf(limited)).toEqual({ tpu: 'atomic scale-up exceeds cluster node count limit' });
  });
});

describe('scaleUp in the house’s way', () => {
  it('helps pods of several pools in one loop, and places them', () => {
    const { result, snapshot } = play({
      groups: [group({ id: 'a', labels: { pool: 'a' } }), group({ id: 'b', labels: { pool: 'b' } })],
      pods: [
        ...pods(3, { prefix: 'on-a', cpu: '2', spec: { nodeSelector: { pool: 'a' } } }),
        ...pods(2, { prefix: 'on-b', cpu: '3', spec: { nodeSelector: { pool: 'b' } } }),
        pod({ name: 'nowhere', spec: { nodeSelector: { pool: 'c' } } }),
      ],
    });
    expect(sizes(result).toSorted()).toEqual(['a 0→2', 'b 0→2']);
    expect(result.outcome).toBe('Successful');
    expect(result.pods.filter(({ state }) => state === 'refused').map(({ name }) => name)).toEqual(['nowhere']);
    expect(result.planned).toHaveLength(4);
    expect(result.planned.map((name) => snapshot.podCount(snapshot.find(name)!)).toSorted((a, b) => a - b)).toEqual([1, 1, 1, 2]);
    expect(result.events.filter(({ reason }) => reason === 'NotTriggerScaleUp')).toHaveLength(1);
  });

  it('lets another pool stand in at once for one that the cloud refuses', () => {
    const { result } = play({
      groups: [group({ id: 'cheap', priority: 10 }), group({ id: 'dear', priority: 1 })],
      options: { expanders: ['priority'] },
      pods: pods(2, { cpu: '3' }),
      refused: ['cheap'],
    });
    expect(sizes(result)).toEqual(['dear 0→2']);
    expect(result.failures.map(({ change }) => change.group)).toEqual(['cheap']);
    expect(result).toMatchObject({ outcome: 'Successful', error: 'failed to increase node group size: cheap: no capacity' });
    expect(result.pods.map(({ state, group: id }) => [state, id])).toEqual([
      ['helped', 'dear'],
      ['helped', 'dear'],
    ]);
  });

  it('goes on with the next pool when one is full', () => {
    const { result } = play({ groups: [group({ id: 'a', max: 1 }), group({ id: 'b' })], pods: pods(3, { cpu: '3' }) });
    expect(sizes(result)).toEqual(['a 0→1', 'b 0→2']);
  });

  it('tells what waits because nothing may be added', () => {
    const { result } = play({ groups: [group({ id: 'a', max: 1 })], pods: pods(3, { cpu: '3' }) });
    expect(result.pods.map(({ state }) => state)).toEqual(['helped', 'refused', 'refused']);
    expect(result.pods[2]?.message).toBe('no pool can take it: 1 max node group size reached');
  });

  it('counts what it has added in this loop for the limits of the cluster', () => {
    const { result } = play({
      groups: [group({ id: 'a', max: 2 }), group({ id: 'b' })],
      pods: pods(9, { cpu: '3' }),
      options: { maxNodesTotal: 3 },
    });
    expect(sizes(result)).toEqual(['a 0→2', 'b 0→1']);
    expect(result.helped).toHaveLength(3);
  });
});
