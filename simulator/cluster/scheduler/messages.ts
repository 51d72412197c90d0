import type { Diagnosis } from './placement.ts';

/**
 * What events and the PodScheduled condition say: `0/5 nodes are available: 2 node(s) had untolerated taint(s), 3 Insufficient cpu.`
 * and what preemption found.
 */
export function fitMessage(nodeCount: number, diagnosis: Diagnosis, preemption: string): string {
  const head = `0/${nodeCount} nodes are available:`;
  const why =
    diagnosis.everywhere === undefined
      ? histogram([...diagnosis.byNode.values()].flatMap(({ reasons }) => reasons))
      : diagnosis.everywhere.reasons.join(', ');
  return [head, why === '' ? '' : ` ${why}.`, preemption === '' ? '' : ` preemption: ${preemption}`].join('');
}

/** `3 Insufficient cpu, 1 Too many pods`: sorted as texts, figure included, as upstream does. */
export function histogram(reasons: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(', ');
}
