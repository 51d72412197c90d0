import type { LoopEvent } from '../loop/model.ts';
import type { Effect, EffectResult, ProviderFailure } from '../model.ts';
import { settingSize, sizeRefused, sizeSet } from './events.ts';
import type { SizeChange } from './model.ts';

/** What came of size changes. */
export interface Execution {
  readonly done: readonly SizeChange[];
  readonly failures: readonly { readonly change: SizeChange; readonly failure: ProviderFailure }[];
  readonly events: readonly LoopEvent[];
  /** Upstream's sentence for the failures; `undefined` when there were none. */
  readonly error: string | undefined;
}

/**
 * Asks for the sizes in order (§8.8) and stops at the first refusal; with `goOn` (`--parallel-scale-up`, and where other pools stand in) all of them are
 * asked for. What was done stays.
 */
export function* execute(changes: readonly SizeChange[], goOn: boolean): Generator<Effect, Execution, EffectResult> {
  const done: SizeChange[] = [];
  const failures: { change: SizeChange; failure: ProviderFailure }[] = [];
  const events: LoopEvent[] = [];
  for (const change of changes) {
    events.push(settingSize(change));
    const result = yield { type: 'increase-size', group: change.group, delta: change.to - change.from };
    if (result.ok) {
      done.push(change);
      events.push(sizeSet(change));
      continue;
    }
    failures.push({ change, failure: result.failure });
    events.push(sizeRefused(change, result.failure));
    if (!goOn) break;
  }
  return { done, failures, events, error: errorOf(failures) };
}

function errorOf(failures: Execution['failures']): string | undefined {
  if (failures.length === 0) return undefined;
  return failures.map(({ change, failure }) => `failed to increase node group size: ${change.group}: ${failure.message}`).join('; ');
}
