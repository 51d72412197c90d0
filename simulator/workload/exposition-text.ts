/** A metric as `# HELP` and `# TYPE` announce it. */
export interface MetricFamily {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'untyped';
  readonly help: string;
}

export type ExpositionLabels = Readonly<Record<string, string>>;

/** Collects the lines of an exposition by metric: the text format wants those of one metric together. */
export class ExpositionWriter {
  readonly #families = new Map<string, { readonly family: MetricFamily; readonly lines: string[] }>();

  /**
   * One line. `suffix` is what a histogram's lines add to the name (`_bucket`, `_sum`, `_count`); `timestamp` is in epoch milliseconds. Labels with
   * empty values are written: cAdvisor has such.
   */
  add(
    family: MetricFamily,
    labels: ExpositionLabels,
    value: number,
    options: { readonly suffix?: string; readonly timestamp?: number } = {},
  ): void {
    let entry = this.#families.get(family.name);
    if (entry === undefined) this.#families.set(family.name, (entry = { family, lines: [] }));
    const { suffix = '', timestamp } = options;
    entry.lines.push(
      `${family.name}${suffix}${labelsText(labels)} ${numberText(value)}${timestamp === undefined ? '' : ` ${timestamp}`}\n`,
    );
  }

  /** The whole text; empty without lines. */
  text(): string {
    const parts: string[] = [];
    for (const { family, lines } of this.#families.values()) {
      parts.push(`# HELP ${family.name} ${family.help}\n# TYPE ${family.name} ${family.type}\n`, ...lines);
    }
    return parts.join('');
  }
}

function labelsText(labels: ExpositionLabels): string {
  let text = '';
  for (const name in labels) text += `${text === '' ? '' : ','}${name}="${escaped(labels[name] ?? '')}"`;
  return text === '' ? '' : `{${text}}`;
}

function escaped(value: string): string {
  return /[\\"\n]/.test(value) ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n') : value;
}

function numberText(value: number): string {
  if (Number.isFinite(value) || Number.isNaN(value)) return String(value);
  return value > 0 ? '+Inf' : '-Inf';
}
