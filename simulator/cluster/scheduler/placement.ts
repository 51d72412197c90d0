import type { Random } from '../../../core/model/clock.ts';
import type { LabelMatcher } from '../controllers/runtime/label-selector.ts';
import { type Cycle, filterByCycle, filterNode, isLocal, tryPod } from './cycle.ts';
import type { NamespaceLabels } from './filters/inter-pod-affinity.ts';
import { notPinned, pinConflict } from './filters/node-affinity.ts';
import type { Rejection } from './filters/rejection.ts';
import { cloneNode, filterByShape, type NodeInfo } from './node-info.ts';
import type { NodeTable } from './node-table.ts';
import type { Nominations } from './nominations.ts';
import type { PodInfo, PodShape, SpreadConstraint } from './pod-info.ts';
import { addInterPodScores } from './scores/inter-pod-score.ts';
import { addPreferenceScores, hasPreferences } from './scores/preference-score.ts';
import { resourceScore } from './scores/resource-score.ts';
import { createSpreadScorer, defaultSpread } from './scores/spread-score.ts';

/** Why no node took a pod. */
export interface Diagnosis {
  /** Said before any node was looked at; stands alone in the message. */
  readonly everywhere: Rejection | undefined;
  readonly byNode: ReadonlyMap<NodeInfo, Rejection>;
}

export type Placement = { readonly node: NodeInfo } | { readonly diagnosis: Diagnosis };

export interface PlacerInput {
  readonly table: NodeTable;
  readonly random: Random;
  readonly nominations: Nominations;
  readonly namespaceLabels: NamespaceLabels;
  /** The selector of the set that owns the pod, for default spreading; nothing for pods of other owners. */
  readonly ownerSelector: (pod: PodInfo) => LabelMatcher | undefined;
}

/** Results of the shape's filters and resource score by node index, brought up to date from the table's changes. */
interface ShapeResults {
  position: number;
  readonly rejections: (Rejection | undefined)[];
  scores: Float64Array;
}

const noConstraints: readonly SpreadConstraint[] = [];

/** Shapes whose results are kept; the least recently used goes. */
const keptShapes = 128;

/** Finds the best node for a pod among all of them; equals are drawn by lot. */
export function createPlacer(input: PlacerInput): (cycle: Cycle) => Placement {
  const { table, random, nominations } = input;
  const results = new Map<PodShape, ShapeResults>();
  const spreadScores = createSpreadScorer(table);

  const resultsFor = (pod: PodInfo): ShapeResults => {
    const { shape } = pod;
    let found = results.get(shape);
    if (found === undefined) found = { position: -1, rejections: [], scores: new Float64Array(table.nodes.length) };
    results.delete(shape);
    results.set(shape, found);
    if (results.size > keptShapes)
      for (const oldest of results.keys()) {
        results.delete(oldest);
        break;
      }
    refresh(found, pod);
    return found;
  };
  const refresh = (found: ShapeResults, pod: PodInfo): void => {
    if (found.scores.length < table.nodes.length) {
      const grown = new Float64Array(table.nodes.length * 2);
      grown.set(found.scores);
      found.scores = grown;
    }
    const changed = found.position < 0 ? undefined : table.changedSince(found.position);
    for (const index of changed ?? table.nodes.keys()) {
      const node = table.nodes[index];
      if (node === undefined) continue;
      found.rejections[index] = filterByShape(pod.shape, pod.requests, node);
      found.scores[index] = resourceScore(pod, node);
    }
    found.position = table.position;
  };

  /** What the nodes where pods of higher priority are expected say: the pod must fit with them and without. */
  const filterBesideNominated = (cycle: Cycle, node: NodeInfo): Rejection | undefined => {
    const expected = nominations.before(cycle.pod, node.name);
    if (expected.length === 0) return undefined;
    const copy = cloneNode(node);
    for (const pod of expected) tryPod(cycle, copy, pod, 1);
    const rejection = filterNode(cycle, copy);
    for (const pod of expected) tryPod(cycle, copy, pod, -1);
    for (const pod of expected) cycle.absent.delete(pod.key);
    return rejection;
  };

  const pickLocal = (found: ShapeResults): NodeInfo | undefined => {
    const { rejections, scores } = found;
    const { nodes } = table;
    let best: NodeInfo | undefined;
    let top = Number.NEGATIVE_INFINITY;
    let ties = 0;
    for (let index = 0; index < nodes.length; index++) {
      if (rejections[index] !== undefined) continue;
      const node = nodes[index];
      if (node === undefined) continue;
      const score = scores[index] ?? 0;
      if (score > top) {
        top = score;
        best = node;
        ties = 1;
      } else if (score === top) {
        ties += 1;
        if (random() * ties < 1) best = node;
      }
    }
    return best;
  };

  const pickScored = (cycle: Cycle, feasible: readonly NodeInfo[], found: ShapeResults): NodeInfo | undefined => {
    if (feasible.length === 1) return feasible[0];
    const { pod } = cycle;
    const totals = new Float64Array(feasible.length);
    for (let at = 0; at < feasible.length; at++) totals[at] = found.scores[feasible[at]?.index ?? 0] ?? 0;
    if (hasPreferences(pod.shape, softTaints())) addPreferenceScores(pod.shape, feasible, totals);
    const constraints = softConstraints(pod);
    const requireAll = pod.group.ownSpread;
    if (constraints.length > 0) spreadScores(pod, feasible, { constraints, requireAll, totals });
    addInterPodScores(pod, table, feasible, { namespaceLabels: input.namespaceLabels, totals });
    return draw(feasible, totals, random);
  };
  const defaults = new WeakMap<LabelMatcher, readonly SpreadConstraint[]>();
  const softConstraints = (pod: PodInfo): readonly SpreadConstraint[] => {
    if (pod.group.ownSpread) return pod.group.softSpread;
    const matches = input.ownerSelector(pod);
    if (matches === undefined) return noConstraints;
    let constraints = defaults.get(matches);
    if (constraints === undefined) {
      constraints = defaultSpread(matches);
      defaults.set(matches, constraints);
    }
    return constraints;
  };
  let softVersion = -1;
  let softFound = false;
  const softTaints = (): boolean => {
    if (softVersion !== table.topologyVersion) {
      softVersion = table.topologyVersion;
      softFound = table.nodes.some((node) => node?.taints.some(({ effect }) => effect === 'PreferNoSchedule') === true);
    }
    return softFound;
  };

  const needsScores = (pod: PodInfo): boolean =>
    hasPreferences(pod.shape, softTaints()) || softConstraints(pod).length > 0 || pod.group.preferred.length > 0 || table.affine.size > 0;

  /** The nodes that pass; reasons are collected only when none does. */
  const sift = (cycle: Cycle, found: ShapeResults): NodeInfo[] => {
    const awaited = new Set(nominations.nodes());
    const alone = isLocal(cycle) && awaited.size === 0;
    const { nodes } = table;
    const feasible: NodeInfo[] = [];
    for (let index = 0; index < nodes.length; index++) {
      const node = nodes[index];
      if (node === undefined || found.rejections[index] !== undefined) continue;
      if (alone || rejectionOf(cycle, node, awaited) === undefined) feasible.push(node);
    }
    return feasible;
  };
  const rejectionOf = (cycle: Cycle, node: NodeInfo, awaited: ReadonlySet<string>): Rejection | undefined =>
    filterByCycle(cycle, node) ?? (awaited.has(node.name) ? filterBesideNominated(cycle, node) : undefined);

  const diagnose = (cycle: Cycle, found: ShapeResults): Diagnosis => {
    const awaited = new Set(nominations.nodes());
    const byNode = new Map<NodeInfo, Rejection>();
    for (const node of table.nodes) {
      if (node === undefined) continue;
      const rejection = found.rejections[node.index] ?? rejectionOf(cycle, node, awaited);
      if (rejection !== undefined) byNode.set(node, rejection);
    }
    return { everywhere: undefined, byNode };
  };

  const placePinned = (cycle: Cycle, pinned: ReadonlySet<string>): Placement => {
    const byNode = new Map<NodeInfo, Rejection>();
    const feasible: NodeInfo[] = [];
    for (const name of pinned) {
      const node = table.byName(name);
      if (node === undefined) continue;
      const rejection = filterNode(cycle, node) ?? filterBesideNominated(cycle, node);
      if (rejection === undefined) feasible.push(node);
      else byNode.set(node, rejection);
    }
    const node =
      feasible.length <= 1
        ? feasible[0]
        : draw(
            feasible,
            Float64Array.from(feasible, (each) => resourceScore(cycle.pod, each)),
            random,
          );
    if (node !== undefined) return { node };
    for (const other of table.nodes) if (other !== undefined && !byNode.has(other)) byNode.set(other, notPinned);
    return { diagnosis: { everywhere: undefined, byNode } };
  };

  /** The node whose room was freed for the pod, if it fits there now. */
  const placeNominated = (cycle: Cycle): NodeInfo | undefined => {
    const node = table.byName(nominations.nodeOf(cycle.pod.key) ?? '');
    return node === undefined || (filterNode(cycle, node) ?? filterBesideNominated(cycle, node)) !== undefined ? undefined : node;
  };

  return (cycle) => {
    const { pod } = cycle;
    const everywhere = cycle.volumes?.everywhere ?? (pod.shape.pinned?.size === 0 ? pinConflict : undefined);
    if (everywhere !== undefined) return { diagnosis: { everywhere, byNode: new Map() } };
    if (pod.shape.pinned !== undefined) return placePinned(cycle, pod.shape.pinned);
    const nominated = placeNominated(cycle);
    if (nominated !== undefined) return { node: nominated };
    const found = resultsFor(pod);
    const plain = isLocal(cycle) && nominations.nodes()[Symbol.iterator]().next().done === true;
    if (plain && !needsScores(pod)) {
      const node = pickLocal(found);
      if (node !== undefined) return { node };
    }
    const node = pickScored(cycle, sift(cycle, found), found);
    return node === undefined ? { diagnosis: diagnose(cycle, found) } : { node };
  };
}

/** The best of the nodes; equals are drawn by lot. */
function draw(nodes: readonly NodeInfo[], totals: Float64Array, random: Random): NodeInfo | undefined {
  let best: NodeInfo | undefined;
  let top = Number.NEGATIVE_INFINITY;
  let ties = 0;
  for (let at = 0; at < nodes.length; at++) {
    const node = nodes[at];
    const score = totals[at] ?? 0;
    if (score > top) {
      top = score;
      best = node;
      ties = 1;
    } else if (score === top) {
      ties += 1;
      if (random() * ties < 1) best = node;
    }
  }
  return best;
}
