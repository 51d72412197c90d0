/** What `concertina explain` says of node groups, of a node and of a pod that waits for one. Times are RFC 3339. */
export interface NodesExplanation {
  readonly subject: { readonly kind: 'Pod' | 'Node' | 'NodePoolPolicy'; readonly namespace: string; readonly name: string };
  /** The answer in a sentence or two. */
  readonly summary: readonly string[];
  readonly pod: PodPart | null;
  readonly node: NodePart | null;
  /** Of the policy, of the node, or of those that were asked for the pod. */
  readonly groups: readonly GroupPart[];
  readonly policy: PolicyPart | null;
  /** What was not known when this was decided. */
  readonly notes: readonly string[];
}

export interface PodPart {
  /** `scheduled`, `helped`, `waits`, `refused`, `skipped`; `running` where it has a node; `unseen` where the scheduler has not looked yet. */
  readonly state: string;
  readonly node: string | null;
  readonly requests: Readonly<Record<string, string>>;
  readonly group: string | null;
  /** For how long the running controller, which waits for pods to grow old, still leaves it alone; null: it does not. */
  readonly leftAloneSeconds: number | null;
  /** Why each group could not take it, the one that is nearest to it first. */
  readonly refusals: readonly RefusalPart[];
}

export interface RefusalPart {
  readonly group: string;
  /** Of the scheduler; null where the group was not asked because of itself. */
  readonly filter: string | null;
  readonly reason: string;
  /** The smallest change that would take this obstacle away. */
  readonly change: string;
}

export interface NodePart {
  readonly group: string | null;
  readonly utilization: number | null;
  readonly utilizationResource: string | null;
  readonly unneededSince: string | null;
  readonly removableAt: string | null;
  readonly removableInSeconds: number | null;
  /** Why it stays; null: it would go now, or it is not looked at. */
  readonly reason: string | null;
  readonly blockedBy: { readonly namespace: string; readonly name: string; readonly reason: string; readonly budget: string | null } | null;
  readonly pods: number;
  readonly goes: boolean;
}

export interface GroupPart {
  readonly name: string;
  readonly policy: string | null;
  readonly minSize: number;
  readonly maxSize: number;
  readonly targetSize: number;
  readonly ready: number;
  readonly upcoming: number;
  readonly healthy: boolean;
  readonly backoff: { readonly until: string | null; readonly code: string; readonly message: string } | null;
  readonly holds: readonly { readonly by: string; readonly until: string | null; readonly message: string }[];
  readonly decision: string | null;
  /** Pods that do not exist yet, wanted by horizontal policies, that it grows for. */
  readonly podsToCome: number;
  /** Nodes of it by why they stay. */
  readonly nodes: readonly { readonly node: string; readonly reason: string | null; readonly message: string }[];
  readonly template: string;
  readonly lastScaleUpTime: string | null;
  readonly lastScaleDownTime: string | null;
  readonly notes: readonly string[];
}

export interface PolicyPart {
  readonly mode: string | null;
  readonly problems: readonly string[];
  readonly conflicts: readonly string[];
  /** As they are stored. */
  readonly conditions: readonly { readonly type: string; readonly status: string; readonly reason: string; readonly message: string }[];
}
