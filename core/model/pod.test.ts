import { describe, expect, it } from 'vitest';
import { createInterner } from './interner.ts';
import type { KubeObject } from './object.ts';
import { allowsNode, isFinished, isServing, projectPod } from './pod.ts';
import { schedulerRequests } from './pod-shape.ts';

const interner = createInterner();

function pod(spec: object = {}, { status = {}, metadata = {} }: { status?: object; metadata?: object } = {}): KubeObject {
  return {
    metadata: { name: 'web-1', namespace: 'shop', uid: 'u1', ...metadata },
    spec: { containers: [{ name: 'web' }], ...spec },
    status,
  };
}

const project = (...args: Parameters<typeof pod>) => projectPod(pod(...args), interner);

describe('projectPod', () => {
  it('keeps what the controllers read', () => {
    const record = project(
      {
        nodeName: 'node-1',
        containers: [
          {
            name: 'web',
            resources: { requests: { cpu: '250m', memory: '1.5Gi' }, limits: { memory: '2Gi' } },
            ports: [{ hostPort: 8080 }],
          },
        ],
        volumes: [
          { name: 'data', persistentVolumeClaim: { claimName: 'data-web-1' } },
          { name: 'scratch', ephemeral: { volumeClaimTemplate: {} } },
          { name: 'tmp', emptyDir: { medium: 'Memory' } },
          { name: 'kube-api-access-x2x4z', projected: {} },
        ],
        tolerations: [{ key: 'spot', operator: 'Exists' }],
        priority: 100,
      },
      {
        metadata: {
          labels: { app: 'web' },
          annotations: { 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false', checksum: 'abc' },
          creationTimestamp: '2026-01-01T00:00:00Z',
          deletionTimestamp: '2026-01-01T00:05:00Z',
          ownerReferences: [
            { apiVersion: 'v1', kind: 'Other', name: 'o', uid: 'x' },
            { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'rs', controller: true },
          ],
        },
        status: {
          phase: 'Running',
          startTime: '2026-01-01T00:00:01Z',
          conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:09Z' }],
        },
      },
    );
    expect(record).toMatchObject({
      namespace: 'shop',
      name: 'web-1',
      uid: 'u1',
      labels: { app: 'web' },
      owner: { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'rs' },
      phase: 'Running',
      ready: 'True',
      readySince: Date.UTC(2026, 0, 1, 0, 0, 9),
      created: Date.UTC(2026, 0, 1),
      started: Date.UTC(2026, 0, 1, 0, 0, 1),
      deleted: Date.UTC(2026, 0, 1, 0, 5),
      nodeName: 'node-1',
      pinnedNode: undefined,
      unschedulable: false,
      claims: ['data-web-1', 'web-1-scratch'],
    });
    expect(record.shape).toMatchObject({
      containers: [
        { name: 'web', requests: { cpu: 250, memory: 1_610_612_736_000 }, limits: { memory: 2_147_483_648_000 }, sidecar: false },
      ],
      requests: { cpu: 250, memory: 1_610_612_736_000 },
      hostPorts: [{ port: 8080, protocol: 'TCP', ip: '' }],
      volumes: [{ name: 'tmp', kind: 'emptyDir', detail: 'Memory' }],
      tolerations: [{ key: 'spot', operator: 'Exists' }],
      annotations: { 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false' },
      priority: 100,
      podRequests: undefined,
    });
    expect(isServing(record)).toBe(false);
  });

  it('reads an object with nothing in it', () => {
    const record = projectPod({ metadata: { name: 'bare' } }, interner);
    expect(record).toMatchObject({
      phase: 'Pending',
      ready: undefined,
      readySince: undefined,
      started: undefined,
      nodeName: undefined,
      owner: undefined,
      claims: [],
      statuses: [],
    });
    expect(record.shape).toMatchObject({ containers: [], requests: {}, gracePeriod: 30, schedulerName: 'default-scheduler' });
  });

  it('leaves a request out that is no quantity, rather than reading it as zero', () => {
    const { shape } = project({ containers: [{ name: 'web', resources: { requests: { cpu: 'lots', memory: '1Mi' } } }] });
    expect(shape.containers[0]?.requests).toEqual({ memory: 1_048_576_000 });
    expect(shape.containers[0]?.requests['cpu']).toBeUndefined();
  });

  it('shares one shape, label set, owner and status list between the pods of a template', () => {
    const metadata = (name: string) => ({
      name,
      uid: name,
      labels: { app: 'web', 'pod-template-hash': 'abc' },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'rs', controller: true }],
    });
    const spec = (suffix: string) => ({
      nodeName: `node-${suffix}`,
      containers: [{ name: 'web', image: `web:${suffix}`, resources: { requests: { cpu: '1' } } }],
      volumes: [{ name: `kube-api-access-${suffix}`, projected: {} }],
    });
    const status = {
      phase: 'Running',
      containerStatuses: [{ name: 'web', ready: true, restartCount: 0, state: { running: { startedAt: '2026-01-01T00:00:00Z' } } }],
    };
    const a = project(spec('a'), { metadata: metadata('a'), status });
    const b = project(spec('b'), { metadata: metadata('b'), status });
    expect(b.shape).toBe(a.shape);
    expect(b.labels).toBe(a.labels);
    expect(b.owner).toBe(a.owner);
    expect(b.statuses).toBe(a.statuses);
    const resized = project(
      { ...spec('c'), containers: [{ name: 'web', resources: { requests: { cpu: '2' } } }] },
      { metadata: metadata('c'), status },
    );
    expect(resized.shape).not.toBe(a.shape);
    expect(resized.shape.requests).toEqual({ cpu: 2000 });
  });

  it('does not share label sets that are different in every pod', () => {
    const labels = { app: 'db', 'statefulset.kubernetes.io/pod-name': 'db-0' };
    const before = interner.objects;
    expect(project({}, { metadata: { labels } }).labels).toEqual(labels);
    expect(project({}, { metadata: { labels } }).labels).not.toBe(labels);
    expect(interner.objects - before).toBeLessThanOrEqual(1);
  });

  it('reads restarts and how a container last ended', () => {
    const { statuses } = project(
      {},
      {
        status: {
          initContainerStatuses: [
            { name: 'init', ready: true, restartCount: 0, state: { terminated: { reason: 'Completed', exitCode: 0 } } },
          ],
          containerStatuses: [
            {
              name: 'web',
              ready: false,
              restartCount: 3,
              state: { waiting: { reason: 'CrashLoopBackOff' } },
              lastState: {
                terminated: { reason: 'OOMKilled', exitCode: 137, startedAt: '2026-01-01T00:00:00Z', finishedAt: '2026-01-01T00:01:00Z' },
              },
              resources: { requests: { memory: '64Mi' } },
              allocatedResources: { memory: '32Mi' },
            },
          ],
        },
      },
    );
    expect(statuses).toEqual([
      {
        name: 'init',
        init: true,
        ready: true,
        restarts: 0,
        running: false,
        waiting: '',
        termination: { reason: 'Completed', exitCode: 0, startedAt: undefined, finishedAt: undefined },
        requests: undefined,
        limits: undefined,
        allocated: undefined,
      },
      {
        name: 'web',
        init: false,
        ready: false,
        restarts: 3,
        running: false,
        waiting: 'CrashLoopBackOff',
        termination: { reason: 'OOMKilled', exitCode: 137, startedAt: Date.UTC(2026, 0, 1), finishedAt: Date.UTC(2026, 0, 1, 0, 1) },
        requests: { memory: 67_108_864_000 },
        limits: undefined,
        allocated: { memory: 33_554_432_000 },
      },
    ]);
  });

  it('knows phases, scheduling failures, nominations and mirrors', () => {
    expect(project({}, { status: { phase: 'Evicted' } }).phase).toBe('Unknown');
    expect(isFinished(project({}, { status: { phase: 'Succeeded' } }))).toBe(true);
    const waiting = project(
      {},
      {
        status: {
          phase: 'Pending',
          nominatedNodeName: 'n2',
          conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }],
        },
      },
    );
    expect(waiting).toMatchObject({ unschedulable: true, nominatedNode: 'n2' });
    const gated = project({}, { status: { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] } });
    expect(gated.unschedulable).toBe(false);
    expect(project({}, { metadata: { annotations: { 'kubernetes.io/config.mirror': 'h' } } }).mirror).toBe(true);
  });
});

describe('schedulerRequests', () => {
  const container = (cpu: number, sidecar = false) => ({ name: 'c', requests: { cpu }, limits: {}, sidecar });
  const base = { containers: [container(100), container(200)], initContainers: [], overhead: {}, podRequests: undefined };

  it.each([
    ['adds containers', base, 300],
    ['takes a larger init container instead', { ...base, initContainers: [container(500)] }, 500],
    ['ignores a smaller one', { ...base, initContainers: [container(250)] }, 300],
    ['adds sidecars to the containers', { ...base, initContainers: [container(50, true)] }, 350],
    ['runs an init container beside the sidecars before it', { ...base, initContainers: [container(100, true), container(350)] }, 450],
    ['and not beside those after it', { ...base, initContainers: [container(350), container(100, true)] }, 400],
    ['adds the overhead', { ...base, overhead: { cpu: 10 } }, 310],
    ['lets the pod level win, with overhead on top', { ...base, overhead: { cpu: 10 }, podRequests: { cpu: 250 } }, 260],
  ])('%s', (_, parts, expected) => {
    expect(schedulerRequests(parts)).toEqual({ cpu: expected });
  });

  it('takes only cpu, memory and huge pages from the pod level', () => {
    expect(schedulerRequests({ ...base, podRequests: { 'example.com/gpu': 1000, memory: 5 } })).toEqual({ cpu: 300, memory: 5 });
  });
});

describe('pinned pods', () => {
  const pin = (name: string) => ({ key: 'metadata.name', operator: 'In', values: [name] });
  const affinity = (...terms: object[]) => ({
    affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } },
  });

  it('of a DaemonSet share their shape', () => {
    const a = project(affinity({ matchFields: [pin('node-a')] }));
    const b = project(affinity({ matchFields: [pin('node-b')] }));
    expect([a.pinnedNode, b.pinnedNode]).toEqual(['node-a', 'node-b']);
    expect(b.shape).toBe(a.shape);
    expect(a.shape.affinity).toBeUndefined();
    expect(allowsNode(a, { name: 'node-a', labels: {} })).toBe(true);
    expect(allowsNode(a, { name: 'node-b', labels: {} })).toBe(false);
  });

  it('keep what else their terms require', () => {
    const arch = { key: 'arch', operator: 'In', values: ['arm64'] };
    const record = project(affinity({ matchFields: [pin('n')], matchExpressions: [arch] }));
    expect(record.pinnedNode).toBe('n');
    expect(allowsNode(record, { name: 'n', labels: { arch: 'arm64' } })).toBe(true);
    expect(allowsNode(record, { name: 'n', labels: { arch: 'amd64' } })).toBe(false);
  });

  it('are those only whose every term names the same node', () => {
    const record = project(affinity({ matchFields: [pin('a')] }, { matchFields: [pin('b')] }));
    expect(record.pinnedNode).toBeUndefined();
    expect(allowsNode(record, { name: 'a', labels: {} })).toBe(true);
    expect(allowsNode(record, { name: 'b', labels: {} })).toBe(true);
    expect(allowsNode(record, { name: 'c', labels: {} })).toBe(false);
  });

  it('obey the plain node selector as well', () => {
    const record = project({ nodeSelector: { disk: 'ssd' } });
    expect(allowsNode(record, { name: 'a', labels: { disk: 'ssd' } })).toBe(true);
    expect(allowsNode(record, { name: 'a', labels: {} })).toBe(false);
  });
});
