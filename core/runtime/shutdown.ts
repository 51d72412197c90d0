import type { Clock } from '../model/clock.ts';
import type { Logger } from './logging.ts';
import { messageOf } from '../errors.ts';

/**
 * The order of going down, each phase after the one before it:
 *
 * 1. `stop-work`: queues and loops take nothing new.
 * 2. `in-flight`: what is under way ends, or is aborted at its limit.
 * 3. `lease`: only now the lease is released: the next leader must not meet our last writes.
 * 4. `events`: what was recorded is sent.
 * 5. `watches`: reflectors and their connections close.
 * 6. `servers`: health, metrics and admission servers close; until here probes and scrapes are answered.
 * 7. `logs`: buffered lines are written.
 */
export const shutdownPhases = ['stop-work', 'in-flight', 'lease', 'events', 'watches', 'servers', 'logs'] as const;

export type ShutdownPhase = (typeof shutdownPhases)[number];

export interface ShutdownStep {
  readonly phase: ShutdownPhase;
  /** For the report. */
  readonly name: string;
  /** May be slow or fail; the signal aborts at the step's limit. */
  readonly run: (signal: AbortSignal) => Promise<void> | void;
  /** Milliseconds; default 5000. A step that is not done by then is left behind. */
  readonly timeoutMs?: number;
}

export interface ShutdownReport {
  readonly reason: string;
  /** `phase/name` of the steps that ended well. */
  readonly finished: readonly string[];
  readonly failed: readonly { readonly step: string; readonly message: string }[];
  /** Steps that were given up at their limit. */
  readonly unfinished: readonly string[];
}

export interface Shutdown {
  /** Registers a step; the answer takes it back. Steps of one phase run side by side. */
  add(step: ShutdownStep): () => void;
  /** Goes down once; every later call answers the same report. */
  run(reason: string): Promise<ShutdownReport>;
  /** Aborts when going down begins. */
  readonly signal: AbortSignal;
}

const defaultTimeoutMs = 5000;

export function createShutdown(options: { readonly clock: Clock; readonly logger: Logger }): Shutdown {
  const steps = new Set<ShutdownStep>();
  const begun = new AbortController();
  let running: Promise<ShutdownReport> | undefined;
  return {
    signal: begun.signal,
    add: (step) => {
      steps.add(step);
      return () => steps.delete(step);
    },
    run: (reason) => {
      running ??= goDown(reason);
      return running;
    },
  };

  async function goDown(reason: string): Promise<ShutdownReport> {
    options.logger.info('shutting down', { reason });
    begun.abort();
    const finished: string[] = [];
    const failed: { step: string; message: string }[] = [];
    const unfinished: string[] = [];
    for (const phase of shutdownPhases) {
      const due = [...steps].filter((step) => step.phase === phase);
      const outcomes = await Promise.all(due.map((step) => runStep(step, options.clock)));
      for (const [index, outcome] of outcomes.entries()) {
        const step = `${phase}/${due[index]?.name ?? ''}`;
        if (outcome === 'done') finished.push(step);
        else if (outcome === 'timeout') unfinished.push(step);
        else failed.push({ step, message: outcome.message });
      }
    }
    const report = { reason, finished, failed, unfinished };
    if (failed.length > 0 || unfinished.length > 0) options.logger.warn('shut down incompletely', { ...report });
    else options.logger.info('shut down', { reason });
    return report;
  }
}

async function runStep(step: ShutdownStep, clock: Clock): Promise<'done' | 'timeout' | { readonly message: string }> {
  const limit = new AbortController();
  const timeout = new Promise<'timeout'>((resolve) => {
    const timer = clock.setTimeout(() => {
      limit.abort();
      resolve('timeout');
    }, step.timeoutMs ?? defaultTimeoutMs);
    limit.signal.addEventListener('abort', () => timer.cancel());
  });
  const work = (async () => {
    try {
      await step.run(limit.signal);
      return 'done' as const;
    } catch (error) {
      return { message: messageOf(error) };
    }
  })();
  const outcome = await Promise.race([work, timeout]);
  limit.abort();
  return outcome;
}

/** The part of `process` that {@link onSignals} needs. */
export interface SignalSource {
  on(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  off(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  exit(code: number): void;
}

/**
 * Goes down at the first SIGINT or SIGTERM and exits with 0, or 1 when something was left unfinished; exits at once with 130 or 143 at the second.
 * The answer takes the listeners away.
 */
export function onSignals(shutdown: Shutdown, source: SignalSource): () => void {
  let signalled = false;
  const listen = (name: 'SIGINT' | 'SIGTERM') => (): void => {
    if (signalled) {
      source.exit(name === 'SIGINT' ? 130 : 143);
      return;
    }
    signalled = true;
    void shutdown.run(name).then((report) => source.exit(report.failed.length + report.unfinished.length === 0 ? 0 : 1));
  };
  const interrupt = listen('SIGINT');
  const terminate = listen('SIGTERM');
  source.on('SIGINT', interrupt);
  source.on('SIGTERM', terminate);
  return () => {
    source.off('SIGINT', interrupt);
    source.off('SIGTERM', terminate);
  };
}
