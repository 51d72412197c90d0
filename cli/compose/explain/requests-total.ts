import { cpuText, memoryText } from '../../../core/model/amount-text.ts';
import type { ObjectReference } from '../../../core/model/object.ts';
import type { RequestsRecommendation } from '../../../vpa/index.ts';

interface Change {
  readonly from: number;
  readonly to: number;
}

/** What live pods ask for, and what they would if all had what is recommended. CPU in milli-cores, memory in bytes; null: not recommended. */
export interface RequestsSum {
  readonly pods: number;
  readonly cpu: Change | null;
  readonly memory: Change | null;
}

export interface RequestsTotal extends RequestsSum {
  readonly policies: readonly (RequestsSum & { readonly policy: ObjectReference })[];
}

/** Null without a policy of requests. */
export function requestsTotal(recommendations: readonly RequestsRecommendation[]): RequestsTotal | null {
  const policies = recommendations.flatMap(({ known, evaluated }) => {
    if (known === undefined || evaluated === undefined) return [];
    const { totals } = evaluated;
    const pods = totals.reduce((most, each) => Math.max(most, each.pods), 0);
    const sum = (resource: string): Change | null => added(totals.filter((each) => each.resource === resource));
    return [{ policy: known.policy.reference, pods, cpu: sum('cpu'), memory: sum('memory') }];
  });
  if (policies.length === 0) return null;
  return {
    pods: policies.reduce((count, { pods }) => count + pods, 0),
    cpu: added(policies.flatMap(({ cpu }) => cpu ?? [])),
    memory: added(policies.flatMap(({ memory }) => memory ?? [])),
    policies,
  };
}

function added(changes: readonly Change[]): Change | null {
  if (changes.length === 0) return null;
  return changes.reduce((sum, { from, to }) => ({ from: sum.from + from, to: sum.to + to }), { from: 0, to: 0 });
}

/** `requests: cpu 12.5 → 8.2, memory 40Gi → 31Gi over 25 pods`; undefined where nothing is recommended for any pod. */
export function requestsTotalText({ pods, cpu, memory }: RequestsSum): string | undefined {
  const parts = [
    ...(cpu === null ? [] : [`cpu ${coresText(cpu.from)} → ${coresText(cpu.to)}`]),
    ...(memory === null ? [] : [`memory ${memoryText(memory.from)} → ${memoryText(memory.to)}`]),
  ];
  if (parts.length === 0 || pods === 0) return undefined;
  return `requests: ${parts.join(', ')} over ${pods} ${pods === 1 ? 'pod' : 'pods'}`;
}

/** Sums are read in cores once there is one. */
function coresText(milli: number): string {
  return milli < 1000 ? cpuText(milli) : String(Math.round(milli / 100) / 10);
}
