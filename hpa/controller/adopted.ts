import type { KubeObject } from '../../core/model/object.ts';
import type { PolicyChange, PolicySource } from './ports.ts';

/** Begins the key of an adopted HorizontalPodAutoscaler: a policy may have the same namespace and name. */
const prefix = 'hpa:';

/** HorizontalPolicies and native HorizontalPodAutoscalers as one list, for clusters whose built-in controller is off. */
export function withAdopted(policies: PolicySource, hpas: PolicySource): PolicySource {
  return {
    get: (key) => (isAdopted(key) ? stamped(hpas.get(key.slice(prefix.length))) : policies.get(key)),
    items: () => [...policies.items(), ...hpas.items().flatMap((raw) => stamped(raw) ?? [])],
    hasSynced: () => policies.hasSynced() && hpas.hasSynced(),
    onDelta: (handler) => {
      const ends = [
        policies.onDelta(handler),
        hpas.onDelta((change) =>
          handler({ ...change, key: prefix + change.key, old: stamped(change.old), new: stamped(change.new) } as PolicyChange),
        ),
      ];
      return () => {
        for (const end of ends) end();
      };
    },
  };
}

export function isAdopted(key: string): boolean {
  return key.startsWith(prefix);
}

/** `namespace/name` of a key of either kind. */
export function nameOfKey(key: string): { readonly namespace: string; readonly name: string } {
  const [namespace = '', name = ''] = (isAdopted(key) ? key.slice(prefix.length) : key).split('/');
  return { namespace, name };
}

/** Kind, namespace and name of a key of either kind, for sentences. */
export function titleOfKey(key: string): string {
  const { namespace, name } = nameOfKey(key);
  return `${isAdopted(key) ? 'HorizontalPodAutoscaler' : 'HorizontalPolicy'} ${namespace}/${name}`;
}

/** Key of an object of either kind. */
export function keyOf(raw: KubeObject): string {
  const name = `${raw.metadata.namespace ?? ''}/${raw.metadata.name}`;
  return isNative(raw) ? prefix + name : name;
}

export function isNative(raw: KubeObject): boolean {
  return raw.kind === 'HorizontalPodAutoscaler' || raw.apiVersion?.startsWith('autoscaling/') === true;
}

const copies = new WeakMap<KubeObject, KubeObject>();

/** Items of a list come without kind; each object is stamped once, so that the same object stays the same. */
function stamped(raw: KubeObject | undefined): KubeObject | undefined {
  if (raw === undefined || raw.kind !== undefined) return raw;
  let copy = copies.get(raw);
  if (copy === undefined) copies.set(raw, (copy = { ...raw, apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler' }));
  return copy;
}
