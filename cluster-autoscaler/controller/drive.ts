import { nextTurn } from '../../core/kube/turn.ts';
import type { Loop } from '../engine/loop/model.ts';
import type { Effect, EffectResult } from '../engine/model.ts';

type Running = ReturnType<Loop>;
type Result = Extract<ReturnType<Running['next']>, { done: true }>['value'];

const done: EffectResult = { ok: true };

/** Runs a loop to its end: everything that it wants done is done, and it is told how that went. Where it pauses, others have their turn. */
export async function drive(loop: Running, carryOut: (effect: Effect) => Promise<EffectResult>): Promise<Result> {
  let step = loop.next();
  while (step.done !== true) {
    const result = step.value.type === 'pause' ? done : await carryOut(step.value);
    // Others have their turn between two steps, also where an effect took no time.
    await nextTurn();
    step = loop.next(result);
  }
  return step.value;
}
