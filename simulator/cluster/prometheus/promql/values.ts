import type { Labels } from '../storage/labels.ts';

/** One element of an instant vector. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/** Samples of one series over a time. Times are epoch milliseconds. */
export interface Points {
  readonly labels: Labels;
  readonly times: readonly number[];
  readonly values: readonly number[];
}

/** What a range selector or subquery brings: series with samples in `[from, to]`. */
export interface RangeVector {
  readonly series: readonly Points[];
  readonly from: number;
  readonly to: number;
}

export type Vector = readonly Sample[];

export type Value =
  | { readonly kind: 'scalar'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'vector'; readonly samples: Vector }
  | { readonly kind: 'matrix'; readonly series: readonly Points[] };

/** A query that fails while it is worked on: 422 `execution`. */
export class ExecutionError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ExecutionError';
  }
}

export function sameLabelset(): never {
  throw new ExecutionError('vector cannot contain metrics with the same labelset');
}

/** The vector itself, when no two of its samples have the same labels. */
export function distinct(samples: Vector): Vector {
  if (samples.length < 2) return samples;
  const seen = new Set<string>();
  for (const { labels } of samples) {
    if (seen.has(labels.key)) sameLabelset();
    seen.add(labels.key);
  }
  return samples;
}

export function withoutNames(samples: Vector): Sample[] {
  return samples.map(({ labels, value }) => ({ labels: labels.withoutName, value }));
}
