import { describe, expect, it } from 'vitest';
import { foreign } from './foreign-text.ts';

describe('foreign', () => {
  it('keeps a plain text', () => {
    expect(foreign('all checks passed: 100 % (größer)')).toBe('all checks passed: 100 % (größer)');
  });

  it('takes out what a terminal would obey or a reader not see', () => {
    expect(foreign('a\u001b[2Jb\r\nc\u009b31md\u202Ee\u200bf\u2028g\u0000h')).toBe('a [2Jb c 31md e f g h');
  });

  it('cuts by characters, never inside of one', () => {
    expect(foreign('😀'.repeat(200), 4)).toBe('😀😀😀…');
  });
});
