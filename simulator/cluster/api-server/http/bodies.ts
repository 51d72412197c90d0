import { parse as parseYaml } from 'yaml';
import type { KubeObject } from '../../../../core/model/object.ts';
import { apiVersionOf } from '../../../../core/model/object.ts';
import { StatusError, badRequest, unsupportedMediaType } from '../errors.ts';
import { isJson, textOf } from '../json.ts';
import type { Json } from '../json.ts';
import type { Kind } from '../kinds/kind.ts';
import { decodeProtobuf, protobufType } from '../wire/protobuf.ts';
import type { ApiRequest } from '../types.ts';

const accepted = ['application/json', 'application/yaml', protobufType];
/** The real server's limit for a request body. */
const maxBodyBytes = 3 * 1024 * 1024;

export function mediaTypeOf(request: ApiRequest): string {
  const [type = ''] = (request.headers['content-type'] ?? '').split(';');
  return type.trim().toLowerCase();
}

/** The body as JSON data, from JSON or YAML. No Content-Type means JSON, as upstream. */
export function decodeBody(request: ApiRequest): unknown {
  const type = mediaTypeOf(request);
  if (type === protobufType) return decodeProtobuf(bodyBytes(request));
  const text = bodyText(request);
  if (type === '' || type === 'application/json') return parseJson(text);
  if (type === 'application/yaml') return parseYamlText(text);
  throw unsupportedMediaType(accepted);
}

export function bodyText(request: ApiRequest): string {
  return bodyBytes(request).toString('utf8');
}

function bodyBytes({ body }: ApiRequest): Buffer {
  if (body !== undefined && body.length > maxBodyBytes) {
    throw new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${maxBodyBytes}`);
  }
  return body ?? Buffer.alloc(0);
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (thrown) {
    throw badRequest(`couldn't get version/kind; json parse error: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
}

export function parseYamlText(text: string): unknown {
  try {
    return parseYaml(text) as unknown;
  } catch (thrown) {
    throw badRequest(`error converting YAML to JSON: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
}

/** The body as an object of the kind that the path names. */
export function decodeObject(request: ApiRequest, kind: Kind): KubeObject {
  const value = decodeBody(request);
  if (!isJson(value)) throw badRequest(`the body of a ${kind.type.kind} must be an object`);
  checkKind(value, kind.type.kind, apiVersionOf(kind.type));
  const metadata = value['metadata'];
  return { ...value, metadata: isJson(metadata) ? metadata : {} } as KubeObject;
}

export function checkKind(value: Json, kind: string, apiVersion: string): void {
  const givenKind = textOf(value['kind']);
  const givenVersion = textOf(value['apiVersion']);
  if (givenVersion !== '' && givenVersion !== apiVersion) {
    throw badRequest(`the API version in the data (${givenVersion}) does not match the expected API version (${apiVersion})`);
  }
  if (givenKind !== '' && givenKind !== kind) {
    throw badRequest(
      `${givenKind} in version "${apiVersion}" cannot be handled as a ${kind}: no kind "${givenKind}" is served at this path`,
    );
  }
}
