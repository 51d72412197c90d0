import type { KubeObject } from '../../../core/model/object.ts';

/** An operation of a JSON patch (RFC 6902), as far as admission makes them. */
export type PatchOperation =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };

/** `request` of an `admission.k8s.io/v1` AdmissionReview, as far as it is read. */
export interface AdmissionRequest {
  readonly uid: string;
  /** `group/resource`; `pods` for the core group. */
  readonly resource: string;
  readonly subresource: string | undefined;
  readonly operation: string;
  /** Empty for what has no namespace. */
  readonly namespace: string;
  readonly object: KubeObject | undefined;
  readonly oldObject: KubeObject | undefined;
}

/** What becomes of a request. */
export interface AdmissionAnswer {
  readonly allowed: boolean;
  readonly patch?: readonly PatchOperation[] | undefined;
  /** For the person who made the object; each at most 256 characters, or API servers cut them. */
  readonly warnings?: readonly string[] | undefined;
  /** For the audit log. */
  readonly audit?: Readonly<Record<string, string>> | undefined;
  /** Why it was refused. */
  readonly status?: { readonly code: number; readonly reason: string; readonly message: string; readonly details?: object } | undefined;
}

export type ReviewReading = { readonly ok: true; readonly request: AdmissionRequest } | { readonly ok: false; readonly problem: string };

type Json = Readonly<Record<string, unknown>>;

/** Reads a parsed AdmissionReview; whatever it is, it does not throw. */
export function readReview(review: unknown): ReviewReading {
  if (!isJson(review) || review['kind'] !== 'AdmissionReview') return { ok: false, problem: 'this is no AdmissionReview' };
  if (review['apiVersion'] !== 'admission.k8s.io/v1') return { ok: false, problem: 'only admission.k8s.io/v1 is understood' };
  const request = review['request'];
  if (!isJson(request) || typeof request['uid'] !== 'string') return { ok: false, problem: 'the review has no request with a uid' };
  const resource = isJson(request['resource']) ? request['resource'] : {};
  const group = textOf(resource['group']);
  return {
    ok: true,
    request: {
      uid: request['uid'],
      resource: group === '' ? textOf(resource['resource']) : `${group}/${textOf(resource['resource'])}`,
      subresource: textOf(request['subResource']) || undefined,
      operation: textOf(request['operation']),
      namespace: textOf(request['namespace']),
      object: objectOf(request['object']),
      oldObject: objectOf(request['oldObject']),
    },
  };
}

/** The AdmissionReview that answers a request. */
export function answerReview(uid: string, answer: AdmissionAnswer): object {
  const { allowed, patch, warnings, audit, status } = answer;
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: {
      uid,
      allowed,
      ...(patch === undefined || patch.length === 0
        ? {}
        : { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch), 'utf8').toString('base64') }),
      ...(warnings === undefined || warnings.length === 0 ? {} : { warnings: warnings.map(shortSentence) }),
      ...(audit === undefined ? {} : { auditAnnotations: audit }),
      ...(status === undefined ? {} : { status: { status: 'Failure', ...status } }),
    },
  };
}

/** The uid of a review from the beginning of its text, where API servers write it; `undefined` when it is not there. */
export function uidAtHead(text: string): string | undefined {
  const head =
    /^\s*\{\s*"kind"\s*:\s*"AdmissionReview"\s*,\s*"apiVersion"\s*:\s*"admission\.k8s\.io\/v1"\s*,\s*"request"\s*:\s*\{\s*"uid"\s*:\s*"([\w-]{1,100})"/;
  return head.exec(text)?.[1];
}

/** At most 256 characters, without control characters: headers carry it. */
export function shortSentence(text: string): string {
  const clean = text.replace(/[\p{Cc}\p{Cf}]/gu, ' ');
  return clean.length <= 256 ? clean : `${clean.slice(0, 255)}…`;
}

function objectOf(value: unknown): KubeObject | undefined {
  return isJson(value) && isJson(value['metadata']) ? (value as unknown as KubeObject) : undefined;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
