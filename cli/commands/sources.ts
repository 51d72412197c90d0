import process from 'node:process';
import type { Argv, CommandModule } from 'yargs';
import { isConcertinaError } from '../../core/errors.ts';
import { createKubeClient, type KubeClient } from '../../core/kube/index.ts';
import { realClock } from '../../core/runtime/clock.ts';
import { realRandom } from '../../core/runtime/random.ts';
import { tryParseDurationMs } from '../../core/units/index.ts';
import { connect, declareConnection } from '../compose/connect.ts';
import { foreign } from '../compose/doctor/foreign-text.ts';
import { reachServer } from '../compose/reach.ts';
import { declareSettings, loadSettings, recommendSettings } from '../compose/settings.ts';
import { catalogueReport, type CatalogueReport } from '../compose/sources/list-catalogue.ts';
import { listSources, type SourceList } from '../compose/sources/list-sources.ts';
import { openNamed, openUrl, readSpec, type OpenSource } from '../compose/sources/open-source.ts';
import type { QueryReport } from '../compose/sources/query-report.ts';
import { emptyReport, runQuery, type QueryRequest } from '../compose/sources/run-query.ts';
import { namedService } from '../../metrics-aggregator/index.ts';
import { UsageError } from '../output/failure.ts';
import { catalogueText, queryText, sourceListTable } from '../output/sources.ts';
import { terminalJson } from '../output/sources-text.ts';
import { version } from '../version.ts';

type Words = Readonly<Record<string, unknown>>;

function declareOutput(args: Argv): Argv {
  return args.option('output', { alias: 'o', choices: ['table', 'json'] as const, default: 'table', description: 'How to print' });
}

const listCommand: CommandModule = {
  command: 'list',
  describe: 'MetricSources and the API groups of metrics, and how they do',
  builder: (args) => declareOutput(declareConnection(args)),
  handler: (args) =>
    answer<SourceList>(args, {
      make: () => withCluster(args, (client) => listSources(client, realClock)),
      failed: (problem) => ({ kind: 'ConcertinaSourceList', version: 1, sources: [], problem }),
      print: sourceListTable,
    }),
};

const queryCommand: CommandModule = {
  command: 'query [name] [expression]',
  describe: 'Ask a MetricSource: the PromQL that is sent, what its selectors match, values, ages, warnings',
  builder: (args) =>
    declareOutput(declareSettings(declareConnection(args), recommendSettings))
      .positional('name', { type: 'string', description: 'MetricSource; left out with --url' })
      .positional('expression', { type: 'string', description: 'PromQL' })
      .option('namespace', {
        alias: 'n',
        type: 'string',
        description: 'Ask as a policy of this namespace would: confined to its series (all series)',
      })
      .option('range', { type: 'string', description: 'Ask for so long until now instead of for now: 1h' })
      .option('step', { type: 'string', description: 'Time between two points of a range (a sixtieth of it)' })
      .option('url', {
        type: 'string',
        description:
          'Base URL of a server that is reached from here, such as a port-forward, in place of a MetricSource. Credentials are never taken from flags or variables: they stand in the process list; declare a MetricSource for a server that wants some',
      })
      .option('type', {
        choices: ['Prometheus', 'Thanos', 'Mimir', 'VictoriaMetrics'] as const,
        default: 'Prometheus' as const,
        description: 'What answers under --url',
      })
      .epilogue(
        'Exit code: 0 when the server answered, also with nothing; 1 when the query was refused or not answered; 2 for wrong words.',
      ),
  handler: (args) => {
    const request = queryWords(args);
    return answer<QueryReport>(args, {
      make: () => queryReport(args, request),
      failed: (problem) => ({ ...emptyReport({ ...request, at: realClock.now() }), problem }),
      print: queryText,
    });
  },
};

const catalogueCommand: CommandModule = {
  command: 'catalogue',
  describe: 'Queries that Concertina knows by name, with the templates of a MetricSource in place of its own',
  builder: (args) =>
    declareOutput(declareConnection(args)).option('source', {
      type: 'string',
      description: 'MetricSource whose spec.templates count (none)',
    }),
  handler: (args) => {
    const source = typeof args['source'] === 'string' ? args['source'] : undefined;
    return answer<CatalogueReport>(args, {
      make: async () => {
        if (source === undefined) return catalogueReport(undefined);
        const read = await withCluster(args, (client) => readSpec(client, source));
        return read.ok ? catalogueReport(source, read.spec.templates) : { ...catalogueReport(source), queries: [], problem: read.problem };
      },
      failed: (problem) => ({ kind: 'ConcertinaCatalogue', version: 1, source: source ?? null, queries: [], problem }),
      print: catalogueText,
    });
  },
};

export const sourcesCommand: CommandModule = {
  command: 'sources',
  describe: 'Look at the sources of metrics, and ask them: list, query, catalogue',
  builder: (args) =>
    args
      .command([listCommand, queryCommand, catalogueCommand])
      .demandCommand(1, 'name what to do: list, query or catalogue; `concertina sources --help` tells more'),
  handler: () => undefined,
};

interface Answering<T> {
  readonly make: () => Promise<T>;
  /** The report of a command that could not be carried out. */
  readonly failed: (problem: string) => T;
  readonly print: (report: T) => string;
}

/** Prints the report. A machine gets its output also when there is nothing to report but a problem; a person gets that in one line on standard error. */
async function answer<T extends { readonly problem: string | null }>(args: Words, { make, failed, print }: Answering<T>): Promise<void> {
  const json = args['output'] === 'json';
  let report: T;
  try {
    report = await make();
  } catch (error) {
    if (!json || !isConcertinaError(error)) throw error;
    report = failed(foreign(error.message, 400));
  }
  process.stdout.write(json ? `${terminalJson(report)}\n` : print(report));
  process.exitCode = report.problem === null ? 0 : 1;
}

async function withCluster<T>(args: Words, run: (client: KubeClient) => Promise<T>): Promise<T> {
  const connection = await connect(args, realClock);
  await reachServer({ connection, clock: realClock, random: realRandom });
  const client = createKubeClient({ connection, clock: realClock, random: realRandom, userAgent: `concertina/${version} (sources)` });
  try {
    return await run(client);
  } finally {
    await client.close();
  }
}

interface QueryWords extends Pick<QueryRequest, 'source' | 'expression' | 'namespace' | 'range'> {
  readonly url: string | undefined;
}

function queryWords(args: Words): QueryWords {
  const text = (name: string): string | undefined => (typeof args[name] === 'string' ? args[name] : undefined);
  const url = text('url');
  const [first, second] = [text('name'), text('expression')];
  const expression = url === undefined ? second : (second ?? first);
  if (url !== undefined && second !== undefined)
    throw new UsageError(`"${first ?? ''}" names a MetricSource and --url another server; leave one out`);
  if (first === undefined || expression === undefined) {
    throw new UsageError(
      `write ${url === undefined ? 'the name of a MetricSource and a query' : 'a query'}; \`concertina sources query --help\` tells more`,
    );
  }
  return {
    source: url === undefined ? first : undefined,
    expression,
    namespace: text('namespace'),
    url,
    range: rangeOf(text('range'), text('step')),
  };
}

/** Points of one series: more than anybody looks at, and than a server gives without harm. */
const mostPoints = 50_000;

function rangeOf(range: string | undefined, step: string | undefined): QueryRequest['range'] {
  if (range === undefined) {
    if (step !== undefined) throw new UsageError(`--step "${step}" belongs to a range; write --range too`);
    return undefined;
  }
  const lengthMs = positive('range', range);
  const stepMs = step === undefined ? Math.max(1_000, Math.ceil(lengthMs / 60_000) * 1_000) : positive('step', step);
  if (lengthMs / stepMs > mostPoints) throw new UsageError(`--range ${range} has more than ${mostPoints} steps; write a longer --step`);
  return { lengthMs, stepMs };
}

function positive(name: string, text: string): number {
  const ms = tryParseDurationMs(text);
  if (ms === undefined || ms < 1 || !Number.isInteger(ms))
    throw new UsageError(`--${name} "${text}" is not a duration; write 30s, 5m or 1h`);
  return ms;
}

async function queryReport(args: Words, request: QueryWords): Promise<QueryReport> {
  const { url, source } = request;
  if (url !== undefined) return ask(request, openUrl(url, { clock: realClock, type: typeOf(args['type']) }));
  const settings = loadSettings(recommendSettings, args);
  const secretNamespace = settings.metrics.secretNamespace ?? 'concertina-system';
  return ask(request, await withCluster(args, (client) => openNamed(source ?? '', { client, clock: realClock, secretNamespace })));
}

function typeOf(value: unknown): 'Prometheus' | 'Thanos' | 'Mimir' | 'VictoriaMetrics' {
  return value === 'Thanos' || value === 'Mimir' || value === 'VictoriaMetrics' ? value : 'Prometheus';
}

async function ask(request: QueryWords, opened: OpenSource): Promise<QueryReport> {
  if (!opened.ok) return { ...emptyReport({ ...request, at: realClock.now() }), problem: opened.problem };
  const { spec, prometheus } = opened;
  try {
    const report = await runQuery({ ...request, spec, prometheus, clock: realClock });
    // A name of the cluster's DNS is nothing to a machine outside of it.
    const service = report.reason === 'source-unavailable' ? namedService(spec.url) : undefined;
    if (service === undefined || report.problem === null) return report;
    const { namespace, name, port } = service;
    const hint = `from outside of the cluster: \`kubectl -n ${namespace} port-forward service/${name} 9090:${port}\` and --url http://127.0.0.1:9090`;
    return { ...report, problem: `${report.problem} (${hint})` };
  } finally {
    await prometheus.client.close();
  }
}
