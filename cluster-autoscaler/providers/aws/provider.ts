/** Auto Scaling groups of AWS as node groups (§16). */
import { messageOf } from '../../../core/errors.ts';
import type { Fence } from '../../../core/kube/api.ts';
import { createInterner, type Clock, type NodeRecord, type Random } from '../../../core/model/index.ts';
import { silentLogger, type Logger } from '../../../core/runtime/logging.ts';
import type { ProviderFailure } from '../../engine/model.ts';
import { allGroupOptions, readGroupOptions, upstreamAwsOptions, type TextProblem } from '../group-options.ts';
import type { Provider, ProviderCall, ProviderGroup } from '../provider.ts';
import { createAwsApi, type AwsApi, type AwsClientSettings } from './api.ts';
import { liveInstances, type AsgFacts } from './asg.ts';
import { createCaller } from './calls.ts';
import { createSizeChanges } from './changes.ts';
import {
  buildTemplate,
  filtersOf,
  labelsOfTags,
  launchFailure,
  listGroups,
  nodegroupNamed,
  notesOfGroup,
  optionTextsOfTags,
  parseDiscoverySpec,
  parseNodeSpec,
  presenceOf,
  type Compat,
  type MixedInstances,
} from './engine/index.ts';
import { createGroupBook, type GroupState } from './group-book.ts';
import { createLaunchData, type DescribeManagedNodegroup } from './launch-data.ts';
import { installedSdk, type AwsSdkLoader } from './sdk.ts';

export interface AwsProviderOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Values of `--nodes`: `min:max:name`. */
  readonly groups: readonly string[];
  /** Values of `--node-group-auto-discovery`: `asg:tag=key1,key2=value2`. */
  readonly discovery: readonly string[];
  readonly logger?: Logger | undefined;
  /** Default: what the SDK finds (AWS_REGION, profile). */
  readonly region?: string | undefined;
  /** Default: AWS's own, or what the SDK finds in AWS_ENDPOINT_URL. */
  readonly endpoint?: string | undefined;
  /** How far upstream is followed; default `none`. */
  readonly compat?: Compat | undefined;
  /** `--aws-mixed-instances`; default `smallest`, under compat `first`. */
  readonly mixedInstances?: MixedInstances | undefined;
  /** `--aws-use-static-instance-list`: EC2 is never asked about types. Default false. */
  readonly staticInstanceTypes?: boolean | undefined;
  /** Asks EKS about managed node groups; absent: their tags are all that is known. */
  readonly describeManagedNodegroup?: DescribeManagedNodegroup | undefined;
  /** Told of every request: `cluster_autoscaler_aws_request_duration_seconds{endpoint,status}`. */
  readonly onCall?: ((call: ProviderCall) => void) | undefined;
  /** Asked before every change; throws `FENCED` when this process must not write. */
  readonly fence?: Fence | undefined;
  /** Default: the installed packages, loaded with the first call. */
  readonly sdk?: AwsSdkLoader | undefined;
  /** Of the SDK's clients; for an endpoint in this process. */
  readonly requestHandler?: unknown;
  /** Default: the SDK's chain (environment, IRSA, Pod Identity, profile, instance). */
  readonly credentials?: AwsClientSettings['credentials'];
  /** Attempts for one call; default 6. */
  readonly attempts?: number | undefined;
  /** Milliseconds for one attempt; default 30 000. */
  readonly timeoutMs?: number | undefined;
}

/** Upstream's, and what it says of AWS (§11). */
const ignoredLabels: readonly string[] = [
  'alpha.eksctl.io/instance-id',
  'alpha.eksctl.io/nodegroup-name',
  'eks.amazonaws.com/nodegroup',
  'k8s.amazonaws.com/eniConfig',
  'lifecycle',
  'topology.ebs.csi.aws.com/zone',
  'topology.k8s.aws/zone-id',
];

const refreshMs = 60_000;
/** The same while a group lists fewer instances than are asked for: a node that has come is counted twice as long as its instance is not listed. */
const missingRefreshMs = 10_000;

/** Reads nothing before the first `refresh`. Throws `CONFIG_INVALID` for a group or discovery text that cannot be used. */
export function createAwsProvider(options: AwsProviderOptions): Provider {
  const { clock, random, sdk = installedSdk, region, endpoint } = options;
  const client: AwsClientSettings = {
    ...(options.requestHandler === undefined ? {} : { requestHandler: options.requestHandler }),
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
  };
  const caller = createCaller({ clock, random, onCall: options.onCall, attempts: options.attempts, timeoutMs: options.timeoutMs });
  return providerOver(createAwsApi({ sdk, caller, region, endpoint, client }), options);
}

/** The provider over the calls of AWS; tests hand in their own. */
export function providerOver(api: AwsApi, options: AwsProviderOptions): Provider {
  const { clock, random, logger = silentLogger, compat = 'none' } = options;
  const mixedInstances = options.mixedInstances ?? (compat === 'cluster-autoscaler' ? 'first' : 'smallest');
  const specs = options.groups.map(parseNodeSpec);
  const filters = filtersOf(options.discovery.map(parseDiscoverySpec));
  const interner = createInterner();
  const book = createGroupBook(compat);
  const launchData = createLaunchData({
    api,
    clock,
    random,
    logger,
    staticTypes: options.staticInstanceTypes === true,
    describeManagedNodegroup: options.describeManagedNodegroup,
  });
  let nextRefresh = Number.NEGATIVE_INFINITY;
  let refreshing: Promise<void> | undefined;
  /** Of the last template of each group. */
  const templateNotes = new Map<string, { readonly notes: readonly string[]; readonly problems: readonly TextProblem[] }>();
  const outdated = (): void => {
    nextRefresh = Number.NEGATIVE_INFINITY;
  };
  const changes = createSizeChanges({ api, book, clock, compat, logger, outdated, fence: options.fence });

  const read = async (signal: AbortSignal | undefined): Promise<void> => {
    const mark = book.mark();
    const known = new Set(book.groups().map(({ name }) => name));
    const names = [...new Set(specs.map(({ name }) => name))];
    const cloud = [...(await api.groupsByName(names, signal)), ...(await api.groupsByTags(filters, signal))];
    const listed = listGroups(specs, cloud);
    const incomplete = listed.filter(({ cloud: group }) => group !== undefined && isMissing(group));
    const missing = incomplete.filter(({ name }) => known.has(name));
    const failures = new Map<string, ProviderFailure>();
    await Promise.all(
      missing.map(async ({ name }) => {
        const failure = await failureOfGroup(name, signal);
        if (failure !== undefined) failures.set(name, failure);
      }),
    );
    const complete = book.take(mark, listed, failures);
    for (const { name } of listed) if (!known.has(name)) logger.info('a node group is looked after', { group: name });
    const now = new Set(listed.map(({ name }) => name));
    for (const name of known) if (!now.has(name)) logger.info('a node group is no longer found', { group: name });
    if (complete) nextRefresh = clock.monotonic() + intervalMs(incomplete.length > 0);
  };

  // Not on the minute exactly, so that many clusters of one account do not ask at once.
  const intervalMs = (isMissed: boolean): number => {
    if (compat === 'cluster-autoscaler') return refreshMs;
    return (isMissed ? missingRefreshMs : refreshMs) * (1 + random() / 10);
  };

  const isMissing = (group: AsgFacts): boolean => {
    const real = compat === 'cluster-autoscaler' ? group.instances.length : liveInstances(group).length;
    return !group.weighted && group.desired > real;
  };

  /** As upstream, placeholders are made without a failure when the activities cannot be read. */
  const failureOfGroup = async (name: string, signal: AbortSignal | undefined): Promise<ProviderFailure | undefined> => {
    try {
      const activities = await api.activities(name, signal);
      return launchFailure({ activities, lastChange: book.get(name)?.lastChange, compat });
    } catch (error) {
      logger.warn('the scaling activities of a group cannot be read: what is missing is waited for', { group: name, error });
      return undefined;
    }
  };

  const groupOf = (state: GroupState): ProviderGroup => {
    const { name, cloud, target } = state;
    if (cloud === undefined) {
      const { min, max } = state;
      const notes = [`does not exist${api.region === '' ? '' : ` in ${api.region}`}: check --nodes and the region`];
      return { id: name, minSize: min, maxSize: max, targetSize: 0, options: {}, notes };
    }
    const { options: read, problems } = optionsOf(cloud);
    const ofTemplate = templateNotes.get(name);
    const notes = notesOfGroup(
      {
        zones: cloud.zones,
        suspended: cloud.suspended,
        tags: Object.keys(cloud.tags).length,
        types: cloud.launch.mixed?.types ?? [],
        weighted: cloud.weighted,
        missing: book.placeholders(state).length,
        failure: state.failure,
      },
      [...problems, ...(ofTemplate?.problems ?? [])],
    );
    // Sizes of a weighted group are not instances: bounds at the target keep everybody from changing it.
    const [minSize, maxSize] = cloud.weighted ? [target, target] : [state.min, state.max];
    return {
      id: name,
      minSize,
      maxSize,
      targetSize: target,
      options: read,
      notes: [...notes, ...(ofTemplate?.notes ?? [])],
      tags: cloud.tags,
    };
  };

  const optionsOf = (cloud: AsgFacts): ReturnType<typeof readGroupOptions> =>
    readGroupOptions(optionTextsOfTags(cloud.tags), compat === 'cluster-autoscaler' ? upstreamAwsOptions : allGroupOptions);

  const template: Provider['template'] = async (name) => {
    const cloud = book.get(name)?.cloud;
    if (cloud === undefined) return { problem: `group ${name} does not exist` };
    try {
      const siblings = book.groups().flatMap((state) => state.cloud?.launch.launchConfiguration ?? []);
      const launch = await launchData.typesOf(cloud, siblings);
      if ('problem' in launch) return { problem: `group ${name}: ${launch.problem}` };
      const types = await launchData.factsOf(mixedInstances === 'first' ? launch.types.slice(0, 1) : launch.types);
      if (types.length === 0) return { problem: `group ${name} has the instance type ${launch.types[0]}, which nobody knows` };
      const managed = await launchData.managed(nodegroupNamed(labelsOfTags(cloud.tags)));
      const answer = buildTemplate(
        {
          group: name,
          zones: cloud.zones,
          types,
          requirements: launch.requirements,
          tags: cloud.tags,
          managed: managed.facts,
          compat,
          mixedInstances,
          region: api.region === '' ? undefined : api.region,
          liveByZone: countByZone(cloud),
        },
        interner,
      );
      if ('problem' in answer) return answer;
      const unknown = mixedInstances === 'first' ? [] : launch.types.filter((type) => !types.some((facts) => facts.name === type));
      templateNotes.set(name, {
        notes: [
          ...answer.notes,
          ...(managed.note === undefined ? [] : [managed.note]),
          ...(unknown.length === 0 ? [] : [`nobody knows its instance types ${unknown.join(', ')}: they may be smaller than the template`]),
        ],
        problems: answer.problems,
      });
      return { template: answer.template };
    } catch (error) {
      return { problem: `group ${name}: ${messageOf(error)}` };
    }
  };

  return {
    name: 'aws',
    gpuLabel: 'k8s.amazonaws.com/accelerator',
    ignoredLabels,
    refresh: async (signal) => {
      if (clock.monotonic() < nextRefresh) return;
      refreshing ??= read(signal).finally(() => {
        refreshing = undefined;
      });
      await refreshing;
    },
    groups: () => book.groups().map(groupOf),
    groupOf: ({ providerId }) => (providerId === '' ? undefined : book.groupOf(providerId)),
    hasInstance: (node) => hasInstance(node),
    instances: async (name) => {
      const state = book.get(name);
      return state === undefined ? [] : book.instances(state);
    },
    template,
    increaseSize: (group, delta) => changes.increase(group, delta),
    decreaseTargetSize: (group, delta) => changes.decrease(group, delta),
    deleteInstances: (group, ids, { forced = false } = {}) => changes.delete(group, ids, forced),
    close: async () => api.close(),
  };

  /** Upstream answers "absent, with an error" for an id that it does not know, and the deletion taint decides: that is `undefined` here. */
  function hasInstance(node: NodeRecord): boolean | undefined {
    const { present, problem } = presenceOf(node, (id) => book.groupOf(id) !== undefined);
    if (problem === undefined) return present;
    return compat === 'none' && problem === 'not present' && book.isGone(node.providerId) ? false : undefined;
  }
}

function countByZone(cloud: AsgFacts): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { zone } of liveInstances(cloud)) counts.set(zone, (counts.get(zone) ?? 0) + 1);
  return counts;
}
