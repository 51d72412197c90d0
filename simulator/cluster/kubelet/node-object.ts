import { formatMicroTime, formatTime } from '../../../core/model/condition.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import type { NodeRuntime } from './node-runtime.ts';
import type { FleetOptions } from './types.ts';

/** Where metrics-server looks for the path of a node's numbers. */
export const metricsPathAnnotation = 'metrics.k8s.io/resource-metrics-path';

/** Path under which the numbers of a node are served. */
export function metricsPath(node: string): string {
  return `/${node}/metrics/resource`;
}

/** The Node as its kubelet creates it, whole status included. */
export function nodeObject(node: NodeRuntime, options: FleetOptions, now: number): KubeObject {
  const { spec } = node;
  const topology: Record<string, string> = {
    ...(spec.zone !== undefined && { 'topology.kubernetes.io/zone': spec.zone }),
    ...(spec.region !== undefined && { 'topology.kubernetes.io/region': spec.region }),
    ...(spec.instanceType !== undefined && { 'node.kubernetes.io/instance-type': spec.instanceType }),
  };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: spec.name,
      labels: {
        'kubernetes.io/hostname': spec.name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        ...topology,
        ...spec.labels,
      },
      annotations: {
        ...(options.endpoint !== undefined && { [metricsPathAnnotation]: metricsPath(spec.name) }),
        ...spec.annotations,
      },
    },
    spec: {
      ...(spec.providerID !== undefined && { providerID: spec.providerID }),
      ...(spec.taints !== undefined && spec.taints.length > 0 && { taints: spec.taints }),
    },
    status: nodeStatus(node, options, now),
  };
}

/** The whole status; merge lists in it (conditions, addresses) are merged by type. */
export function nodeStatus(node: NodeRuntime, options: FleetOptions, now: number): Readonly<Record<string, unknown>> {
  const { spec } = node;
  const capacity = {
    'ephemeral-storage': '100Gi',
    ...spec.resources,
    cpu: String(spec.cpu),
    memory: String(spec.memory),
    pods: String(node.maxPods),
  };
  const address = options.endpoint?.address ?? node.address;
  return {
    capacity: texts(capacity),
    allocatable: texts({ ...capacity, ...spec.allocatable }),
    addresses: [
      { type: 'InternalIP', address },
      { type: 'Hostname', address: spec.name },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: options.endpoint?.port ?? 10250 } },
    nodeInfo: {
      machineID: spec.name,
      systemUUID: spec.name,
      bootID: spec.name,
      kernelVersion: '6.8.0-concertina',
      osImage: 'Concertina simulated node',
      containerRuntimeVersion: 'containerd://2.1.0',
      kubeletVersion: options.kubeletVersion ?? 'v1.36.0',
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture: 'amd64',
    },
    conditions: nodeConditions(node, now),
  };
}

/** Conditions with the time of their last change. */
export function nodeConditions(node: NodeRuntime, now: number): object[] {
  const ready = node.notReadyReason === undefined;
  return [
    condition(node, now, {
      type: 'MemoryPressure',
      status: node.memoryPressure ? 'True' : 'False',
      reason: node.memoryPressure ? 'KubeletHasInsufficientMemory' : 'KubeletHasSufficientMemory',
      message: `kubelet has ${node.memoryPressure ? 'insufficient' : 'sufficient'} memory available`,
    }),
    condition(node, now, {
      type: 'DiskPressure',
      status: 'False',
      reason: 'KubeletHasNoDiskPressure',
      message: 'kubelet has no disk pressure',
    }),
    condition(node, now, {
      type: 'PIDPressure',
      status: 'False',
      reason: 'KubeletHasSufficientPID',
      message: 'kubelet has sufficient PID available',
    }),
    condition(node, now, {
      type: 'Ready',
      status: ready ? 'True' : 'False',
      reason: node.notReadyReason ?? 'KubeletReady',
      message: ready ? 'kubelet is posting ready status' : `simulated: ${node.notReadyReason}`,
    }),
  ];
}

interface NodeCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

function condition(node: NodeRuntime, now: number, value: NodeCondition): object {
  const before = node.conditionSince.get(value.type);
  const at = before?.status === value.status ? before.at : now;
  node.conditionSince.set(value.type, { status: value.status, at });
  return { ...value, lastHeartbeatTime: formatTime(now), lastTransitionTime: formatTime(at) };
}

/** The heartbeat object of a node, owned by it so that it goes with it. */
export function leaseObject(node: NodeRuntime, leaseDurationSeconds: number, now: number): KubeObject {
  const { name } = node.spec;
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name,
      namespace: 'kube-node-lease',
      ...(node.uid !== '' && { ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid: node.uid }] }),
    },
    spec: { holderIdentity: name, leaseDurationSeconds, renewTime: formatMicroTime(now) },
  };
}

function texts(list: Readonly<Record<string, string | number>>): Record<string, string> {
  return Object.fromEntries(Object.entries(list).map(([name, value]) => [name, String(value)]));
}
