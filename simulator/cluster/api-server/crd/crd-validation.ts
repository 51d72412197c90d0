import type { JsonSchema } from '../../../../core/kube/crd-schema.ts';
import type { KubeObject } from '../../../../core/model/object.ts';
import { compileRules } from './cel/rules.ts';
import type { CrdNames, CrdSpec, CrdVersion } from './crd-types.ts';
import { crdSpecOf } from './crd-types.ts';
import type { FieldError } from './field-error.ts';
import { invalid, notSupported, required } from './field-error.ts';
import { equalJson } from './json-value.ts';
import { validateStructural } from './structural.ts';

const label = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const labelText =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const columnTypes = ['boolean', 'date', 'integer', 'number', 'string'];

/** What the API server has against a CustomResourceDefinition (`apiextensions.k8s.io/v1`); empty when it can be served. */
export function validateCrd(crd: KubeObject): FieldError[] {
  const spec = crdSpecOf(crd);
  const errors: FieldError[] = [];
  const { plural } = spec.names;
  if (crd.metadata.name !== `${plural ?? ''}.${spec.group ?? ''}`) {
    errors.push(invalid('metadata.name', crd.metadata.name, 'must be spec.names.plural+"."+spec.group'));
  }
  checkGroupAndScope(spec, errors);
  checkNames(spec, errors);
  checkVersions(spec, errors);
  if (spec.preserveUnknownFields === true) {
    errors.push(
      invalid(
        'spec.preserveUnknownFields',
        true,
        'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
      ),
    );
  }
  if (spec.conversion?.strategy !== undefined && spec.conversion.strategy !== 'None') {
    errors.push(notSupported('spec.conversion.strategy', spec.conversion.strategy, ['None']));
  }
  return errors;
}

function checkGroupAndScope(spec: CrdSpec, errors: FieldError[]): void {
  const { group, scope } = spec;
  if (group === undefined || group === '') errors.push(required('spec.group'));
  else if (!subdomain.test(group))
    errors.push(invalid('spec.group', group, 'a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters'));
  else if (!group.includes('.')) errors.push(invalid('spec.group', group, 'should be a domain with at least one dot'));
  if (scope === undefined || scope === '') errors.push(required('spec.scope'));
  else if (scope !== 'Cluster' && scope !== 'Namespaced') errors.push(notSupported('spec.scope', scope, ['Cluster', 'Namespaced']));
}

function checkNames(spec: CrdSpec, errors: FieldError[]): void {
  const { names } = spec;
  for (const field of ['plural', 'kind'] as const) if ((names[field] ?? '') === '') errors.push(required(`spec.names.${field}`));
  for (const field of ['plural', 'singular'] as const) {
    const name = names[field];
    if (name !== undefined && name !== '' && !label.test(name)) errors.push(invalid(`spec.names.${field}`, name, labelText));
  }
  for (const field of ['kind', 'listKind'] as const) {
    const name = names[field];
    if (name !== undefined && name !== '' && !label.test(name.toLowerCase())) {
      errors.push(invalid(`spec.names.${field}`, name, `may have mixed case, but should otherwise match: ${labelText}`));
    }
  }
  checkListNames(names, errors);
}

function checkListNames(names: CrdNames, errors: FieldError[]): void {
  if (names.kind !== undefined && names.kind === names.listKind) {
    errors.push(invalid('spec.names.listKind', names.listKind, 'kind and listKind may not be the same'));
  }
  for (const field of ['shortNames', 'categories'] as const) {
    names[field]?.forEach((name, index) => {
      if (!label.test(name)) errors.push(invalid(`spec.names.${field}[${index}]`, name, labelText));
    });
  }
}

function checkVersions(spec: CrdSpec, errors: FieldError[]): void {
  const { versions } = spec;
  if (new Set(versions.map((version) => version.name)).size < versions.length) {
    errors.push(
      invalid(
        'spec.versions',
        versions.map((version) => version.name),
        'must contain unique version names',
      ),
    );
  }
  if (versions.filter((version) => version.storage === true).length !== 1) {
    errors.push(
      invalid(
        'spec.versions',
        versions.map((version) => version.name),
        'must have exactly one version marked as storage version',
      ),
    );
    errors.push(invalid('status.storedVersions', null, 'must have at least one stored version'));
  }
  // As upstream: what is the same in all versions is reported once, as if it stood in the spec itself.
  const [first] = versions;
  const together = first !== undefined && versions.every((version) => equalJson(version.schema, first.schema));
  versions.forEach((version, index) => {
    const at = `spec.versions[${index}]`;
    if (!label.test(version.name)) errors.push(invalid(`${at}.name`, version.name, labelText));
    if (!together || index === 0)
      checkSchema(version, together ? 'spec.validation.openAPIV3Schema' : `${at}.schema.openAPIV3Schema`, errors);
    checkSubresources(version, together ? 'spec.subresources' : `${at}.subresources`, errors);
    checkColumns(version, together ? 'spec.additionalPrinterColumns' : `${at}.additionalPrinterColumns`, errors);
  });
}

function checkSchema(version: CrdVersion, path: string, errors: FieldError[]): void {
  const schema = version.schema?.openAPIV3Schema;
  if (schema === undefined) {
    errors.push(required(path.replace('spec.validation', 'spec.versions[0].schema')));
    return;
  }
  const structural = validateStructural(schema, path);
  errors.push(...structural);
  if (structural.length === 0) errors.push(...compileRules(schema, path).problems);
}

function checkSubresources(version: CrdVersion, path: string, errors: FieldError[]): void {
  const scale = version.subresources?.scale;
  if (scale === undefined) return;
  const check = (field: 'specReplicasPath' | 'statusReplicasPath' | 'labelSelectorPath', roots: readonly string[]): void => {
    const value = scale[field];
    if (value === undefined || value === '') {
      if (field !== 'labelSelectorPath') errors.push(required(`${path}.scale.${field}`));
    } else if (!roots.some((root) => value.startsWith(`${root}.`)) || value.includes('[')) {
      errors.push(invalid(`${path}.scale.${field}`, value, `should be a json path under ${roots.join(' or ')}`));
    }
  };
  check('specReplicasPath', ['.spec']);
  check('statusReplicasPath', ['.status']);
  check('labelSelectorPath', ['.spec', '.status']);
}

function checkColumns(version: CrdVersion, path: string, errors: FieldError[]): void {
  version.additionalPrinterColumns?.forEach((column, index) => {
    const at = `${path}[${index}]`;
    for (const field of ['name', 'type', 'jsonPath'] as const) {
      if (((column as Partial<typeof column>)[field] ?? '') === '') errors.push(required(`${at}.${field}`));
    }
    const type: string | undefined = column.type;
    if (type !== undefined && !columnTypes.includes(type))
      errors.push(invalid(`${at}.type`, type, `must be one of ${columnTypes.join(',')}`));
  });
}

/** The schema of a version, or one that takes everything. */
export function schemaOf(version: CrdVersion): JsonSchema {
  return version.schema?.openAPIV3Schema ?? { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
}
