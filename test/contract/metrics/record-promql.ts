import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recordedQuestions } from './promql-expressions.ts';
import type { RecordedQuestion } from './promql-expressions.ts';
import { historyOpenMetrics } from './promql-history.ts';

/**
 * Records what a real Prometheus answers over the fixed history: `npx tsx test/contract/metrics/record-promql.ts` (needs `prometheus` and
 * `promtool` on the path; Debian 12 has 2.42). Run by hand when questions are added; the answers are checked in.
 */
async function record(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'promql-'));
  const history = join(folder, 'history.om');
  const data = join(folder, 'data');
  await writeFile(history, historyOpenMetrics());
  await writeFile(join(folder, 'prometheus.yml'), 'global: {evaluation_interval: 1m}\n');
  run('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', history, data]);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = spawn(
    'prometheus',
    [
      `--config.file=${folder}/prometheus.yml`,
      `--storage.tsdb.path=${data}`,
      '--storage.tsdb.retention.time=100y',
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  try {
    await ready(url);
    const answers = [];
    for (const question of recordedQuestions()) answers.push(await ask(url, question));
    const build = (await (await fetch(`${url}/api/v1/status/buildinfo`)).json()) as { readonly data: object };
    const recorded = {
      provenance: { program: 'prometheus', ...build.data, history: 'promql-history.ts', questions: 'promql-expressions.ts' },
      answers,
    };
    await writeFile(new URL('promql-answers.json', import.meta.url), `${JSON.stringify(recorded, undefined, 2)}\n`);
    console.log(`${answers.length} answers recorded`);
  } finally {
    server.kill('SIGTERM');
    await ended;
    await rm(folder, { recursive: true });
  }
}

function run(program: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${String(status)}: ${stderr}`);
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise<void>((resolve) => probe.close(() => resolve()));
  return port;
}

async function ready(url: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const answer = await fetch(`${url}/-/ready`).catch(() => undefined);
    if (answer?.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${url} did not become ready within 10 s`);
}

async function ask(url: string, question: RecordedQuestion): Promise<object> {
  const path = 'step' in question ? 'query_range' : 'query';
  const answer = await fetch(`${url}/api/v1/${path}`, { method: 'POST', body: new URLSearchParams(question) });
  return { ...question, status: answer.status, body: await answer.text() };
}

await record();
