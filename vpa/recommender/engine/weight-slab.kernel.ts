/**
 * Rows of doubles of a few lengths, cut from pages, so that a hundred thousand histograms cost the collector nothing. A row that is given back is handed out
 * again to whoever asks for one of its length.
 */
export interface WeightSlab {
  pages: Float64Array[];
  /** First double of the last page that was never handed out. */
  next: number;
  /** Rows that came back, by length. */
  readonly free: (number[] | undefined)[];
}

/** A row's place is its page number times this, plus the first double in the page. */
export const pageBits = 15;
export const pageMask = (1 << pageBits) - 1;

/** Lengths of rows; a longer one has all buckets. Shorter ones would be outgrown at once and lie about. */
const lengths = [16, 20, 24, 28, 32, 40, 48, 64, 96, 128];

export function createWeightSlab(): WeightSlab {
  return { pages: [], next: pageMask + 1, free: [] };
}

/** The least length that holds `span` doubles, at most `longest`. */
export function rowLength(span: number, longest: number): number {
  for (const length of lengths) if (length >= span) return Math.min(length, longest);
  return longest;
}

/** A row of zeros. */
export function takeRow(slab: WeightSlab, length: number): number {
  const list = slab.free[length];
  if (list !== undefined && list.length > 0) {
    const back = list.pop()!;
    const page = slab.pages[back >>> pageBits]!;
    const first = back & pageMask;
    for (let at = first; at < first + length; at++) page[at] = 0;
    return back;
  }
  if (slab.next + length > pageMask + 1) {
    slab.pages.push(new Float64Array(pageMask + 1));
    slab.next = 0;
  }
  const row = (slab.pages.length - 1) * (pageMask + 1) + slab.next;
  slab.next += length;
  return row;
}

export function giveRow(slab: WeightSlab, row: number, length: number): void {
  const list = slab.free[length];
  if (list === undefined) slab.free[length] = [row];
  else list.push(row);
}

export function slabBytes(slab: WeightSlab): number {
  return slab.pages.length * (pageMask + 1) * 8;
}
