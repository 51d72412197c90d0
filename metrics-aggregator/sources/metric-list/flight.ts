/**
 * Starts the work once for all who wait for it at the same time. It is no one's: a caller whose signal aborts stops waiting, the others go on.
 */
export interface Flight<T> {
  join(signal: AbortSignal): Promise<T>;
}

export function createFlight<T>(work: () => Promise<T>): Flight<T> {
  let running: Promise<T> | undefined;
  return {
    join: (signal) => {
      running ??= work().finally(() => {
        running = undefined;
      });
      return untilAborted(running, signal);
    },
  };
}

async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = (): void => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (stop !== undefined) signal.removeEventListener('abort', stop);
  }
}
