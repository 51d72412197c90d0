import { Environment, type ParseResult } from '@marcbachmann/cel-js';
import { messageOf } from '../core/errors.ts';
import { Quantity } from '../core/units/index.ts';
import type { DeviceAttribute, DeviceRecord, DeviceSelector } from './engine/scheduling/devices/model.ts';
import { compareSemver, parseSemver, Semver } from './semver.ts';

/**
 * Selectors of devices (CEL of resource.k8s.io/v1 as of Kubernetes 1.36), compiled once. An expression with functions that are not known here, or
 * with a device of which a value is not understood, is a problem, never a no.
 */
export function createDeviceSelectors(): (expression: string) => DeviceSelector {
  const env = deviceEnvironment();
  const compiled = new Map<string, DeviceSelector>();
  return (expression) => {
    let selector = compiled.get(expression);
    if (selector === undefined) {
      // Expressions come and go with claims; those in use are soon compiled again.
      if (compiled.size >= mostExpressions) compiled.clear();
      compiled.set(expression, (selector = compile(env, expression)));
    }
    return selector;
  };
}

const mostExpressions = 4096;
const quantity = 'kubernetes.Quantity';
const semver = 'kubernetes.Semver';

function deviceEnvironment(): Environment {
  const env = new Environment({ enableOptionalTypes: true, homogeneousAggregateLiterals: false });
  registerQuantities(env);
  registerSemvers(env);
  env.registerType('kubernetes.DRADevice', {
    ctor: CelDevice,
    fields: {
      driver: 'string',
      allowMultipleAllocations: 'bool',
      attributes: 'map<string, map<string, dyn>>',
      capacity: `map<string, map<string, ${quantity}>>`,
    },
  });
  env.registerVariable('device', 'kubernetes.DRADevice');
  return env;
}

type Method = (signature: string, handler: (...args: never[]) => unknown) => void;

function methodsOf(env: Environment): Method {
  return (signature, handler) => {
    env.registerFunction(signature, handler as (...args: unknown[]) => unknown, { async: false });
  };
}

function registerQuantities(env: Environment): void {
  const method = methodsOf(env);
  env.registerType(quantity, { ctor: Quantity, fields: {} });
  env.registerOperator(`${quantity} == ${quantity}`, (a: Quantity, b: Quantity) => a.cmp(b) === 0);
  method('isQuantity(string): bool', (text: string) => Quantity.tryParse(text) !== undefined);
  method(`quantity(string): ${quantity}`, (text: string) => Quantity.parse(text));
  method(`sign(${quantity}): int`, (value: Quantity) => BigInt(value.sign));
  method(`${quantity}.add(${quantity}): ${quantity}`, (a: Quantity, b: Quantity) => a.add(b));
  method(`${quantity}.sub(${quantity}): ${quantity}`, (a: Quantity, b: Quantity) => a.sub(b));
  method(`${quantity}.isGreaterThan(${quantity}): bool`, (a: Quantity, b: Quantity) => a.cmp(b) > 0);
  method(`${quantity}.isLessThan(${quantity}): bool`, (a: Quantity, b: Quantity) => a.cmp(b) < 0);
  method(`${quantity}.compareTo(${quantity}): int`, (a: Quantity, b: Quantity) => BigInt(a.cmp(b)));
  method(`${quantity}.asApproximateFloat(): double`, (value: Quantity) => value.toNumber());
}

function registerSemvers(env: Environment): void {
  const method = methodsOf(env);
  env.registerType(semver, { ctor: Semver, fields: {} });
  env.registerOperator(`${semver} == ${semver}`, (a: Semver, b: Semver) => compareSemver(a, b) === 0);
  method('isSemver(string): bool', (text: string) => parseSemver(text) !== undefined);
  method(`semver(string): ${semver}`, (text: string) => semverOf(text));
  method(`${semver}.major(): int`, ({ numbers }: Semver) => numbers[0]);
  method(`${semver}.minor(): int`, ({ numbers }: Semver) => numbers[1]);
  method(`${semver}.patch(): int`, ({ numbers }: Semver) => numbers[2]);
  method(`${semver}.isGreaterThan(${semver}): bool`, (a: Semver, b: Semver) => compareSemver(a, b) > 0);
  method(`${semver}.isLessThan(${semver}): bool`, (a: Semver, b: Semver) => compareSemver(a, b) < 0);
  method(`${semver}.compareTo(${semver}): int`, (a: Semver, b: Semver) => BigInt(compareSemver(a, b)));
}

function semverOf(text: string): Semver {
  const value = parseSemver(text);
  if (value === undefined) throw new SyntaxError(`${JSON.stringify(text)} is not a semantic version`);
  return value;
}

/** `"domain" in device.attributes` would find every domain: those that a device does not have read as empty. */
const membership = /\bin\s+device\s*\.\s*(?:attributes|capacity)\b(?!\s*[.[])/;

function compile(env: Environment, expression: string): DeviceSelector {
  if (membership.test(expression)) return { problem: `CEL ${JSON.stringify(expression)}: «in device.attributes» is not evaluated here` };
  let parsed: ParseResult;
  try {
    parsed = env.parse(expression);
  } catch (error) {
    return { problem: `CEL ${JSON.stringify(expression)}: ${firstLine(error)}` };
  }
  visit(parsed.ast, anyOperandOfHas);
  const checked = parsed.check();
  if (!checked.valid) return { problem: `CEL ${JSON.stringify(expression)}: ${firstLine(checked.error)}` };
  if (checked.type !== 'bool' && checked.type !== 'dyn') {
    return { problem: `CEL ${JSON.stringify(expression)}: must evaluate to bool, not ${checked.type ?? 'nothing'}` };
  }
  // Records of devices live as long as their slices do not change.
  const answers = new WeakMap<DeviceRecord, boolean>();
  return {
    matches: (device, driver) => {
      let answer = answers.get(device);
      if (answer === undefined) answers.set(device, (answer = evaluate(parsed, device, driver)));
      return answer;
    },
  };
}

interface AstNode {
  readonly op: string;
  readonly args: unknown;
  readonly meta: { readonly macro?: HasMacro };
}

interface HasMacro {
  readonly args?: readonly unknown[];
  typeCheck?: (
    checker: { check(node: unknown, context: unknown): unknown; getType(name: string): unknown },
    macro: HasMacro,
    context: unknown,
  ) => unknown;
  evaluate?: (evaluator: { run(node: unknown, context: unknown): unknown }, macro: HasMacro, context: unknown) => unknown;
}

function visit(value: unknown, see: (node: AstNode) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, see);
  } else if (isAstNode(value)) {
    see(value);
    visit(value.args, see);
  }
}

function isAstNode(value: unknown): value is AstNode {
  return typeof value === 'object' && value !== null && 'op' in value && 'args' in value && 'meta' in value;
}

/** The library's `has()` takes names only; here, as in the scheduler, whatever stands before the last dot: `has(device.attributes["d"].model)`. */
function anyOperandOfHas({ op, args, meta: { macro } }: AstNode): void {
  if (op !== 'call' || !Array.isArray(args) || args[0] !== 'has' || macro === undefined) return;
  const select = macro.args?.[0];
  if (!isAstNode(select) || select.op !== '.' || !Array.isArray(select.args)) return;
  const [operand, field] = select.args as [unknown, string];
  macro.typeCheck = (checker, _macro, context) => {
    checker.check(select, context);
    return checker.getType('bool');
  };
  macro.evaluate = (evaluator, _macro, context) => {
    const target = evaluator.run(operand, context);
    return target instanceof Map ? target.has(field) : typeof target === 'object' && target !== null && Object.hasOwn(target, field);
  };
}

function evaluate(parsed: ParseResult, device: DeviceRecord, driver: string): boolean {
  let answer: unknown;
  try {
    answer = parsed({ device: celDevice(device, driver) });
  } catch (error) {
    throw new Error(firstLine(error), { cause: error });
  }
  if (typeof answer !== 'boolean') throw new TypeError(`the result is ${typeof answer}, not bool`);
  return answer;
}

function firstLine(error: unknown): string {
  const text = error === undefined ? 'it does not compile' : messageOf(error);
  return text.split('\n')[0] ?? text;
}

class CelDevice {
  readonly driver: string;
  readonly allowMultipleAllocations: boolean;
  readonly attributes: ReadonlyMap<string, ReadonlyMap<string, unknown>>;
  readonly capacity: ReadonlyMap<string, ReadonlyMap<string, Quantity>>;

  constructor(device: DeviceRecord, driver: string) {
    this.driver = driver;
    this.allowMultipleAllocations = device.allowMultipleAllocations;
    this.attributes = byDomain(device.attributes, driver, celValue);
    this.capacity = byDomain(device.capacity, driver, (text) => Quantity.parse(text));
  }
}

const celDevices = new WeakMap<DeviceRecord, CelDevice>();

function celDevice(device: DeviceRecord, driver: string): CelDevice {
  let made = celDevices.get(device);
  if (made === undefined) celDevices.set(device, (made = new CelDevice(device, driver)));
  return made;
}

function celValue({ type, value }: DeviceAttribute): unknown {
  if (type === 'list') throw new TypeError('unsupported attribute value');
  return type === 'version' ? semverOf(String(value)) : value;
}

/** Names without a domain have the driver's. A domain that is not there is an empty map. */
function byDomain<T, V>(
  values: ReadonlyMap<string, T>,
  driver: string,
  convert: (value: T) => V,
): ReadonlyMap<string, ReadonlyMap<string, V>> {
  const domains = new Map<string, Map<string, V>>();
  for (const [name, value] of values) {
    const slash = name.indexOf('/');
    const domain = slash < 0 ? driver : name.slice(0, slash);
    const within = domains.get(domain) ?? new Map<string, V>();
    domains.set(domain, within.set(name.slice(slash + 1), convert(value)));
  }
  const find = domains.get.bind(domains);
  // The library goes by the constructor, so that a class of its own will not do.
  domains.get = (domain) => find(domain) ?? new Map<string, V>();
  return domains;
}
