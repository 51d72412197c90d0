import { Agent, type Dispatcher } from 'undici';
import { z } from 'zod';
import { ConcertinaError, messageOf } from '../../core/errors.ts';
import { LineDecoder } from '../../core/kube/ndjson.ts';
import { nextTurn } from '../../core/kube/turn.ts';
import type { Clock } from '../../core/model/clock.ts';
import { createViewDecoder, WireError, type ReceivedView } from './view-decoder.ts';

export interface RemoteClientOptions {
  /** Base URL of the aggregator's API, without `/api/v1`. */
  readonly url: string;
  /** The present token of the ServiceAccount, asked for before each request; `undefined`: requests carry none. */
  readonly token: () => string | undefined | Promise<string | undefined>;
  /** PEM of the CA of the aggregator's certificate; default: the well-known ones. */
  readonly ca?: string | undefined;
  /** Permit http:// to other hosts than this one: token and values can be read on the way. */
  readonly plainHttp?: boolean | undefined;
  readonly clock: Clock;
  /** Name of this client; unique among those of one aggregator. */
  readonly client: string;
  /** In place of sockets, for virtual time and tests. */
  readonly dispatcher?: Dispatcher | undefined;
}

/** What this client has of the aggregator already. */
export interface SeenMark {
  readonly instance: string;
  readonly sequence: number;
  /** Revision of the demands that were in force. */
  readonly demands: number;
}

export interface RemoteFailure {
  readonly ok: false;
  /** One sentence, with the URL. */
  readonly problem: string;
  readonly retryAfterMs?: number | undefined;
}

export type ViewAnswer = { readonly ok: true; readonly view: ReceivedView | undefined } | RemoteFailure;
export type DemandAnswer = { readonly ok: true; readonly instance: string; readonly revision: number } | RemoteFailure;

/** The requests of the protocol; whatever goes wrong is a value. */
export interface RemoteClient {
  /** Base URL, for messages. */
  readonly url: string;
  /** The newest view if it is another than the one seen, waiting for one so long; `undefined`: none came. */
  view(seen: SeenMark | undefined, waitMs: number, signal: AbortSignal): Promise<ViewAnswer>;
  /** `body`: what `PUT /api/v1/demands/<client>` takes. */
  putDemands(body: string, signal: AbortSignal): Promise<DemandAnswer>;
}

/** Time for connecting, asking who we are and the way back, beyond the wait itself. */
const graceMs = 5_000;
/** A view of 150,000 pods has some 25 MB. */
const bodyLimitMs = 60_000;
const maxBodyBytes = 512 * 1024 * 1024;
/** Lines between two turns of the event loop: of pods a millisecond, of answers some more. */
const linesPerTurn = 2;

export function createRemoteClient(options: RemoteClientOptions): RemoteClient {
  const url = baseUrl(options);
  const { origin, pathname } = new URL(url);
  const path = pathname === '/' ? '' : pathname;
  // The long poll holds one connection; demands must not wait behind it.
  const dispatcher = options.dispatcher ?? new Agent({ connections: 4, connect: options.ca === undefined ? {} : { ca: options.ca } });
  const { clock, client } = options;

  async function send<T>(request: Sent, read: (response: Dispatcher.ResponseData) => Promise<T>): Promise<T | RemoteFailure> {
    const limit = new AbortController();
    const onAbort = (): void => limit.abort();
    request.signal.addEventListener('abort', onAbort, { once: true });
    if (request.signal.aborted) limit.abort();
    let timer = clock.setTimeout(onAbort, request.limitMs);
    try {
      const token = await options.token();
      const headers: Record<string, string> = {
        accept: 'application/x-ndjson, application/json',
        'user-agent': 'concertina-remote-aggregator',
      };
      if (token !== undefined) headers['authorization'] = `Bearer ${token.trim()}`;
      if (request.body !== undefined) headers['content-type'] = 'application/json';
      const response = await dispatcher.request({
        origin,
        path: path + request.path,
        method: request.body === undefined ? 'GET' : 'PUT',
        headers,
        body: request.body ?? null,
        signal: limit.signal,
        // Limits count on the injected clock.
        headersTimeout: 0,
        bodyTimeout: 0,
      });
      timer.cancel();
      timer = clock.setTimeout(onAbort, bodyLimitMs);
      return await read(response);
    } catch (error) {
      return { ok: false, problem: `the metrics aggregator at ${url} ${whatHappened(error, limit.signal.aborted)}` };
    } finally {
      timer.cancel();
      request.signal.removeEventListener('abort', onAbort);
      // What was not read must not hold the connection; after the last byte this does nothing.
      limit.abort();
    }
  }

  const refused = (response: Dispatcher.ResponseData): RemoteFailure => {
    const seconds = Number(response.headers['retry-after']);
    return {
      ok: false,
      problem: `the metrics aggregator at ${url} answered ${response.statusCode}${hint(response.statusCode)}`,
      retryAfterMs: Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds, 60) * 1000 : undefined,
    };
  };

  return {
    url,
    view: (seen, waitMs, signal) => {
      const query = new URLSearchParams({ client, waitSeconds: String(Math.min(60, Math.max(0, Math.round(waitMs / 1000)))) });
      if (seen !== undefined) {
        query.set('after', String(seen.sequence));
        query.set('instance', seen.instance);
        query.set('demands', String(seen.demands));
      }
      return send(
        { path: `/api/v1/view?${query.toString()}`, limitMs: waitMs + graceMs, signal },
        async (response): Promise<ViewAnswer> => {
          if (response.statusCode === 204) return { ok: true, view: undefined };
          if (response.statusCode !== 200) return refused(response);
          return { ok: true, view: await readView(response) };
        },
      );
    },
    putDemands: (body, signal) =>
      send(
        { path: `/api/v1/demands/${encodeURIComponent(client)}`, body, limitMs: graceMs, signal },
        async (response): Promise<DemandAnswer> => {
          if (response.statusCode !== 200) return refused(response);
          const read = demandAnswer.safeParse(JSON.parse((await readBounded(response, 64 * 1024)).toString('utf8')));
          if (!read.success) throw new WireError('it is no answer to demands');
          return { ok: true, ...read.data };
        },
      ),
  };
}

interface Sent {
  readonly path: string;
  readonly body?: string;
  /** Until the answer begins. */
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

const demandAnswer = z.object({ instance: z.string(), revision: z.int().min(0) });

/** The base URL without a slash at its end; throws `CONFIG_INVALID`. */
function baseUrl({ url: text, plainHttp }: Pick<RemoteClientOptions, 'url' | 'plainHttp'>): string {
  const invalid = (what: string): ConcertinaError => new ConcertinaError('CONFIG_INVALID', `the URL of the metrics aggregator ${what}`);
  if (!URL.canParse(text)) throw invalid('is no URL: write it as https://host:port');
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw invalid('must begin with https://');
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw invalid('must have neither credentials nor a query: they would be shown in messages');
  }
  const local = url.hostname === 'localhost' || url.hostname === '[::1]' || url.hostname.startsWith('127.');
  if (url.protocol === 'http:' && !local && plainHttp !== true) {
    throw invalid(`${url.origin} begins with http://, so that the token could be read on the way: use https://`);
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

async function readView(response: Dispatcher.ResponseData): Promise<ReceivedView> {
  if (!String(response.headers['content-type'] ?? '').startsWith('application/x-ndjson')) throw new WireError('it is no view');
  const lines = new LineDecoder({ trimManagedFields: false, onMalformed: () => new WireError('a line is not JSON') });
  const decoder = createViewDecoder();
  let bytes = 0;
  let unturned = 0;
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) throw new WireError(`it is longer than ${maxBodyBytes} bytes`);
    for (const line of lines.push(chunk)) {
      decoder.line(line);
      if (++unturned % linesPerTurn === 0) await nextTurn();
    }
  }
  return decoder.finish();
}

async function readBounded(response: Dispatcher.ResponseData, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limit) throw new WireError(`it is longer than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function hint(status: number): string {
  switch (status) {
    case 401:
      return ': it does not accept the token of this ServiceAccount';
    case 403:
      return ': grant verbs get on nonResourceURL /concertina/api/v1/view and put on /concertina/api/v1/demands/*';
    case 404:
      return ': it serves no such path, so something else listens there or it is of an older release';
    case 413:
      return ': more is demanded than one client may';
    default:
      return status >= 300 && status < 400 ? ', a redirect, which is not followed: give the URL that it leads to' : '';
  }
}

/** Never what a foreign server wrote: only what kind of thing went wrong. */
function whatHappened(error: unknown, aborted: boolean): string {
  if (error instanceof WireError) return `gave an answer that cannot be used: ${error.message}`;
  if (error instanceof SyntaxError) return 'gave an answer that is not JSON';
  if (aborted) return 'did not answer in time';
  const code = codeOf(error);
  return `did not answer: ${
    code ??
    messageOf(error)
      .replaceAll(/\p{Cc}/gu, ' ')
      .slice(0, 200)
  }`;
}

function codeOf(error: unknown): string | undefined {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[A-Z0-9_]+$/.test(code) ? code : undefined;
}
