import { parseRequirements, checkedRequirement } from './selector-parse.ts';

/** How a requirement compares. `=`, `==` and `in` mean the same and are kept apart for printing; so are `!=` and `notin`. */
export type SelectorOperator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt';

export interface SelectorRequirement {
  readonly key: string;
  readonly operator: SelectorOperator;
  /** Empty for `exists` and `!`; one for `=`, `==`, `!=`, `gt`, `lt`. */
  readonly values: readonly string[];
}

/** A label selector: all requirements together, or nothing at all. No requirements match everything. */
export interface Selector {
  readonly matchesNothing: boolean;
  readonly requirements: readonly SelectorRequirement[];
}

/** The object form, as in workloads, budgets and metrics. */
export interface LabelSelectorObject {
  readonly matchLabels?: Readonly<Record<string, string>> | null | undefined;
  readonly matchExpressions?:
    readonly { readonly key: string; readonly operator: string; readonly values?: readonly string[] | null }[] | null | undefined;
}

export type Labels = Readonly<Record<string, string>>;

export const selectNothing: Selector = { matchesNothing: true, requirements: [] };
export const selectEverything: Selector = { matchesNothing: false, requirements: [] };

/**
 * Reads the text form (`a=b,c in (d,e),!f,g`). An empty text matches everything: callers for whom it must not (a scale without selector)
 * look first. Throws `SELECTOR_INVALID` with the text and the place.
 */
export function parseSelector(text: string): Selector {
  const requirements = parseRequirements(text);
  return requirements.length === 0 ? selectEverything : { matchesNothing: false, requirements };
}

const objectOperators: Readonly<Record<string, SelectorOperator>> = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' };

/** Reads the object form; null or absent matches nothing, `{}` everything. Throws `SELECTOR_INVALID`. */
export function selectorOf(object: LabelSelectorObject | null | undefined): Selector {
  if (object === undefined || object === null) return selectNothing;
  const requirements: SelectorRequirement[] = [];
  for (const [key, value] of Object.entries(object.matchLabels ?? {})) {
    requirements.push(checkedRequirement({ key, operator: '=', values: [value] }, describe(object)));
  }
  for (const { key, operator, values } of object.matchExpressions ?? []) {
    const known = objectOperators[operator];
    // An operator that is not one fails the check under its own name.
    const requirement = { key, operator: known ?? (operator as SelectorOperator), values: values ?? [] };
    requirements.push(checkedRequirement(requirement, describe(object)));
  }
  return requirements.length === 0 ? selectEverything : { matchesNothing: false, requirements };
}

function describe(object: LabelSelectorObject): string {
  return JSON.stringify(object);
}

/** Whether the labels meet every requirement. */
export function matchesSelector(selector: Selector, labels: Labels): boolean {
  if (selector.matchesNothing) return false;
  for (const requirement of selector.requirements) {
    if (!meets(requirement, labels)) return false;
  }
  return true;
}

function meets({ key, operator, values }: SelectorRequirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case '=':
    case '==':
      return value === values[0];
    case 'in':
      return value !== undefined && values.includes(value);
    case '!=':
    case 'notin':
      return value === undefined || !values.includes(value);
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    case 'gt':
      return value !== undefined && compareIntegers(value, values[0]) > 0;
    case 'lt':
      return value !== undefined && compareIntegers(value, values[0]) < 0;
  }
}

const integer = /^[+-]?[0-9]{1,19}$/;

/** Sign of `a - b` for 64-bit integers; NaN when one is no integer, which meets no comparison. */
export function compareIntegers(a: string, b: string | undefined): number {
  if (b === undefined || !integer.test(a) || !integer.test(b)) return Number.NaN;
  const left = BigInt(a.replace('+', ''));
  const right = BigInt(b.replace('+', ''));
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

/** The text form, sorted by key as upstream prints it. A selector that matches nothing has none: `undefined`. */
export function formatSelector(selector: Selector): string | undefined {
  if (selector.matchesNothing) return undefined;
  const sorted = selector.requirements.toSorted((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key)));
  return sorted.map(formatRequirement).join(',');
}

function formatRequirement({ key, operator, values }: SelectorRequirement): string {
  switch (operator) {
    case '=':
    case '==':
    case '!=':
      return `${key}${operator}${values[0] ?? ''}`;
    case 'in':
    case 'notin':
      return `${key} ${operator} (${values.toSorted().join(',')})`;
    case 'exists':
      return key;
    case '!':
      return `!${key}`;
    case 'gt':
      return `${key}>${values[0] ?? ''}`;
    case 'lt':
      return `${key}<${values[0] ?? ''}`;
  }
}

/** The requirements that fix a key to one value: what an index by label pair can answer. */
export function equalities(selector: Selector): readonly (readonly [key: string, value: string])[] {
  const pairs: (readonly [string, string])[] = [];
  for (const { key, operator, values } of selector.requirements) {
    const [value] = values;
    const fixes = operator === '=' || operator === '==' || (operator === 'in' && values.length === 1);
    if (fixes && value !== undefined) pairs.push([key, value]);
  }
  return pairs;
}
