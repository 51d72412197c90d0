/** A list for a person, of which a few are named. */
export function fewOf(items: readonly string[], separator = ', '): string {
  const named = items.slice(0, 5).join(separator);
  return items.length <= 5 ? named : `${named} and ${items.length - 5} more`;
}
