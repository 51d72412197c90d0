import type { UnknownReason } from '../../../core/model/sample.ts';
import type { HttpFailure, HttpFailureKind } from '../http/index.ts';
import type { SourceFailure } from '../source.ts';
import type { Envelope } from './envelope.ts';

/** What a server has a limit of, where it refuses a question for being too large. */
export type ServerLimit = 'points' | 'samples' | 'series' | 'length' | 'bytes';

/** A failure of a question to a Prometheus. */
export interface ClientFailure extends SourceFailure {
  /** HTTP status; absent when no answer came. */
  readonly status?: number | undefined;
  /** The question is too large for the server, or its answer for us: in smaller pieces it may be answered. */
  readonly limit?: ServerLimit | undefined;
}

export interface FailedAnswer {
  /** Of the MetricSource. */
  readonly name: string;
  /** Of the API, for the sentence. */
  readonly path: string;
  readonly status: number;
  /** Absent when the answer was not JSON in Prometheus's envelope. */
  readonly envelope: Envelope | undefined;
  readonly retryAfterMs: number | undefined;
}

/**
 * The failure that a status other than 200, or an error envelope, stands for (metrics specification §A.7 and §A.8). Only the error text of Prometheus's own
 * envelope is told, cleaned and cut; nothing of any other body is.
 */
export function failureOfAnswer(answer: FailedAnswer): ClientFailure {
  const { name, status, envelope, retryAfterMs } = answer;
  const limit = envelope && limitOf(envelope.error);
  return {
    ok: false,
    status,
    ...(limit !== undefined && { limit }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...meaningOf(answer, limit, { who: `MetricSource ${name}`, said: saidBy(envelope) }),
  };
}

function saidBy(envelope: Envelope | undefined): string {
  if (envelope === undefined || envelope.error === '') return '';
  return envelope.errorType === '' ? `: ${envelope.error}` : `: ${envelope.errorType}: ${envelope.error}`;
}

/** Statuses with which a server says that the question is at fault. */
const badQuestion: ReadonlySet<number> = new Set([400, 404, 405, 406, 413, 414, 422]);

type Meaning = Pick<ClientFailure, 'reason' | 'detail' | 'transient'>;

function meaningOf(answer: FailedAnswer, limit: ServerLimit | undefined, { who, said }: { who: string; said: string }): Meaning {
  const { name, status, envelope, path } = answer;
  switch (status) {
    case 401:
    case 403:
      return { reason: 'refused', detail: `${who} refused our credentials (${status}): check auth of MetricSource ${name}` };
    case 429: {
      const remedy = 'lower limits.queriesPerMinute of the MetricSource';
      return { reason: 'source-unavailable', detail: `${who} is asked too often (429)${said}: ${remedy}` };
    }
    case 200:
      return { reason: 'source-unavailable', detail: `${who} answered with an error${said}`, transient: true };
    default:
      break;
  }
  if (status === 404 && envelope === undefined) {
    return { reason: 'source-absent', detail: `${who} does not know ${path} (404): check url of the MetricSource, and its path` };
  }
  if (badQuestion.has(status)) return { reason: questionReason(answer, limit), detail: `${who} refused the query (${status})${said}` };
  if (status >= 500 || status === 408 || status === 499) {
    return { reason: 'source-unavailable', detail: `${who} could not answer (${status})${said}`, transient: true };
  }
  return {
    reason: 'invalid',
    detail: `${who} answered with status ${status}, which the Prometheus API does not have: check url of the MetricSource`,
  };
}

/** A bad question stays bad; an execution error (two series where one must be) may be gone with the next sample. */
function questionReason({ status, envelope }: FailedAnswer, limit: ServerLimit | undefined): UnknownReason {
  return limit !== undefined || status !== 422 || envelope === undefined ? 'refused' : 'invalid';
}

/** Texts of Prometheus, Thanos, Mimir and VictoriaMetrics about limits, in the order in which they are looked for. */
const limitTexts: readonly (readonly [ServerLimit, RegExp])[] = [
  ['points', /maximum resolution|points per timeseries|too many points|maxPoints/i],
  ['length', /max-(?:total-)?query-length|query (?:time range|length) exceeds|range exceeds the limit|maxQueryDuration/i],
  ['samples', /too many samples|max(?:imum)? (?:number of )?samples|samples limit|maxSamples|limit of samples/i],
  [
    'series',
    /max-(?:fetched-)?series|max-chunks|maximum number of (?:series|chunks)|too many (?:series|chunks)|series limit|maxUniqueTimeseries|cannot select more than|exceeded (?:series|chunks?) limit/i,
  ],
  ['bytes', /max-(?:fetched-chunk-bytes|estimated)|estimated memory|memory limit|maxMemoryPerQuery|response (?:is )?too large/i],
];

export function limitOf(error: string): ServerLimit | undefined {
  return limitTexts.find(([, pattern]) => pattern.test(error))?.[0];
}

const reasons: Readonly<Record<HttpFailureKind, UnknownReason>> = {
  'address-refused': 'refused',
  unreachable: 'source-unavailable',
  tls: 'source-unavailable',
  timeout: 'source-unavailable',
  cancelled: 'source-unavailable',
  'too-large': 'partial',
  redirect: 'source-unavailable',
  'not-json': 'invalid',
  broken: 'source-unavailable',
  closed: 'source-unavailable',
};

/** The failure of a request that got no answer of the API. */
export function failureOfHttp(failure: HttpFailure): ClientFailure {
  const { kind, detail, status, transient } = failure;
  return {
    ok: false,
    reason: reasons[kind],
    detail,
    transient,
    ...(status !== undefined && { status }),
    ...(kind === 'too-large' && { limit: 'bytes' as const }),
  };
}
