import { createInterner } from '../../core/model/interner.ts';
import { projectPod, type PodRecord } from '../../core/model/pod.ts';
import { selectorOf } from '../../core/model/selector.ts';
import { usageOfColumns } from '../../core/model/metrics-view.fixture.ts';
import type { UsageColumns, UsageSnapshot } from '../../core/model/metrics-view.ts';
import { defaultEstimationConfig, type EstimationConfig } from '../../vpa/config.ts';
import type { ContainerSizing } from '../../vpa/model.ts';
import type { TrackedPolicy } from '../../vpa/recommender/engine/types.ts';
import { amountOf, podObject, sizingsOf } from './vpa-objects.ts';

/** What the VPA vectors give to the recommender engine, as the engine takes it. */

type Json = Readonly<Record<string, unknown>>;

export const namespaceOfVectors = 'default';

const interner = createInterner();

export interface VectorPod {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>> | null;
  readonly containers?: readonly string[];
  readonly phase?: string;
}

export function podRecord({ name, namespace = namespaceOfVectors, labels, containers = [], phase = 'Running' }: VectorPod): PodRecord {
  const raw = podObject({
    metadata: { name, namespace, labels: labels ?? {} },
    spec: { containers: containers.map((container) => ({ name: container })) },
    status: { phase },
  });
  return projectPod(raw, interner);
}

export function policyOf(labels: unknown, containers: readonly ContainerSizing[] = [], namespace = namespaceOfVectors): TrackedPolicy {
  const selector = selectorOf({ matchLabels: (labels ?? {}) as Readonly<Record<string, string>> });
  return { namespace, selector, containers, estimation: {}, created: undefined };
}

/** Container policies; with the gate `PerVPAConfig` off some of their fields are not read. */
export function gatedSizings(resourcePolicy: unknown, gate: boolean): readonly ContainerSizing[] {
  const raw = ((resourcePolicy as Json | null | undefined)?.['containerPolicies'] ?? []) as readonly Json[];
  return sizingsOf(resourcePolicy).map((sizing, index) => (gate ? { ...sizing, ...gatedFields(raw[index] ?? {}) } : sizing));
}

function gatedFields(raw: Json): Partial<ContainerSizing> {
  const ratio = raw['oomBumpUpRatio'] as string | number | null | undefined;
  const bump = raw['oomMinBumpUp'] as string | number | null | undefined;
  const seconds = raw['memoryAggregationIntervalSeconds'] as number | null | undefined;
  return {
    // Thousandths, as CPU is read.
    oomBumpUpRatio: isNone(ratio) ? undefined : amountOf('cpu', ratio) / 1000,
    oomMinBumpUp: isNone(bump) ? undefined : amountOf('memory', bump),
    memoryAggregationIntervalMs: isNone(seconds) ? undefined : seconds * 1000,
    memoryAggregationIntervalCount: (raw['memoryAggregationIntervalCount'] as number | null | undefined) ?? undefined,
  };
}

function isNone(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

export type Flags = Readonly<Record<string, number | boolean | string>>;

/** Durations are in seconds. */
export function configOf(flags: Flags = {}): EstimationConfig {
  const { targetPercentile, lowerBoundPercentile, upperBoundPercentile, confidenceIntervalMs, halfLifeMs, ...rest } =
    defaultEstimationConfig;
  const number = (flag: string, fallback: number, unit = 1): number => (flags[flag] === undefined ? fallback : Number(flags[flag]) * unit);
  const both = (
    flag: (resource: string) => string,
    of: { readonly cpu: number; readonly memory: number },
    unit = 1,
  ): { cpu: number; memory: number } => ({
    cpu: number(flag('cpu'), of.cpu, unit),
    memory: number(flag('memory'), of.memory, unit),
  });
  const margin = number('recommendation-margin-fraction', rest.margin.cpu);
  return {
    targetPercentile: both((resource) => `target-${resource}-percentile`, targetPercentile),
    lowerBoundPercentile: both((resource) => `recommendation-lower-bound-${resource}-percentile`, lowerBoundPercentile),
    upperBoundPercentile: both((resource) => `recommendation-upper-bound-${resource}-percentile`, upperBoundPercentile),
    confidenceIntervalMs: both((resource) => `confidence-interval-${resource}`, confidenceIntervalMs, 1000),
    halfLifeMs: both((resource) => `${resource}-histogram-decay-half-life`, halfLifeMs, 1000),
    margin: { cpu: margin, memory: margin },
    podMinimum: {
      cpu: number('pod-recommendation-min-cpu-millicores', rest.podMinimum.cpu),
      memory: number('pod-recommendation-min-memory-mb', rest.podMinimum.memory, 2 ** 20),
    },
    memoryAggregationIntervalMs: number('memory-aggregation-interval', rest.memoryAggregationIntervalMs, 1000),
    memoryAggregationIntervalCount: number('memory-aggregation-interval-count', rest.memoryAggregationIntervalCount),
    oomBumpUpRatio: number('oom-bump-up-ratio', rest.oomBumpUpRatio),
    oomMinBumpUp: number('oom-min-bump-up-bytes', rest.oomMinBumpUp),
    rounding: { cpu: number('round-cpu-millicores', 1), memory: number('round-memory-bytes', 1) },
    maxAllowed: {},
    splitOverLiveContainers: rest.splitOverLiveContainers,
  };
}

export interface VectorSample {
  readonly namespace?: string;
  readonly pod: string;
  readonly container: string;
  readonly at: number;
  readonly milli?: number;
  readonly bytes?: number;
}

/** Usage of one container; what the sample does not have is unknown. */
export function usageOf({
  namespace = namespaceOfVectors,
  pod,
  container,
  at,
  milli = Number.NaN,
  bytes = Number.NaN,
}: VectorSample): UsageSnapshot {
  const columns: UsageColumns = {
    podCount: 1,
    names: [pod],
    namespaces: [namespace],
    timestamps: Float64Array.of(at),
    oldest: -Infinity,
    windowsMs: Float64Array.of(60_000),
    skewed: new Uint8Array(1),
    firstContainer: Int32Array.of(0, 1),
    containers: [container],
    cpuMilli: Float64Array.of(milli),
    memoryMilli: Float64Array.of(bytes * 1000),
  };
  return usageOfColumns(columns, (other, name) => other === namespace && name === pod);
}
