import type { IncomingMessage } from 'node:http';
import type { RouteBody } from './http-server-routes.ts';

/** Reads a request's body up to `limit` bytes; nothing beyond is kept. */
export function readBody(request: IncomingMessage, limit: number): Promise<RouteBody> {
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    return Promise.resolve(refusal(415, 'the body is compressed: send it as it is, without Content-Encoding'));
  }
  if (announcedBytes(request) > limit) return Promise.resolve(tooLarge(limit));
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const finish = (result: RouteBody): void => {
      request.off('data', onData).off('end', onEnd).off('close', onClose);
      resolve(result);
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > limit) {
        request.pause();
        finish(tooLarge(limit));
      } else chunks.push(chunk);
    };
    const onEnd = (): void => finish({ ok: true, bytes: Buffer.concat(chunks) });
    const onClose = (): void => finish(refusal(400, 'the body broke off: send it again'));
    // Without a listener a connection that breaks would be a fault of the program; `close` follows and says it all.
    request.on('error', () => undefined);
    request.on('data', onData).on('end', onEnd).on('close', onClose);
  });
}

/** What has not been read of a request is so large, or of so unknown a size, that reading it to keep the connection does not pay. */
export function hasLongRest(request: IncomingMessage, limit: number): boolean {
  if (request.readableEnded || request.complete) return false;
  const announced = announcedBytes(request);
  return announced > limit || (Number.isNaN(announced) && request.headers['transfer-encoding'] !== undefined);
}

/** NaN when the header is not there. */
function announcedBytes(request: IncomingMessage): number {
  return Number(request.headers['content-length'] ?? Number.NaN);
}

function tooLarge(limit: number): RouteBody {
  return refusal(413, `the body is longer than ${limit} bytes: send less`);
}

function refusal(status: number, sentence: string): RouteBody {
  return { ok: false, response: { status, headers: { connection: 'close' }, body: `${sentence}\n` } };
}
