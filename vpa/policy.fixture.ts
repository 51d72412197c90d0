import { defaultCooldown } from '../core/model/cooldown.ts';
import type { SizingPolicy } from './model.ts';
import type { KnownPolicy, PolicyBook } from './ports.ts';

/** A policy `shop/web` for the Deployment of its name that says nothing of its own, but for these facts. */
export function sizingPolicy(facts: Partial<SizingPolicy> = {}): SizingPolicy {
  return {
    reference: { apiVersion: 'concertina.dev/v1alpha1', kind: 'VerticalPolicy', namespace: 'shop', name: 'web', uid: 'uid-policy' },
    native: false,
    generation: 1,
    created: 0,
    target: { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web' },
    mode: 'Auto',
    updateMode: 'Auto',
    actuation: 'InPlaceOrRecreate',
    hasUpdatePolicy: false,
    minReplicas: undefined,
    evictionRequirements: [],
    evictAfterOomMs: undefined,
    cooldown: defaultCooldown,
    singleReplica: 'Never',
    startupBoost: undefined,
    containers: [],
    estimation: {},
    horizontal: 'Rebase',
    injectedContainers: 'Manage',
    recommenders: [],
    integerCpu: new Set(),
    ...facts,
  };
}

/** A book of those policies that can be changed. */
export function bookOf(...policies: readonly KnownPolicy[]): PolicyBook & { set(known: KnownPolicy): void; remove(key: string): void } {
  const held = new Map(policies.map((each) => [each.key, each]));
  const handlers = new Set<Parameters<PolicyBook['onChange']>[0]>();
  const change = (key: string, next: KnownPolicy | undefined): void => {
    const old = held.get(key);
    if (next === undefined) held.delete(key);
    else held.set(key, next);
    for (const handler of handlers) handler({ key, old, new: next });
  };
  return {
    all: () => [...held.values()],
    get: (key) => held.get(key),
    inNamespace: (namespace) => [...held.values()].filter((each) => each.policy.reference.namespace === namespace),
    forTarget: (namespace, kind, name) =>
      [...held.values()].filter(
        ({ policy }) => policy.reference.namespace === namespace && policy.target?.kind === kind && policy.target.name === name,
      ),
    rejected: () => [],
    onChange: (handler) => {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    hasSynced: () => true,
    set: (known) => change(known.key, known),
    remove: (key) => change(key, undefined),
  };
}
