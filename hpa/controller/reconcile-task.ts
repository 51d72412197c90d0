import type { Decision } from '../../core/model/decision.ts';
import type { KubeObject, ObjectReference } from '../../core/model/object.ts';
import type { BatchFacts, NotedEvaluation } from '../batch/index.ts';
import type { Conclusion } from '../engine/index.ts';
import { statusOf, type ScalingPolicy } from '../policy.ts';
import type { HorizontalPolicyStatus } from '../policy-schema.ts';
import type { InputNews } from './input-news.ts';
import type { HpaMetrics } from './metrics.ts';
import type { PolicyMemory, WrittenStatus } from './policy-memory.ts';
import type { PolicyTicks } from './policy-ticks.ts';
import type { HpaControllerOptions, PodLister } from './ports.ts';
import { revisionOf } from './revision.ts';
import type { ScaleAccess } from './scale-access.ts';
import type { SelectorRegistry } from './selectors.ts';

export interface ReconcileContext {
  readonly options: HpaControllerOptions;
  readonly scales: ScaleAccess;
  readonly selectors: SelectorRegistry;
  readonly news: InputNews;
  readonly hpaMetrics: HpaMetrics;
  /** Absent: policies are decided one after the other. */
  readonly ticks: PolicyTicks | undefined;
  readonly conflictOf: (policy: ScalingPolicy, key: string) => string | undefined;
  /** Other policies and native objects on the target of a policy. */
  readonly othersOn: (policy: ScalingPolicy, key: string) => readonly ObjectReference[];
  readonly signal: AbortSignal;
}

export interface ReconcileTask {
  readonly key: string;
  readonly raw: KubeObject;
  readonly memory: PolicyMemory;
  readonly pods: PodLister;
}

/** What one evaluation came to. */
export interface Result {
  readonly decision: Decision;
  readonly conclusion: Conclusion;
  readonly evaluated: boolean;
  readonly proposed: number | undefined;
  readonly targets: string | undefined;
  /** Something that held the target was taken away: it is evaluated again as soon as the mirrors show that. */
  readonly again?: boolean | undefined;
  /** When a schedule next changes what is allowed, epoch milliseconds. */
  readonly boundsChangeAt?: number | undefined;
  /** For the decisions of many policies at once: what it went by, as it is afterwards, and what came of it. */
  readonly noted?: (NotedEvaluation & { readonly facts: BatchFacts }) | undefined;
  /** This process may not write now. */
  readonly fenced: boolean;
}

/** The status that is stored: what was written last, as long as the mirror shows the object from before. */
export function statusBefore({ raw, memory }: ReconcileTask): Partial<HorizontalPolicyStatus> {
  const { written } = memory;
  return written?.older.has(raw.metadata.resourceVersion) === true ? written.status : statusOf(raw);
}

/** Notes that a status was stored, and the version that it got; the mirror may show every version before it for some time. */
export function statusStored({ raw, memory }: ReconcileTask, { status, version }: Pick<WrittenStatus, 'status' | 'version'>): void {
  const { written } = memory;
  const seen = raw.metadata.resourceVersion;
  const older = written?.older.has(seen) === true ? [...written.older, written.version] : [seen];
  memory.written = { older: new Set(older), version, status };
}

/** A slow answer leaves time to delete or pause a policy: nothing is done in its name then. */
export function isSuperseded({ options }: ReconcileContext, { key, raw }: ReconcileTask): boolean {
  const now = options.reads.policies.get(key);
  return now === undefined || revisionOf(now) !== revisionOf(raw);
}
