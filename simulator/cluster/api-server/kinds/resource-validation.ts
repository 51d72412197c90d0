import { fieldErrors } from '../errors.ts';
import type { FieldError } from '../errors.ts';
import { sumOfContainers, sumText } from './container-sums.ts';
import { labelKeyErrors } from './metadata-validation.ts';
import { canonicalQuantity, nano } from './quantities.ts';
import type { Container, PodSpec, ResourceRequirements } from './shapes.ts';

const { required, invalid, forbidden, notSupported } = fieldErrors;

const containerResources = new Set(['cpu', 'memory', 'ephemeral-storage']);
/** Resources that only quotas and claims count. */
const countedResources = [
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
];
const standardResources = new Set([
  ...containerResources,
  ...['requests', 'limits'].flatMap((part) => [...containerResources].map((name) => `${part}.${name}`)),
  ...countedResources,
  'storage',
  'requests.storage',
]);
const hugePages = 'hugepages-';

const isHugePages = (name: string): boolean => name.startsWith(hugePages);
const isNative = (name: string): boolean => !name.includes('/') || name.includes('kubernetes.io/');

/** A resource of a vendor: `nvidia.com/gpu`. */
function isExtended(name: string): boolean {
  return !isNative(name) && !name.startsWith('requests.') && labelKeyErrors(`requests.${name}`).length === 0;
}

function validateName(name: string, field: string): FieldError[] {
  if (containerResources.has(name)) return [];
  const wrong = labelKeyErrors(name);
  if (wrong.length > 0) return wrong.map((detail) => invalid(field, name, detail));
  if (name.includes('/') || standardResources.has(name) || isHugePages(name)) return [];
  return [invalid(field, name, 'must be a standard resource type or fully qualified')];
}

function validateContainerResourceName(name: string, field: string): FieldError[] {
  const errors = validateName(name, field);
  if (!name.includes('/')) {
    if (!containerResources.has(name) && !isHugePages(name)) {
      errors.push(invalid(field, name, 'must be a standard resource for containers'));
    }
  } else if (!isNative(name) && !isExtended(name)) errors.push(invalid(field, name, "doesn't follow extended resource name standard"));
  return errors;
}

function validatePodResourceName(name: string, field: string): FieldError[] {
  const errors = validateName(name, field);
  if (errors.length > 0 || name === 'cpu' || name === 'memory' || isHugePages(name)) return errors;
  return [notSupported(field, name, ['cpu', hugePages, 'memory'])];
}

/** A quantity that parses, is not negative and, where the resource is counted, whole. */
export function validateQuantity(name: string, value: unknown, field: string): FieldError[] {
  const text = canonicalQuantity(value);
  if (text === undefined) {
    return [invalid(field, value, "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")];
  }
  const errors = nano(text) < 0n ? [invalid(field, text, 'must be greater than or equal to 0')] : [];
  const whole = countedResources.includes(name) || isExtended(name);
  if (whole && nano(text) % 1_000_000_000n !== 0n) errors.push(invalid(field, text, 'must be an integer'));
  return errors;
}

/** Requests and limits of a container: known names, quantities, no request above its limit, and equal ones where nothing can be overcommitted. */
export function validateResources(resources: ResourceRequirements | undefined, field: string): FieldError[] {
  return resources === undefined ? [] : validateRequirements(resources, field, validateContainerResourceName);
}

function validateRequirements(
  { requests = {}, limits = {} }: ResourceRequirements,
  field: string,
  validateNameOf: (name: string, field: string) => FieldError[],
): FieldError[] {
  const errors: FieldError[] = [];
  const check = (name: string, value: string, at: string): void => {
    errors.push(...validateNameOf(name, at), ...validateQuantity(name, value, at));
    if (isHugePages(name) && !isMultiple(value, name.slice(hugePages.length))) {
      errors.push(invalid(at, value, `${value} is not positive integer multiple of ${name}`));
    }
  };
  for (const [name, limit] of Object.entries(limits)) check(name, limit, `${field}.limits[${name}]`);
  for (const [name, request] of Object.entries(requests)) {
    check(name, request, `${field}.requests[${name}]`);
    errors.push(...validateRequest(name, request, { limit: limits[name], field }));
  }
  const names = [...Object.keys(limits), ...Object.keys(requests)];
  if (names.some(isHugePages) && !names.includes('cpu') && !names.includes('memory')) {
    errors.push(forbidden(field, 'HugePages require cpu or memory'));
  }
  return errors;
}

function validateRequest(
  name: string,
  request: string,
  { limit, field }: { readonly limit: string | undefined; readonly field: string },
): FieldError[] {
  const overcommitted = isNative(name) && !isHugePages(name);
  if (limit === undefined) {
    return overcommitted ? [] : [required(`${field}.limits`, 'Limit must be set for non overcommitable resources')];
  }
  const [asked, allowed] = [nano(request), nano(limit)];
  if (asked !== allowed && !overcommitted) {
    return [invalid(`${field}.requests`, request, `must be equal to ${name} limit of ${limit}`)];
  }
  return asked > allowed ? [invalid(`${field}.requests`, request, `must be less than or equal to ${name} limit of ${limit}`)] : [];
}

function isMultiple(value: string, size: string): boolean {
  const page = nano(size);
  return page > 0n && page % 1_000_000_000n === 0n && nano(value) % page === 0n;
}

/** `spec.resources`: names and quantities as a container's, and nothing of the containers above it. */
export function validatePodResources(spec: PodSpec, field: string): FieldError[] {
  const { resources } = spec;
  if (resources === undefined) return [];
  const errors = resources.claims === undefined ? [] : [forbidden(`${field}.claims`, 'claims may not be set for Resources at pod-level')];
  errors.push(...validateRequirements(resources, field, validatePodResourceName));
  for (const [name, request] of Object.entries(resources.requests ?? {})) {
    const sum = sumOfContainers(spec, name, 'requests');
    if (sum > nano(request)) {
      const detail = `must be greater than or equal to aggregate container requests of ${sumText(spec, name, sum)}`;
      errors.push(invalid(`${field}.requests[${name}]`, request, detail));
    }
  }
  for (const [name, limit] of Object.entries(resources.limits ?? {})) {
    const sum = isHugePages(name) ? sumOfContainers(spec, name, 'limits') : 0n;
    if (sum > nano(limit)) {
      const detail = `must be greater than or equal to aggregate container limits of ${sumText(spec, name, sum)}`;
      errors.push(invalid(`${field}.limits[${name}]`, limit, detail));
    }
  }
  for (const [at, container] of (spec.containers ?? []).entries())
    errors.push(...validateBelowPod(container, `${field}.containers[${at}]`, resources));
  return errors;
}

function validateBelowPod(container: Container, field: string, pod: ResourceRequirements): FieldError[] {
  return Object.entries(container.resources?.limits ?? {}).flatMap(([name, limit]) => {
    const whole = pod.limits?.[name];
    if (whole === undefined || nano(limit) <= nano(whole)) return [];
    return [invalid(`${field}[${name}].limits`, limit, `must be less than or equal to pod limits of ${whole}`)];
  });
}
