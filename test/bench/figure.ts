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

/** A figure before it is rounded. */
export interface Measured {
  readonly figure: string;
  readonly value: number;
  readonly unit: string;
  readonly limit?: number | null;
  readonly against?: Figure['against'];
}

/** Makes the figures of one bench, the lower the better; values and ratios to so many decimals. */
export function figureMaker(bench: string, decimals = 2): (measured: Measured) => Figure {
  return ({ limit = null, against = null, value, ...rest }) => {
    const ratio = against === null ? null : rounded(against.value / value, decimals);
    return { bench, ...rest, value: rounded(value, decimals), better: 'lower', limit, against, ratio };
  };
}

/** The same for figures that are told one by one, of which a few have something to compare with. */
export interface FigureSheet {
  readonly figure: (name: string, value: number, unit: string, limit: number | null) => Figure;
  /** The figure beside what else was measured in the same run. */
  readonly against: (of: Figure, name: string, value: number) => Figure;
}

export function figureSheet(bench: string, decimals = 2): FigureSheet {
  const make = figureMaker(bench, decimals);
  return {
    figure: (name, value, unit, limit) => make({ figure: name, value, unit, limit }),
    against: (of, name, value) => ({
      ...of,
      against: { name, value: rounded(value, decimals) },
      ratio: rounded(value / of.value, decimals),
    }),
  };
}

export function rounded(value: number, decimals = 2): number {
  const scale = 10 ** decimals;
  return Math.round(value * scale) / scale;
}

/** The upper one of the two in the middle. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
