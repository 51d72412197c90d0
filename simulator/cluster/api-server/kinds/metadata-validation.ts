import type { KubeObject } from '../../../../core/model/object.ts';
import { fieldErrors } from '../errors.ts';
import type { FieldError } from '../errors.ts';
import type { Kind } from './kind.ts';

const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const label1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const qualifiedName = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const labelValue = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;

const labelText =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const label1035Text =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const subdomainText =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const nameText =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const labelValueText =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

const maxAnnotationBytes = 256 * 1024;

export function dnsLabelError(value: string): string | undefined {
  if (value.length > 63) return 'must be no more than 63 characters';
  return label.test(value) ? undefined : labelText;
}

export function dnsSubdomainError(value: string): string | undefined {
  if (value.length > 253) return 'must be no more than 253 characters';
  return subdomain.test(value) ? undefined : subdomainText;
}

function nameError(rule: Kind['nameRule'], name: string): string | undefined {
  switch (rule) {
    case 'label':
      return dnsLabelError(name);
    case 'service':
      if (name.length > 63) return 'must be no more than 63 characters';
      return label1035.test(name) ? undefined : label1035Text;
    case 'path':
      if (name === '.' || name === '..') return `may not be '${name}'`;
      return /[/%]/.test(name) ? "may not contain '/' or '%'" : undefined;
    case 'subdomain':
      return dnsSubdomainError(name);
  }
}

/** What is wrong with a label key (an optional DNS prefix and a name); nothing when it is one. */
export function labelKeyErrors(key: string): string[] {
  const [first = '', second, ...more] = key.split('/');
  if (more.length > 0) return [`a valid label key ${nameText} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  const errors: string[] = [];
  const name = second ?? first;
  if (second !== undefined) {
    const wrong = first === '' ? 'must be non-empty' : dnsSubdomainError(first);
    if (wrong !== undefined) errors.push(`prefix part ${wrong}`);
  }
  if (name === '') errors.push('name part must be non-empty');
  else if (name.length > 63) errors.push('name part must be no more than 63 bytes');
  if (!qualifiedName.test(name)) errors.push(`name part ${nameText}`);
  return errors;
}

/** What is wrong with a label value; nothing when it is one. */
export function labelValueErrors(value: string): string[] {
  const errors = value.length > 63 ? ['must be no more than 63 bytes'] : [];
  if (!labelValue.test(value)) errors.push(labelValueText);
  return errors;
}

// Label keys and values repeat over thousands of objects.
const knownKeys = new Set<string>();
/** Their prefix may have capitals, that of labels may not. */
const knownAnnotations = new Set<string>();
const knownValues = new Set<string>();
const cacheLimit = 20_000;

function remember(cache: Set<string>, text: string): void {
  if (cache.size < cacheLimit) cache.add(text);
}

/** A label key where a field holds one. */
export function validateLabelKey(key: string, field: string): FieldError[] {
  if (knownKeys.has(key)) return [];
  const wrong = labelKeyErrors(key);
  if (wrong.length === 0) remember(knownKeys, key);
  return wrong.map((detail) => fieldErrors.invalid(field, key, detail));
}

export function validateLabels(labels: unknown, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (labels === undefined || labels === null) return errors;
  for (const [key, value] of Object.entries(labels)) {
    errors.push(...validateLabelKey(key, field));
    if (typeof value === 'string' && knownValues.has(value)) continue;
    if (typeof value !== 'string') {
      errors.push(fieldErrors.invalid(field, value, 'must be a string'));
      continue;
    }
    const wrong = labelValueErrors(value);
    if (wrong.length === 0) remember(knownValues, value);
    for (const detail of wrong) errors.push(fieldErrors.invalid(field, value, detail));
  }
  return errors;
}

export function validateAnnotations(annotations: unknown, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (annotations === undefined || annotations === null) return errors;
  let size = 0;
  for (const [key, value] of Object.entries(annotations)) {
    if (!knownAnnotations.has(key)) {
      const wrong = labelKeyErrors(key.toLowerCase());
      if (wrong.length === 0) remember(knownAnnotations, key);
      for (const detail of wrong) errors.push(fieldErrors.invalid(field, key, detail));
    }
    if (typeof value !== 'string') errors.push(fieldErrors.invalid(field, value, 'must be a string'));
    else size += key.length + value.length;
  }
  if (size > maxAnnotationBytes) {
    errors.push({ reason: 'FieldValueTooLong', field, message: `Too long: may not be more than ${maxAnnotationBytes} bytes` });
  }
  return errors;
}

/** Name, labels, annotations, finalizers and owner references, as every builtin kind has them checked. */
export function validateMetadata(kind: Kind, object: KubeObject): FieldError[] {
  const { metadata } = object;
  const errors: FieldError[] = [];
  if (typeof metadata.name !== 'string' || metadata.name === '') {
    errors.push(fieldErrors.required('metadata.name', 'name or generateName is required'));
  } else {
    const wrong = nameError(kind.nameRule, metadata.name);
    if (wrong !== undefined) errors.push(fieldErrors.invalid('metadata.name', metadata.name, wrong));
  }
  errors.push(...validateLabels(metadata.labels, 'metadata.labels'));
  errors.push(...validateAnnotations(metadata.annotations, 'metadata.annotations'));
  for (const [at, finalizer] of (metadata.finalizers ?? []).entries()) {
    errors.push(...validateLabelKey(finalizer, `metadata.finalizers[${at}]`));
  }
  errors.push(...validateOwners(object));
  return errors;
}

function validateOwners(object: KubeObject): FieldError[] {
  const errors: FieldError[] = [];
  let controllers = 0;
  for (const [at, owner] of (object.metadata.ownerReferences ?? []).entries()) {
    const field = `metadata.ownerReferences[${at}]`;
    for (const part of ['apiVersion', 'kind', 'name', 'uid'] as const) {
      if (typeof owner[part] !== 'string' || owner[part] === '') {
        errors.push(fieldErrors.invalid(`${field}.${part}`, owner[part] ?? '', `${part} must not be empty`));
      }
    }
    if (owner.controller === true) controllers += 1;
  }
  if (controllers > 1) {
    errors.push(
      fieldErrors.invalid(
        'metadata.ownerReferences',
        object.metadata.ownerReferences,
        'Only one reference can have Controller set to true. Found "true" in references for several owners',
      ),
    );
  }
  return errors;
}

/** What an update may not change of the metadata. */
export function validateMetadataUpdate(object: KubeObject, old: KubeObject): FieldError[] {
  const errors: FieldError[] = [];
  const { metadata } = object;
  if (old.metadata.deletionTimestamp !== undefined) {
    const added = (metadata.finalizers ?? []).filter((name) => !(old.metadata.finalizers ?? []).includes(name));
    if (added.length > 0) {
      errors.push(
        fieldErrors.forbidden(
          'metadata.finalizers',
          `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((name) => `"${name}"`).join(', ')}}`,
        ),
      );
    }
  }
  if (metadata.uid !== undefined && metadata.uid !== '' && metadata.uid !== old.metadata.uid) {
    errors.push(fieldErrors.invalid('metadata.uid', metadata.uid, 'field is immutable'));
  }
  return errors;
}
