import type { ViewChange } from '../../core/model/metrics-view.ts';

/** The input that is the usage of pods; the others are keys of queries. */
export const usageInput = 'usage';

interface Entry {
  readonly inputs: ReadonlySet<string>;
  /** Inputs that are newer than the last evaluation. */
  readonly news: Set<string>;
}

/** What each policy goes by, and which of it is newer than its last evaluation. */
export class InputNews {
  readonly #entries = new Map<string, Entry>();
  readonly #readers = new Map<string, Set<string>>();

  /** Says what a policy goes by from now on; news of what it still goes by are kept. */
  setInputs(policy: string, inputs: ReadonlySet<string>): void {
    const known = this.#entries.get(policy);
    if (known !== undefined && sameSet(known.inputs, inputs)) return;
    this.forget(policy);
    this.#entries.set(policy, { inputs, news: new Set([...(known?.news ?? [])].filter((input) => inputs.has(input))) });
    for (const input of inputs) {
      const readers = this.#readers.get(input);
      if (readers === undefined) this.#readers.set(input, new Set([policy]));
      else readers.add(policy);
    }
  }

  forget(policy: string): void {
    for (const input of this.#entries.get(policy)?.inputs ?? []) {
      const readers = this.#readers.get(input);
      readers?.delete(policy);
      if (readers?.size === 0) this.#readers.delete(input);
    }
    this.#entries.delete(policy);
  }

  /** An evaluation begins with all that there is. */
  taken(policy: string): void {
    this.#entries.get(policy)?.news.clear();
  }

  hasNews(policy: string): boolean {
    return (this.#entries.get(policy)?.news.size ?? 0) > 0;
  }

  /** Notes what a view has new; answers the policies for which that was the last that they waited for, and those that have only a part. */
  note({ usage, queries }: ViewChange): { readonly complete: readonly string[]; readonly partial: readonly string[] } {
    const touched = new Set<string>();
    const note = (input: string): void => {
      for (const policy of this.#readers.get(input) ?? []) {
        this.#entries.get(policy)?.news.add(input);
        touched.add(policy);
      }
    };
    if (usage) note(usageInput);
    for (const key of queries) note(key);
    const complete: string[] = [];
    const partial: string[] = [];
    for (const policy of touched) {
      const { inputs, news } = this.#entries.get(policy) ?? { inputs: touched, news: touched };
      (news.size >= inputs.size ? complete : partial).push(policy);
    }
    return { complete, partial };
  }
}

function sameSet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  if (a.size !== b.size) return false;
  for (const each of a) if (!b.has(each)) return false;
  return true;
}
