import { PromqlSyntaxError, comparisonOperators, setOperators } from './ast.ts';
import type { Aggregation, Binary, Call, Expression, ValueType } from './ast.ts';
import { aggregations, signatures } from './signatures.ts';
import type { Signature } from './signatures.ts';

/** Whether every part has the type that its place wants; answers the type of the whole. Throws {@link PromqlSyntaxError} in Prometheus' words. */
export function checkTypes(query: string, expression: Expression): ValueType {
  return new Checker(query).check(expression);
}

class Checker {
  readonly #query: string;

  constructor(query: string) {
    this.#query = query;
  }

  check(expression: Expression): ValueType {
    switch (expression.kind) {
      case 'number':
        return 'scalar';
      case 'string':
        return 'string';
      case 'selector':
        return this.#selector(expression);
      case 'matrix':
        this.#selector(expression.selector);
        return 'range vector';
      case 'subquery': {
        const type = this.check(expression.expression);
        const shown = type === 'range vector' ? 'matrix' : type;
        if (type !== 'instant vector') this.#fail(expression.from, `subquery is only allowed on instant vector, got ${shown} instead`);
        return 'range vector';
      }
      case 'parentheses':
        return this.check(expression.expression);
      case 'unary': {
        const type = this.check(expression.expression);
        if (type === 'scalar' || type === 'instant vector') return type;
        return this.#fail(expression.from, `unary expression only allowed on expressions of type scalar or instant vector, got "${type}"`);
      }
      case 'call':
        return this.#call(expression);
      case 'aggregation':
        return this.#aggregation(expression);
      case 'binary':
        return this.#binary(expression);
    }
  }

  #fail(at: number, why: string): never {
    throw new PromqlSyntaxError(this.#query, at, why);
  }

  #expect(expression: Expression, wanted: ValueType, context: string): void {
    const type = this.check(expression);
    if (type !== wanted) this.#fail(expression.from, `expected type ${wanted} in ${context}, got ${type}`);
  }

  #selector(selector: Extract<Expression, { kind: 'selector' }>): ValueType {
    if (selector.name === '' && selector.matchers.every((matcher) => matcher.matches(''))) {
      this.#fail(selector.from, 'vector selector must contain at least one non-empty matcher');
    }
    return 'instant vector';
  }

  #call(call: Call): ValueType {
    const signature = signatures.get(call.name);
    if (signature === undefined) return this.#fail(call.from, `unknown function with name "${call.name}"`);
    this.#countArguments(call, signature);
    for (const [index, argument] of call.args.entries()) {
      this.#expect(argument, signature.args[index] ?? signature.args.at(-1) ?? 'scalar', `call to function "${call.name}"`);
    }
    return signature.returns;
  }

  #countArguments({ name, args, from }: Call, { args: wanted, variadic }: Signature): void {
    const got = args.length;
    if (variadic === undefined) {
      if (got !== wanted.length) this.#fail(from, `expected ${wanted.length} argument(s) in call to "${name}", got ${got}`);
      return;
    }
    const least = wanted.length - 1;
    if (got < least) this.#fail(from, `expected at least ${least} argument(s) in call to "${name}", got ${got}`);
    const most = least + variadic;
    if (variadic > 0 && got > most) this.#fail(from, `expected at most ${most} argument(s) in call to "${name}", got ${got}`);
  }

  #aggregation({ name, expression, parameter }: Aggregation): ValueType {
    this.#expect(expression, 'instant vector', 'aggregation expression');
    const wanted = aggregations.get(name);
    if (parameter !== undefined && wanted !== undefined) this.#expect(parameter, wanted, 'aggregation parameter');
    return 'instant vector';
  }

  #binary(binary: Binary): ValueType {
    const { operator, operatorFrom, left, right, bool, matching } = binary;
    const leftType = this.check(left);
    const rightType = this.check(right);
    const scalars = leftType === 'scalar' && rightType === 'scalar';
    const compares = comparisonOperators.has(operator);
    if (bool && !compares) this.#fail(operatorFrom, 'bool modifier can only be used on comparison operators');
    if (compares && !bool && scalars) this.#fail(operatorFrom, 'comparisons between scalars must use BOOL modifier');
    const shared = matching?.on === true ? matching.labels.find((label) => matching.include.includes(label)) : undefined;
    if (shared !== undefined) this.#fail(operatorFrom, `label "${shared}" must not occur in ON and GROUP clause at once`);
    for (const [side, type] of [
      [left, leftType],
      [right, rightType],
    ] as const) {
      if (type !== 'scalar' && type !== 'instant vector') {
        this.#fail(side.from, 'binary expression must contain only scalar and instant vector types');
      }
    }
    this.#matching(binary, leftType === 'instant vector' && rightType === 'instant vector');
    return scalars ? 'scalar' : 'instant vector';
  }

  #matching({ operator, from, matching }: Binary, vectors: boolean): void {
    const isSet = setOperators.has(operator);
    if (!vectors && matching !== undefined && matching.labels.length > 0) {
      this.#fail(from, 'vector matching only allowed between instant vectors');
    }
    if (vectors && isSet && matching !== undefined && matching.card !== 'one-to-one') {
      this.#fail(from, `no grouping allowed for "${operator}" operation`);
    }
    if (!vectors && isSet) this.#fail(from, `set operator "${operator}" not allowed in binary scalar expression`);
  }
}
