import type { ServerResponse } from 'node:http';
import type { Clock } from '../../core/model/clock.ts';

export interface StreamOptions {
  readonly clock: Clock;
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal;
  /** A client that has not read everything after so long is cut off, milliseconds; default 60 s. What it would be sent is held in memory until then. */
  readonly limitMs?: number;
}

/**
 * Writes the pieces of an answer and ends it. The event loop turns after each piece, so a piece is what may be made without letting others
 * in: a few milliseconds of work. An empty piece is nothing but such a turn. The next piece is made only when the client has read so far.
 */
export async function streamPieces(response: ServerResponse, pieces: Iterable<string>, options: StreamOptions): Promise<void> {
  const { clock, signal, limitMs = 60_000 } = options;
  const timer = clock.setTimeout(() => response.destroy(), limitMs);
  // A connection that breaks is told by the signal; without a listener it would be a fault of the program.
  response.on('error', () => undefined);
  try {
    for (const piece of pieces) {
      if (signal.aborted || response.destroyed) return;
      const flows = piece === '' || response.write(piece);
      if (!flows) await drained(response);
      // A reader that is quick drains within this very turn: waiting for it lets nobody else in.
      await nextTurn();
    }
    if (!response.destroyed) response.end();
  } catch (error) {
    // Half an answer must not look like a whole one.
    response.destroy();
    throw error;
  } finally {
    timer.cancel();
  }
}

/** Lets timers, sockets and other requests run. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}
