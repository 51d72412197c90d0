import { messageOf } from '../../../core/errors.ts';
import type { Clock } from '../../../core/model/clock.ts';
import type { HttpServer, RouteRequest, RouteResponse } from '../../../core/runtime/http-server.ts';
import type { Logger } from '../../../core/runtime/logging.ts';
import type { AdmissionLimits } from '../config.ts';
import { allowed, failed } from '../engine/pod-decision.ts';
import { answerReview, readReview, uidAtHead, type AdmissionAnswer, type AdmissionRequest } from '../engine/review.ts';
import { decideVpa, type VpaValidator } from '../engine/vpa-decision.ts';
import { admissionPaths } from '../engine/webhook-object.ts';
import type { AdmissionMetrics, ReviewedResource, ReviewStatus } from './metrics.ts';
import type { PodReview } from './pod-review.ts';

export interface AdmissionRoutesOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: AdmissionMetrics;
  readonly limits: AdmissionLimits;
  readonly reviewPod: PodReview;
  /** Absent: VerticalPodAutoscaler objects pass unlooked at. */
  readonly validateVpa?: VpaValidator | undefined;
}

/** The webhook's endpoints, to be served by {@link mount}. */
export interface AdmissionRoutes {
  mount(server: Pick<HttpServer, 'route'>): void;
  /** Answers one request; `resource` says which of the two endpoints it came to. */
  handle(resource: 'Pod' | 'VPA', request: RouteRequest): Promise<RouteResponse>;
  /** Reviews under work; for tests and status. */
  inFlight(): number;
}

interface Verdict {
  readonly answer: AdmissionAnswer;
  readonly status: ReviewStatus;
  readonly resource: ReviewedResource;
}

type Decide = (request: AdmissionRequest, route: RouteRequest) => Promise<Verdict> | Verdict;

const pass: AdmissionAnswer = allowed;

export function createAdmissionRoutes(options: AdmissionRoutesOptions): AdmissionRoutes {
  const { clock, logger, metrics, limits } = options;
  const decide: Readonly<Record<'Pod' | 'VPA', Decide>> = {
    Pod: (request, route) => reviewPod(options, request, route),
    VPA: (request) => reviewVpa(options.validateVpa, request),
  };
  let inFlight = 0;
  let bytesInFlight = 0;

  const handle = async (resource: 'Pod' | 'VPA', request: RouteRequest): Promise<RouteResponse> => {
    if (!isJsonType(request.headers['content-type'])) return text(415, 'send an AdmissionReview as application/json');
    const reserved = bodyBytes(request, limits.maxBodyBytes);
    if (bytesInFlight + reserved > limits.maxBodyBytesInFlight) {
      metrics.overloaded();
      // Not even read; with failurePolicy Ignore that admits the pod as it is.
      return text(503, 'too many bytes under way, ask again', { connection: 'close', 'retry-after': '1' });
    }
    bytesInFlight += reserved;
    const started = clock.monotonic();
    try {
      const body = await request.readBody();
      if (!body.ok) return body.response;
      if (inFlight >= limits.maxInFlight) {
        metrics.overloaded();
        if (resource === 'Pod') metrics.observePod(false);
        return unreviewed(body.bytes);
      }
      inFlight += 1;
      try {
        const reading = readBytes(body.bytes);
        if (!reading.ok) return text(400, reading.problem);
        const verdict = await safely(decide[resource], reading.request, request, logger);
        if (verdict.resource === 'Pod') metrics.observePod(verdict.status === 'applied');
        metrics.observeReview({ status: verdict.status, resource: verdict.resource, seconds: (clock.monotonic() - started) / 1000 });
        return json(answerReview(reading.request.uid, verdict.answer));
      } finally {
        inFlight -= 1;
      }
    } finally {
      bytesInFlight -= reserved;
    }
  };

  return {
    mount: (server) => {
      const bodyLimit = { maxBodyBytes: limits.maxBodyBytes };
      server.route('POST', admissionPaths.pods, (request) => handle('Pod', request), bodyLimit);
      server.route('POST', admissionPaths.vpas, (request) => handle('VPA', request), bodyLimit);
    },
    handle,
    inFlight: () => inFlight,
  };
}

async function reviewPod(options: AdmissionRoutesOptions, request: AdmissionRequest, route: RouteRequest): Promise<Verdict> {
  if (request.resource !== 'pods') return { answer: pass, status: 'skipped', resource: 'unknown' };
  const limitMs = Math.min(options.limits.lookupTimeoutMs, askedTimeoutMs(route.query) / 2);
  const { outcome, answer } = await options.reviewPod(request, { limitMs, signal: route.signal });
  const status = outcome === 'patched' ? 'applied' : outcome === 'failed' ? 'error' : 'skipped';
  return { answer, status, resource: 'Pod' };
}

function reviewVpa(validate: VpaValidator | undefined, request: AdmissionRequest): Verdict {
  const { resource, operation, object, oldObject, subresource } = request;
  if (resource !== 'autoscaling.k8s.io/verticalpodautoscalers') return { answer: pass, status: 'skipped', resource: 'unknown' };
  const written = operation === 'CREATE' || operation === 'UPDATE';
  if (validate === undefined || !written || object === undefined || subresource !== undefined) {
    return { answer: pass, status: 'skipped', resource: 'VPA' };
  }
  const answer = decideVpa({ object, old: operation === 'UPDATE' ? oldObject : undefined }, validate);
  // An answer without a patch has looked all the same.
  return { answer, status: answer.allowed ? 'applied' : 'error', resource: 'VPA' };
}

/** A fault of ours is nobody's pod's fault. */
async function safely(decide: Decide, request: AdmissionRequest, route: RouteRequest, logger: Logger): Promise<Verdict> {
  try {
    return await decide(request, route);
  } catch (error) {
    logger.error('an object could not be reviewed and was allowed as it is', {
      resource: request.resource,
      namespace: request.namespace,
      error: messageOf(error),
    });
    const { answer } = failed(
      `the ${request.resource === 'pods' ? 'pod' : 'object'} could not be reviewed and comes as it is: see the log of the admission controller`,
    );
    return { answer, status: 'error', resource: request.resource === 'pods' ? 'Pod' : 'unknown' };
  }
}

function readBytes(bytes: Buffer): ReturnType<typeof readReview> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(bytes.toString('utf8'));
  } catch {
    return { ok: false, problem: 'the body is no JSON' };
  }
  return readReview(parsed);
}

/** Allowed at once: of the body only the uid is read, which API servers write first. */
function unreviewed(bytes: Buffer): RouteResponse {
  const uid = uidAtHead(bytes.subarray(0, 512).toString('latin1'));
  if (uid !== undefined) return json(answerReview(uid, allowed));
  const reading = readBytes(bytes);
  return reading.ok ? json(answerReview(reading.request.uid, allowed)) : text(400, reading.problem);
}

/** API servers say how long they wait: `?timeout=5s`. */
function askedTimeoutMs(query: URLSearchParams): number {
  const asked = /^(\d{1,3}(?:\.\d{1,3})?)s$/.exec(query.get('timeout') ?? '');
  return asked === null ? Number.POSITIVE_INFINITY : Number(asked[1]) * 1000;
}

function isJsonType(header: string | string[] | undefined): boolean {
  const type = Array.isArray(header) ? header[0] : header;
  return type?.split(';', 1)[0]?.trim().toLowerCase() === 'application/json';
}

/** What a body may come to take. */
function bodyBytes(request: RouteRequest, most: number): number {
  const announced = Number(request.headers['content-length'] ?? Number.NaN);
  return Number.isNaN(announced) ? most : Math.min(announced, most);
}

function json(body: object): RouteResponse {
  return { status: 200, contentType: 'application/json', body: JSON.stringify(body) };
}

function text(status: number, sentence: string, headers?: Readonly<Record<string, string>>): RouteResponse {
  return { status, body: `${sentence}\n`, ...(headers === undefined ? {} : { headers }) };
}
