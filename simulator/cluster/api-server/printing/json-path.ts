type Step =
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'all' }
  | { readonly kind: 'descend'; readonly name: string }
  | { readonly kind: 'filter'; readonly path: readonly Step[]; readonly operator: string; readonly value: unknown };

const tokens =
  /\.\.([\w-]+)|\.((?:[^.[\]\\'"]|\\.)+)|\[\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(-?\d+)|(\*)|\?\(\s*@((?:[^=<>!'"()]|'[^']*')*?)\s*(?:(==|!=|<=|>=|<|>)\s*("[^"]*"|'[^']*'|-?[\w.]+))?\s*\))\s*\]/gy;

/** A compiled path of the subset that printer columns use: `.a.b`, `['x']`, `.a\.b`, `[0]`, `[-1]`, `[*]`, `..name`, `[?(@.type=="Ready")]`. */
export type JsonPath = readonly Step[];

/** Undefined for a path outside the subset. */
export function parseJsonPath(text: string): JsonPath | undefined {
  const source = text.replace(/^\{(.*)\}$/s, '$1').replace(/^\$/, '');
  const steps: Step[] = [];
  let end = 0;
  for (const match of source.matchAll(tokens)) {
    end = (match.index ?? 0) + match[0].length;
    const step = stepOf(match);
    if (step === undefined) return undefined;
    steps.push(step);
  }
  return end === source.length ? steps : undefined;
}

function stepOf(match: RegExpMatchArray): Step | undefined {
  const [, descend, name, single, double, index, all, filter, operator, value] = match;
  if (descend !== undefined) return { kind: 'descend', name: descend };
  if (name === '*' || all !== undefined) return { kind: 'all' };
  const field = name ?? single ?? double;
  if (field !== undefined) return { kind: 'field', name: field.replaceAll(/\\(.)/g, '$1') };
  if (index !== undefined) return { kind: 'index', index: Number(index) };
  const path = filter === undefined ? undefined : parseJsonPath(filter);
  return path === undefined ? undefined : { kind: 'filter', path, operator: operator ?? 'exists', value: literal(value) };
}

function literal(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  if (/^["']/.test(text)) return text.slice(1, -1);
  if (text === 'true' || text === 'false') return text === 'true';
  const number = Number(text);
  return Number.isNaN(number) ? text : number;
}

/** Everything that the path leads to, in order. */
export function findAll(path: JsonPath, value: unknown): unknown[] {
  return path.reduce<unknown[]>((values, step) => values.flatMap((item) => follow(step, item)), [value]);
}

function follow(step: Step, value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  switch (step.kind) {
    case 'field':
      return Object.hasOwn(value, step.name) ? [(value as Record<string, unknown>)[step.name]] : [];
    case 'index': {
      const item: unknown = Array.isArray(value) ? value.at(step.index) : undefined;
      return item === undefined ? [] : [item];
    }
    case 'all':
      return Object.values(value);
    case 'descend':
      return [...follow({ kind: 'field', name: step.name }, value), ...Object.values(value).flatMap((item) => follow(step, item))];
    case 'filter':
      return Array.isArray(value) ? value.filter((item) => holds(step, item)) : [];
  }
}

function holds(filter: Extract<Step, { kind: 'filter' }>, item: unknown): boolean {
  const [found] = findAll(filter.path, item);
  if (found === undefined) return false;
  const wanted = filter.value;
  switch (filter.operator) {
    case '==':
      return found === wanted;
    case '!=':
      return found !== wanted;
    case 'exists':
      return true;
    default:
      return compares(filter.operator, found, wanted);
  }
}

function compares(operator: string, found: unknown, wanted: unknown): boolean {
  if (typeof found !== 'number' || typeof wanted !== 'number') return false;
  if (operator === '<') return found < wanted;
  if (operator === '<=') return found <= wanted;
  return operator === '>' ? found > wanted : found >= wanted;
}
