import { describe, expect, it } from 'vitest';
import { upstreamLoopOptions } from '../loop/options.ts';
import { group, node, providerId, start, type GroupParts } from '../loop/records.fixture.ts';
import type { Instance, NodeGroup } from '../model.ts';
import type { NodeRecord } from '../../../core/model/index.ts';
import { createRegistry, emptyRegistryState, type Registry, type RegistryState } from './index.ts';

interface Scene {
  readonly now?: number;
  readonly nodes?: readonly NodeRecord[];
  readonly groups: readonly NodeGroup[];
  readonly before?: RegistryState;
  readonly gone?: readonly string[];
  readonly template?: boolean;
  readonly compat?: 'none' | 'cluster-autoscaler';
}

function registry({
  now = 0,
  nodes = [],
  groups,
  before = emptyRegistryState(),
  gone = [],
  template = true,
  compat = 'cluster-autoscaler',
}: Scene): Registry {
  const facts = {
    now: start + now,
    nodes,
    resourceUnready: new Set<string>(),
    groups,
    groupOf: ({ labels }: NodeRecord) => labels['group'],
    isGone: ({ name }: NodeRecord) => gone.includes(name),
    hasTemplate: () => template,
  };
  return createRegistry(before, facts, { ...upstreamLoopOptions, compat, maxTotalUnreadyPercentage: 45, okTotalUnreadyCount: 3 });
}

function nodes(count: number, parts: Parameters<typeof node>[1] = {}, name = 'n'): NodeRecord[] {
  return Array.from({ length: count }, (_, index) => node(`${name}${index}`, { group: 'g', ...parts }));
}

function named(list: readonly NodeRecord[], parts: GroupParts = {}): NodeGroup {
  return group('g', { running: list.map(({ name }) => name), ...parts });
}

/** A group that was asked for three more nodes at time 0, of which nothing has come yet. */
function grown(): { readonly state: RegistryState; readonly present: readonly NodeRecord[] } {
  const present = nodes(2);
  const first = registry({ nodes: present, groups: [named(present)] });
  first.registerScaleUp('g', 3);
  first.recalculate(new Map([['g', 5]]));
  expect(first.isScalingUp('g')).toBe(true);
  return { state: first.state(), present };
}

describe('health', () => {
  it('of the cluster: more unready nodes than are always fine, and more than the share', () => {
    const unready = { ready: false, created: -3_600_000 };
    const few = [...nodes(3, unready, 'u'), ...nodes(1)];
    expect(registry({ nodes: few, groups: [named(few)] }).clusterHealthy).toBe(true);
    const share = [...nodes(4, unready, 'u'), ...nodes(5)];
    expect(registry({ nodes: share, groups: [named(share)] }).clusterHealthy).toBe(true);
    const many = [...nodes(4, unready, 'u'), ...nodes(4)];
    expect(registry({ nodes: many, groups: [named(many)] }).clusterHealthy).toBe(false);
  });

  it('of the cluster: nodes that start do not count', () => {
    const starting = [...nodes(9, { ready: false, created: -60_000 }, 's'), ...nodes(1)];
    expect(registry({ nodes: starting, groups: [named(starting)] }).clusterHealthy).toBe(true);
  });

  it('of a group: what is missing below the lower end of its range', () => {
    const present = nodes(3);
    expect(registry({ nodes: present, groups: [named(present, { targetSize: 6 })] }).isHealthy('g')).toBe(true);
    expect(registry({ nodes: present, groups: [named(present, { targetSize: 7 })] }).isHealthy('g')).toBe(false);
    expect(registry({ nodes: present, groups: [named(present, { targetSize: 7 })] }).mayScaleUp('g')).toBe(false);
  });

  it('of a group without nodes: healthy if none are expected', () => {
    expect(registry({ groups: [group('g', { targetSize: 0 })] }).isHealthy('g')).toBe(true);
    expect(registry({ groups: [group('g', { targetSize: 1 })] }).isHealthy('g')).toBe(false);
    expect(registry({ groups: [group('g')] }).isHealthy('other')).toBe(false);
  });
});

describe('scale-up requests', () => {
  it('promise upcoming nodes, and close when all are there', () => {
    const { state, present } = grown();
    const coming = registry({ now: 10_000, nodes: present, groups: [named(present, { targetSize: 5 })], before: state });
    expect(coming.upcoming()).toMatchObject([{ count: 3, notStarted: [] }]);
    const all = nodes(5);
    const there = registry({ now: 20_000, nodes: all, groups: [named(all)], before: coming.state() });
    expect(there.upcoming()).toEqual([]);
    expect(there.state().requests.size).toBe(0);
    expect(there.reverts).toEqual([]);
  });

  it('name those that have registered and are not started', () => {
    const { state, present } = grown();
    const late = [...present, ...nodes(1, { ready: false, created: 5_000 }, 'late')];
    const found = registry({ now: 10_000, nodes: late, groups: [named(late, { targetSize: 5 })], before: state });
    expect(found.upcoming()).toMatchObject([{ count: 3, notStarted: ['late0'] }]);
  });

  it('time out: event, backoff, and what was asked for is taken back', () => {
    const { state, present } = grown();
    const groups = [named(present, { targetSize: 5 })];
    const waiting = registry({ now: 900_000, nodes: present, groups, before: state });
    expect(waiting.reverts).toEqual([]);
    const over = registry({ now: 905_000, nodes: present, groups, before: waiting.state() });
    expect(over.reverts).toEqual([{ group: 'g', delta: -3 }]);
    expect(over.events.map(({ reason, message }) => [reason, message])).toEqual([
      ['ScaleUpTimedOut', 'Nodes added to group g failed to register within 15m5s'],
    ]);
    expect(over.backoff('g')?.failure.code).toBe('timeout');
    expect(over.upcoming()).toEqual([]);
    expect(over.mayScaleUp('g')).toBe(false);
  });

  it('start their clock again when they grow, and not when they shrink', () => {
    const { state, present } = grown();
    const later = registry({ now: 600_000, nodes: present, groups: [named(present, { targetSize: 5 })], before: state });
    later.registerScaleUp('g', -1);
    expect(later.state().requests.get('g')).toEqual({ at: start, expectedBy: start + 900_000, increase: 2 });
    later.registerScaleUp('g', 2);
    expect(later.state().requests.get('g')).toEqual({ at: start + 600_000, expectedBy: start + 1_500_000, increase: 4 });
    later.registerScaleUp('g', -4);
    expect(later.state().requests.has('g')).toBe(false);
  });

  it('are not trusted while the group backs off', () => {
    const { state, present } = grown();
    const found = registry({ now: 10_000, nodes: present, groups: [named(present, { targetSize: 5 })], before: state });
    found.registerFailure('g', { class: 'other', code: 'refused', message: 'no' });
    expect(found.upcoming()).toEqual([]);
  });

  it.each(['none', 'cluster-autoscaler'] as const)('an externally raised target is no promise (compat %s)', (compat) => {
    const present = nodes(2);
    expect(registry({ nodes: present, groups: [named(present, { targetSize: 4 })], compat }).upcoming()).toEqual([]);
  });

  describe('instances that somebody else has asked for', () => {
    const present = nodes(2);
    const raised = { targetSize: 4, running: ['n0', 'n1', 'booting'] };

    it('are no promise for upstream', () => {
      expect(registry({ nodes: present, groups: [group('g', raised)] }).upcoming()).toEqual([]);
    });

    it('are waited for, until they are late', () => {
      const seen = registry({ nodes: present, groups: [group('g', raised)], compat: 'none' });
      expect(seen.upcoming()).toMatchObject([{ count: 1, notStarted: [] }]);
      const before = seen.state();
      const late = { nodes: present, groups: [group('g', raised)], compat: 'none', before } as const;
      expect(registry({ ...late, now: 900_000 }).upcoming()).toMatchObject([{ count: 1 }]);
      expect(registry({ ...late, now: 900_001 }).upcoming()).toEqual([]);
    });

    it('are waited for until they have started', () => {
      const starting = [...present, ...nodes(1, { ready: false, created: 0 }, 'booting')];
      const found = registry({ nodes: starting, groups: [named(starting, { targetSize: 3 })], compat: 'none' });
      expect(found.upcoming()).toMatchObject([{ count: 1, notStarted: ['booting0'] }]);
    });
  });
});

describe('instances', () => {
  const stockout = (name: string, message = 'out of machines'): Instance => ({
    id: providerId(name),
    state: 'creating',
    failure: { class: 'out-of-resources', code: 'STOCKOUT', message },
  });

  it('that failed lessen the request and make the group back off, once', () => {
    const { state, present } = grown();
    const instances = [...named(present).instances, stockout('a'), stockout('b')];
    const groups = [group('g', { targetSize: 5, instances })];
    const first = registry({ now: 10_000, nodes: present, groups, before: state });
    expect(first.state().requests.get('g')?.increase).toBe(1);
    expect(first.backoff('g')?.failure).toEqual({ class: 'out-of-resources', code: 'STOCKOUT', message: 'out of machines' });
    expect(first.events.map(({ message }) => message)).toEqual([
      'Failed adding 2 nodes to group g due to out-of-resources.STOCKOUT; source errors: out of machines',
    ]);
    expect(first.failedInstances()).toEqual(new Map([['g', [providerId('a'), providerId('b')]]]));
    const second = registry({ now: 20_000, nodes: present, groups, before: first.state() });
    expect(second.events).toEqual([]);
    expect(second.state().requests.get('g')?.increase).toBe(1);
  });

  it('without a node are remembered from the first sight, and long missing after the provision time', () => {
    const instances: Instance[] = [
      { id: 'slow', state: 'creating' },
      { id: 'going', state: 'deleting' },
      { ...stockout('failed'), id: 'failed' },
    ];
    const groups = [group('g', { targetSize: 1, instances, options: { maxProvisionMs: 60_000 } })];
    const first = registry({ groups });
    expect(first.readiness('g').unregistered).toEqual(['slow']);
    const second = registry({ now: 60_000, groups, before: first.state() });
    expect([...second.longUnregistered()]).toEqual([]);
    const third = registry({ now: 60_001, groups, before: second.state() });
    expect([...third.longUnregistered()]).toEqual([['g', ['slow']]]);
    expect(third.counts).toMatchObject({ registered: 0, longUnregistered: 1, unregistered: 0 });
  });
});

describe('wrong sizes', () => {
  it('are timed from when both numbers became what they are', () => {
    const present = nodes(2);
    const groups = [named(present, { targetSize: 4 })];
    const first = registry({ nodes: present, groups });
    expect(first.incorrectSize('g')).toEqual({ current: 2, expected: 4, since: start });
    const second = registry({ now: 50_000, nodes: present, groups, before: first.state() });
    expect(second.incorrectSize('g')?.since).toBe(start);
    const third = registry({ now: 60_000, nodes: present, groups: [named(present, { targetSize: 5 })], before: second.state() });
    expect(third.incorrectSize('g')).toEqual({ current: 2, expected: 5, since: start + 60_000 });
  });

  it('are none when the rest is on its way', () => {
    const present = nodes(1);
    const instances: Instance[] = [...named(present).instances, { id: 'coming', state: 'creating' }];
    expect(registry({ nodes: present, groups: [group('g', { targetSize: 2, instances })] }).incorrectSize('g')).toBeUndefined();
  });
});

describe('a group without a template', () => {
  it('does not back off', () => {
    const found = registry({ groups: [group('g', { template: undefined })], template: false });
    found.registerFailure('g', { class: 'other', code: 'refused', message: 'no' });
    expect(found.backoff('g')).toBeUndefined();
  });
});
