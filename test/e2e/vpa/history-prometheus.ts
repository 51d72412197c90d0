import { execFile } from 'node:child_process';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { createHttpApi } from '../http-api.ts';
import { startProcess } from '../process.ts';
import { removeDir } from '../real-cluster.ts';
import { onFreePorts, untilAnswered } from '../start.ts';

/** Samples of one series, as OpenMetrics has them. */
export interface PastSeries {
  readonly metric: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Epoch milliseconds of the first and the last sample. */
  readonly from: number;
  readonly to: number;
  readonly value: (at: number) => number;
}

export interface PastPrometheus {
  readonly url: string;
  /** What it took to write the past down and to make blocks of it, milliseconds. */
  readonly preparedMs: number;
  readonly samples: number;
  /** Range queries that it has answered so far, by its own count. */
  rangeQueries(): Promise<number>;
  /** Those of them that it has answered with 422: too many samples. */
  refusedRangeQueries(): Promise<number>;
  stop(): Promise<void>;
}

/** The tool that comes with a Prometheus; `undefined` when it did not. */
export function promtoolBeside(prometheus: string): string | undefined {
  const file = join(dirname(prometheus), 'promtool');
  return existsSync(file) ? file : undefined;
}

/** A real Prometheus that scrapes nothing and has days of the past: `promtool` makes its blocks out of text. */
export async function startPastPrometheus(
  files: { readonly prometheus: string; readonly promtool: string },
  series: readonly PastSeries[],
  { stepMs, maxSamples }: { readonly stepMs: number; readonly maxSamples: number },
): Promise<PastPrometheus> {
  const dir = await mkdtemp(join(tmpdir(), 'concertina-past-'));
  const begun = performance.now();
  const samples = await writeOpenMetrics(join(dir, 'past.txt'), series, stepMs);
  // The flag is a hidden one: without it a block is two hours, and the text is read once for each.
  const make = [
    'tsdb',
    'create-blocks-from',
    '--max-block-duration=24h',
    'openmetrics',
    '--quiet',
    join(dir, 'past.txt'),
    join(dir, 'data'),
  ];
  await promisify(execFile)(files.promtool, make, { maxBuffer: 2 ** 24 });
  const preparedMs = performance.now() - begun;
  const config = join(dir, 'prometheus.yml');
  await writeFile(config, '{}');
  const { child, url } = await onFreePorts(1, async ([port]) => {
    const started = startProcess({
      name: 'prometheus',
      file: files.prometheus,
      args: [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(dir, 'data')}`,
        '--storage.tsdb.retention.time=30d',
        `--web.listen-address=127.0.0.1:${port}`,
        `--query.max-samples=${maxSamples}`,
        '--log.level=warn',
      ],
      logFile: join(dir, 'prometheus.log'),
      cwd: dir,
      env: { GOMAXPROCS: '2' },
    });
    const ready = createHttpApi({ server: `http://127.0.0.1:${port}` });
    try {
      await untilAnswered(ready, '/-/ready', [started]);
    } catch (error) {
      await started.stop();
      throw error;
    } finally {
      ready.close();
    }
    return { child: started, url: `http://127.0.0.1:${port}` };
  });
  const api = createHttpApi({ server: url });
  const counted = async (code: string): Promise<number> => {
    const { text } = await api.get('/metrics');
    const counts = text.matchAll(/^prometheus_http_requests_total\{code="(\d+)",handler="\/api\/v1\/query_range"\} (\S+)$/gmu);
    return [...counts].reduce((sum, [, each, count]) => sum + (code === '' || each === code ? Number(count) : 0), 0);
  };
  return {
    url,
    preparedMs,
    samples,
    rangeQueries: () => counted(''),
    refusedRangeQueries: () => counted('422'),
    stop: async () => {
      api.close();
      await child.stop();
      await removeDir(dir);
    },
  };
}

async function writeOpenMetrics(file: string, series: readonly PastSeries[], stepMs: number): Promise<number> {
  const out = createWriteStream(file);
  let samples = 0;
  for (const { metric, labels, from, to, value } of series) {
    const pairs = Object.entries(labels).map(([name, text]) => `${name}="${text}"`);
    const head = `${metric}{${pairs.join(',')}} `;
    const lines: string[] = [];
    for (let at = from; at <= to; at += stepMs) lines.push(`${head}${value(at)} ${at / 1000}\n`);
    samples += lines.length;
    if (!out.write(lines.join(''))) await once(out, 'drain');
  }
  out.end('# EOF\n');
  await once(out, 'close');
  return samples;
}
