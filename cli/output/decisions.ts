import type { Decision } from '../../core/model/decision.ts';
import { formatTable, printable } from './table.ts';

/** Short names of the kinds that policies have, as kubectl knows them. */
const shortKinds: Readonly<Record<string, string>> = { HorizontalPolicy: 'hpol', HorizontalPodAutoscaler: 'hpa' };

/** One row a policy: what is, what would be, and why. */
export function decisionTable(decisions: readonly Decision[]): string {
  const rows = decisions.map((decision) => {
    const { subject, target, from, to, wanted } = decision;
    return [
      subject.namespace ?? '',
      `${shortKinds[subject.kind] ?? subject.kind}/${subject.name}`,
      `${target.kind}/${target.name}`,
      String(from),
      to === from ? '-' : String(to),
      wanted === null ? '?' : String(wanted),
      decision.message,
    ];
  });
  return formatTable(
    [
      { heading: 'NAMESPACE' },
      { heading: 'POLICY' },
      { heading: 'TARGET' },
      { heading: 'NOW', align: 'right' },
      { heading: 'SET', align: 'right' },
      { heading: 'WANTED', align: 'right' },
      { heading: 'WHY' },
    ],
    rows,
  );
}

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
