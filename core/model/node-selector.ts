import type { Labels } from './selector.ts';
import { compareIntegers } from './selector.ts';

export interface NodeSelectorRequirement {
  readonly key: string;
  /** In, NotIn, Exists, DoesNotExist, Gt or Lt; any other matches no node. */
  readonly operator: string;
  readonly values?: readonly string[] | null | undefined;
}

export interface NodeSelectorTerm {
  readonly matchExpressions?: readonly NodeSelectorRequirement[] | null | undefined;
  /** Only `metadata.name` is a field that can be selected. */
  readonly matchFields?: readonly NodeSelectorRequirement[] | null | undefined;
}

export interface NodeSelector {
  readonly nodeSelectorTerms: readonly NodeSelectorTerm[];
}

/** The two facts about a node that selectors read; a template of a node that does not exist yet has them too. */
export interface SelectableNode {
  readonly name: string;
  readonly labels: Labels;
}

/** Whether a node meets one of the terms. No terms match no node; nor does a term that requires nothing (as upstream). */
export function matchesNodeSelector(selector: NodeSelector, node: SelectableNode): boolean {
  return selector.nodeSelectorTerms.some((term) => matchesNodeTerm(term, node));
}

/** Whether a node meets every requirement of a term; an empty term matches no node. */
export function matchesNodeTerm(term: NodeSelectorTerm, node: SelectableNode): boolean {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  if (expressions.length === 0 && fields.length === 0) return false;
  return (
    expressions.every((requirement) => meets(requirement, labelOf(node.labels, requirement.key))) &&
    fields.every((field) => meetsField(field, node))
  );
}

/** The plain `nodeSelector` map: every pair must be a label of the node. */
export function matchesNodeLabels(pairs: Labels, node: SelectableNode): boolean {
  return Object.entries(pairs).every(([key, value]) => labelOf(node.labels, key) === value);
}

function labelOf(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

function meetsField(requirement: NodeSelectorRequirement, node: SelectableNode): boolean {
  if (requirement.key !== 'metadata.name') return false;
  const named = requirement.operator === 'In' || requirement.operator === 'NotIn';
  return named && (requirement.values ?? []).length === 1 && meets(requirement, node.name);
}

function meets({ operator, values: given }: NodeSelectorRequirement, value: string | undefined): boolean {
  const values = given ?? [];
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return value !== undefined && values.length === 1 && compareIntegers(value, values[0]) > 0;
    case 'Lt':
      return value !== undefined && values.length === 1 && compareIntegers(value, values[0]) < 0;
    default:
      return false;
  }
}
