import type { ResourceType } from '../model/object.ts';
import type { ObjectKey } from './api.ts';

/** `/api/v1` for the core group, `/apis/<group>/<version>` for every other. */
export function groupPath(type: ResourceType): string {
  return type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
}

/** Path of all objects of a type, or of those of one namespace. */
export function collectionPath(type: ResourceType, namespace?: string): string {
  const scope = type.namespaced && namespace !== undefined && namespace !== '' ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${groupPath(type)}${scope}/${type.plural}`;
}

/** Path of one object or of a subresource of it. A namespaced type without a namespace is a mistake of the caller. */
export function objectPath(type: ResourceType, key: ObjectKey, subresource?: string): string {
  if (key.name === '') throw new RangeError(`a ${type.kind} is named by the empty string: its path would be that of the collection`);
  if (type.namespaced && (key.namespace === undefined || key.namespace === '')) {
    throw new RangeError(`${type.kind} ${key.name} is namespaced but no namespace was given`);
  }
  const tail = subresource === undefined ? '' : `/${subresource.split('/').map(encodeURIComponent).join('/')}`;
  return `${collectionPath(type, key.namespace)}/${encodeURIComponent(key.name)}${tail}`;
}

/** Appends the parameters that are defined; the order is kept, so that equal requests have equal paths. */
export function withQuery(path: string, parameters: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) query.append(name, String(value));
  }
  const text = query.toString();
  return text === '' ? path : `${path}?${text}`;
}

/** What a request path is about, for metrics and messages: never the query, never an object name in `resource`. */
export interface PathInfo {
  /** `pods`, `deployments/scale`, or `nonresource` for `/version` and the like. */
  readonly resource: string;
  readonly group: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
}

/** Takes a REST path apart. Bounded in what it may say, so that it is safe as a metric label. */
export function describePath(path: string): PathInfo {
  const end = path.indexOf('?');
  const parts = (end === -1 ? path : path.slice(0, end)).split('/').filter((part) => part !== '');
  const core = parts[0] === 'api';
  const rest = core ? parts.slice(2) : parts.slice(3);
  if ((!core && parts[0] !== 'apis') || rest.length === 0) {
    return { resource: 'nonresource', group: '', namespace: undefined, name: undefined };
  }
  const group = core ? '' : (parts[1] ?? '');
  const scoped = rest[0] === 'namespaces' && rest.length > 2;
  const namespace = scoped ? rest[1] : undefined;
  const [plural = '', name, ...sub] = scoped ? rest.slice(2) : rest;
  return { resource: sub.length === 0 ? plural : `${plural}/${sub.join('/')}`, group, namespace, name };
}
