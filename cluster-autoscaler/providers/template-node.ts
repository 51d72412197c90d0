/** What the templates of every cloud have in common: an empty, ready node, and the pod that upstream puts on each. */
import type { Interner, Labels, NodeRecord, PodRecord, ResourceList, Taint } from '../../core/model/index.ts';
import { projectPod } from '../../core/model/index.ts';

/** What a template is made of; resources in thousandths. */
export interface TemplateNodeFacts {
  readonly name: string;
  readonly labels: Labels;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly taints: readonly Taint[];
  readonly capacity: ResourceList;
  /** Default: the capacity, as upstream has it. */
  readonly allocatable?: ResourceList | undefined;
}

/** A ready node that nothing runs on. Its own name is its hostname label unless the labels say otherwise. */
export function templateNode(facts: TemplateNodeFacts): NodeRecord {
  const labels: Labels = { 'kubernetes.io/hostname': facts.name, ...facts.labels };
  const label = (key: string, oldKey: string): string => labels[key] ?? labels[oldKey] ?? '';
  return {
    name: facts.name,
    uid: '',
    labels,
    annotations: facts.annotations ?? {},
    taints: facts.taints,
    capacity: facts.capacity,
    allocatable: facts.allocatable ?? facts.capacity,
    ready: 'True',
    readySince: undefined,
    problems: [],
    unschedulable: false,
    providerId: '',
    zone: label('topology.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/zone'),
    region: label('topology.kubernetes.io/region', 'failure-domain.beta.kubernetes.io/region'),
    instanceType: label('node.kubernetes.io/instance-type', 'beta.kubernetes.io/instance-type'),
    created: undefined,
    deleted: undefined,
  };
}

/**
 * The mirror pod kube-proxy of 100m that upstream puts on every template of AWS and of Cluster API. Where kube-proxy is a DaemonSet its pod is
 * counted beside this one: 100m too much rather than a node that turns out too small.
 */
export function kubeProxyPod(group: string, interner: Interner): PodRecord {
  return projectPod(
    {
      metadata: {
        name: `kube-proxy-${group}`,
        namespace: 'kube-system',
        labels: { component: 'kube-proxy' },
        annotations: { 'kubernetes.io/config.source': 'file', 'kubernetes.io/config.mirror': 'template' },
      },
      spec: { containers: [{ name: 'kube-proxy', resources: { requests: { cpu: '100m' } } }] },
      status: { phase: 'Running' },
    },
    interner,
  );
}
