import type { KubeObject } from '../../../../core/model/object.ts';
import type { RegistryEvent } from '../../api-server/types.ts';
import { controllerOf, keyOf } from '../kinds.ts';

/** Objects of one type that have no controller, by namespace: candidates for adoption. Fed by the watch of whoever owns it. */
export interface OrphanIndex {
  note(event: RegistryEvent): void;
  of(namespace: string): Iterable<KubeObject>;
}

export function createOrphanIndex(): OrphanIndex {
  const byNamespace = new Map<string, Map<string, KubeObject>>();
  return {
    note: ({ type, object }) => {
      const namespace = object.metadata.namespace ?? '';
      const members = byNamespace.get(namespace) ?? new Map<string, KubeObject>();
      byNamespace.set(namespace, members);
      if (type === 'DELETED' || controllerOf(object) !== undefined) members.delete(keyOf(object));
      else members.set(keyOf(object), object);
    },
    of: (namespace) => byNamespace.get(namespace)?.values() ?? [],
  };
}
