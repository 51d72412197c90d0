import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { listResourceVersion, maxPodBytes, podCount, writePod } from './reflector-pods.ts';

/** The API server of the reflector bench, in a process of its own: pods by pages and by WatchList. Tells its parent the port. */
const batchBytes = 256 * 1024;
const added = Buffer.from('{"type":"ADDED","object":');
const lineEnd = Buffer.from('}\n');
const comma = Buffer.from(',');
const kind = Buffer.from('"kind":"Pod","apiVersion":"v1",');

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://bench');
  response.setHeader('content-type', 'application/json');
  const work = url.searchParams.get('watch') === 'true' ? watchList(response) : listPage(response, url.searchParams);
  work.catch(() => response.destroy());
});
server.keepAliveTimeout = 90_000;
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('disconnect', () => process.exit(0));

async function watchList(response: ServerResponse): Promise<void> {
  for (let pod = 0; pod < podCount;) {
    const batch = Buffer.allocUnsafe(batchBytes + maxPodBytes + 100);
    let length = 0;
    for (; pod < podCount && length < batchBytes; pod++) {
      length += added.copy(batch, length);
      // Events carry kind and apiVersion, items of a list do not: one brace, then the two, then the rest of the pod.
      const end = writePod(batch, length + kind.length, pod);
      batch[length] = 0x7b;
      kind.copy(batch, length + 1);
      length = end + lineEnd.copy(batch, end);
    }
    if (!response.write(batch.subarray(0, length))) await once(response, 'drain');
  }
  const annotations = { 'k8s.io/initial-events-end': 'true' };
  const bookmark = {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { resourceVersion: listResourceVersion, annotations },
    spec: { containers: null },
    status: {},
  };
  response.write(`${JSON.stringify({ type: 'BOOKMARK', object: bookmark })}\n`);
}

async function listPage(response: ServerResponse, query: URLSearchParams): Promise<void> {
  const limit = Number(query.get('limit') ?? podCount);
  const from = Number(query.get('continue') ?? 0);
  const to = Math.min(podCount, from + limit);
  const more = to < podCount ? { continue: String(to), remainingItemCount: podCount - to } : {};
  response.write(
    `{"kind":"PodList","apiVersion":"v1","metadata":${JSON.stringify({ resourceVersion: listResourceVersion, ...more })},"items":[`,
  );
  for (let pod = from; pod < to;) {
    const batch = Buffer.allocUnsafe(batchBytes + maxPodBytes + 100);
    let length = 0;
    for (; pod < to && length < batchBytes; pod++) {
      if (pod > from) length += comma.copy(batch, length);
      length = writePod(batch, length, pod);
    }
    if (!response.write(batch.subarray(0, length))) await once(response, 'drain');
  }
  response.end(']}');
}
