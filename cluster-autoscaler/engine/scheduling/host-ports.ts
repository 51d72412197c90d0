import type { HostPort } from '../../../core/model/index.ts';
import type { PodKind } from './pod-kind.ts';

/** Which kinds with host ports are on which row, and how many of each. Few nodes have any. */
export interface HostPorts {
  shift(kind: PodKind, row: number, pods: number): void;
  /** NodePorts: whether no pod of the row has a port that clashes. */
  areFree(ports: readonly HostPort[], row: number): boolean;
}

export function createHostPorts(): HostPorts {
  const byRow = new Map<number, Map<PodKind, number>>();
  return {
    shift: (kind, row, pods) => {
      let kinds = byRow.get(row);
      if (kinds === undefined) byRow.set(row, (kinds = new Map()));
      const sum = (kinds.get(kind) ?? 0) + pods;
      if (sum === 0) kinds.delete(kind);
      else kinds.set(kind, sum);
      if (kinds.size === 0) byRow.delete(row);
    },
    areFree: (ports, row) => {
      const kinds = byRow.get(row);
      if (kinds === undefined) return true;
      for (const kind of kinds.keys()) {
        if (kind.ports.some((taken) => ports.some((wanted) => clash(taken, wanted)))) return false;
      }
      return true;
    },
  };
}

/** Two ports clash when number and protocol are equal and the addresses are, or either is for all addresses. */
function clash(a: HostPort, b: HostPort): boolean {
  return a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === '' || b.ip === '');
}
