import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

/**
 * Child processes of the harness. Each one is ended with its parent, whatever way the parent goes: an orderly `stop()`, the parent's
 * exit event (SIGKILL, best effort), and, where util-linux' `setpriv` exists, the kernel's parent-death signal, which also
 * covers a test worker that is killed.
 */
export interface ManagedProcess {
  readonly name: string;
  readonly logFile: string;
  readonly pid: number | undefined;
  /** Set when the process has ended: "exit code 1" or "signal SIGKILL". */
  readonly ended: string | undefined;
  /** Resolves when the process has ended. Judged by the exit event: a probing signal also reaches zombies. */
  readonly exited: Promise<void>;
  /** The last lines of its log, for messages. */
  tail(lines?: number): string;
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM, then SIGKILL after `graceMs`; answers milliseconds until it was gone. */
  stop(graceMs?: number): Promise<number>;
}

export interface SpawnOptions {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly logFile: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

const living = new Set<ChildProcess>();
let exitHook = false;
let parentDeathPrefix: readonly string[] | undefined;

export function startProcess(options: SpawnOptions): ManagedProcess {
  installExitHook();
  const log = openSync(options.logFile, 'a');
  const [file, ...args] = [...parentDeath(), options.file, ...options.args];
  const child = spawn(file!, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', log, log],
    // Its own group: Ctrl-C in the terminal reaches the harness only, which then ends the programs in their order.
    detached: true,
  });
  closeSync(log);
  living.add(child);
  let ended: string | undefined;
  const exited = new Promise<void>((resolve) => {
    const end = (why: string): void => {
      ended ??= why;
      living.delete(child);
      resolve();
    };
    child.once('error', (error) => end(`could not be started: ${error.message}`));
    child.once('exit', (code, signal) => end(signal === null ? `exit code ${code}` : `signal ${signal}`));
  });
  const managed: ManagedProcess = {
    name: options.name,
    logFile: options.logFile,
    pid: child.pid,
    get ended() {
      return ended;
    },
    exited,
    tail: (lines = 12) => tailOf(options.logFile, lines),
    signal: (signal) => void child.kill(signal),
    stop: async (graceMs = 15_000) => {
      const started = performance.now();
      if (ended !== undefined) return 0;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await exited;
      clearTimeout(timer);
      return Math.round(performance.now() - started);
    },
  };
  return managed;
}

function tailOf(logFile: string, lines: number): string {
  try {
    return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return '(no log)';
  }
}

function installExitHook(): void {
  if (exitHook) return;
  exitHook = true;
  process.on('exit', () => {
    for (const child of living) child.kill('SIGKILL');
  });
}

function parentDeath(): readonly string[] {
  if (parentDeathPrefix === undefined) {
    const probe = process.platform === 'linux' ? spawnSync('setpriv', ['--pdeathsig', 'KILL', 'true'], { stdio: 'ignore' }) : undefined;
    parentDeathPrefix = probe?.status === 0 ? ['setpriv', '--pdeathsig', 'KILL'] : [];
  }
  return parentDeathPrefix;
}
