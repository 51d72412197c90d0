import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A Prometheus of its own, on loopback, with its data in a folder that goes with it. */
export interface LocalPrometheus {
  readonly url: string;
  stop(): Promise<void>;
}

/** Where the program is; `undefined` when it is not installed (Debian: package prometheus). */
export function findPrometheus(): string | undefined {
  const candidates = [process.env['PROMETHEUS'], '/usr/bin/prometheus', '/usr/local/bin/prometheus'];
  return candidates.find((path) => path !== undefined && existsSync(path));
}

export async function startPrometheus(
  program: string,
  { target, scrapeSeconds }: { readonly target: string; readonly scrapeSeconds: number },
): Promise<LocalPrometheus> {
  const folder = await mkdtemp(join(tmpdir(), 'concertina-prometheus-'));
  const config = {
    global: { scrape_interval: `${scrapeSeconds}s`, scrape_timeout: `${scrapeSeconds}s` },
    scrape_configs: [{ job_name: 'bench', static_configs: [{ targets: [target] }] }],
  };
  // JSON is YAML.
  await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(config));
  const port = await freePort();
  const args = [
    `--config.file=${folder}/prometheus.yml`,
    `--storage.tsdb.path=${folder}/data`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--log.level=error',
  ];
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = `${said}${chunk.toString()}`.slice(-2000);
  });
  const url = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    await ended(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await until(async () => child.exitCode === null && (await fetch(`${url}/-/ready`)).ok, 30_000);
  } catch (cause) {
    await stop();
    throw new Error(`Prometheus did not become ready: ${said}`, { cause });
  }
  return { url, stop };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGKILL');
  await exit;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  return port;
}

/** Waits until the condition holds; a condition that throws does not hold yet. */
export async function until(condition: () => Promise<boolean>, limitMs: number): Promise<void> {
  const end = performance.now() + limitMs;
  for (;;) {
    if (await condition().catch(() => false)) return;
    if (performance.now() > end) throw new Error(`it did not come to hold within ${limitMs / 1000} s`);
    await delay(200);
  }
}
