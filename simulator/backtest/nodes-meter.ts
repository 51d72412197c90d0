/** What a path costs: those who wait, and the machines. Sums over all pods and nodes, from second 0 to the end. */
export interface PathFigures {
  /** Pod-seconds from pending to bound, or to the pod's end, or to the end of the path; without those that nobody can help. */
  readonly waitingSeconds: number;
  /** Of them those of pods that found a node in the end. */
  readonly servedWaitingSeconds: number;
  /** Pod-seconds of pods that no node of any group can take. */
  readonly hopelessSeconds: number;
  /** Longest wait of a pod that found a node. */
  readonly longestWait: number;
  /** Pods that found a node after they had waited. */
  readonly served: number;
  /** Node-seconds from the Node object's creation to its end. */
  readonly nodeSeconds: number;
  /** The same, each node by its cores. */
  readonly coreSeconds: number;
  readonly evictions: number;
  /** Nodes that were asked for and granted. */
  readonly nodesAdded: number;
  /** Loops in which a group grew, once for each group. */
  readonly scaleUps: number;
  /** Nodes that the autoscaler took out. */
  readonly nodesRemoved: number;
  /** Nodes asked for within 10 minutes after one of the same group was taken out, each removal counted for at most one. */
  readonly thrash: number;
}

const thrashSeconds = 600;

/** Takes down what happens on a path. Times in seconds. */
export interface PathMeter {
  /** `hopeless`: no node of any group can take it. */
  podWaits(pod: string, at: number, hopeless: boolean): void;
  podBound(pod: string, at: number): void;
  podGone(pod: string, at: number): void;
  nodeCame(node: string, at: number, cores: number): void;
  nodeGone(node: string, at: number): void;
  evicted(): void;
  asked(group: string, count: number, at: number): void;
  removed(group: string, at: number): void;
  figures(end: number): PathFigures;
}

export function createPathMeter(): PathMeter {
  const waiting = new Map<string, { readonly since: number; readonly hopeless: boolean }>();
  const nodes = new Map<string, { readonly since: number; readonly cores: number }>();
  const removals = new Map<string, number[]>();
  let inVain = 0;
  let hopelessSeconds = 0;
  let servedWaitingSeconds = 0;
  let longestWait = 0;
  let served = 0;
  let nodeSeconds = 0;
  let coreSeconds = 0;
  let evictions = 0;
  let nodesAdded = 0;
  let scaleUps = 0;
  let nodesRemoved = 0;
  let thrash = 0;

  return {
    podWaits: (pod, at, hopeless) => void waiting.set(pod, { since: Math.max(at, 0), hopeless }),
    podBound: (pod, at) => {
      const wait = waiting.get(pod);
      if (wait === undefined) return;
      waiting.delete(pod);
      const seconds = at - wait.since;
      servedWaitingSeconds += seconds;
      if (seconds > 0) served += 1;
      longestWait = Math.max(longestWait, seconds);
    },
    podGone: (pod, at) => {
      const wait = waiting.get(pod);
      waiting.delete(pod);
      if (wait?.hopeless === true) hopelessSeconds += at - wait.since;
      else inVain += at - (wait?.since ?? at);
    },
    nodeCame: (node, at, cores) => void nodes.set(node, { since: Math.max(at, 0), cores }),
    nodeGone: (node, at) => {
      const { since = at, cores = 0 } = nodes.get(node) ?? {};
      nodeSeconds += at - since;
      coreSeconds += (at - since) * cores;
      nodes.delete(node);
    },
    evicted: () => void evictions++,
    asked: (group, count, at) => {
      nodesAdded += count;
      scaleUps += 1;
      const recent = (removals.get(group) ?? []).filter((removed) => removed > at - thrashSeconds);
      const again = Math.min(count, recent.length);
      thrash += again;
      removals.set(group, recent.slice(again));
    },
    removed: (group, at) => {
      nodesRemoved += 1;
      removals.set(group, [...(removals.get(group) ?? []), at]);
    },
    figures: (end) => {
      const open = (list: readonly { readonly since: number }[]): number =>
        list.reduce((sum, { since }) => sum + Math.max(0, end - since), 0);
      const standing = [...nodes.values()];
      const waits = [...waiting.values()];
      return {
        waitingSeconds: servedWaitingSeconds + inVain + open(waits.filter(({ hopeless }) => !hopeless)),
        servedWaitingSeconds,
        hopelessSeconds: hopelessSeconds + open(waits.filter(({ hopeless }) => hopeless)),
        longestWait,
        served,
        nodeSeconds: nodeSeconds + open(standing),
        coreSeconds: coreSeconds + standing.reduce((sum, { since, cores }) => sum + Math.max(0, end - since) * cores, 0),
        evictions,
        nodesAdded,
        scaleUps,
        nodesRemoved,
        thrash,
      };
    },
  };
}
