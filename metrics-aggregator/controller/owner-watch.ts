import type { Clock } from '../../core/model/clock.ts';
import { customMetricsSource, externalMetricsSource, resourceMetricsSource } from '../../core/model/metric-query.ts';
import type { Doubt } from '../../core/model/sample.ts';
import { judgeOwner, noOwner, type OwnerState } from '../engine/source-owner.ts';
import type { OwnerProbe } from './api-service-owners.ts';

/** Notices when an API group of metrics is taken over by another server. */
export interface OwnerWatch {
  /** Looks who answers for those of the sources that are API groups. */
  look(sources: readonly string[]): Promise<void>;
  doubt(source: string): Doubt | undefined;
}

const groups: ReadonlySet<string> = new Set([resourceMetricsSource, customMetricsSource, externalMetricsSource]);

export function createOwnerWatch(probe: OwnerProbe | undefined, clock: Clock): OwnerWatch {
  const states = new Map<string, OwnerState>();
  const doubts = new Map<string, Doubt | undefined>();
  return {
    look: async (sources) => {
      const asked = sources.filter((source) => groups.has(source));
      if (probe === undefined || asked.length === 0) return;
      const owners = await probe(asked, new AbortController().signal);
      const now = clock.now();
      for (const [group, owner] of owners) {
        const { state, doubt } = judgeOwner(states.get(group) ?? noOwner, owner, { group, now });
        states.set(group, state);
        doubts.set(group, doubt);
      }
    },
    doubt: (source) => doubts.get(source),
  };
}
