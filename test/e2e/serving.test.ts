import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { version } from '../../cli/version.ts';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import { policy } from '../journeys/journey-cluster.ts';
import type { ProcessController } from '../journeys/process-controller.ts';
import { findCompanions } from './binaries/index.ts';
import { describeWithCompanions } from './companion-suite.ts';
import type { ExpositionLine } from './exposition-server.ts';
import { createHttpApi, type HttpApi } from './http-api.ts';
import { deploy, kubectl } from './installed-cluster.ts';
import { readConnection } from './kubeconfig-file.ts';
import { registerAggregatedApi } from './metrics-api-server.ts';
import { conditionsOf, maxAgeMs, sourceName, startServingCluster, type ServingCluster } from './serving-cluster.ts';
import { createTeardown } from './teardown.ts';
import { eventually, until } from './until.ts';

const search = await findCompanions('prometheus');

/** At `busy` each metric asks for five pods, of 10 each; at `idle` for one. */
const [busy, idle] = [48, 2];
const rbac = '/apis/rbac.authorization.k8s.io/v1';
const clientBinding = `${rbac}/clusterrolebindings/concertina-aggregator-client`;
const group = 'external.metrics.k8s.io';
const service = { namespace: 'concertina-system', name: 'concertina-external-metrics' };

/** Of the HorizontalPodAutoscaler's namespace only the queue that it selects counts; of no other namespace anything. */
function queues(namespace: string, total: number): readonly ExpositionLine[] {
  return [
    { name: 'queue_length', labels: { namespace, queue: 'mail' }, value: total },
    { name: 'queue_length', labels: { namespace, queue: 'print' }, value: 1000 },
    { name: 'queue_length', labels: { namespace: 'elsewhere', queue: 'mail' }, value: 1000 },
  ];
}

function externalHpa(namespace: string): KubeObject {
  const metric = { name: 'queue_length', selector: { matchLabels: { queue: 'mail' } } };
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'web', namespace },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      minReplicas: 1,
      maxReplicas: 20,
      metrics: [{ type: 'External', external: { metric, target: { type: 'AverageValue', averageValue: '10' } } }],
    },
  };
}

// The aggregator's two doors, each with whom it is made for: our own process that decides, and the HPA controller of Kubernetes.
describeWithCompanions(
  search,
  'the aggregator in a process of its own, as deploy/examples/external-metrics installs it',
  (companions) => {
    const teardown = createTeardown();
    let cluster: ServingCluster;
    let hpa: ProcessController;
    let binding: KubeObject;
    let total = busy;

    const replicas = async (namespace: string): Promise<number> =>
      (await cluster.real.adminClient.getScale(resourceTypes.deployments, { namespace, name: 'web' })).specReplicas;
    const ofPolicy = (): Promise<string> => conditionsOf(cluster.real, resourceTypes.horizontalPolicies, 'remote');
    const ofHpa = (): Promise<string> => conditionsOf(cluster.real, resourceTypes.horizontalPodAutoscalers, 'external');
    const shows = async (conditions: () => Promise<string>, pattern: RegExp, limitMs = 20_000): Promise<void> => {
      const shown = await until(async () => pattern.test(await conditions()), limitMs);
      expect(shown, `not ${String(pattern)}:\n${await conditions()}\n${hpa.log().slice(-1500)}`).toBe(true);
    };
    const reaches = async (namespace: string, wanted: number, conditions: () => Promise<string>): Promise<void> => {
      const reached = await until(async () => (await replicas(namespace)) === wanted, 60_000);
      expect(reached, `${namespace} has ${await replicas(namespace)} replicas, not ${wanted}:\n${await conditions()}`).toBe(true);
    };
    /** A caller of one of the aggregator's doors. */
    const at = async (port: number, caller: { readonly token?: string }, use: (api: HttpApi) => Promise<void>): Promise<void> => {
      const api = createHttpApi({ server: `https://127.0.0.1:${port}`, ca: cluster.real.connection.ca, ...caller });
      await use(api).finally(() => api.close());
    };
    const tokenOf = async (name: string): Promise<{ readonly token: string }> => {
      const { token } = await readConnection(await cluster.real.serviceAccountKubeconfig('external', name));
      return { token: token ?? '' };
    };

    beforeAll(async () => {
      cluster = await startServingCluster(companions(), teardown);
      const { real } = cluster;
      await Promise.all([
        cluster.workload('external', () => queues('external', total)),
        cluster.workload('remote', () => [{ name: 'jobs_waiting', labels: { namespace: 'remote' }, value: total }]),
      ]);
      // Five of 45m for a CPU that asks for 50.
      cluster.setCpuLoad('remote', 225);
      const query = { source: sourceName, query: 'sum(jobs_waiting)', target: { type: 'AverageValue', averageValue: '10' } };
      const metrics = [
        { type: 'Prometheus', prometheus: query },
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
      ];
      await real.adminClient.create(resourceTypes.horizontalPolicies, policy('remote', { metrics }));
      const { roleRef, subjects, metadata } = (await real.admin.get(clientBinding)).body as KubeObject;
      binding = { roleRef, subjects, metadata: { name: metadata.name } };
      await real.admin.delete(clientBinding);
      hpa = await cluster.startHpa();
    });
    afterAll(() => teardown.run());

    it('the examples are built and taken; external metrics without the aggregator are no silent nothing', async () => {
      const { real } = cluster;
      const folder = join(real.dir, 'overlay');
      await mkdir(folder);
      const to = (path: string): string => relative(folder, join(deploy, path));
      const built = async (components: readonly string[]): Promise<string> => {
        const overlay = {
          resources: [to('kustomize/base')],
          components: components.map((name) => to(`kustomize/components/${name}`)),
          images: [{ name: 'concertina', newName: 'registry.example/concertina', newTag: '9' }],
        };
        await writeFile(join(folder, 'kustomization.yaml'), JSON.stringify(overlay));
        return kubectl(real, 'kustomize', folder);
      };
      const both = await built(['aggregator', 'external-metrics']);
      expect(both.match(/image: .*/g)).toEqual(Array(2).fill('image: registry.example/concertina:9'));
      const one = await built(['aggregator']);
      expect(one).toContain('--aggregator-url=https://concertina-aggregator.concertina-system.svc');
      expect(one).not.toMatch(/external-metrics-address|kind: APIService/);
      await expect(built(['external-metrics'])).rejects.toThrow(/no matches for Id Deployment.*concertina-aggregator/);
      const dryRun = (flag: string, path: string): Promise<string> => kubectl(real, 'apply', '--dry-run=server', flag, join(deploy, path));
      expect(await dryRun('-k', 'examples/own-aggregator')).toContain('deployment.apps/concertina-aggregator');
      expect(await dryRun('-f', 'examples/external-queue.yaml')).toMatch(/^metricsource\S+ \w+ .*\nhorizontalpodautoscaler\S+ created /);
      expect(await kubectl(real, 'kustomize', join(deploy, 'examples/own-aggregator'))).toContain(`image: concertina:${version}`);
    });

    it('its pods and those that decide are admitted and run', async () => {
      const available = async (name: string): Promise<number> => {
        const { status } = await cluster.real.adminClient.get(resourceTypes.deployments, { namespace: 'concertina-system', name });
        return (status as { availableReplicas?: number }).availableReplicas ?? 0;
      };
      expect(await until(async () => (await available('concertina-aggregator')) === 1, 30_000), 'the aggregator').toBe(true);
      expect(await until(async () => (await available('concertina')) === 2, 30_000), 'those that decide').toBe(true);
    });

    it('a client without the right is told which one; nothing is known to it, and nothing scaled', async () => {
      const told =
        /answered 403: grant verbs get on nonResourceURL \/concertina\/api\/v1\/view and put on \/concertina\/api\/v1\/demands\/\*/;
      await eventually('the log has it', async () => told.test(hpa.log()));
      await shows(ofPolicy, /^ScalingActive=False\/FailedGet.*answered 403: grant verbs get on nonResourceURL/m);
      expect(await replicas('remote')).toBe(1);
      const granted = await cluster.real.admin.post(`${rbac}/clusterrolebindings`, binding);
      expect(granted.status, granted.text).toBe(201);
    });

    it('external.metrics.k8s.io is taken by the API server under its certificate, and offers what MetricSources offer', async () => {
      const { real, ports } = cluster;
      // The manifests' own point at pods, which have no network here.
      const apiService = `/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.${group}`;
      expect((await real.admin.get(apiService)).body).toMatchObject({ spec: { service: { ...service, port: 443 } } });
      await real.admin.delete(apiService);
      await real.admin.delete(`/api/v1/namespaces/${service.namespace}/services/${service.name}`);
      const registered = await registerAggregatedApi(real.admin, {
        group,
        version: 'v1beta1',
        port: ports.external,
        service,
        ca: real.connection.ca ?? '',
      });
      teardown.add(() => registered.unregister());
      const discovery = await real.admin.get(`/apis/${group}/v1beta1`);
      expect(discovery.body).toMatchObject({ kind: 'APIResourceList', resources: [{ name: 'queue_length', namespaced: true }] });
      await cluster.prometheus.untilValue('queue_length{namespace="external",queue="mail"}', (value) => value === busy);
      const path = `/apis/${group}/v1beta1/namespaces/external/queue_length`;
      const selected = await real.admin.get(`${path}?labelSelector=${encodeURIComponent('queue=mail')}`);
      const items = [{ metricName: 'queue_length', metricLabels: {}, value: '48' }];
      expect(selected.body).toMatchObject({ kind: 'ExternalMetricValueList', items });
      expect((await real.admin.get(path)).body, 'all queues of the namespace').toMatchObject({ items: [{ value: '1048' }] });
      expect(await kubectl(real, 'get', '--raw', `${path}?labelSelector=queue%3Dmail`)).toContain('"value":"48"');
      const elsewhere = await real.admin.get(`/apis/${group}/v1beta1/namespaces/elsewhere/queue_length`);
      expect([elsewhere.status, elsewhere.text]).toEqual([503, expect.stringMatching(/is unknown: .*elsewhere/)]);
      expect((await real.admin.get(`/apis/${group}/v1beta1/namespaces/external/none`)).status).toBe(404);
    });

    it('neither door believes who only says so, and each asks the API server for the right', async () => {
      const { ports, real } = cluster;
      const viewing = {
        metadata: { name: 'viewer' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'concertina-aggregator-viewer' },
        subjects: [{ kind: 'ServiceAccount', namespace: 'external', name: 'viewer' }],
      };
      expect((await real.admin.post(`${rbac}/clusterrolebindings`, viewing)).status).toBe(201);
      const [viewer, stranger] = [await tokenOf('viewer'), await tokenOf('stranger')];
      const metric = `/apis/${group}/v1beta1/namespaces/external/queue_length`;
      const claim = { 'X-Remote-User': 'admin', 'X-Remote-Group': 'system:masters' };
      await at(ports.external, {}, async (api) => {
        expect((await api.get(metric, { headers: claim })).status, 'no certificate of the front proxy').toBe(401);
      });
      await at(ports.external, stranger, async (api) => {
        const answer = await api.get(metric, { headers: claim });
        expect([answer.status, answer.text]).toEqual([403, expect.stringContaining('system:serviceaccount:external:stranger')]);
      });
      await at(ports.api, {}, async (api) => expect((await api.get('/api/v1/samples')).status).toBe(401));
      await at(ports.api, { token: 'no.such.token' }, async (api) => expect((await api.get('/api/v1/samples')).status).toBe(401));
      await at(ports.api, stranger, async (api) => {
        const answer = await api.get('/api/v1/samples');
        expect([answer.status, answer.text]).toEqual([403, expect.stringContaining('nonResourceURL "/concertina/api/v1/samples"')]);
      });
      await at(ports.api, viewer, async (api) => {
        expect((await api.get('/api/v1/health')).status).toBe(200);
        const sources = (await api.get('/api/v1/sources')).text;
        expect(sources).toContain(sourceName);
        // A pod is listed before its containers are measured: a first sample takes two scrapes.
        const samples = async (): Promise<string> => (await api.get('/api/v1/samples?namespace=remote')).text;
        expect(await until(async () => (await samples()).includes('"web"'), 30_000), await samples()).toBe(true);
        expect((await api.get('/api/v1/view')).status, 'that is for programs').toBe(403);
      });
    });

    it('the HPA controller of Kubernetes scales on it, to the thousandth', async () => {
      await cluster.real.adminClient.create(resourceTypes.horizontalPodAutoscalers, externalHpa('external'));
      await reaches('external', 5, ofHpa);
      const measured = async (): Promise<string> => {
        const { status } = await cluster.real.adminClient.get(resourceTypes.horizontalPodAutoscalers, {
          namespace: 'external',
          name: 'web',
        });
        return JSON.stringify((status as { currentMetrics?: unknown }).currentMetrics);
      };
      expect(await until(async () => (await measured()).includes('"averageValue":"9600m"'), 20_000), await measured()).toBe(true);
      expect(await ofHpa()).toMatch(/^ScalingActive=True\/ValidMetricFound/m);
    });

    it('the process that decides follows usage and the Prometheus through the aggregator, once it has the right', async () => {
      await reaches('remote', 5, ofPolicy);
      await shows(ofPolicy, /^ScalingActive=True/m);
      const measured = async (): Promise<string> => {
        const { status } = await cluster.real.adminClient.get(resourceTypes.horizontalPolicies, { namespace: 'remote', name: 'web' });
        return JSON.stringify((status as { currentMetrics?: unknown }).currentMetrics);
      };
      expect(await until(async () => /"9600m".*"averageValue":"4\dm"/.test(await measured()), 20_000), await measured()).toBe(true);
    });

    it('Prometheus is gone: both say why and shrink nothing; it is back: both shrink to what is asked for', async () => {
      await cluster.prometheus.halt();
      total = idle;
      cluster.setCpuLoad('remote', 10);
      const said =
        /^ScalingActive=False\/FailedGetExternalMetric: .*external metric queue_length of namespace external is unknown: source-unavailable: /m;
      await shows(ofHpa, said);
      await shows(ofPolicy, /^ScalingActive=False\/FailedGet|^Held=True\/MissingData/m, 2 * maxAgeMs);
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      expect([await replicas('external'), await replicas('remote')]).toEqual([5, 5]);
      await cluster.prometheus.resume();
      await reaches('external', 1, ofHpa);
      await reaches('remote', 1, ofPolicy);
    });

    it('each does everything as its own ServiceAccount, is refused nothing, and writes only its own', async () => {
      const records = (await cluster.real.own?.audit?.records()) ?? [];
      const by = (user: string) => records.filter((record) => record.user.username === user && record.stage === 'ResponseComplete');
      const ofAggregator = by('system:serviceaccount:concertina-system:concertina-aggregator');
      const ofProgram = by('system:serviceaccount:concertina-system:concertina');
      const writes = (list: typeof records): readonly string[] =>
        [
          ...new Set(
            list
              .filter(({ verb }) => !['get', 'list', 'watch'].includes(verb))
              .map(
                ({ verb, objectRef = { resource: '' } }) =>
                  `${verb} ${objectRef.resource}${objectRef.subresource === undefined ? '' : `/${objectRef.subresource}`}`,
              ),
          ),
        ].toSorted();
      expect(
        [...ofAggregator, ...ofProgram].filter((record) => record.responseStatus?.code === 403).map(({ requestURI }) => requestURI),
      ).toEqual([]);
      expect(writes(ofAggregator)).toEqual(['create subjectaccessreviews', 'create tokenreviews', 'patch metricsources/status']);
      // Its requests controller makes the certificate of admission and registers it.
      const admission = ['create mutatingwebhookconfigurations', 'create secrets'];
      expect(writes(ofProgram)).toEqual([...admission, 'patch deployments/scale', 'patch horizontalpolicies/status']);
      const scalers = new Set(
        records
          .filter(({ objectRef, verb }) => objectRef?.subresource === 'scale' && verb !== 'get')
          .map(({ objectRef, user }) => `${objectRef?.namespace} ${user.username}`),
      );
      expect([...scalers].toSorted()).toEqual([
        'external system:serviceaccount:kube-system:horizontal-pod-autoscaler',
        'remote system:serviceaccount:concertina-system:concertina',
      ]);
      for (const each of [cluster.aggregator, hpa]) expect(each.log()).not.toMatch(/"level":"error"/);
    });
  },
  { aggregated: true },
);
