import type { KubeObject, ResourceType } from '../../../core/model/object.ts';

/** One field that validation refused, as `Status.details.causes` carries it. */
export interface FieldError {
  readonly reason:
    | 'FieldValueInvalid'
    | 'FieldValueRequired'
    | 'FieldValueForbidden'
    | 'FieldValueNotSupported'
    | 'FieldValueDuplicate'
    | 'FieldValueTypeInvalid'
    | 'FieldValueTooLong'
    | 'FieldValueTooMany'
    | 'FieldValueNotFound'
    | 'InternalError';
  readonly field: string;
  readonly message: string;
}

export interface StatusCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

/**
 * A failure that the API server answers as a `metav1.Status`. `listContinue` is the token that a 410 of an expired list carries
 * in `metadata.continue`.
 */
export class StatusError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: StatusDetails | undefined;
  readonly listContinue: string | undefined;

  constructor(code: number, reason: string, message: string, details?: StatusDetails & { readonly listContinue?: string }) {
    super(message);
    this.name = 'StatusError';
    this.code = code;
    this.reason = reason;
    if (details?.listContinue === undefined) {
      this.details = details;
      this.listContinue = undefined;
    } else {
      const { listContinue, ...rest } = details;
      this.details = rest;
      this.listContinue = listContinue;
    }
  }

  /** The `Status` object of this failure. */
  toStatus(): KubeObject & { readonly status: string; readonly code: number } {
    const metadata = (this.listContinue === undefined ? {} : { continue: this.listContinue }) as KubeObject['metadata'];
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata,
      status: 'Failure',
      message: this.message,
      ...(this.reason === '' ? {} : { reason: this.reason }),
      ...(this.details === undefined ? {} : { details: this.details }),
      code: this.code,
    };
  }
}

export function isStatusError(value: unknown, reason?: string): value is StatusError {
  return value instanceof StatusError && (reason === undefined || value.reason === reason);
}

type Named = Pick<ResourceType, 'group' | 'plural'>;

/** `deployments.apps`, or `pods` in the core group: how upstream names a resource in a message. */
export function qualifiedResource(type: Named): string {
  return type.group === '' ? type.plural : `${type.plural}.${type.group}`;
}

function resourceDetails(type: Named, name: string): StatusDetails {
  return { name, ...(type.group === '' ? {} : { group: type.group }), kind: type.plural };
}

export function notFound(type: Named, name: string): StatusError {
  return new StatusError(404, 'NotFound', `${qualifiedResource(type)} "${name}" not found`, resourceDetails(type, name));
}

/** For a path that no resource answers to. */
export function unknownResource(): StatusError {
  return new StatusError(404, 'NotFound', 'the server could not find the requested resource', {});
}

export function alreadyExists(type: Named, name: string): StatusError {
  return new StatusError(409, 'AlreadyExists', `${qualifiedResource(type)} "${name}" already exists`, resourceDetails(type, name));
}

export const optimisticLockMessage = 'the object has been modified; please apply your changes to the latest version and try again';

export function conflict(type: Named, name: string, why: string = optimisticLockMessage): StatusError {
  return new StatusError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualifiedResource(type)} "${name}": ${why}`,
    resourceDetails(type, name),
  );
}

export function forbidden(type: Named, name: string, why: string, causes?: readonly StatusCause[]): StatusError {
  const subject = name === '' ? qualifiedResource(type) : `${qualifiedResource(type)} "${name}"`;
  return new StatusError(403, 'Forbidden', `${subject} is forbidden: ${why}`, {
    ...(name === '' ? { ...(type.group === '' ? {} : { group: type.group }), kind: type.plural } : resourceDetails(type, name)),
    ...(causes === undefined ? {} : { causes }),
  });
}

/** 422 with one cause for each error; the message joins them as upstream's aggregate does, which says nothing twice. */
export function invalid(type: Pick<ResourceType, 'group' | 'kind'>, name: string, errors: readonly FieldError[]): StatusError {
  const texts = [...new Set(errors.map((error) => `${error.field}: ${error.message}`))];
  const joined = texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`;
  const kind = type.group === '' ? type.kind : `${type.kind}.${type.group}`;
  return new StatusError(422, 'Invalid', `${kind} "${name}" is invalid: ${joined}`, {
    name,
    ...(type.group === '' ? {} : { group: type.group }),
    kind: type.kind,
    causes: errors.map((error) => ({ reason: error.reason, message: error.message, field: error.field })),
  });
}

export function badRequest(message: string): StatusError {
  return new StatusError(400, 'BadRequest', message);
}

export function methodNotAllowed(message = 'the server does not allow this method on the requested resource'): StatusError {
  return new StatusError(405, 'MethodNotAllowed', message, {});
}

export function unsupportedMediaType(accepted: readonly string[]): StatusError {
  return new StatusError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  );
}

export function notAcceptable(offered: readonly string[]): StatusError {
  return new StatusError(406, 'NotAcceptable', `406: Not Acceptable\n\nAvailable representations: ${offered.join(', ')}`);
}

export function expired(message: string, listContinue?: string): StatusError {
  return new StatusError(410, 'Expired', message, listContinue === undefined ? undefined : { listContinue });
}

export function tooManyRequests(message: string, retryAfterSeconds: number, causes?: readonly StatusCause[]): StatusError {
  return new StatusError(429, 'TooManyRequests', message, {
    ...(causes === undefined ? {} : { causes }),
    ...(retryAfterSeconds > 0 ? { retryAfterSeconds } : {}),
  });
}

export function internalError(message: string): StatusError {
  return new StatusError(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] });
}

/** The server's own words for a back end (an aggregated API) that does not answer. */
export function serviceUnavailable(message = 'the server is currently unable to handle the request'): StatusError {
  return new StatusError(503, 'ServiceUnavailable', message);
}

// Texts of k8s.io/apimachinery's field package.
export const fieldErrors = {
  required: (field: string, detail = ''): FieldError => ({
    reason: 'FieldValueRequired',
    field,
    message: detail === '' ? 'Required value' : `Required value: ${detail}`,
  }),
  invalid: (field: string, value: unknown, detail: string): FieldError => ({
    reason: 'FieldValueInvalid',
    field,
    message: `Invalid value: ${printValue(value)}: ${detail}`,
  }),
  forbidden: (field: string, detail: string): FieldError => ({
    reason: 'FieldValueForbidden',
    field,
    message: `Forbidden: ${detail}`,
  }),
  notSupported: (field: string, value: unknown, supported: readonly string[]): FieldError => ({
    reason: 'FieldValueNotSupported',
    field,
    message: `Unsupported value: ${printValue(value)}: supported values: ${supported.map((text) => `"${text}"`).join(', ')}`,
  }),
  duplicate: (field: string, value: unknown, detail = ''): FieldError => ({
    reason: 'FieldValueDuplicate',
    field,
    message: `Duplicate value: ${printValue(value)}${detail === '' ? '' : `: ${detail}`}`,
  }),
  notFound: (field: string, value: unknown): FieldError => ({
    reason: 'FieldValueNotFound',
    field,
    message: `Not found: ${printValue(value)}`,
  }),
} as const;

function printValue(value: unknown): string {
  return value === undefined ? 'null' : JSON.stringify(value);
}

/** Any thrown thing as a Status: what is not a StatusError is a fault of the server. */
export function toStatusError(thrown: unknown): StatusError {
  if (thrown instanceof StatusError) return thrown;
  return internalError(thrown instanceof Error ? thrown.message : String(thrown));
}
