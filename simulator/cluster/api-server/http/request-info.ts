import type { ApiRequest } from '../types.ts';

/** What a request is about, by its path and method. */
export interface RequestInfo {
  /** get, list, watch, create, update, patch, delete, deletecollection; for other paths the lower-case method. */
  readonly verb: string;
  readonly isResource: boolean;
  /** Decoded, for messages and non-resource rules. */
  readonly path: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

const readVerbs: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** Subresources of namespaces: what else stands behind a namespace is a resource in it. */
const namespaceSubresources = ['status', 'finalize'];

export function requestInfo(request: ApiRequest): RequestInfo {
  const parts = request.path
    .split('/')
    .filter((part) => part !== '')
    .map(decodePart);
  const path = `/${parts.join('/')}`;
  const [root, ...rest] = parts;
  if (root === 'api' && rest.length >= 2) return resourceInfo(request, path, { group: '', version: rest[0] ?? '', parts: rest.slice(1) });
  if (root === 'apis' && rest.length >= 3) {
    return resourceInfo(request, path, { group: rest[0] ?? '', version: rest[1] ?? '', parts: rest.slice(2) });
  }
  const none = { group: '', version: '', resource: '', subresource: '', namespace: '', name: '' };
  return { verb: request.method.toLowerCase(), isResource: false, path, ...none };
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

interface Target {
  readonly group: string;
  readonly version: string;
  readonly parts: readonly string[];
}

function resourceInfo(request: ApiRequest, path: string, { group, version, parts }: Target): RequestInfo {
  let [resource = '', name = '', ...sub] = parts;
  let namespace = '';
  if (resource === 'namespaces' && group === '') {
    const [, , second] = parts;
    if (second !== undefined && !namespaceSubresources.includes(second)) {
      namespace = name;
      [, , resource = '', name = '', ...sub] = parts;
    }
  } else if (resource === 'namespaces' && parts.length > 2) {
    namespace = name;
    [, , resource = '', name = '', ...sub] = parts;
  }
  return {
    verb: verbOf(request, name),
    isResource: true,
    path,
    group,
    version,
    resource,
    subresource: sub.join('/'),
    namespace: resource === 'namespaces' && group === '' ? '' : namespace,
    name,
  };
}

function verbOf(request: ApiRequest, name: string): string {
  const verb = readVerbs[request.method] ?? request.method.toLowerCase();
  if (verb === 'get' && name === '') return isWatch(request) ? 'watch' : 'list';
  if (verb === 'delete' && name === '') return 'deletecollection';
  return verb;
}

export function isWatch(request: ApiRequest): boolean {
  const value = request.query.get('watch');
  return value !== null && value !== '0' && value !== 'false';
}
