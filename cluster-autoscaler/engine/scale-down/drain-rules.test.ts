import { describe, expect, it } from 'vitest';
import type { ControllerFacts } from '../model.ts';
import type { PodParts } from './builders.fixture.ts';
import { drainContext, minute, now, options, pdb, pod, second } from './builders.fixture.ts';
import { createDisruptionTracker } from './disruption-tracker.ts';
import { controllerLookup, drainOf, occupationOf } from './drain.ts';
import type { DrainContext, DrainRule } from './drain-rule.ts';
import { decide } from './drain-rule.ts';
import { drainRules, isLongTerminating } from './drain-rules.ts';

const safeToEvict = (value: string) => ({ 'cluster-autoscaler.kubernetes.io/safe-to-evict': value });
const verdict = (parts: PodParts, context: Partial<DrainContext> = {}) =>
  decide(drainRules, pod('p', parts), { ...drainContext, ...context });
const withOptions = (changed: Partial<typeof options>): Partial<DrainContext> => ({ options: { ...options, ...changed } });
const controllers = (list: readonly (Partial<ControllerFacts> & { readonly kind: string; readonly name: string })[]) => ({
  controllerOf: controllerLookup(
    new Map(
      list.map((each) => [
        `${each.kind}/default/${each.name}`,
        { namespace: 'default', uid: 'u', specReplicas: undefined, statusReplicas: undefined, ...each },
      ]),
    ),
  ),
});

describe('drain rules', () => {
  it('stand in upstream’s order', () => {
    expect(drainRules.map(({ name }) => name)).toEqual([
      'mirror',
      'long-terminating',
      'replica-count',
      'daemon-set',
      'safe-to-evict',
      'terminal',
      'on-completion',
      'replicated',
      'system',
      'not-safe-to-evict',
      'local-storage',
      'budget',
    ]);
  });

  it('a pod of a known controller has no opinions against it', () => {
    expect(verdict({})).toEqual({ outcome: undefined });
  });

  it('long terminating is later than deletion, grace and half a minute', () => {
    const deleted = (ago: number) => pod('p', { deleted: now - ago, spec: { terminationGracePeriodSeconds: 10 } });
    expect(isLongTerminating(deleted(40 * second), now)).toBe(false);
    expect(isLongTerminating(deleted(41 * second), now)).toBe(true);
    expect(isLongTerminating(pod('p', { deleted: now - 60 * second }), now)).toBe(false);
    expect(isLongTerminating(pod('p'), now)).toBe(false);
  });

  it('controllers are looked up by kind, StatefulSets and DaemonSets only of group apps', () => {
    const none = controllers([]);
    for (const [owner, apiVersion] of [
      ['ReplicaSet', 'extensions/v1beta1'],
      ['ReplicationController', 'v1'],
      ['Job', 'batch/v1'],
      ['StatefulSet', 'apps/v1'],
      ['DaemonSet', 'apps/v1'],
    ] as const) {
      expect(verdict({ owner, apiVersion }, none), owner).toMatchObject({
        outcome: 'block',
        reason: 'ControllerNotFound',
        rule: 'replica-count',
      });
    }
    expect(verdict({ owner: 'StatefulSet', apiVersion: 'other.io/v1' }, none)).toEqual({ outcome: undefined });
    expect(verdict({ owner: 'DaemonSet', apiVersion: 'v1' }, none)).toEqual({ outcome: 'drain', daemon: true });
    expect(verdict({}, { ...none, ...withOptions({ skipNodesWithCustomControllerPods: false }) })).toEqual({ outcome: undefined });
    const found = controllers([{ kind: 'ReplicaSet', name: 'web', specReplicas: 2 }]);
    expect(verdict({ ownerName: 'web' }, found)).toEqual({ outcome: undefined });
    expect(verdict({ ownerName: 'web', namespace: 'other' }, found)).toMatchObject({ reason: 'ControllerNotFound' });
    // Equal owners are one object; what one namespace has says nothing about another.
    expect(verdict({ ownerName: 'web' }, found)).toEqual({ outcome: undefined });
  });

  it('too few replicas are a matter of ReplicaSets and ReplicationControllers', () => {
    const few = { ...controllers([{ kind: 'ReplicaSet', name: 'x', specReplicas: 2 }]), ...withOptions({ minReplicaCount: 3 }) };
    expect(verdict({ ownerName: 'x' }, few)).toMatchObject({
      reason: 'MinReplicasReached',
      detail: 'its ReplicaSet x wants 2 replicas, fewer than the 3 of --min-replica-count',
    });
    expect(verdict({ ownerName: 'x' }, { ...few, ...withOptions({ minReplicaCount: 2 }) })).toEqual({ outcome: undefined });
    const job = { ...controllers([{ kind: 'Job', name: 'x', specReplicas: 1 }]), ...withOptions({ minReplicaCount: 3 }) };
    expect(verdict({ owner: 'Job', ownerName: 'x' }, job)).toEqual({ outcome: undefined });
  });

  it('a kind that nobody knows does not replace its pods, unless such kinds are trusted', () => {
    expect(verdict({ owner: 'Rollout' })).toMatchObject({ reason: 'NotReplicated', rule: 'replicated' });
    expect(verdict({ owner: 'Rollout' }, withOptions({ skipNodesWithCustomControllerPods: false }))).toEqual({ outcome: undefined });
    expect(verdict({ owner: null }, withOptions({ skipNodesWithCustomControllerPods: false }))).toMatchObject({ reason: 'NotReplicated' });
  });

  it('a system pod without a budget goes once it is older than the limit, whatever else speaks against it', () => {
    const system = { namespace: 'kube-system', annotations: safeToEvict('false') };
    const limit = withOptions({ blockingSystemPodMs: 60 * minute });
    expect(verdict({ ...system, created: now - 60 * minute }, limit)).toMatchObject({ reason: 'UnmovableKubeSystemPod', rule: 'system' });
    expect(verdict({ ...system, created: now - 61 * minute }, limit)).toEqual({ outcome: 'drain' });
    expect(verdict({ ...system, created: now }, withOptions({ skipNodesWithSystemPods: false }))).toMatchObject({
      rule: 'not-safe-to-evict',
    });
    const budgets = createDisruptionTracker([pdb('b', {}, 1, 'kube-system')]);
    expect(verdict({ ...system, created: now }, { budgets })).toMatchObject({ rule: 'not-safe-to-evict' });
  });

  it('local storage names the volume that would be lost', () => {
    const volumes = [
      { name: 'ram', emptyDir: { medium: 'Memory' } },
      { name: 'huge', emptyDir: { medium: 'HugePages' } },
      { name: 'host', hostPath: {} },
    ];
    const allowed = (list: string) => ({ 'cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes': list });
    expect(verdict({ spec: { volumes } })).toMatchObject({
      reason: 'LocalStorageRequested',
      detail: 'its volume huge (emptyDir) would be lost',
    });
    expect(verdict({ spec: { volumes }, annotations: allowed('huge') })).toMatchObject({
      detail: 'its volume host (hostPath) would be lost',
    });
    expect(verdict({ spec: { volumes }, annotations: allowed('host,huge') })).toEqual({ outcome: undefined });
    expect(verdict({ spec: { volumes } }, withOptions({ skipNodesWithLocalStorage: false }))).toEqual({ outcome: undefined });
  });

  it('a budget that is used up is named', () => {
    const budgets = createDisruptionTracker([pdb('z', { app: 'a' }, 0), pdb('other', { app: 'b' }, 0), pdb('c', { app: 'a' }, 0)]);
    expect(verdict({ labels: { app: 'a' } }, { budgets })).toMatchObject({ reason: 'NotEnoughPdb', pdb: 'c', rule: 'budget' });
    expect(verdict({ labels: { app: 'c' } }, { budgets })).toEqual({ outcome: undefined });
  });
});

describe('a node', () => {
  it('is judged pod by pod until one keeps it', () => {
    const pods = [
      pod('a'),
      pod('d', { owner: 'DaemonSet' }),
      pod('m', { annotations: { 'kubernetes.io/config.mirror': 'x' }, owner: null }),
      pod('w', { annotations: safeToEvict('on-completion'), owner: null }),
      pod('x', { owner: null }),
      pod('y'),
    ];
    const { evict, daemons, waitFor, blocking } = drainOf(pods, drainContext);
    expect([evict, daemons, waitFor].map((list) => list.map(({ name }) => name))).toEqual([['a'], ['d'], ['w']]);
    expect(blocking).toEqual({
      namespace: 'default',
      name: 'x',
      reason: 'NotReplicated',
      rule: 'replicated',
      detail: 'no controller would make it again',
    });
  });

  it('is empty, waits or is occupied', () => {
    const daemon = pod('d', { owner: 'DaemonSet' });
    const waits = pod('w', { annotations: safeToEvict('on-completion'), owner: null });
    expect(occupationOf([daemon], drainContext)).toBe(0);
    expect(occupationOf([daemon, waits], drainContext)).toBe(1);
    expect(occupationOf([waits, pod('a')], drainContext)).toBe(2);
    expect(occupationOf([waits, pod('a', { owner: null })], drainContext)).toBe(2);
  });
});

describe('rules that override', () => {
  const rule = (name: string, verdict_: ReturnType<DrainRule['decide']>): DrainRule => ({ name, decide: () => verdict_ });
  const outcome = (...rules: readonly DrainRule[]) => decide(rules, pod('p'), drainContext).outcome;

  it('may also replace a missing opinion, and count for nothing where nothing later is said', () => {
    const onNothing = rule('o', { outcome: 'wait', overrides: [undefined] });
    expect(outcome(onNothing, rule('n', undefined))).toBe('wait');
    expect(outcome(onNothing, rule('d', { outcome: 'drain' }))).toBe('drain');
    expect(outcome(onNothing)).toBeUndefined();
  });
});
