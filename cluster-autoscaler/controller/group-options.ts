import type { Hold } from '../../core/model/decision.ts';
import { resolveCount } from '../../core/units/index.ts';
import type { CooldownPolicy, NodeRecord, ScalingHistory, Taint } from '../../core/model/index.ts';
import type { GroupDefaults } from '../config.ts';
import type { Instance, NodeGroup, NodeGroupOptions, NodeTemplate } from '../engine/model.ts';
import type { GroupClaim } from '../policy-groups.ts';
import type { DisruptionLimit, NodePoolPolicy, TemplateOverride } from '../policy-model.ts';
import { openUntil } from '../policy-windows.ts';
import type { ProviderGroup } from '../providers/provider.ts';

/** What its cloud answered about a group. */
export interface GroupReading {
  readonly group: ProviderGroup;
  readonly instances: readonly Instance[];
  readonly template: { readonly template: NodeTemplate } | { readonly problem: string };
}

/** What a group is made of besides its cloud's answers. */
export interface GroupContext {
  readonly now: number;
  readonly defaults: GroupDefaults;
  readonly claim: GroupClaim;
  readonly history: ScalingHistory;
  /** What keeps all groups from being changed: a dry run, another autoscaler. */
  readonly hold: Hold | undefined;
}

/** How many nodes of a group may be going at once. */
export interface DisruptionBudget {
  readonly nodes: number;
  /** Window that says so; absent: the policy as such. */
  readonly window: string | undefined;
  readonly until: number | undefined;
}

/** A group as the loop gets it, with what it was made of. */
export interface ResolvedGroup {
  /** Its `minSize` is raised where a disruption budget lets fewer nodes go; its `leastSize` is not. */
  readonly group: NodeGroup;
  /** Bounds by policy and cloud. */
  readonly minSize: number;
  readonly maxSize: number;
  readonly claim: GroupClaim;
  readonly holds: readonly Hold[];
  readonly budget: DisruptionBudget | undefined;
  readonly notes: readonly string[];
}

/** Puts together what the cloud says of a group, its policy and the flags: the policy wins over the cloud's tags, those over the flags. */
export function resolveGroup({ group, instances, template }: GroupReading, context: GroupContext): ResolvedGroup {
  const { claim, defaults, history, now } = context;
  const policy = claim.state === 'one' ? claim.policy : undefined;
  const bounds = boundsOf(group, policy);
  const holds = holdsOf(context, group.id);
  const budget = policy === undefined ? undefined : budgetOf(policy.disruption, group.targetSize, now);
  // Deletions under way count against the minimum (§13.7): with a raised one the loop itself keeps the budget.
  const minSize = budget === undefined ? bounds.minSize : Math.max(bounds.minSize, group.targetSize - budget.nodes);
  const made = 'template' in template ? overridden(template.template, policy?.template) : undefined;
  const price = policy?.price ?? group.price;
  return {
    group: {
      id: group.id,
      minSize: Math.min(minSize, bounds.maxSize),
      leastSize: Math.min(bounds.minSize, bounds.maxSize),
      maxSize: bounds.maxSize,
      targetSize: group.targetSize,
      instances,
      template: made,
      ...('problem' in template ? { templateProblem: template.problem } : {}),
      options: { ...optionsOf(group, policy, defaults), actionable: holds.length === 0 },
      ...(price === undefined ? {} : { price }),
      ...(policy?.priority === undefined ? {} : { priority: policy.priority }),
      ...(history.lastScaleUp === undefined ? {} : { lastScaleUp: history.lastScaleUp }),
      ...(history.lastScaleDown === undefined ? {} : { lastScaleDown: history.lastScaleDown }),
    },
    ...bounds,
    claim,
    holds,
    budget,
    notes: [...group.notes, ...bounds.notes],
  };
}

/** The cloud refuses what lies beyond its own bounds, so a policy narrows them only. */
function boundsOf(
  { minSize, maxSize }: ProviderGroup,
  policy: NodePoolPolicy | undefined,
): { readonly minSize: number; readonly maxSize: number; readonly notes: readonly string[] } {
  const clamp = (size: number): number => Math.min(Math.max(size, minSize), maxSize);
  const [least, most] = [policy?.minSize, policy?.maxSize];
  const notes = [
    ...(least !== undefined && clamp(least) !== least
      ? [`minSize ${least} of the policy is outside of the group's own ${minSize} to ${maxSize}`]
      : []),
    ...(most !== undefined && clamp(most) !== most
      ? [`maxSize ${most} of the policy is outside of the group's own ${minSize} to ${maxSize}`]
      : []),
  ];
  return { minSize: least === undefined ? minSize : clamp(least), maxSize: most === undefined ? maxSize : clamp(most), notes };
}

function optionsOf({ options }: ProviderGroup, policy: NodePoolPolicy | undefined, defaults: GroupDefaults): GroupDefaults {
  const own = policy?.options ?? {};
  const pick = <K extends keyof Omit<NodeGroupOptions, 'actionable' | 'cooldown'>>(key: K): NodeGroupOptions[K] =>
    (own[key] ?? options[key] ?? defaults[key]) as NodeGroupOptions[K];
  return {
    utilizationThreshold: pick('utilizationThreshold'),
    gpuUtilizationThreshold: pick('gpuUtilizationThreshold'),
    unneededMs: pick('unneededMs'),
    unreadyMs: pick('unreadyMs'),
    maxProvisionMs: pick('maxProvisionMs'),
    maxStartupMs: pick('maxStartupMs'),
    zeroOrMax: pick('zeroOrMax'),
    ignoreDaemonSetsUtilization: pick('ignoreDaemonSetsUtilization'),
    cooldown: cooldownOf(policy, defaults.cooldown),
  };
}

function cooldownOf(policy: NodePoolPolicy | undefined, { scaleUpMs, scaleDownMs }: CooldownPolicy): CooldownPolicy {
  return { scaleUpMs: policy?.cooldown.scaleUpMs ?? scaleUpMs, scaleDownMs: policy?.cooldown.scaleDownMs ?? scaleDownMs };
}

/** Everything for which the group is left alone; empty: it is scaled. */
function holdsOf({ claim, hold }: GroupContext, group: string): Hold[] {
  const own = claimHold(claim, group);
  return [...(own === undefined ? [] : [own]), ...(hold === undefined ? [] : [hold])];
}

function claimHold(claim: GroupClaim, group: string): Hold | undefined {
  switch (claim.state) {
    case 'none':
      return undefined;
    case 'conflict':
      return {
        by: 'conflict',
        message: `NodePoolPolicies ${claim.policies.join(' and ')} select group ${group} both, so none of them counts; take it out of all but one`,
      };
    case 'invalid':
      return {
        by: 'invalid-policy',
        message: `NodePoolPolicy ${claim.entry.name} cannot be read, so its group ${group} is left alone; see its condition Accepted`,
      };
    case 'one': {
      const { mode, reference } = claim.policy;
      if (mode === 'Auto') return undefined;
      return mode === 'DryRun'
        ? { by: 'dry-run', message: `NodePoolPolicy ${reference.name} has mode DryRun; set it to Auto to act` }
        : { by: 'paused', message: `NodePoolPolicy ${reference.name} is paused; set its mode to Auto, or remove its annotation, to act` };
    }
  }
}

/** The least of the limits that hold at an instant; `undefined`: none does. */
export function budgetOf(limits: readonly DisruptionLimit[], size: number, now: number): DisruptionBudget | undefined {
  let least: DisruptionBudget | undefined;
  for (const { maxNodes, window } of limits) {
    const until = window === undefined ? undefined : openUntil(window, now);
    if (window !== undefined && until === undefined) continue;
    const nodes = resolveCount(maxNodes, size, 'up');
    if (least === undefined || nodes < least.nodes) least = { nodes, window: window?.name, until };
  }
  return least;
}

/** A template with what the policy corrects of it. */
export function overridden(template: NodeTemplate, override: TemplateOverride | undefined): NodeTemplate {
  if (override === undefined) return template;
  const { node, pods } = template;
  const labels = { ...node.labels, ...override.labels };
  const own = new Set(override.taints.map(taintKey));
  const corrected: NodeRecord = {
    ...node,
    labels,
    taints: [...node.taints.filter((taint) => !own.has(taintKey(taint))), ...override.taints],
    capacity: { ...node.capacity, ...override.capacity },
    allocatable: { ...node.allocatable, ...override.capacity, ...override.allocatable },
    zone: labels['topology.kubernetes.io/zone'] ?? node.zone,
    region: labels['topology.kubernetes.io/region'] ?? node.region,
    instanceType: labels['node.kubernetes.io/instance-type'] ?? node.instanceType,
  };
  return { node: corrected, pods };
}

function taintKey({ key, effect }: Taint): string {
  return `${key}:${effect}`;
}
