import type { Delay } from '../kubelet/delay.ts';
import type { NodeSpec, Taint } from '../kubelet/types.ts';
import type { GroupView, InstanceView } from './types.ts';

/** A taint with which nodes come and which somebody takes away later (a CNI, a driver). */
export interface StartupTaint extends Taint {
  /** From the registration until it is taken away; absent: it stays. */
  readonly removeAfter?: Delay;
}

/** What becomes of a group's instances. All may be left out. */
export interface GroupNodes {
  /** From running until the node registers; default 20–40 s. */
  readonly joinDelay?: Delay;
  /** Instances run, but no node comes: a broken image, a wrong token. Instances whose nodes are there stay. */
  readonly neverJoins?: boolean;
  readonly startupTaints?: readonly StartupTaint[];
  /** Beside those of the group's tags, and over them. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Beside those of the group's tags. */
  readonly taints?: readonly Taint[];
  /** More resources, over those of the type and of the tags; `undefined` takes one away (`nvidia.com/gpu` without its plugin). */
  readonly resources?: Readonly<Record<string, string | number | undefined>>;
  /** What system and kubelet keep of the capacity: allocatable is that much less; default nothing. */
  readonly reserved?: { readonly cpuMilli?: number; readonly memoryMib?: number };
  /** Default 110. */
  readonly pods?: number;
}

const tagPrefix = 'k8s.io/cluster-autoscaler/node-template/';

/** The node that an instance becomes; the group's node-template tags say what its user data would. */
export function nodeSpecOf(instance: InstanceView, group: GroupView | undefined, nodes: GroupNodes): NodeSpec {
  const { type, zone } = instance;
  const tags = group?.tags ?? {};
  const labels = { 'kubernetes.io/arch': type.arch === 'arm64' ? 'arm64' : 'amd64', ...tagged(tags, 'label/'), ...nodes.labels };
  const resources = compact({ ...gpuOf(instance), ...tagged(tags, 'resources/'), ...nodes.resources });
  const { cpu = type.vcpus, memory = `${type.memoryMib}Mi`, ...others } = resources;
  const { reserved } = nodes;
  return {
    name: instance.privateDnsName,
    cpu,
    memory,
    pods: nodes.pods ?? 110,
    labels,
    taints: [...taintsOf(tags), ...(nodes.taints ?? []), ...(nodes.startupTaints ?? []).map(plainTaint)],
    providerID: `aws:///${zone}/${instance.id}`,
    zone,
    region: zone.replace(/[a-z]$/, ''),
    instanceType: type.name,
    resources: others,
    ...(reserved !== undefined && {
      allocatable: {
        cpu: `${type.vcpus * 1000 - (reserved.cpuMilli ?? 0)}m`,
        memory: `${type.memoryMib - (reserved.memoryMib ?? 0)}Mi`,
      },
    }),
    address: instance.privateIp,
    registerAs: Object.keys(labels).every(kubeletMaySet) ? 'node' : 'admin',
  };
}

function gpuOf({ type: { accelerator } }: InstanceView): Record<string, number> {
  return accelerator?.manufacturer === 'nvidia' ? { 'nvidia.com/gpu': accelerator.count } : {};
}

function tagged(tags: Readonly<Record<string, string>>, kind: 'label/' | 'resources/'): Record<string, string> {
  const prefix = tagPrefix + kind;
  return Object.fromEntries(
    Object.entries(tags).flatMap(([key, value]) => (key.startsWith(prefix) ? [[key.slice(prefix.length), value]] : [])),
  );
}

/** `…/taint/<key>` with the value `<value>:<effect>`. */
function taintsOf(tags: Readonly<Record<string, string>>): readonly Taint[] {
  const prefix = `${tagPrefix}taint/`;
  return Object.entries(tags).flatMap(([key, text]) => {
    const colon = text.indexOf(':');
    if (!key.startsWith(prefix) || colon < 0) return [];
    return [plainTaint({ key: key.slice(prefix.length), value: text.slice(0, colon), effect: text.slice(colon + 1) })];
  });
}

export function plainTaint({ key, value, effect }: Taint): Taint {
  return { key, effect, ...(value !== undefined && value !== '' && { value }) };
}

const kubeletLabels = new Set([
  'kubernetes.io/hostname',
  'kubernetes.io/arch',
  'kubernetes.io/os',
  'beta.kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
]);

/** NodeRestriction lets a kubelet set labels of Kubernetes' own domains only from a short list. */
function kubeletMaySet(label: string): boolean {
  const slash = label.indexOf('/');
  const domain = slash < 0 ? '' : label.slice(0, slash);
  if (!/(^|\.)(kubernetes|k8s)\.io$/.test(domain)) return true;
  return kubeletLabels.has(label) || /(^|\.)(kubelet|node)\.kubernetes\.io$/.test(domain);
}

function compact(values: Readonly<Record<string, string | number | undefined>>): Record<string, string | number> {
  return Object.fromEntries(Object.entries(values).filter((entry): entry is [string, string | number] => entry[1] !== undefined));
}
