import { matchesSelector } from '../../../core/model/selector.ts';
import type { EstimationConfig } from '../../config.ts';
import type { ContainerSizing, EstimationOverrides, SizedResource } from '../../model.ts';
import { containerSizing } from '../../model.ts';
import type { AggregateSettings } from './aggregates.kernel.ts';
import type { EstimationPlan, ResourcePlan } from './estimator.kernel.ts';
import type { EngineState, LabelSet, PolicyState } from './model-state.ts';
import { noPolicies } from './model-state.ts';
import { eachCandidate } from './policy-index.ts';

/** Whether the policy's selector meets the labels, as far as they are known: a per-run label that was left out is not absent. */
export function selects({ policy, absent }: PolicyState, { labels, dropped }: Pick<LabelSet, 'labels' | 'dropped'>): boolean {
  return (absent & dropped) === 0 && matchesSelector(policy.selector, labels);
}

/** The policies that select the label set, the oldest first. */
export function policiesOf(set: LabelSet): readonly PolicyState[] {
  let first: PolicyState | undefined;
  let several: PolicyState[] | undefined;
  eachCandidate(set.namespace.index, set.labels, (policy) => {
    if (!selects(policy, set)) return;
    if (first === undefined) first = policy;
    else (several ??= [first]).push(policy);
  });
  if (several !== undefined) return several.toSorted(olderFirst);
  return first?.alone ?? noPolicies;
}

export function olderFirst(a: PolicyState, b: PolicyState): number {
  const [aCreated, bCreated] = [a.policy.created ?? Infinity, b.policy.created ?? Infinity];
  if (aCreated !== bCreated) return aCreated < bCreated ? -1 : 1;
  return a.key < b.key ? -1 : 1;
}

/** What the flags say. */
export function defaultSettingsOf(config: EstimationConfig): AggregateSettings {
  return {
    cpuHalfLifeMs: config.halfLifeMs.cpu,
    memoryHalfLifeMs: config.halfLifeMs.memory,
    intervalMs: config.memoryAggregationIntervalMs,
    intervalCount: config.memoryAggregationIntervalCount,
    oomBumpUpRatio: config.oomBumpUpRatio,
    oomMinBumpUp: config.oomMinBumpUp,
  };
}

type SettingOf = (sizing: ContainerSizing | undefined, estimation: EstimationOverrides) => number | undefined;

const picks: { readonly [K in keyof AggregateSettings]: SettingOf } = {
  cpuHalfLifeMs: (sizing, estimation) => override(sizing, estimation, 'halfLifeMs', 'cpu'),
  memoryHalfLifeMs: (sizing, estimation) => override(sizing, estimation, 'halfLifeMs', 'memory'),
  intervalMs: (sizing) => sizing?.memoryAggregationIntervalMs,
  intervalCount: (sizing) => sizing?.memoryAggregationIntervalCount,
  oomBumpUpRatio: (sizing) => sizing?.oomBumpUpRatio,
  oomMinBumpUp: (sizing) => sizing?.oomMinBumpUp,
};

/** Each setting from the oldest policy that sets it, else from the flags: a setting that is taken out of a policy is gone. */
export function settingsFor(
  state: Pick<EngineState, 'settings' | 'defaultSettings'>,
  policies: readonly Pick<PolicyState, 'policy'>[],
  container: string,
): AggregateSettings {
  const { defaultSettings } = state;
  let found: { -readonly [K in keyof AggregateSettings]?: number } | undefined;
  for (const { policy } of policies) {
    const sizing = containerSizing(policy.containers, container);
    if (sizing === undefined && policy.estimation.halfLifeMs === undefined) continue;
    for (const field in picks) {
      const value = picks[field as keyof AggregateSettings](sizing, policy.estimation);
      if (value === undefined) continue;
      found ??= {};
      found[field as keyof AggregateSettings] ??= value;
    }
  }
  if (found === undefined) return defaultSettings;
  const settings: AggregateSettings = { ...defaultSettings, ...found };
  const key = Object.values(settings).join();
  const known = state.settings.get(key);
  if (known !== undefined) return known;
  state.settings.set(key, settings);
  return settings;
}

type PerResourceOverride = Exclude<keyof EstimationOverrides, 'podMinimum'>;

/** The container's own over the policy's. */
function override(
  sizing: ContainerSizing | undefined,
  estimation: EstimationOverrides,
  field: PerResourceOverride,
  resource: SizedResource,
): number | undefined {
  return sizing?.estimation[field]?.[resource] ?? estimation[field]?.[resource];
}

/** How the flags alone have a container estimated. */
export function defaultPlanOf(config: EstimationConfig): EstimationPlan {
  const none: EstimationOverrides = {};
  return { cpu: resourcePlan(config, undefined, none, 'cpu'), memory: resourcePlan(config, undefined, none, 'memory') };
}

function resourcePlan(
  config: EstimationConfig,
  sizing: ContainerSizing | undefined,
  estimation: EstimationOverrides,
  resource: SizedResource,
): ResourcePlan {
  const of = (field: 'lowerBoundPercentile' | 'targetPercentile' | 'upperBoundPercentile' | 'margin'): number =>
    override(sizing, estimation, field, resource) ?? config[field][resource];
  return {
    percentiles: Float64Array.of(of('lowerBoundPercentile'), of('targetPercentile'), of('upperBoundPercentile')),
    margin: of('margin'),
    confidenceIntervalMs: config.confidenceIntervalMs[resource],
    podMinimum: sizing?.estimation.podMinimum?.[resource] ?? estimation.podMinimum?.[resource] ?? config.podMinimum[resource],
    rounding: config.rounding[resource],
  };
}

/** How the policy has that container estimated. */
export function planFor(state: EngineState, policy: PolicyState, container: string): EstimationPlan {
  const sizing = containerSizing(policy.policy.containers, container);
  const { estimation } = policy.policy;
  if (!overrides(estimation) && !overrides(sizing?.estimation)) return state.defaultPlan;
  const held = policy.plans?.get(container);
  if (held !== undefined) return held;
  const { config } = state;
  const plan = { cpu: resourcePlan(config, sizing, estimation, 'cpu'), memory: resourcePlan(config, sizing, estimation, 'memory') };
  policy.plans ??= new Map();
  policy.plans.set(container, plan);
  return plan;
}

function overrides(estimation: EstimationOverrides | undefined): boolean {
  for (const field in estimation) if (estimation[field as keyof EstimationOverrides] !== undefined) return true;
  return false;
}
