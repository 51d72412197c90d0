import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHttpApi } from '../http-api.ts';
import { startProcess, type ManagedProcess } from '../process.ts';
import { removeDir } from '../real-cluster.ts';
import { onFreePorts, untilAnswered } from '../start.ts';

/** Something that shows metrics on loopback. */
export interface ScrapeTarget {
  readonly job: string;
  readonly port: number;
  /** Default `/metrics`. */
  readonly path?: string;
  /** With HTTPS, whatever the certificate. */
  readonly https?: boolean;
  /** Whether timestamps of the exposition count; default false, as with most applications. */
  readonly honorTimestamps?: boolean;
  /** Labels of the exposition win over those of the scrape. Default true: the exposition says `namespace` and `pod` itself. */
  readonly honorLabels?: boolean;
}

export interface PrometheusOptions {
  readonly file: string;
  /** Its folder: configuration, data, log. Default: a temporary one of its own, which `stop` removes unless `E2E_KEEP` is set. */
  readonly dir?: string;
  readonly targets: readonly ScrapeTarget[];
}

export interface Prometheus {
  readonly url: string;
  readonly port: number;
  /** Ends the process; its data stay. */
  halt(): Promise<void>;
  /** Starts it again on its port, with its data. */
  resume(): Promise<void>;
  /** Waits for a scrape of the (only) target of the job that begins after the call; answers whether the target was up. */
  untilScraped(job: string): Promise<boolean>;
  /** Waits until the query has a value (any, by default) and answers it; the first scrape comes 5 s after the start. */
  untilValue(query: string, matches?: (value: number) => boolean, limitMs?: number): Promise<number>;
  stop(): Promise<void>;
}

/** A real Prometheus on loopback that scrapes each second, with its own folder; answers when it is ready, which is before its first scrape. */
export async function startPrometheus(options: PrometheusOptions): Promise<Prometheus> {
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'concertina-prometheus-')));
  await mkdir(dir, { recursive: true });
  const config = join(dir, 'prometheus.yml');
  await writeFile(config, configuration(options.targets));
  const launch = async (port: number): Promise<ManagedProcess> => {
    const child = startProcess({
      name: 'prometheus',
      file: options.file,
      args: [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(dir, 'data')}`,
        '--storage.tsdb.retention.time=1h',
        `--web.listen-address=127.0.0.1:${port}`,
        '--log.level=warn',
      ],
      logFile: join(dir, 'prometheus.log'),
      cwd: dir,
      env: { GOMAXPROCS: '2' },
    });
    const api = createHttpApi({ server: `http://127.0.0.1:${port}` });
    try {
      await untilAnswered(api, '/-/ready', [child]);
    } catch (error) {
      await child.stop();
      throw error;
    } finally {
      api.close();
    }
    return child;
  };
  const { port, first } = await onFreePorts(1, async ([free]) => ({ port: free!, first: await launch(free!) }));
  const url = `http://127.0.0.1:${port}`;
  const api = createHttpApi({ server: url });
  let current = first;
  const untilValue: Prometheus['untilValue'] = async (query, matches = () => true, limitMs = 30_000) => {
    const deadline = performance.now() + limitMs;
    for (;;) {
      const answer = await api.get(`/api/v1/query?query=${encodeURIComponent(query)}`);
      const value = firstValue(answer.body);
      if (value !== undefined && matches(value)) return value;
      if (performance.now() > deadline) {
        throw new Error(`prometheus has no such value of ${query} after ${limitMs / 1000} s: ${answer.text}\n${current.tail()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  return {
    url,
    port,
    halt: async () => void (await current.stop()),
    resume: async () => {
      current = await launch(port);
    },
    untilValue,
    untilScraped: async (job) => {
      // A scrape and its `up` are taken in as a whole. Times of scrapes are aligned by up to 2 ms.
      const begun = Date.now() + 5;
      await untilValue(`timestamp(up{job="${job}"})`, (seconds) => Math.round(seconds * 1000) > begun);
      return (await untilValue(`up{job="${job}"}`)) === 1;
    },
    stop: async () => {
      api.close();
      await current.stop();
      if (options.dir === undefined) await removeDir(dir);
    },
  };
}

function firstValue(body: unknown): number | undefined {
  const text = (body as { data?: { result?: readonly { value?: readonly [number, string] }[] } }).data?.result?.[0]?.value?.[1];
  return text === undefined ? undefined : Number(text);
}

/** JSON is YAML. */
function configuration(targets: readonly ScrapeTarget[]): string {
  return JSON.stringify({
    global: { scrape_interval: '1s', scrape_timeout: '900ms', evaluation_interval: '1s' },
    scrape_configs: targets.map((target) => ({
      job_name: target.job,
      metrics_path: target.path ?? '/metrics',
      ...(target.https === true ? { scheme: 'https', tls_config: { insecure_skip_verify: true } } : {}),
      honor_timestamps: target.honorTimestamps ?? false,
      honor_labels: target.honorLabels ?? true,
      static_configs: [{ targets: [`127.0.0.1:${target.port}`] }],
    })),
  });
}
