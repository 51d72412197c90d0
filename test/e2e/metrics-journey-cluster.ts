import { serveKubelets } from '../../simulator/index.ts';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import { setCpuLoad } from '../journeys/cpu-load.ts';
import { deployment, policy } from '../journeys/journey-cluster.ts';
import { journeyFlags } from '../journeys/process-cluster.ts';
import { startProcess, type ProcessController } from '../journeys/process-controller.ts';
import type { FoundCompanion } from './binaries/index.ts';
import { startMetricsAdapter } from './companions/metrics-adapter.ts';
import { startMetricsServer } from './companions/metrics-server.ts';
import { startPrometheus, type Prometheus } from './companions/prometheus.ts';
import { serveExposition, type ExpositionLine } from './exposition-server.ts';
import { install, startPlayedCluster } from './installed-cluster.ts';
import { createNamespace } from './namespace.ts';
import { runningPods } from './played-fleet.ts';
import { createServingCertificate, type RealCluster } from './real-cluster.ts';
import type { Teardown } from './teardown.ts';
import { eventually } from './until.ts';

/**
 * A cluster with everything real that metrics come from: a Metrics Server, a Prometheus that scrapes the (simulated) kubelets and an application, an
 * adapter over it; and the program, installed by its manifests, with its ServiceAccount.
 */
export interface MetricsJourneyCluster {
  readonly real: RealCluster;
  readonly prometheus: Prometheus;
  /** Series that the application shows for a namespace from its next scrape on. */
  show(namespace: string, lines: () => readonly ExpositionLine[]): void;
  /** CPU that all pods of `web` together are asked for, milli-cores. */
  setCpuLoad(namespace: string, totalMilli: number): void;
  /** Names of the pods that run in a namespace. */
  runningPods(namespace: string): readonly string[];
  /** A namespace with one pod of the Deployment `web`, ready, and a policy for it with these metrics. */
  scaled(namespace: string, metrics: readonly object[]): Promise<void>;
  startProgram(): Promise<ProcessController>;
}

export const metricSourceName = 'real';

/** How old a number may be. Those of a real Metrics Server are up to two of its cycles of 10 s old. */
export const maxAgeMs = 30_000;

const flags = journeyFlags(maxAgeMs);

type Programs = Readonly<Record<'metrics-server' | 'metrics-adapter' | 'prometheus', FoundCompanion>>;

export async function startMetricsJourneyCluster(programs: Programs, teardown: Teardown): Promise<MetricsJourneyCluster> {
  const [metricsServerFile, adapterFile] = [await programs['metrics-server'].file(), await programs['metrics-adapter'].file()];
  const shown = new Map<string, () => readonly ExpositionLine[]>();
  const application = await serveExposition(() => [...shown.values()].flatMap((lines) => lines()));
  teardown.add(() => application.close());
  const { real, workload, fleet, program } = await startPlayedCluster(teardown);
  const kubelets = await serveKubelets(fleet, { tls: await createServingCertificate() });
  teardown.add(() => kubelets.close());
  const nodes = ['node-a', 'node-b'];
  for (const name of nodes) await fleet.addNode({ name, cpu: 16, memory: '32Gi' });
  const prometheus = await startPrometheus({
    file: await programs.prometheus.file(),
    targets: [
      { job: 'application', port: application.port },
      ...nodes.map((name) => ({ job: `kubelet-${name}`, port: kubelets.port, path: `/${name}/metrics/resource`, https: true })),
    ],
  });
  teardown.add(() => prometheus.stop());
  const metricsServer = await startMetricsServer(real, { file: metricsServerFile });
  teardown.add(() => metricsServer.stop());
  // Without a window a value of pods counts as one of the last minute, and would not shrink anything for so long.
  const served = {
    name: 'requests_per_second',
    resource: 'pods',
    query: 'sum by (pod) (requests_per_second{ {{.Selector}} })',
    windowSeconds: 1,
  };
  const adapter = await startMetricsAdapter(real, { file: adapterFile, prometheusUrl: prometheus.url, rules: { custom: [served] } });
  teardown.add(() => adapter.stop());
  const kubeconfig = await install(real, teardown);
  const client = real.adminClient;
  await client.create(resourceTypes.metricSources, metricSource(prometheus.url));
  return {
    real,
    prometheus,
    show: (namespace, lines) => void shown.set(namespace, lines),
    setCpuLoad: (namespace, milli) => setCpuLoad(workload, { namespace, milli }),
    runningPods: (namespace) => runningPods(fleet, namespace),
    scaled: async (namespace, metrics) => {
      await createNamespace(client, namespace);
      await client.create(resourceTypes.services, { metadata: { name: 'web', namespace }, spec: { ports: [{ port: 80 }] } });
      await client.create(resourceTypes.deployments, deployment(namespace, 1));
      await eventually(`${namespace} has its pod`, async () => runningPods(fleet, namespace).length === 1, 60_000);
      await client.create(resourceTypes.horizontalPolicies, policy(namespace, { metrics }));
    },
    startProgram: async () => {
      const running = await startProcess({ program, identity: 'copy-1', kubeconfig, flags });
      teardown.add(() => running.stop());
      return running;
    },
  };
}

function metricSource(url: string): KubeObject {
  return {
    apiVersion: 'concertina.dev/v1alpha1',
    kind: 'MetricSource',
    metadata: { name: metricSourceName },
    spec: { url, plainHttp: true, network: { allowLoopback: true }, allowedNamespaces: { all: true } },
  };
}
