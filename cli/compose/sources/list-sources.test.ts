import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../core/model/object.ts';
import type { MetricsGroupFacts } from '../doctor/metrics-apis.ts';
import { absent, forbidden, read } from '../doctor/test-support.ts';
import { sourceList } from './list-sources.ts';

const group = (change: Partial<MetricsGroupFacts> = {}): MetricsGroupFacts => ({
  group: 'custom.metrics.k8s.io',
  services: read([{ version: 'v1beta1', service: 'a/b', available: 'True', reason: 'Passed', message: 'all checks passed' }]),
  discovery: read({ versions: ['v1beta1'], preferred: 'v1beta1' }),
  resources: read([]),
  tookMs: 1,
  ...change,
});
const source = (name: string, spec: object = {}, status?: object): KubeObject => ({
  metadata: { name },
  spec: { url: 'https://prom.example', ...spec },
  ...(status === undefined ? {} : { status }),
});
const row = (facts: MetricsGroupFacts) => sourceList([facts], read([])).sources[0];

describe('sourceList', () => {
  it('has the API groups', () => {
    expect(row(group())).toMatchObject({
      name: 'custom.metrics.k8s.io',
      type: 'API group',
      at: 'a/b',
      ready: 'True',
      reason: 'Passed',
      version: 'v1beta1',
    });
    expect(row(group({ services: read([]), discovery: absent }))).toMatchObject({ ready: 'False', reason: 'NotServed' });
    expect(row(group({ services: forbidden }))).toMatchObject({ ready: 'Unknown', reason: 'NotReadable' });
    expect(row(group({ services: forbidden, discovery: absent }))).toMatchObject({ ready: 'False', reason: 'NotServed' });
    const down = { version: 'v1beta1', service: 'a/b', available: 'False', reason: 'MissingEndpoints', message: 'no addresses' } as const;
    expect(row(group({ services: read([down]) }))).toMatchObject({ ready: 'False', reason: 'MissingEndpoints', message: 'no addresses' });
  });

  it('has the MetricSources by name, with what their status says', () => {
    const ready = {
      conditions: [{ type: 'Ready', status: 'True', reason: 'Answering', message: 'answers 3 queries' }],
      version: '2.42.0',
      queries: 3,
    };
    const list = sourceList(
      [],
      read([
        source('b', { allowedNamespaces: { names: ['shop', 'blog'] } }, ready),
        source('a', { url: 'ftp://x' }),
        source('c', { allowedNamespaces: { all: true } }),
      ]),
    );
    expect(list.sources).toMatchObject([
      { name: 'a', ready: 'False', reason: 'InvalidSpec' },
      {
        name: 'b',
        type: 'Prometheus',
        at: 'https://prom.example',
        ready: 'True',
        reason: 'Answering',
        version: '2.42.0',
        queries: 3,
        namespaces: 'shop,blog',
      },
      { name: 'c', ready: 'Unknown', reason: 'NoStatus', queries: null, namespaces: 'all' },
    ]);
    expect(list.problem).toBeNull();
  });

  it('says why there are none', () => {
    expect(sourceList([], absent).problem).toContain('not installed');
    expect(sourceList([], forbidden).problem).toContain('cannot be read');
  });
});
