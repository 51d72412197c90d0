import type { SourceFailure } from '../source.ts';
import type { PrometheusClient } from './prometheus-client.ts';

/** Time of the newest sample that the server took in, epoch milliseconds; `undefined` when it has no `up` series to tell by. */
export type HeartbeatAnswer = { readonly ok: true; readonly newest: number | undefined } | SourceFailure;

/** Every scrape, also one that fails, writes `up`. */
const QUERY = 'max(timestamp(up))';

export async function askHeartbeat(client: PrometheusClient, signal: AbortSignal): Promise<HeartbeatAnswer> {
  const answer = await client.instant(QUERY, { signal });
  if (!answer.ok) return answer;
  const text = answer.series[0]?.value;
  const seconds = text === undefined ? Number.NaN : Number(text);
  return { ok: true, newest: Number.isFinite(seconds) ? seconds * 1000 : undefined };
}
