import type { FilterFailure, GroupReport, PendingPodReport, ResolvedGroup } from '../../../cluster-autoscaler/index.ts';
import { amountText } from '../../../core/model/amount-text.ts';
import { untoleratedTaint, type NodeRecord } from '../../../core/model/node.ts';
import type { PodRecord } from '../../../core/model/pod.ts';
import { leftText } from './time-text.ts';

/** What would have to be different for a group to take a pod, and how far away that is: smaller is nearer. */
export interface NearestChange {
  readonly distance: number;
  readonly text: string;
}

interface Obstacle {
  readonly refusal: PendingPodReport['refusals'][number];
  readonly pod: PodRecord;
  readonly group: ResolvedGroup | undefined;
  readonly report: GroupReport | undefined;
  readonly now: number;
}

/** The smallest change that takes away what a group was refused for. What passes by itself is nearest, then bounds, then the pod's rules, then its size. */
export function changeFor({ refusal, pod, group, report, now }: Obstacle): NearestChange {
  if (refusal.failure !== undefined) return filterChange(refusal.failure, pod, group?.group.template?.node);
  const backoff = report?.backoff;
  if (backoff !== undefined) {
    const { code, message } = backoff.failure;
    return {
      distance: 1,
      text: `it is asked again when its backoff ends (${leftText(backoff.until, now)}); the cloud said ${code}: ${message}`,
    };
  }
  const [hold] = group?.holds ?? [];
  if (hold !== undefined) return { distance: 2, text: hold.message };
  return reasonChange(refusal.reason, group);
}

/** By the words of §7 for why a group is left out. */
function reasonChange(reason: string, group: ResolvedGroup | undefined): NearestChange {
  if (reason.includes('max node group size reached')) {
    const most = group === undefined ? '' : `, which is ${group.maxSize}`;
    return { distance: 3, text: `raise its maximum${most} (maxSize of the policy, and of the group in its cloud)` };
  }
  if (reason.includes('cooldown')) return { distance: 0, text: `wait: ${reason}` };
  if (reason.includes('not ready for scale-up')) {
    return { distance: 4, text: 'get its nodes ready: too many of those that were asked for are missing or not ready' };
  }
  const { template, templateProblem } = group?.group ?? {};
  if (template === undefined && templateProblem !== undefined)
    return { distance: 5, text: `say what a node of it is like: ${templateProblem}` };
  return { distance: 6, text: reason };
}

function filterChange(failure: FilterFailure, pod: PodRecord, node: NodeRecord | undefined): NearestChange {
  switch (failure.filter) {
    case 'NodeResourcesFit':
      return resourceChange(failure);
    case 'TaintToleration':
      return { distance: 10, text: `give the pod a toleration for ${taintText(node, pod) ?? 'its taint'}` };
    case 'NodeAffinity':
      return { distance: 11, text: affinityChange(pod, node) };
    case 'NodePorts':
      return { distance: 12, text: 'free the host port that the pod asks for: a pod of every node has it' };
    case 'PodTopologySpread':
      return { distance: 13, text: 'another group whose nodes are in another domain, or a larger maxSkew' };
    case 'InterPodAffinity':
      return { distance: 14, text: 'an (anti-)affinity that a new node of the group can meet' };
    case 'VolumeZone':
    case 'VolumeBinding':
      return { distance: 15, text: 'a group in the zone of its volume, or a claim that waits for its first consumer' };
    case 'NodeVolumeLimits':
    case 'VolumeRestrictions':
      return { distance: 16, text: 'fewer volumes: a node attaches no more' };
    case 'DynamicResources':
      return { distance: 18, text: `devices for its claims: ${failure.reason}` };
    case 'NodeUnschedulable':
    case 'NodeName':
      return { distance: 17, text: failure.reason };
  }
}

/** How much too large the pod is for an empty node, by the resource that is missing most. */
function resourceChange({ resources = [], reason }: FilterFailure): NearestChange {
  const [first] = resources;
  if (first === undefined) return { distance: 20, text: `ask for less: ${reason}` };
  const amount = (name: string, milli: number): string => amountText(name, name === 'cpu' ? milli : milli / 1000);
  const texts = resources.map(
    ({ name, requested, free }) =>
      `${amount(name, requested - free)} less ${name} (it asks for ${amount(name, requested)}, a new node has ${amount(name, free)})`,
  );
  // A share of what it asks for: a pod that is a little too large is nearer than one that asks for what no node has.
  const excess = Math.max(...resources.map(({ requested, free }) => (requested - free) / Math.max(requested, 1)));
  return { distance: 8 + 4 * excess, text: `ask for ${texts.join(' and ')}, or let the group have larger nodes` };
}

function taintText(node: NodeRecord | undefined, pod: PodRecord): string | undefined {
  const taint = node === undefined ? undefined : untoleratedTaint(node.taints, pod.shape.tolerations);
  if (taint === undefined) return undefined;
  const { key, value = '', effect } = taint;
  return `taint ${key}${value === '' ? '' : `=${value}`}:${effect}`;
}

function affinityChange({ shape }: PodRecord, node: NodeRecord | undefined): string {
  const wrong = Object.entries(shape.nodeSelector).filter(([key, value]) => node?.labels[key] !== value);
  const [first] = wrong;
  if (first === undefined) return 'a node affinity that its labels meet';
  const [key, value] = first;
  const own = node?.labels[key];
  return `label its nodes ${key}=${value} (${own === undefined ? 'they have no such label' : `they have ${own}`}), or take it out of the pod's nodeSelector`;
}
