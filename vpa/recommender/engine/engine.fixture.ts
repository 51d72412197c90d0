import type { UsageColumns, UsageSnapshot } from '../../../core/model/metrics-view.ts';
import { createInterner } from '../../../core/model/interner.ts';
import type { PodRecord } from '../../../core/model/pod.ts';
import { projectPod } from '../../../core/model/pod.ts';
import { parseSelector } from '../../../core/model/selector.ts';
import type { ContainerSizing } from '../../model.ts';
import { defaultContainerSizing } from '../../model.ts';
import type { TrackedPolicy } from './types.ts';

/** What the tests of the engine are made of. */

export const start = Date.UTC(2026, 0, 1);
export const minute = 60_000;
export const day = 86_400_000;

const interner = createInterner();

export interface PodFacts {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly containers?: readonly string[];
  readonly initContainers?: readonly string[];
  readonly phase?: string;
}

export function pod({
  name,
  namespace = 'ns',
  labels = { app: 'a' },
  containers = ['c'],
  initContainers = [],
  phase = 'Running',
}: PodFacts): PodRecord {
  const named = (names: readonly string[]): readonly { name: string }[] => names.map((each) => ({ name: each }));
  const spec = { containers: named(containers), initContainers: named(initContainers) };
  return projectPod({ metadata: { name, namespace, labels: { ...labels } }, spec, status: { phase } }, interner);
}

export function policy(selector = 'app=a', facts: Partial<TrackedPolicy> = {}): TrackedPolicy {
  return { namespace: 'ns', selector: parseSelector(selector), containers: [], estimation: {}, created: undefined, ...facts };
}

export function sizing(facts: Partial<ContainerSizing>): ContainerSizing {
  return { ...defaultContainerSizing, ...facts };
}

export interface UsageFacts {
  readonly pod: string;
  readonly namespace?: string;
  readonly container?: string;
  readonly at: number;
  /** Milli-cores; absent: unknown. */
  readonly cpu?: number;
  /** Bytes; absent: unknown. */
  readonly memory?: number;
}

/** One row for each; each list is an answer of its own. */
export function usage(...samples: readonly UsageFacts[]): UsageSnapshot {
  const columns = columnsOf(samples);
  return { ...freshUsage(...samples), columns: () => columns };
}

export function columnsOf(samples: readonly UsageFacts[]): UsageColumns {
  return {
    podCount: samples.length,
    names: samples.map((sample) => sample.pod),
    namespaces: samples.map(({ namespace = 'ns' }) => namespace),
    timestamps: Float64Array.from(samples, ({ at }) => at),
    oldest: -Infinity,
    windowsMs: new Float64Array(samples.length).fill(minute),
    skewed: new Uint8Array(samples.length),
    firstContainer: Int32Array.from({ length: samples.length + 1 }, (_, index) => index),
    containers: samples.map(({ container = 'c' }) => container),
    cpuMilli: Float64Array.from(samples, ({ cpu = Number.NaN }) => cpu),
    memoryMilli: Float64Array.from(samples, ({ memory = Number.NaN }) => memory * 1000),
  };
}

/** The same without columns. */
export function freshUsage(...samples: readonly UsageFacts[]): UsageSnapshot {
  return {
    podUsage: () => undefined,
    hasPod: () => false,
    nodeUsage: () => undefined,
    podCount: samples.length,
    pods: () => [].values(),
    nodes: () => [].values(),
    containerHistory: () => undefined,
    eachFresh: (visit) => {
      for (const { pod: name, namespace = 'ns', container = 'c', at, cpu, memory } of samples) {
        const memoryMilli = memory === undefined ? undefined : memory * 1000;
        visit({ namespace, pod: name, container, timestamp: at, windowMs: minute, cpuMilli: cpu, memoryMilli });
      }
    },
  };
}
