import type { OwnerReference } from '../../../../core/model/object.ts';
import type { Stored } from './stored.ts';

const none: readonly OwnerReference[] = [];

/** Which objects exist by uid, and which name a uid as an owner. */
export class OwnerIndex {
  readonly #byUid = new Map<string, Stored>();
  readonly #dependents = new Map<string, Map<string, Stored>>();

  replace(before: Stored | undefined, after: Stored | undefined): void {
    this.#replaceUid(before, after);
    const current = after ?? before;
    const oldRefs = before?.object.metadata.ownerReferences ?? none;
    const newRefs = after?.object.metadata.ownerReferences ?? none;
    if (current === undefined || (oldRefs === none && newRefs === none)) return;
    const key = `${current.storageKey}|${current.namespace}/${current.name}`;
    for (const { uid } of oldRefs) if (!newRefs.some((reference) => reference.uid === uid)) this.#forget(uid, key);
    if (after !== undefined) for (const { uid } of newRefs) this.#remember(uid, key, after);
  }

  #remember(ownerUid: string, key: string, stored: Stored): void {
    let dependents = this.#dependents.get(ownerUid);
    if (dependents === undefined) this.#dependents.set(ownerUid, (dependents = new Map()));
    dependents.set(key, stored);
  }

  #replaceUid(before: Stored | undefined, after: Stored | undefined): void {
    const oldUid = before?.object.metadata.uid;
    const newUid = after?.object.metadata.uid;
    if (oldUid !== undefined && oldUid !== newUid) this.#byUid.delete(oldUid);
    if (newUid !== undefined && after !== undefined) this.#byUid.set(newUid, after);
  }

  #forget(ownerUid: string, key: string): void {
    const dependents = this.#dependents.get(ownerUid);
    if (dependents === undefined) return;
    dependents.delete(key);
    if (dependents.size === 0) this.#dependents.delete(ownerUid);
  }

  find(uid: string): Stored | undefined {
    return this.#byUid.get(uid);
  }

  /** Every object that names the uid as an owner, in the order of their creation. */
  dependentsOf(uid: string): readonly Stored[] {
    const dependents = this.#dependents.get(uid);
    return dependents === undefined ? [] : [...dependents.values()];
  }
}
