import { ConcertinaError } from '../errors.ts';
import type { Fence } from './api.ts';

/** Stops every write, with the reason in the message; what `--dry-run` puts in front of every client. */
export function dryRunFence(reason: string): Fence {
  return {
    check: ({ method, path }) => {
      throw fenced(`${reason}`, method, path);
    },
  };
}

/** Open when every one of the given fences is; they are asked in order and the first refusal stands. */
export function allOf(...fences: readonly Fence[]): Fence {
  return {
    check: (request) => {
      for (const fence of fences) fence.check(request);
    },
  };
}

/** A fence that is closed and opened by hand. */
export interface CloseableFence extends Fence {
  readonly open: boolean;
  /** From now on every write is refused, saying `reason`. */
  closeWith(reason: string): void;
  reopen(): void;
}

/** Starts open; shutdown and pause close it. */
export function closeableFence(): CloseableFence {
  let closed: string | undefined;
  return {
    get open() {
      return closed === undefined;
    },
    closeWith: (reason) => {
      closed = reason;
    },
    reopen: () => {
      closed = undefined;
    },
    check: ({ method, path }) => {
      if (closed !== undefined) throw fenced(closed, method, path);
    },
  };
}

/** The refusal of a fence: one sentence that says what was stopped and why. */
export function fenced(why: string, method: string, path: string): ConcertinaError {
  const target = path.split('?', 1)[0];
  return new ConcertinaError('FENCED', `${method} ${target} was not sent: ${why}`, { details: { method, path: target, why } });
}
