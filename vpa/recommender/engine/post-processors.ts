import type { EstimationConfig } from '../../config.ts';
import {
  containerSizing,
  sizedResources,
  type Amounts,
  type ContainerRecommendation,
  type Recommendation,
  type SizedResource,
  type SizingPolicy,
} from '../../model.ts';
import { capToNodes, type NodeRoom } from './post-processors-nodes.ts';
import { amountText, type Clamp, type ClampedField, type Processed } from './post-processors-clamp.ts';

export { amountText, type Clamp, type ClampCause, type ClampedField, type Processed } from './post-processors-clamp.ts';
export { capToNodes, type NodeCapped, type NodeRoom } from './post-processors-nodes.ts';

const annotationPrefix = 'vpa-post-processor.kubernetes.io/';
const annotationSuffix = '_integerCPU';

/** What stands between prefix and suffix; empty when the key is of another form. */
export function annotatedContainer(key: string, prefix = annotationPrefix, suffix = annotationSuffix): string {
  const length = key.length - prefix.length - suffix.length;
  return length > 0 && key.startsWith(prefix) && key.endsWith(suffix) ? key.slice(prefix.length, prefix.length + length) : '';
}

/** {@link SizingPolicy.integerCpu} of an object's annotations `vpa-post-processor.kubernetes.io/<container>_integerCPU: "true"`. */
export function integerCpuContainers(annotations: Readonly<Record<string, string>> | null | undefined): ReadonlySet<string> {
  const named = Object.entries(annotations ?? {}).flatMap(([key, value]) => (value === 'true' ? [annotatedContainer(key)] : []));
  return new Set(named.filter((container) => container !== ''));
}

/** The next multiple of the step; a step of 1, 0 or less leaves the value, as upstream. Beyond 2^53 the value stays too. */
export function roundUpTo(value: number, step: number): number {
  if (step <= 1 || value === 0) return value;
  const rounded = Math.ceil(value / step) * step;
  return Number.isSafeInteger(rounded) ? rounded : value;
}

const allFields = ['target', 'lowerBound', 'upperBound', 'uncappedTarget'] as const;
const cappedFields = ['target', 'lowerBound', 'upperBound'] as const satisfies readonly ClampedField[];

type Change = (at: { readonly amount: number; readonly resource: string; readonly container: string; readonly field: string }) => number;

/** The recommendation with every amount of these fields passed through; containers that stay as they are stay the same objects. */
function mapAmounts(recommendation: Recommendation, fields: readonly (typeof allFields)[number][], change: Change): Recommendation {
  let changed = false;
  const containers = recommendation.containers.map((each) => {
    let next = each;
    for (const field of fields) {
      for (const [resource, amount] of Object.entries(each[field])) {
        const value = change({ amount, resource, container: each.container, field });
        if (value !== amount) next = { ...next, [field]: { ...next[field], [resource]: value } };
      }
    }
    changed ||= next !== each;
    return next;
  });
  return changed ? { ...recommendation, containers } : recommendation;
}

/** Rounds a field up; changes of the target and its bounds are noted. */
function roundFields(
  recommendation: Recommendation,
  by: 'rounding' | 'integer-cpu',
  stepOf: (resource: string, container: string) => number,
): Processed {
  const clamps: Clamp[] = [];
  const rounded = mapAmounts(recommendation, allFields, ({ amount, resource, container, field }) => {
    const step = stepOf(resource, container);
    const to = roundUpTo(amount, step);
    if (to !== amount && field !== 'uncappedTarget') {
      const why =
        by === 'rounding' ? `to a multiple of ${amountText(resource, step)}` : 'to whole cores, as an annotation of the policy asks';
      const message = `${field} ${resource} of container ${container} rounded up from ${amountText(resource, amount)} to ${amountText(resource, to)}, ${why}`;
      clamps.push({ container, resource: resource as SizedResource, field: field as ClampedField, from: amount, to, by, message });
    }
    return to;
  });
  return { recommendation: rounded, clamps };
}

/** --round-cpu-millicores and --round-memory-bytes, in all four fields: upstream rounds before the uncapped target is taken. */
export function roundToSteps(recommendation: Recommendation, rounding: EstimationConfig['rounding']): Processed {
  if (rounding.cpu <= 1 && rounding.memory <= 1) return { recommendation, clamps: [] };
  return roundFields(recommendation, 'rounding', (resource) => (isSized(resource) ? rounding[resource] : 1));
}

/** Whole cores for the named containers, in all four fields. */
export function roundToCores(recommendation: Recommendation, containers: SizingPolicy['integerCpu']): Processed {
  if (containers.size === 0) return { recommendation, clamps: [] };
  return roundFields(recommendation, 'integer-cpu', (resource, container) => (resource === 'cpu' && containers.has(container) ? 1000 : 1));
}

function isSized(resource: string): resource is SizedResource {
  return (sizedResources as readonly string[]).includes(resource);
}

/**
 * Up to minAllowed, then down to maxAllowed, which therefore wins; where the policy sets no maxAllowed of a resource the global one holds. A bound of 0 is
 * none. The uncapped target stays.
 */
export function capToPolicy(
  recommendation: Recommendation,
  policy: Pick<SizingPolicy, 'containers'>,
  globalMax: EstimationConfig['maxAllowed'],
): Processed {
  const clamps: Clamp[] = [];
  const capped = mapAmounts(recommendation, cappedFields, ({ amount, resource, container, field }) => {
    const { minAllowed, maxAllowed } = containerSizing(policy.containers, container) ?? {};
    const least = boundOf(minAllowed, resource);
    const own = boundOf(maxAllowed, resource);
    const most = own ?? boundOf(globalMax, resource);
    let value = amount;
    const note = (by: Clamp['by'], to: number, text: string): void => {
      const message = `${field} ${resource} of container ${container} ${text}`;
      clamps.push({ container, resource: resource as SizedResource, field: field as ClampedField, from: value, to, by, message });
      value = to;
    };
    const text = (of: number): string => amountText(resource, of);
    if (least !== undefined && value < least) note('min-allowed', least, `raised from ${text(value)} to minAllowed, ${text(least)}`);
    if (most !== undefined && value > most) {
      if (own !== undefined) note('max-allowed', most, `capped from ${text(value)} to maxAllowed, ${text(most)}`);
      else note('global-max-allowed', most, `capped from ${text(value)} to the maximum of all policies, ${text(most)}`);
    }
    return value;
  });
  return { recommendation: capped, clamps };
}

function boundOf(bounds: Amounts | undefined, resource: string): number | undefined {
  const bound = bounds?.[resource];
  return bound === undefined || bound === 0 ? undefined : bound;
}

export interface PostProcessing {
  readonly policy: Pick<SizingPolicy, 'containers' | 'integerCpu'>;
  readonly estimation: Pick<EstimationConfig, 'rounding' | 'maxAllowed'>;
  /** Absent: it is not known what nodes can hold, nothing is capped to them. */
  readonly nodes?: NodeRoom | undefined;
}

export interface PostProcessed extends Processed {
  /** What could not be done, for a person. */
  readonly warnings: readonly string[];
}

/** All post-processors in upstream's order, then that of the nodes. */
export function postProcess(containers: readonly ContainerRecommendation[], { policy, estimation, nodes }: PostProcessing): PostProcessed {
  const rounded = roundToSteps({ containers }, estimation.rounding);
  const whole = roundToCores(rounded.recommendation, policy.integerCpu);
  const capped = capToPolicy(whole.recommendation, policy, estimation.maxAllowed);
  const clamps = [...rounded.clamps, ...whole.clamps, ...capped.clamps];
  if (nodes === undefined) return { recommendation: capped.recommendation, clamps, warnings: [] };
  const fitted = capToNodes(capped.recommendation, nodes, policy);
  return { recommendation: fitted.recommendation, clamps: [...clamps, ...fitted.clamps], warnings: fitted.warnings };
}
