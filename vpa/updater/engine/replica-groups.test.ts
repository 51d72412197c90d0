import { describe, expect, it } from 'vitest';
import { owner, pod, recommended, start } from './builders.fixture.ts';
import { isQuickOom, percentText } from './gate.ts';
import { observedContainers } from './observed.ts';
import { configuredReplicas, createReplicaGroups, noteResizes } from './replica-groups.ts';
import { isInfeasible } from './selection.ts';
import { defaultUpdaterConfig } from '../../config.ts';

const resize = { type: 'PodResizePending', reason: 'Deferred' } as const;

describe('since when a pod is resizing', () => {
  it('is kept by uid, and forgotten when it is not resizing any more (Q6)', () => {
    const resizing = new Map<string, number>();
    const deferred = pod('a', { resize });
    noteResizes(resizing, [deferred, pod('b')], start);
    expect(resizing).toEqual(new Map([['uid-a', start]]));
    noteResizes(resizing, [deferred], start + 60_000);
    expect(resizing.get('uid-a')).toBe(start);
    noteResizes(resizing, [pod('a')], start + 120_000);
    expect(resizing.size).toBe(0);
    noteResizes(resizing, [deferred], start + 180_000);
    expect(resizing.get('uid-a')).toBe(start + 180_000);
    noteResizes(resizing, [{ ...deferred, uid: 'another' }], start + 240_000);
    expect(resizing).toEqual(new Map([['another', start + 240_000]]));
  });

  it('counts from when the kubelet says, so that a restart forgets nothing, and never from the future', () => {
    const resizing = new Map<string, number>();
    const at = (since: number) => ({ state: 'Deferred' as const, message: '', since });
    noteResizes(resizing, [pod('a', {}, { resize: at(start - 200_000) }), pod('b', {}, { resize: at(start + 9_000) })], start);
    expect(resizing).toEqual(
      new Map([
        ['uid-a', start - 200_000],
        ['uid-b', start],
      ]),
    );
  });
});

describe('replicas of an owner', () => {
  const facts = (replicas: number | undefined, ready?: number) => ({ replicas, ready }) as never;
  const of = (kind: string) => ({ ...owner, kind });

  it('are what each kind says', () => {
    expect(configuredReplicas(of('ReplicaSet'), 9, facts(3))).toEqual({ ok: true, replicas: 3 });
    expect(configuredReplicas(of('DaemonSet'), 9, facts(undefined, 4))).toEqual({ ok: true, replicas: 4 });
    expect(configuredReplicas(of('Job'), 9, undefined)).toEqual({ ok: true, replicas: 9 });
    expect(configuredReplicas(of('Rollout'), 9, undefined)).toEqual({ ok: true, replicas: 0 });
  });

  it('that are not known or 0 leave the group alone', () => {
    const message = 'StatefulSet web-1 says no number above 0 in spec.replicas';
    expect(configuredReplicas(of('StatefulSet'), 9, facts(0))).toEqual({ ok: false, message });
    expect(configuredReplicas(of('StatefulSet'), 9, undefined)).toEqual({ ok: false, message });
    const list = [pod('a'), pod('b')];
    const groups = createReplicaGroups({
      pods: list,
      configured: () => ({ ok: false, message }),
      policy: { minReplicas: undefined, actuation: 'Recreate' },
      config: defaultUpdaterConfig,
      resizing: new Map(),
    });
    expect(groups.canEvict(list[0]!, start)).toEqual({
      ok: false,
      code: 'unknown-replicas',
      message: `${message}: how many pods may be away is not known`,
    });
  });

  it('leave a pod alone that nobody controls (Q20)', () => {
    const orphan = pod('a', {}, { owner: undefined });
    const groups = createReplicaGroups({
      pods: [orphan, pod('b'), pod('c')],
      configured: () => ({ ok: true, replicas: 2 }),
      policy: { minReplicas: undefined, actuation: 'Recreate' },
      config: defaultUpdaterConfig,
      resizing: new Map(),
    });
    expect(groups.canEvict(orphan, start)).toMatchObject({ ok: false, code: 'no-controller' });
    expect(groups.canEvict(pod('b'), start)).toEqual({ ok: true });
  });
});

describe('what could not be done before', () => {
  it('matters only where nothing else than a resize is ever done', () => {
    const last = [recommended({ cpu: 100 })];
    expect(isInfeasible({ actuation: 'InPlace' }, last, last)).toBe(true);
    expect(isInfeasible({ actuation: 'InPlaceOrRecreate' }, last, last)).toBe(false);
    expect(isInfeasible({ actuation: 'InPlace' }, last, [recommended({ cpu: 99 })])).toBe(false);
    expect(isInfeasible({ actuation: 'InPlace' }, undefined, last)).toBe(false);
  });
});

describe('containers that the admission saw', () => {
  const seen = (text: string) => observedContainers(pod('a', { annotations: { vpaObservedContainers: text } }));

  it('are those that the annotation names, if it can be read', () => {
    expect(seen('app, sidecar')).toEqual(new Set(['app', 'sidecar']));
    expect(seen('')).toEqual(new Set());
    expect(seen('app,sidecar')).toBeUndefined();
    expect(seen('App')).toBeUndefined();
    expect(seen('a'.repeat(64))).toBeUndefined();
    expect(observedContainers(pod('a'))).toBeUndefined();
  });
});

describe('a kill for memory soon after the start', () => {
  const none = { containers: [], evictAfterOomMs: undefined };

  it('is told by how long the container ran', () => {
    expect(isQuickOom(none, pod('a', { oomAfterMs: 599_000 }), 600_000)).toBe(true);
    expect(isQuickOom(none, pod('a', { oomAfterMs: 600_000 }), 600_000)).toBe(false);
    expect(isQuickOom({ ...none, evictAfterOomMs: 60_000 }, pod('a', { oomAfterMs: 60_000 }), 600_000)).toBe(false);
    expect(isQuickOom(none, pod('a', { oomAfterMs: 1_000, annotations: { vpaObservedContainers: 'other' } }), 600_000)).toBe(false);
  });
});

describe('a difference', () => {
  it('is told as a percentage that can be read', () => {
    expect([0, 0.1, 1.234, 1e9].map(percentText)).toEqual(['0%', '10%', '123.4%', 'more than 10000%']);
  });
});
