/** The template of a node that a Cluster API group would bring (§18). Pure. */
import type { Interner, ResourceList, Taint } from '../../../../core/model/index.ts';
import { tryParseMilli } from '../../../../core/units/index.ts';
import type { NodeTemplate } from '../../../engine/model.ts';
import { readGroupOptions, type GroupOptionName, type TextProblem } from '../../group-options.ts';
import { kubeProxyPod, templateNode } from '../../template-node.ts';
import { capacityPrefix, type CapiKeys } from './names.ts';
import type { ScalableRecord } from './records.ts';

/** What the infrastructure provider says in `status` of its machine template. */
export interface InfrastructureFacts {
  readonly capacity: Readonly<Record<string, unknown>>;
  readonly architecture?: string | undefined;
  readonly operatingSystem?: string | undefined;
}

export interface CapiTemplateQuestion {
  readonly id: string;
  readonly record: ScalableRecord;
  readonly infrastructure: InfrastructureFacts | undefined;
  /** `CAPI_SCALE_ZERO_DEFAULT_ARCH`; upstream's default is amd64. */
  readonly defaultArchitecture: string;
}

export type CapiTemplateAnswer =
  { readonly template: NodeTemplate; readonly problems: readonly TextProblem[] } | { readonly problem: string };

/** Annotations for from-zero, without the prefix, and the resource that each states. */
const capacityNames = { cpu: 'cpu', memory: 'memory', 'ephemeral-disk': 'ephemeral-storage', maxPods: 'pods' } as const;
const defaultPods = 110;
const defaultGpu = 'nvidia.com/gpu';

/** Capacity in thousandths: the infrastructure's, overridden by annotations. A bad annotation is left out and reported. */
export function capacityOf(
  annotations: Readonly<Record<string, string>>,
  infrastructure: InfrastructureFacts | undefined,
): { readonly capacity: ResourceList; readonly problems: readonly TextProblem[] } {
  const capacity: Record<string, number> = {};
  const problems: TextProblem[] = [];
  for (const [name, value] of Object.entries(infrastructure?.capacity ?? {})) {
    const milli = tryParseMilli(value);
    if (milli !== undefined) capacity[name] = milli;
  }
  const state = (annotation: string, resource: string): void => {
    const value = annotations[capacityPrefix + annotation];
    if (value === undefined) return;
    const milli = tryParseMilli(value);
    if (milli === undefined || milli < 0) problems.push({ key: capacityPrefix + annotation, value, reason: 'is not a quantity; ignored' });
    else capacity[resource] = milli;
  };
  for (const [annotation, resource] of Object.entries(capacityNames)) state(annotation, resource);
  state('gpu-count', annotations[`${capacityPrefix}gpu-type`] ?? defaultGpu);
  if (capacity['pods'] === undefined) capacity['pods'] = defaultPods * 1000;
  return { capacity, problems };
}

/** Whether the group can grow from nothing: cpu and memory are known, or there is an infrastructure template that may tell. */
export function canGrowFromZero(record: ScalableRecord): boolean {
  const stated = (name: string): boolean => record.annotations[capacityPrefix + name] !== undefined;
  return (stated('cpu') && stated('memory')) || record.infrastructure !== undefined;
}

export function buildCapiTemplate(question: CapiTemplateQuestion, interner: Interner): CapiTemplateAnswer {
  const { id, record, infrastructure } = question;
  const { capacity, problems } = capacityOf(record.annotations, infrastructure);
  const missing = ['cpu', 'memory'].filter((name) => capacity[name] === undefined);
  if (missing.length > 0) {
    const wanted = missing.map((name) => capacityPrefix + name).join(' and ');
    return { problem: `group ${id}: nobody knows its ${missing.join(' and ')}; set the annotation ${wanted}` };
  }
  const name = `${record.name}-asg-template`;
  const taints = taintsOf(record);
  const node = templateNode({
    name,
    labels: {
      'kubernetes.io/arch': infrastructure?.architecture ?? question.defaultArchitecture,
      'kubernetes.io/os': infrastructure?.operatingSystem ?? 'linux',
      ...managedLabels(record.machineLabels),
      ...labelsOfAnnotation(record.annotations[`${capacityPrefix}labels`] ?? ''),
    },
    taints: taints.taints,
    capacity,
  });
  return { template: { node, pods: [kubeProxyPod(record.name, interner)] }, problems: [...problems, ...taints.problems] };
}

/** Machine labels that Cluster API carries over to nodes. */
function managedLabels(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(labels).filter(([key]) => isManaged(key.split('/')[0] ?? '', key.includes('/'))));
}

function isManaged(domain: string, qualified: boolean): boolean {
  if (!qualified) return false;
  const domains = ['node-restriction.kubernetes.io', 'node.cluster.x-k8s.io'];
  return domain === 'node-role.kubernetes.io' || domains.some((known) => domain === known || domain.endsWith(`.${known}`));
}

/** `key=value,key2=value2`. */
function labelsOfAnnotation(text: string): Readonly<Record<string, string>> {
  const pairs = text.split(',').map((item) => item.trim().split('='));
  return Object.fromEntries(pairs.flatMap(([key = '', ...value]) => (key === '' ? [] : [[key, value.join('=')]])));
}

/** Taints of the machine spec, those of the annotation `key=value:Effect,key2:Effect` in place of one with the same key and effect. */
function taintsOf(record: ScalableRecord): { readonly taints: readonly Taint[]; readonly problems: readonly TextProblem[] } {
  const key = `${capacityPrefix}taints`;
  const text = record.annotations[key] ?? '';
  const taints = new Map<string, Taint>();
  const problems: TextProblem[] = [];
  for (const { key: name, value = '', effect } of record.machineTaints) taints.set(`${name}:${effect}`, { key: name, value, effect });
  for (const item of text.split(',').map((part) => part.trim())) {
    if (item === '') continue;
    const [, name = '', value = '', effect = ''] = /^([^=:]+)(?:=([^:]*))?:(NoSchedule|NoExecute|PreferNoSchedule)$/.exec(item) ?? [];
    if (name === '') problems.push({ key, value: item, reason: 'is not <key>[=<value>]:<effect>; ignored' });
    else taints.set(`${name}:${effect}`, { key: name, value, effect });
  }
  return { taints: [...taints.values()], problems };
}

/** Upstream's: those of AWS and two times of machines. */
const capiOptions: readonly GroupOptionName[] = [
  'scaledownutilizationthreshold',
  'scaledowngpuutilizationthreshold',
  'scaledownunneededtime',
  'scaledownunreadytime',
  'ignoredaemonsetsutilization',
  'maxnodeprovisiontime',
  'maxnodestartuptime',
];

/** Options of `<group>/autoscaling-options-<name>`. */
export function optionsOfAnnotations(annotations: Readonly<Record<string, string>>, keys: CapiKeys): ReturnType<typeof readGroupOptions> {
  const texts: Record<string, string> = {};
  for (const [key, value] of Object.entries(annotations)) {
    if (key.startsWith(keys.optionPrefix)) texts[key.slice(keys.optionPrefix.length)] = value;
  }
  return readGroupOptions(texts, capiOptions);
}
