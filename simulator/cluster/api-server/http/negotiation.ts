import { notAcceptable } from '../errors.ts';
import type { ApiRequest } from '../types.ts';

/** How an answer is to be written: as it is, as a Table, or with the metadata alone. */
export type Representation = 'object' | 'table' | 'metadata';

export interface MediaType {
  readonly type: string;
  readonly params: Readonly<Record<string, string>>;
}

const jsonTypes = ['application/json', '*/*'];
/** What the real server names in its refusal. */
const representations = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];

export function parseAccept(text: string | undefined): MediaType[] {
  if (text === undefined || text.trim() === '') return [{ type: '*/*', params: {} }];
  return text.split(',').map((part) => {
    const [type = '', ...params] = part.split(';').map((piece) => piece.trim());
    return { type: type.toLowerCase(), params: Object.fromEntries(params.map((param) => splitParam(param))) };
  });
}

function splitParam(param: string): [string, string] {
  const at = param.indexOf('=');
  return at < 0 ? [param, ''] : [param.slice(0, at), param.slice(at + 1)];
}

/** The first representation of the Accept header that this server can give; 406 when there is none (protobuf, CBOR). */
export function negotiate(request: ApiRequest): Representation {
  for (const { type, params } of parseAccept(request.headers['accept'])) {
    if (!jsonTypes.includes(type)) continue;
    const as = params['as'];
    if (as === undefined) return 'object';
    if (params['g'] !== 'meta.k8s.io' || params['v'] !== 'v1') continue;
    if (as === 'Table') return 'table';
    if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') return 'metadata';
  }
  throw notAcceptable(representations);
}
