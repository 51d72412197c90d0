import { Optional } from '@marcbachmann/cel-js';
import type { JsonSchema, ValidationRule } from '../../../../../core/kube/crd-schema.ts';
import { messageOf } from '../../../../../core/errors.ts';
import type { FieldError } from '../field-error.ts';
import { duplicate, forbidden, invalid, invalidWithoutValue, required } from '../field-error.ts';
import { asRecord, canonicalJson } from '../json-value.ts';
import { childPath } from '../schema-validation.ts';
import type { CompiledExpression } from './compile.ts';
import { compileExpression } from './compile.ts';
import type { CelType } from './declarations.ts';
import { CelTypes } from './declarations.ts';
import { kubernetesCel } from './environment.ts';

interface CompiledRule {
  readonly rule: ValidationRule;
  readonly condition: CompiledExpression;
  readonly message: CompiledExpression | undefined;
}

/** The rules of one place in a schema, and of the places below it. */
interface RuleNode {
  readonly schema: JsonSchema;
  readonly type: CelType;
  readonly rules: readonly CompiledRule[];
  readonly properties: ReadonlyMap<string, RuleNode>;
  readonly additional: RuleNode | undefined;
  readonly items: RuleNode | undefined;
}

/** All `x-kubernetes-validations` of a schema, compiled; `problems` are those that don't compile, by their place in the schema. */
export interface RuleSet {
  /** How many rules there are, compiled or not. */
  readonly count: number;
  readonly problems: readonly FieldError[];
  evaluate(value: unknown, old: unknown): FieldError[];
}

const messageLimit = 5 * 1024;

/** `schemaPath` is where the schema stands, for the problems' fields. */
export function compileRules(schema: JsonSchema, schemaPath: string): RuleSet {
  const problems: FieldError[] = [];
  const env = kubernetesCel.clone();
  const types = new CelTypes(env);
  if (hasRules(schema)) types.typeOf(schema, true);
  const compiler = { env, types, problems };
  const root = compileNode(schema, schemaPath, compiler);
  return {
    count: countRules(schema),
    problems,
    evaluate: (value, old) => (root === undefined ? [] : evaluateNode(root, { value, old, path: '' })),
  };
}

interface Compiler {
  readonly env: typeof kubernetesCel;
  readonly types: CelTypes;
  readonly problems: FieldError[];
}

function countRules(schema: JsonSchema): number {
  const below = [...Object.values(schema.properties ?? {}), schema.items, schema.additionalProperties].map((part) =>
    typeof part === 'object' ? countRules(part) : 0,
  );
  return below.reduce((total, count) => total + count, (schema['x-kubernetes-validations'] ?? []).length);
}

function hasRules(schema: JsonSchema): boolean {
  return countRules(schema) > 0;
}

/** How the server shows a rule that does not compile. */
function internalForm(rule: ValidationRule): object {
  return {
    Rule: rule.rule,
    Message: rule.message ?? '',
    MessageExpression: rule.messageExpression ?? '',
    Reason: rule.reason ?? null,
    FieldPath: rule.fieldPath ?? '',
    OptionalOldSelf: rule.optionalOldSelf ?? null,
  };
}

function compileNode(schema: JsonSchema, path: string, compiler: Compiler): RuleNode | undefined {
  if (!hasRules(schema)) return undefined;
  const type = compiler.types.typeOf(schema, false);
  // As upstream: what has no type CEL could see is left out, with everything below it.
  if (type === undefined) return undefined;
  const properties = new Map<string, RuleNode>();
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    if (typeof schema.additionalProperties === 'object') break;
    const node = compileNode(property, `${path}.properties[${key}]`, compiler);
    if (node !== undefined) properties.set(key, node);
  }
  const additional = schema.additionalProperties;
  return {
    schema,
    type,
    rules: (schema['x-kubernetes-validations'] ?? []).flatMap((rule, index) => {
      const compiled = compileRule(rule, { schema, type, path: `${path}.x-kubernetes-validations[${index}]` }, compiler);
      return compiled === undefined ? [] : [compiled];
    }),
    properties,
    additional: typeof additional === 'object' ? compileNode(additional, `${path}.additionalProperties`, compiler) : undefined,
    items: schema.items === undefined ? undefined : compileNode(schema.items, `${path}.items`, compiler),
  };
}

interface RulePlace {
  readonly schema: JsonSchema;
  readonly type: CelType;
  readonly path: string;
}

function compileRule(rule: ValidationRule, place: RulePlace, compiler: Compiler): CompiledRule | undefined {
  const { problems } = compiler;
  const before = problems.length;
  if (typeof rule.rule !== 'string' || rule.rule.trim() === '') {
    problems.push(required(`${place.path}.rule`, 'rule is not specified'));
    return undefined;
  }
  if (!isFieldPath(rule.fieldPath, place.schema)) problems.push(invalid(`${place.path}.fieldPath`, rule.fieldPath, 'must be a valid path'));
  const type = place.type.name;
  const env = compiler.env
    .clone()
    .registerVariable('self', type)
    .registerVariable('oldSelf', rule.optionalOldSelf === true ? `optional<${type}>` : type);
  const compile = (field: 'rule' | 'messageExpression', wanted: string): CompiledExpression | undefined => {
    try {
      const compiled = compileExpression(env, rule[field] ?? '');
      if (compiled.type === wanted || compiled.type === 'dyn') return compiled;
      problems.push(
        invalid(
          `${place.path}.${field}`,
          internalForm(rule),
          `${field === 'rule' ? 'cel expression' : field} must evaluate to a ${wanted}`,
        ),
      );
    } catch (error) {
      problems.push(invalid(`${place.path}.${field}`, internalForm(rule), messageOf(error)));
    }
    return undefined;
  };
  const condition = compile('rule', 'bool');
  const message = rule.messageExpression === undefined ? undefined : compile('messageExpression', 'string');
  return condition === undefined || problems.length > before ? undefined : { rule, condition, message };
}

function isFieldPath(path: string | undefined, schema: JsonSchema): boolean {
  if (path === undefined) return true;
  const steps = fieldPathSteps(path);
  if (steps === undefined) return false;
  let at: JsonSchema | undefined = schema;
  for (const step of steps) {
    const values: JsonSchema['additionalProperties'] = at.properties === undefined ? at.additionalProperties : undefined;
    at = at.properties?.[step] ?? (typeof values === 'object' ? values : undefined);
    if (at === undefined) return false;
  }
  return true;
}

/** The names in `.spec.foo['bar']`; `undefined` when it is nothing of the kind. */
function fieldPathSteps(path: string): string[] | undefined {
  const steps = [...path.matchAll(/\.([^.['\]]+)|\['((?:[^'\\]|\\.)*)'\]/gy)];
  return steps.length > 0 && steps.reduce((length, step) => length + step[0].length, 0) === path.length
    ? steps.map((step) => step[1] ?? (step[2] ?? '').replaceAll(/\\(.)/g, '$1'))
    : undefined;
}

interface Value {
  readonly value: unknown;
  readonly old: unknown;
  readonly path: string;
}

function evaluateNode(node: RuleNode, at: Value): FieldError[] {
  if (at.value === null || at.value === undefined) return [];
  return [...evaluateRules(node, at), ...evaluateMembers(node, at)];
}

function evaluateMembers(node: RuleNode, at: Value): FieldError[] {
  if (Array.isArray(at.value)) {
    const items = node.items;
    if (items === undefined) return [];
    const older = olderItems(node.schema, at.old);
    return at.value.flatMap((value, index) => evaluateNode(items, { value, old: older(value), path: `${at.path}[${index}]` }));
  }
  const record = asRecord(at.value);
  if (record === undefined) return [];
  const old = node.schema['x-kubernetes-map-type'] === 'atomic' ? undefined : asRecord(at.old);
  return Object.entries(record).flatMap(([key, value]) => {
    const property = node.properties.get(key);
    const before = old !== undefined && Object.hasOwn(old, key) ? old[key] : undefined;
    if (property !== undefined) return evaluateNode(property, { value, old: before, path: childPath(at.path, key) });
    if (node.additional === undefined || node.schema.properties?.[key] !== undefined) return [];
    return evaluateNode(node.additional, { value, old: before, path: `${at.path}[${key}]` });
  });
}

/** Only items of lists of type `map` have a former self, found by their keys. */
function olderItems(schema: JsonSchema, old: unknown): (item: unknown) => unknown {
  const keys = schema['x-kubernetes-list-map-keys'];
  if (schema['x-kubernetes-list-type'] !== 'map' || keys === undefined || !Array.isArray(old)) return () => undefined;
  const keyOf = (item: unknown): string => canonicalJson(keys.map((key) => asRecord(item)?.[key] ?? null));
  const byKey = new Map<string, unknown>(old.map((item) => [keyOf(item), item]));
  return (item) => byKey.get(keyOf(item));
}

function evaluateRules(node: RuleNode, at: Value): FieldError[] {
  if (node.rules.length === 0) return [];
  const convert = node.type.convert;
  const hasOld = at.old !== undefined && at.old !== null;
  let self: unknown;
  let oldSelf: unknown;
  try {
    self = convert(at.value);
    oldSelf = hasOld ? convert(at.old) : undefined;
  } catch (error) {
    return [invalid(at.path, node.schema.type ?? '', messageOf(error))];
  }
  return node.rules.flatMap((compiled) => {
    const transition = compiled.condition.variables.has('oldSelf');
    const optional = compiled.rule.optionalOldSelf === true;
    if (transition && !hasOld && !optional) return [];
    const older = optional ? (hasOld ? Optional.of(oldSelf) : Optional.none()) : oldSelf;
    const error = evaluateRule(
      compiled,
      { self, ...(older === undefined ? {} : { oldSelf: older }) },
      { path: at.path, type: node.schema.type ?? '', value: at.value },
    );
    return error === undefined ? [] : [error];
  });
}

/** Where a rule stands; scalars are shown in its verdict, objects and lists are not. */
interface RuleSubject {
  readonly path: string;
  readonly type: string;
  readonly value: unknown;
}

function evaluateRule(compiled: CompiledRule, context: Record<string, unknown>, at: RuleSubject): FieldError | undefined {
  const { rule } = compiled;
  try {
    if (compiled.condition.evaluate(context) === true) return undefined;
  } catch (error) {
    return evaluationFailure(rule, at, messageOf(error));
  }
  const detail = messageText(compiled, context) ?? rule.message?.trim() ?? `failed rule: ${rule.rule.trim()}`;
  return verdict(rule, at, detail);
}

function evaluationFailure(rule: ValidationRule, at: RuleSubject, text: string): FieldError {
  const words = rule.message?.trim() ?? rule.rule.trim();
  if (text.startsWith('no such overload') || text.startsWith('found no matching overload')) {
    return invalid(
      at.path,
      at.type,
      `'${text}': call arguments did not match a supported operator, function or macro signature for rule: ${words}`,
    );
  }
  return invalid(at.path, at.type, `${text} evaluating rule: ${words}`);
}

function verdict(rule: ValidationRule, at: RuleSubject, detail: string): FieldError {
  const path = `${at.path}${rule.fieldPath ?? ''}`.replace(/^\./, '');
  switch (rule.reason) {
    case 'FieldValueForbidden':
      return forbidden(path, detail);
    case 'FieldValueRequired':
      return required(path, detail);
    case 'FieldValueDuplicate':
      return duplicate(path, at.value);
    case 'FieldValueInvalid':
    case undefined:
    default:
      return typeof at.value === 'object' ? invalidWithoutValue(path, detail) : invalid(path, at.value, detail);
  }
}

/** A message expression that fails, or gives nothing, many lines or too much, is passed over for the rule's plain message. */
function messageText(compiled: CompiledRule, context: Record<string, unknown>): string | undefined {
  if (compiled.message === undefined) return undefined;
  try {
    const text = compiled.message.evaluate(context);
    const trimmed = typeof text === 'string' ? text.trim() : '';
    return trimmed === '' || trimmed.includes('\n') || trimmed.length > messageLimit ? undefined : trimmed;
  } catch {
    return undefined;
  }
}
