import { AwsError, unsupported } from './aws-error.ts';

/**
 * The form of a query protocol, as a tree. `Tags.member.1.Key=k` of Auto Scaling and `Filter.1.Value.2=v` of EC2 are read alike: a list is a node
 * whose steps are whole numbers, with or without `member` before them.
 */
export class Parameters {
  /** Where this part stands in the form, for messages: `Tags.member.1`. */
  readonly path: string;
  #value: string | undefined;
  readonly #children = new Map<string, Parameters>();
  readonly #asked = new Set<string>();

  constructor(entries: Iterable<readonly [string, string]> = [], path = '') {
    this.path = path;
    for (const [name, value] of entries) this.#put(name.split('.'), value);
  }

  has(name: string): boolean {
    return this.part(name) !== undefined;
  }

  part(name: string): Parameters | undefined {
    this.#asked.add(name);
    return this.#children.get(name);
  }

  text(name: string): string | undefined {
    return this.part(name)?.value;
  }

  required(name: string): string {
    const value = this.text(name);
    if (value === undefined || value === '') throw missingParameter(this.#at(name));
    return value;
  }

  /** A whole number; anything else is refused. */
  whole(name: string): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    if (!/^-?\d{1,15}$/.test(value)) throw invalidParameter(this.#at(name), value, 'a whole number');
    return Number(value);
  }

  number(name: string): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const number = Number(value);
    if (value.trim() === '' || !Number.isFinite(number)) throw invalidParameter(this.#at(name), value, 'a number');
    return number;
  }

  flag(name: string): boolean | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    if (value !== 'true' && value !== 'false') throw invalidParameter(this.#at(name), value, 'true or false');
    return value === 'true';
  }

  /** Members in the order of their numbers. */
  list(name: string): readonly Parameters[] {
    const child = this.part(name);
    if (child === undefined) return [];
    const members = child.part('member') ?? child;
    for (const step of members.#children.keys()) if (/^\d+$/.test(step)) members.#asked.add(step);
    return [...members.#children]
      .filter(([step]) => /^\d+$/.test(step))
      .toSorted(([a], [b]) => Number(a) - Number(b))
      .map(([, member]) => member);
  }

  texts(name: string): readonly string[] {
    return this.list(name).flatMap((item) => (item.#value === undefined ? [] : [item.#value]));
  }

  /** This node's own value. */
  get value(): string | undefined {
    return this.#value;
  }

  /** Marks parameters that change nothing here. */
  accept(...names: readonly string[]): this {
    const mark = (node: Parameters): void => {
      for (const [step, child] of node.#children) {
        node.#asked.add(step);
        mark(child);
      }
    };
    for (const name of names) {
      const child = this.part(name);
      if (child !== undefined) mark(child);
    }
    return this;
  }

  /** To be called when an action has read all that it knows, before it acts: refuses the rest. */
  done(): void {
    for (const [step, child] of this.#children) {
      if (!this.#asked.has(step)) throw unsupported(this.#at(step));
      child.done();
    }
  }

  #put([step, ...rest]: readonly string[], value: string): void {
    if (step === undefined) {
      this.#value = value;
      return;
    }
    let child = this.#children.get(step);
    if (child === undefined) {
      child = new Parameters([], this.#at(step));
      this.#children.set(step, child);
    }
    child.#put(rest, value);
  }

  #at(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`;
  }
}

export function missingParameter(name: string): AwsError {
  return new AwsError('MissingParameter', `The request must contain the parameter ${name}`);
}

function invalidParameter(name: string, value: string, wanted: string): AwsError {
  return new AwsError('InvalidParameterValue', `Value (${value}) for parameter ${name} is invalid: it must be ${wanted}`);
}
