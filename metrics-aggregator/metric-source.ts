import type { KubeObject } from '../core/model/object.ts';
import { problemsText, schemaProblems, type SchemaProblem } from '../core/model/schema-problems.ts';
import { metricSourceSpec, type MetricSourceSpec } from './metric-source-schema.ts';

export type MetricSourceResult = { readonly ok: true; readonly spec: MetricSourceSpec } | { readonly ok: false; readonly problem: string };

/** Reads the spec of a MetricSource; what is wrong is one sentence with path, value and remedy. */
export function parseMetricSource(raw: KubeObject): MetricSourceResult {
  if (typeof raw.spec !== 'object' || raw.spec === null) return { ok: false, problem: 'spec: is required; add it' };
  const parsed = metricSourceSpec.safeParse(raw.spec);
  if (!parsed.success) return { ok: false, problem: problemsText(schemaProblems(parsed.error.issues, raw.spec)) };
  const problems = crossProblems(parsed.data);
  return problems.length === 0 ? { ok: true, spec: parsed.data } : { ok: false, problem: problemsText(problems) };
}

/** The CEL rules of the schema once more, for objects that were stored before them. */
function crossProblems({ url, plainHttp, auth }: MetricSourceSpec): SchemaProblem[] {
  const problems: SchemaProblem[] = [];
  if (!url.startsWith('https://') && plainHttp !== true) {
    problems.push({ path: 'spec.url', message: `"${url}" begins with http://; use https:// or set spec.plainHttp to true` });
  }
  if (auth?.bearer !== undefined && auth.basic !== undefined) {
    problems.push({ path: 'spec.auth', message: 'has bearer and basic, which are the same header; remove one' });
  }
  for (const [index, { value, secretRef }] of (auth?.headers ?? []).entries()) {
    if ((value === undefined) === (secretRef === undefined)) {
      problems.push({ path: `spec.auth.headers[${index}]`, message: 'set exactly one of value and secretRef' });
    }
  }
  return problems;
}
