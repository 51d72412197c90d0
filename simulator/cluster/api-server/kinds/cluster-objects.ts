import { formatTime } from '../../../../core/model/condition.ts';
import type { KubeObject } from '../../../../core/model/object.ts';
import { fieldErrors } from '../errors.ts';
import type { FieldError } from '../errors.ts';
import { equalJson, isJson, objectOf, objectsOf } from '../json.ts';
import type { Json } from '../json.ts';
import type { KindContext } from './kind.ts';
import { isPort } from './container-validation.ts';
import { canonicalQuantity, canonicalResources } from './quantities.ts';
import { validateQuantity } from './resource-validation.ts';
import { validateTaints } from './scheduling-validation.ts';
import { oneOf } from './selector-validation.ts';

const { required, invalid } = fieldErrors;

const notReady = 'node.kubernetes.io/not-ready';

/** Every new Node starts tainted; whoever watches its Ready condition takes the taint away. */
export function admitNode(node: KubeObject): void {
  const spec = (node.spec ??= {}) as { taints?: { key?: string; effect?: string }[] };
  const taints = spec.taints ?? [];
  if (!taints.some((taint) => taint.key === notReady && taint.effect === 'NoSchedule')) {
    spec.taints = [...taints, { key: notReady, effect: 'NoSchedule' }];
  }
}

export function defaultNode(node: KubeObject): void {
  node.spec ??= {};
  const status = (node.status ??= {}) as { capacity?: Record<string, string>; allocatable?: Record<string, string> };
  if (status.allocatable === undefined && status.capacity !== undefined) status.allocatable = { ...status.capacity };
  canonicalResources(status.capacity);
  canonicalResources(status.allocatable);
}

export function validateNode(node: KubeObject, old: KubeObject | undefined): FieldError[] {
  const spec = objectOf(node.spec);
  const errors = [...validateTaints(objectsOf(spec['taints']), 'metadata.taints'), ...validateNodeResources(node)];
  const provider = objectOf(old?.spec)['providerID'];
  if (provider !== undefined && provider !== '' && spec['providerID'] !== provider) {
    errors.push(fieldErrors.forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid'));
  }
  return errors;
}

/** What a node has and gives: quantities that are not negative, and whole where they are counted. */
export function validateNodeResources(node: KubeObject): FieldError[] {
  const status = objectOf(node.status);
  return ['capacity', 'allocatable'].flatMap((part) =>
    Object.entries(objectOf(status[part])).flatMap(([name, value]) => validateQuantity(name, value, `status.${part}.${name}`)),
  );
}

export function prepareNamespace(namespace: KubeObject): void {
  namespace.metadata.labels = { ...namespace.metadata.labels, 'kubernetes.io/metadata.name': namespace.metadata.name };
  const spec = (namespace.spec ??= {}) as { finalizers?: string[] };
  if (!(spec.finalizers ?? []).includes('kubernetes')) spec.finalizers = [...(spec.finalizers ?? []), 'kubernetes'];
  namespace.status = { phase: 'Active' };
}

/** Spec and status of a namespace change only by its own subresources. */
export function updateNamespace(next: KubeObject, old: KubeObject): void {
  next.spec = old.spec;
  next.metadata.labels = { ...next.metadata.labels, 'kubernetes.io/metadata.name': next.metadata.name };
}

export function defaultService(service: KubeObject): void {
  const spec = (service.spec ??= {}) as Json;
  spec['type'] ??= 'ClusterIP';
  spec['sessionAffinity'] ??= 'None';
  for (const port of objectsOf(spec['ports'])) {
    port['protocol'] ??= 'TCP';
    port['targetPort'] ??= port['port'];
  }
  if (spec['type'] === 'ExternalName') return;
  spec['internalTrafficPolicy'] ??= 'Cluster';
  if (spec['type'] === 'NodePort' || spec['type'] === 'LoadBalancer') {
    spec['externalTrafficPolicy'] ??= 'Cluster';
    if (spec['type'] === 'LoadBalancer') spec['allocateLoadBalancerNodePorts'] ??= true;
  }
}

/** Gives out cluster IPs of 10.96.0.0/16 (the first one that no other service has) and node ports. */
export function prepareService(service: KubeObject, context: KindContext): void {
  const spec = service.spec as Json;
  service.status = { loadBalancer: {} };
  if (spec['type'] === 'ExternalName') return;
  const used = context.list('/services');
  if (spec['clusterIP'] === undefined || spec['clusterIP'] === '') spec['clusterIP'] = freeAddress(used);
  spec['clusterIPs'] ??= [spec['clusterIP']];
  if (spec['clusterIP'] !== 'None') {
    spec['ipFamilies'] ??= ['IPv4'];
    spec['ipFamilyPolicy'] ??= 'SingleStack';
  } else {
    spec['ipFamilies'] ??= ['IPv4'];
    spec['ipFamilyPolicy'] ??= 'SingleStack';
  }
  if (spec['type'] === 'NodePort' || spec['type'] === 'LoadBalancer') allocateNodePorts(spec, used);
}

function freeAddress(services: readonly KubeObject[]): string {
  const taken = new Set(services.map((service) => objectOf(service.spec)['clusterIP']));
  for (let number = 1; number < 65_534; number++) {
    const address = `10.96.${number >> 8}.${number & 255}`;
    if (!taken.has(address)) return address;
  }
  return 'None';
}

function allocateNodePorts(spec: Json, services: readonly KubeObject[]): void {
  const taken = new Set(services.flatMap((service) => objectsOf(objectOf(service.spec)['ports']).map((port) => port['nodePort'])));
  let next = 30_000;
  for (const port of objectsOf(spec['ports'])) {
    if (port['nodePort'] !== undefined) continue;
    while (taken.has(next)) next += 1;
    port['nodePort'] = next;
    taken.add(next);
  }
}

/** A client that applies its manifest again does not name the allocated address. */
export function updateService(next: KubeObject, old: KubeObject): void {
  const before = objectOf(old.spec);
  const spec = { ...objectOf(next.spec) };
  if (spec['type'] === 'ExternalName') return;
  for (const field of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy']) {
    if (spec[field] === undefined && before[field] !== undefined) spec[field] = before[field];
  }
  next.spec = spec;
}

export function validateService(service: KubeObject, old: KubeObject | undefined): FieldError[] {
  const spec = objectOf(service.spec);
  const external = spec['type'] === 'ExternalName';
  const errors = [
    ...oneOf('spec.type', spec['type'], ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']),
    ...validateServicePorts(spec),
  ];
  if (external && typeof spec['externalName'] !== 'string') errors.push(required('spec.externalName'));
  const before = objectOf(old?.spec)['clusterIP'];
  if (before !== undefined && !external && before !== spec['clusterIP']) {
    errors.push(invalid('spec.clusterIPs[0]', spec['clusterIP'] ?? '', 'may not change once set'));
  }
  return errors;
}

function validateServicePorts(spec: Json): FieldError[] {
  const ports = objectsOf(spec['ports']);
  if (ports.length === 0) return spec['type'] === 'ExternalName' || spec['clusterIP'] === 'None' ? [] : [required('spec.ports')];
  return ports.flatMap((port, at) => {
    const errors = isPort(port['port'])
      ? []
      : [invalid(`spec.ports[${at}].port`, port['port'] ?? 0, 'must be between 1 and 65535, inclusive')];
    if (ports.length > 1 && (port['name'] ?? '') === '') errors.push(required(`spec.ports[${at}].name`));
    return errors;
  });
}

/** `stringData` is written into `data`; it is never stored itself. */
export function defaultSecret(secret: KubeObject): void {
  secret['type'] ??= 'Opaque';
  if (!isJson(secret['stringData'])) return;
  const data = { ...objectOf(secret['data']) };
  for (const [key, value] of Object.entries(secret['stringData'])) data[key] = Buffer.from(String(value)).toString('base64');
  secret['data'] = data;
  delete secret['stringData'];
}

export function validateImmutableData(object: KubeObject, old: KubeObject | undefined): FieldError[] {
  if (old?.['immutable'] !== true) return [];
  const errors: FieldError[] = [];
  for (const field of ['data', 'binaryData'] as const) {
    if (!equalJson(object[field], old[field])) errors.push(fieldErrors.forbidden(field, 'field is immutable when `immutable` is set'));
  }
  if (object['immutable'] !== true) errors.push(fieldErrors.forbidden('immutable', 'field is immutable when `immutable` is set'));
  return errors;
}

export function defaultPriorityClass(object: KubeObject): void {
  object['preemptionPolicy'] ??= 'PreemptLowerPriority';
  object['value'] ??= 0;
}

export function validatePriorityClass(object: KubeObject, old: KubeObject | undefined): FieldError[] {
  const value = Number(object['value']);
  const errors: FieldError[] = [];
  if (old !== undefined && old['value'] !== object['value'])
    errors.push(fieldErrors.forbidden('value', 'may not be changed in an update.'));
  if (value > 1_000_000_000 && !object.metadata.name.startsWith('system-')) {
    errors.push(fieldErrors.forbidden('value', 'maximum allowed value of a user defined priority is 1000000000'));
  }
  return errors;
}

export function defaultLease(lease: KubeObject): void {
  lease.spec ??= {};
}

export function validateLease(lease: KubeObject): FieldError[] {
  const spec = objectOf(lease.spec);
  const duration = spec['leaseDurationSeconds'];
  const errors: FieldError[] = [];
  if (typeof duration === 'number' && duration <= 0) errors.push(invalid('spec.leaseDurationSeconds', duration, 'must be greater than 0'));
  const transitions = spec['leaseTransitions'];
  if (typeof transitions === 'number' && transitions < 0) {
    errors.push(invalid('spec.leaseTransitions', transitions, 'must be greater than or equal to 0'));
  }
  return errors;
}

export function defaultStorageClass(object: KubeObject): void {
  object['reclaimPolicy'] ??= 'Delete';
  object['volumeBindingMode'] ??= 'Immediate';
}

export function defaultClaim(object: KubeObject): void {
  const spec = (object.spec ??= {}) as Json;
  spec['volumeMode'] ??= 'Filesystem';
  const requests = objectOf(objectOf(spec['resources'])['requests']);
  for (const [name, value] of Object.entries(requests)) requests[name] = canonicalQuantity(value) ?? value;
  object.status ??= { phase: 'Pending' };
}

export function defaultVolume(object: KubeObject): void {
  const spec = (object.spec ??= {}) as Json;
  spec['volumeMode'] ??= 'Filesystem';
  spec['persistentVolumeReclaimPolicy'] ??= 'Retain';
  object.status ??= { phase: 'Pending' };
}

export function defaultWebhooks(object: KubeObject): void {
  const mutating = object.kind === 'MutatingWebhookConfiguration';
  for (const webhook of objectsOf(object['webhooks'])) {
    webhook['failurePolicy'] ??= 'Fail';
    webhook['matchPolicy'] ??= 'Equivalent';
    webhook['namespaceSelector'] ??= {};
    webhook['objectSelector'] ??= {};
    webhook['timeoutSeconds'] ??= 10;
    if (mutating) webhook['reinvocationPolicy'] ??= 'Never';
    for (const rule of objectsOf(webhook['rules'])) rule['scope'] ??= '*';
    const service = objectOf(webhook['clientConfig'])['service'];
    if (isJson(service)) service['port'] ??= 443;
  }
}

export function defaultRoleBinding(object: KubeObject): void {
  const role = objectOf(object['roleRef']);
  if (role['apiGroup'] === undefined || role['apiGroup'] === '') role['apiGroup'] = 'rbac.authorization.k8s.io';
  for (const subject of objectsOf(object['subjects'])) {
    if (subject['kind'] === 'User' || subject['kind'] === 'Group') subject['apiGroup'] ??= 'rbac.authorization.k8s.io';
  }
}

export function validateRoleBinding(object: KubeObject, old: KubeObject | undefined): FieldError[] {
  if (old !== undefined && !equalJson(old['roleRef'], object['roleRef'])) {
    return [invalid('roleRef', object['roleRef'], 'cannot change roleRef')];
  }
  return typeof objectOf(object['roleRef'])['name'] === 'string' ? [] : [required('roleRef.name')];
}

/** An APIService without a service is served by this server itself; the others wait for their availability check. */
export function prepareApiService(object: KubeObject, context: KindContext): void {
  const service = objectOf(object.spec)['service'];
  const local = service === undefined || service === null;
  object.status = {
    conditions: [
      {
        type: 'Available',
        status: local ? 'True' : 'Unknown',
        lastTransitionTime: formatTime(context.now),
        reason: local ? 'Local' : 'Pending',
        message: local ? 'Local APIServices are always available' : 'waiting for the first availability check',
      },
    ],
  };
}
