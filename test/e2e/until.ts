/** Asks until it is so; false when the limit has passed first. Real time: what is waited for are real programs. */
export async function until(condition: () => Promise<boolean>, limitMs: number, everyMs = 200): Promise<boolean> {
  const end = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  return true;
}

/** The same for what has to be so before anything can be tested: a limit that passes first is a fault. */
export async function eventually(what: string, condition: () => Promise<boolean>, limitMs = 30_000): Promise<void> {
  if (!(await until(condition, limitMs))) throw new Error(`${what}: not within ${limitMs / 1000} s`);
}
