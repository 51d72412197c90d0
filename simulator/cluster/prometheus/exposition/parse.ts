import { parseFloatText } from '../promql/numbers.ts';
import { Labels, metricName } from '../storage/labels.ts';
import type { Metadata } from '../storage/series-store.ts';

/** One line of an exposition. */
export interface ExposedSample {
  readonly labels: readonly (readonly [name: string, value: string])[];
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

const sampleLine = /^([a-zA-Z_:][a-zA-Z0-9_:]*)[ \t]*(?:\{(.*)\})?[ \t]*([^ \t{}]+)(?:[ \t]+(-?\d+))?[ \t]*$/;
const labelPattern = /[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*(,|$)/y;

/** Reads the text format, version 0.0.4. Throws {@link ExpositionError}. */
export function parseExposition(text: string): Exposition {
  const samples: ExposedSample[] = [];
  const metadata = new Map<string, { type: string; help: string }>();
  const lines = text.split('\n');
  if (lines.pop() !== '') throw new ExpositionError(lines.length + 1, 'the last line must end with a line feed');
  for (const [index, raw] of lines.entries()) {
    const line = raw.trim();
    if (line === '') continue;
    if (line.startsWith('#')) comment(line, metadata);
    else samples.push(sampleOf(line, index + 1));
  }
  return { samples, metadata };
}

function comment(line: string, metadata: Map<string, { type: string; help: string }>): void {
  const match = /^#[ \t]+(HELP|TYPE)[ \t]+([a-zA-Z_:][a-zA-Z0-9_:]*)[ \t]+(.*)$/.exec(line);
  if (match === null) return;
  const [, word, name = '', rest = ''] = match;
  const entry = metadata.get(name) ?? { type: 'unknown', help: '' };
  metadata.set(name, entry);
  if (word === 'TYPE') entry.type = rest.trim() === 'untyped' ? 'unknown' : rest.trim();
  else entry.help = unescaped(rest);
}

function sampleOf(line: string, number: number): ExposedSample {
  const match = sampleLine.exec(line);
  if (match === null) throw new ExpositionError(number, `${JSON.stringify(shortened(line))} is no sample`);
  const [, name = '', inside, valueText = '', timeText] = match;
  const value = parseFloatText(valueText);
  if (value === undefined) throw new ExpositionError(number, `${JSON.stringify(shortened(valueText))} is no value`);
  const labels = inside === undefined ? [] : labelsOf(inside, number);
  return { labels: [[metricName, name], ...labels], value, timestamp: timeText === undefined ? undefined : Number(timeText) };
}

function labelsOf(inside: string, number: number): [string, string][] {
  const labels: [string, string][] = [];
  labelPattern.lastIndex = 0;
  while (labelPattern.lastIndex < inside.length) {
    if (inside.slice(labelPattern.lastIndex).trim() === '') break;
    const match = labelPattern.exec(inside);
    if (match === null) throw new ExpositionError(number, `${JSON.stringify(shortened(inside))} are no labels`);
    labels.push([match[1] ?? '', unescaped(match[2] ?? '')]);
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
  const result = new Map<string, string>(sample.labels);
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
