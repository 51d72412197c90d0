/**
 * The newest points of many containers, in rings that lie side by side: a slot is one ring, a page holds the rings of 1024 slots, a point is
 * timestamp, milli-cores, milli-bytes.
 *
 * The rings are overwritten, and yet a {@link RingView} answers the same for ever: what an append overwrites is noted in the page's open *undo* note, and
 * notes are linked from older to newer. A view holds the note that was open when it was made, so what was lost since can be read from there on; and since
 * nothing points from new to old, notes that no view needs are garbage at once. Every few writes a page is copied and written to in the copy, so that a view
 * that is held for ever holds a few notes and not all that will ever come.
 */
export interface ContainerRings {
  /** Slots that are in use. */
  readonly used: number;
  /** A slot for a new ring, or -1 when `maxSlots` are in use. It may have points of an earlier owner: count your own. */
  claim(): number;
  release(slot: number): void;
  /** Appends a point; at most once a slot between two commits. */
  append(slot: number, timestamp: number, cpuMilli: number, memoryMilli: number): void;
  /** Number of appends that the slot has seen, ever: a point is known by the number before which it was appended. */
  end(slot: number): number;
  /** Timestamp of the slot's last point, whoever appended it; NaN before the first. */
  lastTimestamp(slot: number): number;
  /** Ends a round of appends: everything up to here, for ever. */
  commit(): RingView;
}

export interface RingView {
  readonly points: number;
  /** By page. */
  readonly data: readonly Float64Array[];
  readonly undo: readonly Undo[];
}

/** What was overwritten between two commits; `lost` is by slot, NaN as timestamp where nothing was. */
interface Undo {
  lost: Float64Array | undefined;
  next: Undo | undefined;
}

interface Page {
  data: Float64Array;
  readonly ends: Uint32Array;
  undo: Undo;
  /** Rounds of appends since `data` was copied. */
  rounds: number;
  state: 'clean' | 'noted' | 'copied';
}

const pageSlots = 1024;
const pageShift = 10;
/** Numbers in a point. */
const width = 3;
/** Rounds of appends into the same copy of a page: what a view can hold beyond its own points is at most so many notes. */
const roundsPerCopy = 8;

/** `points` a ring, at most `maxSlots` rings. */
export function createContainerRings(points: number, maxSlots: number): ContainerRings {
  const pages: Page[] = [];
  const free: number[] = [];
  let next = 0;
  let view: RingView = { points, data: [], undo: [] };

  const openPage = (index: number): Page => {
    const page = pages[index]!;
    if (page.state !== 'clean') return page;
    if (page.rounds >= roundsPerCopy) {
      // The note that older views hold stays empty: for them the page ends here.
      page.data = page.data.slice();
      page.undo = { lost: undefined, next: undefined };
      page.rounds = 0;
      page.state = 'copied';
    } else {
      page.undo.lost = new Float64Array(pageSlots * width).fill(Number.NaN);
      page.state = 'noted';
    }
    return page;
  };

  return {
    get used() {
      return next - free.length;
    },
    claim: () => {
      const reused = free.pop();
      if (reused !== undefined) return reused;
      if (next >= maxSlots) return -1;
      if (next >> pageShift === pages.length) {
        pages.push({
          data: new Float64Array(pageSlots * width * points),
          ends: new Uint32Array(pageSlots),
          undo: { lost: undefined, next: undefined },
          rounds: 0,
          // No view knows it yet, so nothing can be lost.
          state: 'copied',
        });
      }
      return next++;
    },
    release: (slot) => {
      free.push(slot);
    },
    append: (slot, timestamp, cpuMilli, memoryMilli) => {
      const page = openPage(slot >> pageShift);
      const inPage = slot & (pageSlots - 1);
      const { data, ends } = page;
      const at = (inPage * points + (ends[inPage]! % points)) * width;
      if (page.state === 'noted') {
        const lost = page.undo.lost!;
        lost[inPage * width] = data[at]!;
        lost[inPage * width + 1] = data[at + 1]!;
        lost[inPage * width + 2] = data[at + 2]!;
      }
      data[at] = timestamp;
      data[at + 1] = cpuMilli;
      data[at + 2] = memoryMilli;
      ends[inPage]!++;
    },
    end: (slot) => pages[slot >> pageShift]!.ends[slot & (pageSlots - 1)]!,
    lastTimestamp: (slot) => {
      const { data, ends } = pages[slot >> pageShift]!;
      const inPage = slot & (pageSlots - 1);
      const end = ends[inPage]!;
      return end === 0 ? Number.NaN : data[(inPage * points + ((end - 1) % points)) * width]!;
    },
    commit: () => {
      if (pages.length === view.data.length && pages.every((page) => page.state === 'clean')) return view;
      for (const page of pages) {
        if (page.state === 'noted') page.undo = page.undo.next = { lost: undefined, next: undefined };
        if (page.state !== 'clean') page.rounds++;
        page.state = 'clean';
      }
      view = { points, data: pages.map((page) => page.data), undo: pages.map((page) => page.undo) };
      return view;
    },
  };
}

/** Columns of {@link readRing}: timestamps, milli-cores, milli-bytes. */
export type RingColumns = readonly [Float64Array, Float64Array, Float64Array];

/** The `count` points of a slot that were appended before number `end`, oldest first, as they were when the view was made. */
export function readRing(view: RingView, slot: number, end: number, count: number): RingColumns {
  const columns: RingColumns = [new Float64Array(count), new Float64Array(count), new Float64Array(count)];
  const { points } = view;
  const page = slot >> pageShift;
  const inPage = slot & (pageSlots - 1);
  // An append overwrites the point that is `points` older, so the lost ones come in order, beginning with number `end - points`.
  let number = end - points;
  const first = end - count;
  for (let note: Undo | undefined = view.undo[page]; note !== undefined && number < end; note = note.next) {
    if (note.lost === undefined || Number.isNaN(note.lost[inPage * width]!)) continue;
    if (number >= first) copyPoint(columns, number - first, note.lost, inPage * width);
    number++;
  }
  const data = view.data[page]!;
  for (number = Math.max(number, first); number < end; number++) {
    copyPoint(columns, number - first, data, (inPage * points + (number % points)) * width);
  }
  return columns;
}

function copyPoint([timestamps, cpu, memory]: RingColumns, row: number, from: Float64Array, at: number): void {
  timestamps[row] = from[at]!;
  cpu[row] = from[at + 1]!;
  memory[row] = from[at + 2]!;
}
