import { describe, expect, it } from 'vitest';
import type { KubeClient, RawRequest } from '../../../core/kube/index.ts';
import type { MetricQuery } from '../../../core/model/metric-query.ts';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import { confinedQuery, recordRequests } from './sent-requests.ts';

const fields = { namespace: 'shop', metric: 'qps', metricSelector: '' };
const podsQuery: MetricQuery = { kind: 'pods', selector: 'app=web', ...fields };
const objectQuery = (kind: string, apiVersion?: string, name = 'web'): MetricQuery => ({
  kind: 'object',
  object: { kind, name, ...(apiVersion === undefined ? {} : { apiVersion }) },
  ...fields,
});

async function recordOf(...paths: readonly string[]) {
  const clock = new VirtualClock(0);
  const client = {
    server: 'https://cluster',
    raw: async ({ path }: RawRequest) => {
      await clock.advance(7);
      if (path.includes('broken')) throw new Error('it broke');
      return { status: 200, headers: {}, body: Buffer.from('') };
    },
  } as unknown as KubeClient;
  const record = recordRequests(client, clock);
  for (const path of paths) await record.client.raw({ method: 'GET', path }).catch(() => undefined);
  return record;
}

const custom = '/apis/custom.metrics.k8s.io/v1beta2/namespaces/shop';

describe('recordRequests', () => {
  it('tells the list of usage, and how long it took', async () => {
    const record = await recordOf('/apis/metrics.k8s.io/v1beta1/nodes', '/apis/metrics.k8s.io/v1beta1/pods', '/api/v1/pods');
    expect(record.usage()).toEqual({ text: '/apis/metrics.k8s.io/v1beta1/pods', latencyMs: 7 });
    expect((await recordOf('/api/v1/pods')).usage()).toBeUndefined();
  });

  it('finds the request of a query by what it asks', async () => {
    const paths = [
      '/apis/custom.metrics.k8s.io',
      `${custom}/pods/%2A/qps?labelSelector=app%3Dweb`,
      `${custom}/pods/%2A/qps?labelSelector=app%3Dapi`,
      `${custom}/services/web/qps`,
      `${custom}/ingresses.networking.k8s.io/web/qps`,
      '/apis/custom.metrics.k8s.io/v1beta2/nodes/web/qps',
      `${custom}/metrics/qps`,
      '/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/qps?labelSelector=q%3Da',
    ];
    const record = await recordOf(...paths);
    const text = (query: MetricQuery): string | undefined => record.query(query)?.text;
    expect(text(podsQuery)).toBe(paths[1]);
    expect(text(objectQuery('Service', 'v1'))).toBe(paths[3]);
    expect(text(objectQuery('Ingress', 'networking.k8s.io/v1'))).toBe(paths[4]);
    expect(text(objectQuery('Node'))).toBe(paths[5]);
    expect(text(objectQuery('Namespace', undefined, 'shop'))).toBe(paths[6]);
    expect(text({ kind: 'external', namespace: 'shop', metric: 'qps', metricSelector: 'q=a' })).toBe(paths[7]);
    expect(text({ kind: 'external', ...fields }), 'another selector').toBeUndefined();
    expect(text({ ...podsQuery, metric: 'rps' } as MetricQuery)).toBeUndefined();
    expect(text({ kind: 'prometheus', namespace: 'shop', source: 'main', query: 'up', emptyMeans: 'unknown' })).toBeUndefined();
  });

  it('claims nothing when two requests may be meant', async () => {
    const record = await recordOf('/apis/custom.metrics.k8s.io/v1beta1/namespaces/shop/services/web/qps', `${custom}/services/web/qps`);
    expect(record.query(objectQuery('Service'))).toBeUndefined();
  });

  it('remembers a request that failed, and lets the failure pass', async () => {
    const record = await recordOf(`${custom}/services/broken/qps`);
    expect(record.query(objectQuery('Service', undefined, 'broken'))?.latencyMs).toBe(7);
    await expect(record.client.raw({ method: 'GET', path: '/broken' })).rejects.toThrow('it broke');
  });
});

describe('confinedQuery', () => {
  const query = { kind: 'prometheus', namespace: 'shop', source: 'main', query: 'sum(up)', emptyMeans: 'unknown' } as const;
  const source = (spec: object) => ({ metadata: { name: 'main' }, spec: { url: 'https://p', allowedNamespaces: { all: true }, ...spec } });

  it('is the PromQL as the server gets it, by the label that the MetricSource names', () => {
    expect(confinedQuery(query, [source({})], 0)).toBe('sum(up{namespace="shop"})');
    expect(confinedQuery(query, [source({ tenancy: { namespaceLabel: 'ns' } })], 0)).toBe('sum(up{ns="shop"})');
  });

  it('is nothing when nothing is sent', () => {
    expect(confinedQuery(query, [], 0)).toBeUndefined();
    expect(confinedQuery(query, [source({ url: 'ftp://p' })], 0)).toBeUndefined();
    expect(confinedQuery(query, [source({ allowedNamespaces: { names: ['blog'] } })], 0)).toBeUndefined();
    expect(confinedQuery({ ...query, query: 'up{namespace="blog"}' }, [source({})], 0)).toBeUndefined();
  });
});
