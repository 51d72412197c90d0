import {
  architectureOf,
  capacityWithout,
  factsOfNodegroup,
  filtersOf,
  gpuCount,
  instanceOfProviderId,
  joinLabels,
  labelsOfTags,
  launchFailure,
  launchTemplateVersion,
  listGroups,
  optionTextsOfTags,
  parseDiscoverySpec,
  parseNodeSpec,
  placeholderIds,
  planDeletion,
  presenceOf,
  raisedCapacity,
  providerIdOf,
  resourcesOfTags,
  taintsOfTags,
  type ManagedNodegroup,
  type Tags,
} from '../../cluster-autoscaler/providers/aws/engine/index.ts';
import { readGroupOptions, upstreamAwsOptions } from '../../cluster-autoscaler/providers/group-options.ts';
import {
  differ,
  quantities,
  sorted,
  type AwsCase,
  type AwsExpected,
  type LaunchCase,
  type TemplateCase,
  type UnfulfillableStatus,
} from './ca-aws-template-cases.ts';
import { checkTemplate, typeOfLaunch } from './ca-aws-template-launch.ts';
import type { VectorCase } from './runners.ts';

/** Kinds of `ca-aws-template.json`; the fields of a case stand beside its kind, not under `input`. */
export function awsTemplateRunner(vector: VectorCase): readonly string[] {
  const given = vector as unknown as AwsCase;
  const check = checks[given.kind];
  return check === undefined ? [`kind ${given.kind} is not known`] : check(given, given.expected);
}

const upstream = 'cluster-autoscaler' as const;

const checks: Readonly<Record<string, (given: AwsCase, expected: AwsExpected) => readonly string[]>> = {
  labels: (given, expected) => differ('labels', labelsOfTags(given.tags ?? {}), expected.labels),
  taints: (given, expected) => differ('taints', sorted(taintsOfTags(given.tags ?? {}).taints), sorted(expected.taints ?? [])),
  resources: (given, expected) => quantities('resources', resourcesOfTags(given.tags ?? {}).resources, expected.resources ?? {}),
  options: checkOptions,
  template: (given, expected) => checkTemplate(given, given.asg as TemplateCase, expected),
  'join-labels': (given, expected) => differ('labels', joinLabels(given.fromTags ?? {}, given.fromEks ?? {}), expected.labels),
  'managed-nodegroup': (given, expected) => {
    const facts = factsOfNodegroup(given.nodegroup as ManagedNodegroup);
    if ('problem' in facts || expected.error !== undefined) return differ('error', 'problem' in facts, expected.error === true);
    return [...differ('labels', facts.labels, expected.labels), ...differ('taints', facts.taints, expected.taints)];
  },
  'instance-type': (given, expected) => {
    const type = typeOfLaunch(given.asg as LaunchCase);
    return expected.error === undefined
      ? differ('instanceType', type, expected.instanceType)
      : differ('error', type === undefined, expected.error);
  },
  'launch-template-version': (given, expected) => differ('version', launchTemplateVersion(given.version), expected.version),
  architecture: (given, expected) => differ('arch', architectureOf(given.ec2), expected.arch),
  'gpu-count': (given, expected) => differ('gpus', gpuCount(given.gpuCounts), expected.gpus),
  'node-spec': (given, expected) => {
    const spec = attempt(() => parseNodeSpec(given.spec ?? ''));
    const differences = differ('valid', spec !== undefined, expected.valid ?? expected.error !== true);
    for (const key of ['min', 'max', 'name'] as const)
      if (expected[key] !== undefined) differences.push(...differ(key, spec?.[key], expected[key]));
    return differences;
  },
  'discovery-spec': (given, expected) => {
    const tags = attempt(() => (given.specs ?? []).map(parseDiscoverySpec));
    if (expected.error === true) return differ('error', tags === undefined, true);
    // Per value of the flag: its tags, by key.
    const wanted = expected.specs ?? expected.configs ?? expected.tags ?? expected.filters;
    return differ('tags', tags, Array.isArray(wanted) ? wanted.map(tagsOf) : [tagsOf(wanted)]);
  },
  'provider-id': (given, expected) => {
    const instance = instanceOfProviderId(given.providerID ?? '');
    return [
      ...differ('valid', instance !== undefined, expected.valid),
      ...(expected.instance === undefined ? [] : differ('instance', instance, expected.instance)),
    ];
  },
  placeholders: checkPlaceholders,
  'delete-nodes': checkDeletion,
  'increase-size': (given, expected) => {
    const { desired = 0, delta = 0, max = 0 } = given;
    const answer = raisedCapacity({ group: 'asg', delta, target: desired, max, desired: undefined });
    const refused = 'refused' in answer;
    if (expected.error !== undefined) return differ('refused', refused, expected.error !== false);
    const after = refused ? desired : answer.size;
    return [
      ...differ('setDesiredCapacity', refused ? null : after, expected.setDesiredCapacity ?? null),
      ...(expected.targetSizeAfter === undefined ? [] : differ('targetSizeAfter', after, expected.targetSizeAfter)),
    ];
  },
  'has-instance': (given, expected) => {
    const { name = '', providerID = '', annotations } = given.node ?? {};
    const known = (id: string): boolean => given.knownInstances?.includes(id) === true;
    const answer = presenceOf({ name, providerId: providerID, annotations: annotations ?? {} }, known);
    return [
      ...differ('present', answer.present, expected.present),
      ...differ('error', problemOf(answer.problem), problemOf(expected.error)),
    ];
  },
  'explicit-groups': (given, expected) => {
    const groups = listGroups((given.specs ?? []).map(parseNodeSpec), given.cloud ?? []);
    return differ('groups', groups.map(bounds), expected.groups);
  },
  'auto-discovery': (given, expected) => {
    const filters = filtersOf((given.specs ?? []).map(parseDiscoverySpec));
    return [
      ...differ('filters', sorted(filters), sorted(expected.filters ?? [])),
      ...differ('groups', listGroups([], given.cloud ?? []).map(bounds), expected.groups),
    ];
  },
};

/** An instance that is not there is told from every other problem. */
function problemOf(error: unknown): unknown {
  if (error === undefined || error === null || error === false) return null;
  return error === 'not present' ? error : 'another';
}

function bounds({ name, min, max }: { name: string; min: number; max: number }): object {
  return { name, min, max };
}

function checkOptions(given: AwsCase, expected: AwsExpected): readonly string[] {
  const { options } = readGroupOptions(
    optionTextsOfTags(
      Object.fromEntries(
        Object.entries(given.tags ?? {}).map(([key, value]) => [
          `k8s.io/cluster-autoscaler/node-template/autoscaling-options/${key}`,
          value,
        ]),
      ),
    ),
    upstreamAwsOptions,
  );
  const seconds = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms / 1000);
  const read: Readonly<Record<string, unknown>> = {
    scaleDownUtilizationThreshold: options.utilizationThreshold,
    scaleDownGpuUtilizationThreshold: options.gpuUtilizationThreshold,
    scaleDownUnneededTimeSeconds: seconds(options.unneededMs),
    scaleDownUnreadyTimeSeconds: seconds(options.unreadyMs),
    ignoreDaemonSetsUtilization: options.ignoreDaemonSetsUtilization,
  };
  const effective = Object.fromEntries(Object.entries(given.defaults ?? {}).map(([key, value]) => [key, read[key] ?? value]));
  return differ('options', effective, expected.options);
}

function checkPlaceholders(given: AwsCase, expected: AwsExpected): readonly string[] {
  const { desiredCapacity = 0, realInstances = 0, activities = [], lastUpdateAt, registered, describeActivitiesError } = given;
  const missing = placeholderIds({ name: 'asg', zones: ['us-east-1a'], desired: desiredCapacity, real: realInstances });
  const failure =
    describeActivitiesError === true || registered === false
      ? undefined
      : launchFailure({
          activities: activities.map(({ status, startedAt }) => ({ status, startedAt })),
          lastChange: lastUpdateAt,
          compat: upstream,
        });
  const status: UnfulfillableStatus = missing.length === 0 ? null : failure === undefined ? '' : 'placeholder-cannot-be-fulfilled';
  return [
    ...differ('instances', realInstances + missing.length, expected.instances),
    ...(expected.placeholderStatus === undefined ? [] : differ('placeholderStatus', status, expected.placeholderStatus)),
  ];
}

function checkDeletion(given: AwsCase, expected: AwsExpected): readonly string[] {
  const { min = 0, desired = 0, instances = [], cachedInstances, delete: ids = [] } = given;
  const zone = 'us-east-1a';
  const listed = instances.filter((instance) => !instance.id.startsWith('i-placeholder'));
  const missing = placeholderIds({ name: 'test-asg', zones: [zone], desired, real: listed.length });
  const cached = new Set(
    cachedInstances?.map((id) => providerIdOf(zone, id)) ?? [...instances.map(({ id }) => providerIdOf(zone, id)), ...missing],
  );
  const lifecycle = new Map(instances.map((instance) => [providerIdOf(zone, instance.id), instance.lifecycle]));
  const plan = planDeletion({
    group: 'test-asg',
    min,
    target: desired,
    ids: ids.map((id) => providerIdOf(zone, id)),
    groupOf: (id) => (cached.has(id) ? 'test-asg' : undefined),
    lifecycleOf: (id) => lifecycle.get(id),
    forced: false,
  });
  if (plan.refused !== undefined || expected.error !== undefined) {
    return differ('refused', plan.refused !== undefined, expected.error !== undefined && expected.error !== false);
  }
  const live = listed.length;
  const capacity =
    plan.placeholders === 0
      ? null
      : capacityWithout({ compat: upstream, desired, listed: listed.length, live, placeholders: plan.placeholders });
  const after = (capacity ?? desired) - plan.terminate.length;
  return [
    ...differ('terminate', plan.terminate, expected.terminate),
    ...differ('setDesiredCapacity', capacity, expected.setDesiredCapacity ?? null),
    ...(expected.targetSizeAfter === undefined ? [] : differ('targetSizeAfter', after, expected.targetSizeAfter)),
  ];
}

function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}

/** Tags of one flag however the case spells them: a map, a map with `tags`, filters, or pairs. */
function tagsOf(value: unknown): Tags {
  if (typeof value !== 'object' || value === null) return {};
  if ('tags' in value) return tagsOf(value.tags);
  if (!Array.isArray(value)) return value as Tags;
  const pairs = (value as Readonly<Record<string, unknown>>[]).map((item) => {
    if (item['name'] === 'tag-key') return [String((item['values'] as string[])[0]), ''];
    if (typeof item['name'] === 'string') return [item['name'].replace(/^tag:/, ''), String((item['values'] as string[])[0])];
    return [typeof item['key'] === 'string' ? item['key'] : '', typeof item['value'] === 'string' ? item['value'] : ''];
  });
  return Object.fromEntries(pairs) as Tags;
}
