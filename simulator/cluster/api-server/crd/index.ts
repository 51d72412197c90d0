import type { JsonSchema, PrinterColumn } from '../../../../core/kube/crd-schema.ts';
import type { KubeObject, ResourceType } from '../../../../core/model/object.ts';
import { compileRules } from './cel/rules.ts';
import type { RuleSet } from './cel/rules.ts';
import type { CrdSpec, CrdVersion } from './crd-types.ts';
import { crdSpecOf } from './crd-types.ts';
import { schemaOf } from './crd-validation.ts';
import { applyDefaults } from './defaulting.ts';
import type { FieldError } from './field-error.ts';
import { invalid } from './field-error.ts';
import { prune } from './pruning.ts';
import { validateListTypes, validateValue } from './schema-validation.ts';

export { validateCrd } from './crd-validation.ts';
export { fieldErrorText } from './field-error.ts';
export type { FieldError } from './field-error.ts';

export interface PrepareContext {
  readonly operation: 'create' | 'update';
  /** The stored object; transition rules see it as `oldSelf`. */
  readonly old?: KubeObject;
  /** `fieldValidation=Strict`: an object with unknown fields is going to be refused, so nothing else about it is checked. */
  readonly strict: boolean;
}

export interface Prepared {
  /** Pruned and defaulted; the input stays as it is. */
  readonly object: KubeObject;
  readonly errors: FieldError[];
  /** For `Warning` headers. */
  readonly warnings: string[];
  /** Paths, sorted: `spec.foo`, `spec.list[0].bar`. Say `unknown field "<path>"`. */
  readonly unknownFields: string[];
}

/** One version of a CRD, ready to serve. */
export interface CrdKind {
  readonly type: ResourceType;
  readonly listKind: string;
  readonly singular: string;
  readonly shortNames: string[];
  readonly categories: string[];
  readonly served: boolean;
  readonly storage: boolean;
  readonly hasStatus: boolean;
  readonly scale?: { readonly specReplicasPath: string; readonly statusReplicasPath: string; readonly labelSelectorPath?: string };
  readonly printerColumns: PrinterColumn[];
  readonly schema: JsonSchema;
  prepare(object: KubeObject, context: PrepareContext): Prepared;
}

/** Status and label changes keep the spec object: what was compiled from it is used again. */
const compiled = new WeakMap<object, CrdKind[]>();

/** The kinds of a CRD that `validateCrd` has nothing against, one per version, in the CRD's order. */
export function compileCrd(crd: KubeObject): CrdKind[] {
  const key = typeof crd.spec === 'object' && crd.spec !== null ? crd.spec : crd;
  const known = compiled.get(key);
  if (known !== undefined) return known;
  const spec = crdSpecOf(crd);
  const kinds = spec.versions.map((version) => compileVersion(spec, version));
  compiled.set(key, kinds);
  return kinds;
}

function compileVersion(spec: CrdSpec, version: CrdVersion): CrdKind {
  const { names, group = '' } = spec;
  const kind = names.kind ?? '';
  const schema = schemaOf(version);
  const scale = version.subresources?.scale;
  let rules: RuleSet | undefined;
  return {
    type: { group, version: version.name, plural: names.plural ?? '', kind, namespaced: spec.scope === 'Namespaced' },
    listKind: names.listKind ?? `${kind}List`,
    singular: names.singular ?? kind.toLowerCase(),
    shortNames: [...(names.shortNames ?? [])],
    categories: [...(names.categories ?? [])],
    served: version.served === true,
    storage: version.storage === true,
    hasStatus: version.subresources?.status !== undefined,
    ...(scale === undefined ? {} : { scale }),
    printerColumns: [...(version.additionalPrinterColumns ?? [])],
    schema,
    prepare: (object, context) => {
      const unknownFields: string[] = [];
      const pruned = prune(object, schema, unknownFields);
      unknownFields.sort((a, b) => (a < b ? -1 : 1));
      const complete = applyDefaults(pruned, schema) as KubeObject;
      const warnings = version.deprecated === true ? [version.deprecationWarning ?? `${group}/${version.name} ${kind} is deprecated`] : [];
      if (context.strict && unknownFields.length > 0) return { object: complete, errors: [], warnings, unknownFields };
      rules ??= compileRules(schema, '');
      return { object: complete, errors: validate(complete, context, { schema, rules }), warnings, unknownFields };
    },
  };
}

const blocking = new Set<FieldError['reason']>([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);

/** Schema first, then lists, then rules; as upstream, rules are left out while the object's shape is wrong. */
function validate(object: KubeObject, context: PrepareContext, against: { schema: JsonSchema; rules: RuleSet }): FieldError[] {
  const errors = [...validateValue(object, against.schema, ''), ...validateListTypes(object, against.schema, '')];
  if (against.rules.count > 0 && errors.some((error) => blocking.has(error.reason))) {
    const text =
      'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';
    return [...errors, invalid('', null, text)];
  }
  const old = context.operation === 'update' ? context.old : undefined;
  return [...errors, ...against.rules.problems, ...against.rules.evaluate(object, old)];
}
