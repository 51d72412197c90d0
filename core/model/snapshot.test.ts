import { describe, expect, it } from 'vitest';
import { formatSnapshot, parseSnapshot, pruneForSnapshot, prunePolicyForSnapshot, type ClusterSnapshot } from './snapshot.ts';

const snapshot: Omit<ClusterSnapshot, 'complete'> = {
  kind: 'ConcertinaSnapshot',
  version: 1,
  takenAt: 1_000,
  server: 'https://127.0.0.1:6443',
  horizontalPolicies: [{ metadata: { name: 'web', namespace: 'shop' }, spec: { maxReplicas: 3 } }],
  horizontalPodAutoscalers: [],
  scales: [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      namespace: 'shop',
      name: 'web',
      ok: true,
      type: { group: 'apps', version: 'v1', plural: 'deployments', kind: 'Deployment', namespaced: true },
      specReplicas: 3,
      statusReplicas: 3,
      selector: 'app=web',
    },
    { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'gone', ok: false, message: 'not found' },
  ],
  pods: [{ metadata: { name: 'web-1', namespace: 'shop' }, spec: {}, status: {} }],
  nodes: [],
  metrics: {
    source: { healthy: true, lastSuccess: 900 },
    pods: [
      { namespace: 'shop', name: 'web-1', timestamp: 800, windowMs: 15_000, containers: [{ name: 'c', cpuMilli: 5, memoryMilli: 6 }] },
    ],
    nodes: [],
  },
};

describe('a snapshot file', () => {
  it('comes back as it was written', () => {
    expect(parseSnapshot(formatSnapshot(snapshot), 'a.json')).toEqual({ ...snapshot, complete: true });
  });

  it('keeps what newer versions have added: owners, requests, nodes that are not scraped', () => {
    const query = { kind: 'external', namespace: 'shop', metric: 'queue', metricSelector: '' } as const;
    const result = { known: false, reason: 'missing', detail: 'none', since: 5, source: 'external.metrics.k8s.io' } as const;
    const newer = {
      ...snapshot,
      replicaSets: [{ uid: 'a', controller: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'b' } }, { uid: 'c' }],
      metrics: {
        ...snapshot.metrics,
        usageSource: 'prometheus/main',
        usageRequest: { text: '/apis/metrics.k8s.io/v1beta1/pods', latencyMs: 3 },
        unscrapedNodes: [{ name: 'node-a', since: 4, pods: 2 }],
        queries: [{ query, result, sent: { text: '/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/queue' } }],
      },
    };
    expect(parseSnapshot(formatSnapshot(newer), 'a.json')).toEqual({ ...newer, complete: true });
  });

  it('is refused when it is cut short, at any byte', () => {
    const text = formatSnapshot(snapshot);
    for (let length = 0; length < text.trimEnd().length; length += 7) {
      expect(() => parseSnapshot(text.slice(0, length), 'a.json')).toThrowError(/^snapshot a\.json cannot be used: .*take it again/);
    }
    expect(() => parseSnapshot(text.slice(0, 100), 'a.json')).toThrowError('it is cut short after 100 bytes');
  });

  it('is refused with the path when a part has the wrong shape', () => {
    const broken = {
      ...snapshot,
      complete: true,
      metrics: { ...snapshot.metrics, pods: [{ ...snapshot.metrics.pods[0], timestamp: 'x' }] },
    };
    expect(() => parseSnapshot(JSON.stringify(broken), 'a.json')).toThrowError(/metrics\.pods\.0\.timestamp/);
    expect(() => parseSnapshot('{"kind":"Pod"}', 'a.json')).toThrowError('its kind is "Pod"');
    expect(() => parseSnapshot('{"kind":"ConcertinaSnapshot","version":9}', 'a.json')).toThrowError(
      'it has version 9, this program reads version 1',
    );
  });

  it('holds the annotations of a policy that the suite reads, and no others', () => {
    const annotations = { 'concertina.dev/paused': 'true', 'kubectl.kubernetes.io/last-applied-configuration': 's3cret' };
    const raw = { metadata: { name: 'web', annotations, managedFields: [{}] }, spec: { maxReplicas: 3 } };
    expect(prunePolicyForSnapshot(raw)).toEqual({
      metadata: { name: 'web', annotations: { 'concertina.dev/paused': 'true' } },
      spec: { maxReplicas: 3 },
    });
    expect(prunePolicyForSnapshot({ metadata: { name: 'web', annotations: { note: 'x' } } })).toEqual({ metadata: { name: 'web' } });
  });

  it('holds no environment, command or annotation of a pod', () => {
    const raw = {
      metadata: { name: 'p', annotations: { token: 's3cret' }, managedFields: [{}], labels: { app: 'web' } },
      spec: {
        nodeName: 'n',
        containers: [
          { name: 'c', image: 'i', env: [{ name: 'P', value: 's3cret' }], args: ['s3cret'], resources: { requests: { cpu: '1' } } },
        ],
      },
    };
    expect(pruneForSnapshot(raw)).toEqual({
      metadata: { name: 'p', labels: { app: 'web' } },
      spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: '1' } } }] },
    });
  });
});
