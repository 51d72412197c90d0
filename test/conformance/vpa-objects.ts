import type { KubeObject } from '../../core/model/object.ts';
import { Quantity } from '../../core/units/index.ts';
import {
  defaultContainerSizing,
  type Amounts,
  type ContainerRecommendation,
  type ContainerSizing,
  type Recommendation,
} from '../../vpa/model.ts';

/** Reads the objects of the VPA vectors into the model, whatever they lack: they are fragments, not what an API server would store. */

type Json = Readonly<Record<string, unknown>>;

export type QuantityMap = Readonly<Record<string, string | number>>;

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** `undefined` for null or absent. CPU in milli-cores and all else in whole units, rounded up, as upstream reads them. */
export function amountsOf(map: unknown): Amounts | undefined {
  if (map === undefined || map === null) return undefined;
  return Object.fromEntries(Object.entries(map as QuantityMap).map(([name, value]) => [name, amountOf(name, value)]));
}

export function amountOf(resource: string, value: string | number): number {
  const quantity = Quantity.parse(String(value));
  return Number(resource === 'cpu' ? quantity.toMilli('up') : quantity.toInteger('up'));
}

/** `status.recommendation`; `undefined` for null or absent. */
export function recommendationOf(raw: unknown): Recommendation | undefined {
  if (raw === undefined || raw === null) return undefined;
  const list = ((raw as Json)['containerRecommendations'] ?? []) as readonly Json[];
  return { containers: list.map(containerRecommendationOf) };
}

function containerRecommendationOf(raw: Json): ContainerRecommendation {
  return {
    container: textOf(raw['containerName']),
    target: amountsOf(raw['target']) ?? {},
    lowerBound: amountsOf(raw['lowerBound']) ?? {},
    upperBound: amountsOf(raw['upperBound']) ?? {},
    uncappedTarget: amountsOf(raw['uncappedTarget']) ?? {},
  };
}

/** `spec.resourcePolicy.containerPolicies`. */
export function sizingsOf(resourcePolicy: unknown): readonly ContainerSizing[] {
  const list = ((resourcePolicy as Json | null | undefined)?.['containerPolicies'] ?? []) as readonly Json[];
  return list.map((raw) => ({
    ...defaultContainerSizing,
    container: textOf(raw['containerName']),
    mode: raw['mode'] === 'Off' ? 'Off' : 'Auto',
    minAllowed: amountsOf(raw['minAllowed']) ?? {},
    maxAllowed: amountsOf(raw['maxAllowed']) ?? {},
    controlledResources: (raw['controlledResources'] as readonly string[] | null | undefined) ?? defaultContainerSizing.controlledResources,
    controlledValues: raw['controlledValues'] === 'RequestsOnly' ? 'RequestsOnly' : 'RequestsAndLimits',
    startupBoost: boostOf(raw['startupBoost']),
  }));
}

/** `spec.startupBoost` and that of a container policy; without its CPU part there is none. */
export function boostOf(raw: unknown): ContainerSizing['startupBoost'] {
  const cpu = (raw as { readonly cpu?: Json | null } | null | undefined)?.cpu;
  if (cpu === undefined || cpu === null) return undefined;
  const { type, factor, quantity, durationSeconds } = cpu;
  return {
    type: textOf(type),
    factor: typeof factor === 'number' ? factor : undefined,
    quantity: quantity === undefined || quantity === null ? undefined : amountOf('cpu', quantity as string),
    durationMs: Number(durationSeconds ?? 0) * 1000,
  };
}

/** A pod of the vectors with the parts that every stored one has. */
export function podObject(raw: unknown): KubeObject {
  const pod = raw as Partial<KubeObject>;
  return { apiVersion: 'v1', kind: 'Pod', ...pod, metadata: { name: '', ...pod.metadata } };
}
