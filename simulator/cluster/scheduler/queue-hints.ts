import { termMatches } from './filters/inter-pod-affinity.ts';
import type { AffinityTerm, PodInfo } from './pod-info.ts';

/** What happened in the cluster, as far as it may make a pod fit. Pods here are pods on nodes. */
export type ClusterChange =
  | { readonly kind: 'node' | 'volume' }
  /** It asks for less, or it is being deleted. */
  | { readonly kind: 'pod-shrunk' }
  | { readonly kind: 'pod-placed' | 'pod-gone'; readonly pod: PodInfo }
  | { readonly kind: 'pod-relabelled'; readonly before: PodInfo; readonly pod: PodInfo };

const affinity = 'InterPodAffinity';
const spreading = 'PodTopologySpread';

/** Plugins whose verdict such a change can turn whatever pod waits; `undefined`: any plugin. */
const always: Readonly<Record<ClusterChange['kind'], ReadonlySet<string> | undefined>> = {
  node: undefined,
  volume: new Set(['VolumeBinding', 'VolumeZone', 'VolumeRestrictions']),
  'pod-shrunk': new Set(['NodeResourcesFit', 'NodePorts', spreading, 'VolumeRestrictions']),
  'pod-gone': new Set(['NodeResourcesFit', 'NodePorts', 'VolumeRestrictions']),
  'pod-placed': new Set(),
  'pod-relabelled': new Set(),
};

/** Whether pods that only these plugins rejected can be helped by pods that come or change: the few to look at on each placement. */
export function looksAtPods(plugins: ReadonlySet<string>): boolean {
  return plugins.size === 0 || plugins.has(affinity) || plugins.has(spreading);
}

/**
 * Whether a waiting pod is to be tried again: upstream's queueing hints. `plugins` are those that rejected it, empty when unknown. A change of a namespace's
 * labels helps nobody: no plugin registers for it.
 */
export function mayHelp(plugins: ReadonlySet<string>, waiting: PodInfo, change: ClusterChange): boolean {
  const helped = always[change.kind];
  if (helped === undefined || plugins.size === 0) return true;
  for (const plugin of plugins) if (helped.has(plugin)) return true;
  if (!('pod' in change)) return false;
  return (plugins.has(affinity) && affinityHint(waiting, change)) || (plugins.has(spreading) && spreadingHint(waiting, change));
}

type PodChange = Extract<ClusterChange, { readonly pod: PodInfo }>;

/** isSchedulableAfterPodChange of InterPodAffinity. */
function affinityHint(waiting: PodInfo, change: PodChange): boolean {
  const { affinity: terms, antiAffinity: antiTerms } = waiting.group;
  switch (change.kind) {
    case 'pod-placed':
      return matchesAll(terms, change.pod);
    case 'pod-relabelled':
      return (
        (!matchesAll(terms, change.before) && matchesAll(terms, change.pod)) ||
        (matchesAll(antiTerms, change.before) && !matchesAll(antiTerms, change.pod))
      );
    case 'pod-gone':
      return matchesAll(antiTerms, change.pod) || matchesAll(change.pod.group.antiAffinity, waiting);
  }
}

/**
 * podMatchesAllAffinityTerms: no terms match nothing, and a `namespaceSelector` is asked about a namespace without labels, because upstream expects
 * it to be unrolled into names, which for a hint nobody does. A partner in a selected namespace therefore wakes nobody: five minutes do.
 */
function matchesAll(terms: readonly AffinityTerm[], { group }: PodInfo): boolean {
  return terms.length > 0 && terms.every((term) => termMatches(term, group.namespace, group.labels, noLabels));
}

const noLabels = {};

/** isSchedulableAfterPodChange of PodTopologySpread: pods of the namespace that a hard constraint counts, or counts no longer. */
function spreadingHint({ group }: PodInfo, change: PodChange): boolean {
  if (change.pod.namespace !== group.namespace) return false;
  return group.hardSpread.some(({ matches }) => {
    const counted = matches(change.pod.group.labels);
    return change.kind === 'pod-relabelled' ? counted !== matches(change.before.group.labels) : counted;
  });
}
