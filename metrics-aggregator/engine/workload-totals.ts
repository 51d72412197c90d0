import type { UsageTable } from '../store/usage-table.ts';
import type { GroupTotal } from './outage.ts';

/** Adds up CPU by workload over an answer, a slice at a time. */
export interface WorkloadTotals {
  /** Takes the rows `from` up to `to` in. */
  add(table: UsageTable, from: number, to: number): void;
  /** Milli-cores by `namespace/stem`; `nothing` is just under one milli-core a container, since usage is rounded up: an idle process still shows 1. */
  totals(): ReadonlyMap<string, GroupTotal>;
}

/**
 * Pods are taken together by the name that their controller gave them (`web-7c9f…-x2b1q` → `web-7c9f…`, `db-0` → `db`): exact owners would need the pod
 * objects, and for "do many fall at once" the stem is as good.
 */
export function createWorkloadTotals(): WorkloadTotals {
  const groups = new Map<string, { total: number; containers: number }>();
  // Answers are sorted by name: the next pod is mostly of the same workload.
  let namespace = '';
  let stem = '';
  let group: { total: number; containers: number } | undefined;
  return {
    add: (table, from, to) => {
      for (let row = from; row < to; row++) {
        const name = table.names[row] ?? '';
        const space = table.namespaces[row] ?? '';
        if (group === undefined || space !== namespace || !belongs(name, stem)) {
          namespace = space;
          stem = name.slice(0, Math.max(0, name.lastIndexOf('-')));
          const key = `${namespace}/${stem}`;
          group = groups.get(key);
          if (group === undefined) groups.set(key, (group = { total: 0, containers: 0 }));
        }
        const end = table.firstContainer[row + 1] ?? 0;
        for (let at = table.firstContainer[row] ?? 0; at < end; at++) {
          const cpu = table.cpuMilli[at] ?? Number.NaN;
          // Not measured is not zero: it takes no part.
          if (Number.isNaN(cpu)) continue;
          group.total += cpu;
          group.containers += 1;
        }
      }
    },
    totals: () => {
      const totals = new Map<string, GroupTotal>();
      for (const [key, { total, containers }] of groups) {
        if (containers > 0) totals.set(key, { total, nothing: Math.max(0, containers - 1) });
      }
      return totals;
    },
  };
}

function belongs(name: string, stem: string): boolean {
  return (
    stem !== '' &&
    name.length > stem.length &&
    name.charCodeAt(stem.length) === 45 &&
    name.startsWith(stem) &&
    !name.includes('-', stem.length + 1)
  );
}
