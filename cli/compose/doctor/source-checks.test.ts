import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../core/model/object.ts';
import { parseMetricSource } from '../../../metrics-aggregator/index.ts';
import { judgeSources } from './source-checks.ts';
import { secretReferences } from './secret-refs.ts';
import type { SecretFacts, SourceFacts } from './sources.ts';
import { absent, forbidden, messageOf, read, statusesOf } from './test-support.ts';

const now = Date.UTC(2026, 0, 1, 12);
const context = { now, maxAgeMs: 180_000, secretNamespace: 'concertina-system', namespaces: ['shop', 'blog'] };

function source(spec: Readonly<Record<string, unknown>> = {}, change: Partial<SourceFacts> = {}): SourceFacts {
  const raw: KubeObject = {
    metadata: { name: 'main', generation: 2 },
    spec: { url: 'https://prom.example', allowedNamespaces: { names: ['shop'] }, ...spec },
  };
  return {
    name: 'main',
    raw,
    parsed: parseMetricSource(raw),
    secrets: [],
    ready: undefined,
    version: undefined,
    probe: undefined,
    asked: [],
    ...change,
  };
}

const judge = (facts: SourceFacts) => judgeSources(read([facts]), context);
const line = (facts: SourceFacts, check: string) => judge(facts).find((each) => each.check === `metric-source/main/${check}`);
const ready = (status: 'True' | 'False' | 'Unknown', reason: string, observedGeneration = 2): SourceFacts['ready'] => ({
  type: 'Ready',
  status,
  reason,
  message: 'MetricSource main could not answer (503)',
  lastTransitionTime: '2026-01-01T11:00:00Z',
  observedGeneration,
});
const answering = { ok: true, version: '2.42.0', tookMs: 12, newest: undefined } as const;
const secret = (state: SecretFacts['state']): SecretFacts => ({
  reference: { path: 'spec.auth.bearer.secretRef', name: 'token', key: 'value' },
  state,
  message: 'timed out',
});

describe('judgeSources', () => {
  it('has one line where there is nothing to look at', () => {
    expect(statusesOf(judgeSources(absent, context))).toEqual(['SKIPPED metric-source']);
    expect(statusesOf(judgeSources(forbidden, context))).toEqual(['SKIPPED metric-source']);
    expect(statusesOf(judgeSources(read([]), context))).toEqual(['OK metric-source']);
  });

  it('names what is wrong with a spec, and looks no further', () => {
    const checks = judge(source({ url: 'http://plain.example' }));
    expect(statusesOf(checks)).toEqual(['FAIL metric-source/main/spec']);
    expect(checks[0]?.message).toContain('spec.plainHttp');
  });

  it('warns where credentials go over plain HTTP', () => {
    const spec = { url: 'http://prom.example', plainHttp: true };
    expect(line(source(spec), 'spec')?.status).toBe('OK');
    expect(line(source(spec, { secrets: [secret('there')] }), 'spec')?.status).toBe('WARN');
  });

  it.each([
    ['there', 'OK', 'concertina-system/token:value'],
    ['no-secret', 'FAIL', 'names Secret concertina-system/token, which does not exist; create it with the key value'],
    ['no-key', 'FAIL', 'names the key value of Secret concertina-system/token, which it does not have'],
    ['forbidden', 'SKIPPED', 'you may not read it'],
    ['unread', 'FAIL', 'cannot be read: timed out'],
  ] as const)('a Secret that is %s: %s', (state, status, text) => {
    const check = line(source({}, { secrets: [secret(state)] }), 'secrets');
    expect(check?.status).toBe(status);
    expect(check?.message).toContain(text);
  });

  it('goes by what the running program says, unless it was asked itself', () => {
    expect(line(source(), 'reachable')).toMatchObject({ status: 'SKIPPED', message: expect.stringContaining('--probe') as unknown });
    expect(line(source({}, { ready: ready('True', 'Answering'), version: '2.42.0' }), 'reachable')).toMatchObject({
      status: 'OK',
      message: 'MetricSource main answers the running program for 60 min: 2.42.0',
    });
    expect(line(source({}, { ready: ready('False', 'SourceUnavailable') }), 'reachable')?.status).toBe('FAIL');
    expect(line(source({}, { ready: ready('Unknown', 'SettingUp') }), 'reachable')?.status).toBe('WARN');
    expect(line(source({}, { ready: ready('True', 'Answering', 1) }), 'reachable')?.message).toContain(
      'was changed since the program looked at it',
    );
  });

  it('asked itself: from here, through the API server, or not at all', () => {
    const unreached = (throughApiServer: 'answers' | 'refuses' | 'fails' | undefined): Partial<SourceFacts> => ({
      probe: { ok: false, problem: 'MetricSource main cannot be reached: the host name does not resolve', throughApiServer },
    });
    expect(line(source({}, { probe: answering }), 'reachable')).toMatchObject({
      status: 'OK',
      values: { version: '2.42.0', latencyMs: 12 },
    });
    expect(line(source({}, unreached('answers')), 'reachable')?.status).toBe('OK');
    expect(line(source({}, unreached('refuses')), 'reachable')?.status).toBe('OK');
    expect(line(source({}, unreached('fails')), 'reachable')).toMatchObject({
      status: 'FAIL',
      message: expect.stringContaining('does not resolve') as unknown,
    });
    expect(
      line(source({}, { ...unreached('fails'), ready: ready('True', 'Answering') }), 'reachable')?.status,
      'the program reaches it',
    ).toBe('OK');
  });

  it('asked itself, tells by its newest sample whether it still scrapes', () => {
    const age = (newest: number | undefined) => line(source({}, { probe: { ...answering, newest } }), 'age');
    expect(age(now - 20_000)).toMatchObject({ status: 'OK', message: 'the newest sample of MetricSource main is 20 s old' });
    expect(age(now + 5_000)?.status, 'its clock is a little ahead').toBe('OK');
    expect(age(now - 600_000)).toMatchObject({ status: 'FAIL', values: { newestAgeSeconds: 600 } });
    expect([age(undefined), line(source(), 'age')], 'not told, or not asked').toEqual([undefined, undefined]);
  });

  it('looks who may use it', () => {
    expect(line(source(), 'namespaces')?.message).toBe('policies of shop may use MetricSource main');
    expect(line(source({ allowedNamespaces: { all: true } }), 'namespaces')?.status).toBe('OK');
    expect(line(source({ allowedNamespaces: { names: [] } }), 'namespaces')?.status).toBe('WARN');
    expect(line(source({ allowedNamespaces: { names: ['shop', 'gone'] } }), 'namespaces')).toMatchObject({
      status: 'WARN',
      message: expect.stringContaining('gone') as unknown,
    });
  });

  it('keeps the order of names', () => {
    const named = (name: string): SourceFacts => ({ ...source(), name });
    const names = judgeSources(read([named('b'), named('a')]), context).map(({ check }) => check.split('/')[1]);
    expect([...new Set(names)]).toEqual(['a', 'b']);
  });
});

it('every Secret key that a spec needs is looked for', () => {
  const { parsed } = source({
    auth: {
      basic: { username: { name: 'u', key: 'a' }, password: { name: 'u', key: 'b' } },
      clientCertificate: { secretName: 'cert' },
      headers: [
        { name: 'X-One', value: 'plain' },
        { name: 'X-Two', secretRef: { name: 'h', key: 'c' } },
      ],
    },
    tls: { ca: { name: 'ca', key: 'ca.crt' } },
  });
  expect(parsed.ok ? secretReferences(parsed.spec).map(({ path, name, key }) => `${path} ${name}:${key}`) : parsed.problem).toEqual([
    'spec.auth.basic.username u:a',
    'spec.auth.basic.password u:b',
    'spec.auth.clientCertificate.secretName cert:tls.crt',
    'spec.auth.clientCertificate.secretName cert:tls.key',
    'spec.auth.headers[1].secretRef h:c',
    'spec.tls.ca ca:ca.crt',
  ]);
});

it('no line holds more than it must of a foreign text', () => {
  const checks = judge(
    source({}, { ready: { ...ready('False', 'X'), message: `\u001b]0;title\u0007${'a'.repeat(5_000)}` } as SourceFacts['ready'] }),
  );
  const message = messageOf(checks, 'metric-source/main/reachable');
  expect(message.length).toBeLessThan(500);
  expect(message).not.toContain('\u001b');
});
