import { text } from 'node:stream/consumers';

/**
 * Draws what a command printed as a picture for the README: `npm start -- --for 29m | npx tsx docs/images/terminal-picture.ts > docs/images/demo.svg`.
 * Lines of npm itself are left out; long ones are wrapped. A line that says what was changed is bright, others are dim.
 */
const columns = 132;
const lineHeight = 17;
const characterWidth = 7.8;

const escape = (line: string): string => line.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function wrap(line: string): string[] {
  const lines: string[] = [];
  let rest = line;
  while (rest.length > columns) {
    const at = rest.lastIndexOf(' ', columns);
    const cut = at > columns / 2 ? at : columns;
    lines.push(rest.slice(0, cut));
    rest = `              ${rest.slice(cut).trimStart()}`;
  }
  return [...lines, rest];
}

const input = await text(process.stdin);
const lines = input
  .split('\n')
  .filter((line) => !line.startsWith('>') && !line.startsWith('npm '))
  .join('\n')
  .trim()
  .split('\n')
  .flatMap((line) =>
    wrap(line).map((part) => ({
      part,
      bright: / → | becomes | grows from | shrinks from /u.test(line) && line.startsWith('['),
      dim: line.startsWith('['),
    })),
  );
const width = Math.ceil(columns * characterWidth) + 32;
const height = lines.length * lineHeight + 32;
const rows = lines.map(({ part, bright, dim }, index) => {
  const colour = bright ? '#7ee787' : dim ? '#8b949e' : '#c9d1d9';
  return `<text x="16" y="${16 + (index + 1) * lineHeight - 4}" fill="${colour}" xml:space="preserve">${escape(part)}</text>`;
});
process.stdout.write(
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="13">\n` +
    `<rect width="100%" height="100%" rx="8" fill="#0d1117"/>\n${rows.join('\n')}\n</svg>\n`,
);
