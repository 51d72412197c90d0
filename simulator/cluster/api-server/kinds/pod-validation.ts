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
  const errors: FieldError[] = [];
  if (spec.restartPolicy !== undefined && !restartPolicies.includes(spec.restartPolicy)) {
    errors.push(notSupported(`${path}.restartPolicy`, spec.restartPolicy, restartPolicies));
  }
  if (spec.dnsPolicy !== undefined && !dnsPolicies.includes(spec.dnsPolicy)) {
    errors.push(notSupported(`${path}.dnsPolicy`, spec.dnsPolicy, dnsPolicies));
  }
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) {
    errors.push(invalid(`${path}.terminationGracePeriodSeconds`, spec.terminationGracePeriodSeconds, 'must be greater than or equal to 0'));
  }
  if (spec.activeDeadlineSeconds !== undefined && spec.activeDeadlineSeconds < 1) {
    errors.push(invalid(`${path}.activeDeadlineSeconds`, spec.activeDeadlineSeconds, 'must be between 1 and 2147483647, inclusive'));
  }
  if (spec.nodeName !== undefined && spec.nodeName !== '') {
    const wrong = dnsSubdomainError(spec.nodeName);
    if (wrong !== undefined) errors.push(invalid(`${path}.nodeName`, spec.nodeName, wrong));
  }
  if (spec.nodeName !== undefined && spec.nodeName !== '' && (spec.schedulingGates ?? []).length > 0) {
    errors.push(forbidden(`${path}.nodeName`, 'cannot be set until all schedulingGates have been cleared'));
  }
  errors.push(...validateLabels(spec.nodeSelector, `${path}.nodeSelector`));
  for (const [at, toleration] of (spec.tolerations ?? []).entries()) {
    errors.push(...validateToleration(toleration, `${path}.tolerations[${at}]`));
  }
  return errors;
}

function validateToleration(toleration: Toleration, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const operator = toleration.operator === undefined || toleration.operator === '' ? 'Equal' : toleration.operator;
  if ((toleration.key ?? '') === '' && operator !== 'Exists') {
    errors.push(
      invalid(
        `${field}.operator`,
        toleration.operator ?? '',
        'operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ),
    );
  }
  if (toleration.tolerationSeconds !== undefined && toleration.effect !== 'NoExecute') {
    errors.push(invalid(`${field}.effect`, toleration.effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set"));
  }
  if (operator === 'Exists' && (toleration.value ?? '') !== '') {
    errors.push(invalid(`${field}.operator`, toleration, "value must be empty when `operator` is 'Exists'"));
  }
  if (!['Equal', 'Exists', 'Lt', 'Gt'].includes(operator)) errors.push(notSupported(`${field}.operator`, operator, ['Equal', 'Exists']));
  if (!['', 'NoSchedule', 'PreferNoSchedule', 'NoExecute'].includes(toleration.effect ?? '')) {
    errors.push(notSupported(`${field}.effect`, toleration.effect, ['NoExecute', 'NoSchedule', 'PreferNoSchedule']));
  }
  return errors;
}

interface ContainerContext {
  readonly names: Set<string>;
  readonly volumes: ReadonlySet<string>;
  readonly init: boolean;
}

function validateContainer(container: Container, field: string, context: ContainerContext): FieldError[] {
  const errors: FieldError[] = [];
  const name = container.name ?? '';
  const wrong = name === '' ? undefined : dnsLabelError(name);
  if (name === '') errors.push(required(`${field}.name`));
  else if (wrong !== undefined) errors.push(invalid(`${field}.name`, name, wrong));
  else if (context.names.has(name)) errors.push(duplicate(`${field}.name`, name));
  context.names.add(name);
  if ((container.image ?? '') === '') errors.push(required(`${field}.image`));
  else if (container.image !== container.image?.trim()) {
    errors.push(invalid(`${field}.image`, container.image, 'must not have leading or trailing whitespace'));
  }
  if (context.init && container.restartPolicy !== undefined && container.restartPolicy !== 'Always') {
    errors.push(notSupported(`${field}.restartPolicy`, container.restartPolicy, ['Always']));
  }
  errors.push(...validateResources(container.resources, `${field}.resources`));
  for (const [at, mount] of (container.volumeMounts ?? []).entries()) {
    if ((mount.mountPath ?? '') === '') errors.push(required(`${field}.volumeMounts[${at}].mountPath`));
    if ((mount.name ?? '') === '') errors.push(required(`${field}.volumeMounts[${at}].name`));
    else if (!context.volumes.has(mount.name ?? '')) errors.push(notFound(`${field}.volumeMounts[${at}].name`, mount.name));
  }
  for (const [at, port] of (container.ports ?? []).entries()) {
    if (!isPort(port.containerPort)) {
      errors.push(invalid(`${field}.ports[${at}].containerPort`, port.containerPort ?? 0, 'must be between 1 and 65535, inclusive'));
    }
    if (port.protocol !== undefined && !['TCP', 'UDP', 'SCTP'].includes(port.protocol)) {
      errors.push(notSupported(`${field}.ports[${at}].protocol`, port.protocol, ['SCTP', 'TCP', 'UDP']));
    }
  }
  return errors;
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
  const { tolerations = [], activeDeadlineSeconds } = spec;
  if ((before.tolerations ?? []).some((kept) => !tolerations.some((present) => sameButSeconds(kept, present)))) {
    errors.push(forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds'));
  }
  if (before.activeDeadlineSeconds !== undefined && (activeDeadlineSeconds ?? Infinity) > before.activeDeadlineSeconds) {
    errors.push(invalid('spec.activeDeadlineSeconds', activeDeadlineSeconds ?? null, 'must be less than or equal to previous value'));
  }
  const gates = (before.schedulingGates ?? []).map((gate) => gate.name);
  for (const gate of spec.schedulingGates ?? []) {
    if (!gates.includes(gate.name)) {
      errors.push(forbidden('spec.schedulingGates', `only deletion is allowed, but found new scheduling gate '${gate.name ?? ''}'`));
    }
  }
  if (!equalJson(mutableFieldsFrom(spec, before), before)) errors.push(forbidden('spec', podUpdateRefusal));
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
