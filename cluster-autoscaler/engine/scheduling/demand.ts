import { schedulerRequests, type ContainerShape, type PodShape, type ResourceList } from '../../../core/model/index.ts';

/** Which column of the node table a resource stands in; columns are added as resources are seen. */
export interface ResourceColumns {
  readonly names: string[];
  readonly byName: Map<string, number>;
}

/** Column of the number of pods. */
export const podsColumn = 0;
/** What one pod takes of it: like all amounts in thousandths. */
export const onePod = 1000;

/** Columns that every snapshot has, in the order in which the scheduler complains. */
const firstNames = ['pods', 'cpu', 'memory', 'ephemeral-storage'];

export function createColumns(): ResourceColumns {
  return { names: [...firstNames], byName: new Map(firstNames.map((name, column) => [name, column])) };
}

export function columnOf(columns: ResourceColumns, name: string): number {
  let column = columns.byName.get(name);
  if (column === undefined) {
    column = columns.names.length;
    columns.names.push(name);
    columns.byName.set(name, column);
  }
  return column;
}

/** What a pod takes of a node: only resources of which it asks for more than nothing (nothing always fits), and one pod. Thousandths. */
export interface Demand {
  readonly columns: readonly number[];
  readonly amounts: readonly number[];
}

/** Milli-cores; of everything else whole units, as the scheduler counts (bytes, devices), rounded up. */
export function wholeUnits(name: string, milli: number): number {
  if (name === 'cpu') return milli;
  const rest = milli % 1000;
  return rest > 0 ? milli - rest + 1000 : milli;
}

/** The scheduler's request of a shape by resource: `shape.requests`, but fractions of a unit are rounded up in each container. */
export function requestsOf(shape: PodShape): ResourceList {
  const { containers, initContainers, overhead, podRequests, requests } = shape;
  if (areWhole(containers) && areWhole(initContainers) && isWhole(overhead) && isWhole(podRequests)) return requests;
  const rounded = (container: ContainerShape) => ({ requests: roundUp(container.requests), sidecar: container.sidecar });
  return schedulerRequests({
    containers: containers.map(rounded),
    initContainers: initContainers.map(rounded),
    overhead: roundUp(overhead),
    podRequests: podRequests === undefined ? undefined : roundUp(podRequests),
  });
}

function areWhole(containers: readonly ContainerShape[]): boolean {
  for (let index = 0; index < containers.length; index++) if (!isWhole(containers[index]?.requests)) return false;
  return true;
}

function isWhole(list: ResourceList | undefined): boolean {
  for (const name in list) if (name !== 'cpu' && (list[name] ?? 0) % 1000 !== 0) return false;
  return true;
}

function roundUp(list: ResourceList): ResourceList {
  return Object.fromEntries(Object.entries(list).map(([name, milli]) => [name, wholeUnits(name, milli)]));
}

/**
 * The demand of a request, ascending by column but the number of pods last: it is rarely what is scarce, and a full node is told by its first
 * columns.
 */
export function demandOf(requests: ResourceList, known: ResourceColumns): Demand {
  const columns: number[] = [];
  const amounts: number[] = [];
  for (const name in requests) {
    const amount = requests[name] ?? 0;
    const column = columnOf(known, name);
    if (amount > 0 && column !== podsColumn) insert(columns, amounts, column, amount);
  }
  columns.push(podsColumn);
  amounts.push(onePod);
  return { columns, amounts };
}

function insert(columns: number[], amounts: number[], column: number, amount: number): void {
  let at = columns.length;
  while (at > 0 && (columns[at - 1] as number) > column) at -= 1;
  columns.splice(at, 0, column);
  amounts.splice(at, 0, amount);
}
