import type { CountOrPercent } from '../units/percent.ts';
import { parseCountOrPercent } from '../units/percent.ts';
import type { Interner } from './interner.ts';
import type { KubeObject } from './object.ts';
import type { LabelSelectorObject, Selector } from './selector.ts';
import { selectorOf } from './selector.ts';

/** A PodDisruptionBudget (policy/v1) as the suite keeps it. */
export interface PdbRecord {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** An absent selector matches nothing, an empty one every pod of the namespace. */
  readonly selector: Selector;
  readonly minAvailable: CountOrPercent | undefined;
  readonly maxUnavailable: CountOrPercent | undefined;
  readonly unhealthyPodEvictionPolicy: string;
  readonly disruptionsAllowed: number;
  readonly currentHealthy: number;
  readonly desiredHealthy: number;
  readonly expectedPods: number;
  readonly generation: number;
  /** Below `generation` the counts are those of an older spec: evictions are refused until they match. */
  readonly observedGeneration: number;
  /** Pods that an eviction was granted for and that have not gone yet. */
  readonly disruptedPods: readonly string[];
}

interface RawPdbSpec {
  readonly selector?: LabelSelectorObject | null;
  readonly minAvailable?: number | string;
  readonly maxUnavailable?: number | string;
  readonly unhealthyPodEvictionPolicy?: string;
}

interface RawPdbStatus {
  readonly disruptionsAllowed?: number;
  readonly currentHealthy?: number;
  readonly desiredHealthy?: number;
  readonly expectedPods?: number;
  readonly observedGeneration?: number;
  readonly disruptedPods?: Readonly<Record<string, string>> | null;
}

/** The slim record of a budget's JSON. */
export function projectPdb(raw: KubeObject, interner: Interner): PdbRecord {
  const { metadata } = raw;
  const spec = (raw.spec ?? {}) as RawPdbSpec;
  const status = (raw.status ?? {}) as RawPdbStatus;
  return {
    namespace: interner.text(metadata.namespace ?? ''),
    name: metadata.name,
    uid: metadata.uid ?? '',
    selector: selectorOf(spec.selector),
    minAvailable: spec.minAvailable === undefined ? undefined : parseCountOrPercent(spec.minAvailable),
    maxUnavailable: spec.maxUnavailable === undefined ? undefined : parseCountOrPercent(spec.maxUnavailable),
    unhealthyPodEvictionPolicy: spec.unhealthyPodEvictionPolicy ?? 'IfHealthyBudget',
    disruptionsAllowed: status.disruptionsAllowed ?? 0,
    currentHealthy: status.currentHealthy ?? 0,
    desiredHealthy: status.desiredHealthy ?? 0,
    expectedPods: status.expectedPods ?? 0,
    generation: metadata.generation ?? 0,
    observedGeneration: status.observedGeneration ?? 0,
    disruptedPods: Object.keys(status.disruptedPods ?? {}),
  };
}
