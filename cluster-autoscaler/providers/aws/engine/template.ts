/** The template of an empty node of an Auto Scaling group (§16). Pure. */
import type { Interner, ResourceList, Taint } from '../../../../core/model/index.ts';
import { formatMilli } from '../../../../core/units/index.ts';
import type { NodeTemplate } from '../../../engine/model.ts';
import type { TextProblem } from '../../group-options.ts';
import { kubeProxyPod, templateNode } from '../../template-node.ts';
import type { InstanceTypeFacts } from './instance-type.ts';
import { joinLabels, type ManagedFacts } from './managed-nodegroup.ts';
import { minimaOf, type InstanceRequirementsFacts } from './requirements.ts';
import { allocatableOfTags, labelsOfTags, resourcesOfTags, taintsOfTags, type Tags } from './tags.ts';

/** How far upstream is followed. */
export type Compat = 'none' | 'cluster-autoscaler';

/** Which of several types stands for a group: the first override (upstream), or the smallest amount of each resource over all overrides. */
export type MixedInstances = 'first' | 'smallest';

export interface TemplateQuestion {
  readonly group: string;
  /** In the group's order. */
  readonly zones: readonly string[];
  /** In the group's order of preference; empty when none is known. */
  readonly types: readonly InstanceTypeFacts[];
  /** Of a mixed policy without type overrides: its minima replace what the type has. */
  readonly requirements?: InstanceRequirementsFacts | undefined;
  readonly tags: Tags;
  readonly managed?: ManagedFacts | undefined;
  readonly compat: Compat;
  readonly mixedInstances: MixedInstances;
  /** The provider's region; `undefined`: read off the zone's name. */
  readonly region?: string | undefined;
  /** Live instances by zone, for the house's choice of a zone. */
  readonly liveByZone?: ReadonlyMap<string, number> | undefined;
}

export type TemplateAnswer =
  | { readonly template: NodeTemplate; readonly notes: readonly string[]; readonly problems: readonly TextProblem[] }
  | { readonly problem: string };

/** Upstream's number of pods for every type. */
const podsPerNode = 110;
const milliBytesPerMiB = 1024 * 1024 * 1000;

/**
 * The template, or why there is none. Allocatable equals capacity as upstream has it (nobody knows what the kubelet will keep): tags state it
 * better. Order: type, requirement minima, tags of the group, tags of the EKS node group.
 */
export function buildTemplate(question: TemplateQuestion, interner: Interner): TemplateAnswer {
  const { group, tags, managed } = question;
  const [type] = question.types;
  const zone = zoneOf(question);
  if (zone === undefined) return { problem: `group ${group} has no availability zone` };
  if (type === undefined) return { problem: `group ${group}: nobody knows its instance type` };
  const own = resourcesOfTags(tags);
  const ofNodegroup = resourcesOfTags(managed?.tags ?? {});
  const capacity: ResourceList = {
    pods: podsPerNode * 1000,
    ...typeResources(question),
    ...(question.requirements === undefined ? {} : minimaOf(question.requirements)),
    ...own.resources,
    ...ofNodegroup.resources,
  };
  const stated = allocatableOfTags(tags);
  const taints = taintsOfTags(tags);
  const name = `${group}-asg-template`;
  const labels = joinLabels({ ...genericLabels(question, type, zone), ...labelsOfTags(tags) }, managed?.labels ?? {});
  const node = templateNode({
    name,
    labels,
    taints: [...taints.taints, ...(managed?.taints ?? ([] satisfies Taint[]))],
    capacity,
    allocatable: { ...capacity, ...stated.resources },
  });
  return {
    template: { node, pods: [kubeProxyPod(group, interner)] },
    notes: [...zoneNotes(question, zone), ...typeNotes(question)],
    problems: [...taints.problems, ...own.problems, ...ofNodegroup.problems, ...stated.problems],
  };
}

function genericLabels(question: TemplateQuestion, type: InstanceTypeFacts, zone: string): Readonly<Record<string, string>> {
  // Upstream cuts the zone's last letter, which is wrong for local zones; the house knows its region.
  const region = question.compat === 'cluster-autoscaler' ? undefined : question.region;
  return {
    'kubernetes.io/arch': type.architecture,
    'kubernetes.io/os': 'linux',
    'node.kubernetes.io/instance-type': type.name,
    'topology.kubernetes.io/region': region ?? zone.slice(0, -1),
    'topology.kubernetes.io/zone': zone,
    'topology.ebs.csi.aws.com/zone': zone,
  };
}

/**
 * Upstream: the first zone. Ours: the zone with the fewest live instances (the first of equals), which is where AWS, keeping the zones even,
 * launches next.
 */
function zoneOf({ zones, compat, liveByZone }: TemplateQuestion): string | undefined {
  const [first] = zones;
  if (compat === 'cluster-autoscaler' || liveByZone === undefined || first === undefined) return first;
  const live = (zone: string): number => liveByZone.get(zone) ?? 0;
  return zones.reduce((best, zone) => (live(zone) < live(best) ? zone : best), first);
}

function zoneNotes({ zones }: TemplateQuestion, zone: string): readonly string[] {
  if (zones.length < 2) return [];
  return [
    `${zones.length} zones: pods that need a zone are planned for ${zone}, AWS chooses; volumes bound to a zone need one group per zone`,
  ];
}

function typeResources({ types, compat, mixedInstances }: TemplateQuestion): ResourceList {
  const lists = types.map((type) => resourcesOfType(type, compat));
  const [first = {}] = lists;
  return mixedInstances === 'first' ? first : smallest(lists);
}

/** cpu, memory and GPUs of a type in thousandths. Upstream counts every maker's GPUs as NVIDIA's; the entry is there also when there are none. */
export function resourcesOfType(type: InstanceTypeFacts, compat: Compat): ResourceList {
  const resources = { cpu: type.vcpu * 1000, memory: type.memoryMiB * milliBytesPerMiB };
  const maker = type.gpuManufacturer.toUpperCase();
  if (compat === 'cluster-autoscaler' || maker === '' || maker === 'NVIDIA') return { ...resources, 'nvidia.com/gpu': type.gpu * 1000 };
  return { ...resources, 'nvidia.com/gpu': 0, ...(maker === 'AMD' ? { 'amd.com/gpu': type.gpu * 1000 } : {}) };
}

/** The smallest amount of each resource; what one list lacks is none. A pod that fits it fits every type. */
function smallest(lists: readonly ResourceList[]): ResourceList {
  const names = new Set(lists.flatMap((list) => Object.keys(list)));
  const least: Record<string, number> = {};
  for (const name of names) least[name] = Math.min(...lists.map((list) => list[name] ?? 0));
  return least;
}

/** Warnings about a group whose types are not alike. */
export function typeNotes({
  types,
  compat,
  mixedInstances,
}: Pick<TemplateQuestion, 'types' | 'compat' | 'mixedInstances'>): readonly string[] {
  const [first] = types;
  if (first === undefined || types.length === 1) return [];
  const notes: string[] = [];
  const lists = types.map((type) => resourcesOfType(type, compat));
  const least = smallest(lists);
  if (lists.some((list) => Object.keys(least).some((name) => list[name] !== least[name]))) {
    const amounts = `${formatMilli('cpu', least['cpu'] ?? 0)} CPU, ${formatMilli('memory', least['memory'] ?? 0)} memory`;
    const rule = mixedInstances === 'first' ? `the first, ${first.name}, stands for all` : 'the smallest stands for all';
    notes.push(`its ${types.length} instance types are unlike: the smallest have ${amounts}; ${rule}`);
  }
  const architectures = [...new Set(types.map((type) => type.architecture))];
  if (architectures.length > 1)
    notes.push(`its instance types have the architectures ${architectures.join(' and ')}: use one group for each`);
  return notes;
}
