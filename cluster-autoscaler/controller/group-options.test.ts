import { describe, expect, it } from 'vitest';
import { createInterner, projectNode } from '../../core/model/index.ts';
import { defaultGroupOptions } from '../engine/loop/options.ts';
import type { NodeTemplate } from '../engine/model.ts';
import { assignGroups } from '../policy-groups.ts';
import { budgetOf, resolveGroup, type GroupContext, type ResolvedGroup } from './group-options.ts';

const now = Date.UTC(2026, 0, 15, 12);

const template: NodeTemplate = {
  node: projectNode(
    {
      metadata: { name: 'template', labels: { pool: 'old', 'topology.kubernetes.io/zone': 'a' } },
      spec: {
        taints: [
          { key: 'dedicated', value: 'x', effect: 'NoSchedule' },
          { key: 'other', effect: 'NoExecute' },
        ],
      },
      status: { capacity: { cpu: '4', memory: '16Gi' } },
    },
    createInterner(),
  ),
  pods: [],
};

interface Scene {
  readonly spec?: object;
  readonly mode?: string;
  readonly second?: object;
  readonly group?: object;
  readonly context?: Partial<GroupContext>;
}

/** A group `a` of 2 to 8, asked for 5, under a policy with this spec. */
function resolved({ spec, second, group: overrides = {}, context = {} }: Scene): ResolvedGroup {
  const group = { id: 'a', minSize: 2, maxSize: 8, targetSize: 5, options: {}, notes: ['a note'], ...overrides };
  const policies = [...(spec === undefined ? [] : [spec]), ...(second === undefined ? [] : [second])].map((each, index) => ({
    metadata: { name: `p${index}` },
    spec: { groups: [{ name: 'a' }], ...each },
  }));
  const claim = assignGroups(policies, [group]).claimOf('a');
  return resolveGroup(
    { group, instances: [], template: { template } },
    { now, defaults: defaultGroupOptions, claim, history: {}, hold: undefined, ...context },
  );
}

describe('resolveGroup', () => {
  it('takes from the policy, then from the cloud, then from the flags', () => {
    const { group } = resolved({
      spec: { scaleDown: { utilizationThreshold: 0.7 }, priority: 5, pricePerHour: 0.2, cooldown: { scaleUpSeconds: 0 } },
      group: { options: { utilizationThreshold: 0.6, unneededMs: 60_000 }, price: 0.5 },
    });
    expect(group.options).toEqual({
      ...defaultGroupOptions,
      utilizationThreshold: 0.7,
      unneededMs: 60_000,
      cooldown: { scaleUpMs: 0, scaleDownMs: 300_000 },
      actionable: true,
    });
    expect(group).toMatchObject({ priority: 5, price: 0.2 });
    expect(resolved({ group: { price: 0.5 } }).group).toMatchObject({ price: 0.5, minSize: 2, maxSize: 8 });
  });

  it('narrows the bounds of the cloud and says where a policy asks for more', () => {
    expect(resolved({ spec: { minSize: 3, maxSize: 6 } })).toMatchObject({ minSize: 3, maxSize: 6, notes: ['a note'] });
    expect(resolved({ spec: { minSize: 0, maxSize: 20 } })).toMatchObject({
      minSize: 2,
      maxSize: 8,
      notes: [
        'a note',
        "minSize 0 of the policy is outside of the group's own 2 to 8",
        "maxSize 20 of the policy is outside of the group's own 2 to 8",
      ],
    });
  });

  it('corrects the template of the cloud', () => {
    const made = resolved({
      spec: {
        template: {
          labels: { pool: 'new', 'topology.kubernetes.io/zone': 'b' },
          taints: [{ key: 'dedicated', effect: 'NoSchedule' }],
          capacity: { cpu: 8, 'example.com/device': 2 },
          allocatable: { cpu: '7500m' },
        },
      },
    }).group.template;
    expect(made?.node).toMatchObject({
      labels: { pool: 'new', 'topology.kubernetes.io/zone': 'b' },
      zone: 'b',
      taints: [
        { key: 'other', effect: 'NoExecute' },
        { key: 'dedicated', effect: 'NoSchedule' },
      ],
      capacity: { cpu: 8_000, 'example.com/device': 2_000 },
      allocatable: { cpu: 7_500, 'example.com/device': 2_000, memory: template.node.allocatable['memory'] },
    });
  });

  it.each([
    ['an Auto policy', {}, undefined, []],
    ['DryRun', { mode: 'DryRun' }, undefined, ['dry-run']],
    ['Paused', { mode: 'Paused' }, undefined, ['paused']],
    ['two policies', {}, {}, ['conflict']],
    ['one that cannot be read', { maxSize: 'many' }, undefined, ['invalid-policy']],
  ])('is changed or left alone: %s', (_, spec, second, holds) => {
    const { group, holds: held } = resolved({ spec, ...(second === undefined ? {} : { second }) });
    expect(held.map(({ by }) => by)).toEqual(holds);
    expect(group.options.actionable).toBe(holds.length === 0);
  });

  it('names both policies that select one group', () => {
    expect(resolved({ spec: {}, second: {} }).holds[0]?.message).toBe(
      'NodePoolPolicies p0 and p1 select group a both, so none of them counts; take it out of all but one',
    );
  });

  it('is left alone as a whole in a dry run of the program', () => {
    const hold = { by: 'dry-run', message: 'dry' } as const;
    expect(resolved({ context: { hold } })).toMatchObject({ holds: [hold], group: { options: { actionable: false } } });
  });

  it('keeps a disruption budget by the minimum size, against which deletions under way count', () => {
    expect(resolved({ spec: { disruption: { maxNodes: 2 } } })).toMatchObject({ minSize: 2, group: { minSize: 3, leastSize: 2 } });
    // A tenth of 5, rounded up.
    expect(resolved({ spec: { disruption: { maxNodes: '10%' } } }).group.minSize).toBe(4);
    expect(resolved({ spec: { disruption: { maxNodes: 0 } } }).group.minSize).toBe(5);
    expect(resolved({ spec: { disruption: { maxNodes: 4 } } }).group.minSize).toBe(2);
  });
});

describe('budgetOf', () => {
  const window = { name: 'noon', start: '0 12 * * *', timeZone: 'UTC', durationMs: 3_600_000 };

  it('is the least of the limits that hold', () => {
    expect(budgetOf([], 10, now)).toBeUndefined();
    expect(budgetOf([{ maxNodes: 3 }], 10, now)).toEqual({ nodes: 3, window: undefined, until: undefined });
    const limits = [{ maxNodes: 3 }, { maxNodes: 0, window }];
    expect(budgetOf(limits, 10, now)).toEqual({ nodes: 0, window: 'noon', until: now + 3_600_000 });
    expect(budgetOf(limits, 10, now + 3_600_000)).toEqual({ nodes: 3, window: undefined, until: undefined });
    expect(budgetOf([{ maxNodes: 0, window }], 10, now - 1)).toBeUndefined();
  });
});
