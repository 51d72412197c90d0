import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from './clock.ts';
import { recordingLogger } from './logging.ts';
import { createShutdown, onSignals, shutdownPhases } from './shutdown.ts';

function rig() {
  const clock = new VirtualClock();
  const logger = recordingLogger();
  return { clock, logger, shutdown: createShutdown({ clock, logger }) };
}

describe('createShutdown', () => {
  it('goes down in the order of the phases, whatever the order of registration', async () => {
    const { shutdown } = rig();
    const order: string[] = [];
    for (const phase of shutdownPhases.toReversed()) {
      shutdown.add({
        phase,
        name: 'x',
        run: async () => {
          order.push(`${phase} begins`);
          await Promise.resolve();
          order.push(`${phase} ends`);
        },
      });
    }
    const report = await shutdown.run('test');
    expect(order).toEqual(shutdownPhases.flatMap((phase) => [`${phase} begins`, `${phase} ends`]));
    expect(report).toEqual({ reason: 'test', finished: shutdownPhases.map((phase) => `${phase}/x`), failed: [], unfinished: [] });
  });

  it('goes on after a step that fails or hangs, and says so', async () => {
    const { clock, shutdown, logger } = rig();
    let aborted = false;
    shutdown.add({
      phase: 'in-flight',
      name: 'slow',
      timeoutMs: 3000,
      run: (signal) => new Promise(() => signal.addEventListener('abort', () => (aborted = true))),
    });
    shutdown.add({ phase: 'lease', name: 'broken', run: () => Promise.reject(new Error('409')) });
    shutdown.add({
      phase: 'lease',
      name: 'thrown',
      run: () => {
        throw new Error('at once');
      },
    });
    shutdown.add({ phase: 'logs', name: 'fine', run: () => undefined });
    let report: unknown;
    void shutdown.run('SIGTERM').then((value) => (report = value));
    await clock.advance(2999);
    expect(report).toBeUndefined();
    await clock.advance(1);
    expect(report).toEqual({
      reason: 'SIGTERM',
      finished: ['logs/fine'],
      failed: [
        { step: 'lease/broken', message: '409' },
        { step: 'lease/thrown', message: 'at once' },
      ],
      unfinished: ['in-flight/slow'],
    });
    expect(aborted).toBe(true);
    expect(logger.lines.at(-1)).toMatchObject({ level: 'warn', message: 'shut down incompletely' });
    expect(clock.pending).toBe(0);
  });

  it('runs the steps of one phase side by side', async () => {
    const { clock, shutdown } = rig();
    for (const name of ['a', 'b', 'c']) shutdown.add({ phase: 'events', name, timeoutMs: 1000, run: () => new Promise(() => undefined) });
    let report: unknown;
    void shutdown.run('x').then((value) => (report = value));
    await clock.advance(1000);
    expect(report).toMatchObject({ unfinished: ['events/a', 'events/b', 'events/c'] });
  });

  it('goes down once, and a step that was taken back not at all', async () => {
    const { shutdown } = rig();
    let runs = 0;
    shutdown.add({ phase: 'logs', name: 'once', run: () => void runs++ });
    shutdown.add({ phase: 'logs', name: 'never', run: () => void (runs += 100) })();
    expect(shutdown.signal.aborted).toBe(false);
    const [first, second] = await Promise.all([shutdown.run('a'), shutdown.run('b')]);
    expect(second).toBe(first);
    expect(runs).toBe(1);
    expect(shutdown.signal.aborted).toBe(true);
  });
});

describe('onSignals', () => {
  class Source extends EventEmitter {
    readonly codes: number[] = [];
    exit(code: number): void {
      this.codes.push(code);
    }
  }

  it('exits with 0 after going down well, with 1 otherwise', async () => {
    const good = rig();
    const source = new Source();
    onSignals(good.shutdown, source);
    source.emit('SIGTERM');
    await good.clock.advance(0);
    expect(source.codes).toEqual([0]);

    const bad = rig();
    const other = new Source();
    bad.shutdown.add({ phase: 'logs', name: 'x', run: () => Promise.reject(new Error('x')) });
    onSignals(bad.shutdown, other);
    other.emit('SIGINT');
    await bad.clock.advance(0);
    expect(other.codes).toEqual([1]);
  });

  it('exits at once at the second signal', async () => {
    const { clock, shutdown } = rig();
    const source = new Source();
    shutdown.add({ phase: 'in-flight', name: 'long', run: () => new Promise(() => undefined) });
    onSignals(shutdown, source);
    source.emit('SIGTERM');
    await clock.advance(0);
    expect(source.codes).toEqual([]);
    source.emit('SIGINT');
    expect(source.codes).toEqual([130]);
  });

  it('can be taken away', () => {
    const { shutdown } = rig();
    const source = new Source();
    onSignals(shutdown, source)();
    expect(source.listenerCount('SIGTERM') + source.listenerCount('SIGINT')).toBe(0);
  });
});
