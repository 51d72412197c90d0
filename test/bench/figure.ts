/** One measured number, printed as one JSON line with `--json`. */
export interface Figure {
  /** Name of the bench: `reflector`, `embedded`, `units`, … */
  readonly bench: string;
  /** What was measured, on which workload; stable, so that runs can be compared. */
  readonly figure: string;
  readonly value: number;
  readonly unit: string;
  readonly better: 'lower' | 'higher';
  /** The figure that was asked for, or null. */
  readonly limit: number | null;
  /** What else was measured in the same run, with its value; null when nothing was. */
  readonly against: { readonly name: string; readonly value: number } | null;
  /** How many times better than `against` (above 1 = better); null without. */
  readonly ratio: number | null;
}

/** A bench module exports `run`; main.ts finds it as `<name>.bench.ts` and runs it in a process of its own with `--expose-gc`. */
export type BenchRun = () => Promise<readonly Figure[]>;
