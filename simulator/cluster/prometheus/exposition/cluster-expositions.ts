import type { Clock } from '../../../../core/model/clock.ts';
import { resourceTypes } from '../../../../core/model/object.ts';
import type { KubeObject } from '../../../../core/model/object.ts';
import { createApplicationExposition } from '../../../workload/exposition.ts';
import type { MeasuredPod } from '../../../workload/exposition.ts';
import type { WorkloadModel } from '../../../workload/index.ts';
import type { KubeletFleet, PodView } from '../../kubelet/index.ts';
import { readPodSpec } from '../../kubelet/pod-spec.ts';
import { cadvisorExposition } from './cadvisor.ts';
import { kubeStateMetricsExposition } from './kube-state-metrics.ts';
import type { ObjectLister } from './kube-state-metrics.ts';

/** What of a cluster there is to measure: an `EmbeddedCluster` is one, a fleet that plays the nodes of a real cluster can be made one. */
export interface MeasuredCluster {
  readonly fleet: Pick<KubeletFleet, 'nodeNames' | 'scrape' | 'pods' | 'pod'>;
  readonly workload: WorkloadModel;
  readonly api: { readonly registry: ObjectLister };
}

/** The texts of a simulated cluster, made anew at each call. */
export interface ClusterExpositions {
  nodes(): readonly string[];
  /** Throws when the node does not answer or is unknown. */
  cadvisor(node: string): string;
  application(): string;
  kubeStateMetrics(): string;
}

export function createClusterExpositions(cluster: MeasuredCluster, clock: Clock): ClusterExpositions {
  const { fleet, workload } = cluster;
  const { registry } = cluster.api;
  const podObjects = memoized(clock, () => new Map(registry.list(resourceTypes.pods).map((pod) => [keyOf(pod), pod])));
  const application = createApplicationExposition({ model: workload, pods: () => measuredPods(fleet.pods(), podObjects()) });
  return {
    nodes: () => fleet.nodeNames(),
    cadvisor: (node) =>
      cadvisorExposition(fleet.scrape(node), {
        pod: (namespace, name) => podObjects().get(`${namespace}/${name}`),
        throttledMs: (namespace, name, container) =>
          fleet.pod(namespace, name)?.containers.find((view) => view.name === container)?.throttledMs ?? 0,
      }),
    application: () => application.text(),
    kubeStateMetrics: () => kubeStateMetricsExposition(registry),
  };
}

/** All nodes are scraped at the same instant: the list of pods is indexed once for them. */
function memoized<T>(clock: Clock, make: () => T): () => T {
  let madeAt = Number.NaN;
  let made: T | undefined;
  return () => {
    const now = clock.now();
    if (made === undefined || now !== madeAt) {
      made = make();
      madeAt = now;
    }
    return made;
  };
}

function keyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? 'default'}/${metadata.name}`;
}

/** Pods with a running first container: that is where the load goes unless a workload names another one. */
function measuredPods(views: readonly PodView[], objects: ReadonlyMap<string, KubeObject>): MeasuredPod[] {
  const measured: MeasuredPod[] = [];
  for (const view of views) {
    const object = objects.get(`${view.namespace}/${view.name}`);
    const running = view.containers.filter(({ state }) => state === 'running');
    if (object === undefined || running.length === 0) continue;
    measured.push({
      identity: readPodSpec(object).identity,
      incarnation: `${object.metadata.uid ?? ''}/${running.map(({ restarts }) => restarts).join('.')}`,
      serving: view.ready && !view.terminating,
      cpuSeconds: running.reduce((sum, container) => sum + container.cpuSeconds, 0),
    });
  }
  return measured;
}
