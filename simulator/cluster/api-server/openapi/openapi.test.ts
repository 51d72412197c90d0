import { describe, expect, it } from 'vitest';
import type { JsonSchema } from '../../../../core/kube/crd-schema.ts';
import { resourceTypes } from '../../../../core/model/object.ts';
import { openApiV2, openApiV3, openApiV3Index } from './index.ts';
import type { OpenApiKind } from './index.ts';

const widget: JsonSchema = {
  type: 'object',
  description: 'Widget',
  properties: {
    apiVersion: { type: 'string' },
    metadata: { type: 'object' },
    spec: {
      type: 'object',
      properties: {
        size: { type: 'integer', default: 1 },
        maybe: { type: 'string', nullable: true },
        port: { 'x-kubernetes-int-or-string': true },
        either: { type: 'object', properties: { a: { type: 'string', nullable: true } }, oneOf: [{ required: ['a'] }] },
        map: { type: 'object', additionalProperties: { type: 'string', nullable: true } },
      },
      'x-kubernetes-validations': [{ rule: 'true' }],
    },
  },
};
const kinds: OpenApiKind[] = [
  { type: resourceTypes.deployments, subresources: ['status', 'scale'] },
  { type: resourceTypes.pods, subresources: ['status', 'eviction'] },
  { type: resourceTypes.nodes, subresources: [] },
  {
    type: { group: 'example.dev', version: 'v1', plural: 'widgets', kind: 'Widget', namespaced: true },
    schema: widget,
    subresources: ['status'],
  },
];

type Tree = Record<string, never>;
function at(tree: object, ...path: string[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Tree | undefined)?.[key], tree);
}

describe('OpenAPI v3', () => {
  const apps = openApiV3('apps', 'v1', kinds);
  const example = openApiV3('example.dev', 'v1', kinds);

  it('lists the documents with hashes that follow the content', () => {
    const paths = at(openApiV3Index(kinds), 'paths') as Record<string, { serverRelativeURL: string }>;
    expect(Object.keys(paths)).toEqual(['api/v1', 'apis/apps/v1', 'apis/example.dev/v1']);
    expect(paths['apis/apps/v1']?.serverRelativeURL).toMatch(/^\/openapi\/v3\/apis\/apps\/v1\?hash=[0-9A-F]{64}$/);
    const changed = kinds.map((kind) => (kind.schema === undefined ? kind : { ...kind, schema: { ...widget, description: 'other' } }));
    const after = at(openApiV3Index(changed), 'paths') as typeof paths;
    expect(after['apis/apps/v1']).toEqual(paths['apis/apps/v1']);
    expect(after['apis/example.dev/v1']).not.toEqual(paths['apis/example.dev/v1']);
  });

  it('holds only what belongs to the group version', () => {
    expect(Object.keys(at(apps, 'paths') as object)).toEqual([
      '/apis/apps/v1/deployments',
      '/apis/apps/v1/namespaces/{namespace}/deployments',
      '/apis/apps/v1/namespaces/{namespace}/deployments/{name}',
      '/apis/apps/v1/namespaces/{namespace}/deployments/{name}/status',
      '/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale',
    ]);
  });

  it.each(['patch', 'put', 'post'])('says that %s takes fieldValidation, which kubectl asks for', (verb) => {
    const path = `/apis/example.dev/v1/namespaces/{namespace}/widgets${verb === 'post' ? '' : '/{name}'}`;
    expect(at(example, 'paths', path, verb)).toMatchObject({
      'x-kubernetes-group-version-kind': { group: 'example.dev', version: 'v1', kind: 'Widget' },
      parameters: expect.arrayContaining([expect.objectContaining({ name: 'fieldValidation', in: 'query' })]) as unknown,
    });
  });

  it('leaves strategic merge patches to the types that kubectl has', () => {
    const path = '/apis/apps/v1/namespaces/{namespace}/deployments/{name}';
    expect(Object.keys(at(apps, 'paths', path, 'patch', 'requestBody', 'content') as object)).toEqual([
      'application/json-patch+json',
      'application/merge-patch+json',
    ]);
  });

  it('publishes the schema of a custom resource whole, with its kind and metadata', () => {
    const schema = at(example, 'components', 'schemas', 'dev.example.v1.Widget');
    expect(schema).toMatchObject({
      description: 'Widget',
      properties: { spec: widget.properties?.['spec'], kind: { type: 'string' } },
      'x-kubernetes-group-version-kind': [{ group: 'example.dev', version: 'v1', kind: 'Widget' }],
    });
    expect(at(schema as object, 'properties', 'metadata', 'allOf')).toEqual([
      { $ref: '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' },
    ]);
  });

  it('resolves every reference', () => {
    for (const document of [apps, example, openApiV3('', 'v1', kinds)]) {
      const names = Object.keys(at(document, 'components', 'schemas') as object);
      const references = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map((match) => match[1]);
      expect(references.length).toBeGreaterThan(0);
      expect(references.filter((name) => !names.includes(name ?? ''))).toEqual([]);
    }
  });
});

describe('OpenAPI v2', () => {
  const document = openApiV2(kinds);

  it('names kinds as upstream does', () => {
    expect(Object.keys(at(document, 'definitions') as object)).toEqual(
      expect.arrayContaining([
        'io.k8s.api.apps.v1.Deployment',
        'io.k8s.api.core.v1.Pod',
        'dev.example.v1.Widget',
        'dev.example.v1.WidgetList',
      ]),
    );
  });

  it('leaves out what Swagger 2.0 cannot say', () => {
    expect(at(document, 'definitions', 'dev.example.v1.Widget', 'properties', 'spec')).toEqual({
      type: 'object',
      properties: {
        size: { type: 'integer' },
        maybe: {},
        port: { 'x-kubernetes-int-or-string': true },
        either: { type: 'object', properties: { a: {} } },
        map: { type: 'object', additionalProperties: {} },
      },
      'x-kubernetes-validations': [{ rule: 'true' }],
    });
  });

  it('describes bodies and parameters in its own way, and cluster-scoped kinds without a namespace', () => {
    expect(at(document, 'paths', '/api/v1/nodes/{name}', 'put')).toMatchObject({
      consumes: ['application/json'],
      parameters: expect.arrayContaining([
        expect.objectContaining({ name: 'fieldValidation', in: 'query', type: 'string' }),
        { in: 'body', name: 'body', required: true, schema: { $ref: '#/definitions/io.k8s.api.core.v1.Node' } },
      ]) as unknown,
    });
    expect(at(document, 'paths', '/api/v1/namespaces/{namespace}/pods/{name}/eviction')).not.toHaveProperty('get');
    expect(at(document, 'paths', '/api/v1/namespaces/{namespace}/nodes')).toBeUndefined();
  });
});
