import type { Claim, RequestReference } from '../../core/model/intent.ts';
import type { ObjectReference } from '../../core/model/object.ts';
import type { ResourceList } from '../../core/model/resource-list.ts';
import type { KnownPolicy, PolicyBook } from '../ports.ts';

/**
 * The house rule for two policies on one workload. A horizontal policy that goes by the utilization of a resource and a policy that moves the requests of that
 * resource chase each other, unless one of them gives way:
 *
 * - `Rebase` (default): the horizontal policy measures utilization against the pod template's requests, and both act. That needs the horizontal policy to be
 *   carried out by this program; where kube-controller-manager does it, a VerticalPolicy yields instead. A native VPA does what upstream does.
 * - `Yield`: the requests policy leaves the resource alone.
 * - `Ignore`: both act as if alone.
 */
export interface HorizontalRule {
  /** Resources that a policy leaves alone, with why. */
  yields(known: KnownPolicy): ReadonlyMap<string, string>;
  /** What utilization of a target is to be measured against, where a policy moves its requests. */
  referenceOf(target: ObjectReference): RequestReference | undefined;
}

export interface HorizontalRuleOptions {
  readonly book: PolicyBook;
  /** What horizontal policies steer, foreign ones included. */
  readonly horizontalClaims: () => readonly Claim[];
  /** What this controller moves. */
  readonly claims: () => readonly Claim[];
  /** Requests of a target's pod template by container, in thousandths; `undefined`: not known. */
  readonly templateOf: (target: ObjectReference) => ReadonlyMap<string, ResourceList> | undefined;
  /** Monotonic milliseconds: claims are collected anew after {@link claimsMaxAgeMs}. */
  readonly monotonic: () => number;
}

const claimsMaxAgeMs = 1_000;
const none: ReadonlyMap<string, string> = new Map();

export function createHorizontalRule(options: HorizontalRuleOptions): HorizontalRule {
  const { book, templateOf, monotonic } = options;
  const horizontal = collected(() => byTarget(options.horizontalClaims()), monotonic);
  const own = collected(() => byPolicy(options.claims()), monotonic);
  return {
    yields: ({ policy }) => {
      const { target, horizontal: mode, native } = policy;
      if (target === undefined || mode === 'Ignore') return none;
      const rivals = horizontal().get(targetKey(target)) ?? [];
      const yielded = rivals.flatMap((claim): [string, string][] => {
        const { measures, foreign } = claim;
        if (measures === undefined) return [];
        if (mode === 'Rebase' && (foreign !== true || native)) return [];
        return [[measures, reasonOf(claim, { mode, resource: measures })]];
      });
      return yielded.length === 0 ? none : new Map(yielded);
    },
    referenceOf: (target) => {
      const rebasing = book
        .forTarget(target.namespace ?? '', target.kind, target.name)
        .filter(({ policy }) => policy.horizontal === 'Rebase');
      const [first] = rebasing;
      if (first === undefined) return undefined;
      const resources = [...new Set(rebasing.flatMap(({ policy }) => own().get(policyKeyOf(policy.reference)) ?? []))].toSorted();
      return resources.length === 0 ? undefined : { policy: first.policy.reference, resources, template: templateOf(target) };
    },
  };
}

function reasonOf({ policy, foreign }: Claim, { mode, resource }: { readonly mode: string; readonly resource: string }): string {
  const who = `${policy.kind} ${policy.namespace ?? ''}/${policy.name}`;
  const why =
    mode === 'Rebase' && foreign === true
      ? 'and is carried out by another controller, which cannot be told of moved requests; adopt it (--adopt=hpa) or let it go by an AverageValue'
      : 'and horizontalPolicies of this policy is Yield';
  return `${who} scales the workload by its ${resource} utilization, ${why}: ${resource} requests are left alone`;
}

function byTarget(claims: readonly Claim[]): ReadonlyMap<string, readonly Claim[]> {
  const index = new Map<string, Claim[]>();
  for (const claim of claims) {
    const key = targetKey(claim.target);
    const held = index.get(key);
    if (held === undefined) index.set(key, [claim]);
    else held.push(claim);
  }
  return index;
}

function byPolicy(claims: readonly Claim[]): ReadonlyMap<string, readonly string[]> {
  const index = new Map<string, string[]>();
  for (const { policy, dimension } of claims) {
    const resource = dimension.slice(dimension.indexOf('/') + 1);
    const key = policyKeyOf(policy);
    const held = index.get(key);
    if (held === undefined) index.set(key, [resource]);
    else held.push(resource);
  }
  return index;
}

/** Group, kind and name in the namespace; the version does not matter. */
function targetKey({ apiVersion, kind, namespace = '', name }: ObjectReference): string {
  const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : '';
  return `${namespace}\n${group}\n${kind}\n${name}`;
}

function policyKeyOf({ kind, namespace = '', name }: ObjectReference): string {
  return `${kind}/${namespace}/${name}`;
}

/** Keeps what is costly to collect for a moment. */
function collected<T>(collect: () => T, monotonic: () => number): () => T {
  let held: { readonly at: number; readonly value: T } | undefined;
  return () => {
    const at = monotonic();
    if (held === undefined || at - held.at >= claimsMaxAgeMs) held = { at, value: collect() };
    return held.value;
  };
}
