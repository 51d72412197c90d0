import { sizedResources, type Amounts } from '../model.ts';
import type { PodState } from './pod-resources.ts';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

export interface QosParts {
  readonly requests: Amounts | undefined;
  readonly limits: Amounts | undefined;
}

/** The quality-of-service class by the rule of the API server: only CPU and memory count, and a zero is nothing. */
export function qosOf(containers: readonly QosParts[]): QosClass {
  const parts = containers.flatMap(({ requests, limits }) =>
    sizedResources.map((resource) => {
      const limit = limits?.[resource] ?? 0;
      // A limit without a request stands for both.
      return { request: requests?.[resource] ?? limit, limit };
    }),
  );
  if (parts.every(({ request, limit }) => request === 0 && limit === 0)) return 'BestEffort';
  const guaranteed = parts.every(({ request, limit }) => limit > 0 && request === limit);
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

/** Pod-level resources, where a pod has them, decide alone. */
export function qosOfPod({ containers, initContainers, podLevel }: PodState): QosClass {
  return podLevel === undefined ? qosOf([...containers.map(({ spec }) => spec), ...initContainers]) : qosOf([podLevel]);
}
