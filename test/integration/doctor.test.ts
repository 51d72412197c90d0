import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DoctorReport } from '../../cli/compose/doctor/report.ts';
import type { KubeClient } from '../../core/kube/index.ts';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import { realClock } from '../../core/runtime/clock.ts';
import { seededRandom } from '../../core/runtime/random.ts';
import { startEmbeddedCluster, type EmbeddedCluster } from '../../simulator/index.ts';
import { setCpuLoad } from '../journeys/cpu-load.ts';
import { deployment, policy } from '../journeys/journey-cluster.ts';
import {
  clusterRoles,
  eventually,
  install,
  startProgram,
  startSmallCluster,
  tokenOf,
  untilMeasured,
  type Outcome,
  type Program,
} from './doctor-support.ts';

let program: Program;

beforeAll(async () => {
  program = await startProgram();
});
afterAll(() => program.remove());

interface Diagnosis {
  readonly report: DoctorReport;
  readonly code: number | null;
  /** Status of the one line of a check. */
  readonly status: (check: string) => string | undefined;
  readonly message: (check: string) => string;
}

function diagnosisOf({ code, stdout, stderr }: Outcome): Diagnosis {
  expect(stderr, 'nothing but the report').toBe('');
  const report = JSON.parse(stdout) as DoctorReport;
  expect([report.kind, report.version]).toEqual(['ConcertinaDoctorReport', 1]);
  const { checks, summary } = report;
  expect(summary.ok + summary.warn + summary.fail + summary.skipped).toBe(checks.length);
  expect(code, 'only what FAILs is an exit code').toBe(summary.fail > 0 ? 1 : 0);
  const find = (name: string): DoctorReport['checks'][number] | undefined => checks.find(({ check }) => check === name);
  return { report, code, status: (check) => find(check)?.status, message: (check) => find(check)?.message ?? '' };
}

describe('concertina doctor on a cluster', () => {
  let cluster: EmbeddedCluster;
  let client: KubeClient;
  let server: string;
  let config: string;
  let prometheusUrl: string;
  const written: string[] = [];

  const doctor = async (...args: string[]): Promise<Diagnosis> =>
    diagnosisOf(await program.run(['doctor', '-o', 'json', '--kubeconfig', config, ...args]));

  beforeAll(async () => {
    cluster = await startSmallCluster('doctor', { adapter: true, prometheus: 1_000 });
    client = cluster.client('test');
    server = await cluster.listen();
    config = await program.kubeconfig('admin', server);
    prometheusUrl = (await cluster.prometheus?.listen())?.url ?? '';
    await install(client);
    await client.create(resourceTypes.namespaces, { metadata: { name: 'shop' } });
    await client.create(resourceTypes.deployments, deployment('shop', 2));
    setCpuLoad(cluster.workload, { namespace: 'shop', milli: 50 });
    const metrics = [
      { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
      { type: 'Pods', pods: { metric: { name: 'qps' }, target: { type: 'AverageValue', averageValue: '10' } } },
      {
        type: 'Prometheus',
        prometheus: { source: 'main', query: 'sum(rate(container_cpu_usage_seconds_total[1m]))', target: { type: 'Value', value: '1' } },
      },
    ];
    cluster.adapter.setPods({ namespace: 'shop', selector: '', metric: 'qps' }, 5);
    await client.create(resourceTypes.metricSources, source('main', { url: prometheusUrl, allowedNamespaces: { names: ['shop'] } }));
    await client.create(resourceTypes.horizontalPolicies, policy('shop', { metrics }));
    const accepted = {
      type: 'Accepted',
      status: 'True',
      reason: 'PolicyAccepted',
      message: '',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    };
    await client.patch(
      resourceTypes.horizontalPolicies,
      { namespace: 'shop', name: 'web' },
      { type: 'merge', body: { status: { conditions: [accepted] } } },
      { subresource: 'status' },
    );
    await untilMeasured(client, 2);
    cluster.api.onAudit(({ userAgent, verb, type }) => {
      if (userAgent.startsWith('concertina/') && type.group !== 'authorization.k8s.io') written.push(`${verb} ${type.plural}`);
    });
  });
  afterAll(() => cluster.stop());

  const source = (name: string, spec: Readonly<Record<string, unknown>>): KubeObject => ({
    metadata: { name },
    spec: { plainHttp: true, network: { allowLoopback: true }, ...spec },
  });

  it('that is well: nothing fails, nothing warns, nothing is written', async () => {
    const { report, status, message, code } = await doctor('--probe');
    expect(report.checks.filter((check) => check.status === 'FAIL' || check.status === 'WARN')).toEqual([]);
    expect(code).toBe(0);
    for (const check of [
      'api-server/reachable',
      'api-server/version',
      'api-server/clock',
      'crd/horizontalpolicies.concertina.dev',
      'crd/metricsources.concertina.dev',
      'metrics.k8s.io/registered',
      'metrics.k8s.io/answer',
      'metrics.k8s.io/age',
      'metrics.k8s.io/coverage',
      'metrics.k8s.io/nodes',
      'custom.metrics.k8s.io/registered',
      'external.metrics.k8s.io/answer',
      'metric-source/main/spec',
      'metric-source/main/reachable',
      'metric-source/main/age',
      'rbac/subject',
      'rbac/pods',
      'rbac/pods.custom.metrics.k8s.io/qps',
      'rbac/secrets',
      'conflicts/native-hpa',
      'policies/valid',
      'policies/requests',
      'policies/metric-sources',
      'policies/answers',
    ]) {
      expect(status(check), check).toBe('OK');
    }
    expect(message('rbac/subject')).toContain('ServiceAccount concertina-system/concertina are looked at, in its name');
    expect(message('custom.metrics.k8s.io/registered')).toContain('preferred v1beta2');
    expect(message('metric-source/main/reachable')).toMatch(/answers from here: version \d+\.\d+/);
    expect(message('policies/answers'), 'Pods of the adapter, and the query of the MetricSource').toContain(
      '2 metrics of policies were asked and answered',
    );
    expect(report.proposals).toEqual([]);
    expect(written).toEqual([]);
  });

  it('prints the same lines in the same order each time, and for a person', async () => {
    const names = ({ report }: Diagnosis): string[] => report.checks.map(({ check }) => check);
    const first = await doctor();
    expect(names(await doctor())).toEqual(names(first));
    const table = await program.run(['doctor', '--kubeconfig', config]);
    const lines = table.stdout.split('\n');
    expect(lines[0]).toMatch(/^STATUS +CHECK +WHAT$/);
    expect(lines.slice(1, -2).filter((line) => /^(OK|SKIPPED) /.test(line))).toHaveLength(first.report.checks.length);
    expect(lines.at(-2)).toMatch(/^\d+ checks: \d+ OK, 0 WARN, 0 FAIL, \d+ SKIPPED$/);
    expect(table.stdout, 'no colours into a pipe').not.toContain('\u001b');
    expect([table.code, table.stderr]).toEqual([0, '']);
  });

  it('can be limited to a namespace', async () => {
    await client.create(resourceTypes.namespaces, { metadata: { name: 'blog' } });
    const { report, status, message } = await doctor('-n', 'blog');
    expect(report.namespace).toBe('blog');
    expect(message('policies/valid')).toContain('there is no HorizontalPolicy');
    expect(status('metrics.k8s.io/nodes'), 'nodes are in no namespace').toBeUndefined();
    expect(status('policies/answers')).toBeUndefined();
  });

  it('whose metrics API is down: FAIL with the reason, and with what it answers', async () => {
    const key = { name: 'v1beta1.metrics.k8s.io' };
    const condition = (status: string, reason: string, message: string): object => ({
      status: { conditions: [{ type: 'Available', status, reason, message, lastTransitionTime: '2026-01-01T00:00:00Z' }] },
    });
    const patch = (body: object) => client.patch(resourceTypes.apiServices, key, { type: 'merge', body }, { subresource: 'status' });
    await patch(condition('False', 'MissingEndpoints', 'endpoints for service/metrics in "kube-system" have no addresses'));
    const fault = cluster.api.faults.add({ match: { path: /^\/apis\/metrics\.k8s\.io\/v1beta1/ }, fault: { kind: 'status', code: 503 } });
    try {
      const { status, message, code } = await doctor();
      expect([status('metrics.k8s.io/registered'), status('metrics.k8s.io/answer'), code]).toEqual(['FAIL', 'FAIL', 1]);
      expect(message('metrics.k8s.io/registered')).toContain(
        'Service kube-system/metrics should serve, is not available (MissingEndpoints: endpoints for service/metrics',
      );
      expect(message('metrics.k8s.io/answer')).toContain('was answered with 503');
      expect(status('custom.metrics.k8s.io/answer'), 'another API is not touched').toBe('OK');
    } finally {
      fault.remove();
      await patch(condition('True', 'Passed', 'all checks passed'));
    }
  });

  it('whose adapter is down: FAIL for the API and for the policy that needs it', async () => {
    cluster.adapter.faults.unavailable = true;
    try {
      const { status, message } = await doctor();
      expect([status('custom.metrics.k8s.io/answer'), status('policies/answers')]).toEqual(['FAIL', 'FAIL']);
      expect(message('policies/answers')).toContain('HorizontalPolicy shop/web: Pods metric qps is not known (source-unavailable)');
    } finally {
      cluster.adapter.faults.unavailable = false;
    }
  });

  it('where the program lacks a right: FAIL with verb and resource', async () => {
    const key = { name: 'concertina' };
    const before = await client.get<KubeObject & { rules: { resources: string[]; verbs: string[] }[] }>(clusterRoles, key);
    const rules = before.rules.map((rule) => {
      if (rule.resources.includes('nodes') && rule.verbs.includes('watch')) return { ...rule, verbs: ['get', 'list'] };
      return rule.resources.includes('deployments/scale') ? { ...rule, verbs: ['get'] } : rule;
    });
    await client.patch(clusterRoles, key, { type: 'merge', body: { rules } });
    try {
      const { status, message, code } = await doctor();
      expect([status('rbac/nodes'), status('rbac/deployments.apps/scale'), status('rbac/pods.metrics.k8s.io'), code]).toEqual([
        'FAIL',
        'FAIL',
        'OK',
        1,
      ]);
      expect(message('rbac/nodes')).toBe(
        'concertina-system/concertina may not watch nodes cluster-wide, needed for knowing the nodes; apply deploy/kustomize/base/rbac.yaml or grant it',
      );
      expect(message('rbac/deployments.apps/scale')).toContain('may not patch deployments.apps/scale');
    } finally {
      await client.patch(clusterRoles, key, { type: 'merge', body: { rules: before.rules } });
    }
  });

  it('for somebody who may see nothing: skipped with the right that is missing, never a false alarm', async () => {
    const nobody = await program.kubeconfig('nobody', server, { token: await tokenOf(client, 'shop', 'nobody') });
    const { report, status, message } = diagnosisOf(await program.run(['doctor', '-o', 'json', '--kubeconfig', nobody]));
    expect(report.checks.filter((check) => check.status === 'FAIL')).toEqual([]);
    expect(status('policies')).toBe('SKIPPED');
    expect(message('policies')).toContain('you may not read HorizontalPolicies');
    expect(status('metrics.k8s.io/answer')).toBe('SKIPPED');
    expect(status('rbac/subject'), 'whose rights the program has is not known').toBe('WARN');
    expect(status('rbac/pods')).toBe('WARN');
    const forced = diagnosisOf(await program.run(['doctor', '-o', 'json', '--kubeconfig', nobody, '--as-service-account', 'shop/other']));
    expect([forced.status('rbac/subject'), forced.status('rbac/pods'), forced.code]).toEqual(['FAIL', undefined, 1]);
  });

  it('with a ServiceAccount of another name', async () => {
    const { status, message } = await doctor('--as-service-account', 'shop/nobody');
    expect(message('rbac/subject')).toContain('shop/nobody');
    expect([status('rbac/subject'), status('rbac/pods'), message('rbac/pods')]).toEqual([
      'OK',
      'FAIL',
      expect.stringMatching(/^shop\/nobody may not get, list or watch pods/),
    ]);
    expect(message('rbac/secrets'), 'in its own namespace').toContain('in namespace shop');
    expect((await doctor('--as-service-account', 'shop/ghost')).message('rbac/subject')).toContain('there is no ServiceAccount shop/ghost');
  });

  it('where another autoscaler acts on the same target', async () => {
    const hpa: KubeObject = {
      metadata: { name: 'old', namespace: 'shop' },
      spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, minReplicas: 1, maxReplicas: 3 },
    };
    await client.create(resourceTypes.horizontalPodAutoscalers, hpa);
    await client.create(resourceTypes.horizontalPolicies, { ...policy('shop'), metadata: { name: 'second', namespace: 'shop' } });
    try {
      const { status, message, code } = await doctor();
      expect([status('conflicts/native-hpa'), status('conflicts/horizontal-policies'), code]).toEqual(['FAIL', 'FAIL', 1]);
      expect(message('conflicts/native-hpa')).toContain('HorizontalPodAutoscaler shop/old scales Deployment shop/web');
      expect(message('conflicts/horizontal-policies')).toContain('HorizontalPolicy shop/second and HorizontalPolicy shop/web');
    } finally {
      await client.delete(resourceTypes.horizontalPodAutoscalers, { namespace: 'shop', name: 'old' });
      await client.delete(resourceTypes.horizontalPolicies, { namespace: 'shop', name: 'second' });
    }
  });

  it('where a MetricSource lacks its Secret, and policies ask what they may not', async () => {
    const bearer = { auth: { bearer: { secretRef: { name: 'token', key: 'value' } } } };
    await client.create(
      resourceTypes.metricSources,
      source('second', { url: 'http://127.0.0.1:9', allowedNamespaces: { names: ['blog'] }, ...bearer }),
    );
    const asking = {
      metrics: [{ type: 'Prometheus', prometheus: { source: 'second', query: 'x', target: { type: 'Value', value: '1' } } }],
      mode: 'DryRun',
    };
    await client.create(resourceTypes.horizontalPolicies, { ...policy('shop', asking), metadata: { name: 'asking', namespace: 'shop' } });
    try {
      const first = await doctor();
      expect(first.status('metric-source/second/secrets')).toBe('FAIL');
      expect(first.message('metric-source/second/secrets')).toContain(
        'spec.auth.bearer.secretRef names Secret concertina-system/token, which does not exist; create it with the key value',
      );
      expect(first.message('policies/metric-sources')).toContain('MetricSource second does not allow namespace shop');
      await client.create(resourceTypes.secrets, { metadata: { name: 'token', namespace: 'concertina-system' }, data: { other: 'eA==' } });
      expect((await doctor()).message('metric-source/second/secrets')).toContain(
        'names the key value of Secret concertina-system/token, which it does not have',
      );
      await client.patch(
        resourceTypes.secrets,
        { namespace: 'concertina-system', name: 'token' },
        { type: 'merge', body: { data: { value: Buffer.from('hush-hush').toString('base64') } } },
      );
      const whole = await program.run(['doctor', '--probe', '-o', 'json', '--kubeconfig', config]);
      const last = diagnosisOf(whole);
      expect([last.status('metric-source/second/secrets'), last.status('metric-source/second/reachable')]).toEqual(['OK', 'FAIL']);
      expect(last.message('metric-source/second/reachable')).toContain('the connection was refused');
      expect(whole.stdout, 'a token is a secret').not.toContain('hush');
    } finally {
      await client.delete(resourceTypes.metricSources, { name: 'second' });
      await client.delete(resourceTypes.horizontalPolicies, { namespace: 'shop', name: 'asking' });
    }
  });

  it('with pods that have no requests', async () => {
    const bare = deployment('blog', 1);
    const { template } = bare.spec as { template: { spec: { containers: { resources?: object }[] } } };
    for (const container of template.spec.containers) delete container.resources;
    await client.create(resourceTypes.deployments, bare);
    await client.create(resourceTypes.horizontalPolicies, policy('blog'));
    try {
      await eventually(async () => (await client.list(resourceTypes.pods, { namespace: 'blog' })).items.length === 1, 'the pod is there');
      const { status, message } = await doctor('-n', 'blog');
      expect(status('policies/requests')).toBe('FAIL');
      expect(message('policies/requests')).toContain(
        'HorizontalPolicy blog/web measures the utilization of cpu, but container web of pod blog/web-',
      );
      expect(status('policies/accepted'), 'nobody has looked at it').toBe('WARN');
    } finally {
      await client.delete(resourceTypes.horizontalPolicies, { namespace: 'blog', name: 'web' });
      await client.delete(resourceTypes.deployments, { namespace: 'blog', name: 'web' });
    }
  });

  it('proposes a MetricSource for a Prometheus that nobody names, valid and ready to be applied', async () => {
    const labels = { 'app.kubernetes.io/name': 'prometheus', 'app.kubernetes.io/component': 'server' };
    await client.create(resourceTypes.services, {
      metadata: { name: 'prom', namespace: 'blog', labels },
      spec: { ports: [{ name: 'http', port: 80 }], selector: labels },
    });
    try {
      const { report, message } = await doctor();
      expect(message('discovery/blog/prom')).toContain(
        'Service blog/prom:80 looks like Prometheus (prometheus chart); no MetricSource names it',
      );
      const [proposal] = report.proposals;
      expect(proposal?.manifest.spec).toMatchObject({ url: 'http://prom.blog.svc:80', allowedNamespaces: { names: [] } });
      const dryRun = await client.create(resourceTypes.metricSources, proposal?.manifest as KubeObject, {
        dryRun: true,
        fieldValidation: 'Strict',
      });
      expect(dryRun.metadata.name).toBe('prometheus');
      const table = await program.run(['doctor', '--kubeconfig', config]);
      expect(table.stdout).toContain('\n---\n# Prometheus (prometheus chart), found by the labels of Service blog/prom.\n');
      const probed = await doctor('--probe');
      expect(probed.report.proposals, 'what does not answer is not proposed').toEqual([]);
      expect(probed.status('discovery/blog/prom')).toBe('SKIPPED');
    } finally {
      await client.delete(resourceTypes.services, { namespace: 'blog', name: 'prom' });
    }
    expect(written).toEqual([]);
  });
});

describe('concertina doctor on a cluster without anything, whose clock is ahead', () => {
  let cluster: EmbeddedCluster;
  let config: string;

  beforeAll(async () => {
    const clock = { ...realClock, now: () => realClock.now() + 300_000 };
    cluster = await startEmbeddedCluster({ clock, random: seededRandom('skew'), nodes: [] });
    config = await program.kubeconfig('skewed', await cluster.listen());
  });
  afterAll(() => cluster.stop());

  it('says how far, and what is not installed', async () => {
    const { report, status, message, code } = diagnosisOf(await program.run(['doctor', '-o', 'json', '--kubeconfig', config]));
    expect(status('api-server/clock')).toBe('WARN');
    expect(message('api-server/clock')).toContain('this machine is 5 min behind the API server; set its clock (NTP)');
    const skewSeconds = report.checks.find(({ check }) => check === 'api-server/clock')?.values?.['skewSeconds'];
    expect(Math.abs(Number(skewSeconds) - 300)).toBeLessThan(5);
    expect(Math.abs(Date.parse(report.at) - realClock.now() - 300_000), 'the report goes by the cluster').toBeLessThan(60_000);
    expect([status('crd/horizontalpolicies.concertina.dev'), status('custom.metrics.k8s.io/registered'), status('policies')]).toEqual([
      'FAIL',
      'SKIPPED',
      'SKIPPED',
    ]);
    expect(message('crd/metricsources.concertina.dev')).toContain('is not installed; apply deploy/crds');
    expect(message('rbac/subject')).toContain(
      'your own rights are looked at, because there is no ServiceAccount concertina-system/concertina',
    );
    expect(code).toBe(1);
  });
});

describe('concertina doctor without a cluster', () => {
  it('gives a machine its report all the same', async () => {
    const config = await program.kubeconfig('closed', 'http://127.0.0.1:1');
    const closed = diagnosisOf(await program.run(['doctor', '-o', 'json', '--kubeconfig', config]));
    expect(closed.report.checks.map(({ status, check }) => `${status} ${check}`)).toEqual([
      'FAIL api-server/reachable',
      'SKIPPED everything-else',
    ]);
    expect(closed.message('api-server/reachable')).toContain('the connection was refused');
    const lost = diagnosisOf(await program.run(['doctor', '-o', 'json', '--kubeconfig', '/no/such/kubeconfig']));
    expect(lost.report).toMatchObject({ server: null, context: null, summary: { fail: 1 } });
    expect(lost.message('connection')).toContain('/no/such/kubeconfig does not exist; check the path in --kubeconfig');
  });

  it.each([
    [['--as-service-account', 'nonsense'], '--as-service-account "nonsense" is not NAMESPACE/NAME'],
    [['-o', 'yaml'], '--output "yaml" is not one of "table", "json"'],
    [['--probe=yes'], '--probe "yes" is not true or false'],
    [['-n', ''], '-n has no value'],
  ])('refuses wrong words: %o', async (words, text) => {
    const { code, stdout, stderr } = await program.run(['doctor', ...words]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(text);
  });
});
