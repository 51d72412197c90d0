/** Asks until it is so; false when the limit has passed first. Real time: what is waited for are real programs. */
export async function until(condition: () => Promise<boolean>, limitMs: number, everyMs = 200): Promise<boolean> {
  const end = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  return true;
}
