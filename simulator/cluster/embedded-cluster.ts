import { connectionFromDispatcher, createKubeClient, type Connection, type KubeClient } from '../../core/kube/index.ts';
import type { Clock, Random } from '../../core/model/clock.ts';
import { createWorkloadAnnotations } from '../workload/workload-annotations.ts';
import { createWorkloadModel, type WorkloadModel } from '../workload/index.ts';
import { createAdapterApi, type AdapterApi } from './adapter-api/index.ts';
import { startClusterAws, type ClusterAws, type ClusterAwsOptions } from './aws/index.ts';
import { createApiServer, type ApiServer, type ApiServerOptions } from './api-server/index.ts';
import { startControllers } from './controllers/index.ts';
import { createKubeletFleet, type FleetOptions, type KubeletFleet, type NodeSpec } from './kubelet/index.ts';
import { createMetricsApi, fleetScrapes, registryObjects, type MetricsApi } from './metrics-api/index.ts';
import { startClusterPrometheus, type PrometheusServer } from './prometheus/index.ts';
import { startScheduler } from './scheduler/index.ts';

export interface EmbeddedClusterOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly nodes: readonly NodeSpec[];
  readonly fleet?: FleetOptions;
  /** Resolution of `metrics.k8s.io`, milliseconds; default 15 000. */
  readonly metricsResolutionMs?: number;
  /** Default `AlwaysAllow`. With `RBAC` the kubelets need nothing granted: the Node authorizer knows them. */
  readonly authorization?: ApiServerOptions['authorization'];
  /** Serve custom.metrics.k8s.io and external.metrics.k8s.io; default false: a cluster has no adapter of its own. */
  readonly adapter?: boolean;
  /** Run a Prometheus that scrapes the cluster; default false. `true` scrapes every 15 s, a number every so many milliseconds. */
  readonly prometheus?: boolean | number;
  /** An AWS whose instances become nodes of the cluster; default none. */
  readonly aws?: ClusterAwsOptions;
  /** Told about what went wrong inside and is tried again. */
  readonly onProblem?: (subject: string, error: unknown) => void;
}

/** A whole Kubernetes cluster in this process, on an injected clock. */
export interface EmbeddedCluster {
  readonly api: ApiServer;
  readonly fleet: KubeletFleet;
  readonly workload: WorkloadModel;
  readonly metrics: MetricsApi;
  /** Values of custom and external metrics; served when the cluster has an adapter. */
  readonly adapter: AdapterApi;
  /** Absent unless the cluster was started with one. */
  readonly prometheus: PrometheusServer | undefined;
  /** Absent unless the cluster was started with one. */
  readonly aws: ClusterAws | undefined;
  /** A new connection without sockets, for virtual time; whoever takes it closes it. */
  connection(): Connection;
  /** A client over that connection, as an administrator. */
  client(userAgent: string): KubeClient;
  /** Serves the API over HTTP on loopback and answers the URL. */
  listen(options?: { readonly port?: number }): Promise<string>;
  /** Resolves when nothing moves until time passes: what a VirtualClock's `useSettle` takes. */
  settle(): Promise<void>;
  stop(): Promise<void>;
}

/** Where the in-process connection pretends to be; nothing listens there. */
const inProcessServer = 'http://embedded.cluster.local';

/** Starts API server, controllers, scheduler, metrics API and one kubelet for each node; resolves when the nodes are registered. */
export async function startEmbeddedCluster(options: EmbeddedClusterOptions): Promise<EmbeddedCluster> {
  const { clock, random } = options;
  const problem = options.onProblem ?? (() => undefined);
  const { authorization = 'AlwaysAllow' } = options;
  const api = createApiServer({ clock, random, authorization });
  const connection = (): Connection => connectionFromDispatcher({ server: inProcessServer, dispatcher: api.dispatcher() });
  const client = (userAgent: string): KubeClient => createKubeClient({ connection: connection(), clock, random, userAgent });

  const controllers = startControllers({
    registry: api.registry,
    clock,
    random,
    options: { onError: (controller, key, error) => problem(`${controller} ${key}`, error) },
  });
  const scheduler = startScheduler({ registry: api.registry, clock, random });
  const workload = createWorkloadModel({ clock, random });
  const fleet = createKubeletFleet({
    client: client('kubelet'),
    clock,
    random,
    workload,
    options: { onProblem: ({ subject, error }) => problem(`kubelet ${subject}`, error), ...options.fleet },
  });
  const metrics = createMetricsApi({
    clock,
    random,
    source: fleetScrapes(fleet),
    objects: registryObjects(api.registry),
    ...(options.metricsResolutionMs === undefined ? {} : { resolutionMs: options.metricsResolutionMs }),
  });
  api.mount(metrics.groupVersion, metrics.handler, metrics.discovery);
  const adapter = createAdapterApi({ clock, objects: api.registry });
  if (options.adapter === true) for (const group of adapter.groups) api.mount(group.groupVersion, group.handler, group.discovery);
  const prometheus = prometheusOf(options, { fleet, workload, api });

  let aws: ClusterAws | undefined;
  const movement = (): number => (prometheus?.activity().counter ?? 0) + (aws?.endpoint.activity().counter ?? 0);
  const settle = async (): Promise<void> => {
    let seen: number | undefined;
    do {
      await api.settle();
      // What Prometheus and AWS answer may set requests to the API server in motion again.
      seen = movement();
      await prometheus?.settle();
      await aws?.endpoint.settle();
    } while (!controllers.idle() || !scheduler.idle() || movement() !== seen);
  };

  const annotations = createWorkloadAnnotations({
    client: client('workload'),
    clock,
    random,
    model: workload,
    onProblem: ({ subject, message }) => problem(subject, message),
  });

  await Promise.all([fleet.start(), annotations.start()]);
  await Promise.all(options.nodes.map((node) => fleet.addNode(node)));
  if (options.aws !== undefined) {
    aws = await startClusterAws(options.aws, { clock, random, fleet, client: client('cloud'), onProblem: problem });
  }
  metrics.start();

  return {
    api,
    fleet,
    workload,
    metrics,
    adapter,
    prometheus,
    aws,
    connection,
    client,
    listen: async ({ port = 0 } = {}) => (await api.listen({ port })).url,
    settle,
    stop: async () => {
      metrics.stop();
      await aws?.stop();
      await prometheus?.stop();
      scheduler.stop();
      controllers.stop();
      await annotations.stop();
      await fleet.stop();
      await api.close();
    },
  };
}

function prometheusOf(
  { clock, prometheus }: EmbeddedClusterOptions,
  cluster: Pick<EmbeddedCluster, 'fleet' | 'workload' | 'api'>,
): PrometheusServer | undefined {
  if (prometheus === undefined || prometheus === false) return undefined;
  return startClusterPrometheus({ cluster, clock, ...(prometheus === true ? {} : { scrapeIntervalMs: prometheus }) });
}
