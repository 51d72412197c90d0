import { nextTurn } from '../../../core/kube/turn.ts';
import type { Clock } from '../../../core/model/clock.ts';
import { formatTime } from '../../../core/model/condition.ts';
import type { CheckpointTexts, RecommenderEngine } from '../engine/types.ts';
import { inSlices, type CheckpointMemory, type CheckpointPolicy } from './checkpoint-memory.ts';
import { checkpointDigest, type CheckpointKind } from './checkpoint-object.ts';
import { checkpointOrder, createWriteQueue, type CheckpointTurn } from './checkpoint-order.ts';
import { writeCheckpoint, type WriteContext } from './checkpoint-write.ts';

/** Checkpoints after which a worker lets other work have a turn; with ten workers 320 in a stretch, of some 10 µs each. */
const savesPerTurn = 32;
/** So many writes in a row that fail end the pass: the API server is away, and each of them would wait for its time-out. */
const maxFailuresInARow = 10;

export interface PassContext extends WriteContext {
  readonly clock: Clock;
  readonly engine: Pick<RecommenderEngine, 'containerNames' | 'saveCheckpoint'> & CheckpointTexts;
  readonly memory: CheckpointMemory;
  readonly workers: number;
}

export interface PassOptions {
  /** Milliseconds after which no worker takes another policy. */
  readonly deadlineMs: number;
  /** Ends the pass at once. */
  readonly signal?: AbortSignal | undefined;
}

export interface PassReport {
  /** Checkpoints. */
  readonly written: number;
  readonly unchanged: number;
  readonly failed: number;
  /** Policies that were gone through, and that wait for the next pass. */
  readonly policies: number;
  readonly waiting: number;
  /** Policies that are not written: what is stored could not be read yet, or the cluster does not have the kind. */
  readonly notLoaded: number;
  /** This process may not write now. */
  readonly fenced: boolean;
}

/** One pass over the policies, those first that have waited longest. Only what is new since its last write is written. */
export async function writePass(
  context: PassContext,
  policies: readonly CheckpointPolicy[],
  { deadlineMs, signal, present = () => true }: PassOptions & { readonly present?: (kind: CheckpointKind) => boolean },
): Promise<PassReport> {
  const { clock, memory, workers } = context;
  const start = clock.monotonic();
  const turns: Turn[] = [];
  await inSlices(policies, (policy) => {
    const { loaded, lastWritten } = memory.of(policy);
    if (loaded && present(policy.kind)) turns.push({ policy, lastWritten, fetchingHistory: policy.fetchingHistory === true });
  });
  const run: Run = { context, signal, saves: 0, written: 0, unchanged: 0, failed: 0, policies: 0, failures: 0, fenced: false };
  const queue = createWriteQueue(checkpointOrder(turns), () => clock.monotonic() - start >= deadlineMs);
  const work = async (worker: number): Promise<void> => {
    for (let turn = queue.take(worker); turn !== undefined; turn = queue.take(worker)) {
      if (!(await writePolicy(run, turn.policy))) return;
    }
  };
  await Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)));
  const { written, unchanged, failed, fenced } = run;
  return { written, unchanged, failed, policies: run.policies, waiting: queue.left, notLoaded: policies.length - turns.length, fenced };
}

interface Turn extends CheckpointTurn {
  readonly policy: CheckpointPolicy;
}

interface Run {
  readonly context: PassContext;
  readonly signal: AbortSignal | undefined;
  saves: number;
  written: number;
  unchanged: number;
  failed: number;
  policies: number;
  /** In a row. */
  failures: number;
  fenced: boolean;
}

function isOver({ signal, fenced, failures }: Run): boolean {
  return fenced || failures >= maxFailuresInARow || signal?.aborted === true;
}

/** All containers of a policy; `false`: the pass is over. */
async function writePolicy(run: Run, policy: CheckpointPolicy): Promise<boolean> {
  const { context } = run;
  if (isOver(run)) return false;
  for (const container of context.engine.containerNames(policy.key)) {
    if (++run.saves % savesPerTurn === 0) await nextTurn();
    if (isOver(run)) return false;
    // It has come back while the pass went on: what is stored of it is being read.
    if (!context.memory.of(policy).loaded) return true;
    await writeContainer(run, policy, container);
  }
  if (isOver(run)) return false;
  context.memory.of(policy).lastWritten = context.memory.nextTurn();
  run.policies += 1;
  return true;
}

async function writeContainer(run: Run, policy: CheckpointPolicy, container: string): Promise<void> {
  const { context, signal } = run;
  const now = context.clock.now();
  // Most have not changed since their last write: the text tells, and no object is made of them.
  const text = context.engine.checkpointText(policy.key, container, now);
  if (text === undefined) return;
  const memory = context.memory.container(policy, container);
  const digest = checkpointDigest(text);
  if (memory.digest === digest) {
    run.unchanged += 1;
    return;
  }
  const saved = context.engine.saveCheckpoint(policy.key, container, now);
  if (saved === undefined) return;
  const { namespace, name, kind } = policy;
  const status = { ...saved, lastUpdateTime: formatTime(now) };
  const outcome = await writeCheckpoint(context, { kind, owner: { namespace, policy: name, container }, status, memory, signal });
  switch (outcome) {
    case 'written':
      memory.digest = digest;
      run.written += 1;
      run.failures = 0;
      return;
    case 'failed':
      run.failed += 1;
      run.failures += 1;
      return;
    case 'fenced':
      run.fenced = true;
      return;
    case 'stopped':
  }
}
