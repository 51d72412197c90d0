import type { SyntaxNode } from '@lezer/common';

/** What a query answers with. */
export type ResultKind = 'vector' | 'matrix' | 'scalar' | 'string';

const kinds: Readonly<Record<string, ResultKind>> = {
  NumberDurationLiteral: 'scalar',
  StringLiteral: 'string',
  MatrixSelector: 'matrix',
  SubqueryExpr: 'matrix',
};

/** Expressions that are of the kind of what they are made of. */
const wrappers: ReadonlySet<string> = new Set(['PromQL', 'ParenExpr', 'OffsetExpr', 'StepInvariantExpr', 'AnchoredExpr', 'SmoothedExpr']);

const scalarFunctions: ReadonlySet<string> = new Set(['Scalar', 'Time', 'Pi', 'StartFn', 'EndFn', 'Range', 'Step']);

/** The kind of an expression's value, from its syntax alone. */
export function kindOf(node: SyntaxNode): ResultKind {
  const kind = kinds[node.name];
  if (kind !== undefined) return kind;
  const [first, last] = operands(node);
  if (first === undefined || last === undefined) return 'vector';
  if (wrappers.has(node.name)) return kindOf(first);
  if (node.name === 'UnaryExpr') return kindOf(last);
  if (node.name === 'FunctionCall') return scalarFunctions.has(first.firstChild?.name ?? '') ? 'scalar' : 'vector';
  return node.name === 'BinaryExpr' && kindOf(first) === 'scalar' && kindOf(last) === 'scalar' ? 'scalar' : 'vector';
}

/** Left and right side of a binary expression; first and last child of any. */
export function operands(node: SyntaxNode): [SyntaxNode | undefined, SyntaxNode | undefined] {
  return [node.firstChild ?? undefined, node.lastChild ?? undefined];
}
