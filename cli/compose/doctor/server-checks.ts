import { errorCodes, isConcertinaError, messageOf } from '../../../core/errors.ts';
import { answerInvalid, errorFromAnswer, type KubeClient } from '../../../core/kube/index.ts';
import type { Clock } from '../../../core/model/clock.ts';
import { fail, ok, skipped, warn, type Check } from './check.ts';
import { foreign } from './foreign-text.ts';

/** What a few requests for `/version` told. */
export type ServerFacts =
  | {
      readonly reached: true;
      readonly server: string;
      /** `v1.31.2`; `undefined` when it may not be read. */
      readonly version: string | undefined;
      /** Of each request, milliseconds. */
      readonly latenciesMs: readonly number[];
      /** The server's clock less this machine's, milliseconds, from the Date header; `undefined` when there was none. */
      readonly skewMs: number | undefined;
    }
  | { readonly reached: false; readonly server: string; readonly problem: string };

const requests = 5;
const timeoutMs = 5_000;

/** Asks for the version a few times: the first answer pays for the connection. */
export async function readServer(client: KubeClient, clock: Clock): Promise<ServerFacts> {
  const { server } = client;
  const latenciesMs: number[] = [];
  let version: string | undefined;
  let skewMs: number | undefined;
  try {
    for (let count = 0; count < requests; count++) {
      const sentAt = clock.monotonic();
      const request = { method: 'GET', path: '/version', timeoutMs } as const;
      const answer = await client.raw(request);
      const tookMs = clock.monotonic() - sentAt;
      if (answer.status >= 500) throw errorFromAnswer(answer, request);
      const said = versionOf(answer.body);
      if (said === undefined && answer.status === 200) throw answerInvalid(answer, request);
      version = said?.gitVersion ?? version;
      // A date is cut to the second, so on average half of one is missing; the answer was on its way for half of the time.
      const date = Date.parse(answer.headers['date'] ?? '');
      if (!Number.isNaN(date)) skewMs = date + 500 - (clock.now() - tookMs / 2);
      latenciesMs.push(tookMs);
    }
  } catch (error) {
    if (!isConcertinaError(error)) throw error;
    const { remedy } = errorCodes[error.code];
    return {
      reached: false,
      server,
      problem: `${foreign(messageOf(error), 300).replace(/\.$/, '')}; ${remedy.charAt(0).toLowerCase()}${remedy.slice(1)}`,
    };
  }
  return { reached: true, server, version, latenciesMs, skewMs };
}

function versionOf(body: Buffer): { readonly gitVersion: string | undefined } | undefined {
  try {
    const value = JSON.parse(body.toString('utf8')) as { readonly gitVersion?: unknown } | null;
    if (typeof value !== 'object' || value === null) return undefined;
    return { gitVersion: typeof value.gitVersion === 'string' ? foreign(value.gitVersion, 40) : undefined };
  } catch {
    return undefined;
  }
}

/** Rules in CRDs are CEL with functions that 1.29 was the first to have for good. */
const leastMinor = 29;
/** HTTP dates are cut to the second. */
export const negligibleSkewMs = 2_000;
/** Above it a lease is renewed too late, now and then. */
const slowMs = 1_000;

export function judgeServer(facts: ServerFacts): Check[] {
  const { server } = facts;
  if (!facts.reached)
    return [fail('api-server/reachable', facts.problem.startsWith(server) ? facts.problem : `${server}: ${facts.problem}`, { server })];
  return [
    ok('api-server/reachable', `${server} answers`, { server }),
    judgeVersion(facts.version),
    judgeClock(facts.skewMs),
    judgeLatency(facts.latenciesMs),
  ];
}

function judgeVersion(version: string | undefined): Check {
  const check = 'api-server/version';
  if (version === undefined) return skipped(check, 'the version may not be read; Concertina needs Kubernetes 1.29 or newer');
  const [, major = '', minor = ''] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  if (major === '')
    return warn(check, `"${version}" is not a version that can be compared; Concertina needs Kubernetes 1.29 or newer`, { version });
  if (Number(major) > 1 || (Number(major) === 1 && Number(minor) >= leastMinor)) return ok(check, `Kubernetes ${version}`, { version });
  return fail(check, `Kubernetes ${version} is too old for the rules of the CRDs (CEL); upgrade to 1.29 or newer`, { version });
}

function judgeClock(skewMs: number | undefined): Check {
  const check = 'api-server/clock';
  if (skewMs === undefined) return skipped(check, 'the API server sends no Date header: its clock cannot be compared');
  const values = { skewSeconds: Math.round(skewMs / 100) / 10 };
  const size = Math.abs(skewMs);
  if (size < negligibleSkewMs) return ok(check, 'this machine and the API server agree on the time, to the second', values);
  const apart = `this machine is ${seconds(size)} ${skewMs > 0 ? 'behind' : 'ahead of'} the API server`;
  return warn(check, `${apart}; set its clock (NTP): ages here are counted by the API server's, certificates and tokens are not`, values);
}

function judgeLatency(latenciesMs: readonly number[]): Check {
  const check = 'api-server/latency';
  // Without the first, which made the connection.
  const sorted = latenciesMs.slice(1).toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? latenciesMs[0] ?? 0;
  const worst = Math.max(...latenciesMs);
  const values = { medianMs: Math.round(median * 10) / 10, worstMs: Math.round(worst * 10) / 10, requests: latenciesMs.length };
  const text = `${latenciesMs.length} requests took ${ms(median)} in the middle, ${ms(worst)} at most`;
  if (median < slowMs) return ok(check, text, values);
  return warn(check, `${text}; look at the load of the API server and the way to it: leases and decisions come late`, values);
}

function ms(value: number): string {
  return value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`;
}

/** `90 s`, `5 min`. */
export function seconds(valueMs: number): string {
  const whole = Math.round(valueMs / 1000);
  if (whole < 180) return `${whole} s`;
  return whole < 7_200 ? `${Math.round(whole / 60)} min` : `${Math.round(whole / 3600)} h`;
}
