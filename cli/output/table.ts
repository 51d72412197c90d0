/** One column: its heading and whether its cells are numbers (aligned to the right). */
export interface Column {
  readonly heading: string;
  readonly align?: 'left' | 'right';
}

/**
 * Columns as kubectl prints them: three spaces between, upper-case headings, no lines; the last column is not padded. Cells come from a
 * cluster: control characters (which would move a terminal's cursor or colour it) are shown as `\xNN`.
 */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map(printable));
  const widths = columns.map((column, index) => Math.max(width(column.heading), ...cells.map((row) => width(row[index] ?? ''))));
  const line = (row: readonly string[]): string =>
    columns
      .map((column, index) => {
        const cell = row[index] ?? '';
        const pad = ' '.repeat(Math.max(0, (widths[index] ?? 0) - width(cell)));
        if (column.align === 'right') return pad + cell;
        return index === columns.length - 1 ? cell : cell + pad;
      })
      .join('   ')
      .trimEnd();
  return [line(columns.map((column) => column.heading)), ...cells.map(line)].join('\n');
}

/** The text without anything that a terminal would take for a command. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function width(text: string): number {
  return Array.from(text).length;
}
