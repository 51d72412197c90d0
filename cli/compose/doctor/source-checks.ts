import { parseTime } from '../../../core/model/condition.ts';
import type { MetricSourceSpec } from '../../../metrics-aggregator/index.ts';
import { fail, listed, ok, skipped, warn, type Check } from './check.ts';
import { foreign } from './foreign-text.ts';
import { unreadLine, type Reading } from './reading.ts';
import { seconds } from './server-checks.ts';
import type { SecretFacts, SourceFacts } from './sources.ts';

export interface SourceContext {
  /** Epoch milliseconds of the cluster. */
  readonly now: number;
  /** A source whose newest sample is older stands still. */
  readonly maxAgeMs: number;
  readonly secretNamespace: string;
  /** Names of all namespaces; `undefined` when they are not known. */
  readonly namespaces: readonly string[] | undefined;
}

/** Four lines for each MetricSource: spec, Secrets, whether it answers, who may use it. */
export function judgeSources(sources: Reading<readonly SourceFacts[]>, context: SourceContext): Check[] {
  if (!sources.ok) {
    if (sources.kind === 'absent') return [skipped('metric-source', 'there are no MetricSources: their type is not installed')];
    return [unreadLine('metric-source', 'MetricSources', sources)];
  }
  if (sources.value.length === 0) return [ok('metric-source', 'there is no MetricSource; policies with Prometheus metrics need one')];
  return sources.value.toSorted((a, b) => (a.name < b.name ? -1 : 1)).flatMap((source) => judgeSource(source, context));
}

function judgeSource(source: SourceFacts, context: SourceContext): Check[] {
  const { name, parsed } = source;
  const check = `metric-source/${name}`;
  if (!parsed.ok) return [fail(`${check}/spec`, `MetricSource ${name} is invalid: ${foreign(parsed.problem, 400)}`)];
  const { spec } = parsed;
  const { type, url } = spec;
  const insecure = spec.plainHttp === true && source.secrets.length > 0;
  const specLine = insecure
    ? warn(
        `${check}/spec`,
        `MetricSource ${name} sends credentials over ${foreign(url, 200)}, where they can be read on the way; use https://`,
        { type, url },
      )
    : ok(`${check}/spec`, `MetricSource ${name} is valid: ${type} at ${foreign(url, 200)}`, { type, url });
  return [
    specLine,
    ...judgeSecrets(check, source, context),
    judgeReach(check, source, context),
    ...judgeAge(check, source, context),
    judgeNamespaces(check, spec, { name, ...context }),
  ];
}

function judgeSecrets(prefix: string, { name, secrets }: SourceFacts, { secretNamespace }: SourceContext): Check[] {
  const check = `${prefix}/secrets`;
  if (secrets.length === 0) return [];
  const keys = [...new Set(secrets.map(({ reference }) => `${secretNamespace}/${reference.name}:${reference.key}`))];
  const problem = secrets.find(({ state }) => state !== 'there' && state !== 'forbidden');
  if (problem !== undefined)
    return [fail(check, `MetricSource ${name}: ${secretProblem(problem, secretNamespace)}`, { keys, path: problem.reference.path })];
  const hidden = secrets.find(({ state }) => state === 'forbidden');
  if (hidden !== undefined) {
    const message = `whether MetricSource ${name} has its Secret ${secretNamespace}/${hidden.reference.name} is not known: you may not read it; ask as somebody with get on secrets there`;
    return [skipped(check, message, { keys })];
  }
  return [ok(check, `MetricSource ${name} finds its credentials: ${listed(keys)}`, { keys })];
}

function secretProblem({ reference: { path, name, key }, state, message }: SecretFacts, namespace: string): string {
  if (state === 'no-secret') return `${path} names Secret ${namespace}/${name}, which does not exist; create it with the key ${key}`;
  if (state === 'no-key') return `${path} names the key ${key} of Secret ${namespace}/${name}, which it does not have; add it`;
  return `Secret ${namespace}/${name} cannot be read: ${message}; try again`;
}

function judgeReach(prefix: string, source: SourceFacts, { now }: SourceContext): Check {
  const check = `${prefix}/reachable`;
  const { name, probe } = source;
  if (probe === undefined) return judgeReady(check, source, now);
  if (probe.ok) {
    const values = { version: probe.version, latencyMs: Math.round(probe.tookMs) };
    return ok(
      check,
      `MetricSource ${name} answers from here: version ${probe.version}, in ${Math.max(1, Math.round(probe.tookMs))} ms`,
      values,
    );
  }
  const { throughApiServer, problem } = probe;
  const from = 'from this machine, which need not reach it';
  if (throughApiServer === 'answers')
    return ok(check, `MetricSource ${name} answers through the API server, if not ${from}`, { throughApiServer });
  if (throughApiServer === 'refuses') {
    return ok(
      check,
      `MetricSource ${name} answers through the API server and asks for credentials, which are not sent that way; it does not answer ${from}`,
      { throughApiServer },
    );
  }
  const line = judgeReady(check, source, now);
  if (line.status === 'OK') return ok(check, `${line.message}; it does not answer ${from}`, line.values);
  return fail(check, `MetricSource ${name} does not answer: ${problem}; check spec.url, or whether it is reached from the cluster only`, {
    throughApiServer,
  });
}

/** A Prometheus that no longer scrapes answers on: with what it had last, then with nothing. */
function judgeAge(prefix: string, { name, probe }: SourceFacts, { now, maxAgeMs }: SourceContext): Check[] {
  if (probe?.ok !== true || probe.newest === undefined) return [];
  const check = `${prefix}/age`;
  const ageMs = Math.max(0, now - probe.newest);
  const values = { newestAgeSeconds: Math.round(ageMs / 1000) };
  if (ageMs <= maxAgeMs) return [ok(check, `the newest sample of MetricSource ${name} is ${seconds(ageMs)} old`, values)];
  return [
    fail(
      check,
      `the newest sample of MetricSource ${name} is ${seconds(ageMs)} old: it does not scrape any more; look at its log, and at its clock`,
      values,
    ),
  ];
}

/** What the running program says: it is in the cluster, this machine may not be. */
function judgeReady(check: string, { name, ready, raw, version }: SourceFacts, now: number): Check {
  const generation = (ready as { readonly observedGeneration?: number } | undefined)?.observedGeneration;
  const current = generation === undefined || raw.metadata.generation === undefined || generation === raw.metadata.generation;
  if (ready === undefined || !current) {
    const why = ready === undefined ? 'has no status' : 'was changed since the program looked at it';
    return skipped(
      check,
      `whether MetricSource ${name} answers is not known: it ${why}; --probe asks it from here, \`concertina run\` from the cluster`,
    );
  }
  const since = parseTime(ready.lastTransitionTime);
  const age = since === undefined ? '' : ` for ${seconds(Math.max(0, now - since))}`;
  const values = { ready: ready.status, reason: foreign(ready.reason, 60), version };
  if (ready.status === 'True') {
    return ok(check, `MetricSource ${name} answers the running program${age}${version === undefined ? '' : `: ${version}`}`, values);
  }
  const bad = ready.status === 'False' ? fail : warn;
  return bad(
    check,
    `MetricSource ${name} does not answer the running program${age} (${foreign(ready.reason, 60)}): ${foreign(ready.message, 300)}`,
    values,
  );
}

function judgeNamespaces(
  prefix: string,
  { allowedNamespaces }: MetricSourceSpec,
  context: SourceContext & { readonly name: string },
): Check {
  const check = `${prefix}/namespaces`;
  const { name, namespaces } = context;
  const { all = false, names = [] } = allowedNamespaces ?? {};
  if (all) return ok(check, `policies of all namespaces may use MetricSource ${name}`, { all: true });
  if (names.length === 0)
    return warn(check, `no namespace may use MetricSource ${name}; name those that may in spec.allowedNamespaces.names`, { names });
  const missing = namespaces === undefined ? [] : names.filter((each) => !namespaces.includes(each));
  if (missing.length > 0)
    return warn(
      check,
      `MetricSource ${name} allows namespaces that do not exist: ${listed(missing)}; correct spec.allowedNamespaces.names`,
      { names, missing },
    );
  return ok(check, `policies of ${listed(names)} may use MetricSource ${name}`, { names });
}
