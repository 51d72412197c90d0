import type { KubeObject } from '../../../../core/model/object.ts';
import { objectOf, objectsOf, textOf } from '../json.ts';
import { autoscalerColumns } from './autoscaler-columns.ts';
import type { ColumnPrinter } from './columns.ts';
import { ageColumn, createdAtColumn, integer, labelsText, nameColumn, numberOf, orNone, specOf, statusOf, text, wide } from './columns.ts';
import { eventColumns } from './event-columns.ts';
import { storageColumns } from './storage-columns.ts';

const rolePrefix = 'node-role.kubernetes.io/';

function nodeStatus(node: KubeObject): string {
  const ready = objectsOf(statusOf(node)['conditions']).find((condition) => condition['type'] === 'Ready');
  const state = ready === undefined ? 'Unknown' : ready['status'] === 'True' ? 'Ready' : 'NotReady';
  return specOf(node)['unschedulable'] === true ? `${state},SchedulingDisabled` : state;
}

function nodeRoles(node: KubeObject): string {
  const roles = Object.entries(node.metadata.labels ?? {}).flatMap(([key, value]) => {
    if (key.startsWith(rolePrefix)) return key.length > rolePrefix.length ? [key.slice(rolePrefix.length)] : [];
    return key === 'kubernetes.io/role' && value !== '' ? [value] : [];
  });
  return [...new Set(roles)].toSorted((a, b) => (a < b ? -1 : 1)).join(',') || '<none>';
}

const address = (type: string) => (node: KubeObject) =>
  orNone(objectsOf(statusOf(node)['addresses']).find((item) => item['type'] === type)?.['address']);
const nodeInfo = (field: string) => (node: KubeObject) => textOf(objectOf(statusOf(node)['nodeInfo'])[field]);
const knownNodeInfo = (field: string) => (node: KubeObject) => nodeInfo(field)(node) || '<unknown>';

const nodes: ColumnPrinter[] = [
  nameColumn,
  text('Status', nodeStatus),
  text('Roles', nodeRoles),
  ageColumn,
  text('Version', nodeInfo('kubeletVersion')),
  wide('Internal-IP', address('InternalIP')),
  wide('External-IP', address('ExternalIP')),
  wide('OS-Image', knownNodeInfo('osImage')),
  wide('Kernel-Version', knownNodeInfo('kernelVersion')),
  wide('Container-Runtime', knownNodeInfo('containerRuntimeVersion')),
];

function externalIp(service: KubeObject): string {
  const spec = specOf(service);
  const external = Array.isArray(spec['externalIPs']) ? spec['externalIPs'].map(textOf) : [];
  if (spec['type'] === 'ExternalName') return textOf(spec['externalName']);
  if (spec['type'] !== 'LoadBalancer') return external.join(',') || '<none>';
  const ingress = objectsOf(objectOf(statusOf(service)['loadBalancer'])['ingress']).map(
    (item) => textOf(item['ip']) || textOf(item['hostname']),
  );
  return [...ingress, ...external].filter((item) => item !== '').join(',') || '<pending>';
}

function servicePorts(service: KubeObject): string {
  const ports = objectsOf(specOf(service)['ports']).map((port) => {
    const nodePort = numberOf(port['nodePort']);
    return `${numberOf(port['port'])}${nodePort > 0 ? `:${nodePort}` : ''}/${textOf(port['protocol']) || 'TCP'}`;
  });
  return ports.join(',') || '<none>';
}

const services: ColumnPrinter[] = [
  nameColumn,
  text('Type', (object) => textOf(specOf(object)['type']) || 'ClusterIP'),
  text('Cluster-IP', (object) => orNone(specOf(object)['clusterIP'])),
  text('External-IP', externalIp),
  text('Port(s)', servicePorts),
  ageColumn,
  wide('Selector', (object) => labelsText(specOf(object)['selector'])),
];

const size =
  (...fields: string[]) =>
  (object: KubeObject) =>
    fields.reduce((sum, field) => sum + Object.keys(objectOf(object[field])).length, 0);

function intOrString(value: unknown): string {
  return value === undefined ? 'N/A' : typeof value === 'number' ? String(value) : textOf(value);
}

const disruptionBudgets: ColumnPrinter[] = [
  nameColumn,
  text('Min Available', (object) => intOrString(specOf(object)['minAvailable'])),
  text('Max Unavailable', (object) => intOrString(specOf(object)['maxUnavailable'])),
  integer('Allowed Disruptions', (object) => numberOf(statusOf(object)['disruptionsAllowed'])),
  ageColumn,
];

const webhooks: ColumnPrinter[] = [nameColumn, integer('Webhooks', (object) => objectsOf(object['webhooks']).length), ageColumn];

function subjects(kind: string): (object: KubeObject) => string {
  return (object) =>
    objectsOf(object['subjects'])
      .filter((subject) => subject['kind'] === kind)
      .map((subject) =>
        kind === 'ServiceAccount' ? `${textOf(subject['namespace'])}/${textOf(subject['name'])}` : textOf(subject['name']),
      )
      .join(', ');
}

const bindings: ColumnPrinter[] = [
  nameColumn,
  text('Role', (object) => `${textOf(objectOf(object['roleRef'])['kind'])}/${textOf(objectOf(object['roleRef'])['name'])}`),
  ageColumn,
  wide('Users', subjects('User')),
  wide('Groups', subjects('Group')),
  wide('ServiceAccounts', subjects('ServiceAccount')),
];

function apiServiceAvailable(object: KubeObject): string {
  const available = objectsOf(statusOf(object)['conditions']).find((condition) => condition['type'] === 'Available');
  if (available === undefined) return 'Unknown';
  return available['status'] === 'True' ? 'True' : `${textOf(available['status'])} (${textOf(available['reason'])})`;
}

function endpointsText(endpoints: KubeObject): string {
  const all = objectsOf(endpoints['subsets']).flatMap((subset) =>
    objectsOf(subset['ports']).flatMap((port) =>
      objectsOf(subset['addresses']).map((item) => `${textOf(item['ip'])}:${numberOf(port['port'])}`),
    ),
  );
  if (all.length === 0) return '<none>';
  return all.slice(0, 3).join(',') + (all.length > 3 ? ` + ${all.length - 3} more...` : '');
}

export const clusterColumns: Readonly<Record<string, readonly ColumnPrinter[]>> = {
  ...storageColumns,
  nodes,
  services,
  namespaces: [nameColumn, text('Status', (object) => textOf(statusOf(object)['phase'])), ageColumn],
  configmaps: [nameColumn, text('Data', size('data', 'binaryData')), ageColumn],
  secrets: [nameColumn, text('Type', (object) => textOf(object['type'])), text('Data', size('data')), ageColumn],
  endpoints: [nameColumn, text('Endpoints', endpointsText), ageColumn],
  limitranges: [nameColumn, createdAtColumn],
  events: eventColumns,
  'events.events.k8s.io': eventColumns,
  'poddisruptionbudgets.policy': disruptionBudgets,
  'horizontalpodautoscalers.autoscaling': autoscalerColumns,
  'leases.coordination.k8s.io': [nameColumn, text('Holder', (object) => textOf(specOf(object)['holderIdentity'])), ageColumn],
  'priorityclasses.scheduling.k8s.io': [
    nameColumn,
    integer('Value', (object) => numberOf(object['value'])),
    { ...text('Global-Default', (object) => object['globalDefault'] === true), type: 'boolean' },
    ageColumn,
    text('PreemptionPolicy', (object) => textOf(object['preemptionPolicy']) || 'PreemptLowerPriority'),
  ],
  'mutatingwebhookconfigurations.admissionregistration.k8s.io': webhooks,
  'validatingwebhookconfigurations.admissionregistration.k8s.io': webhooks,
  'customresourcedefinitions.apiextensions.k8s.io': [nameColumn, createdAtColumn],
  'apiservices.apiregistration.k8s.io': [
    nameColumn,
    text('Service', (object) => {
      const service = objectOf(specOf(object)['service']);
      return service['name'] === undefined ? 'Local' : `${textOf(service['namespace'])}/${textOf(service['name'])}`;
    }),
    text('Available', apiServiceAvailable),
    ageColumn,
  ],
  'roles.rbac.authorization.k8s.io': [nameColumn, createdAtColumn],
  'clusterroles.rbac.authorization.k8s.io': [nameColumn, createdAtColumn],
  'rolebindings.rbac.authorization.k8s.io': bindings,
  'clusterrolebindings.rbac.authorization.k8s.io': bindings,
  'controllerrevisions.apps': [
    nameColumn,
    text('Controller', (object) => {
      const owner = object.metadata.ownerReferences?.find((reference) => reference.controller === true);
      return owner === undefined ? '<none>' : `${owner.kind.toLowerCase()}/${owner.name}`;
    }),
    text('Revision', (object) => numberOf(object['revision'])),
    ageColumn,
  ],
};
