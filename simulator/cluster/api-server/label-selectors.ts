import { badRequest } from './errors.ts';
import type { LabelSelectorShape } from './kinds/shapes.ts';

export type LabelMatcher = (labels: Readonly<Record<string, string>>) => boolean;

/** A selector object against labels. An empty selector matches everything. */
export function matchesSelector(selector: LabelSelectorShape, labels: Readonly<Record<string, string>>): boolean {
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) if (labels[key] !== value) return false;
  return (selector.matchExpressions ?? []).every((expression) => {
    const value = labels[expression.key ?? ''];
    const values = expression.values ?? [];
    switch (expression.operator ?? '') {
      case 'In':
        return value !== undefined && values.includes(value);
      case 'NotIn':
        return value === undefined || !values.includes(value);
      case 'Exists':
        return value !== undefined;
      case 'DoesNotExist':
        return value === undefined;
      default:
        return false;
    }
  });
}

/** The text form of a selector object, keys in order, as `status.selector` of a scale has it. */
export function selectorText(selector: LabelSelectorShape): string {
  const parts: [string, string][] = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => [key, `${key}=${value}`]);
  for (const { key = '', operator, values = [] } of selector.matchExpressions ?? []) {
    const list = [...values].sort().join(',');
    const text: Record<string, string> = {
      In: `${key} in (${list})`,
      NotIn: `${key} notin (${list})`,
      Exists: key,
      DoesNotExist: `!${key}`,
    };
    parts.push([key, text[operator ?? ''] ?? key]);
  }
  return parts
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, text]) => text)
    .join(',');
}

/** Parses `labelSelector` query text; undefined for the empty one. Throws the server's 400. */
export function parseLabelSelector(text: string): LabelMatcher | undefined {
  const requirements = splitRequirements(text).map(parseRequirement);
  if (requirements.length === 0) return undefined;
  const [only] = requirements;
  if (requirements.length === 1 && only !== undefined) return only;
  return (labels) => requirements.every((requirement) => requirement(labels));
}

/** Splits at commas that are not inside parentheses. */
function splitRequirements(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const letter = text[at];
    if (letter === '(') depth += 1;
    else if (letter === ')') depth -= 1;
    else if (letter === ',' && depth === 0) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  parts.push(text.slice(start));
  const trimmed = parts.map((part) => part.trim());
  return trimmed.length === 1 && trimmed[0] === '' ? [] : trimmed;
}

const key = '(?<key>[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?)';
const setForm = new RegExp(`^${key}\\s+(?<operator>in|notin)\\s*\\((?<value>[^()]*)\\)$`);
const equalForm = new RegExp(`^${key}\\s*(?<operator>==|=|!=)\\s*(?<value>[-A-Za-z0-9_.]*)$`);
const greaterForm = new RegExp(`^${key}\\s*(?<operator>[<>])\\s*(?<value>-?\\d+)$`);
const existsForm = new RegExp(`^(?<operator>!?)\\s*${key}$`);

function parseRequirement(text: string): LabelMatcher {
  for (const [form, make] of forms) {
    const groups = form.exec(text)?.groups;
    if (groups !== undefined) return make({ key: '', operator: '', value: '', ...groups });
  }
  throw badRequest(
    `unable to parse requirement: found '${text}', expected: key, !key, key=value, key!=value, key in (a,b) or key notin (a,b)`,
  );
}

interface Parts {
  readonly key: string;
  readonly operator: string;
  readonly value: string;
}

const forms: readonly (readonly [form: RegExp, make: (parts: Parts) => LabelMatcher])[] = [
  [setForm, ({ key: name, operator, value }) => setMatcher(name, operator === 'in', value)],
  [
    equalForm,
    ({ key: name, operator, value }) => (operator === '!=' ? (labels) => labels[name] !== value : (labels) => labels[name] === value),
  ],
  [
    greaterForm,
    ({ key: name, operator, value }) => {
      const sign = operator === '>' ? 1 : -1;
      return (labels) => labels[name] !== undefined && sign * (Number(labels[name]) - Number(value)) > 0;
    },
  ],
  [
    existsForm,
    ({ key: name, operator }) => (operator === '!' ? (labels) => labels[name] === undefined : (labels) => labels[name] !== undefined),
  ],
];

function setMatcher(name: string, inside: boolean, list: string): LabelMatcher {
  const values = new Set(list.split(',').map((value) => value.trim()));
  return (labels) => {
    const value = labels[name];
    return value === undefined ? !inside : values.has(value) === inside;
  };
}
