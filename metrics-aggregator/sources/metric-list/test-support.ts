import { ConcertinaError } from '../../../core/errors.ts';
import type { KubeClient, RawRequest, RawResponse } from '../../../core/kube/api.ts';

/** What a fake server answers: JSON, a text with a status, or a broken request. */
export type FakeAnswer =
  object | Error | { readonly status: number; readonly body: string; readonly headers?: Readonly<Record<string, string>> };

export interface FakeClient {
  readonly client: KubeClient;
  /** Every path that was asked for, in order. */
  readonly paths: string[];
}

/** For tests: a client of which only `raw` is called, by a function of the path. */
export function fakeClient(answer: (path: string, request: RawRequest) => FakeAnswer | Promise<FakeAnswer>): FakeClient {
  const paths: string[] = [];
  const raw = async (request: RawRequest): Promise<RawResponse> => {
    paths.push(request.path);
    const given = await answer(request.path, request);
    if (given instanceof Error) throw given;
    if ('status' in given && typeof given.status === 'number' && 'body' in given && typeof given.body === 'string') {
      const headers = 'headers' in given ? (given.headers as Readonly<Record<string, string>>) : {};
      return { status: given.status, headers, body: Buffer.from(given.body) };
    }
    const body = Buffer.from(JSON.stringify(given));
    if (body.length > (request.maxBytes ?? Infinity))
      throw new ConcertinaError('API_ANSWER_INVALID', 'too much', { details: { reason: 'too-large' } });
    return { status: 200, headers: { 'content-type': 'application/json' }, body };
  };
  return { client: { server: 'http://fake', raw } as Partial<KubeClient> as KubeClient, paths };
}

export const pageNotFound = { status: 404, body: '404 page not found\n', headers: { 'content-type': 'text/plain; charset=utf-8' } };

/** A failure Status as the API server and adapters write it. */
export function statusAnswer(code: number, reason: string, message: string, headers: Readonly<Record<string, string>> = {}): FakeAnswer {
  const body = JSON.stringify({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code });
  return { status: code, body, headers: { 'content-type': 'application/json', ...headers } };
}
