import { ConcertinaError, messageOf } from '../../core/errors.ts';
import { allOf, createEventRecorder, createKubeClient, createLeaseElector, describePath, dryRunFence } from '../../core/kube/index.ts';
import type { Connection, KubeClient, RequestOutcome } from '../../core/kube/index.ts';
import type { Clock, Random } from '../../core/model/clock.ts';
import type { Decision } from '../../core/model/decision.ts';
import { loopProgress } from '../../core/runtime/health.ts';
import { createHttpServer, type HttpServer } from '../../core/runtime/http-server.ts';
import type { Logger } from '../../core/runtime/logging.ts';
import { createMetrics } from '../../core/runtime/metrics.ts';
import { createShutdown, type Shutdown } from '../../core/runtime/shutdown.ts';
import { createHpaController, defaultEngineConfig, defaultHpaConfig, foreignClaims, type HpaConfig } from '../../hpa/index.ts';
import { version } from '../version.ts';
import { createAggregation, type AggregationOptions } from './aggregation.ts';
import { splitAddress } from './address.ts';
import { addChecks } from './checks.ts';
import { cachedView, createMirrors, type Mirrors } from './mirrors.ts';
import { createNodes, type Nodes, type ProviderFactory } from './nodes.ts';
import { scalesNodes } from './nodes-settings.ts';
import { electsLeader, type DecisionSettings, type RunSettings } from './settings.ts';
import { createRemoteAggregation } from './remote-aggregation.ts';
import { createServing, type Serving } from './serving.ts';
import { createVertical, type Vertical } from './vertical.ts';
import type { VerticalMirrors } from './vertical-mirrors.ts';
import { createWork, type Work } from './work.ts';

export interface SuiteOptions {
  readonly connection: Connection;
  readonly clock: Clock;
  /** Times requests, rate limit and watchdogs; default `clock`. A demo whose time runs fast gives real time here. */
  readonly transportClock?: Clock;
  readonly random: Random;
  readonly settings: RunSettings;
  /** Unique to this copy: holder of the Lease, last word of the User-Agent. */
  readonly identity: string;
  readonly leaseNamespace: string;
  readonly logger: Logger;
  readonly onDecision?: (decision: Decision) => void;
  /** Awaited with health served and nothing else begun: `run` waits here for an API server that is away. A failure ends the suite. */
  readonly waitFor?: ((signal: AbortSignal) => Promise<void>) | undefined;
  /** How Prometheus servers are reached; default: sockets and the resolver of the system. */
  readonly network?: AggregationOptions['network'];
  /** The cloud whose node groups are scaled; default: that of the settings. */
  readonly provider?: ProviderFactory | undefined;
  /** Collect Node's own process metrics; default true. Their timers run on real time. */
  readonly processMetrics?: boolean;
}

/** All components in one process. */
export interface Suite {
  /** Serves health, and the admission webhook where it is wanted, starts mirroring and competes for the Lease; resolves when the servers listen. */
  start(): Promise<{
    readonly host: string;
    readonly port: number;
    readonly webhook?: { readonly host: string; readonly port: number } | undefined;
  }>;
  isLeader(): boolean;
  /** Goes down in the stated order; idempotent. */
  readonly shutdown: Shutdown;
}

/** Composes the components: the only place that knows them all. */
export function createSuite(options: SuiteOptions): Suite {
  const { clock, random, settings, logger, identity } = options;
  const transportClock = options.transportClock ?? clock;
  const runtimeMetrics = createMetrics({ build: { version }, processMetrics: options.processMetrics ?? true });
  const shutdown = createShutdown({ clock: transportClock, logger });
  const unfenced = createKubeClient({
    connection: options.connection,
    clock: transportClock,
    random,
    userAgent: `concertina/${version} (${identity})`,
    rateLimit: { qps: settings.api.qps, burst: settings.api.burst },
    observer: (outcome) => runtimeMetrics.observeApiRequest(apiRequestLabels(outcome)),
  });
  // The elector has a client without our rate limit: a renewal must never wait behind other requests.
  const leaseClient = createKubeClient({
    connection: options.connection,
    clock: transportClock,
    random,
    userAgent: `concertina/${version} (${identity}) leader-election`,
  });

  // Metrics have a limit of their own: thousands of queries a tick must neither wait for the other requests nor make them wait.
  const metricsClient = createKubeClient({
    connection: options.connection,
    clock: transportClock,
    random,
    userAgent: `concertina/${version} (${identity})`,
    rateLimit: { qps: settings.metrics.qps, burst: 2 * settings.metrics.qps },
    observer: (outcome) => runtimeMetrics.observeApiRequest(apiRequestLabels(outcome)),
  });

  const decides = decidesOf(options);
  const mirrors = createMirrors({
    client: unfenced,
    clock: transportClock,
    random,
    logger,
    decides,
    onNewPod: (pod) => vertical?.podCreated(pod),
  });
  const view = cachedView(mirrors.pods, clock, mirrors.vertical?.budgets);
  const { leaderElection } = settings;
  const elector = createLeaseElector({
    client: leaseClient,
    clock,
    random,
    namespace: options.leaseNamespace,
    name: leaderElection.leaseName,
    identity,
    leaseDurationMs: leaderElection.leaseDuration,
    renewDeadlineMs: leaderElection.renewDeadline,
    retryPeriodMs: leaderElection.retryPeriod,
    onStartedLeading: () => work.start('this copy holds the lease'),
    // As upstream's controllers: whoever loses the lease ends and is restarted, rather than go on with what it remembers of an older term.
    onStoppedLeading: async (why) => {
      await work.stop(why);
      if (!shutdown.signal.aborted) void shutdown.run(`the lease was lost: ${why}`);
    },
    onNewLeader: (holder) => logger.info('the lease changed hands', { holder: holder === '' ? 'nobody' : holder }),
    onFailure: (error) => logger.warn('the lease could not be read or renewed', { error: messageOf(error) }),
  });
  const elects = electsLeader(settings);
  const dryRun = dryRunFence('this is a dry run');
  const fences = [...(elects ? [elector.fence()] : []), ...(settings.dryRun ? [dryRun] : [])];
  const client = fences.reduce((fenced, fence) => fenced.fenced(fence), unfenced);
  const events = createEventRecorder({ client, clock, random, component: 'concertina', instance: identity });

  const progress = loopProgress({ clock, intervalMs: Math.max(settings.metrics.pollInterval, settings.hpa.syncPeriod), factor: 8 });
  const onPoll = (report: { readonly durationMs: number; readonly healthy: boolean }): void => {
    progress.beat();
    runtimeMetrics.observeLoop('metrics-aggregator', report.durationMs / 1000, report.healthy ? 'ok' : 'error');
  };
  const aggregation = aggregationOf(options, {
    transportClock,
    client: metricsClient,
    statusClient: settings.dryRun ? undefined : client,
    mirrors,
    registry: runtimeMetrics.registry,
    onPoll,
  });
  const { aggregator } = aggregation;
  const onDecision = (decision: Decision): void => {
    aggregation.observeDecision?.(decision);
    options.onDecision?.(decision);
  };
  const hpa = createHpaController({
    client,
    reads: {
      policies: mirrors.policies,
      nativeHpas: mirrors.nativeHpas,
      controllerOf: mirrors.controllerOf,
      requestReferenceOf: (target) => vertical?.controller.requestReferenceOf(target),
      pods: () => (mirrors.pods.hasSynced() ? view() : undefined),
      podChanges: mirrors.pods,
      podsAgeMs: () => {
        const heard = mirrors.pods.stats().lastProgressAt;
        return heard === undefined ? undefined : transportClock.monotonic() - heard;
      },
    },
    metrics: () => aggregator.view(),
    demand: (policy, queries) => aggregator.demand(`hpa/${policy}`, queries),
    clock,
    random,
    events: { emit: (object, note) => events.record({ object, ...note }) },
    logger: logger.child({ component: 'hpa' }),
    registry: runtimeMetrics.registry,
    config: hpaConfig(settings, { dryRun: settings.dryRun, adoptHpas: settings.adopt.includes('hpa') }),
    onDecision,
  });
  const vertical = hasVertical(mirrors)
    ? createVertical({
        client,
        unfenced: settings.dryRun ? unfenced.fenced(dryRun) : unfenced,
        clock,
        transportClock,
        random,
        settings,
        mirrors,
        view,
        metrics: () => aggregator.view(),
        // Where another process decides on replicas, its policies are somebody else's.
        horizontalClaims: () => (decides.hpa ? hpa.claims() : foreignClaims(mirrors.policies.items(), mirrors.nativeHpas.items())),
        onTargetChange: (target) => hpa.touchTarget(target),
        rangeOf: (name) => aggregation.sources?.rangeOf(name),
        events,
        logger,
        registry: runtimeMetrics.registry,
        identity,
        namespace: options.leaseNamespace,
        onDecision,
      })
    : undefined;
  const nodes = createNodes(mirrors, {
    client,
    fence: allOf(...fences),
    clock,
    transportClock,
    random,
    settings,
    intents: () => (decides.hpa ? hpa.intents() : []),
    events,
    logger,
    registry: runtimeMetrics.registry,
    namespace: options.leaseNamespace,
    onDecision,
    provider: options.provider,
  });
  if (decides.hpa) aggregator.onView((_, change) => hpa.metricsChanged(change));
  if (vertical !== undefined) {
    aggregator.onView((_, { usage }) => {
      if (usage) vertical.controller.metricsChanged();
    });
  }
  const work = createWork({
    aggregation,
    hpa: decides.hpa ? hpa : undefined,
    vpa: vertical,
    nodes,
    mirrors,
    logger,
    signal: shutdown.signal,
  });
  const serving =
    aggregation.sources === undefined
      ? undefined
      : createServing({
          settings,
          aggregator,
          sources: aggregation.sources,
          pods: () => mirrors.pods.items(),
          client: unfenced,
          clock: transportClock,
          random,
          logger: logger.child({ component: 'metrics-aggregator' }),
        });

  const [host, port] = splitAddress(settings.health.address);
  const server = createHttpServer({
    host,
    port,
    clock: transportClock,
    logger,
    metrics: { render: () => runtimeMetrics.render(), contentType: runtimeMetrics.registry.contentType },
  });
  addChecks(server, {
    mirrors,
    decides,
    isWorking: () => work.isWorking(),
    progress: () => progress.check(),
    admission: vertical === undefined ? undefined : () => vertical.readiness(),
    nodes,
  });
  addShutdownSteps(shutdown, {
    work,
    elector: elects ? elector : undefined,
    events,
    mirrors,
    server,
    serving,
    vertical,
    nodes,
    client: unfenced,
  });

  return {
    isLeader: () => (elects ? elector.isLeader() : work.isWorking()),
    shutdown,
    start: async () => {
      const address = await server.listen().catch((error: unknown) => {
        throw new ConcertinaError('CONFIG_INVALID', `${listenProblem(settings.health.address, error)}; choose another --health-address`, {
          cause: error,
        });
      });
      logger.info('serving health and metrics', { ...address });
      await serving?.start();
      const webhook = await vertical?.startServing();
      const begin = (): void => {
        if (shutdown.signal.aborted) return;
        mirrors.start();
        if (elects) elector.start();
        else work.start(settings.dryRun ? 'dry run: nothing will be written' : 'leader election is off');
      };
      if (options.waitFor === undefined) begin();
      else {
        void options.waitFor(shutdown.signal).then(begin, (error: unknown) => {
          if (shutdown.signal.aborted) return;
          logger.error('the API server refused this program', { error: messageOf(error) });
          void shutdown.run(messageOf(error));
        });
      }
      return { ...address, webhook };
    },
  };
}

/** What measures: in this process, or another one that is asked. */
function aggregationOf(
  { settings, clock, random, identity, logger, leaseNamespace, network }: SuiteOptions,
  parts: {
    readonly transportClock: Clock;
    readonly client: KubeClient;
    readonly statusClient: KubeClient | undefined;
    readonly mirrors: Mirrors;
    readonly registry: AggregationOptions['registry'];
    readonly onPoll: NonNullable<AggregationOptions['onPoll']>;
  },
): ReturnType<typeof createAggregation> | ReturnType<typeof createRemoteAggregation> {
  const { mirrors, transportClock, registry, onPoll } = parts;
  const own = logger.child({ component: 'metrics-aggregator' });
  if (settings.aggregator.url !== undefined) {
    return createRemoteAggregation({ settings, clock, transportClock, random, identity, logger: own, onPoll });
  }
  return createAggregation({
    client: parts.client,
    statusClient: parts.statusClient,
    clock,
    transportClock,
    random,
    settings,
    metricSources: mirrors.metricSources,
    cluster: { runningPods: mirrors.runningPods, pods: () => mirrors.pods.items() },
    secretNamespace: settings.metrics.secretNamespace ?? leaseNamespace,
    logger: own,
    network,
    registry,
    onPoll,
  });
}

function hasVertical(mirrors: Mirrors): mirrors is Mirrors & { readonly vertical: VerticalMirrors } {
  return mirrors.vertical !== undefined;
}

/** Settings as the replicas controller takes them. */
export function hpaConfig(settings: DecisionSettings, { dryRun = false, adoptHpas = false } = {}): HpaConfig {
  const { hpa, cooldown, metrics } = settings;
  return {
    engine: {
      ...defaultEngineConfig,
      tolerance: hpa.tolerance,
      cpuInitializationMs: hpa.cpuInitializationPeriod,
      initialReadinessDelayMs: hpa.initialReadinessDelay,
      downscaleStabilizationMs: hpa.downscaleStabilization,
    },
    syncPeriodMs: hpa.syncPeriod,
    workers: hpa.workers,
    cooldown: { scaleUpMs: cooldown.scaleUp, scaleDownMs: cooldown.scaleDown },
    adoptHpas,
    adoptedCooldown: hpa.adoptedCooldown,
    dryRun,
    refreshes: defaultHpaConfig.refreshes,
    maxSampleAgeMs: metrics.maxAge,
  };
}

function addShutdownSteps(
  shutdown: Shutdown,
  deps: {
    readonly work: Work;
    readonly elector: { stop(): Promise<void> } | undefined;
    readonly events: { close(): Promise<void> };
    readonly mirrors: Mirrors;
    readonly server: HttpServer;
    readonly serving: Serving | undefined;
    readonly vertical: Vertical | undefined;
    readonly nodes: Nodes | undefined;
    /** Closing one closes the connection for all. */
    readonly client: KubeClient;
  },
): void {
  shutdown.add({ phase: 'stop-work', name: 'controllers', run: () => deps.work.stop('shutdown') });
  // Events are written while the fence is still open, so they are flushed before the lease is given up, and dropped afterwards.
  shutdown.add({ phase: 'in-flight', name: 'events', run: () => deps.events.close() });
  const { elector } = deps;
  if (elector !== undefined) shutdown.add({ phase: 'lease', name: 'lease', run: () => elector.stop() });
  shutdown.add({ phase: 'watches', name: 'mirrors', run: () => deps.mirrors.stop() });
  const { vertical } = deps;
  if (vertical !== undefined) {
    // It answers until nothing else is done any more: a pod that is created meanwhile should be sized.
    shutdown.add({ phase: 'servers', name: 'admission webhook', run: () => vertical.stopServing() });
    shutdown.add({ phase: 'servers', name: 'requests controller', run: () => vertical.close() });
  }
  const { nodes } = deps;
  if (nodes !== undefined) shutdown.add({ phase: 'servers', name: 'cloud', run: () => nodes.close() });
  shutdown.add({ phase: 'servers', name: 'health', run: () => deps.server.close() });
  const { serving } = deps;
  if (serving !== undefined) shutdown.add({ phase: 'servers', name: 'metrics API', run: () => serving.stop() });
  shutdown.add({ phase: 'servers', name: 'connections', run: () => deps.client.close() });
}

function apiRequestLabels({ method, path, status, durationMs }: RequestOutcome): {
  verb: string;
  resource: string;
  code: string;
  seconds: number;
} {
  return {
    verb: method,
    resource: describePath(path).resource,
    code: status === 0 ? '<error>' : String(status),
    seconds: durationMs / 1000,
  };
}

function listenProblem(address: string, error: unknown): string {
  const inUse = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
  return `health cannot be served on ${address}: ${inUse ? 'another program listens there' : messageOf(error)}`;
}

/** Which controllers work here. */
function decidesOf({ settings: { components, ...settings }, provider }: Pick<SuiteOptions, 'settings' | 'provider'>): {
  readonly hpa: boolean;
  readonly vpa: boolean;
  readonly nodes: boolean;
} {
  return {
    hpa: components.includes('hpa'),
    vpa: components.includes('vpa'),
    nodes: components.includes('cluster-autoscaler') && (provider !== undefined || scalesNodes(settings)),
  };
}
