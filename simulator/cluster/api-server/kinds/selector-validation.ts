import { fieldErrors } from '../errors.ts';
import type { FieldError } from '../errors.ts';
import { dnsSubdomainError, labelValueErrors, validateLabelKey, validateLabels } from './metadata-validation.ts';
import type { LabelSelectorShape, NodeSelectorRequirement, NodeSelectorTerm } from './shapes.ts';

const { required, invalid, forbidden } = fieldErrors;

/** An enumeration; an absent value is another rule's business. `allowed` is in the order in which the server's text lists it. */
export function oneOf(field: string, value: unknown, allowed: readonly string[]): FieldError[] {
  return value === undefined || (typeof value === 'string' && allowed.includes(value))
    ? []
    : [fieldErrors.notSupported(field, value, allowed)];
}

/** A metav1.LabelSelector; an absent one is another rule's business. */
export function validateSelectorShape(selector: LabelSelectorShape | undefined, field: string): FieldError[] {
  if (selector === undefined) return [];
  const errors = validateLabels(selector.matchLabels, `${field}.matchLabels`);
  for (const [at, expression] of (selector.matchExpressions ?? []).entries()) {
    const path = `${field}.matchExpressions[${at}]`;
    errors.push(
      ...validateOperator(expression, path),
      ...validateLabelKey(expression.key ?? '', `${path}.key`),
      ...validateValues(expression, path),
    );
  }
  return errors;
}

function validateOperator({ operator = '', values = [] }: NodeSelectorRequirement, path: string): FieldError[] {
  switch (operator) {
    case 'In':
    case 'NotIn':
      return values.length === 0 ? [required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'")] : [];
    case 'Exists':
    case 'DoesNotExist':
      return values.length > 0 ? [forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")] : [];
    default:
      return [invalid(`${path}.operator`, operator, 'not a valid selector operator')];
  }
}

function validateValues({ values = [] }: NodeSelectorRequirement, path: string): FieldError[] {
  return values.flatMap((value, at) => labelValueErrors(value).map((detail) => invalid(`${path}.values[${at}]`, value, detail)));
}

/** A term of a node selector. Preferred terms may hold what is no label value: `anyValue`. */
export function validateNodeSelectorTerm(term: NodeSelectorTerm, path: string, anyValue: boolean): FieldError[] {
  const onLabels = (term.matchExpressions ?? []).flatMap((requirement, at) => {
    const place = `${path}.matchExpressions[${at}]`;
    return [
      ...validateNodeOperator(requirement, place),
      ...validateLabelKey(requirement.key ?? '', `${place}.key`),
      ...(anyValue ? [] : validateValues(requirement, place)),
    ];
  });
  const onFields = (term.matchFields ?? []).flatMap((requirement, at) =>
    validateFieldRequirement(requirement, `${path}.matchFields[${at}]`),
  );
  return [...onLabels, ...onFields];
}

function validateNodeOperator(requirement: NodeSelectorRequirement, path: string): FieldError[] {
  const { operator, values = [] } = requirement;
  if (operator !== 'Gt' && operator !== 'Lt') return validateOperator(requirement, path);
  return values.length === 1 ? [] : [required(`${path}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'")];
}

/** A node's only selectable field is its name. */
function validateFieldRequirement({ key = '', operator = '', values = [] }: NodeSelectorRequirement, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (operator !== 'In' && operator !== 'NotIn') errors.push(invalid(`${path}.operator`, operator, 'not a valid selector operator'));
  else if (values.length !== 1) {
    errors.push(required(`${path}.values`, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"));
  }
  if (key !== 'metadata.name') return [...errors, invalid(`${path}.key`, key, 'not a valid field selector key')];
  for (const [at, name] of values.entries()) {
    const wrong = dnsSubdomainError(name);
    if (wrong !== undefined) errors.push(invalid(`${path}.values[${at}]`, name, wrong));
  }
  return errors;
}
