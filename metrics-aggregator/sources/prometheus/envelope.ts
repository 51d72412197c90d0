import { isObject } from './series-item.ts';

/** What is around the data of an answer. */
export interface Envelope {
  readonly status: 'success' | 'error';
  readonly resultType: string | undefined;
  readonly errorType: string;
  readonly error: string;
  /** Shortened and cleaned, at most five. Any one means that a part may be missing. */
  readonly warnings: readonly string[];
  readonly data: unknown;
}

const MAX_WARNINGS = 5;
const MAX_TEXT = 200;

/** `undefined` for what is not an answer of Prometheus's API. */
export function parseEnvelope(text: string): Envelope | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const { status, data, errorType, error } = value;
  if (status !== 'success' && status !== 'error') return undefined;
  const resultType = isObject(data) && typeof data['resultType'] === 'string' ? data['resultType'] : undefined;
  return {
    status,
    resultType,
    errorType: typeof errorType === 'string' ? cleanText(errorType, 40) : '',
    error: typeof error === 'string' ? cleanText(error, MAX_TEXT) : '',
    warnings: warningsOf(value),
    data,
  };
}

/** `infos` are remarks on the query and say nothing about the answer. VictoriaMetrics says by a flag that a part is missing. */
function warningsOf(value: Readonly<Record<string, unknown>>): string[] {
  const list: unknown[] = Array.isArray(value['warnings']) ? value['warnings'] : [];
  const warnings = list.filter((each) => typeof each === 'string').map((each) => cleanText(each, MAX_TEXT));
  if (value['isPartial'] === true) warnings.push('the answer is partial: some storage nodes did not answer');
  if (warnings.length <= MAX_WARNINGS) return warnings;
  return [...warnings.slice(0, MAX_WARNINGS - 1), `and ${warnings.length - MAX_WARNINGS + 1} more warnings`];
}

/** Foreign text for a sentence: one line, without control and direction characters, cut. */
export function cleanText(text: string, maxLength: number): string {
  const clean = text
    .slice(0, 4 * maxLength)
    .replace(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim();
  return clean.length > maxLength ? `${clean.slice(0, maxLength - 1).replace(/[\ud800-\udbff]$/, '')}…` : clean;
}

/** Warnings of several answers, each once, within the same bound. */
export function mergeWarnings(lists: Iterable<readonly string[]>): readonly string[] {
  const all = new Set<string>();
  for (const list of lists) for (const warning of list) all.add(warning);
  const merged = [...all];
  return merged.length <= MAX_WARNINGS
    ? merged
    : [...merged.slice(0, MAX_WARNINGS - 1), `and ${merged.length - MAX_WARNINGS + 1} more warnings`];
}
