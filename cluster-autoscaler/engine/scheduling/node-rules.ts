import {
  matchesNodeLabels,
  matchesNodeSelector,
  tolerates,
  untoleratedTaint,
  type Labels,
  type NodeRecord,
  type NodeSelector,
  type Taint,
  type Toleration,
} from '../../../core/model/index.ts';

/**
 * What of a pod's rules a node decides alone: tolerations, and node selector with required node affinity. Verdicts are kept by node kind: nodes
 * that differ in nothing but name and host name label are of one kind.
 */

/** What rules look at in a node. */
export type NodeFace = Pick<NodeRecord, 'name' | 'labels' | 'taints' | 'unschedulable'>;

/** Number of a node kind, dense from 0. */
export type NodeKindId = number;

const hostname = 'kubernetes.io/hostname';
const cordonTaint: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

/** Tolerations that are equal are one object. */
export interface TolerationRule {
  readonly tolerations: readonly Toleration[];
  /** By node kind: 0 not looked at, else 1 plus {@link notCordoned} and {@link notTainted} bits. */
  verdicts: Uint8Array;
}

/** Node selector and required terms; those that are equal are one object. `undefined` where a pod has neither. */
export interface SelectionRule {
  readonly nodeSelector: Labels;
  readonly required: NodeSelector | undefined;
  /** It reads the node's name or host name: there is no verdict of a kind. */
  readonly byName: boolean;
  /** Terms name nodes that contradict each other: no node will do ("pod affinity terms conflict"). */
  readonly conflicting: boolean;
  /** By node kind: 0 not looked at, 1 no, 2 yes. */
  verdicts: Uint8Array;
}

const cordonBit = 1;
const taintBit = 2;

/** Whether a node has anything that a pod must tolerate; kinds need not be known for those that have nothing. */
export function isPlain(node: NodeFace): boolean {
  return !node.unschedulable && !node.taints.some(blocks);
}

function blocks({ effect }: Taint): boolean {
  return effect === 'NoSchedule' || effect === 'NoExecute';
}

/** Text that is equal for nodes of one kind. */
export function kindText({ labels, taints, unschedulable }: NodeFace): string {
  const keys = Object.keys(labels).filter((key) => key !== hostname);
  const blocking = taints.filter(blocks).map(({ key, value = '', effect }) => [key, value, effect]);
  return JSON.stringify([unschedulable, blocking, keys.toSorted().map((key) => [key, labels[key]])]);
}

/** What a pod does not tolerate in a node of the kind: 0 nothing, else the bits of {@link isCordonBit}. */
export function intolerance(rule: TolerationRule, kind: NodeKindId, node: NodeFace): number {
  const known = rule.verdicts[kind] ?? 0;
  if (known > 0) return known - 1;
  const cordoned = node.unschedulable && !rule.tolerations.some((toleration) => tolerates(toleration, cordonTaint));
  const tainted = untoleratedTaint(node.taints, rule.tolerations) !== undefined;
  const verdict = (cordoned ? cordonBit : 0) + (tainted ? taintBit : 0);
  rule.verdicts = withVerdict(rule.verdicts, kind, verdict + 1);
  return verdict;
}

/** Whether the bits of {@link intolerance} hold an untolerated taint. */
export function isTaintBit(verdict: number): boolean {
  return (verdict & taintBit) !== 0;
}

/** Whether they hold an untolerated cordon. */
export function isCordonBit(verdict: number): boolean {
  return (verdict & cordonBit) !== 0;
}

/** Whether a rule that does not look at names selects nodes of the kind. */
export function selectsKind(rule: SelectionRule, kind: NodeKindId, node: NodeFace): boolean {
  const known = rule.verdicts[kind] ?? 0;
  if (known > 0) return known === 2;
  const verdict = selects(rule, node);
  rule.verdicts = withVerdict(rule.verdicts, kind, verdict ? 2 : 1);
  return verdict;
}

export function selects({ nodeSelector, required }: SelectionRule, node: NodeFace): boolean {
  return matchesNodeLabels(nodeSelector, node) && (required === undefined || matchesNodeSelector(required, node));
}

function withVerdict(verdicts: Uint8Array, kind: NodeKindId, verdict: number): Uint8Array {
  let kept = verdicts;
  if (kind >= kept.length) {
    kept = new Uint8Array(Math.max(kind + 1, kept.length * 2));
    kept.set(verdicts);
  }
  kept[kind] = verdict;
  return kept;
}

/** The rule of a pod's node selector and required terms; `undefined` when it has neither. */
export function selectionRule(nodeSelector: Labels, required: NodeSelector | null | undefined): SelectionRule | undefined {
  if (Object.keys(nodeSelector).length === 0 && (required === undefined || required === null)) return undefined;
  const terms = required?.nodeSelectorTerms ?? [];
  const byName =
    Object.hasOwn(nodeSelector, hostname) ||
    terms.some(
      ({ matchExpressions, matchFields }) =>
        (matchFields ?? []).length > 0 || (matchExpressions ?? []).some((requirement) => requirement.key === hostname),
    );
  return { nodeSelector, required: required ?? undefined, byName, conflicting: isConflicting(required), verdicts: new Uint8Array(4) };
}

/** Every term names nodes by field, and none of the terms a node that all of its fields allow (NodeAffinity's PreFilter). */
function isConflicting(required: NodeSelector | null | undefined): boolean {
  const terms = required?.nodeSelectorTerms ?? [];
  if (terms.length === 0) return false;
  return terms.every(({ matchFields }) => {
    const lists = (matchFields ?? [])
      .filter(({ key, operator }) => key === 'metadata.name' && operator === 'In')
      .map(({ values }) => values ?? []);
    const [first, ...rest] = lists;
    return first !== undefined && !first.some((name) => rest.every((names) => names.includes(name)));
  });
}
