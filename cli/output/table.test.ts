import { describe, expect, it } from 'vitest';
import { formatTable } from './table.ts';

describe('formatTable', () => {
  it('pads columns, aligns numbers to the right and does not pad the last one', () => {
    const text = formatTable(
      [{ heading: 'NAME' }, { heading: 'NOW', align: 'right' }, { heading: 'WHY' }],
      [
        ['shop/web', '3', 'cpu 186 %'],
        ['a', '12', 'held'],
      ],
    );
    expect(text).toBe(['NAME       NOW   WHY', 'shop/web     3   cpu 186 %', 'a           12   held'].join('\n'));
  });

  it('shows control characters instead of sending them to the terminal', () => {
    expect(formatTable([{ heading: 'NAME' }], [['\u001b[31mred']])).toBe('NAME\n\\x1b[31mred');
  });
});
