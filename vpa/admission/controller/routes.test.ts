import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import type { RouteRequest } from '../../../core/runtime/http-server.ts';
import { recordingLogger } from '../../../core/runtime/logging.ts';
import type { TopmostController } from '../../ports.ts';
import { defaultAdmissionLimits, type AdmissionLimits } from '../config.ts';
import type { PodPatcher } from '../engine/pod-decision.ts';
import { createPodPatcher } from '../pod-patcher.ts';
import { bookOf } from '../../policy.fixture.ts';
import { knownPolicy, newPod, podReview, simplePatch, simpleTargets } from '../test-support.ts';
import { createAdmissionMetrics } from './metrics.ts';
import { createPodReview, type PodReviewOptions } from './pod-review.ts';
import { createAdmissionRoutes, type AdmissionRoutesOptions } from './routes.ts';

function setUp(
  options: {
    readonly review?: Partial<PodReviewOptions>;
    readonly limits?: Partial<AdmissionLimits>;
    readonly validateVpa?: AdmissionRoutesOptions['validateVpa'];
  } = {},
) {
  const clock = new VirtualClock();
  const registry = new Registry();
  const logger = recordingLogger();
  const reviewPod = createPodReview({
    clock,
    book: bookOf(knownPolicy()),
    targets: simpleTargets,
    limits: () => undefined,
    patch: simplePatch,
    dryRun: false,
    ...options.review,
  });
  const routes = createAdmissionRoutes({
    clock,
    logger,
    metrics: createAdmissionMetrics(registry),
    limits: { ...defaultAdmissionLimits, ...options.limits },
    reviewPod,
    validateVpa: options.validateVpa,
  });
  const send = async (
    body: unknown,
    how: { resource?: 'Pod' | 'VPA'; headers?: Record<string, string>; query?: string; text?: string } = {},
  ) => {
    const bytes = Buffer.from(how.text ?? JSON.stringify(body));
    const request = {
      headers: { 'content-type': 'application/json', 'content-length': String(bytes.length), ...how.headers },
      query: new URLSearchParams(how.query ?? ''),
      readBody: () => Promise.resolve({ ok: true, bytes }),
      signal: new AbortController().signal,
    } as unknown as RouteRequest;
    const answer = await routes.handle(how.resource ?? 'Pod', request);
    return { status: answer.status ?? 200, text: String(answer.body) };
  };
  const review = async (body: unknown, how: Parameters<typeof send>[1] = {}): Promise<Response> => {
    const { text } = await send(body, how);
    return (JSON.parse(text) as { response: Response }).response;
  };
  return { clock, registry, logger, routes, send, review };
}

interface Response {
  readonly uid: string;
  readonly allowed: boolean;
  readonly patch?: string;
  readonly patchType?: string;
  readonly warnings?: string[];
  readonly auditAnnotations?: Record<string, string>;
  readonly status?: { code: number; reason: string; message: string };
}

const patchOf = ({ patch }: Response): unknown => (patch === undefined ? undefined : JSON.parse(Buffer.from(patch, 'base64').toString()));

describe('a pod', () => {
  it('of a managed workload is patched', async () => {
    const { review, registry } = setUp();
    const answer = await review(podReview(newPod()));
    expect(answer).toMatchObject({ uid: 'review-1', allowed: true, patchType: 'JSONPatch' });
    expect(patchOf(answer)).toContainEqual({ op: 'add', path: '/spec/containers/0/resources', value: { requests: { cpu: '300m' } } });
    const metrics = await registry.metrics();
    expect(metrics).toContain('vpa_admission_controller_admission_pods_total{applied="true"} 1');
    expect(metrics).toContain('vpa_admission_controller_admission_latency_seconds_count{status="applied",resource="Pod"} 1');
  });

  it('is patched by the real patch', async () => {
    const { review } = setUp({ review: { patch: createPodPatcher({ boost: undefined }) } });
    expect(patchOf(await review(podReview(newPod())))).toEqual(
      [
        { op: 'add', path: '/metadata/annotations', value: {} },
        { op: 'add', path: '/spec/containers/0/resources/requests', value: {} },
        { op: 'add', path: '/spec/containers/0/resources/requests/cpu', value: '300m' },
        { op: 'add', path: '/spec/containers/0/resources/requests/memory', value: '209715200' },
        { op: 'add', path: '/metadata/annotations/vpaUpdates', value: expect.stringContaining('container 0: cpu request, memory request') },
        { op: 'add', path: '/metadata/annotations/vpaObservedContainers', value: 'app' },
      ].toSpliced(1, 0, { op: 'add', path: '/spec/containers/0/resources', value: {} }),
    );
  });

  it.each([
    ['without a controller', newPod({ ownerReferences: [] })],
    ['that no policy selects', newPod({ labels: { app: 'other' } })],
    ['with labels that are none', newPod({ labels: 7 as never })],
  ])('%s comes as it is, without a word', async (_what, pod) => {
    const { review } = setUp();
    expect(await review(podReview(pod))).toEqual({ uid: 'review-1', allowed: true });
  });

  it('of another operation, subresource or namespace comes as it is', async () => {
    const { review } = setUp();
    for (const request of [
      { operation: 'UPDATE' },
      { subResource: 'resize' },
      { namespace: 'elsewhere' },
      { object: null },
      { resource: {} },
    ]) {
      expect(await review(podReview(newPod(), request))).toEqual({ uid: 'review-1', allowed: true });
    }
  });

  it('is not looked up where there are no policies', async () => {
    let lookUps = 0;
    const targets = {
      ...simpleTargets,
      topmostOf: () => Promise.resolve<TopmostController>({ state: lookUps++ > -1 ? 'none' : 'pending' }),
    };
    const { review } = setUp({ review: { targets, book: bookOf() } });
    await review(podReview(newPod()));
    expect(lookUps).toBe(0);
  });

  it('of a policy that is Off comes as it is, and another policy of the target counts', async () => {
    const reference = { apiVersion: 'v1', kind: 'VerticalPolicy', namespace: 'shop' };
    const off = knownPolicy({ actuation: 'Off', updateMode: 'Off', reference: { ...reference, name: 'a' } });
    const on = knownPolicy({ reference: { ...reference, name: 'b' } });
    expect(patchOf(await setUp({ review: { book: bookOf(off) } }).review(podReview(newPod())))).toBeUndefined();
    expect(patchOf(await setUp({ review: { book: bookOf(off, on) } }).review(podReview(newPod())))).toBeDefined();
    const boost = { type: 'Factor', factor: 2, quantity: undefined, durationMs: 0 };
    const boosted = knownPolicy({ actuation: 'Off', updateMode: 'Off', startupBoost: boost });
    expect(patchOf(await setUp({ review: { book: bookOf(boosted) } }).review(podReview(newPod())))).toBeDefined();
  });

  it('under a policy that runs dry or is paused comes as it is, and the audit log says so', async () => {
    const dry = await setUp({
      review: { book: bookOf(knownPolicy({ mode: 'DryRun' })), patch: createPodPatcher({ boost: undefined }) },
    }).review(podReview(newPod()));
    expect(dry).toEqual({
      uid: 'review-1',
      allowed: true,
      auditAnnotations: {
        sizing: 'VerticalPolicy shop/web runs dry, it would have: set container 0 requests cpu=300m, container 0 requests memory=209715200',
      },
    });
    const paused = await setUp({ review: { book: bookOf(knownPolicy({ mode: 'Paused' })) } }).review(podReview(newPod()));
    expect(paused.auditAnnotations?.['sizing']).toContain('is paused');
    const program = await setUp({ review: { dryRun: true } }).review(podReview(newPod()));
    expect([program.patch, program.auditAnnotations?.['sizing']]).toEqual([
      undefined,
      'VerticalPolicy shop/web runs dry, it would have: changed nothing',
    ]);
  });

  it('whose patch fails comes as it is, and its maker reads why', async () => {
    const patch: PodPatcher = () => ({ ok: false, message: `startupBoost\u0007 ${'x'.repeat(300)}` });
    const answer = await setUp({ review: { patch } }).review(podReview(newPod()));
    expect(answer).toMatchObject({ allowed: true });
    expect(answer.patch).toBeUndefined();
    expect(answer.warnings?.[0]).toMatch(/^concertina: VerticalPolicy shop\/web could not size the pod.*startupBoost  x+…$/);
    expect(answer.warnings?.[0]?.length).toBe(256);
  });

  it('comes as it is when a part of ours throws', async () => {
    const patch: PodPatcher = () => {
      throw new Error('fault');
    };
    const { review, logger, registry } = setUp({ review: { patch } });
    expect(await review(podReview(newPod()))).toMatchObject({ allowed: true, warnings: [expect.stringContaining('see the log')] });
    expect(logger.lines).toMatchObject([{ level: 'error', fields: { error: 'fault', namespace: 'shop' } }]);
    expect(await registry.metrics()).toContain('{status="error",resource="Pod"} 1');
  });

  it('does not wait longer for its owner than half of what the API server waits', async () => {
    const targets = { ...simpleTargets, topmostOf: () => new Promise<TopmostController>(() => undefined) };
    const { review, clock, routes } = setUp({ review: { targets } });
    const slow = review(podReview(newPod()), { query: 'timeout=5s' });
    const hasty = review(podReview(newPod()), { query: 'timeout=1s' });
    await clock.advance(500);
    expect(routes.inFlight()).toBe(1);
    expect((await hasty).warnings?.[0]).toContain('was not found within 500 ms');
    await clock.advance(1_500);
    expect((await slow).warnings?.[0]).toContain('ReplicaSet shop/web-5d8 was not found within 2000 ms');
    expect([routes.inFlight(), clock.pending]).toEqual([0, 0]);
  });

  it('whose owner cannot be found comes as it is', async () => {
    const targets = { ...simpleTargets, topmostOf: () => Promise.resolve<TopmostController>({ state: 'failed', message: 'a cycle' }) };
    expect((await setUp({ review: { targets } }).review(podReview(newPod()))).warnings?.[0]).toContain('a cycle');
  });
});

describe('a request', () => {
  it('has to be JSON and a review', async () => {
    const { send } = setUp();
    expect((await send({}, { headers: { 'content-type': 'text/plain' } })).status).toBe(415);
    expect((await send(podReview(newPod()), { headers: { 'content-type': 'application/json; charset=utf-8' } })).status).toBe(200);
    expect(await send(undefined, { text: '{' })).toEqual({ status: 400, text: 'the body is no JSON\n' });
    expect(await send({})).toEqual({ status: 400, text: 'this is no AdmissionReview\n' });
    expect((await send({ kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1beta1' })).status).toBe(400);
    expect((await send({ kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1' })).status).toBe(400);
  });

  it('beyond the number that is worked on at once is allowed as it is', async () => {
    let release: ((topmost: TopmostController) => void) | undefined;
    const targets = { ...simpleTargets, topmostOf: () => new Promise<TopmostController>((resolve) => (release = resolve)) };
    const { review, registry, routes } = setUp({ review: { targets }, limits: { maxInFlight: 1 } });
    const first = review(podReview(newPod()));
    await Promise.resolve();
    await Promise.resolve();
    expect(routes.inFlight()).toBe(1);
    expect(await review(podReview(newPod(), { uid: 'second' }))).toEqual({ uid: 'second', allowed: true });
    const spaced = JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: { uid: 'third' } }, undefined, 2);
    expect(await review(undefined, { text: spaced })).toEqual({ uid: 'third', allowed: true });
    release?.({ state: 'none' });
    expect(await first).toEqual({ uid: 'review-1', allowed: true });
    expect(routes.inFlight()).toBe(0);
    expect(await registry.metrics()).toContain('vpa_admission_controller_admission_overload_total 2');
  });

  it('beyond the bytes that may be under way is not even read', async () => {
    const { send, registry } = setUp({ limits: { maxBodyBytesInFlight: 1000, maxBodyBytes: 600 } });
    const [first, second, third] = await Promise.all(
      [1, 2, 3].map(() => send(podReview({ metadata: {} }), { headers: { 'content-length': '500' } })),
    );
    expect([first?.status, second?.status, third?.status]).toEqual([200, 200, 503]);
    // Of unknown length: as much as it may be.
    expect((await send(podReview({ metadata: {} }), { headers: { 'transfer-encoding': 'chunked' } })).status).toBe(200);
    expect(await registry.metrics()).toContain('overload_total 1');
  });
});

describe('a VerticalPodAutoscaler', () => {
  const vpaReview = (object: unknown, more: Record<string, unknown> = {}): unknown =>
    podReview(object, { resource: { group: 'autoscaling.k8s.io', version: 'v1', resource: 'verticalpodautoscalers' }, ...more });
  const object = { metadata: { name: 'v' }, spec: { targetRef: {} } };

  it('is refused with all problems', async () => {
    const problems = [
      { path: 'spec.a', message: 'bad' },
      { path: '', message: 'worse' },
    ];
    const { review } = setUp({ validateVpa: () => ({ problems, warnings: ['w'] }) });
    const answer = await review(vpaReview(object), { resource: 'VPA' });
    expect(answer).toMatchObject({
      allowed: false,
      warnings: ['w'],
      status: { code: 422, reason: 'Invalid', message: 'spec.a: bad; worse' },
    });
  });

  it('gets the default mode, and is told from one that is changed (quirk Q1)', async () => {
    const olds: unknown[] = [];
    const { review } = setUp({
      validateVpa: ({ old }) => {
        olds.push(old);
        return { problems: [], warnings: [] };
      },
    });
    const created = await review(vpaReview(object, { oldObject: { metadata: {} } }), { resource: 'VPA' });
    expect(patchOf(created)).toEqual([{ op: 'add', path: '/spec/updatePolicy', value: { updateMode: 'Recreate' } }]);
    const kept = { ...object, spec: { updatePolicy: {} } };
    expect(patchOf(await review(vpaReview(kept, { operation: 'UPDATE', oldObject: object }), { resource: 'VPA' }))).toBeUndefined();
    expect(olds).toEqual([undefined, object]);
  });

  it('passes when nobody validates, when it is deleted, and when the check throws', async () => {
    expect(await setUp().review(vpaReview(object), { resource: 'VPA' })).toEqual({ uid: 'review-1', allowed: true });
    const validateVpa = (): never => {
      throw new Error('fault');
    };
    expect((await setUp({ validateVpa }).review(vpaReview(object), { resource: 'VPA' })).allowed).toBe(true);
    expect(await setUp({ validateVpa }).review(vpaReview(object, { operation: 'DELETE' }), { resource: 'VPA' })).toMatchObject({
      allowed: true,
    });
    expect(await setUp({ validateVpa }).review(podReview(newPod()), { resource: 'VPA' })).toEqual({ uid: 'review-1', allowed: true });
  });
});

describe('whatever comes', () => {
  const { send } = setUp({ review: { patch: createPodPatcher({ boost: {} }) } });

  it('a pod is never refused and nothing throws', async () => {
    const anything = fc.jsonValue();
    const pod = fc.record(
      {
        metadata: fc.oneof(
          anything,
          fc.record({
            labels: fc.oneof(anything, fc.constant({ app: 'web' })),
            annotations: fc.oneof(anything, fc.constant({ 'vpaCpuStartupBoost/app': '{"requests":7}' })),
            ownerReferences: fc.oneof(anything, fc.constant(newPod().metadata.ownerReferences)),
          }),
        ),
        spec: fc.oneof(
          anything,
          fc.record({ containers: fc.oneof(anything, fc.array(fc.oneof(anything, fc.record({ name: anything, resources: anything })))) }),
        ),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(pod, anything),
        fc.dictionary(fc.constantFrom('uid', 'namespace', 'operation', 'resource'), anything),
        async (object, odd) => {
          const { status, text } = await send(podReview(object, odd));
          const refused = status === 200 ? !(JSON.parse(text) as { response: Response }).response.allowed : status !== 400;
          expect([refused, status]).toEqual([false, status]);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('is no review, and is answered 400 or as it is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.json(), fc.string()), async (text) => {
        expect((await send(undefined, { text })).status).toBe(400);
      }),
      { numRuns: 200 },
    );
  });
});
