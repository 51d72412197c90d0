import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import { constant, serveKubelets, type KubeletFleet, type WorkloadModel } from '../../simulator/index.ts';
import { deployment } from '../journeys/journey-cluster.ts';
import { startProcess } from '../journeys/process-controller.ts';
import type { FoundCompanion } from './binaries/index.ts';
import { startMetricsAdapter } from './companions/metrics-adapter.ts';
import { startMetricsServer } from './companions/metrics-server.ts';
import { startPrometheus } from './companions/prometheus.ts';
import { serveExposition } from './exposition-server.ts';
import { install } from './installed-cluster.ts';
import { createNamespace } from './namespace.ts';
import { runningPods, startFleet, type PlayedFleet } from './played-fleet.ts';
import { createServingCertificate, startRealCluster, type OwnCluster, type RealCluster } from './real-cluster.ts';
import {
  contenders,
  cpuInitializationMs,
  downscaleStabilizationMs,
  initialReadinessMs,
  resolutionMs,
  syncPeriodMs,
  type Contender,
  type Load,
} from './side-by-side-scenario.ts';
import type { Teardown } from './teardown.ts';
import { eventually } from './until.ts';

/** Whose controller carries out the HorizontalPodAutoscalers of a cluster. */
export type Side = 'upstream' | 'concertina';

/** One of two clusters that differ in nothing but the controller. */
export interface Twin {
  readonly side: Side;
  readonly real: RealCluster;
  readonly own: OwnCluster;
  readonly client: RealCluster['adminClient'];
  /** Puts the load of a phase on everything, at once. */
  setPhase(phase: number): void;
  readonly readings: Readings;
}

/** Readings of the nodes by Metrics Server. */
export interface Readings {
  /** How many there were so far. */
  count(): number;
  /** Resolves right after the reading of this number (at once if it is past). What changes then is in no reading but those that follow, as a whole. */
  until(number: number): Promise<void>;
}

export interface TwinOptions {
  readonly side: Side;
  readonly programs: Readonly<Record<'metrics-server' | 'metrics-adapter' | 'prometheus', FoundCompanion>>;
  /** Bundle of the program. */
  readonly program: string;
}

const seconds = (ms: number): string => `${ms / 1000}s`;

// Alpha in 1.36, on in 1.37; without it nothing may shrink to zero.
const gate = '--feature-gates=HPAScaleToZero=true';

/** kube-controller-manager's names for the windows that `concertinaFlags` sets. */
const upstreamFlags = [
  gate,
  `--horizontal-pod-autoscaler-sync-period=${seconds(syncPeriodMs)}`,
  `--horizontal-pod-autoscaler-downscale-stabilization=${seconds(downscaleStabilizationMs)}`,
  `--horizontal-pod-autoscaler-cpu-initialization-period=${seconds(cpuInitializationMs)}`,
  `--horizontal-pod-autoscaler-initial-readiness-delay=${seconds(initialReadinessMs)}`,
];

const concertinaFlags = [
  '--adopt=hpa',
  `--hpa-sync-period=${seconds(syncPeriodMs)}`,
  `--hpa-downscale-stabilization=${seconds(downscaleStabilizationMs)}`,
  `--hpa-cpu-initialization-period=${seconds(cpuInitializationMs)}`,
  `--hpa-initial-readiness-delay=${seconds(initialReadinessMs)}`,
  // Upstream asks at each sync; a poll that is no more than half a sync old is as good.
  `--metrics-poll-interval=${seconds(syncPeriodMs / 2)}`,
  `--metrics-max-age=${seconds(3 * resolutionMs)}`,
  '--log-level=info',
];

/** Starts a cluster with everything that metrics come from; its Deployments run, and all that is asked for is known before the first HPA exists. */
export async function startTwin({ side, programs, program }: TwinOptions, teardown: Teardown): Promise<Twin> {
  const files = { server: await programs['metrics-server'].file(), adapter: await programs['metrics-adapter'].file() };
  const real = await startRealCluster({ hpaController: side === 'upstream', kcmFlags: upstreamFlags, apiserverFlags: [gate] });
  teardown.add(() => real.stop());
  const { own, adminClient: client } = real;
  if (own === undefined) throw new Error('side by side needs two control planes of its own');
  const { fleet, workload, readings } = await startNodes(real, teardown);

  const shown = new Map<string, number>();
  const application = await serveExposition(() =>
    contenders.flatMap(({ name, show }) => {
      const value = shown.get(name);
      return show === undefined || value === undefined ? [] : show(value, runningPods(fleet, name));
    }),
  );
  teardown.add(() => application.close());
  const prometheus = await startPrometheus({
    file: await programs.prometheus.file(),
    targets: [{ job: 'application', port: application.port }],
  });
  teardown.add(() => prometheus.stop());
  const adapter = await startMetricsAdapter(real, { file: files.adapter, prometheusUrl: prometheus.url });
  teardown.add(() => adapter.stop());

  const setPhase = (phase: number): void => {
    for (const { name, loads } of contenders) {
      const load = loads[phase];
      if (load === undefined) throw new Error(`${name} has no load for phase ${phase}`);
      putLoad(workload, name, load);
      if (load.shown !== undefined) shown.set(name, load.shown);
    }
  };
  setPhase(0);
  await Promise.all(contenders.map((contender) => createTarget(client, contender)));
  await eventually(
    `${side}: all pods run`,
    async () => contenders.every(({ name, replicas }) => runningPods(fleet, name).length === replicas),
    60_000,
  );
  const metricsServer = await startMetricsServer(real, { file: files.server });
  teardown.add(() => metricsServer.stop());
  if (side === 'concertina') await startConcertina(real, program, teardown);
  const measured = async (): Promise<boolean> => {
    const answer = await real.admin.get('/apis/metrics.k8s.io/v1beta1/pods');
    const items = (answer.body as { items?: readonly unknown[] } | undefined)?.items ?? [];
    return items.length >= contenders.reduce((sum, { replicas }) => sum + replicas, 0);
  };
  await eventually(`${side}: Metrics Server knows all pods`, measured, 6 * resolutionMs);
  return { side, real, own, client, setPhase, readings };
}

async function startNodes(real: RealCluster, teardown: Teardown): Promise<PlayedFleet & { readonly readings: Readings }> {
  // What a node serves is a quarter of a second old at most. That is what a reading may have of the load before the one that it should show.
  const { workload, fleet } = await startFleet(real, teardown, { tickMs: 250, housekeepingMs: 250, startup: { pull: 0, start: 100 } });
  const names = ['node-a', 'node-b'];
  let count = 0;
  const waiting = new Map<number, () => void>();
  // Nobody but Metrics Server reads the nodes.
  const onReading = (node: string): void => {
    if (node !== names[0]) return;
    // The other node is read within some 10 ms.
    setTimeout(() => waiting.get(++count)?.(), 50);
  };
  const readings: Readings = {
    count: () => count,
    until: (number) => (number <= count ? Promise.resolve() : new Promise((resolve) => waiting.set(number, resolve))),
  };
  const kubelets = await serveKubelets(watched(fleet, onReading), { tls: await createServingCertificate() });
  teardown.add(() => kubelets.close());
  for (const name of names) await fleet.addNode({ name, cpu: 16, memory: '32Gi' });
  return { fleet, workload, readings };
}

/** The same fleet, telling when the numbers of a node are read. */
function watched(fleet: KubeletFleet, onReading: (node: string) => void): KubeletFleet {
  return new Proxy(fleet, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      if (key !== 'resourceMetrics') return (value as () => unknown).bind(target);
      return (node: string) => {
        onReading(node);
        return target.resourceMetrics(node);
      };
    },
  });
}

function putLoad(workload: WorkloadModel, name: string, { cpuMilli = 1, memoryMi = 16 }: Load): void {
  // 1 ms of CPU a request: a request a second is a milli-core. The tenth of a milli-core keeps what is measured off whole ones, where rounding tosses a coin.
  const memory = { base: memoryMi * 2 ** 20 };
  workload.define({ name, namespace: name, owner: 'web', load: constant(cpuMilli), cpuPerRequest: 1, baseCpu: 0.1, memory });
}

async function createTarget(client: RealCluster['adminClient'], { name, replicas }: Contender): Promise<void> {
  await createNamespace(client, name);
  await client.create(resourceTypes.services, { metadata: { name: 'web', namespace: name }, spec: { ports: [{ port: 80 }] } });
  await client.create(resourceTypes.deployments, deployment(name, replicas));
}

/** The HorizontalPodAutoscaler of a contender, the same on both clusters. */
export function autoscaler({ name, spec }: Contender): KubeObject {
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'web', namespace: name },
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, ...spec },
  };
}

/** The program as the component adopt-hpa installs it. */
async function startConcertina(real: RealCluster, program: string, teardown: Teardown): Promise<void> {
  const deploy = fileURLToPath(new URL('../../deploy/', import.meta.url));
  const folder = join(real.dir, 'adopting');
  await mkdir(folder);
  const from = (path: string): string => relative(folder, join(deploy, 'kustomize', path));
  const kustomization = { resources: [from('base')], components: [from('components/adopt-hpa')] };
  await writeFile(join(folder, 'kustomization.yaml'), stringify(kustomization));
  const kubeconfig = await install(real, teardown, relative(deploy, folder));
  const running = await startProcess({ program, identity: 'twin', kubeconfig, flags: concertinaFlags });
  teardown.add(() => running.stop());
}
