import type { MetricQuery, PrometheusQuery } from '../../../core/model/metric-query.ts';
import type { QueryAnswer } from '../../../metrics-aggregator/index.ts';
import { confineQuery } from '../../../metrics-aggregator/index.ts';
import { boundedLines, counted, fail, ok, skipped, warn, type Check } from './check.ts';
import { foreign } from './foreign-text.ts';
import type { PolicyFacts } from './policies.ts';
import type { Reading } from './reading.ts';
import type { SourceFacts } from './sources.ts';

/** Metrics that policies ask of MetricSources: whether the source exists, allows the namespace, and the query can be confined to it. */
export function judgeSourceUse(policies: readonly PolicyFacts[], sources: Reading<readonly SourceFacts[]>, now: number): Check[] {
  const check = 'policies/metric-sources';
  const asked = policies.flatMap((policy) => policy.queries.flatMap((query) => (query.kind === 'prometheus' ? [{ policy, query }] : [])));
  if (asked.length === 0) return [];
  if (!sources.ok)
    return [skipped(check, `whether ${counted(asked.length, 'metric')} can be asked is not known: MetricSources cannot be read`)];
  const byName = new Map(sources.value.map((source) => [source.name, source]));
  const problems = asked.flatMap(({ policy, query }) => {
    const problem = useProblem(query, byName.get(query.source), now);
    if (problem === undefined) return [];
    return [fail(check, `${policy.name}: ${problem}`, { policy: policy.name, source: query.source, query: foreign(query.query, 200) })];
  });
  return boundedLines(problems, ok(check, `${counted(asked.length, 'metric')} of policies may be asked of their MetricSources`));
}

function useProblem({ source, namespace, query }: PrometheusQuery, facts: SourceFacts | undefined, now: number): string | undefined {
  if (facts === undefined)
    return `it asks MetricSource ${source}, which does not exist; create it, or correct spec.metrics[].prometheus.source`;
  if (!facts.parsed.ok) return `it asks MetricSource ${source}, which cannot be used: ${foreign(facts.parsed.problem, 200)}`;
  const { spec } = facts.parsed;
  const { all = false, names = [] } = spec.allowedNamespaces ?? {};
  if (!all && !names.includes(namespace)) {
    return `MetricSource ${source} does not allow namespace ${namespace}; an administrator can add it to spec.allowedNamespaces.names`;
  }
  const confined = confineQuery(query, {
    namespaceLabel: spec.tenancy?.namespaceLabel ?? 'namespace',
    namespace,
    maxRangeSeconds: spec.limits?.maxRangeSeconds ?? defaultMaxRangeSeconds,
    now,
  });
  return confined.ok ? undefined : `its query ${foreign(JSON.stringify(query), 120)} is refused: ${foreign(confined.problem, 300)}`;
}

const defaultMaxRangeSeconds = 86_400;

/** The answer to one query of a policy. */
export interface AskedQuery {
  readonly query: MetricQuery;
  readonly answer: QueryAnswer;
}

/** Who asks a query: one of them, when there are several. */
export type AskerOf = (query: MetricQuery) => { readonly name: string; readonly native: boolean };

/** Whether what policies ask of custom and external metrics (and, with a probe, of Prometheus) is really answered. */
export function judgeAnswers(
  asked: readonly AskedQuery[],
  { askerOf, left, now }: { readonly askerOf: AskerOf; readonly left: number; readonly now: number },
): Check[] {
  const check = 'policies/answers';
  if (asked.length === 0) return [];
  const problems = asked.flatMap(({ query, answer }) => {
    const { name: asker, native } = askerOf(query);
    const what = textOf(query);
    const bad = native ? warn : fail;
    const values = { policy: asker, metric: what };
    if (!answer.ok)
      return [
        bad(check, `${asker}: ${what} is not known (${answer.reason}): ${foreign(answer.detail, 300)}`, {
          ...values,
          reason: answer.reason,
        }),
      ];
    if (answer.series.length === 0) {
      const why = answer.invalid > 0 ? `${counted(answer.invalid, 'value')}, none of them a number` : 'without a value';
      return [
        bad(
          check,
          `${asker}: ${what} was answered ${why}; look whether the program that it describes runs, and at the labels of its series`,
          values,
        ),
      ];
    }
    const oldest = Math.round((now - Math.min(...answer.series.map(({ timestamp }) => timestamp))) / 1000);
    if (answer.warnings.length > 0) {
      return [
        warn(
          check,
          `${asker}: ${what} was answered in part only, good for growth and not for shrinking: ${foreign(answer.warnings.join('; '), 200)}`,
          values,
        ),
      ];
    }
    return oldest > staleSeconds
      ? [
          warn(check, `${asker}: a value of ${what} is ${oldest} s old; look at the program that serves it`, {
            ...values,
            ageSeconds: oldest,
          }),
        ]
      : [];
  });
  const more = left > 0 ? `; ${left} more were not asked` : '';
  return boundedLines(
    problems,
    ok(check, `${counted(asked.length, 'metric')} of policies were asked and answered${more}`, { asked: asked.length, notAsked: left }),
  );
}

/** `Pods metric http_requests`. */
function textOf(query: MetricQuery): string {
  switch (query.kind) {
    case 'pods':
      return `Pods metric ${foreign(query.metric, 80)}`;
    case 'object':
      return `metric ${foreign(query.metric, 80)} of ${foreign(query.object.kind, 60)} ${foreign(query.object.name, 80)}`;
    case 'external':
      return `External metric ${foreign(query.metric, 80)}`;
    case 'prometheus':
      return `the query ${foreign(JSON.stringify(query.query), 80)} of MetricSource ${foreign(query.source, 80)}`;
  }
}

/** Default of metrics.maxAge. */
const staleSeconds = 180;
