import { foreign } from '../compose/doctor/foreign-text.ts';

/** A table as GitHub reads it, with nothing in the cells that would be read as markup, a link, a mention or HTML. */
export function markdownTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(headings), line(headings.map(() => '---')), ...rows.map((row) => line(row.map(markdownText)))].join('\n');
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '@': '&#64;', ':': '&#58;' };

/** A colon only where it makes a link of what follows. */
const entity = /[&<>@]|:(?=\/\/)/g;
const markup = /[\\`*_[\]|~#!]/g;

function markdownText(text: string): string {
  return foreign(text, 10_000)
    .replace(markup, (character) => `\\${character}`)
    .replace(entity, (character) => entities[character] ?? character);
}
