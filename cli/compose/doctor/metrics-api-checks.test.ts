import { describe, expect, it } from 'vitest';
import { knownOwner } from './known-owners.ts';
import { judgeMetricsGroup } from './metrics-api-checks.ts';
import type { ApiServiceFacts, MetricsGroupFacts } from './metrics-apis.ts';
import { absent, failed, forbidden, messageOf, read, statusesOf } from './test-support.ts';

const service = (change: Partial<ApiServiceFacts> = {}): ApiServiceFacts => ({
  version: 'v1beta1',
  service: 'kube-system/metrics-server',
  available: 'True',
  reason: 'Passed',
  message: 'all checks passed',
  ...change,
});

function group(name: MetricsGroupFacts['group'], change: Partial<MetricsGroupFacts> = {}): MetricsGroupFacts {
  return {
    group: name,
    services: read([service()]),
    discovery: read({ versions: ['v1beta1'], preferred: 'v1beta1' }),
    resources: read(['pods/http_requests', 'services/queue_depth']),
    tookMs: 12,
    ...change,
  };
}

const unneeded = { policies: 0, usage: false };
const usage = { policies: 0, usage: true };

describe('an API group of metrics', () => {
  it('is well when it is registered, available, and somebody known answers', () => {
    const checks = judgeMetricsGroup(group('metrics.k8s.io'), usage);
    expect(statusesOf(checks)).toEqual(['OK metrics.k8s.io/registered', 'OK metrics.k8s.io/owner']);
    expect(messageOf(checks, 'metrics.k8s.io/registered')).toBe('metrics.k8s.io is available: v1beta1 by kube-system/metrics-server');
    expect(messageOf(checks, 'metrics.k8s.io/owner')).toBe('Metrics Server (Service kube-system/metrics-server) serves metrics.k8s.io');
  });

  it.each([
    ['metrics.k8s.io', usage, 'FAIL', 'install Metrics Server'],
    ['metrics.k8s.io', unneeded, 'SKIPPED', 'no policy needs it'],
    ['custom.metrics.k8s.io', unneeded, 'SKIPPED', 'no policy needs it'],
    ['custom.metrics.k8s.io', { policies: 1, usage: false }, 'FAIL', 'which 1 policy needs; install a metrics adapter'],
    ['external.metrics.k8s.io', { policies: 3, usage: false }, 'FAIL', 'which 3 policies need'],
  ] as const)('%s that nobody serves, needed %o: %s', (name, need, status, text) => {
    const checks = judgeMetricsGroup(group(name, { services: read([]), discovery: absent, resources: absent }), need);
    expect(statusesOf(checks), 'said once').toEqual([`${status} ${name}/registered`]);
    expect(checks[0]?.message).toContain(text);
  });

  it('says with reason and Service why it is not available', () => {
    const down = service({
      available: 'False',
      reason: 'MissingEndpoints',
      message: 'endpoints for service/metrics-server have no addresses',
    });
    const [check] = judgeMetricsGroup(group('metrics.k8s.io', { services: read([down]) }), usage);
    expect(check?.status).toBe('FAIL');
    expect(check?.message).toContain(
      'APIService v1beta1.metrics.k8s.io, which Service kube-system/metrics-server should serve, is not available',
    );
    expect(check?.message).toContain('(MissingEndpoints: endpoints for service/metrics-server have no addresses)');
    expect(check?.message).toContain('kubectl get apiservice v1beta1.metrics.k8s.io');
  });

  it('of which one version is away is a warning', () => {
    const services = read([
      service({ version: 'v1beta2', service: 'a/b' }),
      service({ service: 'a/b', available: 'False', reason: 'ServiceNotFound', message: '' }),
    ]);
    const [check] = judgeMetricsGroup(group('custom.metrics.k8s.io', { services }), unneeded);
    expect(check).toMatchObject({ status: 'WARN', message: expect.stringContaining('v1beta1.custom.metrics.k8s.io') as unknown });
  });

  it('without the right to look is asked all the same', () => {
    const checks = judgeMetricsGroup(group('custom.metrics.k8s.io', { services: forbidden }), unneeded);
    expect(statusesOf(checks)).toEqual([
      'SKIPPED custom.metrics.k8s.io/registered',
      'OK custom.metrics.k8s.io/answer',
      'OK custom.metrics.k8s.io/metrics',
    ]);
  });

  it('that does not answer although it is said to be available fails', () => {
    const checks = judgeMetricsGroup(
      group('custom.metrics.k8s.io', { services: read([service({ service: 'a/b' })]), resources: failed }),
      unneeded,
    );
    expect(checks.find(({ check }) => check.endsWith('/answer'))).toMatchObject({
      status: 'FAIL',
      message: expect.stringContaining('was answered with 503') as unknown,
    });
  });

  it('lists a bounded number of metrics and says that the list is not the whole', () => {
    const names = Array.from({ length: 3_000 }, (_, index) => `pods/m${String(index).padStart(4, '0')}`);
    const checks = judgeMetricsGroup(group('custom.metrics.k8s.io', { resources: read(names) }), unneeded);
    const check = checks.find((each) => each.check.endsWith('/metrics'));
    expect(check?.message).toMatch(/^custom\.metrics\.k8s\.io lists pods\/m0000, .*pods\/m0019 and 2980 more; adapters leave out/);
    expect(check?.values?.['names']).toHaveLength(1_000);
    expect(check?.values?.['count']).toBe(3_000);
  });
});

describe('who serves a group', () => {
  it.each([
    ['metrics.k8s.io', 'kube-system/metrics-server', 'Metrics Server', false],
    ['metrics.k8s.io', 'monitoring/prometheus-adapter', 'prometheus-adapter', true],
    ['custom.metrics.k8s.io', 'monitoring/my-prometheus-adapter', 'prometheus-adapter', true],
    ['external.metrics.k8s.io', 'keda/keda-operator-metrics-apiserver', 'KEDA', true],
    ['external.metrics.k8s.io', 'datadog/datadog-cluster-agent-metrics-api', 'Datadog Cluster Agent', true],
    ['custom.metrics.k8s.io', 'custom-metrics/custom-metrics-stackdriver-adapter', 'Google Cloud Monitoring adapter', false],
    ['metrics.k8s.io', 'keda/keda-operator-metrics-apiserver', undefined, false],
    ['external.metrics.k8s.io', 'shop/web', undefined, false],
  ] as const)('%s by %s: %s', (name, place, program, cautioned) => {
    const owner = knownOwner(name, place);
    expect(owner?.program).toBe(program);
    expect(owner?.caution !== undefined).toBe(cautioned);
  });

  it('is a warning only where it matters', () => {
    const services = read([service({ service: 'keda/keda-operator-metrics-apiserver' })]);
    const owner = (policies: number): unknown =>
      judgeMetricsGroup(group('external.metrics.k8s.io', { services }), { policies, usage: false }).find(({ check }) =>
        check.endsWith('/owner'),
      )?.status;
    expect([owner(0), owner(1)]).toEqual(['OK', 'WARN']);
  });

  it('is told when versions are served by different programs, or by nobody', () => {
    const two = read([service({ version: 'v1beta2', service: 'a/keda-x' }), service({ service: 'b/prometheus-adapter' })]);
    const [, twins] = judgeMetricsGroup(group('custom.metrics.k8s.io', { services: two }), unneeded);
    expect(twins).toMatchObject({ status: 'WARN', message: expect.stringContaining('a/keda-x, b/prometheus-adapter') as unknown });
    const [, nobody] = judgeMetricsGroup(group('custom.metrics.k8s.io', { services: read([service({ service: undefined })]) }), unneeded);
    expect(nobody?.status).toBe('WARN');
  });
});
