import { assemble, type AssembleOptions } from '../controller/assemble.ts';
import { conclude, evaluate } from '../engine/index.ts';
import type { NotedEvaluation, QuietFacts } from './ports.ts';

/** Makes the decision of a quiet policy when somebody wants to read it: exactly what the engine would have decided in that tick. */
export function evaluateQuiet(facts: QuietFacts, { status, config }: Pick<AssembleOptions, 'status' | 'config'>): NotedEvaluation {
  const input = assemble({ ...facts, status, config });
  const evaluation = evaluate(input);
  return { input, evaluation, conclusion: conclude(input, evaluation, { kind: 'none' }) };
}
