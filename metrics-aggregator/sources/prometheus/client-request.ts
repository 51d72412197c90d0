import { nextTurn } from '../../../core/kube/turn.ts';
import type { FormFields, GuardedHttp } from '../http/index.ts';
import { failureOfAnswer, failureOfHttp, type ClientFailure } from './answer-failure.ts';
import { parseEnvelope, type Envelope } from './envelope.ts';
import { createResultSplitter, type ItemsAt } from './result-splitter.kernel.ts';

/** Bytes that are looked at in one turn of the event loop, a few milliseconds. */
const BYTES_PER_TURN = 512 * 1024;

export interface ApiRequest {
  /** `/api/v1/query`; of a GET with its query. */
  readonly path: string;
  /** Absent: a GET. */
  readonly form?: FormFields | undefined;
  readonly itemsAt: ItemsAt;
  /** Called for each item of the answer, while it arrives. `false`: the item is not what it must be, and nor is the answer. */
  readonly visit: (item: string, index: number) => boolean;
  /** More are refused, and the rest is not read. */
  readonly maxItems: number;
  /** What the items are, for sentences: `series`, `values`. */
  readonly itemName: string;
  readonly maxBytes?: number | undefined;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type ApiAnswer = { readonly ok: true; readonly envelope: Envelope; readonly items: number } | ClientFailure;

/** Asks one question and reads the answer item by item. */
export async function askApi(http: GuardedHttp, name: string, request: ApiRequest): Promise<ApiAnswer> {
  let items = 0;
  let broken = false;
  const splitter = createResultSplitter(request.itemsAt, (item, index) => {
    items++;
    if (items <= request.maxItems && !broken) broken = !request.visit(item, index);
  });
  const answer = await http.exchange({
    path: request.path,
    form: request.form,
    signal: request.signal,
    maxBytes: request.maxBytes,
    timeoutMs: request.timeoutMs,
    onBody: async (piece) => {
      for (let at = 0; at < piece.length; at += BYTES_PER_TURN) {
        if (at > 0) await nextTurn();
        splitter.push(piece.subarray(at, at + BYTES_PER_TURN));
      }
      return items <= request.maxItems && !broken;
    },
  });
  if (!answer.ok) return failureOfHttp(answer);
  const path = request.path.split('?', 1)[0] ?? '';
  const failed = { name, path, status: answer.status, retryAfterMs: answer.retryAfterMs };
  if (answer.status !== 200)
    return failureOfAnswer({ ...failed, envelope: answer.json ? parseEnvelope(answer.body.toString()) : undefined });
  if (items > request.maxItems) {
    const detail = `MetricSource ${name} answered with more than ${request.maxItems} ${request.itemName}: select less, or raise limits.maxSeries of the MetricSource`;
    return { ok: false, reason: 'refused', detail, status: 200 };
  }
  const end = splitter.end();
  const envelope = broken ? undefined : parseEnvelope(end.envelope);
  if (envelope?.status === 'error') return failureOfAnswer({ ...failed, envelope });
  if (envelope === undefined && !broken && !end.complete) {
    return {
      ok: false,
      reason: 'partial',
      detail: `the answer of MetricSource ${name} to ${path} is cut short after ${items} ${request.itemName}`,
      status: 200,
      transient: true,
    };
  }
  if (envelope === undefined) {
    const detail = `the answer of MetricSource ${name} to ${path} is not one of the Prometheus API: check url of the MetricSource`;
    return { ok: false, reason: 'invalid', detail, status: 200 };
  }
  return { ok: true, envelope, items };
}
