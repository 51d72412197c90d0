import process from 'node:process';
import type { Registry } from 'prom-client';
import {
  createAwsProvider,
  createClusterApiProvider,
  createNodesController,
  createProviderMetrics,
  houseEngine,
  type NodesController,
  type Provider,
} from '../../cluster-autoscaler/index.ts';
import { ConcertinaError, messageOf } from '../../core/errors.ts';
import type { Fence, KubeClient } from '../../core/kube/index.ts';
import type { Clock, Random } from '../../core/model/clock.ts';
import type { Decision } from '../../core/model/decision.ts';
import type { ScaleIntent } from '../../core/model/intent.ts';
import type { ObjectReference } from '../../core/model/object.ts';
import type { Logger } from '../../core/runtime/logging.ts';
import type { Mirrors } from './mirrors.ts';
import { nodesConfig } from './nodes-settings.ts';
import type { RunSettings } from './settings.ts';

/** What a cloud is made with. */
export interface ProviderParts {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly registry: Registry;
  /** Asked before every change. */
  readonly fence: Fence;
}

/** Makes the cloud of the settings; a test or a demo hands in another one. */
export type ProviderFactory = (parts: ProviderParts) => Provider;

export interface NodesOptions {
  /** Fenced by leadership and dry run. */
  readonly client: KubeClient;
  /** The same fence, for calls to the cloud. */
  readonly fence: Fence;
  readonly clock: Clock;
  /** Times what goes over sockets. */
  readonly transportClock: Clock;
  readonly random: Random;
  readonly settings: RunSettings;
  /** What the replicas controller is about to want. */
  readonly intents: () => readonly ScaleIntent[];
  readonly events: { record(event: { object: ObjectReference; type: 'Normal' | 'Warning'; reason: string; message: string }): void };
  readonly logger: Logger;
  readonly registry: Registry;
  /** Of this program. */
  readonly namespace: string;
  readonly onDecision: (decision: Decision) => void;
  readonly provider?: ProviderFactory | undefined;
}

/** The node controller with its cloud, as this program runs them. */
export interface Nodes {
  readonly controller: NodesController;
  start(): void;
  stop(): Promise<void>;
  close(): Promise<void>;
}

/** `undefined` where the mirrors have nothing for it: no cloud and no groups are named. */
export function createNodes(mirrors: Mirrors, options: NodesOptions): Nodes | undefined {
  const { client, fence, clock, transportClock, random, settings, registry, namespace } = options;
  const { nodes } = mirrors;
  if (nodes === undefined) return undefined;
  const logger = options.logger.child({ component: 'cluster-autoscaler' });
  const makeProvider = options.provider ?? ((parts) => providerOf(settings, parts));
  const provider = makeProvider({ client, clock: transportClock, random, logger, registry, fence });
  const controller = createNodesController(
    {
      client,
      fence,
      provider,
      reads: {
        pods: mirrors.pods,
        nodes: nodes.nodes,
        budgets: nodes.budgets,
        daemonPods: nodes.daemonPods,
        namespaces: nodes.namespaces,
        policies: nodes.policies,
        controllers: nodes.controllers,
        volumes: nodes.volumes,
        devices: nodes.devices,
        ageMs: () => oldestAge([mirrors.pods, nodes.nodes], transportClock),
      },
      intents: options.intents,
      clock,
      random,
      events: { emit: (object, event) => options.events.record({ object, ...event }) },
      logger,
      registry,
      config: nodesConfig(settings, {
        namespace,
        dryRun: settings.dryRun,
        cooldown: settings.cooldown,
        seed: Math.floor(random() * 2 ** 31),
        gpuLabel: provider.gpuLabel,
        ignoredLabels: provider.ignoredLabels,
      }),
      onDecision: options.onDecision,
    },
    houseEngine,
  );
  return {
    controller,
    start: () => controller.start(),
    stop: () => controller.stop(),
    close: async () => {
      try {
        await provider.close();
      } catch (error) {
        logger.debug('the cloud could not be closed', { error: messageOf(error) });
      }
    },
  };
}

export type CloudSettings = Pick<RunSettings, 'cloudProvider' | 'nodes' | 'nodeGroupAutoDiscovery' | 'compat' | 'awsUseStaticInstanceList'>;

/** The cloud that the settings name. `environment`: what Cluster API is told by, as upstream has it. */
export function providerOf(
  settings: CloudSettings,
  parts: ProviderParts,
  environment: Readonly<NodeJS.ProcessEnv> = process.env,
): Provider {
  const { cloudProvider, nodes: groups, nodeGroupAutoDiscovery: discovery, compat, awsUseStaticInstanceList } = settings;
  const { client, clock, random, logger, registry, fence } = parts;
  switch (cloudProvider) {
    case 'aws':
      return createAwsProvider({
        clock,
        random,
        groups,
        discovery,
        logger,
        compat,
        fence,
        ...(awsUseStaticInstanceList === undefined ? {} : { staticInstanceTypes: awsUseStaticInstanceList }),
        onCall: createProviderMetrics(registry, 'aws'),
      });
    case 'clusterapi':
      return createClusterApiProvider({
        client,
        clock,
        random,
        discovery,
        logger,
        group: stated(environment['CAPI_GROUP']),
        version: stated(environment['CAPI_VERSION']),
        defaultArchitecture: stated(environment['CAPI_SCALE_ZERO_DEFAULT_ARCH']),
      });
    case 'none':
      throw new ConcertinaError('INTERNAL', 'there is no cloud to make a provider of: cloudProvider is none');
  }
}

function stated(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

/** Milliseconds since the one that is silent for longest heard anything. */
function oldestAge(mirrors: readonly { stats(): { readonly lastProgressAt: number | undefined } }[], clock: Clock): number | undefined {
  const ages = mirrors.map((mirror) => {
    const heard = mirror.stats().lastProgressAt;
    return heard === undefined ? undefined : clock.monotonic() - heard;
  });
  return ages.reduce<number | undefined>((oldest, age) => (age === undefined ? oldest : Math.max(oldest ?? 0, age)), undefined);
}
