import type { KubeObject } from '../../core/model/object.ts';
import { parseVerticalPolicy, recommendationOf } from '../policy.ts';
import { policyKey } from '../policy-book.ts';
import type { KnownPolicy, ObjectSource } from '../ports.ts';
import { fakeSource } from '../targets/targets.fixture.ts';

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

/** A live list of objects that a test changes. */
export function source(initial: readonly KubeObject[] = []): ObjectSource & { set(raw: KubeObject): void; delete(key: string): void } {
  const list = fakeSource<KubeObject>();
  const set = (raw: KubeObject): void => list.set(`${raw.metadata.namespace ?? ''}/${raw.metadata.name}`, raw);
  for (const raw of initial) set(raw);
  return { ...list, set };
}
