import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Condition } from '../../core/model/condition.ts';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import { setCpuLoad } from '../journeys/cpu-load.ts';
import { deployment } from '../journeys/journey-cluster.ts';
import { startProcess, type ProcessController } from '../journeys/process-controller.ts';
import type { FoundCompanion } from './binaries/index.ts';
import { startPrometheus, type Prometheus } from './companions/prometheus.ts';
import { serveExposition, type ExpositionLine } from './exposition-server.ts';
import { install, startPlayedCluster } from './installed-cluster.ts';
import { readConnection } from './kubeconfig-file.ts';
import { createNamespace } from './namespace.ts';
import { runningPods } from './played-fleet.ts';
import { servePlayedUsage } from './played-usage.ts';
import type { RealCluster } from './real-cluster.ts';
import type { Certificate } from './pki.ts';
import type { Teardown } from './teardown.ts';
import { eventually } from './until.ts';

/** Name of the MetricSource that stands for the real Prometheus. */
export const sourceName = 'main';
/** How old a number may be. */
export const maxAgeMs = 8_000;

/** Short cooldowns and periods; the same for both processes. */
const timing = [
  '--cooldown-scale-up=1s',
  '--cooldown-scale-down=2s',
  '--hpa-sync-period=1s',
  '--hpa-cpu-initialization-period=2s',
  '--hpa-initial-readiness-delay=1s',
  '--metrics-poll-interval=1s',
  `--metrics-max-age=${maxAgeMs / 1000}s`,
  // Of the manifests these are for a pod.
  '--health-address=127.0.0.1:0',
];

/** The built-in HorizontalPodAutoscaler controller on, and in a hurry. */
const hpaController = {
  hpaController: true,
  kcmFlags: [
    '--horizontal-pod-autoscaler-sync-period=1s',
    '--horizontal-pod-autoscaler-downscale-stabilization=1s',
    '--horizontal-pod-autoscaler-initial-readiness-delay=1s',
    '--horizontal-pod-autoscaler-cpu-initialization-period=1s',
  ],
};

/** A real control plane with its own HPA controller, a real Prometheus, and the aggregator of the program in a process of its own. */
export interface ServingCluster {
  readonly real: RealCluster;
  readonly prometheus: Prometheus;
  readonly aggregator: ProcessController;
  /** Where the aggregator's API and its `external.metrics.k8s.io` listen. */
  readonly ports: { readonly api: number; readonly external: number };
  /** What both prove themselves with. */
  readonly certificate: Certificate;
  /** Starts the process that decides, on what the aggregator serves. */
  startHpa(): Promise<ProcessController>;
  /** A namespace with the Deployment `web` of one pod, ready, under a CPU load; the application shows these series for it. */
  workload(namespace: string, shown: () => readonly ExpositionLine[]): Promise<void>;
  setCpuLoad(namespace: string, totalMilli: number): void;
}

export async function startServingCluster(
  programs: Readonly<Record<'prometheus', FoundCompanion>>,
  teardown: Teardown,
): Promise<ServingCluster> {
  const shown = new Map<string, () => readonly ExpositionLine[]>();
  const application = await serveExposition(() => [...shown.values()].flatMap((lines) => lines()));
  teardown.add(() => application.close());
  const file = await programs.prometheus.file();
  const [played, prometheus] = await Promise.all([
    startPlayedCluster(teardown, hpaController),
    startPrometheus({ file, targets: [{ job: 'application', port: application.port }] }),
  ]);
  teardown.add(() => prometheus.stop());
  const { real, workload, fleet, program } = played;
  const { own, adminClient: client } = real;
  if (own === undefined) throw new Error('this needs a control plane of its own');
  for (const name of ['node-a', 'node-b']) await fleet.addNode({ name, cpu: 16, memory: '32Gi' });
  await install(real, teardown, 'examples/external-metrics');
  await servePlayedUsage(played, teardown);
  const certificate = await own.authority.issue({
    file: 'aggregator',
    commonName: 'concertina-aggregator',
    subjectAltNames: ['IP:127.0.0.1', 'DNS:concertina-external-metrics.concertina-system.svc'],
  });
  await client.create(resourceTypes.metricSources, metricSource(prometheus.url));
  const tokenFile = (account: string): string => join(real.dir, `${account}.token`);
  /** As a Deployment of the manifests runs it: with its ServiceAccount, and its arguments but for addresses and files. */
  const start = async (name: string, flags: readonly string[]): Promise<ProcessController> => {
    const kubeconfig = await real.serviceAccountKubeconfig('concertina-system', name);
    await writeFile(tokenFile(name), (await readConnection(kubeconfig)).token ?? '', { mode: 0o600 });
    const running = await startProcess({
      program,
      identity: name,
      kubeconfig,
      flags: [...(await argumentsOf(real, name)), ...timing, ...flags],
    });
    teardown.add(() => running.stop());
    return running;
  };
  const { certFile, keyFile } = certificate;
  const aggregator = await start('concertina-aggregator', [
    '--serve-address=127.0.0.1:0',
    `--serve-cert-file=${certFile}`,
    `--serve-key-file=${keyFile}`,
    '--external-metrics-address=127.0.0.1:0',
    `--external-metrics-cert-file=${certFile}`,
    `--external-metrics-key-file=${keyFile}`,
  ]);
  const port = async (served: string): Promise<number> => {
    await eventually(`the aggregator serves ${served}`, async () => portOf(aggregator.log(), served) !== undefined);
    return portOf(aggregator.log(), served) ?? 0;
  };
  const ports = { api: await port('the API of the metrics aggregator'), external: await port('external.metrics.k8s.io') };
  return {
    real,
    prometheus,
    aggregator,
    ports,
    certificate,
    startHpa: () =>
      start('concertina', [
        `--aggregator-url=https://127.0.0.1:${ports.api}`,
        `--aggregator-ca-file=${own.authority.certFile}`,
        `--aggregator-token-file=${tokenFile('concertina')}`,
      ]),
    setCpuLoad: (namespace, milli) => setCpuLoad(workload, { namespace, milli }),
    workload: async (namespace, lines) => {
      shown.set(namespace, lines);
      setCpuLoad(workload, { namespace, milli: 50 });
      await createNamespace(client, namespace);
      await client.create(resourceTypes.deployments, deployment(namespace, 1));
      await eventually(`${namespace} has its pod`, async () => runningPods(fleet, namespace).length === 1, 60_000);
    },
  };
}

/** The arguments of the manifest, `run` left out. */
async function argumentsOf(real: RealCluster, name: string): Promise<readonly string[]> {
  const { spec } = await real.adminClient.get(resourceTypes.deployments, { namespace: 'concertina-system', name });
  const { containers } = (spec as { template: { spec: { containers: readonly { readonly args: readonly string[] }[] } } }).template.spec;
  const [first, ...flags] = containers[0]?.args ?? [];
  if (first !== 'run') throw new Error(`Deployment ${name} does not begin with run`);
  return flags;
}

/** Where the program says that it serves something. */
function portOf(log: string, served: string): number | undefined {
  const line = log.split('\n').find((each) => each.includes(`"serving ${served}"`));
  return line === undefined ? undefined : (JSON.parse(line) as { readonly port: number }).port;
}

function metricSource(url: string): KubeObject {
  return {
    apiVersion: 'concertina.dev/v1alpha1',
    kind: 'MetricSource',
    metadata: { name: sourceName },
    spec: {
      url,
      plainHttp: true,
      network: { allowLoopback: true },
      allowedNamespaces: { names: ['external', 'remote'] },
      externalMetrics: [{ name: 'queue_length', query: 'sum(queue_length)' }],
    },
  };
}

/** Conditions of a policy, or of a HorizontalPodAutoscaler, one a line. */
export async function conditionsOf(
  real: RealCluster,
  type: (typeof resourceTypes)['horizontalPolicies' | 'horizontalPodAutoscalers'],
  namespace: string,
): Promise<string> {
  const { status } = await real.adminClient.get(type, { namespace, name: 'web' });
  const { conditions = [] } = (status ?? {}) as { readonly conditions?: readonly Condition[] };
  return conditions.map(({ type: name, status: state, reason, message }) => `${name}=${state}/${reason}: ${message}`).join('\n');
}
