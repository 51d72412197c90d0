import { readFileSync } from 'node:fs';
import { createInterner, projectNode, projectPod, type KubeObject, type PodRecord } from '../../core/model/index.ts';
import { upstreamGroupOptions } from '../../cluster-autoscaler/engine/loop/options.ts';
import type { ScaleUpGroup } from '../../cluster-autoscaler/engine/scale-up/index.ts';

/**
 * The workload of Karpenter's scheduling benchmark (specs/peers.md, part 1): its pods exactly, from the recorded random stream, and its 400 instance types
 * as node groups.
 */

/** A pod as Karpenter draws it. */
export interface DrawnPod {
  readonly kind: 'generic' | 'spread' | 'affinity' | 'anti';
  readonly key?: 'zone' | 'hostname';
  readonly label: string;
  readonly selector?: string;
  /** Milli-cores and MiB. */
  readonly cpu: number;
  readonly memMi: number;
}

const folder = new URL('../conformance/vectors/karpenter-mix/', import.meta.url);

/** The first pods of the stream; the module beside it holds the way they are drawn. */
export async function drawPods(count: number): Promise<readonly DrawnPod[]> {
  const module = (await import(new URL('pods.mjs', folder).href)) as { karpenterPods: (count: number) => readonly DrawnPod[] };
  // Missing data would make empty pods.
  if (readFileSync(new URL('rand-42.u32', folder)).length === 0) throw new Error('rand-42.u32 is empty');
  return module.karpenterPods(count);
}

const topology = { zone: 'topology.kubernetes.io/zone', hostname: 'kubernetes.io/hostname' } as const;

/** Their records, as a watch would deliver them: shapes and labels shared, no owner. */
export function podRecords(drawn: readonly DrawnPod[], interner = createInterner()): readonly PodRecord[] {
  return drawn.map((pod, index) => projectPod(podObject(pod, index), interner));
}

function podObject(pod: DrawnPod, index: number): KubeObject {
  const name = `pod-${String(index).padStart(6, '0')}`;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, uid: `uid-${name}`, namespace: 'default', labels: labelsOf(pod), creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: {
      containers: [{ name: 'c', resources: { requests: { cpu: `${pod.cpu}m`, memory: `${pod.memMi}Mi` } } }],
      ...rulesOf(pod),
    },
    status: { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }] },
  };
}

function labelsOf({ kind, label }: DrawnPod): Record<string, string> {
  if (kind === 'anti') return { app: label };
  return { [kind === 'affinity' ? 'my-affininity' : 'my-label']: label };
}

function rulesOf(pod: DrawnPod): object {
  const topologyKey = topology[pod.key ?? 'zone'];
  const term = [{ labelSelector: { matchLabels: labelsOf(pod) }, topologyKey }];
  switch (pod.kind) {
    case 'generic':
      return {};
    case 'spread': {
      const labelSelector = { matchLabels: { 'my-label': pod.selector ?? '' } };
      return { topologySpreadConstraints: [{ maxSkew: 1, topologyKey, whenUnsatisfiable: 'DoNotSchedule', labelSelector }] };
    }
    case 'affinity':
      return { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: term } } };
    case 'anti':
      return { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: term } } };
  }
}

const zones = ['test-zone-1', 'test-zone-2', 'test-zone-3'] as const;

/** Per vCPU with its 2 GiB. */
const unitPrice = 0.1 + (0.1 * 2 * 2 ** 30) / 1e9;

/**
 * The 400 types as groups, whose nodes are in one zone each as those of a cloud's group are. `every-zone`: 1,200 groups, a type in each of the three zones: the
 * choice that Karpenter has. `one-zone`: 400 groups, type i in zone i mod 3: fewer sizes to choose from in a zone than Karpenter has.
 */
export function karpenterGroups(how: 'every-zone' | 'one-zone'): readonly ScaleUpGroup[] {
  const groups: ScaleUpGroup[] = [];
  for (let type = 0; type < 400; type++) {
    for (const [index, zone] of zones.entries()) if (how === 'every-zone' || type % 3 === index) groups.push(groupOf(type, zone));
  }
  return groups;
}

function groupOf(type: number, zone: string): ScaleUpGroup {
  const id = `fake-it-${type}.${zone}`;
  const cores = type + 1;
  const capacity = { cpu: String(cores), memory: `${2 * cores}Gi`, pods: String(10 * cores) };
  const node = projectNode(
    {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: {
        name: `template-${id}`,
        labels: {
          [topology.zone]: zone,
          [topology.hostname]: `template-${id}`,
          'node.kubernetes.io/instance-type': `fake-it-${type}`,
          'kubernetes.io/arch': 'amd64',
          'kubernetes.io/os': 'linux',
        },
      },
      status: {
        capacity,
        allocatable: { cpu: `${1000 * cores - 100}m`, memory: `${2048 * cores - 10}Mi`, pods: capacity.pods },
        conditions: [{ type: 'Ready', status: 'True' }],
      },
    },
    createInterner(),
  );
  return {
    group: {
      id,
      minSize: 0,
      maxSize: 10_000,
      targetSize: 0,
      instances: [],
      template: { node, pods: [] },
      options: upstreamGroupOptions,
      price: unitPrice * cores,
    },
    template: { node, pods: [] },
    state: 'healthy',
  };
}
