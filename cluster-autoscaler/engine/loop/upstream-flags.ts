import { ConcertinaError } from '../../../core/errors.ts';
import { tryParseDurationMs } from '../../../core/units/index.ts';
import type { NodeGroupOptions } from '../model.ts';
import { parseDrainPriorities, parseGpuLimit } from './flag-values.ts';
import type { ExpanderName, LoopOptions } from './model.ts';
import { upstreamActuationOptions, upstreamGroupOptions, upstreamLoopOptions, type ActuationOptions } from './options.ts';

/** What an upstream command line says. */
export interface UpstreamOptions {
  readonly loop: LoopOptions;
  /** Defaults of groups. */
  readonly group: NodeGroupOptions;
  readonly actuation: ActuationOptions;
  /** Names of flags that were given, that upstream has and that change nothing here. */
  readonly ignored: readonly string[];
}

type Draft<Options> = { -readonly [Key in keyof Options]: Options[Key] };

interface Drafts {
  readonly loop: Draft<LoopOptions>;
  readonly group: Draft<NodeGroupOptions>;
  readonly actuation: Draft<ActuationOptions>;
}

/** Puts the text of a flag where it belongs; the answer is what is wrong with it. */
type Setter = (drafts: Drafts, text: string) => string | undefined;

/** Keys of the options whose values are of one type. */
type KeysOf<Options, Value> = {
  [Key in keyof Options]: Options[Key] extends Value ? (Value extends Options[Key] ? Key : never) : never;
}[keyof Options];

/** Names a part of the drafts and a key of it. */
type Place<Value> =
  | readonly ['loop', KeysOf<LoopOptions, Value>]
  | readonly ['group', KeysOf<NodeGroupOptions, Value>]
  | readonly ['actuation', KeysOf<ActuationOptions, Value>];

function put(drafts: Drafts, [part, key]: readonly [keyof Drafts, string], value: unknown): undefined {
  Object.assign(drafts[part], { [key]: value });
}

function duration(...place: Place<number>): Setter {
  return (drafts, text) => {
    const ms = tryParseDurationMs(text);
    return ms === undefined || ms < 0 ? 'is not a duration such as 90s or 10m' : put(drafts, place, ms);
  };
}

function number(...place: Place<number>): Setter {
  return (drafts, text) => {
    const value = Number(text);
    return text.trim() === '' || !Number.isFinite(value) ? 'is not a number' : put(drafts, place, value);
  };
}

function seconds(...place: Place<number>): Setter {
  return (drafts, text) => {
    const value = Number(text);
    return text.trim() === '' || !Number.isFinite(value) || value < 0 ? 'is not a number of seconds' : put(drafts, place, value * 1000);
  };
}

function flag(...place: Place<boolean>): Setter {
  return (drafts, text) => {
    const value = booleans[text.toLowerCase()];
    return value === undefined ? 'is neither true nor false' : put(drafts, place, value);
  };
}

const booleans: Readonly<Record<string, boolean>> = { true: true, '1': true, t: true, false: false, '0': false, f: false };

/** A flag that may be given several times. */
function repeated(key: KeysOf<LoopOptions, readonly string[]>): Setter {
  return (drafts, text) => put(drafts, ['loop', key], [...drafts.loop[key], text]);
}

function commaList(...place: Place<readonly string[]>): Setter {
  return (drafts, text) => put(drafts, place, namesIn(text));
}

function namesIn(text: string): readonly string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

function range(key: 'cores' | 'memoryGiB'): Setter {
  return (drafts, text) => {
    const match = /^(\d+):(\d+)$/.exec(text);
    const [min, max] = [Number(match?.[1]), Number(match?.[2])];
    if (match === null || min > max) return 'is not min:max with whole numbers, the smaller first';
    return put(drafts, ['loop', key], { min, max });
  };
}

function gpuLimit(drafts: Drafts, text: string): string | undefined {
  const limit = parseGpuLimit(text);
  if (typeof limit === 'string') return limit;
  const { gpus } = drafts.loop;
  return gpus.some(({ type }) => type === limit.type) ? 'is the second one for its type' : put(drafts, ['loop', 'gpus'], [...gpus, limit]);
}

function drainPriorities(drafts: Drafts, text: string): string | undefined {
  // Given and empty is as good as not given, as upstream.
  const priorities = text === '' ? [] : parseDrainPriorities(text);
  return typeof priorities === 'string' ? priorities : put(drafts, ['actuation', 'drainPriorities'], priorities);
}

const expanderNames: readonly string[] = [
  'random',
  'most-pods',
  'least-nodes',
  'least-waste',
  'price',
  'priority',
  'cost',
] satisfies ExpanderName[];

function expanders(drafts: Drafts, text: string): string | undefined {
  const names = namesIn(text);
  const unknown = names.find((name) => !expanderNames.includes(name));
  if (unknown !== undefined) return `names ${unknown}, which is not supported: use ${expanderNames.join(', ')}`;
  if (names.length === 0 || new Set(names).size !== names.length) return 'names no expander or one twice';
  return put(drafts, ['loop', 'expanders'], names);
}

const setters: Readonly<Record<string, Setter>> = {
  expander: expanders,
  'balance-similar-node-groups': flag('loop', 'balanceSimilarNodeGroups'),
  'balancing-ignore-label': repeated('balancingIgnoreLabels'),
  'balancing-label': repeated('balancingLabels'),
  'memory-difference-ratio': number('loop', 'memoryDifferenceRatio'),
  'max-free-difference-ratio': number('loop', 'maxFreeDifferenceRatio'),
  'max-allocatable-difference-ratio': number('loop', 'maxAllocatableDifferenceRatio'),
  'max-nodes-total': number('loop', 'maxNodesTotal'),
  'cores-total': range('cores'),
  'memory-total': range('memoryGiB'),
  'gpu-total': gpuLimit,
  'max-nodes-per-scaleup': number('loop', 'maxNodesPerScaleUp'),
  'max-nodegroup-binpacking-duration': duration('loop', 'maxNodeGroupBinpackingMs'),
  'max-binpacking-time': duration('loop', 'maxBinpackingMs'),
  'ok-total-unready-count': number('loop', 'okTotalUnreadyCount'),
  'max-total-unready-percentage': number('loop', 'maxTotalUnreadyPercentage'),
  'initial-node-group-backoff-duration': duration('loop', 'initialBackoffMs'),
  'max-node-group-backoff-duration': duration('loop', 'maxBackoffMs'),
  'node-group-backoff-reset-timeout': duration('loop', 'backoffResetMs'),
  'new-pod-scale-up-delay': duration('loop', 'newPodScaleUpDelayMs'),
  'expendable-pods-priority-cutoff': number('loop', 'expendablePodsPriorityCutoff'),
  'enforce-node-group-min-size': flag('loop', 'enforceNodeGroupMinSize'),
  'force-ds': flag('loop', 'forceDaemonSets'),
  'parallel-scale-up': flag('loop', 'parallelScaleUp'),
  'scale-down-enabled': flag('loop', 'scaleDownEnabled'),
  'scale-down-unready-enabled': flag('loop', 'scaleDownUnreadyEnabled'),
  'scale-down-delay-after-add': duration('loop', 'scaleDownDelayAfterAddMs'),
  'scale-down-delay-after-delete': duration('loop', 'scaleDownDelayAfterDeleteMs'),
  'scale-down-delay-after-failure': duration('loop', 'scaleDownDelayAfterFailureMs'),
  'scale-down-delay-type-local': flag('loop', 'scaleDownDelayTypeLocal'),
  'ignore-mirror-pods-utilization': flag('loop', 'ignoreMirrorPodsUtilization'),
  'scale-down-simulation-timeout': duration('loop', 'scaleDownSimulationTimeoutMs'),
  'unremovable-node-recheck-timeout': duration('loop', 'unremovableNodeRecheckMs'),
  'node-deletion-candidate-ttl': duration('loop', 'candidateTtlMs'),
  'max-scale-down-parallelism': number('loop', 'maxScaleDownParallelism'),
  'max-drain-parallelism': number('loop', 'maxDrainParallelism'),
  'max-bulk-soft-taint-count': number('loop', 'maxBulkSoftTaintCount'),
  'skip-nodes-with-system-pods': flag('loop', 'skipNodesWithSystemPods'),
  'skip-nodes-with-local-storage': flag('loop', 'skipNodesWithLocalStorage'),
  'skip-nodes-with-custom-controller-pods': flag('loop', 'skipNodesWithCustomControllerPods'),
  'min-replica-count': number('loop', 'minReplicaCount'),
  'blocking-system-pod-distruption-timeout': duration('loop', 'blockingSystemPodMs'),
  'force-delete-unregistered-nodes': flag('loop', 'forceDeleteUnregisteredNodes'),
  'force-delete-failed-nodes': flag('loop', 'forceDeleteFailedNodes'),
  'startup-taint': repeated('startupTaints'),
  'ignore-taint': repeated('startupTaints'),
  'status-taint': repeated('statusTaints'),
  'scan-interval': duration('loop', 'scanIntervalMs'),
  'bypassed-scheduler-names': commaList('loop', 'bypassedSchedulerNames'),
  'scale-down-utilization-threshold': number('group', 'utilizationThreshold'),
  'scale-down-gpu-utilization-threshold': number('group', 'gpuUtilizationThreshold'),
  'scale-down-unneeded-time': duration('group', 'unneededMs'),
  'scale-down-unready-time': duration('group', 'unreadyMs'),
  'max-node-provision-time': duration('group', 'maxProvisionMs'),
  'max-node-startup-time': duration('group', 'maxStartupMs'),
  'ignore-daemonsets-utilization': flag('group', 'ignoreDaemonSetsUtilization'),
  'node-delete-delay-after-taint': duration('actuation', 'deleteDelayAfterTaintMs'),
  'node-deletion-delay-timeout': duration('actuation', 'deletionDelayTimeoutMs'),
  'node-deletion-batcher-interval': duration('actuation', 'deletionBatcherIntervalMs'),
  'max-graceful-termination-sec': seconds('actuation', 'maxGracefulTerminationMs'),
  'drain-priority-config': drainPriorities,
  'max-pod-eviction-time': duration('actuation', 'maxPodEvictionMs'),
  'cordon-node-before-terminating': flag('actuation', 'cordonNode'),
  'daemonset-eviction-for-occupied-nodes': flag('actuation', 'evictDaemonsFromOccupied'),
  'daemonset-eviction-for-empty-nodes': flag('actuation', 'evictDaemonsFromEmpty'),
  'max-bulk-soft-taint-time': duration('actuation', 'maxBulkSoftTaintMs'),
};

/** Flags that say how upstream's process runs, what it shows or what it does elsewhere, or that do nothing any more. */
const withoutInfluence: ReadonlySet<string> = new Set(
  `v vmodule logtostderr stderrthreshold alsologtostderr add-dir-header skip-headers log-dir log-file log-file-max-size one-output logging-format address
  namespace cluster-name kubeconfig kubernetes kube-client-qps kube-client-burst cloud-provider cloud-config nodes node-group-auto-discovery
  leader-elect leader-elect-lease-duration leader-elect-renew-deadline leader-elect-resource-lock leader-elect-resource-name
  leader-elect-resource-namespace leader-elect-retry-period lease-resource-name max-inactivity max-failing-time max-startup-time profiling
  debugging-snapshot-enabled emit-per-nodegroup-metrics record-duplicated-events write-status-configmap status-config-map-name user-agent
  frequent-loops-enabled predicate-parallelism cluster-snapshot-parallelism scheduler-config-file node-info-cache-expire-time
  aws-use-static-instance-list grpc-expander-cert grpc-expander-url max-empty-bulk-delete max-bulk-scale-up
  scale-down-non-empty-candidates-count scale-down-candidates-pool-ratio scale-down-candidates-pool-min-count
  node-removal-latency-tracking-enabled max-node-skip-eval-time-tracker-enabled
  enable-provisioning-requests enable-dynamic-resource-allocation enable-csi-node-aware-scheduling capacity-buffer-controller-enabled
  capacity-buffer-pod-injection-enabled capacity-quotas-enabled enable-proactive-scaleup pod-injection-limit enable-graceful-degradation
  salvo-scale-up salvo-scale-up-budget fastpath-binpacking-enabled scale-up-from-zero
  dynamic-node-delete-delay-after-taint-enabled node-autoprovisioning-enabled max-autoprovisioned-node-group-count
  unremovable-node-recheck-count regional`.split(/\s+/),
);

/**
 * Reads an upstream command line (`--name=value`, `--name value`, `--switch`). What is not given has upstream's default. Throws
 * `CONFIG_INVALID` with the flag, its value and what is wrong.
 */
export function upstreamOptions(flags: readonly string[]): UpstreamOptions {
  const drafts: Drafts = {
    loop: { ...upstreamLoopOptions },
    group: { ...upstreamGroupOptions },
    actuation: { ...upstreamActuationOptions },
  };
  const ignored: string[] = [];
  for (let index = 0; index < flags.length; index++) {
    const given = flags[index] ?? '';
    const match = /^--?([a-z][a-z0-9-]*)(?:=(.*))?$/s.exec(given);
    if (match === null) throw new ConcertinaError('CONFIG_INVALID', `${JSON.stringify(given)} is not a flag: write --name=value.`);
    const [, name = '', inline] = match;
    const next = flags[index + 1];
    const follows = inline === undefined && next !== undefined && !next.startsWith('-');
    if (follows) index += 1;
    const set = setters[name];
    if (set === undefined) {
      if (!withoutInfluence.has(name))
        throw new ConcertinaError('CONFIG_INVALID', `--${name}: upstream's cluster autoscaler has no such flag.`);
      ignored.push(name);
      continue;
    }
    const text = inline ?? (follows ? next : 'true');
    const problem = set(drafts, text);
    if (problem !== undefined) throw new ConcertinaError('CONFIG_INVALID', `--${name}: ${JSON.stringify(text)} ${problem}.`);
  }
  const { drainPriorities: buckets, maxGracefulTerminationMs } = drafts.actuation;
  if (buckets.length > 0 && maxGracefulTerminationMs !== upstreamActuationOptions.maxGracefulTerminationMs) {
    const both = '--drain-priority-config and --max-graceful-termination-sec both say how long pods get to end';
    throw new ConcertinaError('CONFIG_INVALID', `${both}: leave one of the two out.`);
  }
  return { ...drafts, ignored };
}
