import type { KubeObject } from '../core/model/object.ts';
import { apiVersionOf, resourceTypes } from '../core/model/object.ts';
import { sameJson } from '../core/model/same-json.ts';
import type { VpaConfig } from './config.ts';
import type { PolicyFailure, PolicyResult, SizingPolicy } from './model.ts';
import { annotationRevision, fromVpa, isProvided, parseVerticalPolicy, recommendationOf } from './policy.ts';
import { createPolicyIndex } from './policy-book-index.ts';
import type { KnownPolicy, ObjectChange, ObjectSource, PolicyBook } from './ports.ts';

export interface PolicyBookOptions {
  /** VerticalPolicy objects, whole. */
  readonly verticalPolicies: ObjectSource;
  /** VerticalPodAutoscaler objects, whole; looked at only with `config.adoptVpas`. */
  readonly nativeVpas: ObjectSource | undefined;
  readonly config: Pick<VpaConfig, 'adoptVpas' | 'adoptedCooldown' | 'cooldown' | 'ignoredNamespaces'> & {
    readonly recommender: Pick<VpaConfig['recommender'], 'name' | 'estimation'>;
  };
}

/** A {@link PolicyBook} that listens to its sources until it is closed. */
export interface LivePolicyBook extends PolicyBook {
  close(): void;
}

interface Rejected {
  readonly key: string;
  readonly raw: KubeObject;
  readonly failure: PolicyFailure;
}

interface Parsed {
  readonly revision: string;
  readonly result: PolicyResult;
}

/** `kind/namespace/name`, as keys of a {@link PolicyBook} are. */
export function policyKey(kind: string, namespace: string | undefined, name: string): string {
  return `${kind}/${namespace ?? ''}/${name}`;
}

/**
 * Keeps every policy that this program carries out. An object is parsed when its generation or an annotation that counts changes, and not for a new status; its
 * `policy` is the same object until then, and its `recommendation` until that changes. Objects of another recommender (those that name one, where this is
 * `default`; all others that don't name this one, else) and of ignored namespaces are not in it, not even as rejected. Handlers also hear of a rejected object:
 * with neither `old` nor `new` it has become, stayed or ceased to be one.
 */
export function createPolicyBook({ verticalPolicies, nativeVpas, config }: PolicyBookOptions): LivePolicyBook {
  const natives = config.adoptVpas ? nativeVpas : undefined;
  const parsed = new Map<string, Parsed>();
  const rejected = new Map<string, Rejected>();
  const index = createPolicyIndex();
  const handlers = new Set<Parameters<PolicyBook['onChange']>[0]>();
  const ignored = new Set(config.ignoredNamespaces);
  const defaults = { cooldown: config.cooldown, estimation: config.recommender.estimation };
  const nativeOptions = config.adoptedCooldown ? { cooldown: config.cooldown } : {};

  const resultOf = (key: string, raw: KubeObject, native: boolean): PolicyResult => {
    const revision = revisionOf(raw);
    const before = parsed.get(key);
    if (before?.revision === revision) return before.result;
    const result = native ? fromVpa(raw, nativeOptions) : parseVerticalPolicy(raw, defaults);
    parsed.set(key, { revision, result });
    return result;
  };

  /** What becomes of an object that this program carries out. */
  const read = (key: string, raw: KubeObject, native: boolean): KnownPolicy | undefined => {
    const result = resultOf(key, raw, native);
    if (result.ok) return knownPolicy(key, raw, result.policy, index.get(key));
    rejected.set(key, { key, raw, failure: result });
    return undefined;
  };

  const belongs = (raw: KubeObject): boolean => !ignored.has(raw.metadata.namespace ?? '') && isOfRecommender(raw, config.recommender.name);

  const take = (change: ObjectChange, native: boolean): void => {
    // A resync.
    if (change.old === change.new) return;
    const type = native ? resourceTypes.verticalPodAutoscalers : resourceTypes.verticalPolicies;
    const key = `${type.kind}/${change.key}`;
    const old = index.get(key);
    const wasRejected = rejected.delete(key);
    let known: KnownPolicy | undefined;
    if (change.new !== undefined && belongs(change.new)) known = read(key, typed(change.new, type), native);
    else parsed.delete(key);
    index.set(key, known);
    if (old === undefined && known === undefined && !wasRejected && !rejected.has(key)) return;
    for (const handler of handlers) handler({ key, old, new: known });
  };

  const stops = [
    verticalPolicies.onDelta((change) => take(change, false)),
    ...(natives === undefined ? [] : [natives.onDelta((change) => take(change, true))]),
  ];
  return {
    all: () => index.all(),
    get: (key) => index.get(key),
    inNamespace: (namespace) => index.inNamespace(namespace),
    forTarget: (namespace, kind, name) => index.forTarget(namespace, kind, name),
    rejected: () => [...rejected.values()],
    onChange: (handler) => {
      // Wrapped, so that a handler that is given twice is called twice and unsubscribed for itself.
      const own: typeof handler = (change) => handler(change);
      handlers.add(own);
      return () => handlers.delete(own);
    },
    hasSynced: () => verticalPolicies.hasSynced() && (natives === undefined || natives.hasSynced()),
    close: () => {
      for (const stop of stops) stop();
    },
  };
}

/** Items of a list come without kind and apiVersion. */
function typed(raw: KubeObject, type: (typeof resourceTypes)['verticalPolicies' | 'verticalPodAutoscalers']): KubeObject {
  return raw.kind !== undefined && raw.apiVersion !== undefined ? raw : { ...raw, kind: type.kind, apiVersion: apiVersionOf(type) };
}

/** One that names no recommender belongs to `default`. Read without a schema: a policy of somebody else need not be valid for us. */
function isOfRecommender(raw: KubeObject, name: string): boolean {
  const list: unknown = (raw.spec as { readonly recommenders?: unknown } | null | undefined)?.recommenders;
  if (!Array.isArray(list) || list.length === 0) return name === 'default';
  return list.some((each: unknown) => (each as { readonly name?: unknown } | null)?.name === name);
}

/** Changes with everything that a policy is parsed from. */
function revisionOf(raw: KubeObject): string {
  const { uid, generation } = raw.metadata;
  return JSON.stringify([uid ?? null, generation ?? JSON.stringify(raw.spec), annotationRevision(raw)]);
}

function knownPolicy(key: string, raw: KubeObject, policy: SizingPolicy, old: KnownPolicy | undefined): KnownPolicy {
  const unchanged =
    old !== undefined && isProvided(old.raw) === isProvided(raw) && sameJson(recommendationIn(old.raw), recommendationIn(raw));
  return { key, raw, policy, recommendation: unchanged ? old.recommendation : recommendationOf(raw) };
}

function recommendationIn(raw: KubeObject): unknown {
  return (raw.status as { readonly recommendation?: unknown } | null | undefined)?.recommendation;
}
