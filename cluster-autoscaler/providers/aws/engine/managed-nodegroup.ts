/** What EKS tells of a managed node group (§16). Pure. */
import type { Taint } from '../../../../core/model/index.ts';
import type { Tags } from './tags.ts';

/** The part of DescribeNodegroup's answer that is read. */
export interface ManagedNodegroup {
  readonly name?: string | null | undefined;
  readonly amiType?: string | null | undefined;
  readonly diskSize?: number | null | undefined;
  readonly capacityType?: string | null | undefined;
  readonly version?: string | null | undefined;
  readonly labels?: Readonly<Record<string, string | null>> | null | undefined;
  readonly taints?:
    readonly { readonly key?: string | null; readonly value?: string | null; readonly effect?: string | null }[] | null | undefined;
  readonly tags?: Tags | null | undefined;
}

/** What it means for a node. */
export interface ManagedFacts {
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  /** Its tags: only those for resources count, and they win over the group's. */
  readonly tags: Tags;
}

/** EKS's words for effects. */
const effects: Readonly<Record<string, string>> = {
  NO_SCHEDULE: 'NoSchedule',
  NO_EXECUTE: 'NoExecute',
  PREFER_NO_SCHEDULE: 'PreferNoSchedule',
};

/** Labels (the user's win) and taints. An effect that EKS does not have makes the whole answer unusable. */
export function factsOfNodegroup(nodegroup: ManagedNodegroup): ManagedFacts | { readonly problem: string } {
  const labels: Record<string, string> = {};
  const put = (key: string, value: string | number | null | undefined): void => {
    if (value !== undefined && value !== null && value !== '') labels[key] = String(value);
  };
  put('diskSize', nodegroup.diskSize);
  put('amiType', nodegroup.amiType);
  put('eks.amazonaws.com/capacityType', nodegroup.capacityType);
  put('k8sVersion', nodegroup.version);
  put('eks.amazonaws.com/nodegroup', nodegroup.name);
  for (const [key, value] of Object.entries(nodegroup.labels ?? {})) if (value !== null) labels[key] = value;
  const taints: Taint[] = [];
  for (const { key, value, effect } of nodegroup.taints ?? []) {
    if (key === undefined || key === null || effect === undefined || effect === null) continue;
    const known = effects[effect];
    if (known === undefined) return { problem: `node group ${nodegroup.name ?? ''}: taint ${key} has the unknown effect ${effect}` };
    taints.push({ key, value: value ?? '', effect: known });
  }
  return { labels, taints, tags: nodegroup.tags ?? {} };
}

/** Labels of tags and of the EKS API together; the API's win. */
export function joinLabels(
  fromTags: Readonly<Record<string, string>>,
  fromEks: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return { ...fromTags, ...fromEks };
}

/** Names of the EKS node group that labels speak of; `undefined` for a group that EKS does not manage. */
export function nodegroupNamed(
  labels: Readonly<Record<string, string>>,
): { readonly cluster: string; readonly nodegroup: string } | undefined {
  const nodegroup = labels['nodegroup-name'] ?? '';
  const cluster = labels['cluster-name'] ?? '';
  return nodegroup === '' || cluster === '' ? undefined : { cluster, nodegroup };
}
