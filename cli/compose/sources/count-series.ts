import { nearest } from '../../../core/runtime/nearest.ts';
import { someAtOnce } from '../doctor/reading.ts';
import { parseFloatText, type PrometheusClient } from '../../../metrics-aggregator/index.ts';
import { loosen, metricOf } from './selector-parts.ts';

/** How many series a selector of the query matches now, and how old their newest samples are. */
export interface SelectorCount {
  readonly selector: string;
  /** `undefined` when it could not be counted: `problem` says why. */
  readonly series: number | undefined;
  /** Of the newest samples of the series, milliseconds. */
  readonly newestAgeMs: number | undefined;
  readonly oldestAgeMs: number | undefined;
  readonly problem: string | undefined;
  /** Where none matches: what would match with less. */
  readonly loosened: readonly { readonly without: string; readonly series: number }[];
  /** Where there is no such metric at all: one with a name like it. */
  readonly similar: string | undefined;
}

/** Selectors of one query that are counted: hundreds would become a flood. */
export const mostSelectors = 20;
const atOnce = 4;
const mostLetters = 200;

/** Counts what each selector matches, as the server has it now: this answers why a query is answered with nothing. */
export function countSeries(client: PrometheusClient, selectors: readonly string[]): Promise<readonly SelectorCount[]> {
  return someAtOnce(selectors.slice(0, mostSelectors), atOnce, (selector) => countOne(client, selector));
}

async function countOne(client: PrometheusClient, selector: string): Promise<SelectorCount> {
  const none = { newestAgeMs: undefined, oldestAgeMs: undefined, loosened: [], similar: undefined };
  const count = await number(client, `count(${selector})`);
  if (!count.ok) return { selector, series: undefined, problem: count.problem, ...none };
  if (count.value === undefined) return { selector, series: 0, problem: undefined, ...none, ...(await whyNone(client, selector)) };
  const [newest, oldest] = await Promise.all([
    number(client, `max(timestamp(${selector}))`),
    number(client, `min(timestamp(${selector}))`),
  ]);
  // Both times are the server's own: a clock that is wrong here makes nothing older.
  const ageOf = (answer: NumberAnswer): number | undefined =>
    answer.ok && answer.value !== undefined ? answer.at - answer.value * 1000 : undefined;
  return { ...none, selector, series: count.value, problem: undefined, newestAgeMs: ageOf(newest), oldestAgeMs: ageOf(oldest) };
}

async function whyNone(client: PrometheusClient, selector: string): Promise<Pick<SelectorCount, 'loosened' | 'similar'>> {
  const counts = await someAtOnce(loosen(selector), atOnce, async ({ without, selector: text }) => {
    const count = await number(client, `count(${text})`);
    return { without, series: count.ok ? (count.value ?? 0) : 0 };
  });
  const loosened = counts.filter(({ series }) => series > 0);
  return { loosened, similar: loosened.length > 0 ? undefined : await similarName(client, metricOf(selector)) };
}

async function similarName(client: PrometheusClient, metric: string | undefined): Promise<string | undefined> {
  if (metric === undefined) return undefined;
  const names = await client.labelValues('__name__');
  if (!names.ok || names.items.includes(metric)) return undefined;
  // A name as long as a page is nobody's misspelling, and takes as long to compare.
  return nearest(
    metric,
    names.items.filter((name) => name.length <= mostLetters),
  );
}

/** `value` is `undefined` when the answer is empty. */
type NumberAnswer =
  | { readonly ok: true; readonly value: number | undefined; /** Of the evaluation, epoch milliseconds. */ readonly at: number }
  | { readonly ok: false; readonly problem: string };

async function number(client: PrometheusClient, query: string): Promise<NumberAnswer> {
  const answer = await client.instant(query);
  if (!answer.ok) return { ok: false, problem: answer.detail };
  const [first] = answer.series;
  const value = first === undefined ? undefined : parseFloatText(first.value);
  return { ok: true, value: value !== undefined && Number.isFinite(value) ? value : undefined, at: first?.timestamp ?? 0 };
}
