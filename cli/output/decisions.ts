import type { Decision } from '../../core/model/decision.ts';
import { printable } from './table.ts';

/** The whole trace of each decision, indented under its policy. */
export function decisionTraces(decisions: readonly Decision[]): string {
  return decisions
    .map((decision) => {
      const { subject, message, trace, holds } = decision;
      const steps = trace.map((step) => `  ${step.step}: ${step.message}`);
      const held = holds.map((hold) => `  held by ${hold.by}: ${hold.message}`);
      return [`${subject.kind} ${subject.namespace ?? ''}/${subject.name}: ${message}`, ...steps, ...held].map(printable).join('\n');
    })
    .join('\n\n');
}
