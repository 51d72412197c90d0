import { fieldErrors } from '../errors.ts';
import type { FieldError } from '../errors.ts';
import { dnsLabelError } from './metadata-validation.ts';
import { validateResources } from './resource-validation.ts';
import { oneOf } from './selector-validation.ts';
import type { Container, ContainerPort, PodSpec } from './shapes.ts';

const { required, invalid, notSupported, duplicate, notFound } = fieldErrors;

/** The containers of a pod spec: names, images, ports, mounts, resources. Names are unique over both lists, host ports over those that run at once. */
export function validateContainers(spec: PodSpec, path: string, volumes: ReadonlySet<string>): FieldError[] {
  const { containers = [], initContainers = [], restartPolicy } = spec;
  const context = { names: new Set<string>(), volumes, restartPolicy };
  const errors = containers.length === 0 ? [required(`${path}.containers`)] : [];
  for (const [at, container] of containers.entries()) errors.push(...validateContainer(container, `${path}.containers[${at}]`, context));
  errors.push(...validateHostPorts(containers, `${path}.containers`));
  for (const [at, container] of initContainers.entries()) {
    const field = `${path}.initContainers[${at}]`;
    errors.push(...validateContainer(container, field, context));
    // One after the other: each on its own, and upstream counts it as the first of the list.
    errors.push(...validateHostPorts([container], `${path}.initContainers`), ...validateInitOnly(container, field));
  }
  return errors;
}

interface ContainerContext {
  readonly names: Set<string>;
  readonly volumes: ReadonlySet<string>;
  readonly restartPolicy: string | undefined;
}

function validateContainer(container: Container, field: string, context: ContainerContext): FieldError[] {
  const { image = '' } = container;
  return [
    ...validateName(container.name ?? '', `${field}.name`, context.names),
    ...(image === '' ? [required(`${field}.image`)] : []),
    ...oneOf(`${field}.terminationMessagePolicy`, container.terminationMessagePolicy, ['File', 'FallbackToLogsOnError']),
    ...validatePorts(container.ports ?? [], `${field}.ports`),
    ...validateMounts(container, field, context.volumes),
    ...oneOf(`${field}.imagePullPolicy`, container.imagePullPolicy, ['Always', 'IfNotPresent', 'Never']),
    ...validateResources(container.resources, `${field}.resources`),
    ...validateResizePolicy(container, `${field}.resizePolicy`, context.restartPolicy),
    ...oneOf(`${field}.restartPolicy`, container.restartPolicy, ['Always', 'Never', 'OnFailure']),
  ];
}

function validateName(name: string, field: string, names: Set<string>): FieldError[] {
  if (name === '') return [required(field)];
  const wrong = dnsLabelError(name);
  const errors = wrong === undefined ? [] : [invalid(field, name, wrong)];
  if (names.has(name)) errors.push(duplicate(field, name));
  names.add(name);
  return errors;
}

/** What only a sidecar may have: probes, hooks, and a restart when it is resized. */
function validateInitOnly(container: Container, field: string): FieldError[] {
  if (container.restartPolicy === 'Always') return [];
  const errors: FieldError[] = [];
  for (const part of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
    if (container[part] === undefined) continue;
    errors.push(fieldErrors.forbidden(`${field}.${part}`, 'may not be set for init containers without restartPolicy=Always'));
  }
  for (const [at, { restartPolicy }] of (container.resizePolicy ?? []).entries()) {
    if (restartPolicy !== 'RestartContainer') continue;
    const detail = "must not be set to 'RestartContainer' for non-sidecar initContainers";
    errors.push(invalid(`${field}.resizePolicy[${at}].restartPolicy`, restartPolicy, detail));
  }
  return errors;
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

const portRange = 'must be between 1 and 65535, inclusive';

export function isPort(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65_535;
}

function validatePorts(ports: readonly ContainerPort[], path: string): FieldError[] {
  const names = new Set<string>();
  return ports.flatMap((port, at) => {
    const field = `${path}[${at}]`;
    const { name = '', containerPort = 0, hostPort = 0, protocol = '' } = port;
    const errors = portNameErrors(name).map((detail) => invalid(`${field}.name`, name, detail));
    if (name !== '' && errors.length === 0) {
      if (names.has(name)) errors.push(duplicate(`${field}.name`, name));
      names.add(name);
    }
    if (containerPort === 0) errors.push(required(`${field}.containerPort`));
    else if (!isPort(containerPort)) errors.push(invalid(`${field}.containerPort`, containerPort, portRange));
    if (hostPort !== 0 && !isPort(hostPort)) errors.push(invalid(`${field}.hostPort`, hostPort, portRange));
    errors.push(...(protocol === '' ? [required(`${field}.protocol`)] : oneOf(`${field}.protocol`, protocol, ['SCTP', 'TCP', 'UDP'])));
    return errors;
  });
}

/** IsValidPortName; an absent name is none. */
function portNameErrors(name: string): string[] {
  if (name === '') return [];
  const errors: string[] = [];
  if (name.length > 15) errors.push('must be no more than 15 characters');
  if (!/^[-a-z0-9]+$/.test(name)) errors.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(name)) errors.push('must contain at least one letter (a-z)');
  if (name.includes('--')) errors.push('must not contain consecutive hyphens');
  if (name.startsWith('-') || name.endsWith('-')) errors.push('must not begin or end with a hyphen');
  return errors;
}

function validateHostPorts(containers: readonly Container[], path: string): FieldError[] {
  const taken = new Set<string>();
  return containers.flatMap(({ ports = [] }, index) =>
    ports.flatMap(({ hostPort = 0, hostIP = '', protocol = '' }, at) => {
      if (hostPort === 0) return [];
      const id = `${protocol}/${hostIP}/${hostPort}`;
      if (taken.has(id)) return [duplicate(`${path}[${index}].ports[${at}].hostPort`, id)];
      taken.add(id);
      return [];
    }),
  );
}

/** On the host's network a port is the host's: one that says something else is refused. A template may leave it to the pod's defaults. */
export function validateHostNetworkPorts(spec: PodSpec, path: string): FieldError[] {
  if (spec.hostNetwork !== true) return [];
  return (spec.containers ?? []).flatMap(({ ports = [] }, index) =>
    ports.flatMap(({ hostPort = 0, containerPort = 0 }, at) =>
      hostPort === 0 || hostPort === containerPort
        ? []
        : [
            invalid(
              `${path}.containers[${index}].ports[${at}].hostPort`,
              hostPort,
              'must match `containerPort` when `hostNetwork` is true',
            ),
          ],
    ),
  );
}

function validateResizePolicy(container: Container, field: string, podRestartPolicy: string | undefined): FieldError[] {
  const seen = new Set<string>();
  return (container.resizePolicy ?? []).flatMap(({ resourceName = '', restartPolicy = '' }, at) => {
    const errors = seen.has(resourceName) ? [duplicate(`${field}[${at}]`, resourceName)] : [];
    seen.add(resourceName);
    errors.push(...needed(field, resourceName, ['cpu', 'memory']), ...needed(field, restartPolicy, ['NotRequired', 'RestartContainer']));
    if (podRestartPolicy === 'Never' && restartPolicy !== 'NotRequired') {
      errors.push(invalid(field, restartPolicy, "must be 'NotRequired' when pod `restartPolicy` is 'Never'"));
    }
    return errors;
  });
}

function needed(field: string, value: string, allowed: readonly string[]): FieldError[] {
  if (value === '') return [required(field)];
  return allowed.includes(value) ? [] : [notSupported(field, value, allowed)];
}
