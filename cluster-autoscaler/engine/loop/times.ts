/** Measures steps with a stopwatch, if there is one. */
export interface Times {
  /** Runs a step and books its time under the name. */
  measure<Answer>(step: string, run: () => Answer): Answer;
  /** Milliseconds by step; empty without a stopwatch. */
  taken(): Readonly<Record<string, number>>;
}

export function createTimes(stopwatch: (() => number) | undefined): Times {
  const taken: Record<string, number> = {};
  return {
    measure: (step, run) => {
      if (stopwatch === undefined) return run();
      const start = stopwatch();
      try {
        return run();
      } finally {
        taken[step] = (taken[step] ?? 0) + stopwatch() - start;
      }
    },
    taken: () => ({ ...taken }),
  };
}
