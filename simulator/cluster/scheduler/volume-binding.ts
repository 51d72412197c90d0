import { resourceTypes } from '../../../core/model/object.ts';
import type { Registry } from '../api-server/types.ts';
import { keyOf } from '../controllers/kinds.ts';
import type { VolumeClaim } from './filters/volumes.ts';

const selectedNode = 'volume.kubernetes.io/selected-node';

/** Tells the volume controller where claims that waited for their first consumer are wanted, and waits until they are bound. */
export interface VolumeBinder {
  /** Resolves true when all are bound, false when one was deleted or `forget` was called. */
  bind(podKey: string, claims: readonly VolumeClaim[], node: string): Promise<boolean>;
  forget(podKey: string): void;
  stop(): void;
}

interface Wait {
  readonly claims: Set<string>;
  readonly resolve: (bound: boolean) => void;
}

export function createVolumeBinder(registry: Registry, onChange: () => void): VolumeBinder {
  const waits = new Map<string, Wait>();
  const type = resourceTypes.persistentVolumeClaims;
  const settle = (podKey: string, bound: boolean): void => {
    const wait = waits.get(podKey);
    waits.delete(podKey);
    wait?.resolve(bound);
  };
  const end = registry.watch(type, (event) => {
    const claim = event.object as VolumeClaim;
    const key = keyOf(claim);
    const bound = (claim.spec?.volumeName ?? '') !== '';
    for (const [podKey, { claims }] of Array.from(waits)) {
      if (!claims.has(key)) continue;
      if (event.type === 'DELETED') settle(podKey, false);
      else if (bound && claims.delete(key) && claims.size === 0) settle(podKey, true);
    }
    onChange();
  });
  return {
    bind: async (podKey, claims, node) => {
      const bound = new Promise<boolean>((resolve) => waits.set(podKey, { claims: new Set(claims.map(keyOf)), resolve }));
      for (const claim of claims) {
        await registry.mutate(type, claim.metadata.namespace, claim.metadata.name, (object) =>
          object.metadata.annotations?.[selectedNode] === node
            ? object
            : { ...object, metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, [selectedNode]: node } } },
        );
      }
      // A claim that was bound before the watch of it began to count.
      for (const claim of claims) {
        const now = registry.get(type, claim.metadata.namespace, claim.metadata.name) as VolumeClaim | undefined;
        const wait = waits.get(podKey);
        if (now === undefined) settle(podKey, false);
        else if ((now.spec?.volumeName ?? '') !== '' && wait?.claims.delete(keyOf(now)) === true && wait.claims.size === 0)
          settle(podKey, true);
      }
      return bound;
    },
    forget: (podKey) => settle(podKey, false),
    stop: () => {
      end();
      for (const podKey of Array.from(waits.keys())) settle(podKey, false);
    },
  };
}
