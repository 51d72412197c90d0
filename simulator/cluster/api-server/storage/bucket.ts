import type { Stored } from './stored.ts';

/** The objects of one type in one namespace, with their names kept in order without a sort for each change. */
export class Bucket {
  readonly items = new Map<string, Stored>();
  #names: string[] = [];
  #added: string[] = [];
  #removed = false;
  #list: readonly Stored[] | undefined;

  set(name: string, stored: Stored): void {
    if (!this.items.has(name)) this.#added.push(name);
    this.items.set(name, stored);
    this.#list = undefined;
  }

  delete(name: string): void {
    if (!this.items.delete(name)) return;
    this.#removed = true;
    this.#list = undefined;
  }

  /** In order of names; the same array until something changes, never altered afterwards. */
  list(): readonly Stored[] {
    if (this.#list !== undefined) return this.#list;
    this.#sortNames();
    const list: Stored[] = [];
    for (const name of this.#names) {
      const stored = this.items.get(name);
      if (stored !== undefined) list.push(stored);
    }
    this.#list = list;
    return list;
  }

  #sortNames(): void {
    if (this.#added.length === 0 && !this.#removed) return;
    const added = this.#added.sort();
    const kept = this.#names;
    const merged: string[] = [];
    let left = 0;
    let right = 0;
    while (left < kept.length || right < added.length) {
      const a = kept[left];
      const b = added[right];
      const takeLeft = b === undefined || (a !== undefined && a <= b);
      const next = takeLeft ? a : b;
      if (takeLeft) left += 1;
      else right += 1;
      // A name that was deleted and added again since the last sort stands in both lists.
      if (next !== undefined && next !== merged.at(-1) && this.items.has(next)) merged.push(next);
    }
    this.#names = merged;
    this.#added = [];
    this.#removed = false;
  }
}
