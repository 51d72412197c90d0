import type { PodRecord } from '../../../core/model/index.ts';
import { createChanges } from './changes.ts';
import { createClassTable, type PodClass } from './class-table.ts';
import { createColumns, onePod, podsColumn } from './demand.ts';
import { createDeviceLedger } from './devices/index.ts';
import { explainRow, fitsRow } from './filters.ts';
import { createHostPorts } from './host-ports.ts';
import { createKindTable } from './kind-table.ts';
import { addColumns, createRows } from './node-rows.kernel.ts';
import { createNodeMaker, kindsOn, labelOf, podsToChange, recordOf, type NodeEntry } from './node-store.ts';
import { createRelations } from './relations.ts';
import { isIndependent, nodeCount, roomAt, searchRow, shareAround } from './search.ts';
import type { NodeId, PlaceAroundOptions, SchedulingFacts, SchedulingSnapshot } from './snapshot.ts';
import { classById, eachRow, entryAt, fault, hasUntoleratedTaint, isSelected, rowById, type State } from './state.ts';
import { createTopology } from './topology.ts';
import { createVolumes } from './volumes.ts';

/** An empty snapshot. What every method does is said in {@link SchedulingSnapshot}; how, in this folder's README. */
export function createSchedulingSnapshot(facts: SchedulingFacts): SchedulingSnapshot {
  const state = createState(facts);
  const changes = createChanges(state);
  let ids: readonly NodeId[] | undefined;

  const add = (entry: NodeEntry, allocatable: Float64Array, used: Float64Array): NodeId => {
    ids = undefined;
    changes.addNode(entry, allocatable, used);
    return entry.id;
  };
  const refuseKnown = (name: string): void => {
    if (state.names.has(name)) fault(`node ${name} is in the snapshot already`, { node: name });
  };
  const placeAround = (podClass: PodClass, count: number, options: PlaceAroundOptions): number => {
    changes.requireFork();
    const place = (row: number, pods: number): void => {
      changes.placeMany(podClass, row, pods);
      options.placed?.(entryAt(state, row).id, pods);
    };
    const named = podClass.pinnedNode !== undefined || podClass.boundTo !== undefined;
    if (!named && isIndependent(state, podClass)) return shareAround(state, podClass, count, { options, place });
    let done = 0;
    for (; done < count; done++) {
      const row = searchRow(state, podClass, options);
      if (row < 0) break;
      place(row, 1);
    }
    return done;
  };

  return {
    get nodeCount() {
      return nodeCount(state);
    },
    classOf: (pod, options) => {
      const { id } = state.classes.classOf(pod, options);
      // A shape may name resources that no node has.
      addColumns(state.rows, state.columns.names.length);
      return id;
    },
    exemplar: (podClass) => classById(state, podClass).exemplar,
    addNode: (record, pods = []) => {
      refuseKnown(record.name);
      const entry = state.maker.entry(state.rowOf.length, record, pods);
      return add(entry, state.maker.allocatable(record), noAmounts);
    },
    addCopy: (template, name) => {
      refuseKnown(name);
      const entry = state.maker.copy(state.rowOf.length, template, name);
      return add(entry, entry.prepared.allocatable, entry.prepared.used);
    },
    removeNode: (node) => {
      ids = undefined;
      changes.removeNode(rowById(state, node));
    },
    node: (node) => recordOf(entryAt(state, rowById(state, node))),
    find: (name) => state.names.get(name),
    nodeIds: () => (ids ??= idsOf(state)),
    podsOn: (node) => podsOn(entryAt(state, rowById(state, node))),
    podCount: (node) => (state.rows.used[podsColumn]?.[rowById(state, node)] ?? 0) / onePod,
    place: (pod, node) => changes.place(pod, rowById(state, node)),
    placeMany: (podClass, node, count) => {
      changes.requireFork();
      if (count > 0) changes.placeMany(classById(state, podClass), rowById(state, node), count);
    },
    displace: (pod, node) => changes.displace(pod, rowById(state, node)),
    fits: (podClass, node) => fitsRow(state, classById(state, podClass), rowById(state, node)),
    failure: (podClass, node) => explainRow(state, classById(state, podClass), rowById(state, node)),
    search: (podClass, options) => {
      const row = searchRow(state, classById(state, podClass), options);
      return row < 0 ? undefined : entryAt(state, row).id;
    },
    placeAround: (podClass, count, options = {}) => placeAround(classById(state, podClass), count, options),
    isIndependent: (podClass) => isIndependent(state, classById(state, podClass)),
    room: (podClass, node) => {
      const found = classById(state, podClass);
      if (!isIndependent(state, found))
        fault(`pod class ${podClass} has rules about its other pods: its room cannot be counted`, { podClass });
      return roomAt(state, found, rowById(state, node));
    },
    fork: () => changes.fork(),
    revert: () => {
      ids = undefined;
      changes.revert();
    },
    commit: () => changes.commit(),
  };
}

const noAmounts = new Float64Array(0);

function createState(facts: SchedulingFacts): State {
  const columns = createColumns();
  const volumes = createVolumes(facts);
  const devices = createDeviceLedger(facts.devices);
  const kinds = createKindTable(columns, () => relations);
  const topology = createTopology({
    eachRow: (visit) => eachRow(state, visit),
    label: (row, key) => labelOf(entryAt(state, row), key),
    name: (row) => entryAt(state, row).name,
    selects: (rule, row) => isSelected(state, rule, row),
    hasUntoleratedTaint: (rule, row) => hasUntoleratedTaint(state, rule, row),
  });
  const relations = createRelations({
    namespaceLabels: (namespace) => facts.namespaces.get(namespace),
    topologyKey: (name) => topology.key(name),
    ground: (options) => topology.ground(options),
    kinds: () => kinds.kinds,
    eachPlaced: (visit) =>
      eachRow(state, (row) => {
        const entry = entryAt(state, row);
        for (const kind of kindsOn(entry)) visit(kind, row, 1);
        for (const { kind, count } of entry.nameless) visit(kind, row, count);
      }),
  });
  const state: State = {
    columns,
    rows: createRows(columns.names.length),
    entries: [],
    holes: [],
    rowOf: [],
    names: new Map(),
    kinds,
    classes: createClassTable(kinds, volumes, devices),
    maker: createNodeMaker(columns, kinds),
    topology,
    relations,
    ports: createHostPorts(),
    volumes,
    devices,
    gains: 0,
    changes: 0,
    lastMatch: 0,
  };
  return state;
}

function idsOf(state: State): readonly NodeId[] {
  const ids: NodeId[] = [];
  eachRow(state, (row) => ids.push(entryAt(state, row).id));
  return ids;
}

function podsOn(entry: NodeEntry): readonly PodRecord[] {
  const pods = entry.pods ?? podsToChange(entry).pods;
  entry.lent = true;
  return pods;
}
