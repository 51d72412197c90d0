import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { KubeClient } from '../../../core/kube/api.ts';
import { makeCertificate } from '../../../core/kube/test-support.ts';
import type { RouteRequest } from '../../../core/runtime/http-server.ts';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import { identityOf, readFrontProxyConfig, type FrontProxyConfig } from './front-proxy.ts';
import { createFrontProxyTrust } from './front-proxy-trust.ts';

const ca = makeCertificate({ cn: 'fp-ca' });
const proxy = new X509Certificate(makeCertificate({ cn: 'front-proxy-client', issuer: ca }).cert);

/** As kube-apiserver writes it. */
const data = {
  'client-ca-file': 'x',
  'requestheader-allowed-names': '["front-proxy-client"]',
  'requestheader-client-ca-file': ca.cert,
  'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
  'requestheader-group-headers': '["X-Remote-Group"]',
  'requestheader-uid-headers': '["X-Remote-Uid"]',
  'requestheader-username-headers': '["X-Remote-User"]',
};

describe('readFrontProxyConfig', () => {
  it('reads what the API server writes', () => {
    expect(readFrontProxyConfig(data)).toEqual({
      ok: true,
      config: {
        ca: ca.cert,
        allowedNames: ['front-proxy-client'],
        usernameHeaders: ['x-remote-user'],
        uidHeaders: ['x-remote-uid'],
        groupHeaders: ['x-remote-group'],
        extraPrefixes: ['x-remote-extra-'],
      },
    });
  });

  it('does without what older ones do not write', () => {
    const { 'requestheader-uid-headers': _, 'requestheader-allowed-names': __, ...older } = data;
    expect(readFrontProxyConfig(older)).toMatchObject({ ok: true, config: { uidHeaders: [], allowedNames: [] } });
    expect(readFrontProxyConfig({ ...data, 'requestheader-allowed-names': 'null' })).toMatchObject({
      ok: true,
      config: { allowedNames: [] },
    });
  });

  it.each([
    [undefined, 'requestheader-client-ca-file: Invalid input: expected string, received undefined'],
    [{ ...data, 'requestheader-client-ca-file': 'x' }, 'requestheader-client-ca-file: not a certificate'],
    [{ ...data, 'requestheader-allowed-names': 'front' }, 'requestheader-allowed-names: not a JSON list'],
    [{ ...data, 'requestheader-username-headers': '[]' }, 'requestheader-username-headers: Too small: expected array to have >=1 items'],
  ])('says what is wrong (%#)', (broken, problem) => {
    expect(readFrontProxyConfig(broken)).toEqual({ ok: false, problem });
  });
});

function requestWith(headers: Record<string, readonly string[]>, clientCertificate: X509Certificate | undefined = proxy): RouteRequest {
  const part: Pick<RouteRequest, 'headers' | 'headerValues' | 'clientCertificate'> = {
    headers: Object.fromEntries(Object.entries(headers).map(([name, values]) => [name, values.join(', ')])),
    headerValues: (name) => headers[name] ?? [],
    clientCertificate,
  };
  return part as RouteRequest;
}

describe('identityOf', () => {
  const read = readFrontProxyConfig(data);
  if (!read.ok) throw new Error(read.problem);
  const config: FrontProxyConfig = read.config;
  const headers = {
    'x-remote-user': ['system:serviceaccount:kube-system:hpa'],
    'x-remote-uid': ['u-1'],
    'x-remote-group': ['system:authenticated', 'cn=a, ou=b'],
    'x-remote-extra-scopes': ['one', 'two'],
    'x-remote-extra-authentication.kubernetes.io%2fpod-name': ['p'],
    'x-remote-extra-': ['nameless'],
    'x-other': ['y'],
  };

  it('is whom the front proxy names', () => {
    expect(identityOf(requestWith(headers), config)).toEqual({
      username: 'system:serviceaccount:kube-system:hpa',
      uid: 'u-1',
      groups: ['system:authenticated', 'cn=a, ou=b'],
      extra: { scopes: ['one', 'two'], 'authentication.kubernetes.io/pod-name': ['p'] },
    });
  });

  it('reads names as UTF-8', () => {
    const name = Buffer.from('jürgen', 'utf8').toString('latin1');
    expect(identityOf(requestWith({ 'x-remote-user': [name] }), config)?.username).toBe('jürgen');
  });

  it('is nobody without a certificate, with one of another name, and without a user', () => {
    const other = new X509Certificate(makeCertificate({ cn: 'alice', issuer: ca }).cert);
    expect(identityOf({ ...requestWith(headers), clientCertificate: undefined }, config)).toBeUndefined();
    expect(identityOf(requestWith(headers, other), config)).toBeUndefined();
    expect(identityOf(requestWith(headers, other), { ...config, allowedNames: [] })?.groups).toHaveLength(2);
    expect(identityOf(requestWith({ ...headers, 'x-remote-user': [] }), config)).toBeUndefined();
    expect(identityOf(requestWith({ ...headers, 'x-remote-user': [''] }), config)).toBeUndefined();
  });
});

describe('createFrontProxyTrust', () => {
  function make() {
    const clock = new VirtualClock();
    const state: { data: unknown; fault: Error | undefined; reads: number } = { data, fault: undefined, reads: 0 };
    const client = {
      get: async () => {
        state.reads += 1;
        if (state.fault !== undefined) throw state.fault;
        return { metadata: { name: 'x' }, data: state.data };
      },
    } as unknown as KubeClient;
    const cas: string[] = [];
    const problems: string[] = [];
    const trust = createFrontProxyTrust({
      client,
      clock,
      random: () => 0.5,
      onCa: (each) => {
        if (each.includes('unusable')) throw new Error('bad base64');
        cas.push(each);
      },
      onProblem: (problem) => problems.push(problem),
    });
    return { trust, clock, state, cas, problems };
  }

  it('reads every minute and tells of a new CA', async () => {
    const { trust, clock, state, cas } = make();
    expect(trust.problem()).toBe('ConfigMap kube-system/extension-apiserver-authentication was not read yet');
    await trust.start();
    expect([cas, trust.problem(), trust.config()?.allowedNames]).toEqual([[ca.cert], undefined, ['front-proxy-client']]);
    await clock.advance(60_000);
    expect([cas.length, state.reads]).toEqual([1, 2]);
    const next = makeCertificate({ cn: 'next' }).cert;
    state.data = { ...data, 'requestheader-client-ca-file': next };
    await clock.advance(60_000);
    expect(cas).toEqual([ca.cert, next]);
    trust.stop();
    expect(clock.pending).toBe(0);
  });

  it('believes nobody until it has read, and tries again soon', async () => {
    const { trust, clock, state, problems } = make();
    state.fault = new Error('forbidden');
    await trust.start();
    const sentence = 'ConfigMap kube-system/extension-apiserver-authentication could not be read: forbidden';
    expect([trust.config(), trust.problem(), problems]).toEqual([undefined, sentence, [sentence]]);
    state.fault = undefined;
    await clock.advance(1_000);
    expect([trust.problem(), trust.config()?.ca]).toEqual([undefined, ca.cert]);
  });

  it('keeps what it knows through a failure and through nonsense', async () => {
    const { trust, clock, state, problems } = make();
    await trust.start();
    state.data = { ...data, 'requestheader-client-ca-file': '-----BEGIN CERTIFICATE----- unusable' };
    await clock.advance(60_000);
    state.data = {};
    await clock.advance(60_000);
    expect([trust.problem(), trust.config()?.ca]).toEqual([undefined, ca.cert]);
    expect(problems[0]).toBe(
      'the client CA of ConfigMap kube-system/extension-apiserver-authentication cannot be used: bad base64; what was read before stays in force',
    );
    expect(problems.at(-1)).toMatch(/cannot be used: requestheader-client-ca-file: .*; what was read before stays in force$/);
  });
});
