import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../core/model/object.ts';
import { defaultCertificateConfig, type CertificateConfig } from '../config.ts';
import { createAuthority } from './certificate.ts';
import {
  bundleHolds,
  bundleOf,
  bundleVerifies,
  coversNames,
  factsOf,
  readSecret,
  readSupplied,
  secretContent,
  type CertificateState,
} from './material.ts';
import { planRotation, takeStep, type RotationView } from './rotation.ts';

const minute = 60_000;
const day = 86_400_000;
const start = Date.parse('2026-11-28T00:00:00Z');
const names = ['concertina-vpa.concertina.svc', 'localhost', '127.0.0.1'];

function secretOf(state: CertificateState): KubeObject {
  const { data, annotations } = secretContent(state);
  const present = (map: Readonly<Record<string, string | null>>): Record<string, string> =>
    Object.fromEntries(Object.entries(map).filter((entry): entry is [string, string] => entry[1] !== null));
  return { metadata: { name: 's', namespace: 'n', annotations: present(annotations) }, data: present(data) };
}

function view(overrides: Partial<RotationView>): RotationView {
  return { reading: { kind: 'absent' }, now: start, names, nextPublishedMs: undefined, config: defaultCertificateConfig, ...overrides };
}

async function found(config: CertificateConfig = defaultCertificateConfig): Promise<CertificateState> {
  return takeStep({ step: 'found', why: 'test' }, view({ config }), randomBytes);
}

const first = await found();

/** The same Secret with parts of its data replaced. */
function changed(data: Record<string, string | undefined>, metadata: Partial<KubeObject['metadata']> = {}): KubeObject {
  const secret = secretOf(first);
  const held = secret['data'] as Record<string, string>;
  for (const [key, value] of Object.entries(data)) {
    if (value === undefined) delete held[key];
    else held[key] = Buffer.from(value).toString('base64');
  }
  return { ...secret, metadata: { ...secret.metadata, ...metadata } };
}

describe('a Secret', () => {
  it('is read as it was written', () => {
    const withAll: CertificateState = { ...first, next: first.ca, previous: { cert: first.ca.cert, until: start + day } };
    expect(readSecret(secretOf(withAll))).toEqual({ kind: 'own', state: withAll });
    expect(readSecret(secretOf(first))).toEqual({ kind: 'own', state: first });
  });

  it('that is broken says what is, and nothing of what stands in it', async () => {
    const other = await found();
    const cases: readonly (readonly [KubeObject, string])[] = [
      [changed({ 'tls.crt': undefined }), 'the serving certificate (tls.crt, tls.key) is not complete'],
      [changed({ 'tls.crt': 'SECRET-TEXT' }), 'the serving certificate (tls.crt, tls.key) cannot be read as PEM'],
      [changed({ 'tls.key': other.leaf.key }), 'the key of the serving certificate (tls.crt, tls.key) is not that of its certificate'],
      [changed({ 'ca.key': 'SECRET-TEXT' }), 'the CA (ca.crt, ca.key) cannot be read as PEM'],
      [
        changed({ 'tls.crt': other.leaf.cert, 'tls.key': other.leaf.key }),
        'the serving certificate (tls.crt) is not signed by the CA (ca.crt)',
      ],
      [changed({ 'next-ca.crt': other.ca.cert }), 'the next CA (next-ca.crt) is not complete'],
    ];
    for (const [secret, problem] of cases) expect(readSecret(secret)).toMatchObject({ kind: 'broken', problem, supplied: false });
    expect(readSecret({ metadata: { name: 's' } })).toMatchObject({ kind: 'broken', ca: undefined });
  });

  it('of somebody else is only read', () => {
    const mark = { 'concertina.dev/managed': 'false' };
    for (const metadata of [{ labels: mark }, { annotations: mark }]) {
      const reading = readSecret(changed({ 'ca.key': undefined }, metadata));
      expect(reading).toEqual({ kind: 'supplied', leaf: first.leaf, ca: first.ca.cert });
      expect(planRotation(view({ reading, now: start + 3650 * day }))).toEqual({ step: 'none' });
    }
    const broken = readSecret(changed({ 'tls.key': undefined }, { labels: mark }));
    expect(broken).toMatchObject({ kind: 'broken', supplied: true });
    expect(planRotation(view({ reading: broken }))).toEqual({ step: 'none' });
    expect(readSupplied('x', 'y', undefined)).toMatchObject({ kind: 'broken', supplied: true });
  });
});

describe('a plan', () => {
  const own = (now: number, nextPublishedMs?: number, state: CertificateState = first) =>
    planRotation(view({ reading: { kind: 'own', state }, now, nextPublishedMs }));

  it('makes what is missing, broken, expired or of the future', () => {
    expect(planRotation(view({}))).toEqual({ step: 'found', why: 'there is none yet' });
    expect(own(start + 366 * day)).toEqual({ step: 'found', why: 'the CA has expired' });
    expect(own(start - 2 * day)).toMatchObject({ step: 'found', why: expect.stringContaining('from the future') });
    expect(own(start - 30 * minute)).toEqual({ step: 'none' });
  });

  it('renews a leaf at two thirds of its life, or when names are missing', () => {
    expect(own(start + 19.9 * day)).toEqual({ step: 'none' });
    expect(own(start + 20.1 * day)).toEqual({ step: 'leaf', why: 'most of its life is over' });
    expect(planRotation(view({ reading: { kind: 'own', state: first }, names: [...names, '10.0.0.1'] }))).toMatchObject({ step: 'leaf' });
  });

  it('promotes a CA only when it has been published for long enough', async () => {
    const state = { ...first, next: (await found()).ca };
    expect(own(start + day, undefined, state)).toEqual({ step: 'none' });
    expect(own(start + day, 59_999, state)).toEqual({ step: 'none' });
    expect(own(start + day, 60_000, state)).toEqual({ step: 'promote', forced: false });
    // Near its end nobody waits for ever.
    expect(own(start + 310 * day, undefined, { ...state, leaf: (await found()).leaf })).toEqual({ step: 'promote', forced: true });
  });
});

it('three years: every leaf verifies under the bundle of three days before and of the day', async () => {
  let state = first;
  let bundleBefore = bundleOf(first);
  const steps = new Map<string, number>();
  const authorities = new Set([first.ca.cert]);
  let nextSince: number | undefined;
  for (let now = start; now < start + 3 * 365 * day; now += 3 * day) {
    const leafBefore = state.leaf.cert;
    for (let turns = 0; turns < 5; turns++) {
      const nextPublishedMs = state.next === undefined || nextSince === undefined ? undefined : now - nextSince;
      const at = view({ reading: { kind: 'own', state }, now, nextPublishedMs });
      const step = planRotation(at);
      if (step.step === 'none') break;
      expect(turns).toBeLessThan(4);
      steps.set(step.step, (steps.get(step.step) ?? 0) + 1);
      state = await takeStep(step, at, randomBytes);
      authorities.add(state.ca.cert);
    }
    nextSince = state.next === undefined ? undefined : (nextSince ?? now);
    const bundle = bundleOf(state);
    // What a slow API server has, what it gets, and what a slow copy serves.
    expect([
      bundleVerifies(bundleBefore, state.leaf.cert),
      bundleVerifies(bundle, state.leaf.cert),
      bundleVerifies(bundle, leafBefore),
    ]).toEqual([true, true, true]);
    for (const cert of [state.ca.cert, state.leaf.cert]) {
      const { notBefore, notAfter } = factsOf(cert);
      expect(notBefore <= now && now < notAfter).toBe(true);
    }
    expect(factsOf(state.leaf.cert).notAfter).toBeLessThanOrEqual(factsOf(state.ca.cert).notAfter);
    expect(coversNames(state.leaf.cert, names)).toBe(true);
    bundleBefore = bundle;
  }
  expect(steps.get('found')).toBeUndefined();
  expect(steps.get('promote')).toBe(4);
  expect(steps.get('announce')).toBe(4);
  expect(steps.get('forget')).toBe(4);
  expect(steps.get('leaf')).toBeGreaterThan(40);
  expect(authorities.size).toBe(5);
});

it('a broken Secret is replaced, and the CA of before is believed on for what copies still serve', async () => {
  const reading = readSecret(changed({ 'ca.key': undefined }));
  const at = view({ reading, now: start + day });
  const state = await takeStep({ step: 'found', why: 'broken' }, at, randomBytes);
  expect(bundleVerifies(bundleOf(state), first.leaf.cert)).toBe(true);
  expect(bundleVerifies(bundleOf(state), state.leaf.cert)).toBe(true);
  expect(state.previous?.until).toBe(start + 31 * day);
  expect(planRotation(view({ reading: { kind: 'own', state }, now: start + day }))).toEqual({ step: 'none' });
});

it('a bundle is asked for a certificate, not for its text', async () => {
  const { cert } = await createAuthority({ commonName: 'x', notBefore: start, notAfter: start + day, randomBytes });
  expect(bundleHolds(`# comment\r\n${cert.replaceAll('\n', '\r\n')}`, cert)).toBe(true);
  expect(bundleHolds(bundleOf(first), cert)).toBe(false);
  expect(bundleHolds('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', cert)).toBe(false);
});
