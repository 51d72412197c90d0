import type { z } from 'zod';

/** What is wrong with an object of ours: where, and a sentence with the value and the remedy. */
export interface SchemaProblem {
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
export function schemaProblems(issues: readonly z.core.$ZodIssue[], spec: unknown): SchemaProblem[] {
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
  const given = shownValue(value);
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

export function shownValue(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, part) => (typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[part] : undefined),
    root,
  );
}

/** All problems in one sentence: path, value, remedy. */
export function problemsText(problems: readonly SchemaProblem[]): string {
  return problems.map(({ path, message }) => `${path}: ${message}`).join('; ');
}
