/** What a status is made of. */
type Value = string | number | null | readonly Value[] | { readonly [key: string]: Value };

/**
 * YAML as sigs.k8s.io/yaml prints it: keys sorted, lists not indented. The `yaml` package takes a second for a thousand node groups, which is written after every
 * loop; this takes some milliseconds, for plain data of which all keys are plain words.
 */
export function sortedYaml(value: object): string {
  const lines: string[] = [];
  writeMap(lines, value as { readonly [key: string]: Value }, '', '');
  return `${lines.join('\n')}\n`;
}

/** `first` begins the first line: in a list that is its dash. */
function writeMap(lines: string[], map: { readonly [key: string]: Value }, indent: string, first: string): void {
  let start = first === '' ? indent : first;
  for (const key of Object.keys(map).toSorted()) {
    const value = map[key] ?? null;
    if (typeof value !== 'object' || value === null) lines.push(`${start}${key}: ${scalar(value)}`);
    else if (Object.keys(value).length === 0) lines.push(`${start}${key}: ${Array.isArray(value) ? '[]' : '{}'}`);
    else {
      lines.push(`${start}${key}:`);
      if (Array.isArray(value)) writeList(lines, value as readonly Value[], indent);
      else writeMap(lines, value as { readonly [key: string]: Value }, `${indent}  `, '');
    }
    start = indent;
  }
}

function writeList(lines: string[], list: readonly Value[], indent: string): void {
  for (const item of list) {
    if (typeof item !== 'object' || item === null) lines.push(`${indent}- ${scalar(item)}`);
    else writeMap(lines, item as { readonly [key: string]: Value }, `${indent}  `, `${indent}- `);
  }
}

/** Words that YAML reads as something else than text. */
const reserved = /^(?:true|false|yes|no|on|off|y|n|null|inf|nan)$/i;
/** A word or a few, or Go's time, which is read as text because of its zone. */
const plain = /^(?:[A-Za-z][\w./]*(?:[ -][\w./-]+)*|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? \+0000 UTC)$/;

function scalar(value: string | number | null): string {
  if (typeof value !== 'string') return String(value);
  return plain.test(value) && !reserved.test(value) ? value : JSON.stringify(value);
}
