/** So many questions a minute; a full minute's worth may come at once. */
export interface QueryBudget {
  readonly perMinute: number;
  readonly left: number;
  /** When `left` was true, epoch milliseconds. */
  readonly at: number;
}

export function newQueryBudget(perMinute: number, now: number): QueryBudget {
  return { perMinute, left: perMinute, at: now };
}

/** The budget after one question, or `undefined` when it is used up. */
export function spend(budget: QueryBudget, now: number): QueryBudget | undefined {
  const { perMinute, left, at } = budget;
  const refilled = Math.min(perMinute, left + (Math.max(0, now - at) * perMinute) / 60_000);
  return refilled < 1 ? undefined : { perMinute, left: refilled - 1, at: now };
}
