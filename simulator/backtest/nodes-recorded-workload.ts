import type { WorkloadChange } from './nodes-scene.ts';
import { compareText } from './nodes-scene.ts';
import { inOrder, type NodesRecording, type RecordedEvent, type RecordedLoop } from './nodes-recording.ts';

/** What the workload of a recording did by itself, and how long its pods take to go. */
export interface RecordedWorkload {
  readonly changes: readonly WorkloadChange[];
  readonly graceOf: Readonly<Record<string, number>>;
}

interface Pod {
  readonly shape: string;
  node: string | undefined;
  terminating: number | undefined;
}

/** The workload between two loops. */
interface Between {
  readonly step: number;
  readonly events: readonly RecordedEvent[];
  /** Pods that the autoscaler had evicted since the loop before. */
  readonly evicted: ReadonlySet<string>;
}

/**
 * Tells what a workload did from what was done to it: changes of spec.replicas with the pods that went because of them, and pods without controller.
 * Pods that went with their node or because they were evicted, and those that were made in their place, are no doing of the workload.
 */
export function recordedWorkload({ input, loops }: NodesRecording): RecordedWorkload {
  const sets = new Set(input.sets.map(({ name }) => name));
  const pods = new Map<string, Pod>();
  const replicas = new Map<string, number>();
  const changes: WorkloadChange[] = [];
  const graces = new Map<string, number>();
  for (const event of input.initial) {
    if (event.e === 'pod') pods.set(event.name, { shape: event.shape, node: event.node, terminating: undefined });
    if (event.e === 'replicas') replicas.set(event.set, event.spec);
  }
  const isStray = (shape: string): boolean => !sets.has(shape) && !shape.startsWith('ds:') && shape !== 'mirror';
  let evicted: ReadonlySet<string> = new Set();
  for (const { t, events = [], expected } of loops) {
    const between: Between = { step: t - input.worldSecondsBeforeLoop, events: inOrder(events), evicted };
    changes.push(...scalings(between, pods, replicas), ...strays(between, pods, isStray));
    for (const event of between.events) {
      noteGrace(graces, event, { pods, step: between.step });
      note(pods, event);
      if (event.e === 'replicas') replicas.set(event.set, event.spec);
    }
    evicted = acceptedEvictions(expected);
  }
  return { changes, graceOf: Object.fromEntries(graces) };
}

function acceptedEvictions({ evictions = [] }: RecordedLoop['expected']): ReadonlySet<string> {
  return new Set(evictions.filter(({ refused }) => refused === undefined || refused === false).map(({ pod }) => pod));
}

function scalings(
  { step, events, evicted }: Between,
  pods: ReadonlyMap<string, Pod>,
  replicas: ReadonlyMap<string, number>,
): readonly WorkloadChange[] {
  const gone = new Set(events.flatMap((event) => (event.e === 'podGone' || event.e === 'terminating' ? [event.pod] : [])));
  const goneNodes = new Set(events.flatMap((event) => (event.e === 'nodeGone' ? [event.node] : [])));
  return events.flatMap((event): readonly WorkloadChange[] => {
    if (event.e !== 'replicas' || event.spec === replicas.get(event.set)) return [];
    const { set, spec } = event;
    const live = [...pods]
      .filter(
        ([name, { shape, node, terminating }]) =>
          shape === set && terminating === undefined && !evicted.has(name) && (node === undefined || !goneNodes.has(node)),
      )
      .map(([name]) => name)
      .toSorted(compareText);
    const places = live.flatMap((name, place) => (gone.has(name) ? [place] : []));
    return [{ what: 'scale', at: step, set, to: spec, ...(places.length === 0 ? {} : { gone: { places, of: live.length } }) }];
  });
}

function strays(
  { step, events, evicted }: Between,
  pods: ReadonlyMap<string, Pod>,
  isStray: (shape: string) => boolean,
): readonly WorkloadChange[] {
  const goneNodes = new Set(events.flatMap((event) => (event.e === 'nodeGone' ? [event.node] : [])));
  return events.flatMap((event): readonly WorkloadChange[] => {
    if (event.e === 'pod' && isStray(event.shape)) return [{ what: 'stray', at: step, name: event.name, shape: event.shape }];
    if (event.e !== 'podGone' && event.e !== 'terminating') return [];
    const pod = pods.get(event.pod);
    if (pod === undefined || !isStray(pod.shape) || pod.terminating !== undefined || evicted.has(event.pod)) return [];
    return pod.node !== undefined && goneNodes.has(pod.node) ? [] : [{ what: 'stray-gone', at: step, name: event.pod }];
  });
}

function note(pods: Map<string, Pod>, event: RecordedEvent): void {
  if (event.e === 'pod') pods.set(event.name, { shape: event.shape, node: event.node, terminating: undefined });
  else if (event.e === 'podGone') pods.delete(event.pod);
  else if (event.e === 'bound' || event.e === 'terminating') {
    const pod = pods.get(event.pod);
    if (pod === undefined) return;
    if (event.e === 'bound') pod.node = event.node;
    else pod.terminating = event.t;
  }
}

/** The world looks at a pod every ten seconds only, so the shortest time that one of its shape took is nearest to the grace. */
function noteGrace(
  graces: Map<string, number>,
  event: RecordedEvent,
  { pods, step }: { readonly pods: ReadonlyMap<string, Pod>; readonly step: number },
): void {
  if (event.e !== 'podGone') return;
  const pod = pods.get(event.pod);
  if (pod?.terminating === undefined) return;
  const took = step - pod.terminating;
  graces.set(pod.shape, Math.min(took, graces.get(pod.shape) ?? took));
}
