import { shownValue, type SchemaProblem } from '../core/model/schema-problems.ts';
import { Quantity } from '../core/units/index.ts';
import { metricBlocks, type HorizontalPolicySpec, type MetricInput, type TargetInput } from './policy-schema.ts';
import { scalingProblems } from './policy-scaling-problems.ts';

/** What is wrong with a policy. */
export type PolicyProblem = SchemaProblem;

/** Rules of upstream's validation (§3) that stand between fields, and for the suite's own policies those of their own fields. */
export function crossProblems(spec: HorizontalPolicySpec, { native }: { readonly native: boolean }): PolicyProblem[] {
  return [
    ...boundsProblems(spec),
    ...(spec.metrics ?? []).flatMap((metric, index) => metricProblems(metric, `spec.metrics[${index}]`)),
    ...toleranceProblems(spec),
    // Upstream accepts an object that can never leave zero, and knows none of the rest.
    ...(native ? [] : scalingProblems(spec)),
  ];
}

function boundsProblems({ minReplicas, maxReplicas, metrics }: HorizontalPolicySpec): PolicyProblem[] {
  const problems: PolicyProblem[] = [];
  if (maxReplicas < minReplicas) {
    problems.push({
      path: 'spec.maxReplicas',
      message: `${maxReplicas} is less than minReplicas ${minReplicas}; raise maxReplicas or lower minReplicas`,
    });
  }
  if (minReplicas === 0 && !(metrics ?? []).some(({ type }) => type === 'Object' || type === 'External' || type === 'Prometheus')) {
    problems.push({
      path: 'spec.metrics',
      message:
        'minReplicas 0 needs an Object, External or Prometheus metric, because pods cannot be measured at zero; add one or set minReplicas to 1',
    });
  }
  return problems;
}

function toleranceProblems({ behavior }: HorizontalPolicySpec): PolicyProblem[] {
  return (['scaleUp', 'scaleDown'] as const).flatMap((direction) => {
    const tolerance = behavior?.[direction]?.tolerance;
    if (tolerance === undefined) return [];
    const parsed = Quantity.tryParse(tolerance);
    if (parsed !== undefined && parsed.sign >= 0) return [];
    return [
      { path: `spec.behavior.${direction}.tolerance`, message: `${shownValue(tolerance)} is not a quantity of 0 or more, like 0.05` },
    ];
  });
}

function metricProblems(metric: MetricInput, path: string): PolicyProblem[] {
  const problems: PolicyProblem[] = [];
  for (const [type, block] of Object.entries(metricBlocks)) {
    const present = metric[block] !== undefined;
    if (present === (metric.type === type)) continue;
    problems.push({
      path: `${path}.${block}`,
      message: present
        ? `does not belong to type ${metric.type}; remove it or set type ${type}`
        : `is required by type ${metric.type}; add it`,
    });
  }
  const block = metric[metricBlocks[metric.type]];
  if (block === undefined) return problems;
  const targetPath = `${path}.${metricBlocks[metric.type]}.target`;
  return [...problems, ...quantityProblems(block.target, targetPath), ...targetProblems(metric.type, block.target, targetPath)];
}

function quantityProblems(target: TargetInput, path: string): PolicyProblem[] {
  return (['value', 'averageValue'] as const).flatMap((field) => {
    const given = target[field];
    if (given === undefined) return [];
    const parsed = Quantity.tryParse(given);
    if (parsed !== undefined && parsed.sign > 0) return [];
    return [{ path: `${path}.${field}`, message: `${shownValue(given)} is not a quantity above 0, like 500m or 1Gi` }];
  });
}

function targetProblems(type: MetricInput['type'], target: TargetInput, path: string): PolicyProblem[] {
  const has = (field: 'value' | 'averageValue' | 'averageUtilization'): boolean => target[field] !== undefined;
  switch (type) {
    case 'Resource':
    case 'ContainerResource':
      return has('averageUtilization') === has('averageValue')
        ? [{ path, message: 'set exactly one of averageUtilization and averageValue' }]
        : [];
    case 'Pods':
      return has('averageValue') ? [] : [{ path, message: 'set averageValue' }];
    case 'Object':
      return has('value') || has('averageValue') ? [] : [{ path, message: 'set value or averageValue' }];
    case 'External':
    case 'Prometheus':
      return has('value') === has('averageValue') ? [{ path, message: 'set exactly one of value and averageValue' }] : [];
  }
}

/** What the schema knows and the controller cannot do yet: refused, never ignored. */
export function unsupportedParts(spec: HorizontalPolicySpec): PolicyProblem[] {
  const problems: PolicyProblem[] = [];
  const later = (path: string, value: unknown, remedy: string): void => {
    problems.push({ path, message: `${shownValue(value)} is not supported yet; ${remedy}` });
  };
  for (const [index, metric] of (spec.metrics ?? []).entries()) {
    const block = metric.resource === undefined ? 'containerResource' : 'resource';
    const name = metric[block]?.name;
    if (name !== undefined && name !== 'cpu' && name !== 'memory') {
      later(`spec.metrics[${index}].${block}.name`, name, 'use cpu or memory: metrics.k8s.io has no others');
    }
  }
  return problems;
}
