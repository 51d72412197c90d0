import type { CatalogueReport } from '../compose/sources/list-catalogue.ts';
import type { SourceList } from '../compose/sources/list-sources.ts';
import type { QueryReport, SelectorReport } from '../compose/sources/query-report.ts';
import { foreign } from '../compose/doctor/foreign-text.ts';
import { formatTable, printable } from './table.ts';

export function sourceListTable({ sources, problem }: SourceList): string {
  const columns = ['NAME', 'TYPE', 'AT', 'READY', 'REASON', 'VERSION', 'QUERIES', 'NAMESPACES'].map((heading) => ({ heading }));
  const rows = sources.map((source) => {
    const { name, type, at, ready, reason, version, queries, namespaces } = source;
    return [name, type, foreign(at, 80), ready, reason, version, queries === null ? '' : String(queries), foreign(namespaces, 60)];
  });
  const notes = sources.flatMap(({ name, ready, message }) => (ready === 'True' || message === '' ? [] : [`${name}: ${message}`]));
  if (problem !== null) notes.push(problem);
  return sections([formatTable(columns, rows), notes.map(printable).join('\n')]);
}

export function catalogueText({ queries, source, problem }: CatalogueReport): string {
  if (problem !== null) return `${printable(problem)}\n`;
  const entries = queries.map(({ name, unit, description, query, overridden, needs }) => {
    const from = overridden ? `, from MetricSource ${source ?? ''}` : '';
    const needed = needs.length === 0 ? '' : `\n  needs: ${needs.join(', ')}`;
    return `${name} (${unit}${from}): ${description}\n  ${query}${needed}`.split('\n').map(printable).join('\n');
  });
  return sections(entries);
}

/** Rows of values that a person is shown; the JSON has more. */
const mostRows = 50;

export function queryText(report: QueryReport): string {
  const { result, selectors } = report;
  const counts = selectors.length === 0 ? '' : selectorTable(selectors);
  const uncounted = report.notCounted > 0 ? [`and ${report.notCounted} more selectors, which were not counted`] : [];
  const hints = [...uncounted, ...selectors.flatMap(hintLines)].map(printable).join('\n');
  return sections([headLines(report).map(printable).join('\n'), counts, hints, result === null ? '' : valueTable(result)]);
}

function headLines(report: QueryReport): string[] {
  const { source, namespace, expression, query, range, ok, problem, reason, result, latencyMs, asPolicy, warnings } = report;
  const took = latencyMs === null ? '' : `, in ${Math.max(1, latencyMs)} ms`;
  const answer =
    ok && result !== null ? `${result.type} of ${result.series} series${took}` : `none (${reason ?? 'unknown'}): ${problem ?? ''}`;
  return [
    `Source:   ${source ?? 'the server of --url'}${namespace === null ? '' : `, as a policy of namespace ${namespace}`}`,
    query === null ? `Query:    ${expression} (not sent)` : `Query:    ${query}`,
    ...(range === null ? [] : [`Range:    ${range.start} to ${range.end}, every ${range.stepSeconds} s`]),
    `Answer:   ${answer}`,
    ...(asPolicy === null ? [] : [`Policy:   ${asPolicy.value ?? `no value: ${asPolicy.problem ?? ''}`}`]),
    ...warnings.map((warning) => `Warning:  ${foreign(warning, 300)} (a part may be missing: good for growth only)`),
  ];
}

function selectorTable(selectors: readonly SelectorReport[]): string {
  const age = (seconds: number | null): string => (seconds === null ? '' : `${Math.round(Math.max(0, seconds))} s`);
  const columns = [{ heading: 'MATCHES', align: 'right' as const }, { heading: 'NEWEST' }, { heading: 'OLDEST' }, { heading: 'SELECTOR' }];
  const rows = selectors.map(({ selector, series, newestAgeSeconds, oldestAgeSeconds }) => [
    series === null ? '?' : String(series),
    age(newestAgeSeconds),
    age(oldestAgeSeconds),
    foreign(selector, 300),
  ]);
  return formatTable(columns, rows);
}

/** What a person tries next where a selector matches nothing. */
function hintLines({ selector, series, problem, withoutMatcher, similarMetric }: SelectorReport): string[] {
  const shown = foreign(selector, 200);
  if (problem !== null) return [`${shown} could not be counted: ${foreign(problem, 300)}`];
  if (series !== 0) return [];
  if (withoutMatcher.length > 0) {
    return [
      `${shown} matches no series now;`,
      ...withoutMatcher.map(({ without, series: count }) => `  without ${foreign(without, 200)} it matches ${count}`),
    ];
  }
  const hint = similarMetric === null ? 'is the metric scraped, and its name right?' : `did you mean ${foreign(similarMetric, 200)}?`;
  return [`${shown} matches no series now, and there is none of that metric; ${hint}`];
}

function valueTable({ type, series, values, ranges }: NonNullable<QueryReport['result']>): string {
  if (type === 'string') return '';
  const rows =
    ranges.length > 0
      ? ranges.map(({ labels, points, first, last, min, max }) => [
          String(points),
          number(first),
          number(last),
          number(min),
          number(max),
          labelText(labels),
        ])
      : values.map(({ value, labels }) => [foreign(value, 40), labelText(labels)]);
  if (rows.length === 0) return '';
  const right = (heading: string): { readonly heading: string; readonly align: 'right' } => ({ heading, align: 'right' });
  const columns = [...(ranges.length > 0 ? ['POINTS', 'FIRST', 'LAST', 'MIN', 'MAX'] : ['VALUE']).map(right), { heading: 'LABELS' }];
  const more = series > mostRows ? `\nand ${series - Math.min(mostRows, rows.length)} more series; \`-o json\` has up to 500` : '';
  return `${formatTable(columns, rows.slice(0, mostRows))}${more}`;
}

function number(value: number | null): string {
  return value === null ? '' : String(Number(value.toPrecision(6)));
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return foreign(`{${pairs.map(([name, value]) => `${foreign(name, 60)}=${JSON.stringify(foreign(value, 60))}`).join(', ')}}`, 400);
}

function sections(parts: readonly string[]): string {
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}
