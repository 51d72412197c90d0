import { shownValue, type SchemaProblem } from '../core/model/schema-problems.ts';
import { Quantity, tryParseDurationMs } from '../core/units/index.ts';
import { defaultEstimationConfig, type EstimationConfig } from './config.ts';
import { sizedResources, type SizedResource } from './model.ts';
import { halfLifeBounds, type EstimationInput, type VerticalPolicySpec } from './policy-schema.ts';
import { allVpaGates, validateVpa } from './policy-validation.ts';

type Percentiles = Pick<EstimationConfig, 'targetPercentile' | 'lowerBoundPercentile' | 'upperBoundPercentile'>;

/** Rules that stand between fields: those of a VerticalPodAutoscaler, and those of the suite's own fields. */
export function crossProblems(spec: VerticalPolicySpec, flags: Percentiles = defaultEstimationConfig): SchemaProblem[] {
  const { problems } = validateVpa({ metadata: { name: '' }, spec }, { gates: allVpaGates });
  const { estimation, startupBoost } = spec;
  const policies = spec.resourcePolicy?.containerPolicies ?? [];
  return [
    ...problems.map(({ path, message }) => ({ path, message })),
    ...boostProblems(startupBoost, 'spec.startupBoost'),
    ...estimationProblems(estimation, 'spec.estimation'),
    ...orderProblems([estimation], 'spec.estimation', flags),
    ...policies.flatMap((policy, index) => {
      const path = `spec.resourcePolicy.containerPolicies[${index}]`;
      const own = policy.estimation;
      return [
        ...boostProblems(policy.startupBoost, `${path}.startupBoost`),
        ...estimationProblems(own, `${path}.estimation`),
        // Without percentiles of its own the container has those of the policy, which have been looked at.
        ...(own === undefined ? [] : orderProblems([own, estimation], `${path}.estimation`, flags)),
      ];
    }),
  ];
}

/** Upstream's webhook leaves a field of the other type alone. */
function boostProblems(boost: VerticalPolicySpec['startupBoost'], path: string): SchemaProblem[] {
  const cpu = boost?.cpu;
  if (cpu === undefined) return [];
  const [field, type] = cpu.type === 'Factor' ? (['quantity', 'Quantity'] as const) : (['factor', 'Factor'] as const);
  if (cpu[field] === undefined) return [];
  return [{ path: `${path}.cpu.${field}`, message: `does not belong to type ${cpu.type}; remove it or set type ${type}` }];
}

function estimationProblems(estimation: EstimationInput | undefined, path: string): SchemaProblem[] {
  const { halfLife = {}, podMinimum = {} } = estimation ?? {};
  return sizedResources.flatMap((resource) => [
    ...halfLifeProblems(halfLife[resource], `${path}.halfLife.${resource}`),
    ...minimumProblems(podMinimum[resource], `${path}.podMinimum.${resource}`),
  ]);
}

function halfLifeProblems(given: string | undefined, path: string): SchemaProblem[] {
  if (given === undefined) return [];
  const ms = tryParseDurationMs(given);
  // A plain number would be seconds elsewhere; a CRD's rules know durations with a unit only.
  if (ms !== undefined && ms >= halfLifeBounds.least && ms <= halfLifeBounds.most && !/^[\d.]+$/.test(given)) return [];
  return [{ path, message: `${shownValue(given)} is not a duration from 1m to 8760h, like 24h` }];
}

function minimumProblems(given: number | string | undefined, path: string): SchemaProblem[] {
  if (given === undefined) return [];
  const quantity = Quantity.tryParse(given);
  if (quantity !== undefined && quantity.sign >= 0) return [];
  return [{ path, message: `${shownValue(given)} is not a quantity of 0 or more, like 25m or 64Mi` }];
}

const percentileFields = ['lowerBoundPercentile', 'targetPercentile', 'upperBoundPercentile'] as const;

/** The percentiles that count in the end, out of the blocks, the nearest first, and the flags. */
function orderProblems(blocks: readonly (EstimationInput | undefined)[], path: string, flags: Percentiles): SchemaProblem[] {
  const [own] = blocks;
  if (own === undefined) return [];
  return sizedResources.flatMap((resource) => {
    const [lower, target, upper] = percentileFields.map((field) => percentile(field, resource, blocks) ?? flags[field][resource]);
    const problems: SchemaProblem[] = [];
    const check = (low: (typeof percentileFields)[number], high: (typeof percentileFields)[number], wrong: boolean): void => {
      // Said where it was written: at the higher one, unless only the lower one stands in this block.
      const [field, other] = own[high]?.[resource] === undefined ? ([low, high] as const) : ([high, low] as const);
      if (!wrong || own[field]?.[resource] === undefined) return;
      const [given, against] = [field, other].map((each) => percentile(each, resource, blocks) ?? flags[each][resource]);
      problems.push({
        path: `${path}.${field}.${resource}`,
        message: `${given} is ${field === high ? 'less' : 'more'} than ${other}, which is ${against}; they must rise from lowerBound over target to upperBound`,
      });
    };
    check('lowerBoundPercentile', 'targetPercentile', (lower ?? 0) > (target ?? 1));
    check('targetPercentile', 'upperBoundPercentile', (target ?? 0) > (upper ?? 1));
    return problems;
  });
}

function percentile(
  field: (typeof percentileFields)[number],
  resource: SizedResource,
  blocks: readonly (EstimationInput | undefined)[],
): number | undefined {
  return blocks.map((block) => block?.[field]?.[resource]).find((value) => value !== undefined);
}
