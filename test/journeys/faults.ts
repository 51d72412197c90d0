import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import type { FaultMatch, FaultRule } from '../../simulator/cluster/api-server/faults.ts';
import type { FaultHandle } from '../../simulator/cluster/api-server/index.ts';
import { deployment, policy } from './journey-cluster.ts';
import { InvariantMonitor, type MonitorOptions } from './invariants.ts';
import type { VirtualController, VirtualJourneyCluster } from './virtual-cluster.ts';

/** Requests of the program, not of kubelets, controllers and tests. */
export const ours: FaultMatch = { userAgent: /^concertina\// };

/** Undoes a fault. */
export type Cure = () => void;

/** Rules between the program and the API server; cured together. */
export function apiFault(cluster: VirtualJourneyCluster, ...rules: FaultRule[]): Cure {
  const { faults } = cluster.embedded.api;
  const handles: FaultHandle[] = rules.map((rule) => faults.add({ ...rule, match: { ...ours, ...rule.match } }));
  return () => {
    for (const handle of handles) handle.remove();
  };
}

/** Settings of the metrics API; the cure sets all of them back. */
export function metricsFault(
  cluster: VirtualJourneyCluster,
  set: (faults: VirtualJourneyCluster['embedded']['metrics']['faults']) => void,
): Cure {
  const { faults } = cluster.embedded.metrics;
  set(faults);
  return () => {
    faults.unavailable = false;
    faults.emptyList = false;
    faults.missingNodes.clear();
    faults.missingContainer.clear();
    faults.zeroForAll = false;
    faults.staleTimestamps = false;
    faults.clockSkewMs = 0;
    faults.partial = 1;
  };
}

/** Nobody serves metrics.k8s.io: 404 for the group. */
export function metricsGroupGone(cluster: VirtualJourneyCluster): Cure {
  const { api, metrics } = cluster.embedded;
  const again = () => api.mount(metrics.groupVersion, metrics.handler, metrics.discovery);
  again().unmount();
  return () => {
    again();
  };
}

/** Path of the metrics API, for faults of its requests alone. */
export const metricsPath = /^\/apis\/metrics\.k8s\.io\//;

/** Another writer: changes the Deployment every 150 ms for `ms`, its size excepted, so that whoever reads it and writes 200 ms later meets a conflict. */
export function conflictStorm(cluster: VirtualJourneyCluster, namespace: string, ms: number): void {
  const { registry } = cluster.embedded.api;
  let beats = 0;
  const beat = (): void => {
    if (beats++ * 150 >= ms) return;
    void registry.mutate(resourceTypes.deployments, namespace, 'web', (object) => ({
      ...object,
      metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, beat: String(beats) } },
    }));
    cluster.clock.setTimeout(beat, 150);
  };
  beat();
}

export interface Stage {
  readonly cluster: VirtualJourneyCluster;
  readonly namespace: string;
  readonly monitor: InvariantMonitor;
  readonly controller: VirtualController;
  /** Another copy of the program, followed by the monitor. */
  readonly start: () => Promise<VirtualController>;
}

/** Whether status says that nothing shrinks: unknown, or known and too little to shrink on. */
export function isHeld({ monitor }: Stage): boolean {
  const active = monitor.status().conditions?.find(({ type }) => type === 'ScalingActive');
  const incomplete = active?.status === 'False' || active?.message.includes('so nothing shrinks') === true;
  return incomplete || monitor.condition('Held') === 'True/MissingData';
}

export interface StageOptions {
  readonly replicas: number;
  readonly load: number;
  readonly min?: number;
  readonly max?: number;
  readonly policy?: Readonly<Record<string, unknown>>;
  readonly deployment?: (namespace: string) => KubeObject;
  readonly perPod?: number;
  /** Before there is a policy: values of metrics, other objects of the namespace. */
  readonly prepare?: (namespace: string) => Promise<void> | void;
}

/** One Deployment with its policy and one copy of the program, at rest; runs the play and fails with all breaches of invariants. */
export async function onStage(cluster: VirtualJourneyCluster, options: StageOptions, play: (stage: Stage) => Promise<void>): Promise<void> {
  const { replicas, load, min = 2, max = 20, perPod } = options;
  const namespace = await cluster.namespace();
  const monitorOptions: MonitorOptions = { cluster, namespace, min, max, ...(perPod === undefined ? {} : { perPod }) };
  const monitor = new InvariantMonitor(monitorOptions);
  const started: VirtualController[] = [];
  const start = async (): Promise<VirtualController> => {
    const controller = await cluster.startController({ onDecision: monitor.onDecision });
    started.push(controller);
    monitor.follow(controller);
    return controller;
  };
  try {
    await cluster.client.create(resourceTypes.deployments, options.deployment?.(namespace) ?? deployment(namespace, replicas));
    monitor.setLoad(load);
    await options.prepare?.(namespace);
    const controller = await start();
    await monitor.elapse(60_000);
    await cluster.client.create(
      resourceTypes.horizontalPolicies,
      policy(namespace, { minReplicas: min, maxReplicas: max, ...options.policy }),
    );
    await monitor.elapse(20_000);
    await play({ cluster, namespace, monitor, controller, start });
  } catch (error) {
    if (error instanceof Error) error.message += `\n${monitor.describe()}`;
    throw error;
  } finally {
    cluster.embedded.api.faults.clear();
    metricsFault(cluster, () => undefined)();
    for (const controller of started) await controller.stop();
    monitor.stop();
    cluster.setLoad(namespace, 'web', 0);
    await cluster.client.delete(resourceTypes.namespaces, { name: namespace }).catch(() => undefined);
    await cluster.elapse(5_000);
  }
  monitor.expectNone();
}
