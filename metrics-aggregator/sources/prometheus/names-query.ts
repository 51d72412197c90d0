import { formatSeconds } from '../../promql/index.ts';
import type { FormFields } from '../http/index.ts';
import { failureOfAnswer, failureOfHttp, type ClientFailure } from './answer-failure.ts';
import { askApi } from './client-request.ts';
import { cleanText, parseEnvelope, type Envelope } from './envelope.ts';
import { flavourFields } from './flavour.ts';
import { strangeAnswer, type ClientContext } from './instant-query.ts';
import { isObject, labelsOf, type SeriesLabels } from './series-item.ts';

export interface NamesOptions {
  /** Selectors; what any of them matches. Absent: everything, where the API permits it. */
  readonly match?: readonly string[] | undefined;
  /** Epoch milliseconds. */
  readonly start?: number | undefined;
  readonly end?: number | undefined;
  /** More are refused; default 10,000. */
  readonly maxItems?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type ListAnswer<T> = { readonly ok: true; readonly items: readonly T[]; readonly warnings: readonly string[] } | ClientFailure;

const MAX_ITEMS = 10_000;

interface ListRequest<T> {
  readonly path: string;
  /** Names of one label are only told to a GET. */
  readonly get?: boolean;
  readonly itemName: string;
  readonly read: (value: unknown) => T | undefined;
}

/** Series that the selectors match, by their labels. */
export function askSeries(context: ClientContext, options: NamesOptions): Promise<ListAnswer<SeriesLabels>> {
  return askList(context, options, { path: '/api/v1/series', itemName: 'series', read: labelsOf });
}

export function askLabelNames(context: ClientContext, options: NamesOptions): Promise<ListAnswer<string>> {
  return askList(context, options, { path: '/api/v1/labels', itemName: 'labels', read: textOf });
}

export function askLabelValues(context: ClientContext, label: string, options: NamesOptions): Promise<ListAnswer<string>> {
  return askList(context, options, {
    path: `/api/v1/label/${encodeURIComponent(label)}/values`,
    get: true,
    itemName: `values of label ${cleanText(label, 60)}`,
    read: textOf,
  });
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

async function askList<T>(context: ClientContext, options: NamesOptions, request: ListRequest<T>): Promise<ListAnswer<T>> {
  const { type, limits } = context;
  const fields: FormFields = [
    ...(options.match ?? []).map((selector) => ['match[]', selector] as const),
    ...(options.start === undefined ? [] : [['start', formatSeconds(options.start)] as const]),
    ...(options.end === undefined ? [] : [['end', formatSeconds(options.end)] as const]),
    ...flavourFields({ type, options: context.options, use: 'names', maxSeries: limits.maxSeries }),
  ];
  const items: T[] = [];
  const answer = await askApi(context.http, context.name, {
    path: request.get === true ? withQuery(request.path, fields) : request.path,
    form: request.get === true ? undefined : fields,
    itemsAt: 'data',
    visit: (text) => {
      const item = request.read(parseJson(text));
      if (item !== undefined) items.push(item);
      return item !== undefined;
    },
    maxItems: options.maxItems ?? MAX_ITEMS,
    itemName: request.itemName,
    signal: options.signal,
  });
  return answer.ok ? { ok: true, items, warnings: answer.envelope.warnings } : answer;
}

function withQuery(path: string, fields: FormFields): string {
  const query = new URLSearchParams();
  for (const [name, value] of fields) query.append(name, value);
  return fields.length === 0 ? path : `${path}?${query.toString()}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What a server says of a metric; foreign text, cleaned. */
export interface MetricMetadata {
  readonly metric: string;
  readonly type: string;
  readonly help: string;
  readonly unit: string;
}

export async function askMetadata(
  context: ClientContext,
  options: { readonly metric?: string | undefined; readonly signal?: AbortSignal | undefined },
): Promise<ListAnswer<MetricMetadata>> {
  const path = withQuery('/api/v1/metadata', options.metric === undefined ? [] : [['metric', options.metric]]);
  const answer = await askObject(context, path, options.signal);
  if (!answer.ok) return answer;
  const { data, warnings } = answer.envelope;
  if (!isObject(data)) return strangeAnswer(context);
  const items: MetricMetadata[] = [];
  for (const [metric, entries] of Object.entries(data)) {
    const first: unknown = Array.isArray(entries) ? entries[0] : undefined;
    if (isObject(first)) items.push({ metric: cleanText(metric, 200), ...described(first) });
  }
  return { ok: true, items, warnings };
}

function described(entry: Readonly<Record<string, unknown>>): Pick<MetricMetadata, 'type' | 'help' | 'unit'> {
  const text = (key: string): string => {
    const value = entry[key];
    return typeof value === 'string' ? cleanText(value, 200) : '';
  };
  return { type: text('type'), help: text('help'), unit: text('unit') };
}

export type BuildInfoAnswer = { readonly ok: true; readonly version: string } | ClientFailure;

/** Version of the server. Servers that do not tell it (404) but answer queries have the version `unknown`. */
export async function askBuildInfo(context: ClientContext, signal: AbortSignal | undefined): Promise<BuildInfoAnswer> {
  const answer = await askObject(context, '/api/v1/status/buildinfo', signal);
  if (answer.ok) {
    const { data } = answer.envelope;
    const version = isObject(data) && typeof data['version'] === 'string' ? cleanText(data['version'], 60) : '';
    return { ok: true, version: version === '' ? 'unknown' : version };
  }
  if (answer.status !== 404 && answer.status !== 405) return answer;
  const one = await askApi(context.http, context.name, {
    path: '/api/v1/query',
    form: [['query', '1']],
    itemsAt: 'data.result',
    visit: () => true,
    maxItems: 2,
    itemName: 'series',
    signal,
  });
  return one.ok ? { ok: true, version: 'unknown' } : one;
}

async function askObject(
  { http, name }: ClientContext,
  path: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly ok: true; readonly envelope: Envelope } | ClientFailure> {
  const answer = await http.exchange({ path, signal });
  if (!answer.ok) return failureOfHttp(answer);
  const { status, retryAfterMs } = answer;
  const envelope = answer.json ? parseEnvelope(answer.body.toString()) : undefined;
  if (status !== 200 || envelope?.status === 'error') {
    return failureOfAnswer({ name, path: path.split('?', 1)[0] ?? path, status, envelope, retryAfterMs });
  }
  if (envelope !== undefined) return { ok: true, envelope };
  const detail = `the answer of MetricSource ${name} to ${path.split('?', 1)[0]} is not one of the Prometheus API: check url of the MetricSource`;
  return { ok: false, reason: 'invalid', detail, status };
}
