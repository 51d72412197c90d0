import type { Matchers } from '../storage/matcher.ts';

export type ValueType = 'scalar' | 'instant vector' | 'range vector' | 'string';

/** Where an expression stands in its text: offsets of UTF-16 units. */
interface Placed {
  readonly from: number;
  readonly to: number;
}

export interface NumberLiteral extends Placed {
  readonly kind: 'number';
  readonly value: number;
}

export interface StringLiteral extends Placed {
  readonly kind: 'string';
  readonly value: string;
}

/** What moves the time of a selector. */
export interface TimeShift {
  /** Milliseconds back. */
  readonly offset: number | undefined;
  /** `@`: epoch milliseconds, or the bounds of the query. */
  readonly at: number | 'start' | 'end' | undefined;
}

export const unshifted: TimeShift = { offset: undefined, at: undefined };

export interface VectorSelector extends Placed {
  readonly kind: 'selector';
  readonly name: string;
  readonly matchers: Matchers;
  readonly shift: TimeShift;
}

export interface MatrixSelector extends Placed {
  readonly kind: 'matrix';
  readonly selector: VectorSelector;
  readonly rangeMs: number;
}

export interface Subquery extends Placed {
  readonly kind: 'subquery';
  readonly expression: Expression;
  readonly rangeMs: number;
  /** undefined: the server's evaluation interval. */
  readonly stepMs: number | undefined;
  readonly shift: TimeShift;
}

export interface Call extends Placed {
  readonly kind: 'call';
  readonly name: string;
  readonly args: readonly Expression[];
}

export interface Grouping {
  readonly without: boolean;
  readonly labels: readonly string[];
}

export interface Aggregation extends Placed {
  readonly kind: 'aggregation';
  readonly name: string;
  readonly expression: Expression;
  readonly parameter: Expression | undefined;
  readonly grouping: Grouping;
}

export interface VectorMatching {
  /** `on` (true) or `ignoring`. */
  readonly on: boolean;
  readonly labels: readonly string[];
  readonly card: 'one-to-one' | 'many-to-one' | 'one-to-many';
  /** Labels that the many side takes over from the one side. */
  readonly include: readonly string[];
}

export interface Binary extends Placed {
  readonly kind: 'binary';
  readonly operator: string;
  readonly operatorFrom: number;
  readonly left: Expression;
  readonly right: Expression;
  readonly bool: boolean;
  /** undefined: not written. */
  readonly matching: VectorMatching | undefined;
}

export interface Unary extends Placed {
  readonly kind: 'unary';
  readonly operator: '+' | '-';
  readonly expression: Expression;
}

export interface Parentheses extends Placed {
  readonly kind: 'parentheses';
  readonly expression: Expression;
}

export type Expression =
  NumberLiteral | StringLiteral | VectorSelector | MatrixSelector | Subquery | Call | Aggregation | Binary | Unary | Parentheses;

export const comparisonOperators: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>=']);
export const setOperators: ReadonlySet<string> = new Set(['and', 'or', 'unless']);

/** The expression inside any number of parentheses. */
export function unwrapped(expression: Expression): Exclude<Expression, Parentheses> {
  let inner = expression;
  while (inner.kind === 'parentheses') inner = inner.expression;
  return inner;
}

/** A text that is no query: where and why, as Prometheus says it. */
export class PromqlSyntaxError extends Error {
  constructor(query: string, at: number, why: string) {
    super(`${lineAndColumn(query, at)}: parse error: ${why}`);
    this.name = 'PromqlSyntaxError';
  }
}

/** Line and column from one on; columns count bytes. */
function lineAndColumn(query: string, at: number): string {
  const before = query.slice(0, at);
  const lineStart = before.lastIndexOf('\n') + 1;
  const line = before.split('\n').length;
  return `${line}:${Buffer.byteLength(before.slice(lineStart)) + 1}`;
}
