import { z } from 'zod';
import {
  defaultActuationConfig,
  defaultGroupOptions,
  defaultLoopOptions,
  defaultNodesHealthConfig,
  defaultStatusConfigMap,
  parseDrainPriorities,
  parseGpuLimit,
  upstreamGroupOptions,
  upstreamLoopOptions,
  type ExpanderName,
  type LoopOptions,
  type NodesConfig,
} from '../../cluster-autoscaler/index.ts';
import { durationMs } from '../../core/runtime/config.ts';
import { notA, number, parsed, range, wholeFrom } from './setting-parts.ts';

const expanders = [
  'least-waste',
  'most-pods',
  'least-nodes',
  'price',
  'cost',
  'priority',
  'random',
] as const satisfies readonly ExpanderName[];

/** A setting without a default of its own: that depends on `compat`. The text tells upstream's. */
const time = (about: string, standard: string) => durationMs().optional().describe(`${about} (${standard})`);
const truth = (about: string, standard: boolean | string) =>
  z
    .boolean(notA('true or false'))
    .optional()
    .describe(`${about} (${String(standard)})`);
const count = (about: string, standard: number, least = 0) => wholeFrom(least).optional().describe(`${about} (${standard})`);
const share = (about: string, standard: number) =>
  number('a number from 0 to 1', (value) => value >= 0 && value <= 1)
    .optional()
    .describe(`${about} (${standard})`);
const words = (about: string) => z.array(z.string().min(1)).optional().describe(about);

/** `min:max:name`, split at the first two colons. */
const namedGroup = z
  .string()
  .regex(/^\d{1,6}:\d{1,6}:.+$/, notA('MIN:MAX:NAME, like 1:10:my-asg'))
  .refine((text) => Number(text.split(':')[0]) <= Number(text.split(':')[1]), {
    error: ({ input }) => `${JSON.stringify(input)} has a minimum above its maximum`,
  });

/** Values of `--node-group-auto-discovery` have commas of their own: what does not begin with the name of a provider goes on with the one before. */
function joinedDiscovery(parts: readonly string[]): string[] {
  const joined: string[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    if (last === undefined || /^[a-z]+:/.test(part)) joined.push(part);
    else joined[joined.length - 1] = `${last},${part}`;
  }
  return joined;
}

/** What the node controller may be told, under the names of upstream's flags; shared by `run`, `recommend`, `explain` and `demo`. */
export const nodesSettings = {
  cloudProvider: z
    .enum(['aws', 'clusterapi', 'none'], notA('aws, clusterapi or none'))
    .default('none')
    .describe('Whose node groups are scaled: aws (Auto Scaling groups), clusterapi, or none (none)'),
  nodes: z.array(namedGroup).default([]).describe('Node groups as MIN:MAX:NAME; may be given several times, or with commas (none)'),
  nodeGroupAutoDiscovery: z
    .array(z.string().min(1))
    .default([])
    .transform(joinedDiscovery)
    .describe('Node groups by their tags: asg:tag=KEY,KEY=VALUE or clusterapi:namespace=NAMESPACE,clusterName=NAME (none)'),
  compat: z
    .enum(['none', 'cluster-autoscaler'], notA('none or cluster-autoscaler'))
    .default('none')
    .describe('With cluster-autoscaler: decisions, delays and defaults of upstream, one pool a loop, no look-ahead (none)'),
  expander: z
    .array(z.enum(expanders, notA(`one of ${expanders.join(', ')}`)))
    .min(1)
    .optional()
    .describe('What chooses among pools that help, one after the other; separated by commas (least-waste)'),
  scanInterval: durationMs({ minMs: 100 }).optional().describe('Time between two loops of the node controller (10s)'),
  frequentLoopsEnabled: truth('Loop at once after a change, and when a pod turns unschedulable', true),
  maxNodesTotal: count('Most nodes in the cluster, 0 for any number', 0),
  coresTotal: range('Bounds of the cores of the cluster, MIN:MAX', '0:320000'),
  memoryTotal: range('Bounds of the memory of the cluster in GiB, MIN:MAX', '0:6400000'),
  gpuTotal: z
    .array(parsed(parseGpuLimit))
    .refine((limits) => new Set(limits.map(({ type }) => type)).size === limits.length, 'names a type of GPU twice')
    .optional()
    .describe(
      'Bounds of the GPUs of a type in the cluster, TYPE:MIN:MAX; the type is the value of the cloud’s GPU label (AWS: k8s.amazonaws.com/accelerator, Cluster API: cluster-api/accelerator); may be given several times (none)',
    ),
  maxNodesPerScaleup: count('Most nodes that are added at once', 1000, 1),
  balanceSimilarNodeGroups: truth('Keep groups of the same kind at the same size when they grow', false),
  balancingIgnoreLabel: words('Labels that do not make groups different, besides those that never do (none)'),
  balancingLabel: words('The only labels by which groups are compared (all)'),
  memoryDifferenceRatio: share('Groups are of the same kind with this difference of memory', 0.015),
  maxFreeDifferenceRatio: share('And with this difference of what is free', 0.05),
  maxAllocatableDifferenceRatio: share('And with this difference of what is allocatable', 0.05),
  parallelScaleUp: truth('Ask for several groups at once', false),
  enforceNodeGroupMinSize: truth('Raise groups to their minimum', 'true; false with compat'),
  forceDs: truth('Count the pods of DaemonSets that a node of the group does not have yet', 'true; false with compat'),
  newPodScaleUpDelay: time('Pods younger than this do not make groups grow', '0s'),
  expendablePodsPriorityCutoff: number('a whole number', Number.isInteger)
    .optional()
    .describe('Pods of lower priority neither make groups grow nor keep nodes (-10)'),
  bypassedSchedulerNames: words('Schedulers whose pods are not waited for to be found unschedulable (none)'),
  startupTaint: words('Taints of nodes that are still starting (none)'),
  ignoreTaint: words('The same, by its old name (none)'),
  statusTaint: words('Taints that say something of the state of a node and are not of its group (none)'),
  maxNodeProvisionTime: time('A node that has not come after so long is given up', '15m'),
  maxNodeStartupTime: time('So young a node may be not ready without being unready', '15m'),
  okTotalUnreadyCount: count('So many unready nodes are no sign of a broken cluster', 3),
  maxTotalUnreadyPercentage: number('a number from 0 to 100', (value) => value >= 0 && value <= 100)
    .optional()
    .describe('Nor is this share of them, percent (45)'),
  initialNodeGroupBackoffDuration: time('A group that could not grow is not asked for so long', '5m'),
  maxNodeGroupBackoffDuration: time('Longest such pause; it doubles with each failure', '30m'),
  nodeGroupBackoffResetTimeout: time('Failures this long ago do not count', '3h'),
  maxNodegroupBinpackingDuration: time('Longest simulation of one group', '10s'),
  maxBinpackingTime: time('Longest simulation of all groups', '5m'),
  scaleDown: z
    .strictObject({
      enabled: truth('Remove nodes', true),
      unreadyEnabled: truth('Remove nodes that are not ready', true),
      unneededTime: time('How long a node has to be unneeded', '10m'),
      unreadyTime: time('The same for a node that is not ready', '20m'),
      utilizationThreshold: share('A node whose pods request at most this share of it may go', 0.5),
      gpuUtilizationThreshold: share('The same for nodes with GPUs', 0.5),
      delayAfterAdd: time(
        'No removal for so long after a scale-up; without compat the cooldowns of the groups stand for it',
        '0s; 10m with compat',
      ),
      delayAfterDelete: time('The same after a removal', '0s'),
      delayAfterFailure: time('The same after one that failed', '0s; 3m with compat'),
      delayTypeLocal: truth('These delays count for each group by itself', false),
      simulationTimeout: time('Longest simulation of removals in one loop', '30s'),
    })
    .prefault({}),
  ignoreDaemonsetsUtilization: truth('Pods of DaemonSets do not count as use of a node', false),
  ignoreMirrorPodsUtilization: truth('Static pods do not count as use of a node', false),
  unremovableNodeRecheckTimeout: time('A node that could not go is looked at again after so long', '5m'),
  nodeDeletionCandidateTtl: time(
    'For how long what an earlier process knew of unneeded nodes is believed after a restart, saved or marked by soft taints; 0s: they count anew',
    '30m; 0s with compat',
  ),
  maxScaleDownParallelism: count('Most nodes that are being removed', 10, 1),
  maxDrainParallelism: count('How many of them may have pods that have to move', 1, 1),
  maxBulkSoftTaintCount: count('Most unneeded nodes that are marked in one loop, 0 for none', 10),
  maxBulkSoftTaintTime: time('And for at most so long', '3s'),
  skipNodesWithSystemPods: truth('Nodes with pods of kube-system that no budget covers stay for an hour', true),
  skipNodesWithLocalStorage: truth('Nodes with pods that use emptyDir or hostPath stay', true),
  skipNodesWithCustomControllerPods: truth('Nodes with pods of unknown controllers stay', true),
  minReplicaCount: count('Nodes with pods of smaller ReplicaSets stay', 0),
  blockingSystemPodDistruptionTimeout: time('How long a pod of kube-system keeps its node', '1h'),
  forceDeleteUnregisteredNodes: truth('Give back machines that never became nodes also below the minimum', false),
  forceDeleteFailedNodes: truth('The same for machines that failed', false),
  nodeDeleteDelayAfterTaint: time('Time from the taint of a node to its removal', '5s'),
  nodeDeletionDelayTimeout: time('Longest wait for annotations that delay a removal', '2m'),
  nodeDeletionBatcherInterval: time('Nodes of a group that may go are collected for so long and given back together', '0s'),
  maxGracefulTerminationSec: count('Most seconds that a pod gets to end, 0 for as long as it says itself', 600),
  drainPriorityConfig: parsed(parseDrainPriorities)
    .optional()
    .describe(
      'Evict pods by priority, lowest first, each group with its own longest time to end: PRIORITY:SECONDS,PRIORITY:SECONDS; in place of maxGracefulTerminationSec (all at once)',
    ),
  maxPodEvictionTime: time('How long an eviction that is refused is tried again', '2m'),
  cordonNodeBeforeTerminating: truth('Cordon a node that is being removed', true),
  daemonsetEvictionForEmptyNodes: truth('Evict pods of DaemonSets from empty nodes', false),
  daemonsetEvictionForOccupiedNodes: truth('Evict pods of DaemonSets from other nodes', true),
  writeStatusConfigmap: truth('Write the status ConfigMap', true),
  statusConfigMapName: z.string().min(1).optional().describe(`Its name, in the program’s namespace (${defaultStatusConfigMap})`),
  recordDuplicatedEvents: truth('Write equal events more often than once in five minutes', false),
  emitPerNodegroupMetrics: truth('Metrics of each node group', false),
  maxInactivity: time('Unhealthy when no loop has begun for so long', '10m'),
  maxFailingTime: time('Unhealthy when no loop has succeeded for so long', '15m'),
  maxStartupTime: time('Unhealthy when the first success takes longer', '20m'),
  awsUseStaticInstanceList: truth('Never ask EC2 about instance types', false),
};

const schema = z.strictObject(nodesSettings);

export type NodesSettings = z.output<typeof schema>;

/** Flags of the node controller that may stand alone, as upstream's: `--balance-similar-node-groups`. */
export const nodeSwitches: ReadonlySet<string> = new Set(
  Object.entries({ ...nodesSettings, ...nodesSettings.scaleDown.def.innerType.shape }).flatMap(([name, each]) =>
    each instanceof z.ZodOptional && each.def.innerType instanceof z.ZodBoolean ? [name] : [],
  ),
);

/** Flags that upstream lets people give several times; each adds to the list. */
export const repeatableFlags = [
  'nodes',
  'node-group-auto-discovery',
  'gpu-total',
  'balancing-ignore-label',
  'balancing-label',
  'startup-taint',
  'ignore-taint',
  'status-taint',
];

/** `--nodes=a --nodes=b` as `--nodes=a,b`: the parser lets the last one win, which would silently forget a node group. */
export function joinRepeated(given: readonly string[], names: readonly string[] = repeatableFlags): string[] {
  const joined: string[] = [];
  const places = new Map<string, number>();
  for (let index = 0; index < given.length; index += 1) {
    const word = given[index] ?? '';
    const [, name = '', inline] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
    const next = given[index + 1];
    const value = inline ?? (next?.startsWith('-') === true ? undefined : next);
    if (!names.includes(name) || value === undefined) {
      joined.push(word);
      continue;
    }
    if (inline === undefined) index += 1;
    const place = places.get(name);
    if (place === undefined) places.set(name, joined.push(`--${name}=${value}`) - 1);
    else joined[place] = `${joined[place] ?? ''},${value}`;
  }
  return joined;
}

interface Rule {
  readonly path: readonly string[];
  readonly error: string;
  readonly holds: (settings: NodesSettings) => boolean;
}

const rules: readonly Rule[] = [
  {
    path: ['nodes'],
    error: 'node groups are named, and nobody whose they are: set cloudProvider to aws',
    holds: ({ cloudProvider, nodes }) => cloudProvider !== 'none' || nodes.length === 0,
  },
  {
    path: ['nodes'],
    error: 'Cluster API has no groups by name: write the bounds in their annotations, and choose by nodeGroupAutoDiscovery',
    holds: ({ cloudProvider, nodes }) => cloudProvider !== 'clusterapi' || nodes.length === 0,
  },
  {
    path: ['nodeGroupAutoDiscovery'],
    error: 'node groups are looked for, and nobody whose they are: set cloudProvider to aws or clusterapi',
    holds: ({ cloudProvider, nodeGroupAutoDiscovery }) => cloudProvider !== 'none' || nodeGroupAutoDiscovery.length === 0,
  },
  {
    path: ['nodeGroupAutoDiscovery'],
    error: 'does not fit to cloudProvider: write asg:tag=… for aws, clusterapi:… for clusterapi',
    holds: ({ cloudProvider, nodeGroupAutoDiscovery }) =>
      cloudProvider === 'none' || nodeGroupAutoDiscovery.every((each) => each.startsWith(cloudProvider === 'aws' ? 'asg:' : 'clusterapi:')),
  },
  {
    path: ['balancingLabel'],
    error: 'balancingLabel names the only labels that count, balancingIgnoreLabel those that do not: leave one of the two out',
    holds: ({ balancingLabel, balancingIgnoreLabel }) => balancingLabel === undefined || balancingIgnoreLabel === undefined,
  },
  {
    path: ['maxDrainParallelism'],
    error: 'must not be more than maxScaleDownParallelism, of which it is a part',
    holds: ({ maxDrainParallelism, maxScaleDownParallelism }) =>
      (maxDrainParallelism ?? upstreamLoopOptions.maxDrainParallelism) <=
      (maxScaleDownParallelism ?? upstreamLoopOptions.maxScaleDownParallelism),
  },
  {
    path: ['drainPriorityConfig'],
    error: 'and maxGracefulTerminationSec both say how long pods get to end: leave one of the two out',
    holds: ({ drainPriorityConfig, maxGracefulTerminationSec = 600 }) =>
      drainPriorityConfig === undefined || maxGracefulTerminationSec * 1000 === defaultActuationConfig.maxGracefulTerminationMs,
  },
  {
    path: ['initialNodeGroupBackoffDuration'],
    error: 'must not be longer than maxNodeGroupBackoffDuration',
    holds: ({ initialNodeGroupBackoffDuration, maxNodeGroupBackoffDuration }) =>
      (initialNodeGroupBackoffDuration ?? upstreamLoopOptions.initialBackoffMs) <=
      (maxNodeGroupBackoffDuration ?? upstreamLoopOptions.maxBackoffMs),
  },
  {
    path: ['statusConfigMapName'],
    error: 'names a ConfigMap that writeStatusConfigmap says not to write: leave one of the two out',
    holds: ({ statusConfigMapName, writeStatusConfigmap }) => statusConfigMapName === undefined || writeStatusConfigmap !== false,
  },
];

/** The schema with the rules that stand between settings of the node controller. */
export function withNodesRules<S extends z.ZodType<NodesSettings>>(given: S): S {
  return rules.reduce<S>((all, { path, error, holds }) => all.refine(holds, { path: [...path], error }), given);
}

/** Whether there are node groups to scale. */
export function scalesNodes({ cloudProvider, nodes, nodeGroupAutoDiscovery }: NodesSettings): boolean {
  return cloudProvider !== 'none' && (cloudProvider === 'clusterapi' || nodes.length + nodeGroupAutoDiscovery.length > 0);
}

export interface NodesConfigContext {
  readonly dryRun?: boolean | undefined;
  readonly namespace: string;
  readonly seed?: number | undefined;
  readonly cooldown: { readonly scaleUp: number; readonly scaleDown: number };
  /** What the cloud is like. */
  readonly gpuLabel?: string | undefined;
  readonly ignoredLabels?: readonly string[] | undefined;
}

/** Settings as the node controller takes them: what is not given is as `compat` says. */
export function nodesConfig(settings: NodesSettings, context: NodesConfigContext): NodesConfig {
  const { scaleDown } = settings;
  const upstream = settings.compat === 'cluster-autoscaler';
  const group = upstream
    ? upstreamGroupOptions
    : { ...defaultGroupOptions, cooldown: { scaleUpMs: context.cooldown.scaleUp, scaleDownMs: context.cooldown.scaleDown } };
  const { actionable: _actionable, ...groupDefaults } = group;
  return {
    loop: loopOptions(settings, context),
    group: {
      ...groupDefaults,
      ...given({
        utilizationThreshold: scaleDown.utilizationThreshold,
        gpuUtilizationThreshold: scaleDown.gpuUtilizationThreshold,
        unneededMs: scaleDown.unneededTime,
        unreadyMs: scaleDown.unreadyTime,
        maxProvisionMs: settings.maxNodeProvisionTime,
        maxStartupMs: settings.maxNodeStartupTime,
        ignoreDaemonSetsUtilization: settings.ignoreDaemonsetsUtilization,
      }),
    },
    actuation: {
      ...defaultActuationConfig,
      ...given({
        deleteDelayAfterTaintMs: settings.nodeDeleteDelayAfterTaint,
        deletionDelayTimeoutMs: settings.nodeDeletionDelayTimeout,
        maxGracefulTerminationMs: settings.maxGracefulTerminationSec === undefined ? undefined : settings.maxGracefulTerminationSec * 1000,
        deletionBatcherIntervalMs: settings.nodeDeletionBatcherInterval,
        drainPriorities: settings.drainPriorityConfig,
        maxPodEvictionMs: settings.maxPodEvictionTime,
        cordonNode: settings.cordonNodeBeforeTerminating,
        evictDaemonsFromEmpty: settings.daemonsetEvictionForEmptyNodes,
        evictDaemonsFromOccupied: settings.daemonsetEvictionForOccupiedNodes,
        maxBulkSoftTaintMs: settings.maxBulkSoftTaintTime,
      }),
    },
    health: {
      ...defaultNodesHealthConfig,
      ...given({ maxInactivityMs: settings.maxInactivity, maxFailingMs: settings.maxFailingTime, maxStartupMs: settings.maxStartupTime }),
    },
    frequentLoops: settings.frequentLoopsEnabled ?? true,
    namespace: context.namespace,
    statusConfigMap: settings.writeStatusConfigmap === false ? undefined : (settings.statusConfigMapName ?? defaultStatusConfigMap),
    duplicatedEvents: settings.recordDuplicatedEvents ?? false,
    groupMetrics: settings.emitPerNodegroupMetrics ?? false,
    dryRun: context.dryRun ?? false,
  };
}

function loopOptions(settings: NodesSettings, { seed = 0, gpuLabel = '', ignoredLabels = [] }: NodesConfigContext): LoopOptions {
  const { scaleDown, startupTaint = [], ignoreTaint = [] } = settings;
  const base = settings.compat === 'cluster-autoscaler' ? upstreamLoopOptions : defaultLoopOptions;
  return {
    ...base,
    seed,
    gpuLabel,
    providerIgnoredLabels: ignoredLabels,
    startupTaints: [...startupTaint, ...ignoreTaint],
    ...given({
      expanders: settings.expander,
      scanIntervalMs: settings.scanInterval,
      maxNodesTotal: settings.maxNodesTotal,
      cores: settings.coresTotal,
      memoryGiB: settings.memoryTotal,
      gpus: settings.gpuTotal,
      maxNodesPerScaleUp: settings.maxNodesPerScaleup,
      balanceSimilarNodeGroups: settings.balanceSimilarNodeGroups,
      balancingIgnoreLabels: settings.balancingIgnoreLabel,
      balancingLabels: settings.balancingLabel,
      memoryDifferenceRatio: settings.memoryDifferenceRatio,
      maxFreeDifferenceRatio: settings.maxFreeDifferenceRatio,
      maxAllocatableDifferenceRatio: settings.maxAllocatableDifferenceRatio,
      parallelScaleUp: settings.parallelScaleUp,
      enforceNodeGroupMinSize: settings.enforceNodeGroupMinSize,
      forceDaemonSets: settings.forceDs,
      newPodScaleUpDelayMs: settings.newPodScaleUpDelay,
      expendablePodsPriorityCutoff: settings.expendablePodsPriorityCutoff,
      bypassedSchedulerNames: settings.bypassedSchedulerNames,
      statusTaints: settings.statusTaint,
      okTotalUnreadyCount: settings.okTotalUnreadyCount,
      maxTotalUnreadyPercentage: settings.maxTotalUnreadyPercentage,
      initialBackoffMs: settings.initialNodeGroupBackoffDuration,
      maxBackoffMs: settings.maxNodeGroupBackoffDuration,
      backoffResetMs: settings.nodeGroupBackoffResetTimeout,
      maxNodeGroupBinpackingMs: settings.maxNodegroupBinpackingDuration,
      maxBinpackingMs: settings.maxBinpackingTime,
      scaleDownEnabled: scaleDown.enabled,
      scaleDownUnreadyEnabled: scaleDown.unreadyEnabled,
      scaleDownDelayAfterAddMs: scaleDown.delayAfterAdd,
      scaleDownDelayAfterDeleteMs: scaleDown.delayAfterDelete,
      scaleDownDelayAfterFailureMs: scaleDown.delayAfterFailure,
      scaleDownDelayTypeLocal: scaleDown.delayTypeLocal,
      scaleDownSimulationTimeoutMs: scaleDown.simulationTimeout,
      ignoreMirrorPodsUtilization: settings.ignoreMirrorPodsUtilization,
      unremovableNodeRecheckMs: settings.unremovableNodeRecheckTimeout,
      candidateTtlMs: settings.nodeDeletionCandidateTtl,
      maxScaleDownParallelism: settings.maxScaleDownParallelism,
      maxDrainParallelism: settings.maxDrainParallelism,
      maxBulkSoftTaintCount: settings.maxBulkSoftTaintCount,
      skipNodesWithSystemPods: settings.skipNodesWithSystemPods,
      skipNodesWithLocalStorage: settings.skipNodesWithLocalStorage,
      skipNodesWithCustomControllerPods: settings.skipNodesWithCustomControllerPods,
      minReplicaCount: settings.minReplicaCount,
      blockingSystemPodMs: settings.blockingSystemPodDistruptionTimeout,
      forceDeleteUnregisteredNodes: settings.forceDeleteUnregisteredNodes,
      forceDeleteFailedNodes: settings.forceDeleteFailedNodes,
    }),
  };
}

/** Only what is set. */
function given<T extends object>(values: T): { readonly [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    readonly [K in keyof T]?: NonNullable<T[K]>;
  };
}
