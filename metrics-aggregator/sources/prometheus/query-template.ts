import {
  addMatchers,
  encodeString,
  formatDuration,
  parseQuery,
  quoteRegex,
  type LabelMatcher,
  type ParsedQuery,
} from '../../promql/index.ts';

/** What may stand between braces in a template. Durations take milliseconds, the others are values of labels. */
export const placeholders = {
  range: 'duration',
  step: 'duration',
  namespace: 'label',
  pod: 'label',
  container: 'label',
  node: 'label',
} as const;

export type PlaceholderName = keyof typeof placeholders;

/** `range` and `step` in milliseconds; label values as they are, whatever characters they have. */
export interface TemplateValues {
  readonly range?: number | undefined;
  readonly step?: number | undefined;
  readonly namespace?: string | undefined;
  readonly pod?: string | undefined;
  readonly container?: string | undefined;
  readonly node?: string | undefined;
}

/** A part of a template: text as it is, or a value in the form that its place needs. */
type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'duration'; readonly name: 'range' | 'step' }
  | { readonly kind: 'label' | 'regex'; readonly name: Exclude<PlaceholderName, 'range' | 'step'> };

export interface QueryTemplate {
  /** What it needs, each once. */
  readonly needs: readonly PlaceholderName[];
  /** The query, or what is missing. `matchers` are put into each selector besides. */
  render(values: TemplateValues, matchers?: readonly LabelMatcher[]): { ok: true; query: string } | { ok: false; problem: string };
}

export type TemplateResult = { readonly ok: true; readonly template: QueryTemplate } | { readonly ok: false; readonly problem: string };

const pattern = /\{\{\s*([^{}]*?)\s*\}\}/g;

/**
 * Reads a template: PromQL with `{{name}}` for durations (where PromQL has one) and for values of labels (inside of a double-quoted matcher value). Values are
 * escaped for where they stand, for a regular expression too if the matcher is one, so that no value can change the query.
 */
export function parseTemplate(text: string): TemplateResult {
  const parts: Part[] = [];
  let position = 0;
  for (const match of text.matchAll(pattern)) {
    const [whole, name = ''] = match;
    if (match.index > position) parts.push({ kind: 'text', text: text.slice(position, match.index) });
    position = match.index + whole.length;
    if (!isPlaceholder(name)) {
      return { ok: false, problem: `{{${name}}} is not a placeholder; there are ${Object.keys(placeholders).join(', ')}` };
    }
    if (name === 'range' || name === 'step') parts.push({ kind: 'duration', name });
    else parts.push({ kind: matchesByRegex(text.slice(0, match.index)) ? 'regex' : 'label', name });
  }
  parts.push({ kind: 'text', text: text.slice(position) });
  return checkedTemplate(text, parts);
}

function isPlaceholder(name: string): name is PlaceholderName {
  return Object.hasOwn(placeholders, name);
}

/** Whether the string literal that is open at the end of the text belongs to `=~` or `!~`. */
function matchesByRegex(before: string): boolean {
  return /[=!]~\s*"(?:[^"\\]|\\.)*$/.test(before);
}

/** A label value with everything by which it could leave the string that it stands in. */
const probe = '`\'"} or probe{probe="';

function checkedTemplate(text: string, parts: readonly Part[]): TemplateResult {
  const harmless = parseQuery(join(parts, { range: 60_000, step: 60_000, ...labels('x') }));
  if (!harmless.ok) return { ok: false, problem: harmless.problem };
  const hostile = parseQuery(join(parts, { range: 60_000, step: 60_000, ...labels(probe) }));
  const wanted = parts.filter(({ kind }) => kind === 'label' || kind === 'regex').length;
  if (!hostile.ok || wanted !== occurrences(hostile.query, probe) + occurrences(hostile.query, quoteRegex(probe))) {
    return { ok: false, problem: 'a placeholder for a label value must stand inside of double quotes, as in {namespace="{{namespace}}"}' };
  }
  if (/\{\{|\}\}/.test(text.replace(pattern, ''))) return { ok: false, problem: 'there is {{ or }} without a placeholder' };
  const needs = [...new Set(parts.flatMap((part) => (part.kind === 'text' ? [] : [part.name])))];
  return {
    ok: true,
    template: {
      needs,
      render: (values, matchers = []) => {
        const missing = needs.find((name) => values[name] === undefined);
        if (missing !== undefined) return { ok: false, problem: `the template needs a value for {{${missing}}}` };
        return addMatchers(join(parts, values), matchers);
      },
    },
  };
}

/** How often a text stands in the values of matchers. */
function occurrences({ selectors }: ParsedQuery, text: string): number {
  return selectors.flatMap(({ matchers }) => matchers).reduce((count, { value }) => count + value.split(text).length - 1, 0);
}

function labels(value: string): TemplateValues {
  return { namespace: value, pod: value, container: value, node: value };
}

function join(parts: readonly Part[], values: TemplateValues): string {
  return parts
    .map((part) => {
      switch (part.kind) {
        case 'text':
          return part.text;
        case 'duration':
          return formatDuration(values[part.name] ?? 0);
        case 'label':
          return encodeString(values[part.name] ?? '').slice(1, -1);
        case 'regex':
          return encodeString(quoteRegex(values[part.name] ?? '')).slice(1, -1);
      }
    })
    .join('');
}
