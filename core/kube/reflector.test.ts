import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { resourceTypes, type KubeObject } from '../model/object.ts';
import type { KubeClient } from './api.ts';
import type { Delta } from './reflector-store.ts';
import type { FailureKind } from './reflector-failure.ts';
import { createReflector, type Reflector, type ReflectorOptions } from './reflector.ts';
import {
  advanceUntil,
  clientFor,
  eventually,
  fakeServer,
  json,
  statusAnswer,
  VirtualClock,
  type FakeServer,
  type SeenRequest,
} from './test-support.ts';

interface Slim {
  readonly name: string;
  readonly node: string;
  readonly version: string;
}

interface Running {
  readonly reflector: Reflector<Slim, 'node'>;
  readonly clock: VirtualClock;
  readonly failures: FailureKind[];
  readonly deltas: string[];
}

const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

function pod(name: string, version: number, node = 'n1'): KubeObject {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'a', name, resourceVersion: String(version) }, spec: { nodeName: node } };
}

function project(raw: KubeObject): Slim {
  return { name: raw.metadata.name, node: (raw.spec as { nodeName: string }).nodeName, version: raw.metadata.resourceVersion ?? '' };
}

function line(type: string, object: object): string {
  return `${JSON.stringify({ type, object })}\n`;
}

function bookmark(version: number, end = false): string {
  const annotations = end ? { 'k8s.io/initial-events-end': 'true' } : undefined;
  return line('BOOKMARK', { kind: 'Pod', apiVersion: 'v1', metadata: { name: '', resourceVersion: String(version), annotations } });
}

function isWatch(request: SeenRequest): boolean {
  return request.url.searchParams.get('watch') === 'true';
}

function isInitial(request: SeenRequest): boolean {
  return request.url.searchParams.get('sendInitialEvents') === 'true';
}

/** A server that answers each kind of request by a script; the last step repeats. */
interface Script {
  /** WatchList requests. Default: refused as an old server does. */
  initial?: ((response: ServerResponse, request: SeenRequest) => void)[];
  list?: ((response: ServerResponse, request: SeenRequest) => void)[];
  watch?: ((response: ServerResponse, request: SeenRequest) => void)[];
}

const refuseWatchList = (response: ServerResponse): void => statusAnswer(response, 422, 'Invalid');
const stayOpen = (response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.flushHeaders();
};

function stream(...lines: string[]): (response: ServerResponse) => void {
  return (response) => {
    stayOpen(response);
    for (const text of lines) response.write(text);
  };
}

function page(version: number, ...items: KubeObject[]): (response: ServerResponse) => void {
  return (response) => json(response, 200, { kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: String(version) }, items });
}

async function scripted(script: Script): Promise<FakeServer & { readonly watching: ServerResponse[] }> {
  const counts = { initial: 0, list: 0, watch: 0 };
  const watching: ServerResponse[] = [];
  const defaults: Required<Script> = { initial: [refuseWatchList], list: [page(1)], watch: [stayOpen] };
  const server = await fakeServer((request, response) => {
    const kind = isInitial(request) ? 'initial' : isWatch(request) ? 'watch' : 'list';
    if (kind !== 'list') watching.push(response);
    const steps = script[kind] ?? defaults[kind];
    const step = steps[Math.min(counts[kind]++, steps.length - 1)];
    step?.(response, request);
  });
  cleanups.push(() => server.close());
  return Object.defineProperty(server, 'watching', { value: watching }) as typeof server & { watching: ServerResponse[] };
}

function run(server: FakeServer, options: Partial<ReflectorOptions<Slim, 'node'>> = {}): Running {
  const clock = new VirtualClock();
  const failures: FailureKind[] = [];
  const deltas: string[] = [];
  const reflector = createReflector<Slim, 'node'>({
    client: clientFor(server, { clock }),
    type: resourceTypes.pods,
    clock,
    random: () => 0.5,
    project,
    indexes: { node: (item) => [item.node] },
    onFailure: ({ kind }) => failures.push(kind),
    ...options,
  });
  reflector.onDelta((delta) => deltas.push(describeDelta(delta)));
  reflector.start();
  cleanups.push(() => reflector.stop());
  return { reflector, clock, failures, deltas };
}

function withoutCallbacks(client: KubeClient): KubeClient {
  const plain = { ...client };
  delete plain.listEach;
  delete plain.watchEach;
  return plain;
}

function describeDelta(delta: Delta<Slim>): string {
  return `${delta.type} ${delta.key} ${delta.old?.version ?? '-'}→${delta.new?.version ?? '-'}`;
}

describe('first sync', () => {
  it('uses WatchList and goes on watching on the same connection', async () => {
    const server = await scripted({
      initial: [
        stream(line('ADDED', pod('x', 3)), line('ADDED', pod('y', 2, 'n2')), bookmark(5, true), line('MODIFIED', pod('x', 6, 'n2'))),
      ],
    });
    const { reflector, deltas, failures } = run(server);
    await expect(reflector.waitForSync()).resolves.toBe(true);
    await eventually(() => deltas.length === 3);
    expect(deltas).toEqual(['added a/x -→3', 'added a/y -→2', 'updated a/x 3→6']);
    expect(reflector.byIndex('node', 'n2').map(({ name }) => name)).toEqual(['y', 'x']);
    expect(reflector.byIndex('node', 'n1')).toEqual([]);
    expect(reflector.indexValues('node')).toEqual(['n2']);
    expect(reflector.stats()).toMatchObject({ mode: 'watch-list', listings: 1, watches: 1, synced: true, items: 2 });
    expect(failures).toEqual([]);
    const query = Object.fromEntries(server.requests[0]?.url.searchParams ?? []);
    expect(query).toEqual({
      watch: 'true',
      allowWatchBookmarks: 'true',
      sendInitialEvents: 'true',
      resourceVersionMatch: 'NotOlderThan',
      timeoutSeconds: '450',
    });
  });

  it('falls back to pages when the server refuses, and remembers it', async () => {
    const server = await scripted({
      list: [
        (response) => json(response, 200, { metadata: { resourceVersion: '4', continue: 'c' }, items: [pod('x', 1)] }),
        (response) => json(response, 200, { metadata: { resourceVersion: '4' }, items: [pod('y', 2)] }),
        page(20, pod('x', 1)),
      ],
      watch: [(response) => statusAnswer(response, 410, 'Expired'), stayOpen],
    });
    const { reflector, failures, deltas } = run(server);
    await eventually(() => reflector.stats().listings === 2);
    expect(failures).toEqual(['watch-list-unsupported', 'expired']);
    expect(server.requests.filter(isInitial)).toHaveLength(1);
    expect(server.requests.find((request) => isWatch(request) && !isInitial(request))?.url.searchParams.get('resourceVersion')).toBe('4');
    expect(deltas).toEqual(['added a/x -→1', 'added a/y -→2', 'deleted a/y 2→-']);
  });

  it('falls back when an old server ignores the parameter: a bookmark without the mark', async () => {
    const server = await scripted({ initial: [stream(line('ADDED', pod('x', 1)), bookmark(9))], list: [page(9, pod('x', 1))] });
    const { reflector, failures } = run(server);
    await reflector.waitForSync();
    expect(reflector.stats().mode).toBe('pages');
    expect(failures).toEqual(['watch-list-unsupported']);
  });

  it('falls back when the stream ends twice without the mark', async () => {
    const server = await scripted({
      initial: [
        (response) => {
          stream(line('ADDED', pod('x', 1)))(response);
          response.end();
        },
      ],
      list: [page(9, pod('x', 1))],
    });
    const { reflector, clock, failures } = run(server);
    await advanceUntil(clock, () => reflector.hasSynced());
    expect(failures).toEqual(['malformed', 'watch-list-unsupported']);
  });

  it('answers false to those who wait when it is stopped', async () => {
    const server = await scripted({ initial: [stayOpen] });
    const { reflector, failures } = run(server);
    const waiting = reflector.waitForSync();
    await eventually(() => server.requests.length === 1);
    await reflector.stop();
    await expect(waiting).resolves.toBe(false);
    expect(failures).toEqual([]);
  });
});

// The failures of client-node's informer, one by one (specs/ecosystem.md, A2).
describe('survives', () => {
  const synced = [stream(line('ADDED', pod('x', 3)), line('ADDED', pod('y', 4)), bookmark(5, true))];

  it('a 410 answer to a watch: lists anew, with deletes for what vanished and updates for what changed', async () => {
    const server = await scripted({
      initial: [...synced, stream(line('ADDED', pod('x', 3)), line('ADDED', pod('z', 8)), bookmark(9, true))],
      watch: [(response) => statusAnswer(response, 410, 'Expired')],
    });
    const { reflector, deltas, failures, clock } = run(server);
    await reflector.waitForSync();
    server.watching[0]?.end();
    await advanceUntil(clock, () => reflector.stats().listings === 2);
    expect(deltas).toEqual(['added a/x -→3', 'added a/y -→4', 'added a/z -→8', 'deleted a/y 4→-']);
    expect(failures).toEqual(['expired']);
  });

  it('a 410 as ERROR event in the middle of a watch', async () => {
    const gone = line('ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' });
    const server = await scripted({
      initial: [stream(line('ADDED', pod('x', 3)), bookmark(5, true), gone), stream(line('ADDED', pod('x', 7)), bookmark(8, true))],
    });
    const { reflector, deltas, failures, clock } = run(server);
    await advanceUntil(clock, () => reflector.stats().listings === 2, 100);
    expect(deltas).toEqual(['added a/x -→3', 'updated a/x 3→7']);
    expect(failures).toEqual(['expired']);
  });

  it('a 410 in the middle of a paged list: starts again, keeping what did not change', async () => {
    const first = (response: ServerResponse): void =>
      json(response, 200, { metadata: { resourceVersion: '4', continue: 'c' }, items: [pod('x', 1)] });
    const server = await scripted({
      list: [first, (response) => statusAnswer(response, 410, 'Expired'), page(9, pod('x', 1), pod('y', 2))],
    });
    const { reflector, deltas, failures, clock } = run(server, { watchList: false });
    await advanceUntil(clock, () => reflector.hasSynced(), 100);
    expect(failures).toEqual(['expired']);
    expect(deltas).toEqual(['added a/x -→1', 'added a/y -→2']);
  });

  it('a 410 as ERROR event in the middle of a WatchList', async () => {
    const gone = line('ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'm' });
    const server = await scripted({
      initial: [stream(line('ADDED', pod('x', 3)), gone), stream(line('ADDED', pod('y', 3)), bookmark(8, true))],
    });
    const { reflector, deltas, failures, clock } = run(server);
    await advanceUntil(clock, () => reflector.hasSynced(), 100);
    expect(failures).toEqual(['expired']);
    expect(deltas).toEqual(['added a/x -→3', 'added a/y -→3', 'deleted a/x 3→-']);
    expect(reflector.items().map(({ name }) => name)).toEqual(['y']);
  });

  it('a server that closes cleanly: watches on from the last version, without hammering', async () => {
    const server = await scripted({
      initial: [stream(line('ADDED', pod('x', 3)), bookmark(5, true), line('MODIFIED', pod('x', 6)), bookmark(11))],
      watch: [stayOpen],
    });
    const { reflector, clock, failures } = run(server);
    await eventually(() => reflector.stats().bookmarks === 2);
    server.watching[0]?.end();
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(server.requests).toHaveLength(1);
    await clock.advance(1_000);
    await eventually(() => server.requests.length === 2);
    expect(server.requests[1]?.url.searchParams.get('resourceVersion')).toBe('11');
    expect(failures).toEqual([]);
  });

  it('a server that closes every watch at once: backs off', async () => {
    const server = await scripted({
      list: [page(5)],
      watch: [
        (response) => {
          stayOpen(response);
          response.end();
        },
      ],
    });
    const { clock, failures } = run(server, { watchList: false });
    await advanceUntil(clock, () => failures.length === 8, 500);
    const watches = server.requests.filter(isWatch).length;
    expect(failures).toEqual(Array.from({ length: 8 }, () => 'short-watch'));
    // 8 failures with delays of 1, 1, 1.6, 3.2, 6.4, 12.8, 15 s take more than 40 s; a loop without delay would have made hundreds.
    expect(clock.monotonic()).toBeGreaterThan(25_000);
    expect(watches).toBeLessThanOrEqual(9);
  });

  it('a 500 on list and on watch', async () => {
    const broken = (response: ServerResponse): void => statusAnswer(response, 500, 'InternalError');
    const server = await scripted({ list: [broken, broken, page(5, pod('x', 1))], watch: [broken, stream(line('MODIFIED', pod('x', 6)))] });
    const { reflector, clock, failures, deltas } = run(server, { watchList: false });
    await advanceUntil(clock, () => deltas.length === 2, 250);
    expect(deltas).toEqual(['added a/x -→1', 'updated a/x 1→6']);
    expect(failures).toEqual(['status', 'status', 'status']);
    expect(reflector.stats().failures.status).toBe(3);
  });

  it('a connection reset in the middle of the stream', async () => {
    const server = await scripted({ initial: synced, watch: [stream(line('DELETED', pod('y', 7)))] });
    const { reflector, clock, failures, deltas } = run(server);
    await reflector.waitForSync();
    server.reset();
    await advanceUntil(clock, () => deltas.length === 3, 250);
    expect(deltas[2]).toBe('deleted a/y 4→-');
    expect(failures).toEqual(['unreachable']);
    expect(server.requests[1]?.url.searchParams.get('resourceVersion')).toBe('5');
  });

  it('a server that is away for a while', async () => {
    const server = await scripted({ initial: synced });
    const { reflector, clock, failures } = run(server);
    await reflector.waitForSync();
    await server.close();
    await advanceUntil(clock, () => failures.length >= 5, 1_000);
    expect(new Set(failures)).toEqual(new Set(['unreachable']));
    expect(reflector.hasSynced()).toBe(true);
    expect(reflector.size).toBe(2);
    // No relist is planned just because nobody answers.
    expect(reflector.stats().listings).toBe(1);
  });

  it('an ERROR event that is not 410: watches again, and lists anew when it stays', async () => {
    const error = line('ERROR', { kind: 'Status', code: 500, reason: 'InternalError', message: 'etcd is sick' });
    const server = await scripted({
      initial: [stream(line('ADDED', pod('x', 3)), bookmark(5, true), error), stream(line('ADDED', pod('x', 9)), bookmark(10, true))],
      watch: [stream(error)],
    });
    const { reflector, clock, failures } = run(server);
    await advanceUntil(clock, () => reflector.stats().listings === 2, 250);
    expect(failures).toEqual(['status', 'status', 'status']);
    expect(server.requests.filter((request) => isWatch(request) && !isInitial(request))).toHaveLength(2);
    expect(reflector.get('a/x')?.version).toBe('9');
  });

  it('a silent stall: gives the watch up after 90 s without a byte, but not with bookmarks', async () => {
    const server = await scripted({ initial: synced, watch: [stream(line('MODIFIED', pod('x', 8)))] });
    const { reflector, clock, failures, deltas } = run(server);
    await reflector.waitForSync();
    await clock.advance(80_000);
    server.watching[0]?.write(bookmark(6));
    await eventually(() => reflector.stats().bookmarks === 2);
    await clock.advance(80_000);
    expect(failures).toEqual([]);
    await advanceUntil(clock, () => failures.length === 1, 1_000, 15_000);
    expect(failures).toEqual(['stalled']);
    await advanceUntil(clock, () => deltas.length === 3, 250);
    expect(server.requests[1]?.url.searchParams.get('resourceVersion')).toBe('6');
  });

  it('a malformed line: counts it, keeps what came before, watches from there', async () => {
    const server = await scripted({
      initial: [stream(line('ADDED', pod('x', 3)), bookmark(5, true), `${line('MODIFIED', pod('x', 6))}{"type":"MODIFIED","obj\n`)],
      watch: [stream(line('MODIFIED', pod('x', 7)))],
    });
    const { clock, failures, deltas } = run(server);
    await advanceUntil(clock, () => deltas.length === 3, 250);
    expect(deltas).toEqual(['added a/x -→3', 'updated a/x 3→6', 'updated a/x 6→7']);
    expect(failures).toEqual(['malformed']);
    expect(server.requests[1]?.url.searchParams.get('resourceVersion')).toBe('6');
  });

  it('a handler that throws: the others get the delta, the version moves on', async () => {
    const server = await scripted({ initial: synced });
    const running = run(server);
    const seen: string[] = [];
    running.reflector.onDelta(() => {
      throw new Error('bad handler');
    });
    running.reflector.onDelta((delta) => seen.push(delta.key));
    await running.reflector.waitForSync();
    expect(seen).toEqual(['a/x', 'a/y']);
    expect(running.failures).toEqual(['handler', 'handler']);
    expect(running.deltas).toHaveLength(2);
    expect(server.requests).toHaveLength(1);
  });

  it('a projector that throws: the object keeps its last good projection', async () => {
    const server = await scripted({
      initial: [
        stream(
          line('ADDED', pod('x', 3)),
          line('ADDED', pod('bad', 4)),
          bookmark(5, true),
          line('MODIFIED', pod('x', 6, 'poison')),
          bookmark(7),
        ),
      ],
    });
    const { reflector, failures } = run(server, {
      project: (raw) => {
        const slim = project(raw);
        if (slim.name === 'bad' || slim.node === 'poison') throw new Error('cannot read it');
        return slim;
      },
    });
    await eventually(() => reflector.stats().bookmarks === 2);
    expect(failures).toEqual(['projector', 'projector']);
    expect(reflector.items()).toEqual([{ name: 'x', node: 'n1', version: '3' }]);
  });

  it('a failure hook that throws', async () => {
    const server = await scripted({ list: [(response) => statusAnswer(response, 500, 'InternalError'), page(5, pod('x', 1))] });
    const { reflector, clock } = run(server, {
      watchList: false,
      onFailure: () => {
        throw new Error('bad hook');
      },
    });
    await advanceUntil(clock, () => reflector.hasSynced(), 250);
    expect(reflector.size).toBe(1);
  });

  it('stop(): is silent, and nothing comes afterwards', async () => {
    const server = await scripted({ initial: synced });
    const { reflector, failures, deltas, clock } = run(server);
    await reflector.waitForSync();
    await reflector.stop();
    server.watching[0]?.write(line('MODIFIED', pod('x', 9)));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(failures).toEqual([]);
    expect(deltas).toHaveLength(2);
    expect(clock.pending).toBe(0);
  });
});

describe('does not', () => {
  it('hammer a server that breaks every listing off half way', async () => {
    const error = line('ERROR', { kind: 'Status', code: 500, reason: 'InternalError', message: 'cut' });
    const server = await scripted({ initial: [stream(line('ADDED', pod('x', 3)), error)] });
    const { clock, failures, reflector } = run(server);
    await advanceUntil(clock, () => failures.length === 7, 500);
    // Delays of 0.4, 0.8, 1.6, 3.2, 6.4 and 12.8 s lie between seven attempts.
    expect(clock.monotonic()).toBeGreaterThan(20_000);
    expect(reflector.hasSynced()).toBe(false);
  });

  it('take a refusal of a later watch for one of WatchList', async () => {
    const server = await scripted({
      initial: [
        stream(
          line('ADDED', pod('x', 3)),
          bookmark(5, true),
          line('ERROR', { kind: 'Status', code: 400, reason: 'BadRequest', message: 'm' }),
        ),
      ],
      watch: [stream(line('MODIFIED', pod('x', 6)))],
    });
    const { clock, failures, deltas, reflector } = run(server);
    await advanceUntil(clock, () => deltas.length === 2, 250);
    expect(failures).toEqual(['status']);
    expect(reflector.stats().mode).toBe('watch-list');
  });

  it('need the callbacks of the pooled client: any KubeClient will do', async () => {
    const server = await scripted({ initial: [stream(line('ADDED', pod('x', 3)), bookmark(5, true), line('DELETED', pod('x', 6)))] });
    const { deltas } = run(server, { client: withoutCallbacks(clientFor(server)) });
    await eventually(() => deltas.length === 2);
    expect(deltas).toEqual(['added a/x -→3', 'deleted a/x 3→-']);
    const paged = await scripted({ list: [page(5, pod('y', 1))] });
    const { reflector } = run(paged, { client: withoutCallbacks(clientFor(paged)), watchList: false });
    await reflector.waitForSync();
    expect(reflector.items().map(({ name }) => name)).toEqual(['y']);
  });
});

describe('consumers', () => {
  it('gives a late handler what is there, and nothing after it unsubscribed', async () => {
    const server = await scripted({ initial: [stream(line('ADDED', pod('x', 3)), bookmark(5, true))] });
    const { reflector } = run(server);
    await reflector.waitForSync();
    const seen: string[] = [];
    const unsubscribe = reflector.onDelta((delta) => seen.push(`${delta.type} ${delta.key}`));
    expect(seen).toEqual(['added a/x']);
    unsubscribe();
    server.watching[0]?.write(line('DELETED', pod('x', 9)));
    await eventually(() => reflector.size === 0);
    expect(seen).toEqual(['added a/x']);
  });

  it('resyncs on the clock when asked to', async () => {
    const server = await scripted({ initial: [stream(line('ADDED', pod('x', 3)), bookmark(5, true))] });
    const { reflector, clock, deltas } = run(server, { resyncMs: 60_000 });
    await reflector.waitForSync();
    await clock.advance(60_000);
    expect(deltas).toEqual(['added a/x -→3', 'updated a/x 3→3']);
  });

  it('selects on the server', async () => {
    const server = await scripted({ list: [page(5)] });
    const { reflector } = run(server, {
      watchList: false,
      namespace: 'b',
      labelSelector: 'app=x',
      fieldSelector: 'spec.nodeName!=',
      pageSize: 7,
    });
    await reflector.waitForSync();
    await eventually(() => server.requests.length === 2);
    expect(server.requests.map(({ url }) => url.pathname)).toEqual(['/api/v1/namespaces/b/pods', '/api/v1/namespaces/b/pods']);
    for (const { url } of server.requests) {
      expect(url.searchParams.get('labelSelector')).toBe('app=x');
      expect(url.searchParams.get('fieldSelector')).toBe('spec.nodeName!=');
    }
    expect(server.requests[0]?.url.searchParams.get('limit')).toBe('7');
  });
});
