import type { Instance, ProviderFailure } from '../model.ts';

/** Instances of a group that failed with one code. */
export interface FailedInstances {
  readonly failure: ProviderFailure;
  readonly ids: readonly string[];
  /** Their messages, each once. */
  readonly text: string;
}

/** An instance that will never come. */
export function isFailed(instance: Instance): boolean {
  return instance.state === 'creating' && instance.failure !== undefined;
}

const shownMessages = 3;

/** Failed instances by class and code, in the order of class and code. */
export function failuresByCode(instances: readonly Instance[]): readonly FailedInstances[] {
  const byCode = new Map<string, { failure: ProviderFailure; ids: string[]; messages: Set<string> }>();
  for (const { id, state, failure } of instances) {
    if (state !== 'creating' || failure === undefined) continue;
    const key = `${failure.class}.${failure.code}`;
    let entry = byCode.get(key);
    if (entry === undefined) byCode.set(key, (entry = { failure, ids: [], messages: new Set() }));
    entry.ids.push(id);
    entry.messages.add(failure.message);
  }
  return [...byCode.keys()].toSorted().flatMap((key) => {
    const entry = byCode.get(key);
    if (entry === undefined) return [];
    const messages = [...entry.messages].toSorted();
    const text = messages.slice(0, shownMessages).join(', ') + (messages.length > shownMessages ? ', ...' : '');
    return [{ failure: entry.failure, ids: entry.ids, text }];
  });
}
