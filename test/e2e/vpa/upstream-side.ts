import { resourceTypes, type KubeObject } from '../../../core/model/object.ts';
import { parseLoad, serveKubelets, type KubeletFleet, type WorkloadModel } from '../../../simulator/index.ts';
import type { AggregatedServer } from '../companions/aggregated-server.ts';
import { startMetricsServer } from '../companions/metrics-server.ts';
import { startVpaRecommender, type VpaProcess } from '../companions/vertical-pod-autoscaler.ts';
import type { HttpApi } from '../http-api.ts';
import { createNamespace } from '../namespace.ts';
import { startFleet } from '../played-fleet.ts';
import { createServingCertificate, type RealCluster } from '../real-cluster.ts';
import type { Teardown } from '../teardown.ts';
import { eventually } from '../until.ts';
import { readCheckpoints, readVpa, vpaPath, type CheckpointState, type VpaState } from './upstream-state.ts';

/**
 * What plays the upstream recommender and ours side by side on one real cluster: the same pods and the same Metrics Server for both. Each carries out
 * VerticalPodAutoscalers of its own, told apart by `spec.recommenders` ({@link createVpa}): upstream takes those that name nobody or `default`.
 */
export interface UpstreamRecommenderOptions {
  /** From `findCompanions('vpa-recommender')`. */
  readonly file: string;
  /** Default 5: half of Metrics Server's resolution, so that no value is missed. */
  readonly intervalSeconds?: number;
  /** Its `--recommender-name`, which VerticalPodAutoscalers name that it shall carry out; default none. */
  readonly name?: string;
  /** After those of the harness: `--recommendation-margin-fraction=0.2`. */
  readonly extraFlags?: readonly string[];
}

export function startUpstreamRecommender(cluster: RealCluster, options: UpstreamRecommenderOptions): Promise<VpaProcess> {
  const { file, name, intervalSeconds = 5, extraFlags = [] } = options;
  const named = name === undefined ? {} : { instance: `vpa-recommender-${name}` };
  const flags = [...(name === undefined ? [] : [`--recommender-name=${name}`]), ...extraFlags];
  return startVpaRecommender(cluster, { file, intervalSeconds, flags, ...named });
}

/** One Deployment with a load; the texts are those of `simulator/workload/load-text.ts`, their time zero is the start of each container. */
export interface PlayedWorkload {
  /** Also its label `app` and its first container. */
  readonly name: string;
  readonly replicas: number;
  /** Cores: `300m + noise:stddev=50m,every=10s,seed=3`. */
  readonly cpu: string;
  /** Bytes: `ramp:0s=100Mi,60s=300Mi`. */
  readonly memory: string;
  readonly resources?: PlayedResources;
  /** Containers beside it. */
  readonly sidecars?: readonly Omit<PlayedWorkload, 'replicas' | 'sidecars'>[];
}

export interface PlayedResources {
  readonly requests?: Readonly<Record<string, string>>;
  readonly limits?: Readonly<Record<string, string>>;
}

export interface PlayedLoad {
  readonly fleet: KubeletFleet;
  readonly workload: WorkloadModel;
  readonly namespace: string;
  /** Running pods of a workload, by name. */
  podsOf(workload: string): readonly string[];
  /** Starts Metrics Server, or lets values come again after `freeze`, and waits until it has all running pods of all workloads. */
  measure(limitMs?: number): Promise<void>;
  /**
   * No new values come, and the last one has gone: who looks twice in a resolution has seen it. Two recommenders that have seen everything then say the same, exactly, a
   * pass later; while values come they may be one apart. The last one stays for its time: that is why the nodes fall silent and not Metrics Server.
   */
  freeze(): Promise<void>;
}

export interface PlayedLoadOptions {
  /** File of the companion `metrics-server`. */
  readonly metricsServer: string;
  readonly namespace: string;
  readonly workloads: readonly PlayedWorkload[];
  /** The same seed plays the same load; default 1. */
  readonly seed?: number;
}

/** Upstream's least. */
const resolutionSeconds = 10;

/**
 * Nodes of the simulator with these Deployments on them, in a new namespace, and a real Metrics Server that will scrape them. A recommender that runs, with its
 * VerticalPodAutoscalers, before the first `measure` sees every value. All is taken down by the teardown.
 */
export async function playLoad(real: RealCluster, options: PlayedLoadOptions, teardown: Teardown): Promise<PlayedLoad> {
  const { namespace, workloads, seed = 1 } = options;
  const { workload, fleet } = await startFleet(real, teardown, {
    seed,
    tickMs: 500,
    housekeepingMs: 1000,
    startup: { pull: 0, start: 100 },
  });
  const kubelets = await serveKubelets(fleet, { tls: await createServingCertificate() });
  teardown.add(() => kubelets.close());
  for (const name of ['node-a', 'node-b']) await fleet.addNode({ name, cpu: 16, memory: '32Gi' });

  const client = real.adminClient;
  await createNamespace(client, namespace);
  for (const played of workloads) await client.create(resourceTypes.deployments, playedDeployment(namespace, played));
  const podsOf = (name: string): readonly string[] =>
    fleet
      .pods()
      .filter((pod) => pod.namespace === namespace && pod.name.startsWith(`${name}-`) && pod.phase === 'Running' && !pod.terminating)
      .map((pod) => pod.name);
  await eventually('all pods run', async () => workloads.every(({ name, replicas }) => podsOf(name).length === replicas), 60_000);
  let server: AggregatedServer | undefined;
  teardown.add(async () => server?.stop());
  /** Pods of which Metrics Server says nothing. */
  const unmeasured = async (): Promise<string[]> => {
    const { body } = await real.admin.get(`/apis/metrics.k8s.io/v1beta1/namespaces/${namespace}/pods`);
    const known = new Set(((body as { items?: readonly KubeObject[] }).items ?? []).map(({ metadata }) => metadata.name));
    return workloads.flatMap(({ name }) => podsOf(name)).filter((name) => !known.has(name));
  };
  return {
    fleet,
    workload,
    namespace,
    podsOf,
    measure: async (limitMs = 6 * resolutionSeconds * 1000) => {
      fleet.faults.failScrape.clear();
      server ??= await startMetricsServer(real, { file: options.metricsServer, resolutionSeconds });
      await eventually('Metrics Server has all pods', async () => (await unmeasured()).length === 0, limitMs);
    },
    freeze: async () => {
      for (const name of fleet.nodeNames()) fleet.faults.failScrape.add(name);
      const all = workloads.flatMap(({ name }) => podsOf(name)).length;
      await eventually('Metrics Server has no pods', async () => (await unmeasured()).length === all, 6 * resolutionSeconds * 1000);
    },
  };
}

function playedDeployment(namespace: string, workload: PlayedWorkload): KubeObject {
  const { name, replicas, sidecars = [] } = workload;
  const containers = [workload, ...sidecars];
  // A text with a slip in it would play nothing, silently.
  for (const { cpu, memory } of containers) for (const text of [cpu, memory]) parseLoad(text);
  const labels = { app: name };
  const annotations = Object.fromEntries(
    containers.flatMap((each) => [
      [`concertina.dev/sim-cpu.${each.name}`, each.cpu],
      [`concertina.dev/sim-memory.${each.name}`, each.memory],
    ]),
  );
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels, annotations },
        spec: {
          terminationGracePeriodSeconds: 1,
          containers: containers.map((each) => ({
            name: each.name,
            image: `${each.name}:1`,
            ...(each.resources === undefined ? {} : { resources: each.resources }),
          })),
        },
      },
    },
  };
}

export interface VpaOptions {
  readonly name: string;
  readonly namespace: string;
  /** The Deployment. */
  readonly target: string;
  /** Whose it is: nobody's name means upstream. */
  readonly recommender?: string;
  readonly updateMode?: string;
  readonly resourcePolicy?: object;
}

/** Creates the VerticalPodAutoscaler; mode Off unless said otherwise. */
export async function createVpa(admin: HttpApi, options: VpaOptions): Promise<void> {
  const { name, namespace, target, recommender, updateMode = 'Off', resourcePolicy } = options;
  const answer = await admin.post(vpaPath(namespace), {
    apiVersion: 'autoscaling.k8s.io/v1',
    kind: 'VerticalPodAutoscaler',
    metadata: { name },
    spec: {
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: target },
      updatePolicy: { updateMode },
      ...(resourcePolicy === undefined ? {} : { resourcePolicy }),
      ...(recommender === undefined ? {} : { recommenders: [{ name: recommender }] }),
    },
  });
  if (answer.status !== 201) throw new Error(`VPA ${namespace}/${name} can't be created: ${answer.status} ${answer.text}`);
}

/** Gives the VerticalPodAutoscaler, its status and its checkpoints to another recommender: upstream without a name. */
export async function handOver(
  admin: HttpApi,
  vpa: { readonly namespace: string; readonly name: string },
  recommender?: string,
): Promise<void> {
  const recommenders = recommender === undefined ? null : [{ name: recommender }];
  const answer = await admin.patch(vpaPath(vpa.namespace, vpa.name), 'merge', { spec: { recommenders } });
  if (answer.status !== 200) throw new Error(`VPA ${vpa.namespace}/${vpa.name} can't be handed over: ${answer.status} ${answer.text}`);
}

/** What a recommender has said of a VerticalPodAutoscaler. */
export interface Said {
  readonly state: VpaState;
  /** By container. */
  readonly checkpoints: Readonly<Record<string, CheckpointState>>;
}

/** Waits for a recommendation and a checkpoint with samples for the container and answers both. Upstream recommends its least before it has seen a sample. */
export async function untilSaid(
  admin: HttpApi,
  vpa: { readonly namespace: string; readonly name: string; readonly container: string },
  limitMs = 60_000,
): Promise<Said> {
  const { namespace, name, container } = vpa;
  let said: Said | undefined;
  await eventually(
    `VPA ${namespace}/${name} has a recommendation and a checkpoint`,
    async () => {
      // A pass writes the status first.
      const checkpoints = await readCheckpoints(admin, namespace, name);
      const state = await readVpa(admin, namespace, name);
      if (state?.containers[container] === undefined || (checkpoints[container]?.samples ?? 0) === 0) return false;
      said = { state, checkpoints };
      return true;
    },
    limitMs,
  );
  if (said === undefined) throw new Error(`VPA ${namespace}/${name} said nothing`);
  return said;
}
