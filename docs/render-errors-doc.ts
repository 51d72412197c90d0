import { errorCodes } from '../core/errors.ts';

/** `docs/errors.md`, rendered from the table of codes. `npm run gen` writes it; a test keeps the two equal. */
export function renderErrorsDoc(): string {
  const rows = Object.entries(errorCodes)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, { when, remedy }]) => `## ${code}\n\n${when}\n\n**What to do:** ${remedy}\n`);
  return `${preamble}\n${rows.join('\n')}`;
}

const preamble = `# Errors

<!-- Generated from core/errors.ts by \`npm run gen\`. Do not edit. -->

Every fault that the suite raises by itself carries one of these codes, in the message on the command line and as \`code\` in log lines. The
codes are stable; the sentence after them names the object, the value and what to do. What is expected to happen (no metric yet, a conflict,
throttling, a budget that forbids an eviction) is not an error: it shows up as a condition, an Event or a hold in \`concertina explain\`.
`;
