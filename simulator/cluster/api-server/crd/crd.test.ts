import { describe, expect, it } from 'vitest';
import type { JsonSchema } from '../../../../core/kube/crd-schema.ts';
import { customResourceDefinition } from '../../../../core/kube/crd-schema.ts';
import type { KubeObject } from '../../../../core/model/object.ts';
import { z } from 'zod';
import { compileCrd, fieldErrorText, validateCrd } from './index.ts';

function crdOf(spec: JsonSchema, root: JsonSchema = {}): KubeObject {
  return {
    metadata: { name: 'widgets.example.dev' },
    spec: {
      group: 'example.dev',
      scope: 'Namespaced',
      names: { plural: 'widgets', kind: 'Widget' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          subresources: { status: {} },
          schema: { openAPIV3Schema: { type: 'object', properties: { spec, status: { type: 'object' } }, ...root } },
        },
      ],
    },
  };
}

function prepare(schema: JsonSchema, value: unknown, old?: unknown) {
  const [kind] = compileCrd(crdOf(schema));
  return kind!.prepare(
    { metadata: { name: 'w' }, spec: value },
    old === undefined
      ? { operation: 'create', strict: false }
      : { operation: 'update', strict: false, old: { metadata: { name: 'w' }, spec: old } },
  );
}

function errorsOf(schema: JsonSchema, value: unknown, old?: unknown): string[] {
  return prepare(schema, value, old)
    .errors.filter((error) => !error.message.includes('some validation rules were not checked'))
    .map((error) => `${error.reason.replace('FieldValue', '')} ${fieldErrorText(error)}`);
}

const text: JsonSchema = { type: 'string' };
const object = (properties: Record<string, JsonSchema>, more: JsonSchema = {}): JsonSchema => ({ type: 'object', properties, ...more });

describe('schema validation says what kube-apiserver 1.36 says (compared with a live one)', () => {
  it.each<[string, JsonSchema, unknown, string[]]>([
    [
      'minimum',
      object({ n: { type: 'integer', minimum: 1 } }),
      { n: 0 },
      ['Invalid spec.n: Invalid value: 0: spec.n in body should be greater than or equal to 1'],
    ],
    [
      'maximum',
      object({ n: { type: 'integer', maximum: 1 } }),
      { n: 2 },
      ['Invalid spec.n: Invalid value: 2: spec.n in body should be less than or equal to 1'],
    ],
    [
      'exclusive minimum',
      object({ n: { type: 'number', minimum: 0, exclusiveMinimum: true } }),
      { n: 0 },
      ['Invalid spec.n: Invalid value: 0: spec.n in body should be greater than 0'],
    ],
    [
      'exclusive maximum',
      object({ n: { type: 'number', maximum: 1, exclusiveMaximum: true } }),
      { n: 1 },
      ['Invalid spec.n: Invalid value: 1: spec.n in body should be less than 1'],
    ],
    [
      'multiple',
      object({ n: { type: 'number', multipleOf: 0.1 } }),
      { n: 0.25 },
      ['Invalid spec.n: Invalid value: 0.25: spec.n in body should be a multiple of 0.1'],
    ],
    ['multiple holds', object({ n: { type: 'number', multipleOf: 0.1 } }), { n: 0.3 }, []],
    [
      'type',
      object({ n: { type: 'integer' } }),
      { n: 'x' },
      ['TypeInvalid spec.n: Invalid value: "string": spec.n in body must be of type integer: "string"'],
    ],
    [
      'fraction for integer',
      object({ n: { type: 'integer' } }),
      { n: 1.5 },
      [
        'TypeInvalid spec.n: Invalid value: "number": spec.n in body must be of type integer: "number"',
        'Invalid <nil>: Invalid value: "": Checked value must be of type integer (default format) in spec.n',
      ],
    ],
    ['integer for number', object({ n: { type: 'number' } }), { n: 1 }, []],
    ['null', object({ n: { ...text, default: 'd' } }), { n: null }, []],
    ['nullable', object({ n: { ...text, nullable: true } }), { n: null }, []],
    ['required', object({ n: text }, { required: ['n', 'm'] }), { n: '' }, ['Required spec.m: Required value']],
    [
      'enum',
      object({ n: { ...text, enum: ['a', 'b'] } }),
      { n: 'x' },
      ['NotSupported spec.n: Unsupported value: "x": supported values: "a", "b"'],
    ],
    [
      'pattern',
      object({ n: { ...text, pattern: '^a$' } }),
      { n: 'b' },
      [`Invalid spec.n: Invalid value: "b": spec.n in body should match '^a$'`],
    ],
    ['pattern with flags', object({ n: { ...text, pattern: '(?i)^A[[:digit:]]\\-\\z' } }), { n: 'a1-' }, []],
    [
      'min length',
      object({ n: { ...text, minLength: 1 } }),
      { n: '' },
      ['Invalid spec.n: Invalid value: "": spec.n in body should be at least 1 chars long'],
    ],
    ['max length', object({ n: { ...text, maxLength: 1 } }), { n: 'éé' }, ['TooLong spec.n: Too long: may not be more than 1 byte']],
    [
      'min items',
      object({ n: { type: 'array', items: text, minItems: 1 } }),
      { n: [] },
      ['Invalid spec.n: Invalid value: 0: spec.n in body should have at least 1 items'],
    ],
    [
      'max items',
      object({ n: { type: 'array', items: text, maxItems: 1 } }),
      { n: ['a', 'b'] },
      ['TooMany spec.n: Too many: 2: must have at most 1 item'],
    ],
    [
      'items',
      object({ n: { type: 'array', items: { type: 'integer', minimum: 1 } } }),
      { n: [1, 0] },
      ['Invalid spec.n[1]: Invalid value: 0: spec.n[1] in body should be greater than or equal to 1'],
    ],
    [
      'properties count',
      object({ n: { type: 'object', additionalProperties: text, maxProperties: 1, minProperties: 1 } }),
      { n: { a: '', b: '' } },
      ['TooMany spec.n: Too many: 2: must have at most 1 item'],
    ],
    [
      'map values',
      object({ n: { type: 'object', additionalProperties: { type: 'integer' } } }),
      { n: { a: 'x' } },
      ['TypeInvalid spec.n.a: Invalid value: "string": spec.n.a in body must be of type integer: "string"'],
    ],
    [
      'date-time',
      object({ n: { ...text, format: 'date-time' } }),
      { n: 'soon' },
      ['TypeInvalid spec.n: Invalid value: "soon": spec.n in body must be of type date-time: "soon"'],
    ],
    ['date-time holds', object({ n: { ...text, format: 'date-time' } }), { n: '2026-01-01T00:00:00+02:00' }, []],
    [
      'duration',
      object({ n: { ...text, format: 'duration' } }),
      { n: '5x' },
      ['TypeInvalid spec.n: Invalid value: "5x": spec.n in body must be of type duration: "5x"'],
    ],
    ['duration holds', object({ n: { ...text, format: 'duration' } }), { n: '1h30m' }, []],
    [
      'int32',
      object({ n: { type: 'integer', format: 'int32' } }),
      { n: 3e9 },
      ['Invalid <nil>: Invalid value: "": Checked value must be of type integer with format int32 in spec.n'],
    ],
    [
      'int or string',
      object({ n: { 'x-kubernetes-int-or-string': true } }),
      { n: true },
      ['TypeInvalid spec.n: Invalid value: "boolean": spec.n in body must be of type integer,string: "boolean"'],
    ],
    [
      'int or string holds',
      object({ n: { 'x-kubernetes-int-or-string': true }, m: { 'x-kubernetes-int-or-string': true } }),
      { n: 1, m: '5%' },
      [],
    ],
    [
      'allOf',
      object({ n: { type: 'integer', allOf: [{ minimum: 1 }, { maximum: 3 }] } }),
      { n: 4 },
      [
        'Invalid <nil>: Invalid value: "": "spec.n" must validate all the schemas (allOf)',
        'Invalid spec.n: Invalid value: 4: spec.n in body should be less than or equal to 3',
      ],
    ],
    [
      'not',
      object({ n: { ...text, not: { enum: ['x'] } } }),
      { n: 'x' },
      ['Invalid <nil>: Invalid value: "": "spec.n" must not validate the schema (not)'],
    ],
    [
      'oneOf none',
      object({ a: text, b: text }, { oneOf: [{ required: ['a'] }, { required: ['b'] }] }),
      {},
      [
        'Invalid <nil>: Invalid value: "": "spec" must validate one and only one schema (oneOf). Found none valid',
        'Required spec.a: Required value',
      ],
    ],
    [
      'oneOf two',
      object({ a: text, b: text }, { oneOf: [{ required: ['a'] }, { required: ['b'] }] }),
      { a: '', b: '' },
      ['Invalid <nil>: Invalid value: "": "spec" must validate one and only one schema (oneOf). Found 2 valid alternatives'],
    ],
    [
      'anyOf',
      object({ n: { ...text, anyOf: [{ pattern: '^a' }, { pattern: '^b' }] } }),
      { n: 'c' },
      [
        'Invalid <nil>: Invalid value: "": "spec.n" must validate at least one schema (anyOf)',
        `Invalid spec.n: Invalid value: "c": spec.n in body should match '^a'`,
      ],
    ],
    [
      'set',
      object({ n: { type: 'array', items: text, 'x-kubernetes-list-type': 'set' } }),
      { n: ['a', 'b', 'a'] },
      ['Duplicate spec.n[2]: Duplicate value: "a"'],
    ],
    [
      'map keys',
      object({
        n: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['k'],
          items: object({ k: text, v: text }, { required: ['k'] }),
        },
      }),
      { n: [{ k: 'a' }, { k: 'a', v: 'x' }] },
      ['Duplicate spec.n[1]: Duplicate value: {"k":"a"}'],
    ],
  ])('%s', (_, schema, value, expected) => {
    expect(errorsOf(schema, value)).toEqual(expected);
  });

  it('tells that rules were left out while the shape is wrong', () => {
    const schema = object({ n: { type: 'integer' } }, { 'x-kubernetes-validations': [{ rule: 'self.n > 1' }] });
    expect(prepare(schema, { n: 'x' }).errors.map((error) => `${error.field}: ${error.message}`)).toEqual([
      'spec.n: Invalid value: "string": spec.n in body must be of type integer: "string"',
      '<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
    ]);
  });
});

describe('pruning and defaulting', () => {
  const schema = object({
    mode: { ...text, default: 'Auto' },
    nested: object({ a: { type: 'integer', default: 3 }, b: text }, { default: {} }),
    absent: object({ c: { ...text, default: 'never' } }),
    list: { type: 'array', items: object({ name: text, weight: { type: 'integer', default: 1 } }) },
    map: { type: 'object', additionalProperties: object({ x: { type: 'integer', default: 2 } }) },
    keep: object({ known: object({ a: text }) }, { 'x-kubernetes-preserve-unknown-fields': true }),
    embedded: { type: 'object', 'x-kubernetes-embedded-resource': true, properties: { spec: object({ a: text }) } },
  });

  it('fills defaults in objects, lists and maps that are there', () => {
    const { object: result, errors } = prepare(schema, { list: [{ name: 'a' }, { name: 'b', weight: 5 }], map: { k: {} } });
    expect(errors).toEqual([]);
    expect(result.spec).toEqual({
      mode: 'Auto',
      nested: { a: 3 },
      list: [
        { name: 'a', weight: 1 },
        { name: 'b', weight: 5 },
      ],
      map: { k: { x: 2 } },
    });
  });

  it('replaces null by the default and drops it where there is none', () => {
    expect(prepare(schema, { mode: null, nested: { b: null } }).object.spec).toEqual({ mode: 'Auto', nested: { a: 3 } });
  });

  it('drops unknown fields and names them', () => {
    const { object: result, unknownFields } = prepare(schema, {
      foo: 1,
      nested: { zzz: 1 },
      list: [{ name: 'a', bar: 1 }],
      keep: { free: { x: 1 }, known: { a: '', gone: 1 } },
      embedded: { apiVersion: 'v1', kind: 'X', metadata: { name: 'x', nope: 1 }, spec: { a: '', b: '' }, status: {} },
    });
    expect(unknownFields).toEqual([
      'spec.embedded.metadata.nope',
      'spec.embedded.spec.b',
      'spec.embedded.status',
      'spec.foo',
      'spec.keep.known.gone',
      'spec.list[0].bar',
      'spec.nested.zzz',
    ]);
    expect(result.spec).toMatchObject({
      keep: { free: { x: 1 }, known: { a: '' } },
      embedded: { apiVersion: 'v1', metadata: { name: 'x' } },
    });
    expect(JSON.stringify(result)).not.toMatch(/foo|zzz|bar|gone|nope/);
  });

  it('does not change the input', () => {
    const input = { list: [{ name: 'a', bar: 1 }] };
    prepare(schema, input);
    expect(input).toEqual({ list: [{ name: 'a', bar: 1 }] });
  });

  it('warns for a deprecated version', () => {
    const crd = crdOf(object({}));
    const spec = crd.spec as { versions: object[] };
    const [kind] = compileCrd({ ...crd, spec: { ...spec, versions: [{ ...spec.versions[0], deprecated: true }] } });
    expect(kind!.prepare({ metadata: { name: 'w' } }, { operation: 'create', strict: false }).warnings).toEqual([
      'example.dev/v1 Widget is deprecated',
    ]);
  });
});

describe('rules', () => {
  const rules = object(
    {
      min: { type: 'integer', default: 1 },
      max: { type: 'integer' },
      frozen: { ...text, 'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'frozen is immutable' }] },
      list: {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
        items: object(
          { name: text, size: { type: 'integer' } },
          {
            required: ['name'],
            'x-kubernetes-validations': [
              { rule: 'self.size >= oldSelf.size', messageExpression: "'size of ' + self.name + ' may not shrink'" },
            ],
          },
        ),
      },
      map: { type: 'object', additionalProperties: { type: 'integer', 'x-kubernetes-validations': [{ rule: 'self > 0' }] } },
      once: { ...text, 'x-kubernetes-validations': [{ rule: 'oldSelf.hasValue() || self == "first"', optionalOldSelf: true }] },
    },
    {
      'x-kubernetes-validations': [
        { rule: 'self.min <= self.max', message: 'min must not exceed max', fieldPath: '.min', reason: 'FieldValueForbidden' },
        { rule: '!has(oldSelf.frozen) || has(self.frozen)', message: 'frozen is required once set' },
      ],
    },
  );

  it.each<[string, unknown, unknown, string[]]>([
    ['holds', { min: 1, max: 2 }, undefined, []],
    ['uses defaults', { max: 0 }, undefined, ['Forbidden spec.min: Forbidden: min must not exceed max']],
    ['transition rules not on create', { max: 1, frozen: 'a' }, undefined, []],
    ['transition', { max: 1, frozen: 'b' }, { max: 1, frozen: 'a' }, ['Invalid spec.frozen: Invalid value: "b": frozen is immutable']],
    ['unset', { max: 1 }, { max: 1, frozen: 'a' }, ['Invalid spec: Invalid value: frozen is required once set']],
    [
      'list items are matched by key',
      {
        max: 1,
        list: [
          { name: 'new', size: 0 },
          { name: 'a', size: 1 },
        ],
      },
      { max: 1, list: [{ name: 'a', size: 2 }] },
      ['Invalid spec.list[1]: Invalid value: size of a may not shrink'],
    ],
    ['map values', { max: 1, map: { a: 1, b: 0 } }, undefined, ['Invalid spec.map[b]: Invalid value: 0: failed rule: self > 0']],
    [
      'optional old self',
      { max: 1, once: 'second' },
      undefined,
      ['Invalid spec.once: Invalid value: "second": failed rule: oldSelf.hasValue() || self == "first"'],
    ],
    ['optional old self on update', { max: 1, once: 'second' }, { max: 1, once: 'first' }, []],
    [
      'missing field',
      { min: 1 },
      undefined,
      ['Invalid spec: Invalid value: "object": no such key: max evaluating rule: min must not exceed max'],
    ],
  ])('%s', (_, value, old, expected) => {
    expect(validateCrd(crdOf(rules))).toEqual([]);
    expect(errorsOf(rules, value, old)).toEqual(expected);
  });

  it('sees the name of the object at the root', () => {
    const [kind] = compileCrd(crdOf(object({}), { 'x-kubernetes-validations': [{ rule: "self.metadata.name.startsWith('ok')" }] }));
    expect(kind!.prepare({ metadata: { name: 'bad' } }, { operation: 'create', strict: false }).errors).toHaveLength(1);
    expect(kind!.prepare({ metadata: { name: 'ok-1' } }, { operation: 'create', strict: false }).errors).toEqual([]);
  });
});

describe('validateCrd', () => {
  const at = 'spec.validation.openAPIV3Schema.properties[spec]';

  it.each<[string, JsonSchema, string]>([
    ['no type', { properties: {} }, `${at}.type: Required value: must not be empty for specified object fields`],
    ['no type of a field', object({ a: {} }), `${at}.properties[a].type: Required value: must not be empty for specified object fields`],
    [
      'no type of items',
      object({ a: { type: 'array', items: {} } }),
      `${at}.properties[a].items.type: Required value: must not be empty for specified array items`,
    ],
    ['no items', object({ a: { type: 'array' } }), `${at}.properties[a].items: Required value: must be specified`],
    ['reference', object({ a: { $ref: '#/x', type: 'string' } }), `${at}.properties[a].$ref: Forbidden: $ref is not supported`],
    [
      'strange type',
      object({ a: { type: 'text' } }),
      `${at}.properties[a].type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", "string"`,
    ],
    [
      'unique items',
      object({ a: { type: 'array', items: text, uniqueItems: true } }),
      'uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
    ],
    [
      'both kinds of properties',
      object({ a: text }, { additionalProperties: text }),
      'additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive',
    ],
    [
      'type inside anyOf',
      object({ a: { anyOf: [{ type: 'string' }], type: 'string' } }),
      'anyOf[0].type: Forbidden: must be empty to be structural',
    ],
    ['bad pattern', object({ a: { ...text, pattern: '(' } }), 'pattern: Invalid value: "(": must be a valid regular expression'],
    [
      'list map without keys',
      object({ a: { type: 'array', items: object({}), 'x-kubernetes-list-type': 'map' } }),
      'x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map',
    ],
    [
      'list map with optional key',
      object({ a: { type: 'array', items: object({ k: text }), 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'] } }),
      'default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
    ],
    [
      'bad default',
      object({ a: { type: 'integer', minimum: 2, default: 1 } }),
      `${at}.properties[a].default: Invalid value: 1:  in body should be greater than or equal to 2`,
    ],
    [
      'bad rule',
      object({ a: text }, { 'x-kubernetes-validations': [{ rule: 'self.b == 1' }] }),
      `${at}.x-kubernetes-validations[0].rule: Invalid value: {"Rule":"self.b == 1","Message":"","MessageExpression":"","Reason":null,"FieldPath":"","OptionalOldSelf":null}: compilation failed: ERROR: undefined field 'b'`,
    ],
    ['empty rule', object({ a: text }, { 'x-kubernetes-validations': [{ rule: '' }] }), 'rule: Required value: rule is not specified'],
    [
      'bad field path',
      object({ a: text }, { 'x-kubernetes-validations': [{ rule: 'true', fieldPath: '.b' }] }),
      'x-kubernetes-validations[0].fieldPath: Invalid value: ".b": must be a valid path',
    ],
    [
      'bad message',
      object({ a: text }, { 'x-kubernetes-validations': [{ rule: 'true', messageExpression: '1' }] }),
      'messageExpression must evaluate to a string',
    ],
  ])('refuses %s', (_, schema, expected) => {
    const found = validateCrd(crdOf(schema)).map(fieldErrorText).join('\n');
    expect(found).toContain(expected);
  });

  it('accepts int-or-string with its pair of types', () => {
    expect(
      validateCrd(
        crdOf(object({ a: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] } as JsonSchema })),
      ),
    ).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['name', { metadata: { name: 'x' } }, 'metadata.name: Invalid value: "x": must be spec.names.plural+"."+spec.group'],
    ['group', { group: 'nodots' }, 'spec.group: Invalid value: "nodots": should be a domain with at least one dot'],
    ['scope', { scope: 'World' }, 'spec.scope: Unsupported value: "World": supported values: "Cluster", "Namespaced"'],
    [
      'no storage version',
      { versions: [{ name: 'v1', schema: { openAPIV3Schema: { type: 'object' } } }] },
      'must have exactly one version marked as storage version',
    ],
    ['no schema', { versions: [{ name: 'v1', storage: true }] }, 'spec.versions[0].schema.openAPIV3Schema: Required value'],
    [
      'conversion',
      { conversion: { strategy: 'Webhook' } },
      'spec.conversion.strategy: Unsupported value: "Webhook": supported values: "None"',
    ],
    [
      'scale path',
      {
        versions: [
          {
            name: 'v1',
            storage: true,
            schema: { openAPIV3Schema: { type: 'object' } },
            subresources: { scale: { specReplicasPath: '.status.x', statusReplicasPath: '.status.x' } },
          },
        ],
      },
      'spec.subresources.scale.specReplicasPath: Invalid value: ".status.x": should be a json path under .spec',
    ],
    [
      'column type',
      {
        versions: [
          {
            name: 'v1',
            storage: true,
            schema: { openAPIV3Schema: { type: 'object' } },
            additionalPrinterColumns: [{ name: 'a', type: 'text', jsonPath: '.a' }],
          },
        ],
      },
      'spec.additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string',
    ],
  ])('refuses a bad %s', (_, change, expected) => {
    const crd = crdOf(object({}));
    const { metadata = crd.metadata, ...spec } = change as { metadata?: KubeObject['metadata'] };
    const found = validateCrd({ ...crd, metadata, spec: { ...(crd.spec as object), ...spec } }).map(fieldErrorText);
    expect(found.join('\n')).toContain(expected);
  });

  it('accepts what is generated from zod and serves it', () => {
    const crd = customResourceDefinition({
      group: 'example.dev',
      version: 'v1',
      kind: 'Widget',
      plural: 'widgets',
      scope: 'Cluster',
      spec: z
        .strictObject({
          min: z.int32().min(0).default(1),
          max: z.int32().min(1),
          port: z.union([z.int(), z.string()]).optional(),
          source: z
            .discriminatedUnion('type', [z.object({ type: z.literal('A'), a: z.string() }), z.object({ type: z.literal('B'), b: z.int() })])
            .optional(),
        })
        .meta({ 'x-kubernetes-validations': [{ rule: 'self.min <= self.max' }] }),
      status: z.object({ replicas: z.int32().optional() }),
    });
    expect(validateCrd(crd)).toEqual([]);
    const [kind] = compileCrd(crd);
    expect(kind).toMatchObject({
      listKind: 'WidgetList',
      hasStatus: true,
      served: true,
      storage: true,
      type: { namespaced: false, kind: 'Widget' },
    });
    const check = (spec: unknown): string[] =>
      kind!.prepare({ metadata: { name: 'w' }, spec }, { operation: 'create', strict: true }).errors.map(fieldErrorText);
    expect(check({ max: 3, source: { type: 'A', a: 'x' } })).toEqual([]);
    expect(check({ max: 3, source: { type: 'A', b: 1 } }).join()).toContain('oneOf');
    expect(check({ min: 4, max: 3 })).toEqual(['spec: Invalid value: failed rule: self.min <= self.max']);
  });

  it('compiles a CRD once, whatever its metadata and status become', () => {
    const crd = crdOf(object({}));
    expect(compileCrd({ ...crd, status: { conditions: [] } })).toBe(compileCrd(crd));
  });
});
