import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createHttpApi } from '../http-api.ts';
import { startProcess, type ManagedProcess } from '../process.ts';
import { onFreePorts, untilAnswered } from '../start.ts';

/** Something that shows metrics on loopback. */
export interface ScrapeTarget {
  readonly job: string;
  readonly port: number;
  /** Default `/metrics`. */
  readonly path?: string;
  /** Query parameters of the scrape. */
  readonly params?: Readonly<Record<string, readonly string[]>>;
  /** Whether timestamps of the exposition count; default false, as with most applications. */
  readonly honorTimestamps?: boolean;
  /** Labels of the exposition win over those of the scrape. Default true: the exposition says `namespace` and `pod` itself. */
  readonly honorLabels?: boolean;
}

export interface PrometheusOptions {
  readonly file: string;
  /** Its folder: configuration, data, log. */
  readonly dir: string;
  readonly targets: readonly ScrapeTarget[];
  /** More of its flags. */
  readonly flags?: readonly string[];
}

export interface Prometheus {
  readonly url: string;
  readonly port: number;
  readonly process: ManagedProcess;
  /** Other targets from now on, without losing data. The first scrape of a new target comes within a second or two. */
  setTargets(targets: readonly ScrapeTarget[]): Promise<void>;
  /** Waits until the query has a value (any, by default) and answers it; the first scrape comes 5 s after the start. */
  untilValue(query: string, matches?: (value: number) => boolean, limitMs?: number): Promise<number>;
  stop(): Promise<void>;
}

/** A real Prometheus on loopback that scrapes each second, with its own folder; answers when it is ready, which is before its first scrape. */
export async function startPrometheus(options: PrometheusOptions): Promise<Prometheus> {
  const { dir } = options;
  await mkdir(dir, { recursive: true });
  const config = join(dir, 'prometheus.yml');
  await writeFile(config, configuration(options.targets));
  return onFreePorts(1, async ([free]) => {
    const port = free!;
    const url = `http://127.0.0.1:${port}`;
    const child = startProcess({
      name: 'prometheus',
      file: options.file,
      args: [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(dir, 'data')}`,
        '--storage.tsdb.retention.time=1h',
        `--web.listen-address=127.0.0.1:${port}`,
        '--web.enable-lifecycle',
        '--log.level=warn',
        ...(options.flags ?? []),
      ],
      logFile: join(dir, 'prometheus.log'),
      cwd: dir,
      env: { GOMAXPROCS: '2' },
    });
    const api = createHttpApi({ server: url });
    const stop = async (): Promise<void> => {
      api.close();
      await child.stop();
    };
    try {
      await untilAnswered(api, '/-/ready', [child]);
    } catch (error) {
      await stop();
      throw error;
    }
    return {
      url,
      port,
      process: child,
      setTargets: async (targets) => {
        await writeFile(config, configuration(targets));
        const reloaded = await api.post('/-/reload', '');
        if (reloaded.status !== 200) throw new Error(`prometheus refuses its new configuration: ${reloaded.text}\n${child.tail()}`);
      },
      untilValue: async (query, matches = () => true, limitMs = 30_000) => {
        const deadline = performance.now() + limitMs;
        for (;;) {
          const answer = await api.get(`/api/v1/query?query=${encodeURIComponent(query)}`);
          const value = firstValue(answer.body);
          if (value !== undefined && matches(value)) return value;
          if (performance.now() > deadline) {
            throw new Error(`prometheus has no such value of ${query} after ${limitMs / 1000} s: ${answer.text}\n${child.tail()}`);
          }
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      },
      stop,
    };
  });
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
      ...(target.params === undefined ? {} : { params: target.params }),
      honor_timestamps: target.honorTimestamps ?? false,
      honor_labels: target.honorLabels ?? true,
      static_configs: [{ targets: [`127.0.0.1:${target.port}`] }],
    })),
  });
}
