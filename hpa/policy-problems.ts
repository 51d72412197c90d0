import { shownValue, type SchemaProblem } from '../core/model/schema-problems.ts';
import { Quantity } from '../core/units/index.ts';
import { metricBlocks, type HorizontalPolicySpec, type MetricInput, type TargetInput } from './policy-schema.ts';

/** What is wrong with a policy. */
export type PolicyProblem = SchemaProblem;

/** Rules of upstream's validation (§3) that stand between fields. */
export function crossProblems(spec: HorizontalPolicySpec): PolicyProblem[] {
  const problems: PolicyProblem[] = [];
  if (spec.maxReplicas < spec.minReplicas) {
    problems.push({
      path: 'spec.maxReplicas',
      message: `${spec.maxReplicas} is less than minReplicas ${spec.minReplicas}; raise maxReplicas or lower minReplicas`,
    });
  }
  if (
    spec.minReplicas === 0 &&
    !(spec.metrics ?? []).some(({ type }) => type === 'Object' || type === 'External' || type === 'Prometheus')
  ) {
    problems.push({
      path: 'spec.metrics',
      message:
        'minReplicas 0 needs an Object, External or Prometheus metric, because pods cannot be measured at zero; add one or set minReplicas to 1',
    });
  }
  for (const [index, metric] of (spec.metrics ?? []).entries()) problems.push(...metricProblems(metric, `spec.metrics[${index}]`));
  for (const direction of ['scaleUp', 'scaleDown'] as const) {
    const tolerance = spec.behavior?.[direction]?.tolerance;
    if (tolerance === undefined) continue;
    const parsed = Quantity.tryParse(tolerance);
    if (parsed === undefined || parsed.sign < 0) {
      problems.push({
        path: `spec.behavior.${direction}.tolerance`,
        message: `${shownValue(tolerance)} is not a quantity of 0 or more, like 0.05`,
      });
    }
  }
  return problems;
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
  if (spec.minReplicas === 0) later('spec.minReplicas', 0, 'set it to 1 or more');
  if (spec.fallback !== undefined) later('spec.fallback', spec.fallback, 'remove it');
  if (spec.schedules !== undefined && spec.schedules.length > 0)
    later(
      'spec.schedules',
      spec.schedules.map(({ name }) => name),
      'remove them',
    );
  return problems;
}
