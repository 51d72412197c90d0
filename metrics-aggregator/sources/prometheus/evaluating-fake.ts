import { parseQuery, type LabelMatcher } from '../../promql/index.ts';
import type { FormFields, GuardedHttp, HttpAnswer, HttpRequest } from '../http/index.ts';

/** One series of the fake: present where `value` gives a number. */
export interface FakeSeries {
  readonly labels: Readonly<Record<string, string>>;
  value(at: number): number | undefined;
}

export interface FakeLimits {
  /** Points of one series: 400 beyond. */
  readonly points?: number;
  /** Points of all series: 422 beyond. */
  readonly samples?: number;
  /** 422 beyond. */
  readonly series?: number;
}

export interface EvaluatingFake {
  readonly http: GuardedHttp;
  readonly requests: HttpRequest[];
  readonly queries: FormFields[];
  /** Requests that were being answered at the same time, at most. */
  readonly mostAtOnce: number;
  evaluate(
    query: string,
    range: { start: number; end: number; step: number },
  ): readonly { labels: Readonly<Record<string, string>>; points: readonly [number, number][] }[];
}

/**
 * A Prometheus that evaluates a little PromQL for the tests of range queries: one selector, `sum by (…) (selector)`, `sum(selector)`, `selector @ time`. It
 * refuses what is over its limits in the words of the real ones.
 */
export function evaluatingFake(series: readonly FakeSeries[], limits: FakeLimits = {}): EvaluatingFake {
  const requests: HttpRequest[] = [];
  const queries: FormFields[] = [];
  let atOnce = 0;
  let mostAtOnce = 0;

  const evaluate: EvaluatingFake['evaluate'] = (query, range) => {
    const parsed = parseQuery(query);
    if (!parsed.ok) throw new Error(parsed.problem);
    const { text, selectors } = parsed.query;
    const keep = groupingOf(text);
    const fixed = fixedTime(text, range);
    const groups = new Map<string, { labels: Record<string, string>; points: Map<number, number> }>();
    for (const each of selected(series, selectors[0]?.matchers ?? [])) {
      const labels = Object.fromEntries(Object.entries(each.labels).filter(([name]) => keep === undefined || keep.includes(name)));
      const key = JSON.stringify(labels);
      const group = groups.get(key) ?? { labels, points: new Map<number, number>() };
      groups.set(key, group);
      for (let time = range.start; time <= range.end; time += range.step) {
        const value = each.value(fixed ?? time);
        if (value !== undefined) group.points.set(time, (group.points.get(time) ?? 0) + value);
      }
    }
    return [...groups.values()]
      .filter(({ points }) => points.size > 0)
      .map(({ labels, points }) => ({ labels, points: [...points].toSorted(([a], [b]) => a - b) }));
  };

  const answerRange = (form: FormFields): HttpAnswer | { status: number; error: string } | { body: string } => {
    const field = (name: string): string => form.find(([key]) => key === name)?.[1] ?? '';
    const [start = 0, end = 0, step = 1] = ['start', 'end', 'step'].map((name) => Math.round(Number(field(name)) * 1000));
    const points = Math.floor((end - start) / step) + 1;
    if (points > (limits.points ?? Infinity))
      return {
        status: 400,
        error: 'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)',
      };
    const parsed = parseQuery(field('query'));
    const touched = parsed.ok ? selected(series, parsed.query.selectors[0]?.matchers ?? []).length : 0;
    if (touched > (limits.series ?? Infinity))
      return { status: 422, error: 'the query exceeded the maximum number of series (limit: 5 series) (err-mimir-max-series-per-query)' };
    if (touched * points > (limits.samples ?? Infinity))
      return { status: 422, error: 'query processing would load too many samples into memory in query execution' };
    const result = evaluate(field('query'), { start, end, step }).map(({ labels, points: list }) => ({
      metric: labels,
      values: list.map(([time, value]) => [time / 1000, String(value)]),
    }));
    return { body: JSON.stringify({ status: 'success', data: { resultType: 'matrix', result } }) };
  };

  const answerValues = (path: string): { body: string } => {
    const url = new URL(path, 'http://fake');
    const label = decodeURIComponent(url.pathname.split('/')[4] ?? '');
    const parsed = parseQuery(url.searchParams.get('match[]') ?? '');
    const found = parsed.ok ? selected(series, parsed.query.selectors[0]?.matchers ?? []) : [];
    const values = [...new Set(found.flatMap(({ labels }) => (labels[label] === undefined ? [] : [labels[label]])))].toSorted();
    return { body: JSON.stringify({ status: 'success', data: values }) };
  };

  return {
    requests,
    queries,
    evaluate,
    get mostAtOnce() {
      return mostAtOnce;
    },
    http: {
      exchange: async (request) => {
        requests.push(request);
        mostAtOnce = Math.max(mostAtOnce, ++atOnce);
        await Promise.resolve();
        if (request.form !== undefined) queries.push(request.form);
        const result = request.form === undefined ? answerValues(request.path) : answerRange(request.form);
        atOnce--;
        if ('error' in result) {
          const body = Buffer.from(
            JSON.stringify({ status: 'error', errorType: result.status === 400 ? 'bad_data' : 'execution', error: result.error }),
          );
          return { ok: true, status: result.status, body, json: true, retryAfterMs: undefined };
        }
        if ('body' in result && typeof result.body === 'string') await request.onBody?.(Buffer.from(result.body));
        return { ok: true, status: 200, body: Buffer.alloc(0), json: true, retryAfterMs: undefined };
      },
      close: () => Promise.resolve(),
    },
  };
}

/** Labels that a sum keeps; `undefined` where there is no sum. */
function groupingOf(text: string): readonly string[] | undefined {
  const sum = /^sum( by \(([^)]*)\))? ?\(/.exec(text);
  return sum === null ? undefined : (sum[2] ?? '').split(',').map((name) => name.trim());
}

function fixedTime(text: string, { start, end }: { readonly start: number; readonly end: number }): number | undefined {
  const at = /@ ?([-\d.]+|start\(\)|end\(\))/.exec(text)?.[1];
  if (at === 'start()') return start;
  if (at === 'end()') return end;
  return at === undefined ? undefined : Number(at) * 1000;
}

/** Regular expressions of Prometheus are anchored. */
function selected(series: readonly FakeSeries[], matchers: readonly LabelMatcher[]): FakeSeries[] {
  return series.filter(({ labels }) =>
    matchers.every(({ name, op, value }) => {
      const actual = labels[name] ?? '';
      const equal = op === '=' || op === '!=' ? actual === value : new RegExp(`^(?:${value})$`).test(actual);
      return equal === (op === '=' || op === '=~');
    }),
  );
}
