import type { KubeObject } from '../../../../core/model/object.ts';
import { fieldErrors } from '../errors.ts';
import type { FieldError } from '../errors.ts';
import { equalJson } from '../json.ts';
import { dnsLabelError, dnsSubdomainError, validateLabels } from './metadata-validation.ts';
import { canonicalQuantity, nano } from './quantities.ts';
import type { Container, ContainerStatus, PodSpec, PodStatus, PodTemplate, ResourceRequirements, Toleration } from './shapes.ts';

const { required, invalid, forbidden, notSupported, duplicate, notFound } = fieldErrors;

const restartPolicies = ['Always', 'OnFailure', 'Never'];
const dnsPolicies = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];

/** What of core/v1's pod validation matters to anybody who builds or resizes pods: names, images, resources, tolerations, references. */
export function validatePodSpec(spec: PodSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const containers = spec.containers ?? [];
  if (containers.length === 0) errors.push(required(`${path}.containers`));
  const volumes = new Set<string>();
  for (const [at, volume] of (spec.volumes ?? []).entries()) {
    const field = `${path}.volumes[${at}].name`;
    if (volume.name === undefined || volume.name === '') errors.push(required(field));
    else if (volumes.has(volume.name)) errors.push(duplicate(field, volume.name));
    else volumes.add(volume.name);
  }
  const names = new Set<string>();
  for (const [list, items] of [
    ['initContainers', spec.initContainers ?? []],
    ['containers', containers],
  ] as const) {
    for (const [at, container] of items.entries()) {
      errors.push(...validateContainer(container, `${path}.${list}[${at}]`, { names, volumes, init: list === 'initContainers' }));
    }
  }
  errors.push(...validatePodFields(spec, path));
  return errors;
}

function validatePodFields(spec: PodSpec, path: string): FieldError[] {
  const { terminationGracePeriodSeconds = 0, activeDeadlineSeconds = 1 } = spec;
  const errors = [
    ...oneOf(`${path}.restartPolicy`, spec.restartPolicy, restartPolicies),
    ...oneOf(`${path}.dnsPolicy`, spec.dnsPolicy, dnsPolicies),
    ...validateNodeName(spec, path),
    ...validateLabels(spec.nodeSelector, `${path}.nodeSelector`),
    ...(spec.tolerations ?? []).flatMap((toleration, at) => validateToleration(toleration, `${path}.tolerations[${at}]`)),
  ];
  if (terminationGracePeriodSeconds < 0) {
    errors.push(invalid(`${path}.terminationGracePeriodSeconds`, terminationGracePeriodSeconds, 'must be greater than or equal to 0'));
  }
  if (activeDeadlineSeconds < 1) {
    errors.push(invalid(`${path}.activeDeadlineSeconds`, activeDeadlineSeconds, 'must be between 1 and 2147483647, inclusive'));
  }
  return errors;
}

function validateNodeName({ nodeName = '', schedulingGates = [] }: PodSpec, path: string): FieldError[] {
  if (nodeName === '') return [];
  const wrong = dnsSubdomainError(nodeName);
  const errors = wrong === undefined ? [] : [invalid(`${path}.nodeName`, nodeName, wrong)];
  if (schedulingGates.length > 0) errors.push(forbidden(`${path}.nodeName`, 'cannot be set until all schedulingGates have been cleared'));
  return errors;
}

/** An enumeration; an absent value is another rule's business. */
export function oneOf(field: string, value: unknown, allowed: readonly string[]): FieldError[] {
  return value === undefined || (typeof value === 'string' && allowed.includes(value)) ? [] : [notSupported(field, value, allowed)];
}

function validateToleration(toleration: Toleration, field: string): FieldError[] {
  const { key = '', operator: given = '', value = '', effect = '' } = toleration;
  const operator = given === '' ? 'Equal' : given;
  const errors: FieldError[] = [];
  if (key === '' && operator !== 'Exists') {
    const detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
    errors.push(invalid(`${field}.operator`, given, detail));
  }
  if (toleration.tolerationSeconds !== undefined && effect !== 'NoExecute') {
    errors.push(invalid(`${field}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"));
  }
  if (operator === 'Exists' && value !== '') {
    errors.push(invalid(`${field}.operator`, toleration, "value must be empty when `operator` is 'Exists'"));
  }
  errors.push(...oneOf(`${field}.operator`, operator, ['Equal', 'Exists', 'Gt', 'Lt']));
  if (effect !== '') errors.push(...oneOf(`${field}.effect`, effect, ['NoExecute', 'NoSchedule', 'PreferNoSchedule']));
  return errors;
}

interface ContainerContext {
  readonly names: Set<string>;
  readonly volumes: ReadonlySet<string>;
  readonly init: boolean;
}

function validateContainer(container: Container, field: string, context: ContainerContext): FieldError[] {
  const { image = '' } = container;
  const errors = validateContainerName(container.name ?? '', `${field}.name`, context.names);
  if (image === '') errors.push(required(`${field}.image`));
  else if (image !== image.trim()) errors.push(invalid(`${field}.image`, image, 'must not have leading or trailing whitespace'));
  if (context.init) errors.push(...oneOf(`${field}.restartPolicy`, container.restartPolicy, ['Always', 'Never', 'OnFailure']));
  errors.push(...validateResources(container.resources, `${field}.resources`));
  errors.push(...validateMounts(container, field, context.volumes));
  errors.push(...validatePorts(container, field));
  return errors;
}

function validateContainerName(name: string, field: string, names: Set<string>): FieldError[] {
  if (name === '') return [required(field)];
  const wrong = dnsLabelError(name);
  if (wrong !== undefined) return [invalid(field, name, wrong)];
  if (names.has(name)) return [duplicate(field, name)];
  names.add(name);
  return [];
}

function validateMounts(container: Container, field: string, volumes: ReadonlySet<string>): FieldError[] {
  return (container.volumeMounts ?? []).flatMap(({ name = '', mountPath = '' }, at) => {
    const path = `${field}.volumeMounts[${at}]`;
    const errors = mountPath === '' ? [required(`${path}.mountPath`)] : [];
    if (name === '') errors.push(required(`${path}.name`));
    else if (!volumes.has(name)) errors.push(notFound(`${path}.name`, name));
    return errors;
  });
}

function validatePorts(container: Container, field: string): FieldError[] {
  return (container.ports ?? []).flatMap((port, at) => {
    const path = `${field}.ports[${at}]`;
    const errors = oneOf(`${path}.protocol`, port.protocol, ['SCTP', 'TCP', 'UDP']);
    if (!isPort(port.containerPort))
      errors.push(invalid(`${path}.containerPort`, port.containerPort ?? 0, 'must be between 1 and 65535, inclusive'));
    return errors;
  });
}

export function isPort(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65_535;
}

/** Quantities that parse and are not negative, and no request above its limit. */
export function validateResources(resources: ResourceRequirements | undefined, field: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const part of ['limits', 'requests'] as const) {
    for (const [name, value] of Object.entries(resources?.[part] ?? {})) {
      const at = `${field}.${part}[${name}]`;
      if (canonicalQuantity(value) === undefined) {
        errors.push(invalid(at, value, "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"));
      } else if (nano(value) < 0n) errors.push(invalid(at, value, 'must be greater than or equal to 0'));
    }
  }
  for (const [name, request] of Object.entries(resources?.requests ?? {})) {
    const limit = resources?.limits?.[name];
    if (limit !== undefined && nano(request) > nano(limit)) {
      errors.push(invalid(`${field}.requests`, request, `must be less than or equal to ${name} limit of ${limit}`));
    }
  }
  return errors;
}

export function validateTemplate(template: PodTemplate | undefined, path: string): FieldError[] {
  return [
    ...validateLabels(template?.metadata?.labels, `${path}.metadata.labels`),
    ...validatePodSpec(template?.spec ?? {}, `${path}.spec`),
  ];
}

export const podUpdateRefusal =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

export function validatePod(pod: KubeObject, old: KubeObject | undefined): FieldError[] {
  const spec = (pod.spec ?? {}) as PodSpec;
  if (old === undefined) return validatePodSpec(spec, 'spec');
  const before = (old.spec ?? {}) as PodSpec;
  if (before === spec) return [];
  return [...validatePodSpec(spec, 'spec'), ...validatePodUpdate(spec, before)];
}

function validatePodUpdate(spec: PodSpec, before: PodSpec): FieldError[] {
  const errors: FieldError[] = [];
  for (const list of ['containers', 'initContainers'] as const) {
    if ((spec[list] ?? []).length !== (before[list] ?? []).length) {
      errors.push(forbidden(`spec.${list}`, 'pod updates may not add or remove containers'));
    }
  }
  if (errors.length > 0) return errors;
  errors.push(...validateNarrowed(spec, before));
  if (!equalJson(mutableFieldsFrom(spec, before), before)) errors.push(forbidden('spec', podUpdateRefusal));
  return errors;
}

/** Fields that may change in one direction only. */
function validateNarrowed(spec: PodSpec, before: PodSpec): FieldError[] {
  const errors: FieldError[] = [];
  const { tolerations = [], activeDeadlineSeconds = Infinity, schedulingGates = [] } = spec;
  if ((before.tolerations ?? []).some((kept) => !tolerations.some((present) => sameButSeconds(kept, present)))) {
    errors.push(forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds'));
  }
  if (activeDeadlineSeconds > (before.activeDeadlineSeconds ?? Infinity)) {
    errors.push(invalid('spec.activeDeadlineSeconds', spec.activeDeadlineSeconds, 'must be less than or equal to previous value'));
  }
  const gates = (before.schedulingGates ?? []).map((gate) => gate.name);
  for (const { name = '' } of schedulingGates) {
    if (!gates.includes(name))
      errors.push(forbidden('spec.schedulingGates', `only deletion is allowed, but found new scheduling gate '${name}'`));
  }
  return errors;
}

function sameButSeconds(a: Toleration, b: Toleration): boolean {
  return equalJson({ ...a, tolerationSeconds: undefined }, { ...b, tolerationSeconds: undefined });
}

/** The new spec with every field that may change taken from the old one: equal to the old one if nothing else changed. */
function mutableFieldsFrom(spec: PodSpec, before: PodSpec): PodSpec {
  const restore = (now: Container[] | undefined, then: Container[] | undefined): Container[] | undefined =>
    now?.map((container, at) => withImage(container, then?.[at]?.image));
  const result: PodSpec = { ...spec };
  put(result, 'containers', restore(spec.containers, before.containers));
  put(result, 'initContainers', restore(spec.initContainers, before.initContainers));
  put(result, 'ephemeralContainers', before.ephemeralContainers);
  put(result, 'tolerations', before.tolerations);
  put(result, 'activeDeadlineSeconds', before.activeDeadlineSeconds);
  put(result, 'schedulingGates', before.schedulingGates);
  if ((before.schedulingGates ?? []).length > 0) {
    // A gated pod may still be narrowed down.
    put(result, 'nodeSelector', before.nodeSelector);
    put(result, 'affinity', before['affinity']);
  }
  if ((before.terminationGracePeriodSeconds ?? 0) < 0) put(result, 'terminationGracePeriodSeconds', before.terminationGracePeriodSeconds);
  return result;
}

function withImage(container: Container, image: string | undefined): Container {
  return image === undefined ? container : { ...container, image };
}

function put(spec: PodSpec, field: string, value: unknown): void {
  if (value === undefined) delete spec[field];
  else spec[field] = value;
}

const phases = ['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown'];

export function validatePodStatus(pod: KubeObject, old: KubeObject): FieldError[] {
  const errors: FieldError[] = [];
  const status = (pod.status ?? {}) as PodStatus;
  const before = (old.status ?? {}) as PodStatus;
  if (status.phase !== undefined && !phases.includes(status.phase)) errors.push(notSupported('status.phase', status.phase, phases));
  if (before.qosClass !== undefined && status.qosClass !== before.qosClass) {
    errors.push(invalid('status.qosClass', status.qosClass ?? '', 'field is immutable'));
  }
  for (const list of ['podIPs', 'hostIPs']) errors.push(...validateAddresses(status[list], `status.${list}`));
  errors.push(...validateConditionTypes(status.conditions, 'status.conditions'));
  for (const [at, container] of (status.containerStatuses ?? []).entries()) {
    errors.push(...validateState(container, `status.containerStatuses[${at}].state`));
  }
  return errors;
}

function validateState(container: ContainerStatus, field: string): FieldError[] {
  const set = Object.values(container.state ?? {}).filter((state) => state !== undefined && state !== null);
  return set.length > 1 ? [forbidden(field, 'may not specify more than one of running, waiting and terminated')] : [];
}

function validateAddresses(value: unknown, field: string): FieldError[] {
  if (!Array.isArray(value)) return [];
  const ips = value.map((entry: { ip?: string }) => entry.ip ?? '');
  const six = ips.filter((ip) => ip.includes(':')).length;
  if (six > 1 || ips.length - six > 1) return [invalid(field, value, 'may specify no more than one IP for each IP family')];
  return [];
}

export function validateConditionTypes(value: unknown, field: string): FieldError[] {
  if (!Array.isArray(value)) return [];
  const seen = new Set<string>();
  const errors: FieldError[] = [];
  for (const [at, condition] of (value as { type?: string; status?: string }[]).entries()) {
    if ((condition.type ?? '') === '') errors.push(required(`${field}[${at}].type`));
    else if (seen.has(condition.type ?? '')) errors.push(duplicate(`${field}[${at}]`, { type: condition.type }));
    seen.add(condition.type ?? '');
  }
  return errors;
}
