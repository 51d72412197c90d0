import type { NamespaceLimits, Recommendation, SizingPolicy } from '../model.ts';
import type { Clamp } from './clamp.ts';
import { boostPod, podOperations, type BoostedPod, type BoostPodInput, type BoostSettings } from './pod-patch.ts';
import { podStateOfJson, type PodState } from './pod-resources.ts';
import { adaptForPolicy, type ActingPolicy } from './policy-adaptation.ts';
import { addedRefusal, guardValues, type KeptResource } from './refusals.ts';
import { annotationOperation, type PatchOperation } from './resource-operations.ts';
import { boostOf, boostPrefix, parseOriginalResources, type OriginalResources } from './startup-boost.ts';

export interface AdmissionPatchInput {
  /** As the webhook gets it. */
  readonly pod: unknown;
  readonly policy: ActingPolicy & Pick<SizingPolicy, 'reference' | 'startupBoost'>;
  readonly recommendation: Recommendation | undefined;
  readonly limits: NamespaceLimits | undefined;
  /** `undefined`: containers are not boosted. */
  readonly boost?: BoostSettings | undefined;
  /** Resources that the policy yields to a horizontal one. */
  readonly yielded?: ReadonlySet<string> | undefined;
  /** Containers of the workload's pod template. */
  readonly templateContainers?: readonly string[] | undefined;
}

export interface AdmissionPatch {
  /** Empty when there is a problem: the pod is admitted unchanged. */
  readonly operations: readonly PatchOperation[];
  readonly clamps: readonly Clamp[];
  /** Resources that are left as they are, because the API server would refuse the pod. */
  readonly kept: readonly KeptResource[];
  /** Containers whose CPU is boosted. */
  readonly boosted: readonly string[];
  /** Why there is no patch; one sentence. */
  readonly problem: string | undefined;
}

/** The patch for a pod that is being created (spec 6.3, 6.4). Never throws, whatever the pod looks like; never makes a pod invalid that was valid. */
export function admissionPatch(input: AdmissionPatchInput): AdmissionPatch {
  const { policy, limits } = input;
  const annotations = annotationsOf(input.pod);
  const originals = originalsOf(input, annotations);
  const pod = podOf(input.pod, originals);
  const { adapted, values, leftAlone } = adaptForPolicy({ ...input, pod });
  const off = policy.actuation === 'Off';
  const guarded = guardValues({ pod, values: off ? pod.containers.map(() => undefined) : values, limits });
  const started = start(input, { pod, values: guarded.values, leftAlone });
  if (!started.ok) return { operations: [], clamps: [], kept: [], boosted: [], problem: started.message };
  const { boosted } = started;
  const resources = podOperations({
    pod,
    presence: 'spec',
    policyName: policy.reference.name,
    values: started.values,
    boosted,
    originals,
  });
  const operations: PatchOperation[] = annotations === undefined ? [{ op: 'add', path: '/metadata/annotations', value: {} }] : [];
  operations.push(...resources, annotationOperation('vpaObservedContainers', pod.containers.map(({ name }) => name).join(', ')));
  const clamps = off ? [] : adapted.clamps.filter(({ resource }) => !guarded.kept.some((each) => each.resource === resource));
  return { operations, clamps, kept: [...guarded.kept, ...started.kept], boosted: [...boosted], problem: undefined };
}

type Started = Exclude<BoostedPod, { readonly ok: true }> | (Extract<BoostedPod, { readonly ok: true }> & Pick<AdmissionPatch, 'kept'>);

/** A boost with which the pod would be refused is left out: a slow start is better than none. */
function start(
  { policy, boost, limits, yielded }: AdmissionPatchInput,
  admitted: Pick<BoostPodInput, 'pod' | 'values' | 'leftAlone'>,
): Started {
  const { pod, values } = admitted;
  const plain = { ok: true, values, boosted: new Set<string>() } as const;
  if (boost === undefined || yielded?.has('cpu') === true) return { ...plain, kept: [] };
  const boosted = boostPod({ ...admitted, policy, boost, limits });
  if (!boosted.ok) return boosted;
  const problem = addedRefusal({ pod, values: boosted.values, limits }, values, 'cpu');
  if (problem === undefined) return { ...boosted, kept: [] };
  return { ...plain, kept: [{ resource: 'cpu', message: `the start-up boost is left out: with it ${problem}` }] };
}

type Json = Readonly<Record<string, unknown>>;

function annotationsOf(pod: unknown): Json | undefined {
  const annotations = (pod as { readonly metadata?: { readonly annotations?: unknown } | null } | null | undefined)?.metadata?.annotations;
  return typeof annotations === 'object' && annotations !== null && !Array.isArray(annotations) ? (annotations as Json) : undefined;
}

/** A webhook can be called again for what it has patched already: a boost is then not the original, and must not be boosted again. */
function originalsOf({ policy, boost }: AdmissionPatchInput, annotations: Json | undefined): ReadonlyMap<string, OriginalResources> {
  const originals = new Map<string, OriginalResources>();
  if (boost === undefined) return originals;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    const container = key.startsWith(boostPrefix) ? key.slice(boostPrefix.length) : undefined;
    const original = container === undefined || boostOf(policy, container) === undefined ? undefined : parseOriginalResources(value);
    if (container !== undefined && original !== undefined) originals.set(container, original);
  }
  return originals;
}

/** A pod that is being created has no status that could be believed. */
function podOf(raw: unknown, originals: ReadonlyMap<string, OriginalResources>): PodState {
  const pod = podStateOfJson(raw, { status: false });
  if (originals.size === 0) return pod;
  const containers = pod.containers.map((state) => ({ ...state, ...originals.get(state.name) }));
  return { ...pod, containers };
}
