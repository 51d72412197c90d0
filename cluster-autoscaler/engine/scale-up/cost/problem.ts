import { allowsNode, untoleratedTaint, type PodRecord, type PodShape, type ResourceList } from '../../../../core/model/index.ts';
import { append } from '../../append.ts';
import type { NodeTemplate } from '../../model.ts';
import type { ClassId } from '../../scheduling/snapshot.ts';
import type { Candidate } from '../eligibility.ts';
import type { PriceModel } from '../expanders/index.ts';
import { compareText } from '../pod-groups.ts';
import { createTermTable, type PodRules, type Term, type TermTable } from './terms.ts';

/** Pods of one class, with what the mix knows of them. */
export interface Kind {
  readonly podClass: ClassId;
  readonly pods: readonly PodRecord[];
  /** Index of its size: equal requests and equal node requirements. */
  readonly size: number;
  readonly rules: PodRules;
  /** Host terms that count it, and those that it sets a limit to on its node. */
  readonly hostMatches: readonly number[];
  readonly hostLimits: readonly { readonly term: number; readonly limit: number; readonly self: boolean }[];
}

/** Pools whose nodes are the same to all pods, but for the domains that they are in. */
export interface Pool {
  readonly candidate: Candidate;
  readonly price: number;
  /** Free on an empty node, in the order of the problem's resources. */
  readonly supply: Float64Array;
  /** By node requirement of the problem: whether such pods may go there. */
  readonly allows: readonly boolean[];
}

/** Pods and pools as numbers. Amounts are milli-cores, bytes, whole units. */
export interface MixProblem {
  /** Names; the last is `pods`. */
  readonly resources: readonly string[];
  readonly kinds: readonly Kind[];
  /** Requests by size, `resources.length` numbers each. */
  readonly requests: Float64Array;
  /** Node requirement of each size, an index into {@link Pool.allows}. */
  readonly requirementOf: Int32Array;
  readonly pools: readonly Pool[];
  readonly terms: TermTable;
  /** Pods with rules that the mix does not plan (claims, a node of their own, odd spreading) or that no pool has room for. */
  readonly left: readonly PodRecord[];
}

export interface ProblemInput {
  readonly classes: readonly { readonly podClass: ClassId; readonly pods: readonly PodRecord[] }[];
  readonly candidates: readonly Candidate[];
  readonly prices: PriceModel;
}

const hostKey = 'kubernetes.io/hostname';

/** Reads the pods' rules and sizes, and what pools offer. */
export function readProblem({ classes, candidates, prices }: ProblemInput): MixProblem {
  const terms = createTermTable();
  const left: PodRecord[] = [];
  const planned: { podClass: ClassId; pods: readonly PodRecord[]; rules: PodRules }[] = [];
  for (const { podClass, pods } of classes) {
    const rules = rulesOf(pods[0], terms);
    if (rules === undefined) append(left, pods);
    else planned.push({ podClass, pods, rules });
  }
  const resources = resourceNames(planned.map(({ pods }) => pods[0]?.shape.requests ?? {}));
  const sizes = createSizes(resources);
  const sized = planned.map(({ podClass, pods, rules }) => {
    const [pod] = pods;
    return { podClass, pods, rules, size: pod === undefined ? 0 : sizes.of(pod) };
  });
  const pools = candidates.map((candidate): Pool => {
    const { template, source } = candidate;
    return {
      candidate,
      price: prices.nodePrice({ price: source.group.price, node: template.node }),
      supply: supplyOf(template, resources),
      allows: sizes.requirements.map((pod) => allowsPool(pod, template)),
    };
  });
  const requests = Float64Array.from(sizes.requests);
  const fits = roomFor(requests, sizes.requirementOf, pools, resources.length);
  const kinds: Kind[] = [];
  for (const { podClass, pods, rules, size } of sized) {
    if (fits[size] === true) kinds.push({ podClass, pods, rules, size, ...hostRules(pods[0], rules, terms) });
    else append(left, pods);
  }
  return { resources, kinds, requests, requirementOf: Int32Array.from(sizes.requirementOf), pools, terms, left };
}

/** `undefined`: the pod has a rule that the mix does not plan. */
function rulesOf(pod: PodRecord | undefined, terms: TermTable): PodRules | undefined {
  if (pod === undefined || pod.pinnedNode !== undefined || pod.claims.length > 0) return undefined;
  const { volumes, hostPorts, resourceClaims } = pod.shape;
  if (volumes.some(({ kind }) => kind === 'csi') || hostPorts.length > 0 || resourceClaims.length > 0) return undefined;
  const rules = terms.rulesOf(pod);
  // To be beside another pod on its node is for the filters; a new node has no pod yet.
  return rules?.affinity.some(({ key }) => key === hostKey) === true ? undefined : rules;
}

/**
 * Rules over hosts as limits of a node: of pods that match the term at most so many, as long as the pod is there. Kept to the end, not only when the pod
 * is placed, and with no pod on the emptiest node: then the order of placing does not matter.
 */
function hostRules(pod: PodRecord | undefined, rules: PodRules, terms: TermTable): Pick<Kind, 'hostMatches' | 'hostLimits'> {
  const matches = pod === undefined ? [] : terms.matching(pod);
  const isMatch = (term: Term): boolean => matches.includes(term);
  return {
    hostMatches: matches.filter(({ key }) => key === hostKey).map(({ id }) => id),
    hostLimits: [
      ...rules.spread
        .filter(({ term }) => term.key === hostKey)
        .map(({ term, maxSkew }) => ({ term: term.id, limit: maxSkew, self: isMatch(term) })),
      ...rules.anti
        .filter(({ key }) => key === hostKey)
        .map((term) => ({ term: term.id, limit: isMatch(term) ? 1 : 0, self: isMatch(term) })),
    ],
  };
}

function resourceNames(requests: readonly ResourceList[]): readonly string[] {
  const names = new Set<string>(['cpu', 'memory']);
  for (const request of requests) for (const name of Object.keys(request)) if ((request[name] ?? 0) > 0) names.add(name);
  names.delete('pods');
  return [...[...names].toSorted(compareText), 'pods'];
}

/** Milli-cores; of everything else whole units, as the scheduler counts. */
function whole(name: string, amount: number): number {
  return name === 'cpu' ? amount : Math.ceil(amount / 1000);
}

function createSizes(resources: readonly string[]) {
  const requests: number[] = [];
  const requirementOf: number[] = [];
  const requirements: PodRecord[] = [];
  const ofShape = new Map<PodShape, number>();
  const bySize = new Map<string, number>();
  const byRequirement = new Map<string, number>();
  const requirementFor = (pod: PodRecord): number => {
    const { nodeSelector, affinity, tolerations } = pod.shape;
    const key = JSON.stringify([nodeSelector, affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? null, tolerations]);
    let index = byRequirement.get(key);
    if (index === undefined) {
      byRequirement.set(key, (index = requirements.length));
      requirements.push(pod);
    }
    return index;
  };
  return {
    requests,
    requirementOf,
    requirements,
    of: (pod: PodRecord): number => {
      const known = ofShape.get(pod.shape);
      if (known !== undefined) return known;
      const amounts = resources.map((name) => (name === 'pods' ? 1 : whole(name, pod.shape.requests[name] ?? 0)));
      const requirement = requirementFor(pod);
      const key = `${requirement}|${amounts.join()}`;
      let size = bySize.get(key);
      if (size === undefined) {
        bySize.set(key, (size = requirementOf.length));
        requests.push(...amounts);
        requirementOf.push(requirement);
      }
      ofShape.set(pod.shape, size);
      return size;
    },
  };
}

function supplyOf({ node, pods }: NodeTemplate, resources: readonly string[]): Float64Array {
  return Float64Array.from(resources, (name) => {
    if (name === 'pods') return Math.floor((node.allocatable['pods'] ?? 0) / 1000) - pods.length;
    return pods.reduce((free, { shape }) => free - whole(name, shape.requests[name] ?? 0), whole(name, node.allocatable[name] ?? 0));
  });
}

function allowsPool(pod: PodRecord, { node }: NodeTemplate): boolean {
  if (node.unschedulable || untoleratedTaint(node.taints, pod.shape.tolerations) !== undefined) return false;
  return allowsNode(pod, node);
}

/** By size: whether an empty node of some pool takes it. */
function roomFor(requests: Float64Array, requirementOf: readonly number[], pools: readonly Pool[], width: number): readonly boolean[] {
  return requirementOf.map((requirement, size) =>
    pools.some(({ supply, allows }) => {
      if (allows[requirement] !== true) return false;
      for (let each = 0; each < width; each++) {
        const wanted = requests[size * width + each] ?? 0;
        if (wanted > 0 && wanted > (supply[each] ?? 0)) return false;
      }
      return true;
    }),
  );
}
