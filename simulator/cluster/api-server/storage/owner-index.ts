import type { Stored } from './stored.ts';

/** A stored object with the key of its type. */
export interface IndexedObject {
  readonly storageKey: string;
  readonly stored: Stored;
}

/** Which objects exist by uid, and which name a uid as an owner. */
export class OwnerIndex {
  readonly #byUid = new Map<string, IndexedObject>();
  readonly #dependents = new Map<string, Map<string, IndexedObject>>();

  replace(storageKey: string, before: Stored | undefined, after: Stored | undefined): void {
    const current = after ?? before;
    if (current === undefined) return;
    this.#replaceUid(storageKey, before, after);
    const oldRefs = before?.object.metadata.ownerReferences;
    const newRefs = after?.object.metadata.ownerReferences;
    if (oldRefs === undefined && newRefs === undefined) return;
    const key = `${storageKey}|${current.namespace}/${current.name}`;
    const uids = new Set(newRefs?.map((reference) => reference.uid));
    for (const reference of oldRefs ?? []) if (!uids.has(reference.uid)) this.#forget(reference.uid, key);
    if (after === undefined) return;
    for (const uid of uids) {
      let dependents = this.#dependents.get(uid);
      if (dependents === undefined) this.#dependents.set(uid, (dependents = new Map()));
      dependents.set(key, { storageKey, stored: after });
    }
  }

  #replaceUid(storageKey: string, before: Stored | undefined, after: Stored | undefined): void {
    const oldUid = before?.object.metadata.uid;
    const newUid = after?.object.metadata.uid;
    if (oldUid !== undefined && oldUid !== newUid) this.#byUid.delete(oldUid);
    if (newUid !== undefined && after !== undefined) this.#byUid.set(newUid, { storageKey, stored: after });
  }

  #forget(ownerUid: string, key: string): void {
    const dependents = this.#dependents.get(ownerUid);
    if (dependents === undefined) return;
    dependents.delete(key);
    if (dependents.size === 0) this.#dependents.delete(ownerUid);
  }

  find(uid: string): IndexedObject | undefined {
    return this.#byUid.get(uid);
  }

  /** Every object that names the uid as an owner, in the order of their creation. */
  dependentsOf(uid: string): readonly IndexedObject[] {
    return [...(this.#dependents.get(uid)?.values() ?? [])];
  }
}
