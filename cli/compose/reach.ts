import { ConcertinaError, isConcertinaError, messageOf } from '../../core/errors.ts';
import { answerInvalid, createBackoff, createKubeClient, type KubeClient, type KubeConfigConnection } from '../../core/kube/index.ts';
import { sleep, type Clock, type Random } from '../../core/model/clock.ts';
import type { Logger } from '../../core/runtime/logging.ts';
import { version } from '../version.ts';

export interface ReachOptions {
  readonly connection: KubeConfigConnection;
  readonly clock: Clock;
  readonly random: Random;
}

/** Milliseconds that a first answer may take: somebody waits at a terminal. */
const firstAnswerMs = 5_000;

const probe = { method: 'GET', path: '/version' } as const;

/**
 * Asks the API server for its version, so that a wrong address or credentials are said once and at once, and not by whichever request came first.
 * Resolves when an API server answered. Throws `CREDENTIALS_EXPIRED`, `API_UNREACHABLE` or `API_ANSWER_INVALID` naming context, kubeconfig and server.
 */
export async function reachServer({ connection, clock, random }: ReachOptions): Promise<void> {
  // Not closed: that would close the connection, which is the caller's.
  const client = createKubeClient({ connection, clock, random, userAgent: `concertina/${version} (probe)` });
  try {
    await askVersion(client);
  } catch (error) {
    throw located(error, connection);
  }
}

async function askVersion(client: KubeClient): Promise<void> {
  const answer = await client.raw({ ...probe, timeoutMs: firstAnswerMs });
  // Any answer that an API server gives will do: who may not read the version may still read pods.
  if (!isJsonObject(answer.body) && !(answer.headers['content-type'] ?? '').startsWith('text/plain')) throw answerInvalid(answer, probe);
}

function isJsonObject(body: Buffer): boolean {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return typeof value === 'object' && value !== null;
  } catch {
    return false;
  }
}

/** The sentence with where the address and the credentials come from, since that is where they are corrected. */
function located(error: unknown, { context, origin, user, server }: KubeConfigConnection): unknown {
  if (!isConcertinaError(error)) return error;
  const where = origin === 'in-cluster' ? 'the service account of this pod' : `context "${context}" of ${origin}`;
  const of = (message: string): ConcertinaError =>
    new ConcertinaError(error.code, `${where}: ${message}`, { cause: error, details: error.details });
  if (error.code === 'CREDENTIALS_EXPIRED') return of(`${error.message}; log in again or renew the token or certificate of user "${user}"`);
  if (error.code === 'API_ANSWER_INVALID') return of(`${server} is not answering as an API server: ${error.message}`);
  if (error.code !== 'API_UNREACHABLE') return error;
  const said = error.details['reason'] === 'timeout' ? `${server} did not answer within ${firstAnswerMs / 1000} s` : error.message;
  return of(said.endsWith('?') ? said : `${said}; check the address, the network and any proxy between`);
}

/** A fault that passes by itself: nobody answers, or something before the API server says that it is away (5xx). */
function mayPass(error: unknown): boolean {
  if (isConcertinaError(error, 'API_UNREACHABLE')) return true;
  return isConcertinaError(error, 'API_ANSWER_INVALID') && Number(error.details['status']) >= 500;
}

/**
 * The same for a program that stays: answers what the first attempt met when that may pass by itself, `undefined` when the server was reached, and throws
 * what only a person can mend (refused credentials, an address where something else answers).
 */
export async function reachOrWait(options: ReachOptions): Promise<string | undefined> {
  try {
    await reachServer(options);
    return undefined;
  } catch (error) {
    if (!mayPass(error)) throw error;
    return messageOf(error);
  }
}

/** Milliseconds between two attempts at most. */
const retryCapMs = 15_000;

/** Tries until the server answers; says what it meets once, and again when it changes. Throws as {@link reachOrWait} does; ends early with the signal. */
export async function waitForServer(
  options: ReachOptions & { readonly logger: Logger; readonly first: string },
  signal: AbortSignal,
): Promise<void> {
  const { clock, random, logger } = options;
  const backoff = createBackoff({ baseMs: 1_000, capMs: retryCapMs, random });
  let said: string | undefined;
  for (let problem: string | undefined = options.first; problem !== undefined; problem = await reachOrWait(options)) {
    if (problem !== said) logger.error('the API server cannot be reached; it is tried again until it answers', { error: problem });
    said = problem;
    if (!(await sleep(clock, backoff.next(), signal))) return;
  }
  logger.info('the API server answers now', { server: options.connection.server });
}
