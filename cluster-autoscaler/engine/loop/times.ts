/** Measures steps with a stopwatch, if there is one. */
export interface Times {
  /** Runs a step and books its time under the name. */
  measure<Answer>(step: string, run: () => Answer): Answer;
  /** The same for a step that pauses; its pauses do not count. */
  measureSteps<Yielded, Answer>(step: string, steps: Generator<Yielded, Answer, unknown>): Generator<Yielded, Answer, unknown>;
  /** Milliseconds by step; empty without a stopwatch. */
  taken(): Readonly<Record<string, number>>;
}

export function createTimes(stopwatch: (() => number) | undefined): Times {
  const taken: Record<string, number> = {};
  const measure = <Answer>(step: string, run: () => Answer): Answer => {
    if (stopwatch === undefined) return run();
    const start = stopwatch();
    try {
      return run();
    } finally {
      taken[step] = (taken[step] ?? 0) + stopwatch() - start;
    }
  };
  return {
    measure,
    measureSteps: function* (step, steps) {
      for (;;) {
        const next = measure(step, () => steps.next());
        if (next.done === true) return next.value;
        yield next.value;
      }
    },
    taken: () => ({ ...taken }),
  };
}
