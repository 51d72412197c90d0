import type { KubeObject } from '../../../../core/model/object.ts';
import { apiVersionOf } from '../../../../core/model/object.ts';
import { badRequest, fieldErrors, invalid, isStatusError, notFound, unsupportedMediaType, StatusError } from '../errors.ts';
import { isJson, textOf } from '../json.ts';
import type { Kind } from '../kinds/kind.ts';
import { applyJsonPatch } from '../patch/json-patch.ts';
import { defaultMerge } from '../patch/merge-keys.ts';
import type { MergeNode } from '../patch/merge-keys.ts';
import { applyMergePatch } from '../patch/merge-patch.ts';
import { applyStrategicMerge } from '../patch/strategic-merge.ts';
import type { Stored } from '../storage/stored.ts';
import type { ApiRequest } from '../types.ts';
import { bodyText, mediaTypeOf, parseJson, parseYamlText } from './bodies.ts';

const jsonPatch = 'application/json-patch+json';
const mergePatch = 'application/merge-patch+json';
const strategicPatch = 'application/strategic-merge-patch+json';
const applyPatch = 'application/apply-patch+yaml';

/** Conflicts that a patch without a resourceVersion of its own meets are the server's to resolve, so often. */
const maxTries = 5;

export interface ParsedPatch {
  readonly body: unknown;
  apply(object: KubeObject, merge: MergeNode | undefined): KubeObject;
}

/** Reads a patch by its media type; `merge` undefined means that the kind has no strategic merge. */
export function parsePatch(request: ApiRequest, merge: MergeNode | undefined): ParsedPatch {
  const type = mediaTypeOf(request);
  const accepted = merge === undefined ? [jsonPatch, mergePatch] : [jsonPatch, mergePatch, strategicPatch];
  if (type === applyPatch || type === 'application/apply-patch+cbor') {
    throw new StatusError(
      415,
      'UnsupportedMediaType',
      `server-side apply (${type}) is not served by the embedded API server: send one of ${accepted.join(', ')} (kubectl apply without --server-side)`,
    );
  }
  if (!accepted.includes(type)) throw unsupportedMediaType(accepted);
  const text = bodyText(request);
  const body = text.trimStart().startsWith('{') || text.trimStart().startsWith('[') ? parseJson(text) : parseYamlText(text);
  switch (type) {
    case jsonPatch:
      return { body, apply: (object) => asObject(applyJsonPatch(object, body)) };
    case mergePatch:
      requireObject(body);
      return { body, apply: (object) => asObject(applyMergePatch(object, body)) };
    default:
      requireObject(body);
      return { body, apply: (object, node) => asObject(applyStrategicMerge(object, body, node ?? defaultMerge)) };
  }
}

function requireObject(body: unknown): void {
  if (!isJson(body))
    throw badRequest(
      `error decoding patch: json: cannot unmarshal ${JSON.stringify(body) ?? 'nothing'} into Go value of type map[string]interface {}`,
    );
}

function asObject(value: unknown): KubeObject {
  if (!isJson(value) || !isJson(value['metadata'])) throw badRequest('the patch leaves no object with metadata');
  return value as KubeObject;
}

/** The patched object, checked to be still the same one. */
export function patchObject(kind: Kind, current: KubeObject, patch: ParsedPatch): KubeObject {
  const next = patch.apply(current, kind.merge);
  if (next.metadata.name !== current.metadata.name) {
    throw badRequest(
      `the name of the object (${textOf(next.metadata.name)}) does not match the name on the URL (${current.metadata.name})`,
    );
  }
  const { uid } = next.metadata;
  if (uid !== undefined && uid !== '' && uid !== current.metadata.uid) {
    throw invalid(kind.type, current.metadata.name, [fieldErrors.invalid('metadata.uid', uid, 'field is immutable')]);
  }
  if (next.metadata.namespace !== current.metadata.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  if (next.kind !== undefined && next.kind !== kind.type.kind) throw badRequest(`the patch may not change kind to ${textOf(next.kind)}`);
  if (next.apiVersion !== undefined && next.apiVersion !== apiVersionOf(kind.type)) {
    throw badRequest(`the patch may not change apiVersion to ${textOf(next.apiVersion)}`);
  }
  return next;
}

/** Reads, patches and writes; again when somebody else was quicker, unless the patch itself named the revision it is for. */
export async function retryPatch(
  read: () => Stored | undefined,
  kind: Kind,
  patch: ParsedPatch,
  ...[key, write]: [name: string, write: (next: KubeObject, current: KubeObject) => Promise<Stored>]
): Promise<Stored> {
  for (let tries = 1; ; tries++) {
    const current = read();
    if (current === undefined) throw notFound(kind.type, key);
    const before = current.view(kind.encode);
    const next = patchObject(kind, before, patch);
    const pinned = next.metadata.resourceVersion !== current.object.metadata.resourceVersion;
    try {
      return await write(next, before);
    } catch (thrown) {
      if (pinned || !isStatusError(thrown, 'Conflict') || tries >= maxTries || read() === current) throw thrown;
    }
  }
}
