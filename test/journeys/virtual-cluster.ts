import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { connectionFromDispatcher, type Connection } from '../../core/kube/index.ts';
import type { Decision } from '../../core/model/decision.ts';
import { startEmbeddedCluster, type EmbeddedCluster, type EmbeddedClusterOptions, type FleetOptions } from '../../simulator/index.ts';
import { runSettings, type RunSettings } from '../../cli/compose/settings.ts';
import { createSuite, type Suite } from '../../cli/compose/suite.ts';
import { resourceTypes } from '../../core/model/object.ts';
import { VirtualClock } from '../../core/runtime/clock.ts';
import { recordingLogger, type LogLine } from '../../core/runtime/logging.ts';
import { seededRandom } from '../../core/runtime/random.ts';
import { concertinaCrds } from '../../cli/compose/crds.ts';
import { setCpuLoad } from './cpu-load.ts';
import type { JourneyCluster, RunningController, ScaleWrite } from './journey-cluster.ts';

/** A copy of the program in this process, with what a test may look at. */
export interface VirtualController extends RunningController {
  isLeader(): boolean;
  /** It has begun to go down, by itself (the lease was lost) or because it was told to. */
  hasEnded(): boolean;
  /** Requests that it has sent so far, retries and watches included. */
  readonly requests: () => number;
  readonly log: readonly LogLine[];
}

export interface VirtualJourneyCluster extends JourneyCluster {
  readonly clock: VirtualClock;
  /** Everything of the cluster: API server with its faults and audit, kubelets, metrics API with its faults. */
  readonly embedded: EmbeddedCluster;
  startController(options?: VirtualControllerOptions): Promise<VirtualController>;
  stop(): Promise<void>;
}

export interface VirtualControllerOptions {
  readonly onDecision?: (decision: Decision) => void;
  /** As in a configuration file; health is served on any port, nothing is logged. */
  readonly settings?: SettingsInput;
}

/** Settings by name, as `--config` has them. */
export type SettingsInput = { readonly [Section in keyof RunSettings]?: unknown };

export interface VirtualClusterParts extends Pick<EmbeddedClusterOptions, 'adapter' | 'prometheus'> {
  /** Epoch milliseconds. TLS goes by real time: where certificates are verified, this has to be about now. */
  readonly startAt?: number;
}

/** The embedded cluster in virtual time, with the real cooldowns of 3 and 5 minutes. */
export async function startVirtualJourneyCluster(
  seed = 1,
  fleet: FleetOptions = {},
  { startAt = Date.UTC(2026, 10, 22, 6), ...parts }: VirtualClusterParts = {},
): Promise<VirtualJourneyCluster> {
  const clock = new VirtualClock(startAt);
  const random = seededRandom(seed);
  const starting = startEmbeddedCluster({
    clock,
    random,
    fleet,
    ...parts,
    nodes: ['a', 'b', 'c'].map((zone) => ({ name: `node-${zone}`, cpu: 16, memory: '32Gi', zone: `zone-${zone}` })),
  });
  const cluster = await starting;
  const sockets = watchSockets();
  clock.useSettle(async () => {
    do {
      await sockets.settle();
      await cluster.settle();
    } while (sockets.open() > 0);
  });
  const client = cluster.client('journeys');
  for (const crd of concertinaCrds()) await client.create(resourceTypes.customResourceDefinitions, crd);
  await clock.advance(5_000);

  const writes: (ScaleWrite & { readonly namespace: string })[] = [];
  cluster.api.onAudit((record) => {
    if (record.subresource !== 'scale' || record.code >= 300) return;
    const replicas = (record.requestObject as { spec?: { replicas?: number } } | undefined)?.spec?.replicas ?? 0;
    const { namespace = '', name = '', userAgent } = record;
    writes.push({ at: clock.now(), user: record.user.username, userAgent, namespace, name, replicas });
  });
  let namespaces = 0;
  let controllers = 0;

  const self: VirtualJourneyCluster = {
    name: 'embedded, virtual time',
    clock,
    embedded: cluster,
    client,
    timing: { scaleUpCooldown: 180_000, scaleDownCooldown: 300_000, reaction: 90_000 },
    now: () => clock.now(),
    elapse: (ms) => clock.advance(ms),
    until: (condition, limitMs) => clock.advanceUntil(condition, limitMs, 1_000),
    namespace: async () => {
      const name = `journey-${++namespaces}`;
      await client.create(resourceTypes.namespaces, { metadata: { name } });
      return name;
    },
    setLoad: (namespace, name, milli) => setCpuLoad(cluster.workload, { namespace, name, milli }),
    setMetricsFault: (fault) => {
      cluster.metrics.faults.unavailable = fault === 'unavailable';
      cluster.metrics.faults.emptyList = fault === 'empty';
    },
    startController: async ({ onDecision, settings = {} } = {}) => {
      const identity = `copy-${++controllers}`;
      const { connection, requests } = counted(cluster.connection());
      const logger = recordingLogger();
      const suite: Suite = createSuite({
        connection,
        clock,
        random,
        settings: runSettings.parse({ health: { address: '127.0.0.1:0' }, log: { level: 'silent' }, ...settings }),
        identity,
        leaseNamespace: 'default',
        logger,
        processMetrics: false,
        ...(cluster.prometheus === undefined ? {} : { network: { dispatcher: cluster.prometheus.dispatcher() } }),
        ...(onDecision === undefined ? {} : { onDecision }),
      });
      await suite.start();
      let stopped: Promise<unknown> | undefined;
      return {
        identity,
        isLeader: () => suite.isLeader(),
        hasEnded: () => suite.shutdown.signal.aborted,
        requests,
        log: logger.lines,
        stop: async () => {
          stopped ??= suite.shutdown.run('the journey ends');
          // Going down waits for answers that come only as time passes.
          const done = stopped.then(() => true);
          for (let turn = 0; turn < 60 && !(await Promise.race([done, Promise.resolve(false)])); turn++) await clock.advance(500);
          await done;
        },
      };
    },
    scaleWrites: (namespace) => Promise.resolve(writes.filter((write) => write.namespace === namespace)),
    stop: async () => {
      sockets.end();
      await cluster.stop();
    },
  };
  return self;
}

/** The program's requests over real sockets (it looks at its own webhook): time must not move on while one is under way. */
function watchSockets(): { open(): number; settle(): Promise<void>; end(): void } {
  let open = 0;
  const begun = (message: unknown): void => {
    open += 1;
    const { request } = message as { readonly request: NodeJS.EventEmitter };
    request.once('close', () => {
      open -= 1;
    });
  };
  subscribe('http.client.request.start', begun);
  return {
    open: () => open,
    settle: async () => {
      while (open > 0) await new Promise<void>((resolve) => setImmediate(resolve));
    },
    end: () => void unsubscribe('http.client.request.start', begun),
  };
}

/** The same connection, counting what is sent over it. */
function counted(connection: Connection): { readonly connection: Connection; readonly requests: () => number } {
  const { dispatcher } = connection;
  let sent = 0;
  const counting = new Proxy(dispatcher, {
    get: (target, key) => {
      if (key === 'dispatch') {
        return (...args: Parameters<typeof dispatcher.dispatch>) => {
          sent += 1;
          return target.dispatch(...args);
        };
      }
      const value: unknown = Reflect.get(target, key, target);
      // `request` must find the counting `dispatch` behind `this`; what touches private fields must not.
      return typeof value === 'function' && key !== 'request' ? (value as () => unknown).bind(target) : value;
    },
  });
  return { connection: connectionFromDispatcher({ server: connection.server, dispatcher: counting }), requests: () => sent };
}
