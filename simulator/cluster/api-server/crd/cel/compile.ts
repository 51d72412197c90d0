import type { Environment, ParseResult } from '@marcbachmann/cel-js';
import { ConcertinaError } from '../../../../../core/errors.ts';

export interface CompiledExpression {
  /** The result type as CEL names it. */
  readonly type: string;
  /** Names of the top-level variables that it uses. */
  readonly variables: ReadonlySet<string>;
  /** Throws an `Error` with CEL's words (`No such key: x`, `division by zero`). */
  evaluate(context: Readonly<Record<string, unknown>>): unknown;
}

interface Node {
  readonly op: string;
  readonly args: unknown;
  readonly meta: { readonly macro?: Macro; readonly alternate?: unknown };
}

interface Macro {
  args?: unknown[];
  typeCheck?: (checker: Checker, macro: Macro, context: unknown) => unknown;
  evaluate?: (evaluator: Evaluator, macro: Macro, context: unknown) => unknown;
}

interface Checker {
  check(node: unknown, context: unknown): unknown;
  getType(name: string): unknown;
}

interface Evaluator {
  run(node: unknown, context: unknown): unknown;
}

/** Parses and type-checks; throws `POLICY_INVALID` with CEL's complaint. */
export function compileExpression(env: Environment, expression: string): CompiledExpression {
  let parsed: ParseResult;
  try {
    parsed = env.parse(expression);
  } catch (error) {
    throw complaint(expression, error);
  }
  const variables = new Set<string>();
  visit(parsed.ast, (node) => {
    if (node.op === 'id' && typeof node.args === 'string') {
      // The library brings cel.bind, the API server does not.
      if (node.args === 'cel') throw complaint(expression, new Error('Unknown variable: cel'));
      variables.add(node.args);
    }
    strictHas(node);
  });
  const result = parsed.check();
  if (!result.valid || result.type === undefined) throw complaint(expression, result.error);
  return {
    type: result.type,
    variables,
    evaluate: (context) => {
      try {
        return parsed({ ...context }) as unknown;
      } catch (error) {
        throw new Error(runtimeText(summary(error)), { cause: error });
      }
    },
  };
}

/**
 * The library's `has()` takes undeclared names and only plain paths; the API server wants a declared field there as everywhere, and takes
 * any expression before the last dot (`has(self.list[0].name)`).
 */
function strictHas(node: Node): void {
  const macro = node.meta.macro;
  if (node.op !== 'call' || !Array.isArray(node.args) || node.args[0] !== 'has' || macro === undefined) return;
  const select: unknown = macro.args?.[0];
  if (!isNode(select) || select.op !== '.' || !Array.isArray(select.args)) return;
  const [operand, field] = select.args as [unknown, string];
  macro.typeCheck = (checker, _macro, context) => {
    checker.check(select, context);
    return checker.getType('bool');
  };
  macro.evaluate = (evaluator, _macro, context) => {
    const target = evaluator.run(operand, context);
    if (target instanceof Map) return target.has(field);
    return typeof target === 'object' && target !== null && Object.hasOwn(target, field);
  };
}

function visit(value: unknown, see: (node: Node) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, see);
  } else if (isNode(value)) {
    see(value);
    visit(value.args, see);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'op' in value && 'args' in value && 'meta' in value;
}

function complaint(expression: string, error: unknown): ConcertinaError {
  return new ConcertinaError(
    'POLICY_INVALID',
    `compilation failed: ERROR: ${compileText(summary(error))} in ${JSON.stringify(expression)}`,
    {
      cause: error,
    },
  );
}

/** The library's findings in the API server's words. */
function compileText(text: string): string {
  return text
    .replace(/^No such key: (.*)$/, "undefined field '$1'")
    .replace(/^Unknown variable: (.*)$/, "undeclared reference to '$1' (in container '')")
    .replace(/^no such overload: (.+?) ([=!<>]=|[-+*/%<>]|in) (.+)$/, "found no matching overload for '_$2_' applied to '($1, $3)'");
}

function runtimeText(text: string): string {
  if (/^(?:no such overload|found no matching overload)/.test(text)) return 'no such overload';
  return text
    .replace(/^No such key: index out of bounds, index (-?\d+).*$/, 'index out of bounds: $1')
    .replace(/^No such key: /, 'no such key: ');
}

/** The first line: the library adds a drawing of the place below. */
function summary(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n')[0] ?? text;
}
