import { messageOf } from '../../../core/errors.ts';
import type { KubeClient } from '../../../core/kube/index.ts';
import type { Clock } from '../../../core/model/clock.ts';
import { findCondition, type Condition } from '../../../core/model/condition.ts';
import type { PrometheusQuery } from '../../../core/model/metric-query.ts';
import { resourceTypes, type KubeObject } from '../../../core/model/object.ts';
import {
  createSecretReader,
  parseMetricSource,
  prometheusBuilder,
  type MetricSourceSpec,
  type SourceFailure,
} from '../../../metrics-aggregator/index.ts';
import { namedService, resolveSecrets } from '../../../metrics-aggregator/index.ts';
import { foreign } from './foreign-text.ts';
import { readJson } from './metrics-apis.ts';
import type { AskedQuery } from './query-checks.ts';
import { readObject, someAtOnce, type Reading } from './reading.ts';
import { secretReferences, type SecretReference } from './secret-refs.ts';

/** One key of a Secret, and whether it can be had. */
export interface SecretFacts {
  readonly reference: SecretReference;
  readonly state: 'there' | 'no-secret' | 'no-key' | 'forbidden' | 'unread';
  /** For `unread`. */
  readonly message: string;
}

/** What came of asking for the version of the server. */
export type ProbeFacts =
  | {
      readonly ok: true;
      readonly version: string;
      readonly tookMs: number;
      /** When the server took in its newest sample, epoch milliseconds by its own clock; `undefined` when it does not tell. */
      readonly newest: number | undefined;
    }
  | {
      readonly ok: false;
      readonly problem: string;
      /** A Service's name resolves in the cluster only; what the API server got there in our place. */
      readonly throughApiServer: 'answers' | 'refuses' | 'fails' | undefined;
    };

/** A MetricSource with what it needs and how it does. */
export interface SourceFacts {
  readonly name: string;
  readonly raw: KubeObject;
  readonly parsed: ReturnType<typeof parseMetricSource>;
  readonly secrets: readonly SecretFacts[];
  /** The condition Ready, written by the running program. */
  readonly ready: Condition | undefined;
  readonly version: string | undefined;
  /** `undefined`: not asked. */
  readonly probe: ProbeFacts | undefined;
  /** What policies ask of it, when it was asked. */
  readonly asked: readonly AskedQuery[];
}

export interface SourceReaderOptions {
  readonly client: KubeClient;
  /** Times what goes over sockets. */
  readonly clock: Clock;
  readonly secretNamespace: string;
  /** Ask the servers themselves, also what policies ask of them. */
  readonly probe: boolean;
  readonly queriesOf: (name: string) => readonly PrometheusQuery[];
}

export async function readSource(raw: KubeObject, options: SourceReaderOptions): Promise<SourceFacts> {
  const { name } = raw.metadata;
  const parsed = parseMetricSource(raw);
  const { conditions = [], version } = (raw.status ?? {}) as { readonly conditions?: readonly Condition[]; readonly version?: unknown };
  const secrets = parsed.ok ? await readSecrets(parsed.spec, options) : [];
  const usable = parsed.ok && secrets.every(({ state }) => state === 'there');
  const probed = options.probe && usable ? await probeSource(name, parsed.spec, options) : undefined;
  return {
    name,
    raw,
    parsed,
    secrets,
    ready: findCondition(conditions, 'Ready'),
    version: typeof version === 'string' ? foreign(version, 60) : undefined,
    probe: probed?.probe,
    asked: probed?.asked ?? [],
  };
}

async function readSecrets(spec: MetricSourceSpec, { client, secretNamespace }: SourceReaderOptions): Promise<readonly SecretFacts[]> {
  const references = secretReferences(spec);
  const reads = new Map<string, Reading<KubeObject>>();
  for (const { name } of references) {
    if (!reads.has(name)) reads.set(name, await readObject(client, resourceTypes.secrets, { namespace: secretNamespace, name }));
  }
  return references.map((reference) => {
    const read = reads.get(reference.name);
    if (read?.ok === true) {
      const { data } = read.value as { readonly data?: Readonly<Record<string, unknown>> };
      return { reference, state: typeof data?.[reference.key] === 'string' ? 'there' : 'no-key', message: '' };
    }
    if (read?.kind === 'absent') return { reference, state: 'no-secret', message: '' };
    if (read?.kind === 'forbidden') return { reference, state: 'forbidden', message: '' };
    return { reference, state: 'unread', message: read?.message ?? '' };
  });
}

const probeTimeoutMs = 10_000;
/** Queries of policies that are asked of one source. */
const mostQueries = 20;

interface Probed {
  readonly probe: ProbeFacts;
  readonly asked: readonly AskedQuery[];
}

async function probeSource(name: string, spec: MetricSourceSpec, options: SourceReaderOptions): Promise<Probed> {
  const { client, clock, secretNamespace } = options;
  const failed = (problem: string): Probed => ({ probe: { ok: false, problem, throughApiServer: undefined }, asked: [] });
  const resolved = await resolveSecrets(spec, createSecretReader(client, secretNamespace));
  if (!resolved.ok) return failed(resolved.problem);
  const result = prometheusBuilder({ clock })(name, spec, resolved.secrets);
  if (!result.ok) return failed(result.problem);
  const { built } = result;
  try {
    const startedAt = clock.monotonic();
    const answer = await withLimit(clock, (signal) => built.probe(signal));
    const tookMs = clock.monotonic() - startedAt;
    if (!answer.ok) {
      const problem = foreign(answer.detail, 300);
      return { probe: { ok: false, problem, throughApiServer: await throughApiServer(client, spec.url) }, asked: [] };
    }
    const asked = await someAtOnce(options.queriesOf(name).slice(0, mostQueries), 4, async (query) => {
      const answered = await withLimit(clock, async (signal) => built.source.ask?.(query, signal));
      return answered === undefined ? undefined : { query, answer: answered };
    });
    const heartbeat = await withLimit(clock, (signal) => built.heartbeat(signal));
    const newest = heartbeat.ok ? heartbeat.newest : undefined;
    return {
      probe: { ok: true, version: foreign(answer.version, 60), tookMs, newest },
      asked: asked.filter((each) => each !== undefined),
    };
  } finally {
    await built.source.close?.();
  }
}

/** Runs it under a deadline; what it throws is a failure like any other. */
async function withLimit<T>(clock: Clock, run: (signal: AbortSignal) => Promise<T>): Promise<T | SourceFailure> {
  const limit = new AbortController();
  const timer = clock.setTimeout(() => limit.abort(), probeTimeoutMs);
  try {
    return await run(limit.signal);
  } catch (error) {
    return { ok: false, reason: 'source-unavailable', detail: messageOf(error) };
  } finally {
    timer.cancel();
  }
}

/** Asks the Service that a URL names through the API server, which reaches it where this machine does not. No credentials are sent along. */
export async function throughApiServer(client: KubeClient, url: string): Promise<'answers' | 'refuses' | 'fails' | undefined> {
  const service = namedService(url);
  if (service === undefined) return undefined;
  const { namespace, name, scheme, port, path } = service;
  const target = encodeURIComponent(`${scheme === 'https' ? 'https:' : ''}${name}:${port}`);
  const read = await readJson(
    client,
    `/api/v1/namespaces/${encodeURIComponent(namespace)}/services/${target}/proxy${path}/api/v1/status/buildinfo`,
  );
  if (read.ok) return read.value['status'] === 'success' ? 'answers' : 'fails';
  return /\b401$/.test(read.message) ? 'refuses' : 'fails';
}
