import type { KubeObject } from '../../core/model/object.ts';
import { mergeLimitRanges } from '../adaptation/index.ts';
import type { NamespaceLimits } from '../model.ts';
import type { ObjectSource } from '../ports.ts';

/** What the LimitRanges of a namespace say together; merged once for each change. */
export function createNamespaceLimits(limitRanges: ObjectSource): {
  of(namespace: string): NamespaceLimits | undefined;
  close(): void;
} {
  const objects = new Map<string, Map<string, KubeObject>>();
  const merged = new Map<string, NamespaceLimits>();
  const close = limitRanges.onDelta(({ key, new: next }) => {
    const namespace = key.slice(0, key.indexOf('/'));
    const held = objects.get(namespace) ?? new Map<string, KubeObject>();
    if (next === undefined) held.delete(key);
    else held.set(key, next);
    if (held.size === 0) objects.delete(namespace);
    else objects.set(namespace, held);
    merged.delete(namespace);
  });
  return {
    close,
    of: (namespace) => {
      const held = objects.get(namespace);
      if (held === undefined) return undefined;
      let limits = merged.get(namespace);
      if (limits === undefined) merged.set(namespace, (limits = mergeLimitRanges([...held.values()])));
      return limits;
    },
  };
}
