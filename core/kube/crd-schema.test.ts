import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { customResourceDefinition, structuralSchema } from './crd-schema.ts';

describe('structuralSchema', () => {
  it.each<[string, z.ZodType, object]>([
    ['integers lose JavaScript bounds', z.int(), { type: 'integer', format: 'int64' }],
    ['their own bounds stay', z.int().min(1).max(100), { type: 'integer', format: 'int64', minimum: 1, maximum: 100 }],
    ['int32', z.int32().min(1), { type: 'integer', format: 'int32', minimum: 1 }],
    ['doubles', z.float64(), { type: 'number' }],
    ['exclusive bounds', z.number().gt(0), { type: 'number', minimum: 0, exclusiveMinimum: true }],
    ['int or string', z.union([z.int(), z.string()]), { 'x-kubernetes-int-or-string': true }],
    [
      'int or string keeps its text',
      z.union([z.string(), z.int()]).describe('x'),
      { 'x-kubernetes-int-or-string': true, description: 'x' },
    ],
    ['anything', z.unknown(), { 'x-kubernetes-preserve-unknown-fields': true }],
    ['strict objects', z.strictObject({ a: z.string() }), { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] }],
    ['optional fields', z.object({ a: z.string().optional() }), { type: 'object', properties: { a: { type: 'string' } } }],
    ['loose objects', z.looseObject({}), { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }],
    ['maps', z.record(z.string(), z.string()), { type: 'object', additionalProperties: { type: 'string' } }],
    ['maps of anything', z.record(z.string(), z.unknown()), { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }],
    ['enums with default', z.enum(['A', 'B']).default('A'), { type: 'string', enum: ['A', 'B'], default: 'A' }],
    ['unions of literals', z.union([z.literal('a'), z.literal('b')]), { type: 'string', enum: ['a', 'b'] }],
    ['nullable', z.string().nullable(), { type: 'string', nullable: true }],
    ['time', z.iso.datetime(), { type: 'string', format: 'date-time' }],
    [
      'extensions of meta',
      z.array(z.object({ name: z.string() })).meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] }),
      {
        type: 'array',
        items: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
      },
    ],
  ])('%s', (_, type, expected) => {
    expect(structuralSchema(type)).toEqual(expected);
  });

  it('merges a discriminated union into one object and keeps what belongs together', () => {
    const schema = structuralSchema(
      z.discriminatedUnion('type', [z.object({ type: z.literal('a'), a: z.string() }), z.object({ type: z.literal('b'), b: z.int() })]),
    );
    expect(schema.properties).toEqual({
      type: { type: 'string', enum: ['a', 'b'] },
      a: { type: 'string' },
      b: { type: 'integer', format: 'int64' },
    });
    expect(schema.required).toEqual(['type']);
    expect(schema.oneOf).toEqual([
      { properties: { type: { enum: ['a'] } }, required: ['type', 'a'], not: { anyOf: [{ required: ['b'] }] } },
      { properties: { type: { enum: ['b'] } }, required: ['type', 'b'], not: { anyOf: [{ required: ['a'] }] } },
    ]);
  });

  it.each<[string, z.ZodType]>([
    ['mixed unions', z.union([z.string(), z.object({ a: z.string() })])],
    ['look-ahead', z.string().regex(/^(?=a)b$/)],
  ])('refuses %s', (_, type) => {
    expect(() => structuralSchema(type)).toThrow(/CustomResourceDefinition/);
  });
});

describe('customResourceDefinition', () => {
  it('builds the whole object', () => {
    const crd = customResourceDefinition({
      group: 'example.dev',
      version: 'v1',
      kind: 'Widget',
      plural: 'widgets',
      scope: 'Namespaced',
      shortNames: ['wd'],
      spec: z.object({ size: z.int32().min(1) }),
      status: z.object({ ready: z.boolean().optional() }),
      validations: [{ rule: "self.metadata.name != 'x'" }],
      printerColumns: [{ name: 'Size', type: 'integer', jsonPath: '.spec.size' }],
      scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.size' },
    });
    expect(crd.metadata.name).toBe('widgets.example.dev');
    expect(crd.spec).toMatchObject({
      names: { kind: 'Widget', listKind: 'WidgetList', plural: 'widgets', singular: 'widget', shortNames: ['wd'] },
      versions: [
        {
          name: 'v1',
          subresources: { status: {}, scale: { specReplicasPath: '.spec.size' } },
          schema: {
            openAPIV3Schema: { type: 'object', required: ['spec'], 'x-kubernetes-validations': [{ rule: "self.metadata.name != 'x'" }] },
          },
          additionalPrinterColumns: [{ name: 'Size', jsonPath: '.spec.size' }],
        },
      ],
    });
  });
});
