import type { z } from 'zod';
import { Quantity } from '../core/units/index.ts';
import { metricBlocks, type HorizontalPolicySpec, type MetricInput, type TargetInput } from './policy-schema.ts';

/** What is wrong with a policy: where, and a sentence with the value and the remedy. */
export interface PolicyProblem {
  /** `spec.metrics[0].resource.target.averageUtilization` */
  readonly path: string;
  readonly message: string;
}

/** `spec.metrics[0].resource` of the parts of a path. */
export function pathText(parts: readonly PropertyKey[]): string {
  return parts.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? String(part) : `${text}.${String(part)}`;
  }, '');
}

/** The problems of a spec that does not have the schema's shape. */
export function schemaProblems(issues: readonly z.core.$ZodIssue[], spec: unknown): PolicyProblem[] {
  return issues.flatMap((issue) => {
    const path = ['spec', ...issue.path];
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ path: pathText([...path, key]), message: 'unknown field; remove it or correct its name' }));
    }
    return [{ path: pathText(path), message: issueText(issue, valueAt(spec, issue.path)) }];
  });
}

const typeNames: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'a text',
  object: 'a map',
  array: 'a list',
};

function issueText(issue: z.core.$ZodIssue, value: unknown): string {
  if (value === undefined) return 'is required; add it';
  const given = shown(value);
  if (issue.code === 'invalid_value') return `${given} is not one of ${issue.values.map(String).join(', ')}`;
  if (issue.code === 'too_small') {
    const unit = sized(issue.origin);
    return unit === undefined ? `${given} is too small; the least is ${issue.minimum}` : `must have at least ${issue.minimum} ${unit}`;
  }
  if (issue.code === 'too_big') {
    const unit = sized(issue.origin);
    return unit === undefined ? `${given} is too large; the most is ${issue.maximum}` : `must have at most ${issue.maximum} ${unit}`;
  }
  if (issue.code === 'invalid_type') return `${given} is not ${typeNames[issue.expected] ?? `of type ${issue.expected}`}`;
  if (issue.code === 'invalid_format') return `${given} does not have the form ${issue.pattern ?? issue.format}`;
  return `${given} cannot be used: ${issue.message}`;
}

function sized(origin: string): string | undefined {
  if (origin === 'array') return 'entries';
  return origin === 'string' ? 'characters' : undefined;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, part) => (typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[part] : undefined),
    root,
  );
}

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
        message: `${shown(tolerance)} is not a quantity of 0 or more, like 0.05`,
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
    return [{ path: `${path}.${field}`, message: `${shown(given)} is not a quantity above 0, like 500m or 1Gi` }];
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
    problems.push({ path, message: `${shown(value)} is not supported yet; ${remedy}` });
  };
  for (const [index, metric] of (spec.metrics ?? []).entries()) {
    const path = `spec.metrics[${index}]`;
    if (metric.type !== 'Resource') later(`${path}.type`, metric.type, 'use a Resource metric of cpu or memory');
    else if (metric.resource !== undefined && metric.resource.name !== 'cpu' && metric.resource.name !== 'memory') {
      later(`${path}.resource.name`, metric.resource.name, 'use cpu or memory');
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
