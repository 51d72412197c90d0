import { parseFloatText } from '../promql/numbers.ts';
import { Labels, metricName } from '../storage/labels.ts';
import type { Metadata } from '../storage/series-store.ts';

/** One line of an exposition. */
export interface ExposedSample {
  /** Name and labels as they stand in the text, to be read by {@link parseSeries}: they are the same at every scrape. */
  readonly series: string;
  /** Number of the line. */
  readonly line: number;
  readonly value: number;
  /** Epoch milliseconds, where the line has one. */
  readonly timestamp: number | undefined;
}

export interface Exposition {
  readonly samples: readonly ExposedSample[];
  readonly metadata: ReadonlyMap<string, Metadata>;
}

/** A text that is no exposition: the whole scrape fails. */
export class ExpositionError extends Error {
  constructor(line: number, why: string) {
    super(`line ${line} of the exposition: ${why}`);
    this.name = 'ExpositionError';
  }
}

const seriesPattern = /^([a-zA-Z_:][a-zA-Z0-9_:]*)[ \t]*(?:\{(.*)\})?$/;
const numbersPattern = /^[ \t]*([^ \t]+)(?:[ \t]+(\d+))?[ \t]*$/;
const labelPattern = /[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*(,|$)/y;

/**
 * Reads the text format, version 0.0.4, as strictly as Prometheus does: carriage returns, indented lines, unknown types and labels that stand twice
 * fail the whole scrape. Throws {@link ExpositionError}.
 */
export function parseExposition(text: string): Exposition {
  const samples: ExposedSample[] = [];
  const metadata = new Map<string, { type: string; help: string }>();
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    if (line.includes('\r')) throw new ExpositionError(index + 1, 'a carriage return');
    if (line.startsWith('#')) comment(line, index + 1, metadata);
    else samples.push(sampleOf(line, index + 1));
  }
  return { samples, metadata };
}

const types = new Set(['counter', 'gauge', 'histogram', 'summary', 'untyped']);

function comment(line: string, number: number, metadata: Map<string, { type: string; help: string }>): void {
  const match = /^#[ \t]+(HELP|TYPE)[ \t]+([a-zA-Z_:][a-zA-Z0-9_:]*)[ \t]+(.*)$/.exec(line);
  if (match === null) return;
  const [, word, name = '', rest = ''] = match;
  const entry = metadata.get(name) ?? { type: 'unknown', help: '' };
  metadata.set(name, entry);
  if (word === 'HELP') {
    entry.help = unescaped(rest);
    return;
  }
  const type = rest.trim();
  if (!types.has(type)) throw new ExpositionError(number, `${JSON.stringify(shortened(type))} is no type of metric`);
  entry.type = type === 'untyped' ? 'unknown' : type;
}

function sampleOf(line: string, number: number): ExposedSample {
  const brace = line.lastIndexOf('}');
  const end = brace >= 0 ? brace + 1 : line.search(/[ \t]/);
  const match = end < 0 ? null : numbersPattern.exec(line.slice(end));
  if (match === null) throw new ExpositionError(number, `${JSON.stringify(shortened(line))} is no sample`);
  const [, valueText = '', timeText] = match;
  const value = parseFloatText(valueText);
  if (value === undefined) throw new ExpositionError(number, `${JSON.stringify(shortened(valueText))} is no value`);
  return { series: line.slice(0, end), line: number, value, timestamp: timeText === undefined ? undefined : Number(timeText) };
}

/** Labels with the name among them. Throws {@link ExpositionError}. */
export function parseSeries({ series, line }: ExposedSample): readonly (readonly [name: string, value: string])[] {
  const match = seriesPattern.exec(series);
  if (match === null) throw new ExpositionError(line, `${JSON.stringify(shortened(series))} is no series`);
  const [, name = '', inside] = match;
  return [[metricName, name], ...(inside === undefined ? [] : labelsOf(inside, line))];
}

function labelsOf(inside: string, number: number): [string, string][] {
  const labels: [string, string][] = [];
  labelPattern.lastIndex = 0;
  while (labelPattern.lastIndex < inside.length) {
    if (inside.slice(labelPattern.lastIndex).trim() === '') break;
    const match = labelPattern.exec(inside);
    if (match === null) throw new ExpositionError(number, `${JSON.stringify(shortened(inside))} are no labels`);
    const name = match[1] ?? '';
    if (name === metricName || labels.some(([other]) => other === name)) throw new ExpositionError(number, `label ${name} stands twice`);
    labels.push([name, unescaped(match[2] ?? '')]);
  }
  return labels;
}

function unescaped(text: string): string {
  return text.includes('\\')
    ? text.replaceAll(/\\(.)/g, (whole, char: string) => (char === 'n' ? '\n' : char === '\\' || char === '"' ? char : whole))
    : text;
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** Labels of a sample with those of its target, as a scrape puts them together. */
export function withTargetLabels(sample: ExposedSample, target: Readonly<Record<string, string>>, honorLabels: boolean): Labels {
  const result = new Map<string, string>(parseSeries(sample));
  for (const [name, value] of Object.entries(target)) {
    const exposed = result.get(name);
    if (exposed !== undefined && exposed !== '') {
      if (honorLabels) continue;
      result.set(`exported_${name}`, exposed);
    }
    result.set(name, value);
  }
  return Labels.of(result);
}
