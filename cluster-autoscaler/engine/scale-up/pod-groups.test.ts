import { describe, expect, it } from 'vitest';
import type { PodRecord } from '../../../core/model/index.ts';
import { pod, pods } from './builders.fixture.ts';
import { groupPods } from './pod-groups.ts';

/** Pods of one class have the same labels and the same shape here. */
const classes = new Map<string, number>();
const classOf = ({ shape, labels }: PodRecord): number => {
  const key = JSON.stringify([labels, shape]);
  const known = classes.get(key) ?? classes.size;
  classes.set(key, known);
  return known;
};
const namesOf = (list: readonly PodRecord[]): (readonly string[])[] =>
  groupPods(list, classOf).map((group) => group.pods.map(({ name }) => name));

const spread = {
  topologySpreadConstraints: [
    { maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: { app: 'x' } } },
  ],
};

describe('groups of pending pods', () => {
  it('are of equal pods of one controller', () => {
    const list = [
      pod({ name: 'a1', owner: 'rs-a' }),
      pod({ name: 'b1', owner: 'rs-b' }),
      pod({ name: 'a2', owner: 'rs-a' }),
      pod({ name: 'a3', owner: 'rs-a', cpu: '2' }),
    ];
    expect(namesOf(list)).toEqual([['a1', 'a2'], ['a3'], ['b1']]);
  });

  it('come by age, then by name, whatever the order handed in', () => {
    const list = [
      pod({ name: 'b', cpu: '1' }),
      pod({ name: 'a', cpu: '2' }),
      pod({ name: 'z', cpu: '3', created: '2025-01-01T00:00:00Z' }),
    ];
    expect(namesOf(list)).toEqual([['z'], ['a'], ['b']]);
    expect(namesOf(list.toReversed())).toEqual(namesOf(list));
  });

  it('are at most ten for a controller; pods of further kinds are on their own, but taken together where that changes nothing', () => {
    const kinds = Array.from({ length: 12 }, (_, kind) =>
      ['x', 'y'].map((which) => pod({ name: `${100 + kind}${which}`, owner: 'rs', cpu: `${kind + 1}` })),
    );
    const groups = namesOf(kinds.flat());
    expect(groups).toHaveLength(12);
    const spreading = kinds
      .flat()
      .map((each) => pod({ name: each.name, owner: 'rs', cpu: `${each.shape.requests['cpu']}m`, spec: spread }));
    expect(namesOf(spreading)).toHaveLength(10 + 4);
  });

  it('take ownerless pods together, unless a refusal of a node need not last', () => {
    expect(groupPods(pods(1000), classOf)).toHaveLength(1);
    expect(groupPods(pods(30, { spec: spread }), classOf)).toHaveLength(30);
    const term = [{ labelSelector: { matchLabels: { app: 'x' } }, topologyKey: 'zone' }];
    const affine = { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: term } } };
    expect(groupPods(pods(30, { spec: affine }), classOf)).toHaveLength(30);
    const lonely = { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: term } } };
    expect(groupPods(pods(30, { spec: lonely }), classOf)).toHaveLength(1);
  });
});
