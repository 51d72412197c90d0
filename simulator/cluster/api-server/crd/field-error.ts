/** One cause of an `Invalid` (422) answer. */
export interface FieldError {
  readonly reason:
    | 'FieldValueInvalid'
    | 'FieldValueRequired'
    | 'FieldValueNotSupported'
    | 'FieldValueTypeInvalid'
    | 'FieldValueTooLong'
    | 'FieldValueTooMany'
    | 'FieldValueDuplicate'
    | 'FieldValueForbidden';
  /** Path from the root of the object: `spec.metrics[0].name`; `<nil>` for the object as a whole. */
  readonly field: string;
  /** As in a Status cause, without the field: `Invalid value: 0: spec.x in body should be greater than or equal to 1`. */
  readonly message: string;
}

/** The whole text as the API server prints it: `field: message`. */
export function fieldErrorText(error: FieldError): string {
  return `${error.field}: ${error.message}`;
}

/** A value as the API server shows it inside a message. */
export function shown(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? Number(inner) : inner)) ?? 'null';
}

export function invalid(field: string, value: unknown, detail: string): FieldError {
  return { reason: 'FieldValueInvalid', field: orNil(field), message: `Invalid value: ${shown(value)}: ${detail}` };
}

/** Of rules: they name no value. */
export function invalidWithoutValue(field: string, detail: string): FieldError {
  return { reason: 'FieldValueInvalid', field: orNil(field), message: `Invalid value: ${detail}` };
}

export function typeInvalid(field: string, value: unknown, detail: string): FieldError {
  return { reason: 'FieldValueTypeInvalid', field: orNil(field), message: `Invalid value: ${shown(value)}: ${detail}` };
}

export function required(field: string, detail = ''): FieldError {
  return { reason: 'FieldValueRequired', field: orNil(field), message: detail === '' ? 'Required value' : `Required value: ${detail}` };
}

export function forbidden(field: string, detail: string): FieldError {
  return { reason: 'FieldValueForbidden', field: orNil(field), message: `Forbidden: ${detail}` };
}

export function duplicate(field: string, value: unknown): FieldError {
  return { reason: 'FieldValueDuplicate', field: orNil(field), message: `Duplicate value: ${shown(value)}` };
}

export function notSupported(field: string, value: unknown, supported: readonly unknown[]): FieldError {
  const list = supported.map((item) => (typeof item === 'string' ? JSON.stringify(item) : JSON.stringify(shown(item)))).join(', ');
  return {
    reason: 'FieldValueNotSupported',
    field: orNil(field),
    message: `Unsupported value: ${shown(value)}: supported values: ${list}`,
  };
}

export function tooLong(field: string, limit: number): FieldError {
  return {
    reason: 'FieldValueTooLong',
    field: orNil(field),
    message: `Too long: may not be more than ${limit} ${limit === 1 ? 'byte' : 'bytes'}`,
  };
}

export function tooMany(field: string, actual: number, limit: number): FieldError {
  return {
    reason: 'FieldValueTooMany',
    field: orNil(field),
    message: `Too many: ${actual}: must have at most ${limit} ${limit === 1 ? 'item' : 'items'}`,
  };
}

function orNil(field: string): string {
  return field === '' ? '<nil>' : field;
}
