import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OwnerRecord } from '../../core/model/pod.ts';
import { evaluationInput, readyPods, spec } from './builders.fixture.ts';
import { evaluate } from './evaluate.ts';
import { ownedPods, type ControllerOf, type OwnedPod } from './owned-pods.ts';

const owner = (kind: string, name: string, apiVersion = 'apps/v1'): OwnerRecord => ({ apiVersion, kind, name, uid: `uid-${kind}-${name}` });
const web = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web' };
const replicaSet = owner('ReplicaSet', 'web-7d4b');
const canary = owner('ReplicaSet', 'web-canary-55');
const job = owner('Job', 'migrate', 'batch/v1');

const known: ControllerOf = ({ kind, name }) => {
  if (name === 'web-7d4b') return owner('Deployment', 'web');
  if (name === 'web-canary-55') return owner('Deployment', 'web-canary');
  return kind === 'Deployment' || kind === 'Job' ? 'none' : undefined;
};

const pod = (name: string, by: OwnerRecord | undefined): OwnedPod => ({ name, owner: by });
const namesOf = (pods: readonly OwnedPod[]): readonly string[] => pods.map(({ name }) => name);

describe('ownedPods', () => {
  it('keeps what leads to the Deployment and leaves out the rest', () => {
    const pods = [pod('a', replicaSet), pod('b', job), pod('c', replicaSet), pod('d', undefined), pod('e', canary)];
    const selection = ownedPods(pods, web, known);
    expect(namesOf(selection.pods)).toEqual(['a', 'c']);
    expect(selection).toMatchObject({
      foreign: ['b', 'd', 'e'],
      byLabels: 0,
      note: '3 of 5 matching pods belong to others (Job/migrate, ReplicaSet/web-canary-55, nobody) and are left out',
    });
  });

  it('gives back the very list when all belong to the target', () => {
    const pods = [pod('a', replicaSet), pod('b', replicaSet)];
    const selection = ownedPods(pods, web, known);
    expect(selection.pods).toBe(pods);
    expect(selection.note).toBe('all belong to Deployment/web');
  });

  it('keeps by its labels what it cannot trace, and says so', () => {
    const pods = [pod('a', replicaSet), pod('b', owner('ReplicaSet', 'unheard-of')), pod('c', job)];
    const selection = ownedPods(pods, web, known);
    expect(namesOf(selection.pods)).toEqual(['a', 'b']);
    expect(selection.note).toContain('1 are counted by their labels, since the chain of their owners is not known to the end');
  });

  it.each([
    ['StatefulSet', { ...web, kind: 'StatefulSet' }, owner('StatefulSet', 'web')],
    ['ReplicaSet', { ...web, kind: 'ReplicaSet', name: 'web-7d4b' }, replicaSet],
    ['another version of the group', { ...web, kind: 'StatefulSet', apiVersion: 'apps/v1beta1' }, owner('StatefulSet', 'web')],
    [
      'a kind of its own, directly',
      { apiVersion: 'example.dev/v1', kind: 'Worker', name: 'w' },
      owner('Worker', 'w', 'example.dev/v1alpha1'),
    ],
  ])('a %s owns its pods itself', (_, target, by) => {
    const selection = ownedPods([pod('a', by), pod('b', job)], target, known);
    expect(selection.foreign).toEqual(['b']);
  });

  it('follows the chain of a kind of its own as far as it is known', () => {
    const rollout = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', name: 'shop' };
    const ofRollout = owner('ReplicaSet', 'shop-abc');
    const chain: ControllerOf = (each) => (each === ofRollout ? owner('Rollout', 'shop', 'argoproj.io/v1alpha1') : known(each));
    expect(ownedPods([pod('a', ofRollout), pod('b', replicaSet)], rollout, chain).foreign).toEqual(['b']);
  });

  it('counts all pods of a kind of its own when none can be traced to it', () => {
    const pods = [pod('a', undefined), pod('b', undefined)];
    const selection = ownedPods(pods, { apiVersion: 'example.dev/v1', kind: 'Worker', name: 'w' }, known);
    expect(selection.pods).toBe(pods);
    expect(selection.note).toBe('no pod can be traced to Worker/w by its owners, so all that match the selector are counted');
    // A Deployment has no way of its own.
    expect(ownedPods(pods, web, known).pods).toEqual([]);
  });

  it('tells a namesake of old by its uid where the target has one', () => {
    const stateful = { ...web, kind: 'StatefulSet', uid: 'new' };
    expect(ownedPods([pod('a', owner('StatefulSet', 'web'))], stateful, known).foreign).toEqual(['a']);
  });

  it('is not caught in a loop of owners', () => {
    const a = owner('A', 'a', 'x/v1');
    const b = owner('B', 'b', 'x/v1');
    const loop: ControllerOf = (each) => (each.kind === 'A' ? b : a);
    expect(ownedPods([pod('p', a)], { apiVersion: 'x/v1', kind: 'C', name: 'c' }, loop).byLabels).toBe(1);
  });

  it('judges each pod by itself: the order changes nothing', () => {
    const owners = [replicaSet, canary, job, undefined, owner('ReplicaSet', 'unheard-of')];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...owners), { maxLength: 12 }), (list) => {
        const pods = list.map((by, index) => pod(`p${index}`, by));
        const there = namesOf(ownedPods(pods, web, known).pods);
        expect(namesOf(ownedPods(pods.toReversed(), web, known).pods).toReversed()).toEqual(there);
        expect(there).toEqual(namesOf(pods.filter(({ owner: by }) => by === replicaSet || by?.name === 'unheard-of')));
      }),
    );
  });
});

describe('foreign pods in an evaluation', () => {
  it('count neither as pods nor by their samples', () => {
    const pods = readyPods(6);
    const values = {
      kind: 'pod-values' as const,
      values: pods.map(({ name }, index) => ({ pod: name, timestamp: 0, windowMs: 60_000, value: index < 4 ? 10_000n : 90_000n })),
    };
    const perPod = { type: 'Pods' as const, metric: 'jobs', target: { type: 'AverageValue' as const, averageValue: 10_000n } };
    const selection = { foreign: ['web-4', 'web-5'], note: '2 of 6 matching pods belong to others (Job/migrate) and are left out' };
    const own = evaluationInput(4, 0, {
      spec: spec({ metrics: [perPod], maxReplicas: 50 }),
      pods: pods.slice(0, 4),
      results: [values],
      selection,
    });
    expect(evaluate(own).decision).toMatchObject({ to: 4, wanted: 4 });
    expect(evaluate(own).decision.trace[0]?.message).toContain(
      '4 pods are counted (2 of 6 matching pods belong to others (Job/migrate) and are left out)',
    );
    // Without the facts the samples would have counted.
    expect(evaluate({ ...own, selection: undefined }).decision.wanted).toBeGreaterThan(4);
  });
});
