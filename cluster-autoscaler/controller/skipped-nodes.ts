/**
 * For how long the node that has waited longest was not looked at, as upstream's max node skip evaluation time. Called with the names of those that a loop
 * skipped, and its time; a node counts from the last loop that did not skip it. Milliseconds; 0: none was skipped.
 */
export function createSkippedNodes(): (names: readonly string[], now: number) => number {
  let since: ReadonlyMap<string, number> = new Map();
  let last: number | undefined;
  return (names, now) => {
    const looked = last ?? now;
    const skipped = new Map(names.map((name) => [name, since.get(name) ?? looked]));
    since = skipped;
    last = now;
    let earliest = now;
    for (const at of skipped.values()) earliest = Math.min(earliest, at);
    return now - earliest;
  };
}
