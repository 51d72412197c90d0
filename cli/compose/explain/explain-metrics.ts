import type { ChangeStep, Explanation, FallbackPart, MetricStep } from './explanation.ts';
import { whatWouldChange } from '../../../hpa/index.ts';
import { formatMilli, Quantity } from '../../../core/units/index.ts';
import { doubtPart, type Evaluated, type MetricReading } from './explain-sources.ts';
import { isoTime, seconds } from './time-text.ts';

/** What each metric asks for, and by which formula. */
export function explainMetrics({ metrics, evaluation, input }: Evaluated): MetricStep[] {
  return metrics.map((metric, index) => {
    const active = evaluation.fallback?.active.find(({ count }) => count.index === index);
    const { outcome, name, spec, wins, fallback: standIn } = metric;
    const base = {
      name,
      type: spec.type === 'Unknown' ? spec.name : spec.type,
      wins,
      fallback: active === undefined ? null : fallbackPart(active, evaluation),
    };
    const measured = samplesOf(metric, input.now);
    const pods = { samples: measured, spread: spreadOf(measured, spec) };
    if (outcome === undefined) return { ...base, ...pods, ...notRead, target: null };
    if (outcome.ok) {
      return {
        ...base,
        ...pods,
        replicas: outcome.replicas,
        measured: outcome.measured,
        target: targetText(metric) ?? null,
        formula: outcome.formula,
        values: outcome.values,
        doubt: doubtPart(outcome.degraded),
        failure: null,
      };
    }
    const { reason, message, unknown = null, since } = outcome;
    const failure = { reason, message, unknown, since: isoTime(since) };
    return { ...base, ...pods, ...notRead, target: null, replicas: standIn?.replicas ?? null, failure };
  });
}

const notRead = { replicas: null, measured: null, formula: null, values: {}, doubt: null, failure: null } as const;

function samplesOf({ result, spec }: MetricReading, now: number): MetricStep['samples'] {
  const samples =
    result.kind === 'usage'
      ? result.samples.map(({ pod, timestamp, containers }) => ({ pod, timestamp, value: usageOf(containers, spec) }))
      : result.kind === 'pod-values'
        ? result.values
        : [];
  return samples
    .map(({ pod, timestamp, value }) => ({
      pod,
      valueMilli: value === undefined ? null : String(value),
      ageSeconds: seconds(now - timestamp),
    }))
    .toSorted((a, b) => (a.pod < b.pod ? -1 : Number(a.pod > b.pod)));
}

/** As the engine adds it up: all containers or the named one, and nothing where a part is not known. */
function usageOf(
  containers: readonly { readonly name: string; readonly value: bigint | undefined }[],
  spec: MetricReading['spec'],
): bigint | undefined {
  const counted = spec.type === 'ContainerResource' ? containers.filter(({ name }) => name === spec.container) : containers;
  if (counted.length === 0) return undefined;
  return counted.reduce<bigint | undefined>((sum, { value }) => (sum === undefined || value === undefined ? undefined : sum + value), 0n);
}

function spreadOf(samples: MetricStep['samples'], spec: MetricReading['spec']): MetricStep['spread'] {
  const known = samples.flatMap(({ pod, valueMilli }) => (valueMilli === null ? [] : [{ pod, value: BigInt(valueMilli) }]));
  const [first] = known;
  if (first === undefined) return null;
  const least = known.reduce((a, b) => (b.value < a.value ? b : a), first);
  const greatest = known.reduce((a, b) => (b.value > a.value ? b : a), first);
  if (least.value === greatest.value) return null;
  return { least: amountText(least.value, spec), greatest: amountText(greatest.value, spec), pod: greatest.pod };
}

function amountText(milli: bigint, spec: MetricReading['spec']): string {
  if (spec.type === 'Resource' || spec.type === 'ContainerResource') return formatMilli(spec.resource, Number(milli));
  return Quantity.ofMilli(milli).toString();
}

/** The target of a metric that is known: what stands behind its value in the engine's own words. */
export function targetText({ outcome }: Pick<MetricReading, 'outcome'>): string | undefined {
  if (outcome?.ok !== true) return undefined;
  const begin = `${outcome.subject} ${outcome.measured}, target `;
  return outcome.observed.startsWith(begin) ? outcome.observed.slice(begin.length) : undefined;
}

type FallbackState = NonNullable<Evaluated['evaluation']['fallback']>;

function fallbackPart({ count, proposal }: FallbackState['active'][number], { fallback }: Evaluated['evaluation']): FallbackPart {
  return {
    behavior: fallback?.policy.behavior ?? '',
    replicas: proposal?.replicas ?? null,
    formula: proposal?.formula ?? null,
    failures: count.failures,
    failureThreshold: fallback?.policy.failureThreshold ?? 0,
    since: isoTime(count.since) ?? '',
  };
}

export function explainWanted({ evaluation: { decision } }: Evaluated): Explanation['wanted'] {
  const step = decision.trace.find((each) => each.step === 'wanted');
  if (step !== undefined) {
    const { wanted, metric } = step.values;
    return { replicas: numberOf(wanted), metric: typeof metric === 'string' ? metric : null, message: step.message };
  }
  const read = decision.trace.some((each) => each.step === 'metric');
  return read ? { replicas: null, metric: null, message: 'No metric decides: too little is known to change the size' } : null;
}

export function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

/** The nearest loads and times at which the decision would be another one. */
export function explainChange({ input, evaluation }: Evaluated): ChangeStep {
  const { lines, metrics, boundsChangeAt } = whatWouldChange(input, evaluation);
  return { lines, metrics, boundsChangeAt: isoTime(boundsChangeAt) };
}
