import type { PodRecord } from '../../../core/model/index.ts';
import type { ClassId, SchedulingSnapshot } from '../scheduling/index.ts';

/** What placing has to know of classes, each looked at once. */
export interface ClassOrder {
  classesOf(pods: readonly PodRecord[]): ClassId[];
  /** The pods class by class, classes that ask for most first; `classes` is put in the same order. Stable. */
  sort(pods: readonly PodRecord[], classes: ClassId[]): readonly PodRecord[];
  /** Pods of the class must spread over domains, so that a node that goes counts as long as it is there. */
  spreads(podClass: ClassId): boolean;
}

export function createClassOrder(snapshot: SchedulingSnapshot): ClassOrder {
  const weights: number[] = [];
  const spreading: boolean[] = [];
  const weightOf = (podClass: ClassId): number => (weights[podClass] ??= weightIn(snapshot.exemplar(podClass)));
  return {
    classesOf: (pods) => {
      const classes: ClassId[] = [];
      let last: PodRecord | undefined;
      let lastClass = -1;
      for (const pod of pods) {
        if (last === undefined || !isAlike(pod, last)) lastClass = snapshot.classOf(pod);
        last = pod;
        classes.push(lastClass);
      }
      return classes;
    },
    sort: (pods, classes) => {
      if (classes.every((podClass) => podClass === classes[0])) return pods;
      const seen = new Map<ClassId, number>();
      for (const podClass of classes) if (!seen.has(podClass)) seen.set(podClass, seen.size);
      const rank = (index: number): number => seen.get(classes[index] ?? -1) ?? 0;
      const order = classes
        .map((_, index) => index)
        .toSorted((a, b) => weightOf(classes[b] ?? -1) - weightOf(classes[a] ?? -1) || rank(a) - rank(b) || a - b);
      const before = classes.slice();
      order.forEach((from, to) => (classes[to] = before[from] ?? -1));
      return order.map((index) => pods[index] as PodRecord);
    },
    spreads: (podClass) => (spreading[podClass] ??= mustSpread(snapshot.exemplar(podClass))),
  };
}

/** A core weighs as much as 4 GiB: what clouds sell together. */
function weightIn({ shape }: PodRecord): number {
  const { cpu = 0, memory = 0 } = shape.requests;
  return cpu + memory / (4 * 2 ** 30);
}

function mustSpread({ shape }: PodRecord): boolean {
  return shape.topologySpread.some(({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule');
}

/** Surely of one class; pods of one workload are. */
function isAlike(a: PodRecord, b: PodRecord): boolean {
  return (
    a.shape === b.shape &&
    a.labels === b.labels &&
    a.namespace === b.namespace &&
    a.claims.length + b.claims.length === 0 &&
    a.shape.resourceClaims.length === 0 &&
    a.pinnedNode === b.pinnedNode &&
    (a.deleted === undefined) === (b.deleted === undefined)
  );
}
