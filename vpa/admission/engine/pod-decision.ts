import type { KubeObject } from '../../../core/model/object.ts';
import type { NamespaceLimits, SizingPolicy } from '../../model.ts';
import type { KnownPolicy, PolicyBook, WorkloadFacts } from '../../ports.ts';
import { shortSentence, type AdmissionAnswer, type PatchOperation } from './review.ts';

/** Annotation that every pod carries that went through admission under a policy, ours or upstream's. */
export const observedContainersAnnotation = 'vpaObservedContainers';

export interface PodPatchInput {
  /** As it came; its namespace may be missing. A pod that was patched already may come again (reinvocationPolicy IfNeeded). */
  readonly pod: KubeObject;
  readonly namespace: string;
  readonly policy: KnownPolicy;
  readonly limits: NamespaceLimits | undefined;
  readonly workload: WorkloadFacts | undefined;
}

/** Operations in the order of spec 6.3, or one sentence why there are none at all. */
export type PodPatchResult =
  | {
      readonly ok: true;
      readonly operations: readonly PatchOperation[];
      /** What was left as it is, for the audit log; sentences. */
      readonly notes?: readonly string[] | undefined;
    }
  | { readonly ok: false; readonly message: string };

/** Makes the patch for a pod (spec 6.3, 6.4); for a policy in mode Off the boost alone. */
export type PodPatcher = (input: PodPatchInput) => PodPatchResult;

/** What is done about a pod. */
export interface PodDecision {
  readonly outcome: 'patched' | 'skipped' | 'failed';
  readonly answer: AdmissionAnswer;
}

export const allowed: AdmissionAnswer = Object.freeze({ allowed: true });

export const skipped: PodDecision = Object.freeze({ outcome: 'skipped', answer: allowed });

/** The policy has something to say about pods that are created. */
export function concernsNewPods({ actuation, startupBoost, containers }: SizingPolicy): boolean {
  return actuation !== 'Off' || startupBoost !== undefined || containers.some((each) => each.startupBoost !== undefined);
}

/** The book without policies that leave new pods alone: such a one must not hide another of the same target (spec 6.2). */
export function admissionBook(book: PolicyBook): PolicyBook {
  const concerned = (known: readonly KnownPolicy[]): readonly KnownPolicy[] => known.filter(({ policy }) => concernsNewPods(policy));
  return {
    all: () => concerned(book.all()),
    get: (key) => book.get(key),
    rejected: () => book.rejected(),
    onChange: (handler) => book.onChange(handler),
    hasSynced: () => book.hasSynced(),
    inNamespace: (namespace) => concerned(book.inNamespace(namespace)),
    forTarget: (namespace, kind, name) => concerned(book.forTarget(namespace, kind, name)),
  };
}

/** Decides about a pod under the policy that controls it. */
export function decidePod(input: PodPatchInput, patch: PodPatcher, dryRun: boolean): PodDecision {
  const { policy, namespace } = input;
  const who = `${policy.policy.reference.kind} ${namespace}/${policy.policy.reference.name}`;
  const { mode } = policy.policy;
  if (mode === 'Paused') return audited('skipped', `${who} is paused: the pod keeps what it asks for`);
  const result = patch(input);
  if (!result.ok) return failed(`${who} could not size the pod, it keeps what it asks for: ${result.message}`);
  if (dryRun || mode === 'DryRun') return audited('skipped', `${who} runs dry, it would have: ${summary(result.operations)}`);
  const { operations, notes = [] } = result;
  const audit = notes.length === 0 ? {} : { audit: { sizing: shortSentence(notes.join('; ')) } };
  return { outcome: 'patched', answer: { allowed: true, patch: operations, ...audit } };
}

/** The pod comes as it is, and whoever made it reads why. */
export function failed(sentence: string): PodDecision {
  return {
    outcome: 'failed',
    answer: { allowed: true, warnings: [`concertina: ${sentence}`], audit: { sizing: shortSentence(sentence) } },
  };
}

function audited(outcome: PodDecision['outcome'], sentence: string): PodDecision {
  return { outcome, answer: { allowed: true, audit: { sizing: shortSentence(sentence) } } };
}

function summary(operations: readonly PatchOperation[]): string {
  const set = operations.flatMap((each) => {
    const resource = /^\/spec\/containers\/(\d+)\/resources\/(requests|limits)\/(.+)$/.exec(each.path);
    if (resource === null || each.op === 'remove') return [];
    return [`container ${resource[1]} ${resource[2]} ${resource[3]}=${String(each.value)}`];
  });
  return set.length === 0 ? 'changed nothing' : `set ${set.join(', ')}`;
}
