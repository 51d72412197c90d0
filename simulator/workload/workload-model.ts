import type { Random } from '../../core/model/clock.ts';
import { RunningContainer } from './container.ts';
import type { StaticProfile } from './container.ts';
import { constant, scale } from './load-series.ts';
import type { LoadSeries } from './load-series.ts';
import { parseLoad } from './load-text.ts';
import type { PodIdentity, WorkloadDefinition, WorkloadModel, WorkloadModelOptions } from './types.ts';
import { Workload } from './workload.ts';

/** Annotations of a pod that no workload is defined for; a load text (load-text.ts) in cores and bytes, time zero at the start of the container. */
export const cpuAnnotation = 'concertina.dev/sim-cpu';
export const memoryAnnotation = 'concertina.dev/sim-memory';

const idleCpuMilli = 1;
const idleMemoryBytes = 10 * 1024 * 1024;

/** Makes a model without workloads: every pod is idle or goes by its annotations until one is defined. */
export function createWorkloadModel(options: WorkloadModelOptions): WorkloadModel {
  const { clock, random } = options;
  const workloads = new Map<string, Workload>();
  const containers = new Set<RunningContainer>();

  const match = (pod: PodIdentity, container: string): Workload | undefined => {
    for (const workload of workloads.values()) {
      if (matches(workload.definition, pod) && container === (workload.definition.container ?? pod.containers[0])) return workload;
    }
    return undefined;
  };
  const rematch = (): void => {
    for (const container of containers) container.attach(match(container.pod, container.name), clock.now());
  };

  return {
    define: (definition) => {
      workloads.set(definition.name, new Workload(definition, clock.now()));
      rematch();
    },
    remove: (name) => {
      if (workloads.delete(name)) rematch();
    },
    setLoad: (name, load, origin) => {
      const workload = workloads.get(name);
      if (workload === undefined) {
        throw new RangeError(`no workload ${JSON.stringify(name)} is defined: ${[...workloads.keys()].join(', ') || 'there are none'}`);
      }
      workload.setLoad(load, origin ?? clock.now(), clock.now());
    },
    names: () => [...workloads.keys()],
    definition: (name) => workloads.get(name)?.definition,
    results: (name, at) => workloads.get(name)?.results(at ?? clock.now()),
    start: (pod, name, { at, memoryLimit }) => {
      const profile = staticProfile(pod, name, memoryLimit, random);
      const container = new RunningContainer({ pod, name, startedAt: at }, profile, (ended) => containers.delete(ended));
      containers.add(container);
      const workload = match(pod, name);
      if (workload !== undefined) container.attach(workload, at);
      return container;
    },
  };
}

function matches(definition: WorkloadDefinition, pod: PodIdentity): boolean {
  if (definition.namespace !== pod.namespace) return false;
  if (definition.owner !== undefined) return pod.owners.includes(definition.owner);
  if (definition.selector === undefined) return pod.owners.includes(definition.name);
  return Object.entries(definition.selector).every(([key, value]) => pod.labels[key] === value);
}

/** `…/sim-cpu.<container>` stands above `…/sim-cpu`, which is for the first container. */
function staticProfile(pod: PodIdentity, container: string, memoryLimit: number | undefined, random: Random): StaticProfile {
  const read = (annotation: string): string | undefined =>
    pod.annotations[`${annotation}.${container}`] ?? (container === pod.containers[0] ? pod.annotations[annotation] : undefined);
  // A default must never kill: an idle container stays well below a small limit. The jitter keeps two pods from looking like one.
  const idle = Math.min(idleMemoryBytes * (1 + 0.05 * random()), (memoryLimit ?? Number.POSITIVE_INFINITY) / 2);
  return {
    cpu: annotated(read(cpuAnnotation), 1000) ?? constant(idleCpuMilli),
    memory: annotated(read(memoryAnnotation), 1) ?? constant(Math.floor(idle)),
  };
}

/** A text that cannot be read counts as none: a typing error in an annotation must not stop a node. */
function annotated(text: string | undefined, unit: number): LoadSeries | undefined {
  if (text === undefined) return undefined;
  try {
    return scale(parseLoad(text), unit);
  } catch {
    return undefined;
  }
}
