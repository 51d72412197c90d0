import type { KubeObject } from '../../core/model/object.ts';
import { parseVerticalPolicy, recommendationOf } from '../policy.ts';
import { policyKey } from '../policy-book.ts';
import type { KnownPolicy, ObjectChange, ObjectSource, PolicyBook } from '../ports.ts';

/** Builders for tests of this room. */

export function known(name: string, spec: object = {}, metadata: object = {}): KnownPolicy {
  const raw: KubeObject = {
    apiVersion: 'concertina.dev/v1alpha1',
    kind: 'VerticalPolicy',
    metadata: { name, namespace: 'shop', uid: `uid-${name}`, generation: 1, ...metadata },
    spec: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name }, ...spec },
  };
  const result = parseVerticalPolicy(raw, { cooldown: { scaleUpMs: 180_000, scaleDownMs: 300_000 } });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return { key: policyKey('VerticalPolicy', 'shop', name), raw, policy: result.policy, recommendation: recommendationOf(raw) };
}

export function bookOf(policies: readonly KnownPolicy[]): PolicyBook {
  return {
    all: () => policies,
    get: (key) => policies.find((each) => each.key === key),
    inNamespace: (namespace) => policies.filter(({ policy }) => policy.reference.namespace === namespace),
    forTarget: (namespace, kind, name) =>
      policies.filter(
        ({ policy: { target, reference } }) => reference.namespace === namespace && target?.kind === kind && target.name === name,
      ),
    rejected: () => [],
    onChange: () => () => undefined,
    hasSynced: () => true,
  };
}

/** A live list that a test changes. */
export function source(initial: readonly KubeObject[] = []): ObjectSource & { set(raw: KubeObject): void; delete(key: string): void } {
  const objects = new Map<string, KubeObject>();
  const handlers = new Set<(change: ObjectChange) => void>();
  const tell = (change: ObjectChange): void => {
    for (const handler of handlers) handler(change);
  };
  const set = (raw: KubeObject): void => {
    const key = `${raw.metadata.namespace ?? ''}/${raw.metadata.name}`;
    const old = objects.get(key);
    objects.set(key, raw);
    tell({ type: old === undefined ? 'added' : 'updated', key, old, new: raw });
  };
  for (const raw of initial) set(raw);
  return {
    get: (key) => objects.get(key),
    items: () => [...objects.values()],
    hasSynced: () => true,
    onDelta: (handler) => {
      handlers.add(handler);
      for (const [key, raw] of objects) handler({ type: 'added', key, old: undefined, new: raw });
      return () => handlers.delete(handler);
    },
    set,
    delete: (key) => {
      const old = objects.get(key);
      objects.delete(key);
      tell({ type: 'deleted', key, old, new: undefined });
    },
  };
}
