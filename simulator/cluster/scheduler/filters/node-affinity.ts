import type { Affinity, NodeSelectorRequirement, NodeSelectorTerm } from '../../controllers/kinds.ts';
import type { Labels } from '../../controllers/runtime/label-selector.ts';
import { type Rejection, rejection } from './rejection.ts';

/** What node selectors look at. */
export interface NodeFace {
  readonly name: string;
  readonly labels: Labels;
}

export type NodeMatcher = (node: NodeFace) => boolean;

const mismatch = rejection('NodeAffinity', ["node(s) didn't match Pod's node affinity/selector"], true);

const integer = /^[+-]?\d{1,19}$/;

function compileRequirement({ key, operator, values = [] }: NodeSelectorRequirement): (value: string | undefined) => boolean {
  switch (operator) {
    case 'In':
      return (value) => value !== undefined && values.includes(value);
    case 'NotIn':
      return (value) => value === undefined || !values.includes(value);
    case 'Exists':
      return (value) => value !== undefined;
    case 'DoesNotExist':
      return (value) => value === undefined;
    case 'Gt':
    case 'Lt':
      return compileComparison(operator, values);
    default:
      throw new TypeError(`unknown node selector operator ${operator} for key ${key}`);
  }
}

function compileComparison(operator: 'Gt' | 'Lt', values: readonly string[]): (value: string | undefined) => boolean {
  const [bound] = values;
  if (values.length !== 1 || bound === undefined || !integer.test(bound)) throw new TypeError(`${operator} needs one integer`);
  const limit = BigInt(bound.replace('+', ''));
  return (value) => {
    if (value === undefined || !integer.test(value)) return false;
    const figure = BigInt(value.replace('+', ''));
    return operator === 'Gt' ? figure > limit : figure < limit;
  };
}

/** A term: all of its expressions and fields. One without either matches nothing; so does one that cannot be read. */
export function compileTerm(term: NodeSelectorTerm): NodeMatcher {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  if (expressions.length === 0 && fields.length === 0) return () => false;
  try {
    const onLabels = expressions.map((requirement) => ({ key: requirement.key, matches: compileRequirement(requirement) }));
    const onName = fields.map((requirement) => ({ known: requirement.key === 'metadata.name', matches: compileRequirement(requirement) }));
    return (node) => {
      for (const { key, matches } of onLabels) if (!matches(node.labels[key])) return false;
      for (const { known, matches } of onName) if (!matches(known ? node.name : undefined)) return false;
      return true;
    };
  } catch {
    return () => false;
  }
}

/** Terms are alternatives; no terms at all match nothing. */
export function compileTerms(terms: readonly NodeSelectorTerm[]): NodeMatcher {
  const compiled = terms.map(compileTerm);
  return (node) => compiled.some((matches) => matches(node));
}

/** `nodeSelector` and required node affinity together; nothing when the pod has neither. */
export function compileNodeRequirements(
  nodeSelector: Readonly<Record<string, string>> | undefined,
  affinity: Affinity | undefined,
): NodeMatcher | undefined {
  const labels = Object.entries(nodeSelector ?? {});
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (labels.length === 0 && required === undefined) return undefined;
  const matches = required === undefined ? undefined : compileTerms(required.nodeSelectorTerms ?? []);
  return (node) => {
    for (const [key, value] of labels) if (node.labels[key] !== value) return false;
    return matches === undefined || matches(node);
  };
}

/**
 * The nodes that the required terms name by `metadata.name`: only these need a look. `undefined`: any node may do. An empty set: the
 * terms contradict each other, no node will ever do (upstream: "pod affinity terms conflict").
 */
export function pinnedNodes(affinity: Affinity | undefined): ReadonlySet<string> | undefined {
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  if (terms.length === 0) return undefined;
  const names = new Set<string>();
  for (const term of terms) {
    const lists = (term.matchFields ?? []).filter((field) => field.key === 'metadata.name' && field.operator === 'In');
    const [first, ...rest] = lists.map((field) => field.values ?? []);
    if (first === undefined) return undefined;
    for (const name of first) if (rest.every((values) => values.includes(name))) names.add(name);
  }
  return names;
}

export function filterNodeAffinity(node: NodeFace, requirements: NodeMatcher | undefined): Rejection | undefined {
  return requirements === undefined || requirements(node) ? undefined : mismatch;
}

/** What a node outside {@link pinnedNodes} is rejected with: the text that upstream gives nodes that a PreFilter ruled out. */
export const notPinned = rejection('NodeAffinity', ["node(s) didn't satisfy plugin(s) [NodeAffinity]"], true);
export const pinConflict = rejection('NodeAffinity', ['pod affinity terms conflict'], true);

/** The sum of the weights of the preferred terms that match. */
export function compilePreferences(affinity: Affinity | undefined): ((node: NodeFace) => number) | undefined {
  const preferred = affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  const terms = preferred
    .filter(({ weight }) => weight !== 0)
    .map(({ weight, preference }) => ({ weight, matches: compileTerm(preference) }));
  if (terms.length === 0) return undefined;
  return (node) => terms.reduce((total, { weight, matches }) => total + (matches(node) ? weight : 0), 0);
}
