import type { TraceStep } from '../../../core/model/index.ts';
import type { LoopEvent, OptionReport } from '../loop/model.ts';
import { balance } from './balancing.ts';
import { sortOut, type Candidate } from './eligibility.ts';
import { maxNodesReached } from './events.ts';
import { chooseOption, preferredCpuMilli, type ExpanderContext, type PriceModel } from './expanders/index.ts';
import { afterAdding, cappedByQuota, exceeded, quotaLeft, type Quota } from './limits.ts';
import type { ChosenOption, ScaleUpGroup, ScaleUpInput, SizeChange } from './model.ts';
import { computeOptions, type ScaleUpOption } from './options.ts';
import { groupPods, type PodGroup } from './pod-groups.ts';
import { checkTemplates, type TemplateCheck } from './template-check.ts';

/** What has changed since the loop began. */
export interface Progress {
  readonly sizeOf: (group: ScaleUpGroup) => number;
  /** Groups that the cloud refused to increase. */
  readonly failed: ReadonlySet<string>;
}

/** Pending pods looked at against the groups that may grow. */
export interface Outlook {
  readonly groups: readonly PodGroup[];
  readonly candidates: readonly Candidate[];
  /** Why the other groups are not looked at. */
  readonly skipped: ReadonlyMap<string, string>;
  readonly check: TemplateCheck;
  readonly quota: Quota;
}

/** What a round decided, before it is carried out. */
export interface RoundPlan {
  readonly options: readonly OptionReport[];
  readonly choice: { readonly option: ScaleUpOption; readonly report: ChosenOption } | undefined;
  /** Sizes to ask for, in order; empty when nothing is to be done. */
  readonly changes: readonly SizeChange[];
  readonly events: readonly LoopEvent[];
  readonly trace: readonly TraceStep[];
  /** The chosen option cannot be carried out. */
  readonly error: string | undefined;
}

/** Groups the pods and looks which pool could take which (§8.1–3). */
export function lookAt(input: ScaleUpInput, pods: ScaleUpInput['pods'], progress: Progress): Outlook {
  const { snapshot, options } = input;
  const quota = quotaLeft(snapshot, options);
  const { candidates, skipped } = sortOut(input.groups, { ...progress, options, quota, clusterNodes: snapshot.nodeCount });
  const groups = groupPods(pods, (pod) => snapshot.classOf(pod));
  const check = checkTemplates(snapshot, candidates, [...new Set(groups.map(({ podClass }) => podClass))]);
  return { groups, candidates, skipped, check, quota };
}

/** Offers what the candidates could do to the expanders, and caps and balances what they choose (§8.4–7). */
export function planRound(input: ScaleUpInput, outlook: Outlook, prices: PriceModel): RoundPlan {
  const { snapshot, stopwatch } = input;
  const offered = computeOptions(outlook.candidates, outlook.groups, outlook.check, {
    snapshot,
    options: input.options,
    prices,
    stopwatch,
  });
  const context = expanderContext(input, prices);
  const chain = chooseOption(offered, input.options.expanders, context);
  const options = offered.map((option) => reportOption(option, chain.scores));
  const trace: TraceStep[] = [
    {
      step: 'options',
      message: `${offered.length} of ${input.groups.length} pools could help ${outlook.groups.length} kinds of pods`,
      values: { options: offered.length, candidates: outlook.candidates.length, podGroups: outlook.groups.length },
    },
  ];
  if (chain.choice === undefined) {
    if (offered.length > 0)
      trace.push({ step: 'expander', message: `No option is left: ${chain.reason}`, values: { options: offered.length } });
    return { options, choice: undefined, changes: [], events: chain.events, trace, error: undefined };
  }
  // The chain hands back one of those that were offered.
  const option = chain.choice.option as ScaleUpOption;
  const { reason, tie } = chain.choice;
  const report = { group: option.group, similar: option.similar.map(({ id }) => id), reason, tie };
  trace.push({
    step: 'expander',
    message: `${option.group} with ${option.nodes} nodes for ${option.pods} pods: ${reason}`,
    values: { group: option.group, nodes: option.nodes, pods: option.pods, tie },
  });
  const capped = cap(option, { input, outlook, clusterNodes: snapshot.nodeCount });
  const events = [...chain.events, ...capped.events];
  if (capped.error !== undefined) return { options, choice: { option, report }, changes: [], events, trace, error: capped.error };
  const changes = share(option, capped.nodes, outlook.quota);
  trace.push(...limitSteps(option, capped.nodes, changes));
  return { options, choice: { option, report }, changes, events, trace, error: undefined };
}

function expanderContext({ options, now, priorities, snapshot }: ScaleUpInput, prices: PriceModel): ExpanderContext {
  return {
    seed: options.seed,
    now,
    priorities,
    preferredCpuMilli: preferredCpuMilli(snapshot.nodeCount),
    stabilizationPrice: prices.podPrice({ cpuMilli: 500, memoryBytes: 500 * 2 ** 20 }),
  };
}

function reportOption({ group, nodes, pods, similar, covered }: ScaleUpOption, scores: ReadonlyMap<string, number>): OptionReport {
  const namespaces = new Set(covered.map((each) => each.group.pods[0]?.namespace));
  return {
    group,
    nodes,
    pods,
    similar: similar.map(({ id }) => id),
    score: scores.get(group),
    podGroups: covered.length,
    namespaces: namespaces.size,
  };
}

interface CapContext {
  readonly input: ScaleUpInput;
  readonly outlook: Outlook;
  readonly clusterNodes: number;
}

/** The number of nodes that `--max-nodes-total` and then the quota of the chosen group allow. */
function cap(
  { nodes, candidate }: ScaleUpOption,
  { input, outlook, clusterNodes }: CapContext,
): { readonly nodes: number; readonly events: readonly LoopEvent[]; readonly error: string | undefined } {
  const { maxNodesTotal } = input.options;
  const over = maxNodesTotal > 0 && nodes + clusterNodes > maxNodesTotal;
  const allowed = over ? maxNodesTotal - clusterNodes : nodes;
  const events = over ? [maxNodesReached(maxNodesTotal)] : [];
  if (allowed < 1) return { nodes: 0, events, error: 'max node total count already reached' };
  const affordable = cappedByQuota(outlook.quota, candidate.node, allowed);
  const error = affordable < 1 ? `cannot create any node of ${candidate.id}: a limit of the cluster is reached` : undefined;
  return { nodes: affordable, events, error };
}

/**
 * Balances the nodes over the chosen group and its similar ones (without those of which not one more is allowed); each share is then cut to what the
 * quota still allows, in turn, and what is cut goes to nobody.
 */
function share(option: ScaleUpOption, nodes: number, quota: Quota): readonly SizeChange[] {
  const similar = option.similar.filter(({ node }) => exceeded(quota, node, 1).length === 0);
  const members = new Map([option.candidate, ...similar].map((member) => [member.id, member]));
  const shares = balance(
    [...members.values()].map(({ id, size, max }) => ({ id, size, max })),
    nodes,
  );
  const changes: SizeChange[] = [];
  let left = quota;
  for (const { id, from, to, max } of shares) {
    const node = members.get(id)?.node;
    if (node === undefined) continue;
    const allowed = cappedByQuota(left, node, to - from);
    left = afterAdding(left, node, allowed);
    if (allowed > 0) changes.push({ group: id, from, to: from + allowed, max });
  }
  return changes;
}

function limitSteps(option: ScaleUpOption, capped: number, changes: readonly SizeChange[]): TraceStep[] {
  const steps: TraceStep[] = [];
  if (capped < option.nodes) {
    const message = `${option.nodes} nodes are cut to ${capped}: limits of the cluster`;
    steps.push({ step: 'cluster-limits', message, values: { wanted: option.nodes, allowed: capped } });
  }
  const added = changes.reduce((sum, { from, to }) => sum + to - from, 0);
  const plan = changes.map(({ group, from, to, max }) => `${group} ${from} → ${to} (max ${max})`).join(', ');
  const message = added < capped ? `${plan}: room for ${added} of ${capped} nodes` : plan;
  steps.push({ step: option.similar.length > 0 ? 'balance' : 'size', message, values: { nodes: added, groups: changes.length } });
  return steps;
}
