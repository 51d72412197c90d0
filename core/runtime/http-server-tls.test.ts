import { Agent, request } from 'node:https';
import { connect } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { makeCertificate, type TestCertificate } from '../kube/test-support.ts';
import type { Clock } from '../model/clock.ts';
import { realClock, VirtualClock } from './clock.ts';
import { testServers } from './http-server.fixture.ts';
import { createHttpServer, type ServerTls } from './http-server.ts';
import { recordingLogger } from './logging.ts';

const serverCa = makeCertificate({ cn: 'server-ca' });
const serving = makeCertificate({ cn: 'server', issuer: serverCa });
const clientCa = makeCertificate({ cn: 'client-ca' });
const client = makeCertificate({ cn: 'alice', issuer: clientCa });
const otherCa = makeCertificate({ cn: 'other-ca' });
const stranger = makeCertificate({ cn: 'mallory', issuer: otherCa });
const material: ServerTls = { cert: serving.cert, key: serving.key };

const start = testServers();

const serve = (tls: ServerTls, clock: Clock = realClock) =>
  start((server) => server.route('GET', '/who', ({ clientCertificate }) => ({ body: clientCertificate?.subject ?? 'nobody' })), {
    clock,
    tls,
  });

/** One request; connections are kept when an agent is given. */
function who(port: number, options: { ca?: string; certificate?: TestCertificate; agent?: Agent } = {}): Promise<string> {
  const { ca = serverCa.cert, certificate, agent } = options;
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port,
        path: '/who',
        ca,
        agent: agent ?? false,
        ...(certificate && { cert: certificate.cert, key: certificate.key }),
      },
      (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => resolve(body));
      },
    );
    sent.on('error', reject);
    sent.end();
  });
}

describe('HTTPS', () => {
  it('is served with the given certificate', async () => {
    const { port } = await serve(material);
    expect(await who(port)).toBe('nobody');
    await expect(who(port, { ca: otherCa.cert })).rejects.toThrowError(/certificate/);
  });

  it('takes new certificates while it runs', async () => {
    const { server, port } = await serve(material);
    const next = makeCertificate({ cn: 'server', issuer: otherCa });
    server.renewTls({ cert: next.cert, key: next.key });
    expect(await who(port, { ca: otherCa.cert })).toBe('nobody');
    await expect(who(port)).rejects.toThrowError(/certificate/);
  });

  it('cannot be switched on later', async () => {
    const server = createHttpServer({ host: '127.0.0.1', port: 0, clock: realClock, logger: recordingLogger() });
    expect(() => server.renewTls(material)).toThrowError('a server without TLS cannot be given certificates');
  });
});

describe('client certificates', () => {
  const asking: ServerTls = { ...material, ca: clientCa.cert, requestClientCert: true };

  it('are believed when the CA signed them', async () => {
    const { port } = await serve(asking);
    expect(await who(port, { certificate: client })).toBe('CN=alice');
    expect(await who(port, { certificate: stranger })).toBe('nobody');
    expect(await who(port, { certificate: makeCertificate({ cn: 'alice' }) })).toBe('nobody');
    expect(await who(port)).toBe('nobody');
  });

  it('are believed of each CA in a bundle', async () => {
    const { port } = await serve({ ...asking, ca: `# two\n${otherCa.cert}\n${clientCa.cert}` });
    expect(await who(port, { certificate: client })).toBe('CN=alice');
    expect(await who(port, { certificate: stranger })).toBe('CN=mallory');
  });

  it('are not asked for, and not believed, unless so configured', async () => {
    const { port } = await serve({ ...material, ca: clientCa.cert });
    expect(await who(port, { certificate: client })).toBe('nobody');
  });

  it('are not believed without a CA, whatever the well-known ones sign', async () => {
    const { port } = await serve({ ...material, requestClientCert: true });
    expect(await who(port, { certificate: client })).toBe('nobody');
  });

  it('are judged by the CA of before when the new one cannot be read', async () => {
    const { server, port } = await serve(asking);
    expect(() => server.renewTls({ ...asking, ca: 'no PEM' })).toThrowError('the client CA holds no certificate in PEM');
    expect(() => server.renewTls({ ...asking, ca: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' })).toThrowError(
      /asn1|ASN1|PEM/,
    );
    expect(await who(port, { certificate: client })).toBe('CN=alice');
  });

  it('lose what they are worth on an open connection when the CA is replaced', async () => {
    const { server, port } = await serve(asking);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    expect(await who(port, { certificate: client, agent })).toBe('CN=alice');
    server.renewTls({ ...asking, ca: `${clientCa.cert}${otherCa.cert}` });
    expect(await who(port, { certificate: client, agent })).toBe('CN=alice');
    server.renewTls({ ...asking, ca: otherCa.cert });
    expect(await who(port, { certificate: client, agent })).toBe('nobody');
    expect(await who(port, { certificate: stranger })).toBe('CN=mallory');
    agent.destroy();
  });

  it('expire on an open connection', async () => {
    const clock = new VirtualClock(Date.now());
    const { port } = await serve(asking, clock);
    const hour = 3_600_000;
    const certificate = makeCertificate({ cn: 'brief', issuer: clientCa, notAfter: new Date(clock.now() + hour) });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    expect(await who(port, { certificate, agent })).toBe('CN=brief');
    await clock.advance(hour + 1000);
    expect(await who(port, { certificate, agent })).toBe('nobody');
    agent.destroy();
  });

  it('cannot be feigned by taking up a session that showed none', async () => {
    const { port } = await serve(asking);
    const sessions: Buffer[] = [];
    const visit = (session?: Buffer): Promise<{ body: string; reused: boolean }> =>
      new Promise((resolve, reject) => {
        const socket = connect({ host: '127.0.0.1', port, ca: serverCa.cert, ...(session && { session }) });
        let text = '';
        let reused = false;
        socket.on('secureConnect', () => (reused = socket.isSessionReused()));
        socket.on('session', (each: Buffer) => sessions.push(each));
        socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
        socket.on('error', reject);
        socket.on('close', () => resolve({ body: text.split('\r\n\r\n')[1] ?? '', reused }));
        socket.write('GET /who HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
      });
    expect(await visit()).toEqual({ body: 'nobody', reused: false });
    // TLS 1.3 hands out sessions whatever the server is told; they are worth nothing.
    expect(sessions).not.toEqual([]);
    for (const session of sessions.slice()) expect(await visit(session)).toEqual({ body: 'nobody', reused: false });
  });
});
