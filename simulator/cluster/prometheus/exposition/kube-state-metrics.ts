import { resourceTypes } from '../../../../core/model/object.ts';
import type { KubeObject, ResourceType } from '../../../../core/model/object.ts';
import { Quantity } from '../../../../core/units/index.ts';
import { ExpositionWriter } from '../../../workload/exposition-text.ts';
import type { ExpositionLabels, MetricFamily } from '../../../workload/exposition-text.ts';
import { containerStatusesOf, containersOf, podSpecOf, podStatusOf } from './pod-object.ts';

/** Where API objects are read; the registry of the embedded cluster is one, reflectors of a real cluster can be. */
export interface ObjectLister {
  list(type: ResourceType): readonly KubeObject[];
}

function gauge(name: string, help: string): MetricFamily {
  return { name, type: 'gauge', help };
}

const podInfo = gauge('kube_pod_info', 'Information about pod.');
const podOwner = gauge('kube_pod_owner', "Information about the Pod's owner.");
const podPhase = gauge('kube_pod_status_phase', 'The pods current phase.');
const podReady = gauge('kube_pod_status_ready', 'Describes whether the pod is ready to serve requests.');
const requests = gauge('kube_pod_container_resource_requests', 'The number of requested request resource by a container.');
const limits = gauge('kube_pod_container_resource_limits', 'The number of requested limit resource by a container.');
const restarts: MetricFamily = {
  name: 'kube_pod_container_status_restarts_total',
  type: 'counter',
  help: 'The number of container restarts per container.',
};
const lastReason = gauge(
  'kube_pod_container_status_last_terminated_reason',
  'Describes the last reason the container was in terminated state.',
);
const replicaSetOwner = gauge('kube_replicaset_owner', "Information about the ReplicaSet's owner.");
const deploymentWanted = gauge('kube_deployment_spec_replicas', 'Number of desired pods for a deployment.');
const deploymentAvailable = gauge('kube_deployment_status_replicas_available', 'The number of available replicas per deployment.');
const nodeInfo = gauge('kube_node_info', 'Information about a cluster node.');
const allocatable = gauge(
  'kube_node_status_allocatable',
  'The allocatable for different resources of a node that are available for scheduling.',
);
const capacity = gauge('kube_node_status_capacity', 'The capacity for different resources of a node.');

const phases = ['Pending', 'Succeeded', 'Failed', 'Unknown', 'Running'];

/** What kube-state-metrics shows of pods, ReplicaSets, Deployments and nodes: the metrics that sizing tools ask for. */
export function kubeStateMetricsExposition(objects: ObjectLister): string {
  const writer = new ExpositionWriter();
  for (const pod of objects.list(resourceTypes.pods)) writePod(writer, pod);
  for (const set of objects.list(resourceTypes.replicaSets)) {
    const { namespace = '', name } = set.metadata;
    writer.add(replicaSetOwner, { namespace, replicaset: name, ...ownerLabels(set) }, 1);
  }
  for (const deployment of objects.list(resourceTypes.deployments)) writeDeployment(writer, deployment);
  for (const node of objects.list(resourceTypes.nodes)) writeNode(writer, node);
  return writer.text();
}

function ownerLabels({ metadata }: KubeObject): ExpositionLabels {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true) ?? metadata.ownerReferences?.[0];
  if (owner === undefined) return { owner_kind: '', owner_name: '', owner_is_controller: '' };
  return { owner_kind: owner.kind, owner_name: owner.name, owner_is_controller: String(owner.controller === true) };
}

function writePod(writer: ExpositionWriter, pod: KubeObject): void {
  const { namespace = '', name, uid = '' } = pod.metadata;
  const labels = { namespace, pod: name, uid };
  const { nodeName: node = '' } = podSpecOf(pod);
  writeIdentity(writer, pod, labels);
  writeState(writer, pod, labels);
  for (const container of containersOf(pod)) {
    const of = { ...labels, container: container.name, node };
    writeResources(writer, requests, of, container.resources?.requests);
    writeResources(writer, limits, of, container.resources?.limits);
  }
  for (const { name: container, restartCount = 0, lastState } of containerStatusesOf(pod)) {
    const of = { ...labels, container };
    writer.add(restarts, of, restartCount);
    const reason = lastState?.terminated?.reason;
    if (reason !== undefined) writer.add(lastReason, { ...of, reason }, 1);
  }
}

function writeIdentity(writer: ExpositionWriter, pod: KubeObject, labels: ExpositionLabels): void {
  const { nodeName: node = '', priorityClassName: priority_class = '', hostNetwork = false } = podSpecOf(pod);
  const { hostIP: host_ip = '', podIP: pod_ip = '' } = podStatusOf(pod);
  const owner = ownerLabels(pod);
  const created = { created_by_kind: owner['owner_kind'] ?? '', created_by_name: owner['owner_name'] ?? '' };
  writer.add(podInfo, { ...labels, host_ip, pod_ip, node, ...created, priority_class, host_network: String(hostNetwork) }, 1);
  writer.add(podOwner, { ...labels, ...owner }, 1);
}

function writeState(writer: ExpositionWriter, pod: KubeObject, labels: ExpositionLabels): void {
  const { phase: current = 'Pending', conditions = [] } = podStatusOf(pod);
  for (const phase of phases) writer.add(podPhase, { ...labels, phase }, Number(phase === current));
  const ready = (conditions.find(({ type }) => type === 'Ready')?.status ?? 'False').toLowerCase();
  for (const condition of ['true', 'false', 'unknown']) writer.add(podReady, { ...labels, condition }, Number(condition === ready));
}

/** In cores and bytes; names with underscores, as kube-state-metrics writes them. */
function writeResources(
  writer: ExpositionWriter,
  family: MetricFamily,
  labels: ExpositionLabels,
  list: Readonly<Record<string, string | number | undefined>> | undefined,
): void {
  for (const [resource, text] of Object.entries(list ?? {})) {
    const value = Quantity.tryParse(String(text ?? ''))?.toNumber();
    if (value !== undefined)
      writer.add(family, { ...labels, resource: resource.replaceAll(/[^A-Za-z0-9_]/g, '_'), unit: unitOf(resource) }, value);
  }
}

function unitOf(resource: string): string {
  if (resource === 'cpu') return 'core';
  return resource === 'memory' || resource === 'ephemeral-storage' || resource.startsWith('hugepages-') ? 'byte' : 'integer';
}

function writeDeployment(writer: ExpositionWriter, deployment: KubeObject): void {
  const { namespace = '', name } = deployment.metadata;
  const labels = { namespace, deployment: name };
  const { replicas = 1 } = (deployment.spec ?? {}) as { readonly replicas?: number };
  const { availableReplicas = 0 } = (deployment.status ?? {}) as { readonly availableReplicas?: number };
  writer.add(deploymentWanted, labels, replicas);
  writer.add(deploymentAvailable, labels, availableReplicas);
}

function writeNode(writer: ExpositionWriter, { metadata, spec, status }: KubeObject): void {
  const { providerID = '' } = (spec ?? {}) as { readonly providerID?: string };
  const lists = (status ?? {}) as { readonly allocatable?: Record<string, string>; readonly capacity?: Record<string, string> };
  writer.add(nodeInfo, { node: metadata.name, provider_id: providerID }, 1);
  writeResources(writer, allocatable, { node: metadata.name }, lists.allocatable);
  writeResources(writer, capacity, { node: metadata.name }, lists.capacity);
}
