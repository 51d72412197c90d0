import { labelKey, type RangeItem, type SeriesLabels } from './series-item.ts';

/** Puts the pieces of a range query together. Pieces of one series must come in the order of time. */
export interface SeriesStitcher {
  /** A point whose time is not after the last one of its series is one that is there already. */
  add(item: RangeItem): void;
  readonly seriesCount: number;
  /** The series in the order in which they came first. */
  finish(): RangeItem[];
}

interface Collected {
  readonly labels: SeriesLabels;
  readonly pieces: RangeItem[];
  points: number;
  histograms: number;
  last: number;
}

export function createSeriesStitcher(): SeriesStitcher {
  const byLabels = new Map<string, Collected>();
  return {
    add: (item) => {
      const key = labelKey(item.labels);
      let series = byLabels.get(key);
      if (series === undefined) {
        series = { labels: item.labels, pieces: [], points: 0, histograms: 0, last: Number.NEGATIVE_INFINITY };
        byLabels.set(key, series);
      }
      const piece = after(item, series.last);
      series.histograms += item.histograms;
      if (piece.timestamps.length === 0) return;
      series.pieces.push(piece);
      series.points += piece.timestamps.length;
      series.last = piece.timestamps.at(-1) ?? series.last;
    },
    get seriesCount() {
      return byLabels.size;
    },
    finish: () => [...byLabels.values()].map(joined),
  };
}

function after(item: RangeItem, last: number): RangeItem {
  const first = item.timestamps.findIndex((timestamp) => timestamp > last);
  if (first === 0) return item;
  const from = first < 0 ? item.timestamps.length : first;
  return { ...item, timestamps: item.timestamps.subarray(from), values: item.values.subarray(from) };
}

function joined({ labels, pieces, points, histograms }: Collected): RangeItem {
  const [only] = pieces;
  if (only !== undefined && pieces.length === 1) return { ...only, histograms };
  const timestamps = new Float64Array(points);
  const values = new Float64Array(points);
  let at = 0;
  for (const piece of pieces) {
    timestamps.set(piece.timestamps, at);
    values.set(piece.values, at);
    at += piece.timestamps.length;
  }
  return { labels, timestamps, values, histograms };
}
