import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { errorCodes } from '../core/errors.ts';
import { renderErrorsDoc } from './render-errors-doc.ts';

describe('docs/errors.md', () => {
  it('is what the table of codes renders to (run `npm run gen` after changing it)', () => {
    expect(readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8')).toBe(renderErrorsDoc());
  });

  it('has a section with when and remedy for every code', () => {
    const text = renderErrorsDoc();
    for (const [code, { when, remedy }] of Object.entries(errorCodes)) {
      expect(text).toContain(`## ${code}\n\n${when}\n\n**What to do:** ${remedy}\n`);
    }
  });
});
