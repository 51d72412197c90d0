import type { ResourceType } from '../../../../core/model/object.ts';
import type { Dialect, OpenApiKind } from './schemas.ts';
import { referenceTo, schemaName } from './schemas.ts';

type Node = Record<string, unknown>;

const queryTexts: Readonly<Record<string, string>> = {
  dryRun: 'When present, indicates that modifications should not be persisted. Valid values are: All.',
  fieldManager: 'The name associated with the actor or entity that is making these changes.',
  fieldValidation: 'What the server does with unknown or duplicate fields. Valid values are: Ignore, Warn, Strict.',
  fieldSelector: 'A selector to restrict the list of returned objects by their fields.',
  labelSelector: 'A selector to restrict the list of returned objects by their labels.',
  limit: 'The maximum number of responses to return for a list call.',
  continue: 'Set when retrieving more results from the server.',
  watch: 'Watch for changes to the described resources.',
};

const writeQuery = ['dryRun', 'fieldManager', 'fieldValidation'];
const listQuery = ['labelSelector', 'fieldSelector', 'limit', 'continue', 'watch'];

/** All paths of the kinds with their operations. */
export function pathsOf(kinds: readonly OpenApiKind[], dialect: Dialect): Record<string, Node> {
  const paths: Record<string, Node> = {};
  for (const kind of kinds) {
    const { type } = kind;
    const root = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
    const collection = type.namespaced ? `${root}/namespaces/{namespace}/${type.plural}` : `${root}/${type.plural}`;
    const describe = (path: string, operations: Node): void => {
      const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '');
      paths[path] = { ...operations, ...(names.length === 0 ? {} : { parameters: names.map((name) => pathParameter(name, dialect)) }) };
    };
    if (type.namespaced) describe(`${root}/${type.plural}`, { get: operation(type, 'list', dialect) });
    describe(collection, {
      get: operation(type, 'list', dialect),
      post: operation(type, 'post', dialect),
      delete: operation(type, 'deletecollection', dialect),
    });
    describe(`${collection}/{name}`, itemOperations(type, ['get', 'put', 'patch', 'delete'], dialect));
    for (const subresource of kind.subresources) {
      const verbs = subresource === 'eviction' || subresource === 'binding' ? (['post'] as const) : (['get', 'put', 'patch'] as const);
      describe(`${collection}/{name}/${subresource}`, itemOperations(type, verbs, dialect));
    }
  }
  return paths;
}

type Action = 'get' | 'list' | 'post' | 'put' | 'patch' | 'delete' | 'deletecollection';

function itemOperations(type: ResourceType, verbs: readonly ('get' | 'put' | 'patch' | 'delete' | 'post')[], dialect: Dialect): Node {
  return Object.fromEntries(verbs.map((verb) => [verb, operation(type, verb, dialect)]));
}

/**
 * kubectl looks here for two things: whether a write takes `fieldValidation`, and whether a patch may be a strategic one that it should
 * compute from the schema. The second is never said: for builtin kinds it then uses its compiled-in types, and custom resources have none.
 */
const patchTypes = ['application/json-patch+json', 'application/merge-patch+json'];

function operation(type: ResourceType, action: Action, dialect: Dialect): Node {
  const { group, version, kind } = type;
  const answer = referenceTo(action === 'list' ? `${schemaName(type)}List` : schemaName(type), dialect);
  const query = isList(action) ? listQuery : hasBody(action) ? writeQuery : [];
  const parameters = query.map((parameter) => queryParameter(parameter, dialect));
  return {
    operationId: `${action}${group.replaceAll(/[^A-Za-z0-9]/g, '')}${version}${type.namespaced ? 'Namespaced' : ''}${kind}`,
    ...(dialect === 'v2' ? bodyV2(action, answer, parameters) : bodyV3(action, answer, parameters)),
    responses: {
      '200':
        dialect === 'v2'
          ? { description: 'OK', schema: answer }
          : { description: 'OK', content: { 'application/json': { schema: answer } } },
    },
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': { group, version, kind },
  };
}

function isList(action: Action): boolean {
  return action === 'list' || action === 'deletecollection';
}

function hasBody(action: Action): boolean {
  return action === 'post' || action === 'put' || action === 'patch';
}

function bodyV2(action: Action, kind: Node, parameters: readonly Node[]): Node {
  if (!hasBody(action)) return { parameters };
  const schema = action === 'patch' ? { type: 'object' } : kind;
  return {
    consumes: action === 'patch' ? patchTypes : ['application/json'],
    produces: ['application/json'],
    parameters: [...parameters, { in: 'body', name: 'body', required: true, schema }],
  };
}

function bodyV3(action: Action, kind: Node, parameters: readonly Node[]): Node {
  if (!hasBody(action)) return { parameters };
  const schema = action === 'patch' ? { type: 'object' } : kind;
  const media = action === 'patch' ? patchTypes : ['application/json'];
  return { parameters, requestBody: { required: true, content: Object.fromEntries(media.map((name) => [name, { schema }])) } };
}

function queryParameter(name: string, dialect: Dialect): Node {
  const type = name === 'limit' ? 'integer' : name === 'watch' ? 'boolean' : 'string';
  const base = { name, in: 'query', description: queryTexts[name] ?? '' };
  return dialect === 'v2' ? { ...base, type, uniqueItems: true } : { ...base, schema: { type, uniqueItems: true } };
}

function pathParameter(name: string, dialect: Dialect): Node {
  const base = { name, in: 'path', required: true, description: name === 'name' ? 'name of the object' : 'object name and auth scope' };
  return dialect === 'v2' ? { ...base, type: 'string', uniqueItems: true } : { ...base, schema: { type: 'string', uniqueItems: true } };
}
