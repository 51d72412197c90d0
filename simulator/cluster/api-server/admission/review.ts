import { messageOf } from '../../../../core/errors.ts';
import { apiVersionOf } from '../../../../core/model/object.ts';
import type { KubeObject } from '../../../../core/model/object.ts';
import { StatusError } from '../errors.ts';
import { isJson, objectOf, textOf } from '../json.ts';
import type { Json } from '../json.ts';
import type { AdmissionRequest, Webhook } from './webhook-types.ts';

/** `request` of an `admission.k8s.io/v1` AdmissionReview. */
export function reviewRequest(request: AdmissionRequest, uid: string): Json {
  const { type, subresource } = request;
  const resource = { group: type.group, version: type.version, resource: type.plural };
  const kind = kindOf(request);
  return {
    uid,
    kind,
    resource,
    ...(subresource === undefined ? {} : { subResource: subresource, requestSubResource: subresource }),
    requestKind: kind,
    requestResource: resource,
    ...(request.name === undefined ? {} : { name: request.name }),
    ...(request.namespace === undefined ? {} : { namespace: request.namespace }),
    operation: request.operation,
    userInfo: { username: request.user.username, groups: [...request.user.groups] },
    object: withTypeMeta(request.object, request),
    oldObject: withTypeMeta(request.oldObject, request),
    dryRun: request.dryRun,
    options: optionsOf(request),
  };
}

/** Subresources like eviction and binding bring objects of their own kind. */
function kindOf(request: AdmissionRequest): Json {
  const { object, type, subresource } = request;
  if (subresource !== undefined && object?.apiVersion !== undefined && object.kind !== undefined) {
    const [group = '', version] = object.apiVersion.split('/');
    return version === undefined ? { group: '', version: group, kind: object.kind } : { group, version, kind: object.kind };
  }
  return { group: type.group, version: type.version, kind: type.kind };
}

function withTypeMeta(object: KubeObject | undefined, request: AdmissionRequest): KubeObject | null {
  return object === undefined ? null : { apiVersion: apiVersionOf(request.type), kind: request.type.kind, ...object };
}

const optionKinds: Readonly<Record<AdmissionRequest['operation'], string | undefined>> = {
  CREATE: 'CreateOptions',
  UPDATE: 'UpdateOptions',
  DELETE: 'DeleteOptions',
  CONNECT: undefined,
};

function optionsOf(request: AdmissionRequest): Json | null {
  const kind = optionKinds[request.operation];
  return kind === undefined ? null : { kind, apiVersion: 'meta.k8s.io/v1', ...(request.dryRun ? { dryRun: ['All'] } : {}) };
}

export interface ReviewResponse {
  readonly allowed: boolean;
  readonly status: Json | undefined;
  /** A JSON patch. */
  readonly patch: unknown;
  readonly warnings: string[];
}

/** Reads a webhook's reply; throws an `Error` that says what is wrong with it. */
export function readResponse(reply: Json, uid: string, mutating: boolean): ReviewResponse {
  if (reply['kind'] !== 'AdmissionReview' || reply['apiVersion'] !== 'admission.k8s.io/v1') {
    throw new Error(
      `expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got ${textOf(reply['apiVersion'])}, Kind=${textOf(reply['kind'])}`,
    );
  }
  if (!isJson(reply['response'])) throw new Error('webhook response was absent');
  const response = reply['response'];
  if (response['uid'] !== uid) throw new Error(`expected response.uid="${uid}", got "${textOf(response['uid'])}"`);
  const warnings = Array.isArray(response['warnings']) ? response['warnings'].filter((item) => typeof item === 'string') : [];
  return {
    allowed: response['allowed'] === true,
    status: isJson(response['status']) ? response['status'] : undefined,
    patch: readPatch(response, mutating),
    warnings,
  };
}

function readPatch(response: Json, mutating: boolean): unknown {
  const patch = textOf(response['patch']);
  const patchType = response['patchType'];
  if (!mutating) {
    if (patch !== '' || patchType !== undefined) throw new Error('validating webhook response must not have a patch');
    return undefined;
  }
  if (patch === '') {
    if (patchType !== undefined) throw new Error('webhook returned response.patchType without response.patch');
    return undefined;
  }
  if (patchType !== 'JSONPatch') throw new Error(`invalid response.patchType ${JSON.stringify(patchType ?? '')}, expected "JSONPatch"`);
  try {
    return JSON.parse(Buffer.from(patch, 'base64').toString('utf8')) as unknown;
  } catch (error) {
    throw new Error(`invalid response.patch: ${messageOf(error)}`, { cause: error });
  }
}

/** A denial as the client sees it: the webhook's status with its message led in by the webhook's name, and never a code below 400. */
export function denial(webhook: Webhook, status: Json | undefined): StatusError {
  const given = status ?? {};
  const lead = `admission webhook ${JSON.stringify(webhook.name)} denied the request`;
  const message = textOf(given['message']);
  const reason = textOf(given['reason']);
  const code = typeof given['code'] === 'number' && given['code'] >= 400 ? given['code'] : 400;
  const text = message !== '' ? `${lead}: ${message}` : reason !== '' ? `${lead}: ${reason}` : `${lead} without explanation`;
  const details = given['details'];
  return new StatusError(code, reason, text, isJson(details) ? objectOf(details) : undefined);
}
