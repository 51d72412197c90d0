import type { Labels, NodeRecord, PodRecord } from '../../../core/model/index.ts';
import type { FilterFailure, NodeTemplate } from '../model.ts';
import { firstFailure, type NaiveNode } from './naive-rules.fixture.ts';
import type { ClassId, ClassOptions, NodeId, PlaceAroundOptions, SchedulingFacts, SchedulingSnapshot, SearchOptions } from './snapshot.ts';

/** What the fast snapshot is compared with: the rules asked one by one, a fork copies everything. */

interface NaivePod {
  readonly pod: PodRecord;
  readonly bound: boolean;
}

const hostname = 'kubernetes.io/hostname';

export function createNaiveSnapshot(facts: SchedulingFacts): SchedulingSnapshot {
  let nodes: NaiveNode[] = [];
  const layers: NaiveNode[][] = [];
  const classes: NaivePod[] = [];
  const classIds = new Map<string, ClassId>();
  let nextId = 0;
  let lastMatch = 0;

  const byId = (id: NodeId): NaiveNode => {
    const node = nodes.find((each) => each.id === id);
    if (node === undefined) throw new Error(`no node ${id}`);
    return node;
  };
  const byClass = (id: ClassId): NaivePod => {
    const found = classes[id];
    if (found === undefined) throw new Error(`no class ${id}`);
    return found;
  };
  const classOf = (pod: PodRecord, options: ClassOptions = {}): ClassId => {
    const { namespace, labels, shape, claims, pinnedNode, deleted, nodeName } = pod;
    const bound = options.bound === true && nodeName !== undefined;
    const key = JSON.stringify([namespace, sorted(labels), shape, claims, pinnedNode, deleted !== undefined, bound ? nodeName : 0]);
    const known = classIds.get(key);
    if (known !== undefined) return known;
    classes.push({ pod, bound });
    classIds.set(key, classes.length - 1);
    return classes.length - 1;
  };
  const addNode = (record: NodeRecord, pods: readonly PodRecord[] = []): NodeId => {
    if (nodes.some((node) => node.record.name === record.name)) throw new Error(`node ${record.name} is there already`);
    nodes.push({ id: nextId, record, pods: [...pods], bulk: [] });
    return nextId++;
  };
  const failure = (podClass: ClassId, node: NodeId): FilterFailure | undefined => {
    const { pod, bound } = byClass(podClass);
    return firstFailure({ facts, nodes, pod, bound, node: byId(node) });
  };
  const search = (podClass: ClassId, { accept, from }: SearchOptions = {}): NodeId | undefined => {
    for (let step = 0; step < nodes.length; step++) {
      const position = (lastMatch + 1 + step) % nodes.length;
      const node = nodes[position];
      if (node === undefined || node.record.unschedulable || (from !== undefined && node.id < from)) continue;
      if (accept !== undefined && !accept(node.id)) continue;
      if (failure(podClass, node.id) !== undefined) continue;
      lastMatch = position;
      return node.id;
    }
    return undefined;
  };
  const placeMany = (podClass: ClassId, node: NodeId, count: number): void => {
    if (layers.length === 0) throw new Error('only inside a fork');
    for (let done = 0; done < count; done++) byId(node).bulk.push(byClass(podClass).pod);
  };

  return {
    get nodeCount() {
      return nodes.length;
    },
    classOf,
    exemplar: (podClass) => byClass(podClass).pod,
    addNode,
    addCopy: (template: NodeTemplate, name: string) => {
      const record = { ...template.node, name, labels: { ...template.node.labels, [hostname]: name } };
      return addNode(
        record,
        template.pods.map((pod) => ({ ...pod, nodeName: name })),
      );
    },
    removeNode: (id) => {
      byId(id);
      nodes = nodes.filter((node) => node.id !== id);
    },
    node: (id) => byId(id).record,
    find: (name) => nodes.find((node) => node.record.name === name)?.id,
    nodeIds: () => nodes.map((node) => node.id),
    podsOn: (id) => [...byId(id).pods],
    podCount: (id) => byId(id).pods.length + byId(id).bulk.length,
    place: (pod, id) => void byId(id).pods.push(pod),
    placeMany,
    displace: (pod, id) => {
      const { pods } = byId(id);
      let at = pods.indexOf(pod);
      if (at < 0) at = pods.findIndex((each) => each.name === pod.name && each.namespace === pod.namespace);
      if (at < 0) throw new Error(`pod ${pod.namespace}/${pod.name} is not on node ${id}`);
      pods.splice(at, 1);
    },
    fits: (podClass, node) => failure(podClass, node) === undefined,
    failure,
    search,
    placeAround: (podClass, count, options: PlaceAroundOptions = {}) => {
      let done = 0;
      for (; done < count; done++) {
        const node = search(podClass, options);
        if (node === undefined) break;
        placeMany(podClass, node, 1);
        options.placed?.(node, 1);
      }
      return done;
    },
    isIndependent: () => false,
    room: () => fail('no class is independent'),
    fork: () => {
      layers.push(nodes.map((node) => ({ ...node, pods: [...node.pods], bulk: [...node.bulk] })));
    },
    revert: () => {
      nodes = layers.pop() ?? fail('no fork to revert');
    },
    commit: () => {
      if (layers.pop() === undefined) fail('no fork to commit');
    },
  };
}

function fail(message: string): never {
  throw new Error(message);
}

function sorted(labels: Labels): [string, string][] {
  return Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
