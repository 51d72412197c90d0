import { describe, expect, it } from 'vitest';
import { VirtualClock } from './clock.ts';
import { seededRandom } from './random.ts';
import type { WorkQueueHooks, WorkResult } from './work-queue.ts';
import { WorkQueue } from './work-queue.ts';

interface Rig {
  readonly clock: VirtualClock;
  readonly queue: WorkQueue;
  readonly handled: string[];
  /** Ends the oldest open turn of a key. */
  readonly finish: (key: string, outcome?: WorkResult | Error) => Promise<void>;
  readonly running: () => number;
}

/** A queue whose handlers end when the test says so. */
function rig(options: { workers?: number; hooks?: WorkQueueHooks; random?: () => number } = {}): Rig {
  const clock = new VirtualClock(0);
  const handled: string[] = [];
  const open = new Map<string, { resolve: (result: WorkResult | void) => void; reject: (error: Error) => void }>();
  const queue = new WorkQueue({
    name: 'test',
    clock,
    random: options.random ?? (() => 0),
    workers: options.workers ?? 1,
    baseDelayMs: 1000,
    maxDelayMs: 60_000,
    ...(options.hooks === undefined ? {} : { hooks: options.hooks }),
    handle: (key) => {
      expect(open.has(key), `${key} is handled twice at a time`).toBe(false);
      handled.push(key);
      return new Promise((resolve, reject) => open.set(key, { resolve, reject }));
    },
  });
  const finish = async (key: string, outcome?: WorkResult | Error): Promise<void> => {
    await clock.advance(0);
    const turn = open.get(key);
    if (turn === undefined) throw new Error(`${key} is not being handled`);
    open.delete(key);
    if (outcome instanceof Error) turn.reject(outcome);
    else turn.resolve(outcome);
    await clock.advance(0);
  };
  return { clock, queue, handled, finish, running: () => open.size };
}

describe('WorkQueue', () => {
  it('handles keys in order, each once however often it was added', async () => {
    const { clock, queue, handled, finish } = rig();
    for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key);
    expect(queue.depth).toBe(3);
    await clock.advance(0);
    expect(handled).toEqual([]);
    queue.start();
    for (const key of ['a', 'b', 'c']) await finish(key);
    expect(handled).toEqual(['a', 'b', 'c']);
    expect([queue.depth, queue.processing]).toEqual([0, 0]);
  });

  it('never runs a handler inside of add', () => {
    const { queue, handled } = rig();
    queue.start();
    queue.add('a');
    expect(handled).toEqual([]);
  });

  it('handles a key that is added while it is handled once more, afterwards', async () => {
    const { clock, queue, handled, finish } = rig({ workers: 4 });
    queue.start();
    queue.add('a');
    await clock.advance(0);
    queue.add('a');
    queue.add('a');
    await clock.advance(0);
    expect(handled).toEqual(['a']);
    await finish('a');
    expect(handled).toEqual(['a', 'a']);
    await finish('a');
    expect(handled).toEqual(['a', 'a']);
  });

  it('runs as many keys at a time as there are workers', async () => {
    const { clock, queue, handled, finish, running } = rig({ workers: 2 });
    queue.start();
    for (const key of ['a', 'b', 'c', 'd']) queue.add(key);
    await clock.advance(0);
    expect(running()).toBe(2);
    await finish('b');
    expect(handled).toEqual(['a', 'b', 'c']);
    expect(running()).toBe(2);
  });

  it('adds later what is to be added later; the earliest time stands', async () => {
    const { clock, queue, handled, finish } = rig();
    queue.start();
    queue.addAfter('a', 5000);
    queue.addAfter('a', 2000);
    queue.addAfter('a', 9000);
    queue.addAfter('b', 0);
    expect(queue.delayed).toBe(1);
    await finish('b');
    await clock.advance(1999);
    expect(handled).toEqual(['b']);
    await clock.advance(1);
    await finish('a');
    await clock.advance(60_000);
    expect(handled).toEqual(['b', 'a']);
    expect(clock.pending).toBe(0);
  });

  it('waits longer than a timer can', async () => {
    const { clock, queue, handled } = rig();
    queue.start();
    const month = 30 * 24 * 3_600_000;
    queue.addAfter('a', month);
    await clock.advance(month - 1);
    expect(handled).toEqual([]);
    await clock.advance(1);
    expect(handled).toEqual(['a']);
  });

  it('handles again when the handler asks for it', async () => {
    const { clock, queue, handled, finish } = rig();
    queue.start();
    queue.add('a');
    await finish('a', { requeueAfterMs: 15_000 });
    await clock.advance(14_999);
    expect(handled).toEqual(['a']);
    await clock.advance(1);
    expect(handled).toEqual(['a', 'a']);
  });

  it('backs off a failing key twice as long each time, up to the limit, and forgets with success', async () => {
    const failures: [string, number][] = [];
    const { clock, queue, handled, finish } = rig({
      hooks: { failed: (key, error, delay) => failures.push([`${key} ${(error as Error).message}`, delay]) },
    });
    queue.start();
    queue.add('a');
    for (let turn = 0; turn < 8; turn++) {
      await finish('a', new Error(`no ${turn}`));
      await clock.advance(60_000);
    }
    expect(failures.map(([, delay]) => delay)).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
    expect(failures[0]?.[0]).toBe('a no 0');
    expect(queue.failuresOf('a')).toBe(8);
    await finish('a');
    expect(queue.failuresOf('a')).toBe(0);
    expect(handled).toHaveLength(9);
  });

  it('takes up to half of a back-off away at random', () => {
    const delays = Array.from({ length: 200 }, (_, index) => rig({ random: seededRandom(index) }).queue.addRateLimited('a'));
    expect(Math.min(...delays)).toBeGreaterThan(500);
    expect(Math.max(...delays)).toBeLessThanOrEqual(1000);
    expect(new Set(delays).size).toBeGreaterThan(150);
  });

  it('does not overflow after very many failures', () => {
    const { queue } = rig();
    for (let turn = 0; turn < 3000; turn++) expect(queue.addRateLimited('a')).toBeLessThanOrEqual(60_000);
  });

  it('forgets a key that was removed', async () => {
    const { clock, queue, handled } = rig();
    queue.add('waiting');
    queue.addAfter('later', 1000);
    queue.addRateLimited('failed');
    for (const key of ['waiting', 'later', 'failed']) queue.remove(key);
    queue.start();
    await clock.advance(120_000);
    expect(handled).toEqual([]);
    expect(queue.failuresOf('failed')).toBe(0);
    expect(clock.pending).toBe(0);
  });

  it('tells when it is idle', async () => {
    const { clock, queue, finish } = rig();
    queue.start();
    queue.add('a');
    queue.add('b');
    let idle = false;
    const waiting = queue.idle().then(() => (idle = true));
    await finish('a');
    expect(idle).toBe(false);
    await finish('b');
    await waiting;
    await queue.idle();
    expect(clock.pending).toBe(0);
  });

  it('shuts down: nothing new, what waits is dropped, what runs ends', async () => {
    const { clock, queue, handled, finish } = rig();
    queue.start();
    for (const key of ['a', 'b']) queue.add(key);
    queue.addAfter('c', 1000);
    await clock.advance(0);
    let down = false;
    const closing = queue.shutdown().then(() => (down = true));
    queue.add('d');
    queue.addAfter('e', 10);
    await clock.advance(5000);
    expect(down).toBe(false);
    await finish('a', { requeueAfterMs: 5 });
    await closing;
    await clock.advance(5000);
    expect(handled).toEqual(['a']);
    expect(clock.pending).toBe(0);
  });

  it('finishes what is due first when asked to', async () => {
    const { queue, handled, finish } = rig();
    queue.start();
    for (const key of ['a', 'b']) queue.add(key);
    const closing = queue.shutdown({ finishReady: true });
    await finish('a');
    await finish('b');
    await closing;
    expect(handled).toEqual(['a', 'b']);
  });

  it('aborts the handlers when asked to', async () => {
    const clock = new VirtualClock();
    const queue = new WorkQueue({
      name: 'abortable',
      clock,
      random: () => 0,
      handle: (_, signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
    });
    queue.start();
    queue.add('a');
    await clock.advance(0);
    expect(queue.processing).toBe(1);
    await queue.shutdown({ abort: true });
    expect(queue.processing).toBe(0);
  });

  it('reports depth, waiting time and working time', async () => {
    const log: string[] = [];
    const { clock, queue, finish } = rig({
      hooks: {
        added: (depth) => log.push(`added ${depth}`),
        taken: (depth, waited) => log.push(`taken ${depth} ${waited}`),
        done: (took, failed) => log.push(`done ${took} ${failed}`),
        retried: () => log.push('retried'),
      },
    });
    queue.add('a');
    queue.add('b');
    await clock.advance(40);
    queue.start();
    await clock.advance(60);
    await finish('a');
    await finish('b', new Error('x'));
    expect(log).toEqual(['added 1', 'added 2', 'taken 1 40', 'done 60 false', 'taken 0 100', 'done 0 true', 'retried']);
  });
});
