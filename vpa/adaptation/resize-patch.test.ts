import { describe, expect, it } from 'vitest';
import { createInterner, projectPod, type KubeObject } from '../../core/model/index.ts';
import type { StartupBoost } from '../model.ts';
import { podJson, policy, recommendation, recommended, sizing, type PodContainer } from './builders.fixture.ts';
import { boostState } from './boost-state.ts';
import { podState, podStateOfJson } from './pod-resources.ts';
import { resizePlan, type ResizePlanInput } from './resize-plan.ts';
import { resizedAnnotations, resizePatch, resizeProblem, unboostPatch } from './resize-patch.ts';

const now = 1_000_000_000_000;

const app: PodContainer = { name: 'app', requests: { cpu: '1', memory: '100' }, limits: { cpu: '2', memory: '200' } };
const guaranteed: PodContainer = { name: 'app', requests: { cpu: '1', memory: '100' }, limits: { cpu: '1', memory: '100' } };

interface PodFields {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly readySeconds?: number;
  readonly statuses?: readonly object[];
}

function record(containers: readonly PodContainer[], { annotations, readySeconds, statuses = [] }: PodFields = {}) {
  const conditions =
    readySeconds === undefined
      ? []
      : [{ type: 'Ready', status: 'True', lastTransitionTime: new Date(now - readySeconds * 1000).toISOString() }];
  const raw = { ...podJson(containers, annotations), status: { conditions, containerStatuses: statuses } };
  return projectPod(raw as unknown as KubeObject, createInterner());
}

function plan(pod: ReturnType<typeof record>, fields: Partial<ResizePlanInput> = {}) {
  return resizePlan({ pod, policy: policy(), recommendation: undefined, limits: undefined, now, ...fields });
}

describe('podState', () => {
  it('reads the same from a record as from the JSON', () => {
    const containers = [app, { name: 'proxy' }];
    const statuses = [{ name: 'app', resources: { requests: { cpu: '1500m', memory: '128Mi' } } }];
    const { containers: fromRecord } = podState(record(containers, { statuses }));
    const { containers: fromJson } = podStateOfJson({ ...podJson(containers), status: { containerStatuses: statuses } });
    expect(fromRecord).toEqual(fromJson);
    expect(fromRecord[0]).toMatchObject({ requests: { cpu: 1500, memory: 128 * 1024 ** 2 }, limits: {}, spec: { limits: { cpu: 2000 } } });
  });
});

describe('resizePlan', () => {
  it('sets CPU and memory, and makes lists that the spec lacks', () => {
    const { operations, problem, annotations } = plan(record([app, { name: 'proxy' }]), {
      recommendation: recommendation(recommended('app', { cpu: 500, memory: 50, 'example.com/disk': 3 }), recommended('proxy', { cpu: 7 })),
    });
    expect(operations.map(({ path }) => path)).toEqual([
      '/spec/containers/0/resources/requests/cpu',
      '/spec/containers/0/resources/requests/memory',
      '/spec/containers/0/resources/limits/cpu',
      '/spec/containers/0/resources/limits/memory',
      '/spec/containers/1/resources',
      '/spec/containers/1/resources/requests',
      '/spec/containers/1/resources/requests/cpu',
    ]);
    expect(problem).toBeUndefined();
    expect(annotations).toEqual([{ op: 'add', path: '/metadata/annotations/vpaInPlaceUpdated', value: 'true' }]);
  });

  it('has no operation without a recommendation', () => {
    expect(plan(record([app]))).toMatchObject({ operations: [], clamps: [], problem: undefined });
  });

  it('makes a list that only the kubelet reports', () => {
    const statuses = [{ name: 'app', resources: { requests: { cpu: '1' } } }];
    const { operations } = plan(record([{ name: 'app', limits: { memory: '100' } }], { statuses }), {
      recommendation: recommendation(recommended('app', { cpu: 5 })),
    });
    expect(operations.map(({ path }) => path)).toEqual([
      '/spec/containers/0/resources/requests',
      '/spec/containers/0/resources/requests/cpu',
    ]);
  });

  it('tells of a Guaranteed pod that would become Burstable', () => {
    const requestsOnly = policy({ containers: [sizing({ controlledValues: 'RequestsOnly' })] });
    const given = recommendation(recommended('app', { cpu: 500, memory: 50 }));
    expect(plan(record([guaranteed]), { policy: requestsOnly, recommendation: given }).problem).toEqual({
      reason: 'QosClass',
      message:
        'a resize in place cannot change the QoS class of a pod, and would make it Burstable instead of Guaranteed: it has to be created anew',
    });
    expect(plan(record([guaranteed]), { recommendation: given }).problem).toBeUndefined();
    expect(plan(record([app]), { policy: requestsOnly, recommendation: given }).problem).toBeUndefined();
  });

  it('tells of a BestEffort pod that would get requests, unless another container has some', () => {
    const given = recommendation(recommended('proxy', { cpu: 5 }));
    expect(plan(record([{ name: 'proxy' }]), { recommendation: given }).problem).toMatchObject({ reason: 'QosClass' });
    expect(plan(record([app, { name: 'proxy' }]), { recommendation: given }).problem).toBeUndefined();
  });

  it('tells of a Burstable pod that would become Guaranteed', () => {
    const limits = { memory: '100', cpu: '500m' };
    const pod = record([{ name: 'app', requests: { cpu: '400m', memory: '100' }, limits }]);
    const requestsOnly = policy({ containers: [sizing({ controlledValues: 'RequestsOnly' })] });
    expect(
      plan(pod, { policy: requestsOnly, recommendation: recommendation(recommended('app', { cpu: 900 })) }).problem?.message,
    ).toContain('Guaranteed');
  });

  it('keeps a resource with which the API server would refuse the resize', () => {
    const pod = { min: { cpu: 1500 }, max: undefined, default: undefined };
    const unlimited = { name: 'app', requests: { cpu: '2', memory: '100' } };
    const { operations, kept } = plan(record([unlimited]), {
      recommendation: recommendation(recommended('app', { cpu: 1000, memory: 50 })),
      limits: { container: undefined, pod },
    });
    expect(kept.map(({ resource }) => resource)).toEqual(['cpu']);
    expect(operations.map(({ path }) => path)).toEqual(['/spec/containers/0/resources/requests/memory']);
  });
});

describe('resizeProblem', () => {
  it('lets pod-level resources decide the class, and holds containers to them', () => {
    const raw = podJson([app]) as { spec: object };
    const pod = podStateOfJson({ ...raw, spec: { ...raw.spec, resources: { requests: { cpu: '2' }, limits: { cpu: '4' } } } });
    const values = (cpu: number) => [{ container: 'app', requests: { cpu }, limits: { cpu }, notes: [] }];
    expect(resizeProblem(pod, values(2000))).toBeUndefined();
    expect(resizeProblem(pod, values(2001))).toMatchObject({ reason: 'Invalid' });
  });

  it('tells of a request above its limit', () => {
    const problem = resizeProblem(podStateOfJson(podJson([app])), [{ container: 'app', requests: { cpu: 3000 }, limits: {}, notes: [] }]);
    expect(problem).toEqual({
      reason: 'Invalid',
      message: 'a resize in place would be refused for its cpu: the request of container "app" would exceed its limit',
    });
  });
});

describe('boosts that end', () => {
  const boost: StartupBoost = { type: 'Factor', factor: 2, quantity: undefined, durationMs: 10_000 };
  const boosting = policy({ startupBoost: boost });
  const annotations = { 'vpaCpuStartupBoost/app': '{"requests":{"cpu":"500m"},"limits":{"cpu":"1"}}' };
  const given = recommendation(recommended('app', { cpu: 700 }), recommended('proxy', { cpu: 5 }));

  it.each([
    ['not ready', undefined, 'active'],
    ['ready for as long as it lasts', 10, 'active'],
    ['ready for longer', 11, 'expired'],
  ])('a pod that is %s', (_, readySeconds, expected) => {
    const { active, expired } = plan(record([app], { annotations, ...(readySeconds === undefined ? {} : { readySeconds }) }), {
      policy: boosting,
    }).boosts;
    expect(expected === 'active' ? [...active] : [...expired.keys()]).toEqual(['app']);
    expect(active.size + expired.size).toBe(1);
  });

  it('lasts no longer than readiness without a policy, and takes the container policy first', () => {
    const pod = { annotations, ready: true, readySince: undefined };
    expect([...boostState(pod, policy(), now).expired.keys()]).toEqual(['app']);
    const containers = [sizing({ startupBoost: { ...boost, durationMs: 0 } })];
    expect([...boostState(pod, { ...boosting, containers }, now).expired.keys()]).toEqual(['app']);
    expect([...boostState(pod, boosting, now).active]).toEqual(['app']);
  });

  it('gives no operation to a container that is still boosted', () => {
    const { operations } = plan(record([app, { name: 'proxy' }], { annotations }), { policy: boosting, recommendation: given });
    expect(operations.every(({ path }) => path.startsWith('/spec/containers/1/'))).toBe(true);
    expect(operations).toHaveLength(3);
  });

  it('goes to what is recommended, and takes the annotation away', () => {
    const { operations, annotations: after } = plan(record([app], { annotations, readySeconds: 60 }), {
      policy: boosting,
      recommendation: given,
    });
    expect(operations).toContainEqual({ op: 'add', path: '/spec/containers/0/resources/requests/cpu', value: '700m' });
    expect(after).toContainEqual({ op: 'remove', path: '/metadata/annotations/vpaCpuStartupBoost~1app' });
  });

  it.each([
    ['nothing is recommended', {}],
    ['the mode is Off', { policy: { ...boosting, actuation: 'Off' as const }, recommendation: given }],
  ])('goes back to the original where %s', (_, fields) => {
    const { operations } = plan(record([app, { name: 'proxy' }], { annotations, readySeconds: 60 }), { policy: boosting, ...fields });
    expect(operations).toEqual([
      { op: 'add', path: '/spec/containers/0/resources/requests/cpu', value: '500m' },
      { op: 'add', path: '/spec/containers/0/resources/limits/cpu', value: '1' },
    ]);
  });

  it('writes the operations of an un-boosting alone, and none for an annotation that says nothing', () => {
    const pod = podStateOfJson(podJson([app]));
    const expired = new Map([['app', { requests: { cpu: 500 }, limits: {} }]]);
    const boosts = { active: new Set<string>(), expired };
    const values = [{ container: 'app', requests: { cpu: 1 }, limits: {}, notes: [] }];
    expect(unboostPatch({ pod, values, boosts, off: true })).toMatchObject([{ value: '500m' }]);
    expect(unboostPatch({ pod, values, boosts })).toMatchObject([{ value: '1m' }]);
    expect(unboostPatch({ pod, values: [undefined], boosts: { ...boosts, expired: new Map([['app', undefined]]) } })).toEqual([]);
    expect(resizePatch(pod, [undefined])).toEqual([]);
    expect(resizedAnnotations()).toHaveLength(1);
  });
});
