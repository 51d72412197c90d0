import { openApiV2, openApiV3, openApiV3Index } from '../openapi/index.ts';
import type { OpenApiKind } from '../openapi/index.ts';
import type { CrdKind } from '../crd/index.ts';
import { notAcceptable } from '../errors.ts';
import type { ApiRequest, ApiResponse } from '../types.ts';
import { fixedDocument } from './documents.ts';
import type { ServedDocuments } from './documents.ts';
import { parseAccept } from './negotiation.ts';
import { json } from './responses.ts';
import type { ServerContext } from './server-context.ts';

/** `/version`, health, and the OpenAPI documents, made once for each state of the table of kinds. */
export function servedDocuments(server: ServerContext): ServedDocuments {
  const cache = new Map<string, string>();
  let version = -1;
  const made = (path: string, make: (kinds: OpenApiKind[]) => object | undefined): string | undefined => {
    const { kinds } = server.core;
    if (version !== kinds.version) {
      cache.clear();
      version = kinds.version;
    }
    const known = cache.get(path);
    if (known !== undefined) return known;
    const document = make(openApiKinds(server));
    if (document === undefined) return undefined;
    const text = JSON.stringify(document);
    cache.set(path, text);
    return text;
  };
  return (path, request) => Promise.resolve(fixedDocument(path) ?? openApi(path, request, made));
}

type Make = (path: string, make: (kinds: OpenApiKind[]) => object | undefined) => string | undefined;

function openApi(path: string, request: ApiRequest, made: Make): ApiResponse | undefined {
  if (!path.startsWith('/openapi/')) return undefined;
  checkJson(request);
  const text = made(path, (kinds) => {
    if (path === '/openapi/v2') return openApiV2(kinds);
    if (path === '/openapi/v3') return openApiV3Index(kinds);
    const [, , , root, group, version] = path.split('/');
    if (root === 'api' && group === 'v1') return openApiV3('', 'v1', kinds);
    if (root !== 'apis' || group === undefined || version === undefined) return undefined;
    const served = kinds.some((kind) => kind.type.group === group && kind.type.version === version);
    return served ? openApiV3(group, version, kinds) : undefined;
  });
  return text === undefined ? undefined : json(200, text);
}

function checkJson(request: ApiRequest): void {
  const types = parseAccept(request.headers['accept']).map(({ type }) => type);
  if (!types.some((type) => type === 'application/json' || type === '*/*' || type === 'application/*'))
    throw notAcceptable(['application/json']);
}

function openApiKinds(server: ServerContext): OpenApiKind[] {
  return server.core.kinds.all().map((kind): OpenApiKind => {
    const schema = (kind.custom as CrdKind | undefined)?.schema;
    return { type: kind.type, subresources: kind.subresources, ...(schema === undefined ? {} : { schema }) };
  });
}
