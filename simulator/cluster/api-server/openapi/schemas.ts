import type { JsonSchema } from '../../../../core/kube/crd-schema.ts';
import type { ResourceType } from '../../../../core/model/object.ts';

/** A served kind as OpenAPI describes it. */
export interface OpenApiKind {
  readonly type: ResourceType;
  /** Of custom resources; builtin kinds are described as open objects, for which kubectl has its own compiled-in types. */
  readonly schema?: JsonSchema | undefined;
  /** `status`, `scale`, `eviction`… */
  readonly subresources: readonly string[];
}

type Schema = Record<string, unknown>;

/** Which of the two documents the references are for. */
export type Dialect = 'v2' | 'v3';

export const objectMetaName = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';
const listMetaName = 'io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta';

export function referenceTo(name: string, dialect: Dialect): Schema {
  return { $ref: dialect === 'v2' ? `#/definitions/${name}` : `#/components/schemas/${name}` };
}

/** `dev.example.v1.Widget`; the builtin groups have upstream's package names, so that tools that know them find them. */
export function schemaName(type: ResourceType): string {
  const group = type.group === '' ? 'core' : type.group;
  if (isBuiltinGroup(type.group)) return `io.k8s.api.${group.split('.')[0] ?? group}.${type.version}.${type.kind}`;
  return `${group.split('.').toReversed().join('.')}.${type.version}.${type.kind}`;
}

function isBuiltinGroup(group: string): boolean {
  return !group.includes('.') || group.endsWith('.k8s.io');
}

const text = (description: string): Schema => ({ type: 'string', description });
const apiVersion = text(
  'APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values.',
);
const kindField = text(
  'Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase.',
);

/** The definitions of some kinds and of what they refer to, by name. */
export function definitionsOf(kinds: readonly OpenApiKind[], dialect: Dialect): Record<string, Schema> {
  const definitions: Record<string, Schema> = { [objectMetaName]: objectMeta, [listMetaName]: listMeta };
  for (const kind of kinds) {
    const { group, version, kind: name } = kind.type;
    definitions[schemaName(kind.type)] = {
      ...kindSchema(kind, dialect),
      'x-kubernetes-group-version-kind': [{ group, version, kind: name }],
    };
    definitions[`${schemaName(kind.type)}List`] = {
      type: 'object',
      required: ['items'],
      properties: {
        apiVersion,
        items: { type: 'array', items: referenceTo(schemaName(kind.type), dialect) },
        kind: kindField,
        metadata: referenceTo(listMetaName, dialect),
      },
      'x-kubernetes-group-version-kind': [{ group, version, kind: `${name}List` }],
    };
  }
  return definitions;
}

function kindSchema(kind: OpenApiKind, dialect: Dialect): Schema {
  const common = { apiVersion, kind: kindField, metadata: reference(dialect) };
  if (kind.schema === undefined) {
    // Open, and without patch metadata: kubectl then takes its own types instead of guessing that every list is atomic.
    return { type: 'object', properties: common, 'x-kubernetes-preserve-unknown-fields': true };
  }
  const published = publish(kind.schema, dialect);
  return { ...published, properties: { ...(published['properties'] as Schema | undefined), ...common } };
}

function reference(dialect: Dialect): Schema {
  const description = "Standard object's metadata.";
  return dialect === 'v2'
    ? { description, ...referenceTo(objectMetaName, dialect) }
    : { description, allOf: [referenceTo(objectMetaName, dialect)] };
}

/** Keywords that OpenAPI 2.0 does not have; upstream leaves them out of the v2 document in the same way. */
const onlyV3 = new Set(['nullable', 'oneOf', 'anyOf', 'not', 'default']);

function publish(schema: JsonSchema, dialect: Dialect): Schema {
  const result: Schema = {};
  // What v2 can't say of a value it must not half say: a nullable or int-or-string field has no type there.
  const untyped = dialect === 'v2' && (schema.nullable === true || schema['x-kubernetes-int-or-string'] === true);
  for (const [key, value] of Object.entries(schema)) {
    if (dialect === 'v2' && (onlyV3.has(key) || (untyped && (key === 'type' || key === 'items' || key === 'properties')))) continue;
    result[key] = publishKeyword(key, value, dialect);
  }
  return result;
}

function publishKeyword(key: string, value: unknown, dialect: Dialect): unknown {
  switch (key) {
    case 'properties':
      return Object.fromEntries(
        Object.entries(value as Record<string, JsonSchema>).map(([name, schema]) => [name, publish(schema, dialect)]),
      );
    case 'items':
    case 'not':
      return publish(value as JsonSchema, dialect);
    case 'additionalProperties':
      return typeof value === 'object' ? publish(value as JsonSchema, dialect) : value;
    case 'allOf':
    case 'anyOf':
    case 'oneOf':
      return (value as JsonSchema[]).map((schema) => publish(schema, dialect));
    default:
      return value;
  }
}

const stringMap = (description: string): Schema => ({ type: 'object', description, additionalProperties: { type: 'string' } });
const time = (description: string): Schema => ({ type: 'string', format: 'date-time', description });

const objectMeta: Schema = {
  type: 'object',
  description: 'ObjectMeta is metadata that all persisted resources must have, which includes all objects users must create.',
  properties: {
    annotations: stringMap('Annotations is an unstructured key value map stored with a resource.'),
    creationTimestamp: time('When the server created this object, in RFC3339 form and in UTC.'),
    deletionGracePeriodSeconds: {
      type: 'integer',
      format: 'int64',
      description: 'Seconds allowed for this object to gracefully terminate.',
    },
    deletionTimestamp: time('When this resource will be deleted.'),
    finalizers: {
      type: 'array',
      items: { type: 'string' },
      description: 'Must be empty before the object is deleted from the registry.',
      'x-kubernetes-list-type': 'set',
      'x-kubernetes-patch-strategy': 'merge',
    },
    generateName: text('An optional prefix, used by the server to generate a unique name.'),
    generation: { type: 'integer', format: 'int64', description: 'A sequence number of a specific generation of the desired state.' },
    labels: stringMap('Map of string keys and values that can be used to organize and categorize objects.'),
    managedFields: {
      type: 'array',
      items: { type: 'object' },
      description: 'Which workflow manages which fields.',
      'x-kubernetes-list-type': 'atomic',
    },
    name: text('Name must be unique within a namespace.'),
    namespace: text('Namespace defines the space within which each name must be unique.'),
    ownerReferences: {
      type: 'array',
      description: 'Objects depended by this object.',
      items: {
        type: 'object',
        required: ['apiVersion', 'kind', 'name', 'uid'],
        properties: {
          apiVersion: text('API version of the referent.'),
          blockOwnerDeletion: { type: 'boolean', description: 'Whether foreground deletion of the owner waits for this object.' },
          controller: { type: 'boolean', description: 'True if this reference points to the managing controller.' },
          kind: text('Kind of the referent.'),
          name: text('Name of the referent.'),
          uid: text('UID of the referent.'),
        },
      },
      'x-kubernetes-list-map-keys': ['uid'],
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-patch-merge-key': 'uid',
      'x-kubernetes-patch-strategy': 'merge',
    },
    resourceVersion: text('The internal version of this object, for optimistic concurrency and watches.'),
    selfLink: text('Deprecated: a legacy read-only field that is no longer populated by the system.'),
    uid: text('The unique in time and space value for this object.'),
  },
};

const listMeta: Schema = {
  type: 'object',
  description: 'ListMeta describes metadata that synthetic resources must have, including lists and various status objects.',
  properties: {
    continue: text('Set if the user set a limit on the number of items returned and the server has more data available.'),
    remainingItemCount: {
      type: 'integer',
      format: 'int64',
      description: 'The number of subsequent items which are not included in this list.',
    },
    resourceVersion: text('The version of the list.'),
    selfLink: text('Deprecated.'),
  },
};
