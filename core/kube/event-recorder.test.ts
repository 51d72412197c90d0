import { afterEach, describe, expect, it } from 'vitest';
import { createEventRecorder, type EventInput, type EventRecorder } from './event-recorder.ts';
import { closeableFence } from './fence.ts';
import { clientFor, eventually, fakeServer, json, statusAnswer, VirtualClock, type FakeHandler, type FakeServer } from './test-support.ts';

const servers: FakeServer[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

const web: EventInput = {
  object: { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web', uid: 'u1' },
  type: 'Normal',
  reason: 'ScaledUp',
  message: 'Scaled from 2 to 4 replicas.',
};

interface Setup {
  readonly recorder: EventRecorder;
  readonly server: FakeServer;
  readonly clock: VirtualClock;
  readonly fence: ReturnType<typeof closeableFence>;
}

async function setup(handler?: FakeHandler, queueSize?: number): Promise<Setup> {
  const server = await fakeServer(handler ?? ((_request, response) => json(response, 201, { metadata: {} })));
  servers.push(server);
  const clock = new VirtualClock(Date.UTC(2026, 0, 1));
  const fence = closeableFence();
  const client = clientFor(server, { clock, fence });
  const recorder = createEventRecorder({ client, clock, random: () => 0.5, component: 'concertina-hpa', instance: 'pod-1', queueSize });
  return { recorder, server, clock, fence };
}

function body(server: FakeServer, index: number): Record<string, unknown> {
  return JSON.parse(server.requests[index]?.body ?? '{}') as Record<string, unknown>;
}

describe('one event', () => {
  it('is written as kubectl describe shows it', async () => {
    const { recorder, server } = await setup();
    recorder.record(web);
    await recorder.flush();
    expect(server.requests.map(({ method, url }) => `${method} ${url.pathname}`)).toEqual(['POST /api/v1/namespaces/shop/events']);
    expect(body(server, 0)).toEqual({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `web.${Date.UTC(2026, 0, 1).toString(16)}80000000`, namespace: 'shop' },
      involvedObject: web.object,
      type: 'Normal',
      reason: 'ScaledUp',
      message: 'Scaled from 2 to 4 replicas.',
      count: 1,
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:00:00Z',
      source: { component: 'concertina-hpa', host: 'pod-1' },
      reportingComponent: 'concertina-hpa',
      reportingInstance: 'pod-1',
    });
  });

  it('about a cluster-scoped object goes to the default namespace, and a long message is cut', async () => {
    const { recorder, server } = await setup();
    recorder.record({ ...web, object: { apiVersion: 'v1', kind: 'Node', name: 'n1' }, message: 'ü'.repeat(900) });
    await recorder.flush();
    expect(server.requests[0]?.url.pathname).toBe('/api/v1/namespaces/default/events');
    const message = String(body(server, 0)['message']);
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(1_024);
    expect(message).toMatch(/^ü+…$/);
  });
});

describe('many events', () => {
  it('that are the same within ten minutes raise a count', async () => {
    const { recorder, server, clock } = await setup();
    recorder.record(web);
    await recorder.flush();
    await clock.advance(60_000);
    recorder.record(web);
    recorder.record(web);
    await recorder.flush();
    expect(server.requests.map(({ method }) => method)).toEqual(['POST', 'PATCH']);
    const name = (body(server, 0)['metadata'] as { name: string }).name;
    expect(server.requests[1]?.url.pathname).toBe(`/api/v1/namespaces/shop/events/${name}`);
    expect(body(server, 1)).toEqual({ count: 3, lastTimestamp: '2026-01-01T00:01:00Z', message: web.message });
    await clock.advance(601_000);
    recorder.record(web);
    await recorder.flush();
    expect(server.requests.map(({ method }) => method)).toEqual(['POST', 'PATCH', 'POST']);
  });

  it('begin anew when the Event object has expired', async () => {
    const { recorder, server } = await setup((request, response) => {
      if (request.method === 'PATCH') statusAnswer(response, 404, 'NotFound');
      else json(response, 201, { metadata: {} });
    });
    recorder.record(web);
    await recorder.flush();
    recorder.record(web);
    await recorder.flush();
    expect(server.requests.map(({ method }) => method)).toEqual(['POST', 'PATCH', 'POST']);
    expect(recorder.stats()).toMatchObject({ written: 2, failed: 0 });
  });

  it('of one reason with more than ten messages are combined', async () => {
    const { recorder, server } = await setup();
    for (let replicas = 1; replicas <= 14; replicas++) recorder.record({ ...web, message: `Scaled to ${replicas}.` });
    await recorder.flush();
    const bodies = server.requests.map((_request, index) => body(server, index));
    expect(bodies.slice(0, 10).map(({ message }) => message)).toEqual(Array.from({ length: 10 }, (_, index) => `Scaled to ${index + 1}.`));
    expect(bodies.slice(10)).toMatchObject([{ message: '(combined from similar events): Scaled to 11.', count: 4 }]);
  });

  it('about one object are limited, without touching those about others', async () => {
    const { recorder, server, clock } = await setup();
    for (let index = 0; index < 40; index++) recorder.record({ ...web, reason: `R${index}` });
    recorder.record({ ...web, object: { ...web.object, name: 'other', uid: 'u2' } });
    await recorder.flush();
    expect(recorder.stats()).toMatchObject({ written: 26, spam: 15 });
    await clock.advance(300_000);
    recorder.record({ ...web, reason: 'Later' });
    await recorder.flush();
    expect(server.requests).toHaveLength(27);
  });

  it('beyond the queue are dropped', async () => {
    const { recorder } = await setup(() => undefined, 3);
    for (let index = 0; index < 8; index++) recorder.record({ ...web, reason: `R${index}` });
    expect(recorder.stats().overflow).toBe(5);
  });
});

describe('failures', () => {
  it('never reach the caller; what may pass is tried again', async () => {
    const { recorder, server, clock } = await setup((_request, response, index) => {
      if (index < 2) statusAnswer(response, 500, 'InternalError');
      else json(response, 201, { metadata: {} });
    });
    recorder.record(web);
    await eventually(() => server.requests.length === 1);
    await eventually(() => clock.pending > 0);
    await clock.advance(1_000);
    await eventually(() => server.requests.length === 2 && clock.pending > 0);
    await clock.advance(2_000);
    await eventually(() => recorder.stats().written === 1);
    expect(recorder.stats().failed).toBe(0);
  });

  it('that cannot pass are not repeated', async () => {
    const { recorder, server } = await setup((_request, response) => statusAnswer(response, 403, 'Forbidden'));
    recorder.record(web);
    await recorder.flush();
    expect(server.requests).toHaveLength(1);
    expect(recorder.stats()).toMatchObject({ written: 0, failed: 1 });
  });

  it('of a closed fence are counted', async () => {
    const { recorder, server, fence } = await setup();
    fence.closeWith('not the leader');
    recorder.record(web);
    await recorder.flush();
    expect(server.requests).toEqual([]);
    expect(recorder.stats()).toMatchObject({ written: 0, fenced: 1, failed: 0 });
  });
});

describe('closing', () => {
  it('writes what is queued, at most for a while, and takes nothing more', async () => {
    const { recorder, server, clock } = await setup(() => undefined);
    recorder.record(web);
    recorder.record({ ...web, reason: 'Other' });
    await eventually(() => server.requests.length === 1);
    const closed = recorder.close(2_000);
    await clock.advance(2_000);
    await closed;
    recorder.record(web);
    expect(recorder.stats()).toMatchObject({ written: 0, overflow: 2 });
    await eventually(() => clock.pending === 0);
  });
});
