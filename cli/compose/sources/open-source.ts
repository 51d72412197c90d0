import { createSecretReader, metricSourceSpec, parseMetricSource, type MetricSourceSpec } from '../../../metrics-aggregator/index.ts';
import { isConcertinaError, messageOf } from '../../../core/errors.ts';
import { isNotFound, type KubeClient } from '../../../core/kube/index.ts';
import type { Clock } from '../../../core/model/clock.ts';
import { resourceTypes, type KubeObject } from '../../../core/model/object.ts';
import { nearest } from '../../../core/runtime/nearest.ts';
import { foreign } from '../doctor/foreign-text.ts';
import { prometheusSourceFromSpec, resolveSecrets, type PrometheusFromSpec } from '../../../metrics-aggregator/index.ts';

export type OpenSource =
  | { readonly ok: true; readonly spec: MetricSourceSpec; readonly prometheus: PrometheusFromSpec }
  | { readonly ok: false; readonly problem: string };

/** The spec of a MetricSource by name, or one sentence why there is none. */
export async function readSpec(
  client: KubeClient,
  name: string,
): Promise<{ readonly ok: true; readonly spec: MetricSourceSpec } | { readonly ok: false; readonly problem: string }> {
  let raw: KubeObject;
  try {
    raw = await client.get(resourceTypes.metricSources, { name });
  } catch (error) {
    if (!isConcertinaError(error)) throw error;
    if (isNotFound(error)) return { ok: false, problem: await notFoundText(client, name) };
    return { ok: false, problem: `MetricSource ${foreign(name, 80)} cannot be read: ${foreign(messageOf(error), 300)}` };
  }
  const parsed = parseMetricSource(raw);
  return parsed.ok ? parsed : { ok: false, problem: `MetricSource ${name} is invalid: ${foreign(parsed.problem, 400)}` };
}

async function notFoundText(client: KubeClient, name: string): Promise<string> {
  const names = await client.list(resourceTypes.metricSources).then(
    ({ items }) => items.map(({ metadata }) => metadata.name),
    () => [],
  );
  const similar = nearest(name, names);
  const hint = similar === undefined ? '' : ` (did you mean ${similar}?)`;
  return `there is no MetricSource ${foreign(name, 80)}${hint}; \`concertina sources list\` shows those that there are`;
}

/** A MetricSource of the cluster with its credentials, ready to be asked from here. */
export async function openNamed(
  name: string,
  options: { readonly client: KubeClient; readonly clock: Clock; readonly secretNamespace: string },
): Promise<OpenSource> {
  const { client, clock, secretNamespace } = options;
  const read = await readSpec(client, name);
  if (!read.ok) return read;
  const secrets = await resolveSecrets(read.spec, createSecretReader(client, secretNamespace));
  if (!secrets.ok) return { ok: false, problem: `MetricSource ${name}: ${secrets.problem}` };
  return opened(name, read.spec, { clock, secrets: secrets.secrets });
}

/** A server that no MetricSource declares, and that is reached from here without credentials: a port-forward. */
export function openUrl(url: string, options: { readonly clock: Clock; readonly type: MetricSourceSpec['type'] }): OpenSource {
  const spec = metricSourceSpec.safeParse({ type: options.type, url, plainHttp: true, network: { allowLoopback: true } });
  if (!spec.success)
    return {
      ok: false,
      problem: `--url "${foreign(withoutCredentials(url), 120)}" is not a base URL; write http://HOST:PORT[/PATH], without /api/v1, query and credentials`,
    };
  return opened('of --url', spec.data, { clock: options.clock, secrets: { credentials: {}, tls: {} } });
}

function opened(
  name: string,
  spec: MetricSourceSpec,
  { clock, secrets }: { readonly clock: Clock; readonly secrets: Parameters<typeof prometheusSourceFromSpec>[2] },
): OpenSource {
  const result = prometheusSourceFromSpec(name, spec, secrets, { clock });
  if (!result.ok) return { ok: false, problem: `MetricSource ${name}: ${result.problem}` };
  return { ok: true, spec, prometheus: result.prometheus };
}

/** What stands before an @ is a secret that somebody gave away once already. */
function withoutCredentials(url: string): string {
  return url.replace(/\/\/.*@/, '//…@');
}
