import { isConcertinaError, messageOf } from '../../../core/errors.ts';
import type { KubeClient } from '../../../core/kube/api.ts';
import { isConflict, isNotFound } from '../../../core/kube/status-error.ts';
import type { Clock, Random } from '../../../core/model/clock.ts';
import { formatTime } from '../../../core/model/condition.ts';
import type { ScalingHistory } from '../../../core/model/cooldown.ts';
import { resourceTypes, type KubeObject } from '../../../core/model/object.ts';
import { problemsText } from '../../../core/model/schema-problems.ts';
import type { Logger } from '../../../core/runtime/logging.ts';
import { WorkQueue } from '../../../core/runtime/work-queue.ts';
import { lastScaleDownAnnotation, lastScaleUpAnnotation } from '../../policy-annotations.ts';
import { historyOf, isNativeVpa } from '../../policy-status.ts';
import type { PolicyBook } from '../../ports.ts';
import { mergedHistory, type PolicyMemory, type StatusChange } from './policy-memory.ts';
import { changedFields, mergeBody, nextStatus, rejectedStatus, type OwnStatus } from './status.ts';

export interface StatusWriterOptions {
  readonly client: KubeClient;
  readonly book: PolicyBook;
  readonly memoryOf: (key: string) => PolicyMemory | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly dryRun: boolean;
  readonly adoptedCooldown: boolean;
  readonly workers: number;
  readonly turn: () => Promise<void>;
}

/** Stores statuses: one policy at a time, a few at once; a failure of one is none of another's and is tried again by itself. */
export interface StatusWriter {
  start(): void;
  /** Has the policy's status compared with what is stored, and written where it says something else. */
  add(key: string): void;
  /** Whether there is anything to write for the policy. */
  differs(memory: PolicyMemory, raw: KubeObject): boolean;
  /** Resolves when all that was added is written or has failed once. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

type Stored = 'stored' | 'unchanged' | 'refused';

export function createStatusWriter(options: StatusWriterOptions): StatusWriter {
  const { memoryOf, clock, random, logger, workers } = options;
  const queue = new WorkQueue({
    name: 'verticalpolicy-status',
    clock,
    random,
    workers,
    maxDelayMs: 60_000,
    handle: async (key, signal) => {
      // Many that turn out to need no request must not hold up all else.
      await options.turn();
      const memory = memoryOf(key);
      if (memory === undefined) return;
      // Whoever asks from here on waits for the next write.
      const waiters = memory.waiters.splice(0);
      let stored: Stored = 'refused';
      try {
        stored = await write(options, memory, signal);
      } finally {
        for (const settle of waiters) settle(stored !== 'refused');
      }
    },
    hooks: {
      failed: (key, error, delayMs) => {
        // A conflict says only that somebody else wrote first: what is stored comes by the watch.
        const level = isConflict(error) ? 'debug' : 'warn';
        logger[level]('the status of a policy could not be written; it is tried again', { policy: key, error: messageOf(error), delayMs });
      },
    },
  });
  return {
    start: () => queue.start(),
    add: (key) => queue.add(key),
    differs: (memory, raw) => statusChange(options, { raw, memory }) !== undefined,
    idle: () => queue.idle(),
    stop: () => queue.shutdown({ finishReady: true }),
  };
}

/** Throws what may pass. */
async function write(options: StatusWriterOptions, memory: PolicyMemory, signal: AbortSignal): Promise<Stored> {
  const raw = objectOf(options.book, memory.key);
  // Deleted, or another of that name, since it was added.
  if (raw === undefined || raw.metadata.uid !== memory.uid) return 'refused';
  try {
    const annotated = await writeAnnotations(options, { raw, memory, signal });
    const stored = await writeStatus(options, { raw, memory, signal });
    return annotated === 'refused' || stored === 'refused' ? 'refused' : stored;
  } catch (error) {
    if (isConcertinaError(error, 'FENCED') || isNotFound(error)) return 'refused';
    throw error;
  }
}

interface Writing {
  readonly raw: KubeObject;
  readonly memory: PolicyMemory;
  readonly signal: AbortSignal;
}

async function writeStatus(options: StatusWriterOptions, { raw, memory, signal }: Writing): Promise<Stored> {
  const change = statusChange(options, { raw, memory });
  if (change === undefined) return 'unchanged';
  if (options.dryRun) return 'refused';
  const { name, namespace, uid, resourceVersion } = raw.metadata;
  const answer = await options.client.patch(
    isNativeVpa(raw) ? resourceTypes.verticalPodAutoscalers : resourceTypes.verticalPolicies,
    { name, namespace },
    { type: 'merge', body: { ...(uid === undefined ? {} : { metadata: { uid } }), status: change.body } },
    { subresource: 'status', signal },
  );
  memory.compared = undefined;
  memory.written = { seenVersion: resourceVersion, sent: change.next, stored: statusIn(answer) ?? { ...change.observed, ...change.next } };
  return 'stored';
}

/** A comparison costs more than all else that is done for a policy in a pass: it is not made twice of the same. */
function statusChange(options: StatusWriterOptions, { raw, memory }: Omit<Writing, 'signal'>): StatusChange | undefined {
  const { compared, outcome, report, history } = memory;
  const fresh = compared?.raw === raw && compared.outcome === outcome && compared.report === report;
  if (fresh && compared.history === history && compared.written === memory.written) return compared.change;
  const change = compareStatus(options, { raw, memory });
  // Two copies of a status for each policy would be the largest part of what is remembered.
  memory.compared = change === undefined ? undefined : { raw, outcome, report, history, written: memory.written, change };
  return change;
}

function compareStatus({ book, clock }: StatusWriterOptions, { raw, memory }: Omit<Writing, 'signal'>): StatusChange | undefined {
  const native = isNativeVpa(raw);
  const { generation } = raw.metadata;
  const failure = book.get(memory.key) === undefined ? book.rejected().find(({ key }) => key === memory.key)?.failure : undefined;
  const observed = observedStatus(raw, memory);
  const now = clock.now();
  const next =
    failure === undefined
      ? nextStatus({ ...memory, observed, native, generation, history: mergedHistory(historyOf(raw), memory.history), now })
      : rejectedStatus(observed, { native, generation, message: problemsText(failure.problems), now });
  const changed = changedFields(observed, next);
  // The mirror shows what was written, and all of it was kept.
  if (changed === undefined && memory.written?.seenVersion !== raw.metadata.resourceVersion) memory.written = undefined;
  if (changed === undefined || isWritten(memory, observed, next)) return undefined;
  return { observed, next, body: mergeBody(observed, changed) };
}

/** While the mirror still shows the object that the last write was made from, what the server answered then is newer. */
function observedStatus(raw: KubeObject, { written }: PolicyMemory): OwnStatus {
  const current = written !== undefined && written.seenVersion === raw.metadata.resourceVersion ? written.stored : undefined;
  return current ?? statusIn(raw) ?? {};
}

/** A server that drops a field it does not know (an older CRD) would be written to in every pass: what it made of the same is all that it will. */
function isWritten({ written }: PolicyMemory, observed: OwnStatus, next: OwnStatus): boolean {
  if (written?.stored === undefined || changedFields(written.sent, next) !== undefined) return false;
  const own = (status: OwnStatus): OwnStatus => Object.fromEntries(Object.keys(next).map((field) => [field, status[field]]));
  return changedFields(own(written.stored), own(observed)) === undefined;
}

/** A native object's status has no place for the times. */
async function writeAnnotations(options: StatusWriterOptions, { raw, memory, signal }: Writing): Promise<Stored> {
  const { client, adoptedCooldown, dryRun } = options;
  if (!isNativeVpa(raw) || !adoptedCooldown) return 'unchanged';
  const annotations = changedAnnotations(historyOf(raw), memory.history);
  if (Object.keys(annotations).length === 0) return 'unchanged';
  if (dryRun) return 'refused';
  const { name, namespace, uid } = raw.metadata;
  const body = { metadata: { ...(uid === undefined ? {} : { uid }), annotations } };
  await client.patch(resourceTypes.verticalPodAutoscalers, { name, namespace }, { type: 'merge', body }, { signal });
  return 'stored';
}

function changedAnnotations(stored: ScalingHistory, own: ScalingHistory): Record<string, string> {
  const changed: Record<string, string> = {};
  const note = (annotation: string, before: number | undefined, after: number | undefined): void => {
    // Rounded up to the second: a cooldown that is read back never ends early.
    const time = after === undefined ? undefined : Math.ceil(after / 1000) * 1000;
    if (time !== undefined && (before === undefined || before < time)) changed[annotation] = formatTime(time);
  };
  note(lastScaleUpAnnotation, stored.lastScaleUp, own.lastScaleUp);
  note(lastScaleDownAnnotation, stored.lastScaleDown, own.lastScaleDown);
  return changed;
}

function objectOf(book: PolicyBook, key: string): KubeObject | undefined {
  return book.get(key)?.raw ?? book.rejected().find((each) => each.key === key)?.raw;
}

function statusIn({ status }: KubeObject): OwnStatus | undefined {
  return typeof status === 'object' && status !== null ? (status as OwnStatus) : undefined;
}
