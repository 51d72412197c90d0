import { maxInt64 } from './arithmetic.ts';
import { evaluateMetric, type MetricContext, type MetricProposal } from './metric.ts';
import type { MetricResult, MetricSpec, Milli } from './model.ts';

/** A load at which a metric would ask for another number of replicas. */
export interface Threshold {
  /** What it would ask for there. */
  readonly replicas: number;
  /** The load for a person, as `measured` of a proposal: `89 % of request`. */
  readonly value: string;
  /** Sum over what is counted, in thousandths; one thousandth less (more on the way down) would change nothing. */
  readonly totalMilli: Milli;
}

export interface MeasuredMetric {
  readonly spec: MetricSpec;
  readonly result: MetricResult;
  readonly proposal: MetricProposal;
  readonly context: MetricContext;
}

/** The load from the measured one upwards at which the metric asks for more than the current size; `undefined`: at none. */
export function scaleUpThreshold(metric: MeasuredMetric): Threshold | undefined {
  const load = loadOf(metric);
  if (load === undefined) return undefined;
  const { currentReplicas } = metric.context;
  const grows = (total: Milli): boolean => (load.proposalAt(total)?.replicas ?? currentReplicas) > currentReplicas;
  let low = load.total;
  let high = load.total < 1n ? 1n : load.total * 2n;
  while (!grows(high)) {
    if (high > maxInt64) return undefined;
    low = high;
    high *= 2n;
  }
  // Nothing grows at `low`, everything at `high`.
  while (high - low > 1n) {
    const middle = (low + high) / 2n;
    if (grows(middle)) high = middle;
    else low = middle;
  }
  return thresholdAt(load, high);
}

/** The load from the measured one downwards at which the metric asks for less than the current size; `undefined`: not even when there is none. */
export function scaleDownThreshold(metric: MeasuredMetric): Threshold | undefined {
  const load = loadOf(metric);
  if (load === undefined) return undefined;
  const { currentReplicas } = metric.context;
  const shrinks = (total: Milli): boolean => (load.proposalAt(total)?.replicas ?? currentReplicas) < currentReplicas;
  if (!shrinks(0n)) return undefined;
  let low = 0n;
  let high = load.total;
  while (high - low > 1n) {
    const middle = (low + high) / 2n;
    if (shrinks(middle)) low = middle;
    else high = middle;
  }
  return thresholdAt(load, low);
}

function thresholdAt(load: Load, total: Milli): Threshold | undefined {
  const proposal = load.proposalAt(total);
  return proposal === undefined ? undefined : { replicas: proposal.replicas, value: proposal.measured, totalMilli: total };
}

interface Load {
  readonly total: Milli;
  /** What the metric would ask for if the same pods had this sum; how it is spread over them does not matter to any rule. */
  proposalAt(total: Milli): MetricProposal | undefined;
}

function loadOf({ spec, result, proposal, context }: MeasuredMetric): Load | undefined {
  const other = withTotal(spec, result, { proposal, context });
  if (other === undefined) return undefined;
  return {
    total: other.total,
    proposalAt: (total) => {
      const outcome = evaluateMetric(spec, other.at(total), context);
      return outcome.ok ? outcome : undefined;
    },
  };
}

interface Scalable {
  readonly total: Milli;
  at(total: Milli): MetricResult;
}

function withTotal(spec: MetricSpec, result: MetricResult, facts: Pick<MeasuredMetric, 'proposal' | 'context'>): Scalable | undefined {
  switch (result.kind) {
    case 'failure':
      return undefined;
    case 'values':
      return { total: sumOf(result.values), at: (total) => ({ kind: 'values', values: [total] }) };
    case 'pod-values': {
      const counted = countedPods(facts);
      const carriers = result.values.filter(({ pod }) => counted.has(pod));
      const [first] = carriers;
      if (first === undefined) return undefined;
      const spread = (total: Milli) =>
        result.values.map((each) => (counted.has(each.pod) ? { ...each, value: each === first ? total : 0n } : each));
      return { total: sumOf(carriers.map(({ value }) => value)), at: (total) => ({ kind: 'pod-values', values: spread(total) }) };
    }
    case 'usage':
      return usageWithTotal(spec.type === 'ContainerResource' ? spec.container : undefined, result, countedPods(facts));
  }
}

type UsageResult = Extract<MetricResult, { kind: 'usage' }>;
type ContainerValue = UsageResult['samples'][number]['containers'][number];

function usageWithTotal(container: string | undefined, result: UsageResult, counted: ReadonlySet<string>): Scalable | undefined {
  const isCounted = ({ name }: ContainerValue): boolean => container === undefined || name === container;
  const known = result.samples.filter(({ pod, containers }) => {
    const parts = containers.filter(isCounted);
    return counted.has(pod) && parts.length > 0 && parts.every(({ value }) => value !== undefined);
  });
  const carriers = new Set(known);
  const [first] = known;
  const carrier = first?.containers.find(isCounted);
  if (carrier === undefined) return undefined;
  const total = sumOf(known.flatMap(({ containers }) => containers.filter(isCounted).map(({ value }) => value ?? 0n)));
  const at = (sum: Milli): MetricResult => ({
    kind: 'usage',
    samples: result.samples.map((sample) => {
      if (!carriers.has(sample)) return sample;
      const containers = sample.containers.map((each) => (isCounted(each) ? { ...each, value: each === carrier ? sum : 0n } : each));
      return { ...sample, containers };
    }),
  });
  return { total, at };
}

/** The pods whose samples enter the first pass. */
function countedPods({ proposal, context }: Pick<MeasuredMetric, 'proposal' | 'context'>): ReadonlySet<string> {
  const left = new Set([...(proposal.groups?.ignored ?? []), ...(proposal.groups?.unready ?? [])]);
  return new Set(context.pods.filter(({ name }) => !left.has(name)).map(({ name }) => name));
}

function sumOf(values: readonly Milli[]): Milli {
  return values.reduce((total, value) => total + value, 0n);
}
