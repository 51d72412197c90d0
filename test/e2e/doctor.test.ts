import { execFile } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DoctorReport } from '../../cli/compose/doctor/report.ts';
import type { QueryReport } from '../../cli/compose/sources/query-report.ts';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import { setCpuLoad } from '../journeys/cpu-load.ts';
import { deployment, policy } from '../journeys/journey-cluster.ts';
import { startProcess } from '../journeys/process-controller.ts';
import { findCompanions } from './binaries/index.ts';
import { describeWithCompanions } from './companion-suite.ts';
import { startPrometheus, type Prometheus } from './companions/prometheus.ts';
import { serveExposition } from './exposition-server.ts';
import { install, startPlayedCluster, type PlayedCluster } from './installed-cluster.ts';
import { createNamespace } from './namespace.ts';
import { servePlayedUsage } from './played-usage.ts';
import type { RealCluster } from './real-cluster.ts';
import { createTeardown } from './teardown.ts';
import { eventually, until } from './until.ts';

const search = await findCompanions('prometheus');

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface Diagnosis {
  readonly report: DoctorReport;
  readonly code: number;
  /** `STATUS message` of the first line of a check. */
  readonly line: (check: string) => string;
}

// A program of this machine looks at a cluster that is whole, and at the same one with something broken.
describeWithCompanions(
  search,
  'doctor and sources on the real cluster, as deploy/kustomize/base installs the program',
  (companions) => {
    const teardown = createTeardown();
    let played: PlayedCluster;
    let real: RealCluster;
    let prometheus: Prometheus;
    let program: string;

    const run = (...args: readonly string[]): Promise<Outcome> =>
      new Promise((resolve, reject) => {
        const env = { PATH: process.env['PATH'] ?? '', HOME: real.dir };
        const words = [program, ...args, '--kubeconfig', real.adminKubeconfig];
        execFile(process.execPath, words, { env, timeout: 60_000, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
          if (error !== null && typeof error.code !== 'number') reject(error);
          else resolve({ code: Number(error?.code ?? 0), stdout, stderr });
        });
      });

    const doctor = async (...args: readonly string[]): Promise<Diagnosis> => {
      const { code, stdout, stderr } = await run('doctor', '-o', 'json', ...args);
      expect(stderr, 'nothing but the report').toBe('');
      const report = JSON.parse(stdout) as DoctorReport;
      const line = (check: string): string => {
        const found = report.checks.find((each) => each.check === check);
        return found === undefined ? 'absent' : `${found.status} ${found.message}`;
      };
      return { report, code, line };
    };

    const query = async (...args: readonly string[]): Promise<QueryReport> => {
      const { stdout, stderr } = await run('sources', 'query', ...args, '-o', 'json');
      expect(stderr).toBe('');
      return JSON.parse(stdout) as QueryReport;
    };

    const source = (name: string, spec: Readonly<Record<string, unknown>>): KubeObject => ({
      metadata: { name },
      spec: { plainHttp: true, network: { allowLoopback: true }, ...spec },
    });

    beforeAll(async () => {
      const application = await serveExposition(() => [
        { name: 'jobs_waiting', labels: { namespace: 'shop', queue: 'mail' }, value: 12 },
        { name: 'jobs_waiting', labels: { namespace: 'shop', queue: 'print' }, value: 3.5 },
        { name: 'jobs_waiting', labels: { namespace: 'blog', queue: 'mail' }, value: 1000 },
      ]);
      teardown.add(() => application.close());
      const file = await companions().prometheus.file();
      [played, prometheus] = await Promise.all([
        startPlayedCluster(teardown),
        startPrometheus({ file, targets: [{ job: 'application', port: application.port }] }),
      ]);
      teardown.add(() => prometheus.stop());
      ({ real, program } = played);
      await played.fleet.addNode({ name: 'node-a', cpu: 16, memory: '32Gi' });
      const kubeconfig = await install(real, teardown);
      await servePlayedUsage(played, teardown);
      const client = real.adminClient;
      await client.create(resourceTypes.metricSources, source('main', { url: prometheus.url, allowedNamespaces: { names: ['shop'] } }));
      for (const name of ['shop', 'blog']) await createNamespace(client, name);
      await client.create(resourceTypes.deployments, deployment('shop', 2));
      setCpuLoad(played.workload, { namespace: 'shop', milli: 50 });
      const asked = { source: 'main', query: 'sum(jobs_waiting)', target: { type: 'AverageValue', averageValue: '10' } };
      const metrics = [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
        { type: 'Prometheus', prometheus: asked },
      ];
      await client.create(resourceTypes.horizontalPolicies, policy('shop', { minReplicas: 2, metrics }));
      await prometheus.untilValue('jobs_waiting');
      // What the program says in status is looked at too.
      const running = await startProcess({
        program,
        identity: 'copy-1',
        kubeconfig,
        flags: ['--metrics-poll-interval=1s', '--hpa-sync-period=1s'],
      });
      teardown.add(() => running.stop());
      const conditions = async (type: (typeof resourceTypes)['horizontalPolicies' | 'metricSources'], key: object): Promise<string> => {
        const { status } = await client.get(type, key as { readonly name: string });
        const { conditions: found = [] } = (status ?? {}) as { readonly conditions?: readonly { type: string; status: string }[] };
        return found.map((each) => `${each.type}=${each.status}`).join(' ');
      };
      await eventually('the policy is followed', async () =>
        /ScalingActive=True/.test(await conditions(resourceTypes.horizontalPolicies, { namespace: 'shop', name: 'web' })),
      );
      await eventually('the source is ready', async () =>
        /Ready=True/.test(await conditions(resourceTypes.metricSources, { name: 'main' })),
      );
      const measured = async (): Promise<boolean> =>
        ((await real.admin.get('/apis/metrics.k8s.io/v1beta1/pods')).body as { items: readonly unknown[] }).items.length === 4;
      await eventually('all pods are measured', measured);
    });
    afterAll(() => teardown.run());

    it('finds nothing wrong where all is well: no false alarm from what the API server makes of the CRDs', async () => {
      const { report, line, code } = await doctor('--probe');
      expect(report.checks.filter(({ status }) => status === 'FAIL' || status === 'WARN')).toEqual([]);
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
        'metric-source/main/spec',
        'metric-source/main/reachable',
        'metric-source/main/age',
        'metric-source/main/namespaces',
        'rbac/subject',
        'rbac/pods',
        'rbac/nodes',
        'rbac/deployments.apps/scale',
        'rbac/horizontalpolicies.concertina.dev/status',
        'rbac/leases.coordination.k8s.io',
        'rbac/secrets',
        'conflicts/native-hpa',
        'policies/valid',
        'policies/requests',
        'policies/metric-sources',
        'policies/answers',
      ]) {
        expect(line(check), check).toMatch(/^OK /);
      }
      expect(line('api-server/version')).toContain('1.');
      expect(line('metric-source/main/reachable')).toMatch(/answers from here: version 2\.\d+/);
      expect(line('custom.metrics.k8s.io/registered')).toMatch(/^SKIPPED /);
      expect(report.proposals).toEqual([]);
    });

    it('asks in the name of the ServiceAccount, and names what it lacks', async () => {
      expect((await doctor()).line('rbac/subject')).toBe(
        'OK the rights of ServiceAccount concertina-system/concertina are looked at, in its name',
      );
      const role = '/apis/rbac.authorization.k8s.io/v1/clusterroles/concertina';
      const { rules } = (await real.admin.get(role)).body as { rules: readonly { resources?: string[]; verbs: string[] }[] };
      const without = rules
        .filter(({ resources = [] }) => !resources.includes('statefulsets/scale'))
        .map((rule) =>
          rule.resources?.includes('nodes') === true && rule.verbs.includes('watch') ? { ...rule, verbs: ['get', 'list'] } : rule,
        );
      expect((await real.admin.patch(role, 'merge', { rules: without })).status).toBe(200);
      try {
        let seen: Diagnosis | undefined;
        // The API server's own copy of the role is renewed in a moment.
        const noticed = await until(async () => (seen = await doctor()).code === 1, 20_000, 500);
        expect(noticed).toBe(true);
        expect(seen?.line('rbac/nodes')).toMatch(
          /^FAIL concertina-system\/concertina may not watch nodes cluster-wide, needed for .*; apply deploy\/kustomize\/base\/rbac\.yaml or grant it$/,
        );
        expect(seen?.line('rbac/statefulsets.apps/scale')).toMatch(
          /^FAIL concertina-system\/concertina may not get or patch statefulsets\.apps\/scale/,
        );
        expect(seen?.report.checks.filter(({ status, check }) => status === 'FAIL' && !check.startsWith('rbac/'))).toEqual([]);
      } finally {
        await real.admin.patch(role, 'merge', { rules });
      }
    });

    it('finds a CRD that lacks a field of this version, and one whose bounds are others', async () => {
      const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/metricsources.concertina.dev';
      const spec = '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties';
      const at = async (place: string): Promise<object> =>
        place
          .split('/')
          .slice(1)
          .reduce<unknown>((object, key) => (object as Record<string, unknown>)[key], (await real.admin.get(path)).body) as object;
      const templates = await at(`${spec}/templates`);
      expect((await real.admin.patch(path, 'json', [{ op: 'remove', path: `${spec}/templates` }])).status).toBe(200);
      try {
        const { line, code } = await doctor();
        expect(line('crd/metricsources.concertina.dev')).toMatch(
          /^FAIL .*is of an older version: it drops spec\.templates on every write; apply deploy\/crds/,
        );
        expect(line('crd/horizontalpolicies.concertina.dev')).toMatch(/^OK /);
        expect(code).toBe(1);
      } finally {
        await real.admin.patch(path, 'json', [{ op: 'add', path: `${spec}/templates`, value: templates }]);
      }
      const limit = `${spec}/limits/properties/maxSeries/maximum`;
      expect((await real.admin.patch(path, 'json', [{ op: 'replace', path: limit, value: 5 }])).status).toBe(200);
      try {
        expect((await doctor()).line('crd/metricsources.concertina.dev')).toMatch(
          /^WARN .*other bounds or rules for spec\.limits\.maxSeries/,
        );
      } finally {
        await real.admin.patch(path, 'json', [{ op: 'replace', path: limit, value: 100_000 }]);
      }
    });

    it('a server in the cluster that is not reached through the API server either is said to be so, and not proposed', async () => {
      const labels = { 'app.kubernetes.io/name': 'prometheus', 'app.kubernetes.io/component': 'server' };
      const client = real.adminClient;
      await client.create(resourceTypes.services, {
        metadata: { name: 'prom', namespace: 'blog', labels },
        spec: { ports: [{ name: 'http', port: 80 }], selector: labels },
      });
      await client.create(
        resourceTypes.metricSources,
        source('far', { url: 'http://other.blog.svc:9090', allowedNamespaces: { names: ['blog'] } }),
      );
      try {
        const { line, report } = await doctor('--probe');
        expect(line('discovery/blog/prom')).toBe(
          'SKIPPED Service blog/prom:80 has the labels of Prometheus (prometheus chart), but did not answer as a Prometheus through the API server',
        );
        expect(report.proposals).toEqual([]);
        expect(line('metric-source/far/reachable')).toMatch(/^FAIL MetricSource far does not answer/);
        const unprobed = await doctor();
        expect(unprobed.line('discovery/blog/prom')).toMatch(/^OK Service blog\/prom:80 looks like Prometheus .*is proposed/);
        expect(unprobed.report.proposals.map(({ manifest }) => manifest.spec)).toMatchObject([{ url: 'http://prom.blog.svc:80' }]);
        const far = await query('far', 'up');
        expect(far.problem).toContain('kubectl -n blog port-forward service/other 9090:9090');
      } finally {
        await client.delete(resourceTypes.metricSources, { name: 'far' });
        await client.delete(resourceTypes.services, { namespace: 'blog', name: 'prom' });
      }
    });

    it('a query: the PromQL that is sent for a namespace, what it matches, and the number that a policy gets', async () => {
      const asked = await query('main', 'sum(jobs_waiting) / count(jobs_waiting{queue!="none"})', '-n', 'shop');
      expect(asked).toMatchObject({
        source: 'main',
        namespace: 'shop',
        query: 'sum(jobs_waiting{namespace="shop"}) / count(jobs_waiting{queue!="none",namespace="shop"})',
        ok: true,
        problem: null,
        result: { type: 'vector', series: 1, values: [{ value: '7.75' }] },
        asPolicy: { value: '7.75', problem: null },
        warnings: [],
      });
      expect(asked.selectors.map(({ selector, series, problem }) => [selector, series, problem])).toEqual([
        ['jobs_waiting{namespace="shop"}', 2, null],
        ['jobs_waiting{queue!="none",namespace="shop"}', 2, null],
      ]);
      for (const { newestAgeSeconds } of asked.selectors) expect(newestAgeSeconds).toBeLessThan(10);
      const whole = await query('main', 'sum(jobs_waiting)');
      expect([whole.query, whole.result?.values[0]?.value, whole.asPolicy]).toEqual(['sum(jobs_waiting)', '1015.5', null]);
      const mistaken = await query('main', 'sum(jobs_waitin{queue="mail"})', '-n', 'shop');
      expect(mistaken).toMatchObject({ ok: true, result: { series: 0 }, selectors: [{ series: 0, similarMetric: 'jobs_waiting' }] });
      const range = await query('main', 'sum(jobs_waiting)', '-n', 'shop', '--range', '5s', '--step', '1s');
      expect(range.result?.type).toBe('matrix');
      const foreign = await query('main', 'sum(jobs_waiting{namespace="blog"})', '-n', 'shop');
      expect([foreign.ok, foreign.query, foreign.problem]).toEqual([false, null, expect.stringContaining('namespace')]);
    });
  },
  { aggregated: true },
);
