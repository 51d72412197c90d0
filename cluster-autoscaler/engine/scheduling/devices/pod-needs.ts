import type { NodeSelector, PodRecord } from '../../../../core/model/index.ts';
import type { FilterFailure } from '../../model.ts';
import type { DeviceClaim, DeviceClaimSpec, DeviceFacts } from './model.ts';

/** One claim of a pod. */
export type ClaimNeed =
  /** Made for the pod and not allocated, or made anew when the pod is: the node has to have devices for it. */
  | { readonly kind: 'own'; readonly spec: DeviceClaimSpec }
  /** Made for the pod and allocated already. */
  | { readonly kind: 'held'; readonly selector: NodeSelector | undefined }
  /** An object of its own that pods share, `namespace/name`. */
  | { readonly kind: 'shared'; readonly key: string; readonly claim: DeviceClaim };

/** What a pod asks for by its claims on devices. Equal needs are one object within a snapshot. */
export interface DeviceNeeds {
  /** Tells needs apart. */
  readonly text: string;
  /** Said before any node is looked at. */
  readonly rejection: FilterFailure | undefined;
  readonly claims: readonly ClaimNeed[];
}

/** In front of a reason that is not the scheduler's: whether it would take the pod is not known here. */
export const notSimulated = 'not simulated: ';

function reject(reason: string): FilterFailure {
  return { filter: 'DynamicResources', reason };
}

/** Reads the needs of pods; `undefined` facts: nothing is known of claims. A pod that was on a node is taken to be made anew, with its own claims. */
export function createNeedsReader(facts: DeviceFacts | undefined): (pod: PodRecord) => DeviceNeeds {
  const known = new Map<string, DeviceNeeds>();
  const shared = (text: string, make: () => Omit<DeviceNeeds, 'text'>): DeviceNeeds => {
    let needs = known.get(text);
    if (needs === undefined) known.set(text, (needs = { text, ...make() }));
    return needs;
  };
  const rejected = (reason: string): DeviceNeeds => shared(`rejected ${reason}`, () => ({ rejection: reject(reason), claims: [] }));
  return (pod) => {
    if (facts === undefined) return rejected(`${notSimulated}claims on devices (resource.k8s.io/v1) cannot be read`);
    const claims: ClaimNeed[] = [];
    const texts: string[] = [];
    for (const asked of pod.shape.resourceClaims) {
      const need = asked.claim === undefined ? ownNeed(pod, asked, facts) : sharedNeed(pod.namespace, asked.claim, facts);
      if (need === undefined) continue;
      if (typeof need === 'string') return rejected(need);
      // Named twice it is the same devices.
      if (need.kind === 'shared' && claims.some((each) => each.kind === 'shared' && each.key === need.key)) continue;
      const problem = problemOf(need, facts);
      if (problem !== undefined) return rejected(problem);
      claims.push(need);
      texts.push(textOf(need));
    }
    return shared(texts.join('\n'), () => ({ rejection: undefined, claims }));
  };
}

function sharedNeed(namespace: string, name: string, { claims }: DeviceFacts): ClaimNeed | string {
  const key = `${namespace}/${name}`;
  const claim = claims.get(key);
  if (claim === undefined) return `could not find v1.ResourceClaim "${key}"`;
  return claim.deleting ? `resourceclaim "${name}" is being deleted` : { kind: 'shared', key, claim };
}

/** A claim out of a template. `undefined`: there is intentionally none. */
function ownNeed(
  pod: PodRecord,
  { name, template }: PodRecord['shape']['resourceClaims'][number],
  facts: DeviceFacts,
): ClaimNeed | string | undefined {
  const { ownResourceClaims: made, namespace } = pod;
  if (template === undefined) return `pod "${namespace}/${pod.name}", spec.resourceClaim "${name}": none of the supported fields are set`;
  const claimName = made?.get(name);
  if (made?.has(name) === true && claimName === undefined) return undefined;
  const claim = claimName === undefined ? undefined : facts.claims.get(`${namespace}/${claimName}`);
  const isMoved = pod.nodeName !== undefined || pod.started !== undefined;
  if (claim === undefined) return fromTemplate(`${namespace}/${template}`, facts);
  if (isMoved) return { kind: 'own', spec: claim.spec };
  if (claim.deleting) return `resourceclaim "${claim.name}" is being deleted`;
  if (claim.ownerUid !== pod.uid) {
    return `ResourceClaim ${namespace}/${claim.name} was not created for Pod ${namespace}/${pod.name} (Pod is not owner)`;
  }
  return claim.allocation === undefined ? { kind: 'own', spec: claim.spec } : { kind: 'held', selector: claim.allocation.selector };
}

/** Of a pod whose claim is still to be made: by a workload that is about to, or by the controller of claims. */
function fromTemplate(key: string, { templates }: DeviceFacts): ClaimNeed | string {
  const spec = templates.get(key);
  return spec === undefined ? `${notSimulated}ResourceClaimTemplate ${key} does not exist` : { kind: 'own', spec };
}

/** What keeps a claim that is not allocated from every node. */
function problemOf(need: ClaimNeed, { classes }: DeviceFacts): string | undefined {
  if (need.kind === 'held' || (need.kind === 'shared' && need.claim.allocation !== undefined)) return undefined;
  const { requests, unsupported } = need.kind === 'own' ? need.spec : need.claim.spec;
  if (unsupported !== undefined) return `${notSimulated}${unsupported}`;
  for (const { name, alternatives } of requests) {
    const missing = alternatives.find(({ className }) => !classes.has(className));
    if (missing === undefined) continue;
    const request = missing.name === '' ? name : `${name}/${missing.name}`;
    return missing.className === ''
      ? `request ${request}: unsupported request type`
      : `request ${request}: device class ${missing.className} does not exist`;
  }
  return undefined;
}

function textOf(need: ClaimNeed): string {
  switch (need.kind) {
    case 'own':
      return `own ${specText(need.spec)}`;
    case 'held':
      return `held ${JSON.stringify(need.selector ?? null)}`;
    case 'shared':
      return `shared ${need.key}`;
  }
}

const texts = new WeakMap<DeviceClaimSpec, string>();

/** Claims of one template have equal specs and are different objects. */
function specText(spec: DeviceClaimSpec): string {
  let text = texts.get(spec);
  if (text === undefined) texts.set(spec, (text = JSON.stringify(spec)));
  return text;
}
