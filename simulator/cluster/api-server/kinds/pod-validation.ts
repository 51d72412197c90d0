import type { KubeObject } from '../../../../core/model/object.ts';
import { fieldErrors } from '../errors.ts';
import type { FieldError } from '../errors.ts';
import { validateContainers, validateHostNetworkPorts } from './container-validation.ts';
import { dnsSubdomainError, validateAnnotations, validateLabels } from './metadata-validation.ts';
import { validatePodUpdate } from './pod-update-validation.ts';
import { validatePodResources, validateResources } from './resource-validation.ts';
import { validateScheduling, validateTolerations } from './scheduling-validation.ts';
import { oneOf } from './selector-validation.ts';
import type { ContainerStatus, PodSpec, PodStatus, PodTemplate } from './shapes.ts';

const { required, invalid, forbidden, notSupported, duplicate } = fieldErrors;

const restartPolicies = ['Always', 'OnFailure', 'Never'];
const dnsPolicies = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];

/**
 * What of core/v1's pod validation matters to anybody who builds, places or resizes pods, in upstream's order: volumes' names, containers, resources, affinity,
 * spreading, tolerations, references. For pods and for the templates of workloads.
 */
function validatePodSpec(spec: PodSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const volumes = new Set<string>();
  for (const [at, volume] of (spec.volumes ?? []).entries()) {
    const field = `${path}.volumes[${at}].name`;
    if (volume.name === undefined || volume.name === '') errors.push(required(field));
    else if (volumes.has(volume.name)) errors.push(duplicate(field, volume.name));
    else volumes.add(volume.name);
  }
  errors.push(
    ...validateContainers(spec, path, volumes),
    ...validatePodResources(spec, `${path}.resources`),
    ...validateHostNetworkPorts(spec, path),
    ...oneOf(`${path}.restartPolicy`, spec.restartPolicy, restartPolicies),
    ...oneOf(`${path}.dnsPolicy`, spec.dnsPolicy, dnsPolicies),
    ...validateLabels(spec.nodeSelector, `${path}.nodeSelector`),
    ...validateScheduling(spec, path),
    ...validateReferences(spec, path),
    ...validateTimes(spec, path),
    ...validateTolerations(spec.tolerations, `${path}.tolerations`),
    ...oneOf(`${path}.preemptionPolicy`, spec.preemptionPolicy, ['PreemptLowerPriority', 'Never']),
    ...(spec.overhead === undefined ? [] : validateResources({ limits: spec.overhead }, `${path}.overhead`)),
  );
  return errors;
}

function validateReferences(spec: PodSpec, path: string): FieldError[] {
  return (['serviceAccountName', 'nodeName', 'priorityClassName'] as const).flatMap((field) => {
    const name = spec[field] ?? '';
    const wrong = name === '' ? undefined : dnsSubdomainError(name);
    return wrong === undefined ? [] : [invalid(`${path}.${field}`, name, wrong)];
  });
}

function validateTimes({ terminationGracePeriodSeconds = 0, activeDeadlineSeconds = 1 }: PodSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (terminationGracePeriodSeconds < 0) {
    errors.push(invalid(`${path}.terminationGracePeriodSeconds`, terminationGracePeriodSeconds, 'must be greater than or equal to 0'));
  }
  if (activeDeadlineSeconds < 1 || activeDeadlineSeconds > 2_147_483_647) {
    errors.push(invalid(`${path}.activeDeadlineSeconds`, activeDeadlineSeconds, 'must be between 1 and 2147483647, inclusive'));
  }
  return errors;
}

/** The template of a workload. Its labels and annotations are named without `metadata`, as upstream does. */
export function validateTemplate(template: PodTemplate | undefined, path: string): FieldError[] {
  const spec = template?.spec ?? {};
  const errors = [
    ...validateLabels(template?.metadata?.labels, `${path}.labels`),
    ...validateAnnotations(template?.metadata?.annotations, `${path}.annotations`),
    ...validatePodSpec(spec, `${path}.spec`),
  ];
  if ((spec.ephemeralContainers ?? []).length > 0) {
    errors.push(forbidden(`${path}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template'));
  }
  return errors;
}

export function validatePod(pod: KubeObject, old: KubeObject | undefined): FieldError[] {
  const spec = (pod.spec ?? {}) as PodSpec;
  if (old === undefined) return [...validatePodSpec(spec, 'spec'), ...validateImages(spec), ...validateNewPod(spec)];
  const before = (old.spec ?? {}) as PodSpec;
  if (before === spec) return [];
  return [...validatePodSpec(spec, 'spec'), ...validateImages(spec), ...validatePodUpdate(spec, before)];
}

function validateNewPod({ nodeName = '', schedulingGates = [], ephemeralContainers = [] }: PodSpec): FieldError[] {
  const errors = ephemeralContainers.length > 0 ? [forbidden('spec.ephemeralContainers', 'cannot be set on create')] : [];
  if (nodeName === '' || schedulingGates.length === 0) return errors;
  return [...errors, forbidden('spec.nodeName', 'cannot be set until all schedulingGates have been cleared')];
}

/** Templates may hold what pods may not, for the sake of a webhook that reads it. */
function validateImages(spec: PodSpec): FieldError[] {
  return (['containers', 'initContainers'] as const).flatMap((list) =>
    (spec[list] ?? []).flatMap(({ image = '' }, at) =>
      image === image.trim() ? [] : [invalid(`spec.${list}[${at}].image`, image, 'must not have leading or trailing whitespace')],
    ),
  );
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
