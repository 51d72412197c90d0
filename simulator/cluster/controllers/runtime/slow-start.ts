/**
 * Runs `count` tasks in batches of 1, 2, 4, … as long as none of a batch fails, so that a quota that is exhausted costs one refused
 * request and not a thousand. Answers how many succeeded and the first failure.
 */
export async function slowStart(
  count: number,
  task: (index: number) => Promise<void>,
): Promise<{ done: number; error: Error | undefined }> {
  let done = 0;
  for (let batch = 1; done < count; batch *= 2) {
    const size = Math.min(batch, count - done);
    const start = done;
    const results = await Promise.allSettled(Array.from({ length: size }, (_, offset) => task(start + offset)));
    const failed = results.find((result) => result.status === 'rejected');
    done += results.filter((result) => result.status === 'fulfilled').length;
    if (failed !== undefined) return { done, error: asError(failed.reason) };
  }
  return { done, error: undefined };
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
