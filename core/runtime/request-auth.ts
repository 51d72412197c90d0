import { createHmac, randomBytes } from 'node:crypto';
import type { KubeClient } from '../kube/api.ts';
import type { Clock } from '../model/clock.ts';
import type { RouteGuard, RouteResponse } from './http-server-routes.ts';
import { createExpiringCache } from './request-auth-cache.ts';
import { reviewAccess, reviewToken, type AccessAttributes, type ReviewResult, type UserInfo } from './request-auth-reviews.ts';

export type { AccessAttributes, UserInfo } from './request-auth-reviews.ts';

export interface RequestAuthOptions {
  /** Creates TokenReviews and SubjectAccessReviews: ClusterRole `system:auth-delegator`. */
  readonly client: KubeClient;
  readonly clock: Clock;
  /** Whom tokens must be meant for; default: the API server, as a ServiceAccount's token in a pod is. */
  readonly audiences?: readonly string[];
  /** How long a good token is believed without asking again; default 1 minute. */
  readonly tokenTtlMs?: number;
  /** How long a permission stands; default 5 minutes. */
  readonly allowTtlMs?: number;
  /** How long a refusal stands, of a token too; default 30 s. */
  readonly denyTtlMs?: number;
  /** Of each cache; default 4096. */
  readonly maxEntries?: number;
  /** Reviews under way at the same time; what comes beyond is refused with 503. Default 64. */
  readonly maxReviews?: number;
  /** A review that takes longer has failed; default 10 s. */
  readonly timeoutMs?: number;
  /**
   * Put before a request's path to make the nonResourceURL that takes a right; default `/concertina`. Every cluster lets everybody who is authenticated get
   * `/api/*` and more of the kind (ClusterRole system:discovery): a right to read the paths of the Kubernetes API must not be one to read ours. `/metrics`
   * is asked for as it is, as the roles of monitoring have it.
   */
  readonly rbacPrefix?: string;
  /** Told when the API server could not be asked, the same sentence at most every 30 s. Never holds a token. */
  readonly onProblem?: (problem: string) => void;
}

export type Authentication = { readonly ok: true; readonly user: UserInfo } | Refusal;

/** `status`: 401 not known, 403 not allowed, 503 it could not be found out. */
export interface Refusal {
  readonly ok: false;
  readonly status: 401 | 403 | 503;
  /** One sentence for the client. */
  readonly message: string;
}

/** Who may ask this program something: the API server decides, by TokenReview and SubjectAccessReview. */
export interface RequestAuth {
  /** Of the `Authorization` header. */
  authenticate(authorization: string | undefined): Promise<Authentication>;
  authorize(user: UserInfo, wanted: AccessAttributes): Promise<{ readonly ok: true } | Refusal>;
  /** Bearer token, then the right to the request's path (behind `rbacPrefix`) with verb `get` or `put`. */
  readonly guard: RouteGuard;
}

/** RFC 6750's b64token. */
const bearer = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i;
/** A ServiceAccount's token has about 1 KB, one of an OIDC provider may have some more. */
const maxTokenLength = 16_384;

export function createRequestAuth(options: RequestAuthOptions): RequestAuth {
  const { clock, maxEntries = 4096, denyTtlMs = 30_000 } = options;
  const review = { client: options.client, timeoutMs: options.timeoutMs ?? 10_000 };
  // Apart, so that whoever sends many bad tokens does not drive out the good ones.
  const knownTokens = createExpiringCache<UserInfo>(clock, maxEntries);
  const badTokens = createExpiringCache<true>(clock, maxEntries);
  const allowed = createExpiringCache<true>(clock, maxEntries);
  const denied = createExpiringCache<true>(clock, maxEntries);
  // Tokens are kept as keyed hashes: nothing in memory can be used elsewhere, and how long a look-up takes says nothing about a token.
  const hashKey = randomBytes(32);
  const digest = (...parts: readonly string[]): string => createHmac('sha256', hashKey).update(JSON.stringify(parts)).digest('base64');
  const once = createOnce(options.maxReviews ?? 64);
  const told = createExpiringCache<true>(clock, 16);

  async function authenticate(authorization: string | undefined): Promise<Authentication> {
    const token = bearer.exec(authorization ?? '')?.[1];
    if (token === undefined || token.length > maxTokenLength) {
      return refuse(401, 'send the token of a ServiceAccount as "Authorization: Bearer …"');
    }
    const key = digest('token', token);
    const user = knownTokens.get(key);
    if (user !== undefined) return { ok: true, user };
    if (badTokens.get(key) !== undefined) return badToken();
    const answer = await once(key, () => reviewToken(review, token, options.audiences ?? []));
    if (!answer.ok) return unavailable(answer.problem);
    if (answer.value === undefined) {
      badTokens.set(key, true, denyTtlMs);
      return badToken();
    }
    knownTokens.set(key, answer.value, options.tokenTtlMs ?? 60_000);
    return { ok: true, user: answer.value };
  }

  async function authorize(user: UserInfo, wanted: AccessAttributes): Promise<{ readonly ok: true } | Refusal> {
    const key = digest('access', JSON.stringify([user, wanted]));
    if (allowed.get(key) !== undefined) return { ok: true };
    if (denied.get(key) !== undefined) return forbidden(user, wanted);
    const answer = await once(key, () => reviewAccess(review, user, wanted));
    if (!answer.ok) return unavailable(answer.problem);
    if (answer.value) {
      allowed.set(key, true, options.allowTtlMs ?? 300_000);
      return { ok: true };
    }
    denied.set(key, true, denyTtlMs);
    return forbidden(user, wanted);
  }

  function unavailable(problem: string): Refusal {
    if (told.get(problem) === undefined) {
      told.set(problem, true, 30_000);
      options.onProblem?.(problem);
    }
    return refuse(503, 'the API server could not be asked who you are and what you may do: try again, and see the log of this program');
  }

  return {
    authenticate,
    authorize,
    guard: async ({ method, path, headers }) => {
      const authorization = headers['authorization'];
      const known = await authenticate(typeof authorization === 'string' ? authorization : undefined);
      if (!known.ok) return refusalAnswer(known);
      const url = path === '/metrics' ? path : `${options.rbacPrefix ?? '/concertina'}${path}`;
      const permission = await authorize(known.user, { kind: 'path', path: url, verb: verbOf(method) });
      return permission.ok ? undefined : refusalAnswer(permission);
    },
  };
}

/** HEAD is answered from what GET would answer, so it takes the same right. */
function verbOf(method: string): string {
  return method === 'HEAD' ? 'get' : method.toLowerCase();
}

function refuse(status: Refusal['status'], message: string): Refusal {
  return { ok: false, status, message };
}

function badToken(): Refusal {
  return refuse(
    401,
    'the API server does not accept the bearer token: it has expired, is of another cluster, or is meant for another audience',
  );
}

function forbidden(user: UserInfo, wanted: AccessAttributes): Refusal {
  const who = `user "${printable(user.username)}"`;
  if (wanted.kind === 'path') {
    const path = printable(wanted.path);
    return refuse(403, `${who} may not ${wanted.verb} ${path}: grant verb "${wanted.verb}" on nonResourceURL "${path}" in a ClusterRole`);
  }
  const { verb, resource, group, namespace } = wanted;
  const what = `${printable(resource)}.${group}`;
  return refuse(
    403,
    `${who} may not ${verb} ${what} in namespace ${printable(namespace)}: grant verb "${verb}" on it in a Role or ClusterRole`,
  );
}

function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}"]/gu, '?').slice(0, 253);
}

/** A refusal as a plain answer; `WWW-Authenticate` tells a client of 401 what to send. */
export function refusalAnswer({ status, message }: Refusal): RouteResponse {
  const headers = {
    'cache-control': 'no-store',
    ...(status === 401 && { 'www-authenticate': 'Bearer' }),
    ...(status === 503 && { 'retry-after': '1' }),
  };
  return { status, headers, body: `${message}\n` };
}

/** Joins calls for the same key that run at the same time, and bounds how many different ones do. */
function createOnce(max: number) {
  const running = new Map<string, Promise<ReviewResult<unknown>>>();
  return <T>(key: string, run: () => Promise<ReviewResult<T>>): Promise<ReviewResult<T>> => {
    const present = running.get(key);
    // A key stands for one question, so its answer has the type of that question.
    if (present !== undefined) return present as Promise<ReviewResult<T>>;
    if (running.size >= max)
      return Promise.resolve({ ok: false, problem: `${max} reviews wait for the API server already: one more was refused` });
    const started = run().finally(() => running.delete(key));
    running.set(key, started);
    return started;
  };
}
