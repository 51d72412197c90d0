import type { KubeObject, ObjectReference } from '../../core/model/object.ts';

interface RawTargetSpec {
  readonly scaleTargetRef?: { readonly apiVersion?: string; readonly kind?: string; readonly name?: string };
  readonly mode?: string;
}

/** Group, kind and name of a target in its namespace; the version does not matter. */
function targetKey(namespace: string, target: { readonly apiVersion?: string; readonly kind?: string; readonly name?: string }): string {
  const group = target.apiVersion?.includes('/') === true ? target.apiVersion.split('/')[0] : '';
  return `${namespace}\n${group}\n${target.kind}\n${target.name}`;
}

/** Which objects act on which target. */
export class TargetIndex {
  readonly #byTarget = new Map<string, Map<string, ObjectReference>>();
  readonly #targetOf = new Map<string, string>();

  /** Notes an object; one whose mode is not Auto acts on nothing. */
  set(key: string, raw: KubeObject, kind: string): void {
    this.delete(key);
    const spec = (raw.spec ?? {}) as RawTargetSpec;
    if (spec.scaleTargetRef === undefined || (spec.mode ?? 'Auto') !== 'Auto') return;
    const namespace = raw.metadata.namespace ?? '';
    const target = targetKey(namespace, spec.scaleTargetRef);
    const members = this.#byTarget.get(target) ?? new Map<string, ObjectReference>();
    this.#byTarget.set(target, members);
    members.set(key, { apiVersion: raw.apiVersion ?? '', kind: raw.kind ?? kind, namespace, name: raw.metadata.name });
    this.#targetOf.set(key, target);
  }

  delete(key: string): void {
    const target = this.#targetOf.get(key);
    if (target === undefined) return;
    this.#targetOf.delete(key);
    const members = this.#byTarget.get(target);
    members?.delete(key);
    if (members?.size === 0) this.#byTarget.delete(target);
  }

  /** The target of an object, as {@link keysAt} takes it. */
  targetOf(key: string): string | undefined {
    return this.#targetOf.get(key);
  }

  /** Keys of the objects on a target. */
  keysAt(target: string): Iterable<string> {
    return this.#byTarget.get(target)?.keys() ?? [];
  }

  /** Keys of the objects on a target. */
  on(target: ObjectReference): Iterable<string> {
    return this.keysAt(targetKey(target.namespace ?? '', target));
  }

  /** Objects on the same target, without the one of that key. */
  others(target: ObjectReference, key?: string): ObjectReference[] {
    const members = this.#byTarget.get(targetKey(target.namespace ?? '', target));
    if (members === undefined) return [];
    return [...members].filter(([each]) => each !== key).map(([, reference]) => reference);
  }
}

/** One sentence that names the others, or `undefined` when there are none. */
export function conflictText(target: ObjectReference, others: readonly ObjectReference[]): string | undefined {
  if (others.length === 0) return undefined;
  const names = others.map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`).join(', ');
  return `${names} scales ${target.kind} ${target.namespace ?? ''}/${target.name} too; delete one of them or set spec.mode of this policy to DryRun`;
}
