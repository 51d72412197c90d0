import type { NodeTemplate } from '../../cluster-autoscaler/engine/model.ts';
import type { ClassId, NodeId, SchedulingSnapshot } from '../../cluster-autoscaler/engine/scheduling/index.ts';
import type { PodRecord } from '../../core/model/index.ts';

/** Pods that were put on a node. */
export interface Placing {
  /** Absent: pods of a class that were only counted. */
  readonly pod: PodRecord | undefined;
  readonly podClass: ClassId;
  readonly node: NodeId;
  readonly name: string;
  readonly count: number;
}

/** What happened between a fork and its end. */
export interface Layer {
  readonly placed: Placing[];
  /** Copies of templates, in order. */
  readonly added: Map<NodeId, NodeTemplate>;
}

export interface Recording {
  /** The snapshot, listened to. */
  readonly snapshot: SchedulingSnapshot;
  /** What stayed. */
  readonly kept: Layer;
  /** What was reverted, in order. */
  readonly undone: readonly Layer[];
}

/** Listens to a snapshot: where pods are put, and what of it stays. */
export function recordSnapshot(inner: SchedulingSnapshot): Recording {
  const kept: Layer = { placed: [], added: new Map() };
  const undone: Layer[] = [];
  const stack: Layer[] = [kept];
  const top = (): Layer => stack.at(-1) ?? kept;
  const note = (podClass: ClassId, node: NodeId, count: number, pod?: PodRecord): void => {
    if (count > 0) top().placed.push({ pod, podClass, node, name: inner.node(node).name, count });
  };
  const heard: Partial<SchedulingSnapshot> = {
    addCopy: (template, name) => {
      const node = inner.addCopy(template, name);
      top().added.set(node, template);
      return node;
    },
    place: (pod, node) => {
      inner.place(pod, node);
      note(inner.classOf(pod), node, 1, pod);
    },
    placeMany: (podClass, node, count) => {
      inner.placeMany(podClass, node, count);
      note(podClass, node, count);
    },
    placeAround: (podClass, count, options = {}) =>
      inner.placeAround(podClass, count, {
        ...options,
        placed: (node, pods) => {
          note(podClass, node, pods);
          options.placed?.(node, pods);
        },
      }),
    fork: () => {
      inner.fork();
      stack.push({ placed: [], added: new Map() });
    },
    commit: () => {
      inner.commit();
      const layer = stack.pop();
      if (layer === undefined) return;
      top().placed.push(...layer.placed);
      for (const [node, template] of layer.added) top().added.set(node, template);
    },
    revert: () => {
      inner.revert();
      const layer = stack.pop();
      if (layer !== undefined && layer.placed.length > 0) undone.push(layer);
    },
  };
  const snapshot = new Proxy(inner, {
    get: (target, key) => (Object.hasOwn(heard, key) ? Reflect.get(heard, key) : Reflect.get(target, key)) as unknown,
  });
  return { snapshot, kept, undone };
}
