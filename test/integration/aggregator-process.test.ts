import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { makeCertificate } from '../../core/kube/test-support.ts';
import type { KubeClient } from '../../core/kube/index.ts';
import type { Condition } from '../../core/model/condition.ts';
import { resourceTypes, type KubeObject, type ResourceType } from '../../core/model/object.ts';
import { realClock } from '../../core/runtime/clock.ts';
import { seededRandom } from '../../core/runtime/random.ts';
import { startEmbeddedCluster, type EmbeddedCluster } from '../../simulator/index.ts';
import { writeKubeconfig } from '../e2e/kubeconfig-file.ts';
import { freePorts } from '../e2e/ports.ts';
import { until } from '../e2e/until.ts';
import { setCpuLoad } from '../journeys/cpu-load.ts';
import { deployment, policy } from '../journeys/journey-cluster.ts';
import { bundleForTest, startProcess, type ProcessController } from '../journeys/process-controller.ts';
import { clusterRoles, install } from './doctor-support.ts';

const rbac = { group: 'rbac.authorization.k8s.io', version: 'v1' };
const types: readonly ResourceType[] = [
  resourceTypes.serviceAccounts,
  clusterRoles,
  { ...rbac, plural: 'clusterrolebindings', kind: 'ClusterRoleBinding', namespaced: false },
  { ...rbac, plural: 'rolebindings', kind: 'RoleBinding', namespaced: true },
];

/** The ServiceAccount of `components/aggregator` with its rights, and the role of every cluster that they name. */
async function grantAggregator(client: KubeClient): Promise<void> {
  const reviews = ['authentication.k8s.io/tokenreviews', 'authorization.k8s.io/subjectaccessreviews'].map((each) => {
    const [group = '', resource = ''] = each.split('/');
    return { apiGroups: [group], resources: [resource], verbs: ['create'] };
  });
  await client.create(clusterRoles, { metadata: { name: 'system:auth-delegator' }, rules: reviews });
  for (const file of ['service-account.yaml', 'rbac.yaml']) {
    const text = await readFile(new URL(`../../deploy/kustomize/components/aggregator/${file}`, import.meta.url), 'utf8');
    for (const document of parseAllDocuments(text)) {
      const object = document.toJS() as KubeObject;
      const type = types.find(({ kind }) => kind === object.kind);
      if (type === undefined) throw new Error(`${file} has a ${String(object.kind)}`);
      await client.create(type, object);
    }
  }
}

async function tokenOf(client: KubeClient, name: string): Promise<string> {
  const answer = await client.raw({
    method: 'POST',
    path: `/api/v1/namespaces/concertina-system/serviceaccounts/${name}/token`,
    body: JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }),
  });
  return (JSON.parse(answer.body.toString()) as { readonly status: { readonly token: string } }).status.token;
}

/** How old a number may be: past it what the aggregator said last counts as nothing. */
const maxAgeMs = 6_000;

// Both processes are told the same, as they should be.
const timing = [
  '--cooldown-scale-up=1s',
  '--cooldown-scale-down=2s',
  '--hpa-sync-period=1s',
  '--hpa-cpu-initialization-period=1s',
  '--hpa-initial-readiness-delay=1s',
  '--metrics-poll-interval=1s',
  `--metrics-max-age=${maxAgeMs / 1000}s`,
];

const metrics: Readonly<Record<string, object>> = {
  cpu: { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
  prometheus: {
    type: 'Prometheus',
    prometheus: {
      source: 'main',
      query: 'sum(rate(http_requests_total[5s]))',
      target: { type: 'AverageValue', averageValue: '50' },
    },
  },
};
const namespaces = Object.keys(metrics);
/** A request takes 1 ms of CPU: 240 a second are 240 milli-cores, for five pods of 50. A rate over 5 s is uncertain by a tenth on a busy machine: four need 200, six 275. */
const [busy, idle] = [240, 20];

interface PolicyStatus {
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
  readonly currentMetrics?: readonly unknown[];
  readonly lastDecision?: { readonly wanted?: number; readonly reason?: string };
}

describe('the aggregator as a process of its own, and one that decides on what it serves', () => {
  let cluster: EmbeddedCluster;
  let client: KubeClient;
  let folder: string;
  let bundle: Awaited<ReturnType<typeof bundleForTest>>;
  let startAggregator: () => Promise<ProcessController>;
  let aggregator: ProcessController;
  let hpa: ProcessController;
  const scaled: { readonly namespace: string; readonly user: string; readonly replicas: number }[] = [];
  const written = new Map<string, Set<string>>();

  const setLoad = (requests: number): void => {
    for (const namespace of namespaces) setCpuLoad(cluster.workload, { namespace, milli: requests });
  };
  const replicas = async (namespace: string): Promise<number> =>
    (await client.getScale(resourceTypes.deployments, { namespace, name: 'web' })).specReplicas;
  const statusOf = async (namespace: string): Promise<PolicyStatus> =>
    ((await client.get(resourceTypes.horizontalPolicies, { namespace, name: 'web' })).status ?? {}) as PolicyStatus;
  const conditions = async (namespace: string): Promise<string> =>
    ((await statusOf(namespace)).conditions ?? [])
      .map(({ type, status, reason, message }) => `${type}=${status}/${reason}: ${message}`)
      .join('\n');
  const setMode = async (mode: 'Auto' | 'DryRun'): Promise<void> => {
    for (const namespace of namespaces) {
      await client.patch(resourceTypes.horizontalPolicies, { namespace, name: 'web' }, { type: 'merge', body: { spec: { mode } } });
    }
  };
  const reaches = async (namespace: string, wanted: number): Promise<void> => {
    const reached = await until(async () => (await replicas(namespace)) === wanted, 40_000);
    const why = reached ? '' : `${await conditions(namespace)}\n${hpa.log().slice(-2000)}`;
    expect(reached, `${namespace} has ${await replicas(namespace)} replicas, not ${wanted}:\n${why}`).toBe(true);
  };

  /** The status is written after the scaling, so it is waited for; the longest way is until all that is known is too old, on a machine with other things to do. */
  const shows = async (namespace: string, pattern: RegExp): Promise<void> => {
    const shown = await until(async () => pattern.test(await conditions(namespace)), 30_000 + maxAgeMs);
    expect(shown, `${namespace} does not show ${String(pattern)}:\n${await conditions(namespace)}`).toBe(true);
  };

  beforeAll(async () => {
    bundle = await bundleForTest();
    folder = await mkdtemp(path.join(tmpdir(), 'concertina-aggregator-'));
    cluster = await startEmbeddedCluster({
      clock: realClock,
      random: seededRandom('aggregator'),
      nodes: [{ name: 'node-a', cpu: 16, memory: '32Gi' }],
      fleet: { tickMs: 500, housekeepingMs: 1_000 },
      metricsResolutionMs: 1_000,
      authorization: 'RBAC',
      prometheus: 1_000,
    });
    client = cluster.client('test');
    const server = await cluster.listen();
    await install(client);
    await grantAggregator(client);
    const url = (await cluster.prometheus?.listen())?.url;
    const network = { allowLoopback: true };
    await client.create(resourceTypes.metricSources, {
      metadata: { name: 'main' },
      spec: { url, plainHttp: true, network, allowedNamespaces: { names: ['prometheus'] } },
    });
    setLoad(busy);
    for (const namespace of namespaces) {
      await client.create(resourceTypes.namespaces, { metadata: { name: namespace } });
      await client.create(resourceTypes.deployments, deployment(namespace, 1));
      await client.create(resourceTypes.horizontalPolicies, policy(namespace, { metrics: [metrics[namespace]] }));
    }
    cluster.api.onAudit(({ user, verb, type, subresource, code, namespace = '', requestObject }) => {
      if (code >= 300 || !user.username.startsWith('system:serviceaccount:concertina-system:')) return;
      if (subresource === 'scale' && verb === 'patch') {
        scaled.push({
          namespace,
          user: user.username,
          replicas: (requestObject as { spec?: { replicas?: number } }).spec?.replicas ?? Number.NaN,
        });
      }
      if (!['create', 'update', 'patch', 'delete'].includes(verb)) return;
      const kinds = written.get(user.username) ?? new Set<string>();
      written.set(user.username, kinds.add(`${verb} ${type.plural}${subresource === undefined ? '' : `/${subresource}`}`));
    });

    const ca = makeCertificate({ cn: 'ca' });
    const serving = makeCertificate({ cn: 'aggregator', issuer: ca });
    const file = async (name: string, text: string): Promise<string> => {
      const target = path.join(folder, name);
      await writeFile(target, text, { mode: 0o600 });
      return target;
    };
    const account = async (name: string): Promise<{ readonly token: string; readonly kubeconfig: string }> => {
      const token = await tokenOf(client, name);
      return { token, kubeconfig: await writeKubeconfig(path.join(folder, `${name}.kubeconfig`), { server, token }) };
    };
    const [port = 0] = await freePorts(1);
    const [aggregatorAccount, hpaAccount] = [await account('concertina-aggregator'), await account('concertina')];
    const serve = [
      '--components=metrics-aggregator',
      `--serve-address=127.0.0.1:${port}`,
      `--serve-cert-file=${await file('tls.crt', serving.cert)}`,
      `--serve-key-file=${await file('tls.key', serving.key)}`,
    ];
    const { file: program } = bundle;
    startAggregator = () =>
      startProcess({ program, identity: 'aggregator', kubeconfig: aggregatorAccount.kubeconfig, flags: [...serve, ...timing] });
    aggregator = await startAggregator();
    const remote = [
      '--components=hpa,vpa',
      '--vpa-interval=1s',
      `--aggregator-url=https://127.0.0.1:${port}`,
      `--aggregator-ca-file=${await file('ca.crt', ca.cert)}`,
      `--aggregator-token-file=${await file('token', hpaAccount.token)}`,
    ];
    hpa = await startProcess({ program, identity: 'hpa', kubeconfig: hpaAccount.kubeconfig, flags: [...remote, ...timing] });
  });
  afterAll(async () => {
    await Promise.all([aggregator?.stop(), hpa?.stop()]);
    await cluster?.stop();
    await bundle?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  it('usage and the answer of a Prometheus scale, each to what it asks for', async () => {
    for (const namespace of namespaces) {
      await reaches(namespace, 5);
      await shows(namespace, /^ScalingActive=True/m);
      // 240 over the five are 48, in milli-cores or a second, give or take the source's window.
      const exact = async (): Promise<boolean> =>
        /"averageValue":"4\d(\d{3})?m?"/.test(JSON.stringify((await statusOf(namespace)).currentMetrics));
      expect(await until(exact, 15_000), JSON.stringify((await statusOf(namespace)).currentMetrics)).toBe(true);
    }
  });

  it('requests are recommended from what the other process measures', async () => {
    const [namespace = ''] = namespaces;
    const name = 'sized';
    const recommended = async (): Promise<boolean> => {
      const { status } = await client.get(resourceTypes.verticalPolicies, { namespace, name });
      const { recommendation } = (status ?? {}) as { recommendation?: { containerRecommendations?: { target?: { cpu?: string } }[] } };
      return recommendation?.containerRecommendations?.[0]?.target?.cpu !== undefined;
    };
    await client.create(resourceTypes.verticalPolicies, {
      metadata: { name, namespace },
      // It only recommends: what the others show is about replicas.
      spec: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, updatePolicy: { updateMode: 'Off' } },
    });
    expect(await until(recommended, 20_000), hpa.log().slice(-2000)).toBe(true);
  });

  it('only the one that decides scales; the other writes how its sources do, and asks who its clients are', async () => {
    expect(new Set(scaled.map(({ user }) => user))).toEqual(new Set(['system:serviceaccount:concertina-system:concertina']));
    expect([...(written.get('system:serviceaccount:concertina-system:concertina-aggregator') ?? [])].toSorted()).toEqual([
      'create subjectaccessreviews',
      'create tokenreviews',
      'patch metricsources/status',
    ]);
    for (const log of [aggregator.log(), hpa.log()]) expect(log).not.toMatch(/forbidden|answered 40[13]/i);
  });

  it('the aggregator dies when the load has fallen: nothing shrinks, and the hold is said', async () => {
    // What it said last asks for one pod: only that it is away keeps the others.
    await setMode('DryRun');
    setLoad(idle);
    for (const namespace of namespaces) {
      const isLow = async (): Promise<boolean> => {
        const { wanted, reason } = (await statusOf(namespace)).lastDecision ?? {};
        return wanted === 1 && reason === 'DryRun';
      };
      expect(await until(isLow, 40_000), `${namespace}: ${await conditions(namespace)}`).toBe(true);
    }
    // Whatever the size was when the mode changed: a rate over so few seconds may have moved it by one just before.
    const sizes = await Promise.all(namespaces.map(replicas));
    for (const size of sizes) expect(size).toBeGreaterThan(1);
    const before = scaled.length;
    await aggregator.kill();
    for (const namespace of namespaces) {
      // By its own words: a hold of before, for a sample that came late, must not be taken for this one.
      await shows(
        namespace,
        /^ScalingActive=False\/FailedGet.*the metrics aggregator at https:\/\/127\.0\.0\.1:\d+ did not answer: ECONNREFUSED/m,
      );
      await shows(namespace, /^Held=True\/MissingData/m);
    }
    await setMode('Auto');
    for (const namespace of namespaces) {
      const isSeen = async (): Promise<boolean> => {
        const { metadata, status } = await client.get(resourceTypes.horizontalPolicies, { namespace, name: 'web' });
        return (status as PolicyStatus).observedGeneration === metadata.generation;
      };
      expect(await until(isSeen, 40_000), hpa.log().slice(-2000)).toBe(true);
    }
    // Some syncs in which nothing is known.
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    for (const namespace of namespaces) await shows(namespace, /^Held=True\/MissingData/m);
    expect(scaled.slice(before)).toEqual([]);
    expect(await Promise.all(namespaces.map(replicas))).toEqual(sizes);
  });

  it('an aggregator that is back: the load is followed again', async () => {
    aggregator = await startAggregator();
    for (const namespace of namespaces) {
      await reaches(namespace, 1);
      await shows(namespace, /^ScalingActive=True/m);
      await shows(namespace, /^Held=False/m);
      expect(await replicas(namespace), namespace).toBe(1);
    }
  });
});
