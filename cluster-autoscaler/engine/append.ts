/** Adds items at the end, however many: `push(...items)` hands them over as arguments, and a call takes about a hundred thousand of those at most. */
export function append<Item>(list: Item[], items: readonly Item[]): void {
  for (const item of items) list.push(item);
}
