import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildBundle } from '../../deploy/build.ts';
import type { RunningController } from './journey-cluster.ts';

/** The bundled program as a process of its own. */
export interface ProcessController extends RunningController {
  /** SIGKILL: no release of the lease, no last word. Resolves when the process is gone. */
  kill(): Promise<void>;
  /** What it has logged so far. */
  log(): string;
}

/** Bundles the program once for a test file. */
export async function bundleForTest(): Promise<{ readonly file: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'concertina-bundle-'));
  const { file } = await buildBundle(path.join(folder, 'dist'));
  return { file, remove: () => rm(folder, { recursive: true, force: true }) };
}

export interface ProcessOptions {
  readonly program: string;
  readonly identity: string;
  readonly kubeconfig: string;
  readonly flags: readonly string[];
  /** Beside its path, its home and whose pod it is. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts `concertina run` and resolves when it serves health. */
export async function startProcess(options: ProcessOptions): Promise<ProcessController> {
  const args = [options.program, 'run', '--kubeconfig', options.kubeconfig, '--health-address', '127.0.0.1:0', ...options.flags];
  // Nothing of the test's environment: what CONCERTINA_… means there is none of the program's business.
  const env = { PATH: process.env['PATH'], POD_NAME: options.identity, POD_NAMESPACE: 'concertina-system', HOME: tmpdir(), ...options.env };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  const keep = (chunk: Buffer): void => {
    log += chunk.toString();
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await ended;
  };
  await ready(child, () => log);
  return { identity: options.identity, stop: () => end('SIGTERM'), kill: () => end('SIGKILL'), log: () => log };
}

function ready(child: ChildProcess, log: () => string): Promise<void> {
  return new Promise((resolve, reject) => {
    const check = (): void => {
      if (!log().includes('serving health and metrics')) return;
      child.stderr?.off('data', check);
      resolve();
    };
    child.stderr?.on('data', check);
    child.once('exit', (code) => reject(new Error(`concertina run ended with code ${String(code)} before it was ready:\n${log()}`)));
    child.once('error', reject);
  });
}
