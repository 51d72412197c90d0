/** The nodes of a group that goes as a whole or not at all: the last one that is ready lets all of them go, the first that fails keeps them all (§15.6). */
export interface WholeGroup<Outcome> {
  /** An instance may go; resolves with what became of all of them. */
  ready(id: string): Promise<Outcome>;
  /** A node of the group stays. Later calls change nothing. */
  fail(): void;
}

/**
 * For so many nodes. `release` is called once, with all ids in the order in which they were ready, unless one failed before: then everybody is told
 * `broken`.
 */
export function createWholeGroup<Outcome>(options: {
  readonly size: number;
  readonly release: (ids: readonly string[]) => Promise<Outcome>;
  readonly broken: Outcome;
}): WholeGroup<Outcome> {
  const { size, release, broken } = options;
  const ids: string[] = [];
  let settle: (outcome: Outcome | Promise<Outcome>) => void = () => undefined;
  const outcome = new Promise<Outcome>((resolve) => {
    settle = resolve;
  });
  let over = false;
  return {
    ready: (id) => {
      if (over) return outcome;
      ids.push(id);
      if (ids.length >= size) {
        over = true;
        settle(release(ids));
      }
      return outcome;
    },
    fail: () => {
      if (over) return;
      over = true;
      settle(broken);
    },
  };
}
