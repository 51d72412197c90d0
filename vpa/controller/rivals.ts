import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import type { KnownPolicy, ObjectSource } from '../ports.ts';

interface RawVpaSpec {
  readonly targetRef?: { readonly kind?: string; readonly name?: string } | null;
  readonly updatePolicy?: { readonly updateMode?: string | null } | null;
}

/** VerticalPodAutoscalers that somebody else carries out, by what they act on. */
export interface ForeignVpas {
  /** One that acts on the target of a policy: one sentence that names it. One whose mode is Off acts on nothing. */
  on(known: KnownPolicy): string | undefined;
  close(): void;
}

export function createForeignVpas(nativeVpas: ObjectSource | undefined): ForeignVpas {
  const byTarget = new Map<string, Map<string, KubeObject>>();
  const placed = new Map<string, string>();
  const close = nativeVpas?.onDelta(({ key, new: raw }) => {
    const before = placed.get(key);
    if (before !== undefined) {
      const held = byTarget.get(before);
      held?.delete(key);
      if (held?.size === 0) byTarget.delete(before);
      placed.delete(key);
    }
    const target = raw === undefined ? undefined : actsOn(raw);
    if (raw === undefined || target === undefined) return;
    placed.set(key, target);
    const held = byTarget.get(target) ?? new Map<string, KubeObject>();
    held.set(key, raw);
    byTarget.set(target, held);
  });
  return {
    on: ({ policy: { target, reference, native } }) => {
      if (native || target === undefined) return undefined;
      const [rival] = byTarget.get(targetKey(reference.namespace, target.kind, target.name))?.values() ?? [];
      if (rival === undefined) return undefined;
      const { kind } = resourceTypes.verticalPodAutoscalers;
      const { namespace = '', name } = rival.metadata;
      return `${kind} ${namespace}/${name} sizes ${target.kind} ${target.name} too; delete it, set its updateMode to Off, or adopt it with --adopt=vpa and delete this policy`;
    },
    close: () => close?.(),
  };
}

function targetKey(namespace: string | undefined, kind: string, name: string): string {
  return `${namespace ?? ''}/${kind}/${name}`;
}

function actsOn({ metadata, spec }: KubeObject): string | undefined {
  const { targetRef, updatePolicy } = (spec ?? {}) as RawVpaSpec;
  if (typeof targetRef?.kind !== 'string' || typeof targetRef.name !== 'string' || updatePolicy?.updateMode === 'Off') return undefined;
  return targetKey(metadata.namespace, targetRef.kind, targetRef.name);
}
