import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { advanceUntil, eventually } from '../../../core/kube/test-support.ts';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import { bundleHolds, readSecret, secretContent, type CertificateState } from '../certificates/material.ts';
import { takeStep } from '../certificates/rotation.ts';
import { certificateNames, defaultAdmissionConfig, defaultCertificateConfig, type AdmissionConfig } from '../config.ts';
import { registeredBundle } from '../engine/webhook-object.ts';
import { admissionOptions, createCaller, memoryCluster, newPod, podReview, type MemoryCluster } from '../test-support.ts';
import { createAdmission, type Admission } from './admission.ts';

const webhookPath = 'mutatingwebhookconfigurations/concertina-vpa';
const secretPath = 'secrets/concertina/concertina-vpa-admission';
const leasePath = 'leases/concertina/concertina-vpa-admission';
const review = JSON.stringify(podReview(newPod()));

const running: Admission[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each.stop(0)));
});

/** Real sockets and real certificates: the clock starts at the wall's time, and certificates are valid from five minutes before. */
async function startAdmission(
  cluster: MemoryCluster,
  overrides: { config?: Partial<AdmissionConfig>; clock?: VirtualClock; readText?: (path: string) => Promise<string> } = {},
) {
  const clock = overrides.clock ?? new VirtualClock(Date.now());
  const options = admissionOptions(cluster, clock, overrides);
  const admission = createAdmission(options);
  running.push(admission);
  const address = await admission.start();
  return { admission, clock, options, port: address?.port ?? 0 };
}

const bundleIn = (cluster: MemoryCluster): string => registeredBundle(cluster.get(webhookPath)) ?? '';
const stateIn = (cluster: MemoryCluster): CertificateState => {
  const reading = readSecret(cluster.get(secretPath));
  if (reading.kind !== 'own') throw new Error(`the Secret is ${reading.kind}`);
  return reading.state;
};
const until = (clock: VirtualClock, condition: () => boolean): Promise<void> => advanceUntil(clock, condition, 200, 120_000);

describe('the leader', () => {
  it('makes certificates and registers; then the copy is healthy and says so', async () => {
    const cluster = memoryCluster();
    const { admission, clock, port, options } = await startAdmission(cluster);
    expect(admission.status()).toEqual({ ok: false, message: expect.stringContaining('is not there') });
    expect(admission.readiness()).toContain('there is no certificate yet');
    admission.lead();
    await until(clock, () => admission.status().ok);
    expect(cluster.writes.slice(0, 3)).toEqual([`create ${secretPath}`, `create ${webhookPath}`, `create ${leasePath}`]);
    expect(cluster.get(secretPath)).toMatchObject({ type: 'kubernetes.io/tls' });
    expect(cluster.get(leasePath)?.spec).toMatchObject({
      holderIdentity: 'copy-1',
      leaseDurationSeconds: 60,
      renewTime: expect.stringMatching(/\.\d{6}Z$/),
    });
    expect(admission.readiness()).toBeUndefined();
    const caller = createCaller(port);
    const answer = await caller.post(bundleIn(cluster), review);
    expect(JSON.parse(answer.body)).toMatchObject({ response: { uid: 'review-1', allowed: true, patchType: 'JSONPatch' } });
    expect((await caller.post(bundleIn(cluster), 'x'.repeat(6 * 1024 * 1024)).catch(() => ({ status: 413 }))).status).toBe(413);
    caller.close();
    expect(await options.registry.metrics()).toMatch(/certificate_expiry_timestamp_seconds\{certificate="ca"\} 1\d{9}/);
    expect(JSON.stringify(options.logger.lines)).not.toContain('PRIVATE KEY');
  });

  it('puts the webhook object right, by patches alone', async () => {
    const cluster = memoryCluster();
    const { admission, clock } = await startAdmission(cluster);
    admission.lead();
    await until(clock, () => admission.status().ok);
    const good = structuredClone(cluster.get(webhookPath)) as KubeObject;
    cluster.put(webhookPath, { ...good, webhooks: [] });
    expect(admission.status()).toEqual({ ok: false, message: expect.stringContaining('webhook pods.vpa.concertina.dev is missing') });
    await until(clock, () => admission.status().ok);
    expect(cluster.get(webhookPath)?.['webhooks']).toEqual(good['webhooks']);
    cluster.put(webhookPath, undefined);
    await until(clock, () => admission.status().ok);
    expect(cluster.writes.filter((each) => each.endsWith(webhookPath))).toEqual([
      `create ${webhookPath}`,
      `patch ${webhookPath}`,
      `create ${webhookPath}`,
    ]);
  });

  it('writes nothing any more once it does not lead', async () => {
    const cluster = memoryCluster();
    const { admission, clock } = await startAdmission(cluster);
    admission.lead();
    await until(clock, () => admission.status().ok);
    await admission.unlead();
    const before = cluster.writes.filter((each) => !each.endsWith(leasePath)).length;
    cluster.put(webhookPath, undefined);
    await clock.advance(300_000);
    expect(cluster.writes.filter((each) => !each.endsWith(leasePath))).toHaveLength(before);
    expect(admission.status().ok).toBe(false);
  });

  it('replaces a broken Secret and says so; what is served stays until the new CA is registered', async () => {
    const cluster = memoryCluster();
    const { admission, clock, port, options } = await startAdmission(cluster);
    admission.lead();
    await until(clock, () => admission.status().ok);
    const before = bundleIn(cluster);
    const secret = cluster.get(secretPath) as KubeObject;
    cluster.put(secretPath, { ...secret, data: { ...(secret['data'] as object), 'tls.key': 'AAAA' } });
    const caller = createCaller(port);
    expect((await caller.post(before, review, { fresh: true })).status).toBe(200);
    await until(
      clock,
      () => readSecret(cluster.get(secretPath)).kind === 'own' && bundleHolds(bundleIn(cluster), stateIn(cluster).ca.cert),
    );
    expect((await caller.post(bundleIn(cluster), review, { fresh: true })).status).toBe(200);
    caller.close();
    expect(options.logger.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)).toContain(
      'made a new CA and webhook certificate in Secret concertina/concertina-vpa-admission: the serving certificate (tls.crt, tls.key) cannot be read as PEM',
    );
  });

  it('tries again after failures', async () => {
    const cluster = memoryCluster();
    cluster.failWith(new Error('the API server is away'));
    const { admission, clock, options } = await startAdmission(cluster);
    admission.lead();
    await clock.advance(20_000);
    expect(cluster.writes).toEqual([]);
    cluster.failWith(undefined);
    await until(clock, () => admission.status().ok);
    const failures = options.logger.lines.filter(({ message }) => message.startsWith('a leader duty'));
    expect(failures.length).toBeGreaterThan(2);
    expect(failures.length).toBeLessThan(8);
  });
});

describe('a rotation', () => {
  it('of the CA under load fails no request', async () => {
    const cluster = memoryCluster();
    // All of it within the five minutes for which certificates are valid before they are made.
    const certificates = {
      ...defaultCertificateConfig,
      caLifetimeMs: 200_000,
      leafLifetimeMs: 150_000,
      backdateMs: 600_000,
      renewAt: 0.85,
      bundleSettleMs: 10_000,
    };
    const { admission, clock, port } = await startAdmission(cluster, { config: { certificates } });
    admission.lead();
    await until(clock, () => admission.status().ok);
    const first = stateIn(cluster).ca.cert;
    expect(stateIn(cluster).next).toBeUndefined();
    const caller = createCaller(port);
    const bundles = new Set<string>();
    const statuses = new Map<number, number>();
    let sent = 0;
    let rotated = Number.POSITIVE_INFINITY;
    const load = async (worker: number): Promise<void> => {
      while (sent < 1_000 || sent < rotated + 200) {
        const ca = bundleIn(cluster);
        bundles.add(ca);
        const { status } = await caller.post(ca, review, { fresh: sent++ % 10 === worker });
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        // Real time passes for the sockets of the other side too.
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    };
    const time = async (): Promise<void> => {
      await advanceUntil(clock, () => stateIn(cluster).ca.cert !== first, 1_000, 200_000);
      rotated = sent;
    };
    await Promise.all([time(), ...[0, 1, 2, 3].map(load)]);
    caller.close();
    expect([...statuses]).toEqual([[200, sent]]);
    expect(sent).toBeGreaterThanOrEqual(1_000);
    // The old alone, both before the new one signs, and both after.
    expect(bundles.size).toBe(3);
  }, 60_000);

  it('reaches a copy that does not lead, and waits there for the webhook object', async () => {
    const cluster = memoryCluster();
    const leader = await startAdmission(cluster);
    leader.admission.lead();
    await until(leader.clock, () => leader.admission.status().ok);
    const follower = await startAdmission(cluster, { clock: leader.clock });
    const caller = createCaller(follower.port);
    const old = bundleIn(cluster);
    expect((await caller.post(old, review)).status).toBe(200);
    await leader.admission.unlead();
    // A leader elsewhere writes a certificate of another CA before it registers that.
    const config = { ...defaultAdmissionConfig('concertina'), host: '127.0.0.1' };
    const view = {
      reading: { kind: 'absent' },
      now: leader.clock.now(),
      names: certificateNames(config),
      nextPublishedMs: undefined,
      config: config.certificates,
    } as const;
    const next = await takeStep({ step: 'found', why: 'test' }, view, randomBytes);
    cluster.put(secretPath, { ...(cluster.get(secretPath) as KubeObject), data: secretContent(next).data });
    expect((await caller.post(old, review, { fresh: true })).status).toBe(200);
    const object = structuredClone(cluster.get(webhookPath)) as KubeObject & { webhooks: { clientConfig: { caBundle: string } }[] };
    for (const webhook of object.webhooks) webhook.clientConfig.caBundle = Buffer.from(next.ca.cert).toString('base64');
    cluster.put(webhookPath, object);
    expect((await caller.post(next.ca.cert, review, { fresh: true })).status).toBe(200);
    await expect(caller.post(old, review, { fresh: true })).rejects.toThrowError(/certificate/);
    caller.close();
  });
});

describe('a certificate of somebody else', () => {
  it('comes from files and is followed; its bundle is left alone where there is none', async () => {
    const maker = memoryCluster();
    const { admission: made, clock } = await startAdmission(maker);
    made.lead();
    await until(clock, () => made.status().ok);
    const { leaf, ca } = stateIn(maker);
    const files: Record<string, string> = { cert: 'half-written', key: leaf.key };
    const cluster = memoryCluster();
    const certificates = { ...defaultCertificateConfig, source: { kind: 'files', cert: 'cert', key: 'key' } } as const;
    const { admission, port } = await startAdmission(cluster, {
      clock,
      config: { certificates },
      readText: (path) => Promise.resolve(files[path] ?? ''),
    });
    admission.lead();
    await until(clock, () => admission.readiness()?.includes('cannot be read as PEM') === true);
    files['cert'] = leaf.cert;
    await until(clock, () => admission.readiness() === undefined && cluster.get(webhookPath) !== undefined);
    const caller = createCaller(port);
    expect((await caller.post(ca.cert, review)).status).toBe(200);
    caller.close();
    expect(bundleIn(cluster)).toBe('');
    expect(admission.status()).toEqual({ ok: false, message: expect.stringContaining('has no caBundle') });
    expect(cluster.get(secretPath)).toBeUndefined();
    // Whoever supplies it (cert-manager) writes the bundle.
    const object = structuredClone(cluster.get(webhookPath)) as KubeObject & { webhooks: { clientConfig: { caBundle?: string } }[] };
    for (const webhook of object.webhooks) webhook.clientConfig.caBundle = Buffer.from(ca.cert).toString('base64');
    cluster.put(webhookPath, object);
    await until(clock, () => admission.status().ok);
    await clock.advance(120_000);
    expect(bundleIn(cluster)).toBe(ca.cert);
  });
});

describe('health', () => {
  it('ends when the own endpoint is not believed: the Lease is not renewed', async () => {
    const cluster = memoryCluster();
    const { admission, clock, options } = await startAdmission(cluster);
    admission.lead();
    await until(clock, () => admission.status().ok);
    await admission.unlead();
    const stranger = memoryCluster();
    const other = await startAdmission(stranger, { clock });
    other.admission.lead();
    await until(clock, () => other.admission.status().ok);
    cluster.put(webhookPath, stranger.get(webhookPath));
    expect(admission.status()).toEqual({ ok: false, message: expect.stringContaining('cannot be verified') });
    const renewed = (): string => JSON.stringify(cluster.get(leasePath)?.spec);
    await until(clock, () => options.logger.lines.some(({ message }) => message.startsWith('the admission Lease is not renewed')));
    const last = renewed();
    for (let turn = 0; turn < 10; turn++) {
      await clock.advance(2_000);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(renewed()).toBe(last);
    expect(await options.registry.metrics()).toContain('vpa_admission_controller_serving 0');
  });

  it('of a foreign admission controller is its Lease', async () => {
    const cluster = memoryCluster();
    const { admission, clock, port } = await startAdmission(cluster, { config: { external: true } });
    expect(port).toBe(0);
    admission.lead();
    await clock.advance(11_000);
    expect(admission.status()).toEqual({
      ok: false,
      message: expect.stringContaining('Lease kube-system/vpa-admission-controller is not there'),
    });
    const renew = (renewTime: string): void =>
      cluster.put('leases/kube-system/vpa-admission-controller', {
        metadata: { name: 'x' },
        spec: { holderIdentity: 'upstream', renewTime },
      });
    renew('1');
    await clock.advance(11_000);
    expect(admission.status()).toEqual({ ok: true });
    await clock.advance(49_000);
    expect(admission.status().ok).toBe(true);
    await clock.advance(15_000);
    expect(admission.status()).toEqual({ ok: false, message: expect.stringContaining('was last renewed 1m') });
    renew('2');
    await clock.advance(11_000);
    expect(admission.status().ok).toBe(true);
    expect(cluster.writes).toEqual([]);
  });
});

it('settings that cannot work are refused', async () => {
  const cluster = memoryCluster();
  const config = defaultAdmissionConfig('concertina');
  const bad = { registration: { ...config.registration, timeoutSeconds: 30, address: { kind: 'url', url: 'http://x' } } } as const;
  await expect(startAdmission(cluster, { config: bad })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('30 s'),
  });
  await eventually(() => true);
});
