import { labelName } from '../promql/aggregate.ts';
import { PromqlSyntaxError } from '../promql/ast.ts';
import { parseMatch } from '../promql/parse.ts';
import { Labels, compareText } from '../storage/labels.ts';
import type { Matchers } from '../storage/matcher.ts';
import type { Series } from '../storage/series.kernel.ts';
import { ApiError } from './api-error.ts';
import type { Exchange } from './exchange.ts';
import { optionalTime } from './parameters.ts';

/** `/api/v1/series`. */
export function seriesList(exchange: Exchange): string {
  const texts = exchange.parameters.getAll('match[]');
  if (texts.length === 0) throw new ApiError('bad_data', 'no match[] parameter provided');
  const matches = matchersOf(texts, 'match[]');
  const found = [...selected(exchange, matches)].map(({ labels }) => labels).sort((left, right) => Labels.compare(left, right));
  return JSON.stringify(found.map((labels) => labels.toRecord()));
}

/** `/api/v1/labels`. */
export function labelNames(exchange: Exchange): string {
  const names = new Set<string>();
  for (const { labels } of selected(exchange, optionalMatchers(exchange))) for (const [name] of labels.entries()) names.add(name);
  return JSON.stringify([...names].sort(compareText));
}

/** `/api/v1/label/<name>/values`. */
export function labelValues(exchange: Exchange): string {
  const { name } = exchange;
  if (!labelName.test(name)) throw new ApiError('bad_data', `invalid label name: ${quotedName(name)}`);
  const values = new Set<string>();
  for (const { labels } of selected(exchange, optionalMatchers(exchange))) {
    const value = labels.get(name);
    if (value !== '') values.add(value);
  }
  return JSON.stringify([...values].sort(compareText));
}

/** Bytes that are no UTF-8 came in as U+FFFD; Go shows the byte, which is not known any more here. */
function quotedName(name: string): string {
  return JSON.stringify(name);
}

/** `/api/v1/metadata`. */
export function metadataMap({ parameters, server }: Exchange): string {
  const text = parameters.get('limit') ?? '';
  if (text !== '' && !/^[+-]?\d+$/.test(text)) throw new ApiError('bad_data', 'limit must be a number');
  const limit = text === '' ? -1 : Number(text);
  const metric = parameters.get('metric') ?? '';
  const entries = [...server.metadata].filter(([name]) => metric === '' || name === metric);
  const shown = limit >= 0 ? entries.slice(0, limit) : entries;
  return JSON.stringify(
    Object.fromEntries(
      shown.sort(([left], [right]) => compareText(left, right)).map(([name, { type, help }]) => [name, [{ type, help, unit: '' }]]),
    ),
  );
}

function optionalMatchers({ parameters }: Exchange): readonly Matchers[] {
  return matchersOf(parameters.getAll('match[]'), undefined);
}

/** `parameter` names it in complaints about syntax, which not all endpoints do. */
function matchersOf(texts: readonly string[], parameter: 'match[]' | undefined): readonly Matchers[] {
  const matches = texts.map((text) => {
    try {
      return parseMatch(text);
    } catch (error) {
      if (!(error instanceof PromqlSyntaxError)) throw error;
      throw parameter === undefined ? new ApiError('bad_data', error.message) : ApiError.badParameter(parameter, error.message);
    }
  });
  const why = 'match[] must contain at least one non-empty matcher';
  if (matches.some((matchers) => matchers.every((matcher) => matcher.matches('')))) {
    throw parameter === undefined ? new ApiError('bad_data', why) : ApiError.badParameter(parameter, why);
  }
  return matches;
}

/** Series of any of the matchers (all, without matchers) that have samples between `start` and `end`. */
function selected({ parameters, server }: Exchange, matches: readonly Matchers[]): Set<Series> {
  const from = optionalTime(parameters, 'start', Number.NEGATIVE_INFINITY);
  const to = optionalTime(parameters, 'end', Number.POSITIVE_INFINITY);
  const found = new Set<Series>();
  for (const matchers of matches.length === 0 ? [[]] : matches) {
    for (const series of server.store.selectBetween(matchers, from, to)) found.add(series);
  }
  return found;
}
