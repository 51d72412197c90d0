import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../core/runtime/clock.ts';
import { streamPieces } from './stream.ts';
import { turnsDuring } from './test-support.ts';

/** A response whose reader drains as the test wants it. */
function fakeResponse(drain: 'at-once' | 'never') {
  const emitter = new EventEmitter();
  const state = { text: '', ended: false, destroyed: false };
  const response = Object.assign(emitter, {
    write: (piece: string) => {
      state.text += piece;
      // As a socket does that can write at once: in this very turn of the event loop.
      if (drain === 'at-once') process.nextTick(() => emitter.emit('drain'));
      return false;
    },
    end: () => (state.ended = true),
    destroy: () => {
      state.destroyed = true;
      emitter.emit('close');
    },
  });
  Object.defineProperty(response, 'destroyed', { get: () => state.destroyed });
  return { response: response as unknown as ServerResponse, state, emitter };
}

const still = new AbortController().signal;

describe('streamPieces', () => {
  it('writes the pieces in order and ends', async () => {
    const { response, state } = fakeResponse('at-once');
    const clock = new VirtualClock();
    await streamPieces(response, ['a', '', 'b', 'c'], { clock, signal: still });
    expect(state).toEqual({ text: 'abc', ended: true, destroyed: false });
    expect(clock.pending).toBe(0);
  });

  it('lets others in between the pieces, however quick the reader is', async () => {
    const { response } = fakeResponse('at-once');
    const turns = await turnsDuring(() =>
      streamPieces(response, Array<string>(100).fill('x'), { clock: new VirtualClock(), signal: still }),
    );
    expect(turns).toBeGreaterThanOrEqual(100);
  });

  it('makes no piece before the reader has read so far', async () => {
    const { response, emitter, state } = fakeResponse('never');
    let made = 0;
    const pieces = function* (): Generator<string, void> {
      for (;;) {
        made += 1;
        yield 'x';
      }
    };
    const gone = new AbortController();
    const streaming = streamPieces(response, pieces(), { clock: new VirtualClock(), signal: gone.signal });
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(made).toBe(1);
    gone.abort();
    emitter.emit('close');
    await streaming;
    expect([made, state.ended]).toEqual([2, false]);
  });

  it('cuts off a reader that is too slow', async () => {
    const { response, state } = fakeResponse('never');
    const clock = new VirtualClock();
    const streaming = streamPieces(response, ['a', 'b'], { clock, signal: still });
    await clock.advance(59_999);
    expect(state.destroyed).toBe(false);
    await clock.advance(1);
    await streaming;
    expect(state).toEqual({ text: 'a', ended: false, destroyed: true });
  });

  it('does not end an answer whose pieces could not all be made', async () => {
    const { response, state } = fakeResponse('at-once');
    const pieces = function* (): Generator<string, void> {
      yield 'half';
      throw new Error('no more');
    };
    await expect(streamPieces(response, pieces(), { clock: new VirtualClock(), signal: still })).rejects.toThrowError('no more');
    expect(state).toEqual({ text: 'half', ended: false, destroyed: true });
  });
});
