import { describe, expect, it } from 'vitest';
import { formatSnapshot, parseSnapshot, pruneForSnapshot, type ClusterSnapshot } from './snapshot.ts';

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
