/** The label that holds the name of a metric. */
export const metricName = '__name__';

/** Names and values of one series, by name; immutable. A label with an empty value is one that is not there. */
export class Labels {
  static readonly empty = new Labels([]);
  readonly #pairs: readonly (readonly [name: string, value: string])[];
  #key: string | undefined;

  private constructor(pairs: readonly (readonly [string, string])[]) {
    this.#pairs = pairs;
  }

  static of(entries: Iterable<readonly [string, string]>): Labels {
    const pairs: (readonly [string, string])[] = [];
    for (const pair of entries) if (pair[1] !== '') pairs.push(pair);
    return pairs.length === 0 ? Labels.empty : new Labels(pairs.sort(byName));
  }

  static from(record: Readonly<Record<string, string>>): Labels {
    return Labels.of(Object.entries(record));
  }

  /** Equal for equal labels. */
  get key(): string {
    return (this.#key ??= joined(this.#pairs));
  }

  get size(): number {
    return this.#pairs.length;
  }

  get name(): string {
    return this.get(metricName);
  }

  /** Empty when there is none. */
  get(name: string): string {
    for (const [key, value] of this.#pairs) if (key === name) return value;
    return '';
  }

  entries(): readonly (readonly [name: string, value: string])[] {
    return this.#pairs;
  }

  /** An empty value takes the label away. */
  with(changes: Readonly<Record<string, string>>): Labels {
    const kept = this.#pairs.filter(([name]) => changes[name] === undefined);
    return Labels.of([...kept, ...Object.entries(changes)]);
  }

  without(names: ReadonlySet<string>): Labels {
    return this.#pairs.some(([name]) => names.has(name)) ? new Labels(this.#pairs.filter(([name]) => !names.has(name))) : this;
  }

  only(names: ReadonlySet<string>): Labels {
    return new Labels(this.#pairs.filter(([name]) => names.has(name)));
  }

  get withoutName(): Labels {
    return this.without(justName);
  }

  toRecord(): Record<string, string> {
    return Object.fromEntries(this.#pairs);
  }

  /** As Prometheus writes a label set in messages: `{a="b", c="d"}`. */
  toString(): string {
    return `{${this.#pairs.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(', ')}}`;
  }

  /** Prometheus' order of series: by name and value, pair for pair. */
  static compare(left: Labels, right: Labels): number {
    const shared = Math.min(left.size, right.size);
    for (let at = 0; at < shared; at++) {
      const [leftName = '', leftValue = ''] = left.#pairs[at] ?? [];
      const [rightName = '', rightValue = ''] = right.#pairs[at] ?? [];
      const order = compareText(leftName, rightName) || compareText(leftValue, rightValue);
      if (order !== 0) return order;
    }
    return left.size - right.size;
  }
}

const justName: ReadonlySet<string> = new Set([metricName]);

export function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function byName(left: readonly [string, string], right: readonly [string, string]): number {
  return compareText(left[0], right[0]);
}

/** Neither byte occurs in UTF-8 text that a label may hold in practice; the key never leaves this process. */
function joined(pairs: readonly (readonly [string, string])[]): string {
  let key = '';
  for (const [name, value] of pairs) key += `${name}\u0001${value}\u0000`;
  return key;
}
