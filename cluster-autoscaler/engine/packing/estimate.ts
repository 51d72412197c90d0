import type { NodeTemplate } from '../model.ts';
import type { ClassId, NodeId, SchedulingSnapshot } from '../scheduling/index.ts';
import { fastPathGroup } from './fast-path.ts';
import type { EstimationLimiter } from './limiter.ts';
import { decreasingOrder } from './order.ts';

/** Equal pods that are to be packed. Callers keep the pods themselves in an array of `count`; they are taken from its front. */
export interface PackingGroup {
  readonly podClass: ClassId;
  readonly count: number;
  /** Each pod is a group of its own, as those without a controller are upstream: the same pods, but searches then start elsewhere afterwards. */
  readonly apart?: boolean | undefined;
}

/** Options of {@link estimate}. */
export interface EstimateOptions {
  readonly limiter: EstimationLimiter;
  /** Upstream's `--fastpath-binpacking-enabled`; off. */
  readonly fastPath?: boolean | undefined;
  /** Names of the nodes added are this and a number, from 0, passing over names that are taken. Default `e-`. */
  readonly prefix?: string | undefined;
  /** Leave what was placed, and the nodes added, in the snapshot: for packing what is left onto another template. Off: the snapshot is as before. */
  readonly keep?: boolean | undefined;
  /** Every pod by itself, without arithmetic: what the quick way is tested against. */
  readonly podByPod?: boolean | undefined;
}

/** What one template could do for the groups. */
export interface Estimate {
  /** Nodes that got a pod; by the hostname-spread retry real ones can be among them (upstream's quirk). */
  readonly nodes: number;
  readonly pods: number;
  /** Pods placed of each group, in the order in which the groups came; always its first ones. */
  readonly perGroup: readonly number[];
  /** The limiter refused a node. */
  readonly limited: boolean;
}

const hostname = 'kubernetes.io/hostname';
const skewReason = "node(s) didn't match pod topology spread constraints";

/**
 * First-fit-decreasing bin-packing of groups of equal pods onto copies of a template (upstream's BinpackingNodeEstimator): each group first fills
 * nodes of this estimation by the any-node search, until one pod finds none; then new nodes, of which only the last is filled. A last node that
 * stays empty ends its group. Nothing is left in the snapshot but the place at which searches start.
 */
export function estimate(
  snapshot: SchedulingSnapshot,
  template: NodeTemplate,
  groups: readonly PackingGroup[],
  options: EstimateOptions,
): Estimate {
  const packing = createPacking(snapshot, template, options);
  options.limiter.start();
  const exemplars = groups.map(({ podClass }) => snapshot.exemplar(podClass));
  const order = decreasingOrder(exemplars, template.node);
  const quick = options.fastPath === true ? moveToEnd(order, groups, { snapshot, template }) : false;
  const perGroup = groups.map(() => 0);
  snapshot.fork();
  let kept = false;
  try {
    for (let rank = 0; rank < order.length;) {
      const index = order[rank] as number;
      const { podClass, count, apart } = groups[index] as PackingGroup;
      const singles = quick ? 1 : singlesFrom(order, groups, rank);
      if (singles > 1 && packing.canPackSingles(podClass)) {
        const placed = packing.packSingles(podClass, singles);
        for (const single of order.slice(rank, rank + placed)) perGroup[single] = 1;
        rank += singles;
      } else if (apart === true && count > 1) {
        perGroup[index] = packApart(packing, podClass, count);
        rank += 1;
      } else {
        const isLast = rank === order.length - 1;
        perGroup[index] = packing.pack(podClass, count, { isLast, fastPath: quick && isLast });
        rank += 1;
      }
    }
    kept = options.keep === true;
  } finally {
    if (kept) snapshot.commit();
    else snapshot.revert();
  }
  return { nodes: packing.nodes(), pods: perGroup.reduce((sum, placed) => sum + placed, 0), perGroup, limited: packing.limited() };
}

/** So many groups of one pod each, although they came as one. */
function packApart(packing: Packing, podClass: ClassId, count: number): number {
  if (packing.canPackSingles(podClass)) return packing.packSingles(podClass, count);
  let placed = 0;
  for (let each = 0; each < count; each++) placed += packing.pack(podClass, 1, { isLast: false, fastPath: false });
  return placed;
}

/** How many groups of one pod of the same class follow each other: pods without a controller come so. */
function singlesFrom(order: readonly number[], groups: readonly PackingGroup[], rank: number): number {
  const { podClass } = groups[order[rank] as number] as PackingGroup;
  let end = rank;
  for (; end < order.length; end++) {
    const group = groups[order[end] as number] as PackingGroup;
    if (group.count !== 1 || group.podClass !== podClass) break;
  }
  return end - rank;
}

/** Moves the group of the fast path to the end of the order; false when there is none. */
function moveToEnd(
  order: number[],
  groups: readonly PackingGroup[],
  { snapshot, template }: { readonly snapshot: SchedulingSnapshot; readonly template: NodeTemplate },
): boolean {
  const candidates = order.map((index) => {
    const { podClass, count } = groups[index] as PackingGroup;
    return { exemplar: snapshot.exemplar(podClass), count };
  });
  const chosen = fastPathGroup(candidates, template.node);
  if (chosen < 0) return false;
  order.push(...order.splice(chosen, 1));
  return true;
}

interface PackOptions {
  /** No group comes after it. */
  readonly isLast: boolean;
  readonly fastPath: boolean;
}

interface Packing {
  /** Packs a group; answers how many of its pods found a place. */
  pack(podClass: ClassId, count: number, options: PackOptions): number;
  canPackSingles(podClass: ClassId): boolean;
  /** Packs so many groups of one pod each, one after the other; answers how many found a place: the first ones. */
  packSingles(podClass: ClassId, count: number): number;
  nodes(): number;
  limited(): boolean;
}

function createPacking(snapshot: SchedulingSnapshot, template: NodeTemplate, options: EstimateOptions): Packing {
  const { limiter, prefix = 'e-', keep = false, podByPod = false } = options;
  const used = new Set<NodeId>();
  /** Nodes with pods that were only counted. */
  let counted = 0;
  let added = 0;
  let first: NodeId | undefined;
  let last: NodeId | undefined;
  let mayAdd = true;

  const place = (podClass: ClassId, node: NodeId, count: number): void => {
    if (count === 0) return;
    snapshot.placeMany(podClass, node, count);
    used.add(node);
  };
  const permit = (): boolean => {
    mayAdd = limiter.permit();
    return mayAdd;
  };
  const addNode = (): NodeId => {
    while (snapshot.find(`${prefix}${added}`) !== undefined) added += 1;
    last = snapshot.addCopy(template, `${prefix}${added++}`);
    first ??= last;
    return last;
  };

  /** Nodes of this estimation, by the any-node search, up to the first pod that fits none. */
  const fillAdded = (podClass: ClassId, count: number): number => {
    if (first === undefined) return 0;
    if (!podByPod) return snapshot.placeAround(podClass, count, { from: first, placed: (node) => used.add(node) });
    let done = 0;
    for (; done < count; done++) {
      const node = snapshot.search(podClass, { from: first });
      if (node === undefined) break;
      place(podClass, node, 1);
    }
    return done;
  };

  /** The retry of releases since 1.35: a pod that the last node refuses for spreading over hosts may go to any other node, real ones too. */
  const placeElsewhere = (podClass: ClassId, full: NodeId): boolean => {
    const spreads = snapshot.exemplar(podClass).shape.topologySpread.some((constraint) => constraint.topologyKey === hostname);
    if (!spreads || snapshot.failure(podClass, full)?.reason !== skewReason) return false;
    const node = snapshot.search(podClass, { accept: (each) => each !== full });
    if (node === undefined) return false;
    place(podClass, node, 1);
    return true;
  };

  const fillNew = (podClass: ClassId, count: number): number => {
    for (let done = 0; done < count; done++) {
      if (last !== undefined) {
        if (snapshot.fits(podClass, last)) {
          place(podClass, last, 1);
          continue;
        }
        if (placeElsewhere(podClass, last)) continue;
        // A fresh copy would refuse as well.
        if (!used.has(last)) return done;
      }
      if (!permit()) return done;
      // The empty node stays for later groups.
      if (!snapshot.fits(podClass, addNode())) return done;
      place(podClass, last as NodeId, 1);
    }
    return count;
  };

  /** The same for an independent class, whose pods change nothing but the room on their node: by division. */
  const fillNewByRoom = (podClass: ClassId, count: number, isLast: boolean): number => {
    let done = 0;
    if (count > 0 && last !== undefined) {
      done = Math.min(snapshot.room(podClass, last), count);
      place(podClass, last, done);
      if (!used.has(last)) return done;
    }
    let perNode = 0;
    while (done < count && permit()) {
      // The first new node tells how many pods each takes. After the last group nobody looks at the others.
      if (perNode > 0 && isLast && !keep) {
        counted += 1;
      } else {
        const node = addNode();
        if (perNode === 0) perNode = snapshot.room(podClass, node);
        if (perNode === 0) return done;
        place(podClass, node, Math.min(perNode, count - done));
      }
      done += Math.min(perNode, count - done);
    }
    return done;
  };

  /**
   * Groups of one pod of an independent class: the first on a new node is put there, those after it find it by a search of their own, which moves the
   * place at which searches start.
   */
  const fillNewBySingles = (podClass: ClassId, count: number): number => {
    let done = 0;
    let perNode = 0;
    if (count > 0 && last !== undefined) {
      // Only a cordoned template has room that no search finds.
      done = Math.min(snapshot.room(podClass, last), count);
      place(podClass, last, done);
      if (!used.has(last)) return done;
    }
    while (done < count && permit()) {
      const node = addNode();
      if (perNode === 0) perNode = snapshot.room(podClass, node);
      const share = Math.min(perNode, count - done);
      if (share === 0) return done;
      place(podClass, node, 1);
      place(podClass, node, share - 1 - snapshot.placeAround(podClass, share - 1, { from: node }));
      done += share;
    }
    return done;
  };

  const fillByFastPath = (podClass: ClassId, count: number): number => {
    if (count === 0 || !permit()) return 0;
    const node = addNode();
    let perNode = 0;
    while (perNode < count && snapshot.fits(podClass, node)) {
      place(podClass, node, 1);
      perNode += 1;
    }
    let done = perNode;
    while (perNode > 0 && done < count && permit()) {
      counted += 1;
      done += Math.min(perNode, count - done);
    }
    return done;
  };

  return {
    pack: (podClass, count, { isLast, fastPath }) => {
      const done = fillAdded(podClass, count);
      if (!mayAdd) return done;
      if (fastPath) return done + fillByFastPath(podClass, count - done);
      const quick = !podByPod && snapshot.isIndependent(podClass);
      return done + (quick ? fillNewByRoom(podClass, count - done, isLast) : fillNew(podClass, count - done));
    },
    canPackSingles: (podClass) => !podByPod && snapshot.isIndependent(podClass),
    packSingles: (podClass, count) => {
      const done = fillAdded(podClass, count);
      return mayAdd ? done + fillNewBySingles(podClass, count - done) : done;
    },
    nodes: () => used.size + counted,
    limited: () => !mayAdd,
  };
}
