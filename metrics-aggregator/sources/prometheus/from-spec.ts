import type { Dispatcher } from 'undici';
import type { Clock } from '../../../core/model/clock.ts';
import type { MetricSourceSpec } from '../../metric-source-schema.ts';
import { createGuardedHttp, type HostLookup, type HttpCredentials, type HttpTls } from '../http/index.ts';
import type { MetricsSource } from '../source.ts';
import { askHeartbeat, type HeartbeatAnswer } from './heartbeat.ts';
import type { BuildInfoAnswer } from './names-query.ts';
import { createCatalogue, type Catalogue } from './catalogue.ts';
import { createPrometheusClient, type PrometheusClient } from './prometheus-client.ts';
import { createPrometheusSource } from './prometheus-source.ts';
import type { RangeAnswer, RangeOptions, RangeRequest } from './range-query.ts';
import { limitsOf, type PrometheusLimits } from './source-limits.ts';

/** Ways out other than the usual ones. */
export interface NetworkOptions {
  /** Default: the resolver of the system. */
  readonly lookup?: HostLookup | undefined;
  /** In place of sockets; then addresses are not judged. */
  readonly dispatcher?: Dispatcher | undefined;
}

export interface SourceEnvironment {
  readonly clock: Clock;
  readonly network?: NetworkOptions | undefined;
}

/** What a MetricSource refers to in Secrets, read. */
export interface ResolvedSecrets {
  readonly credentials: HttpCredentials;
  readonly tls: HttpTls;
}

export interface PrometheusFromSpec {
  /** Answers queries of policies, and usage. */
  readonly source: MetricsSource;
  /** Asks what it is told: for administrators, `doctor` and `sources query`. */
  readonly client: PrometheusClient;
  readonly catalogue: Catalogue;
  readonly limits: PrometheusLimits;
}

export type FromSpecResult =
  { readonly ok: true; readonly prometheus: PrometheusFromSpec } | { readonly ok: false; readonly problem: string };

/** Everything that a MetricSource declares. What the schema cannot check is a problem in one sentence, without any secret. */
export function prometheusSourceFromSpec(
  name: string,
  spec: MetricSourceSpec,
  secrets: ResolvedSecrets,
  environment: SourceEnvironment,
): FromSpecResult {
  const missing = missingSecret(spec, secrets);
  if (missing !== undefined) return { ok: false, problem: missing };
  const catalogue = createCatalogue(spec.templates);
  if (!catalogue.ok) return catalogue;
  const { clock, network } = environment;
  const limits = limitsOf(spec);
  const http = createGuardedHttp({
    url: spec.url,
    name: `MetricSource ${name}`,
    clock,
    maxConcurrent: limits.maxConcurrent,
    timeoutMs: limits.timeoutMs,
    maxBytes: limits.maxBytes,
    plainHttp: spec.plainHttp,
    permit: spec.network,
    tls: secrets.tls,
    credentials: { ...secrets.credentials, headers: { ...secrets.credentials.headers, ...tenantHeader(spec) } },
    lookup: network?.lookup,
    dispatcher: network?.dispatcher,
  });
  if (!http.ok) return http;
  const client = createPrometheusClient({ http: http.http, name, type: spec.type, options: spec.options, limits });
  const source = createPrometheusSource({
    client,
    now: () => clock.now(),
    namespaceLabel: spec.tenancy?.namespaceLabel,
    catalogue: catalogue.catalogue,
  });
  return { ok: true, prometheus: { source, client, catalogue: catalogue.catalogue, limits } };
}

function tenantHeader({ tenancy }: MetricSourceSpec): Readonly<Record<string, string>> {
  return tenancy?.tenant === undefined ? {} : { [tenancy.tenantHeader ?? 'X-Scope-OrgID']: tenancy.tenant };
}

/** Asking without a credential that the spec wants would get an answer that looks like somebody else's fault. */
function missingSecret({ auth, tls }: MetricSourceSpec, { credentials, tls: read }: ResolvedSecrets): string | undefined {
  const wanted: readonly (readonly [string, unknown, unknown])[] = [
    ['the bearer token of auth.bearer', auth?.bearer, credentials.bearer],
    ['the user name and password of auth.basic', auth?.basic, credentials.basic],
    ['the certificate of auth.clientCertificate', auth?.clientCertificate, read.cert],
    ['the CA of tls.ca', tls?.ca, read.ca],
    ...(auth?.headers ?? []).map(({ name }) => [`the header ${name} of auth.headers`, name, credentials.headers?.[name]] as const),
  ];
  const missing = wanted.find(([, asked, given]) => asked !== undefined && given === undefined);
  return missing && `${missing[0]} could not be read from its Secret`;
}

/** A source as the aggregator runs it. */
export interface BuiltPrometheus {
  readonly source: MetricsSource;
  readonly limits: {
    readonly concurrency: number;
    readonly timeoutMs: number;
    readonly queriesPerMinute: number;
    readonly queriesPerMinutePerNamespace: number;
  };
  /** Asks for the version of the server, which costs it nothing. */
  probe(signal: AbortSignal): Promise<BuildInfoAnswer>;
  /** Asks for the time of the newest sample. */
  heartbeat(signal: AbortSignal): Promise<HeartbeatAnswer>;
  /** Usage of the past; one such question at a time. */
  range(request: RangeRequest, options?: RangeOptions): Promise<RangeAnswer>;
}

/** Builds sources out of MetricSources for the aggregator. */
export function prometheusBuilder(
  environment: SourceEnvironment,
): (
  name: string,
  spec: MetricSourceSpec,
  secrets: ResolvedSecrets,
) => { readonly ok: true; readonly built: BuiltPrometheus } | { readonly ok: false; readonly problem: string } {
  return (name, spec, secrets) => {
    const result = prometheusSourceFromSpec(name, spec, secrets, environment);
    if (!result.ok) return result;
    const { source, client, limits } = result.prometheus;
    const { maxConcurrent: concurrency, timeoutMs, queriesPerMinute, queriesPerMinutePerNamespace } = limits;
    return {
      ok: true,
      built: {
        source,
        limits: { concurrency, timeoutMs, queriesPerMinute, queriesPerMinutePerNamespace },
        probe: (signal) => client.buildInfo({ signal }),
        heartbeat: (signal) => askHeartbeat(client, signal),
        range: (request, more) => client.range(request, more),
      },
    };
  };
}
