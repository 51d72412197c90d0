import type { KubeObject } from '../../../../core/model/object.ts';
import { sumOfContainers, sumText } from './container-sums.ts';
import { canonicalResources, nano } from './quantities.ts';
import type { Container, PodSpec, PodTemplate, Probe, ResourceRequirements, Volume } from './shapes.ts';

// Shared by all pods that have none: what is stored is immutable.
const emptyContext = Object.freeze({});

/** Defaults of core/v1 PodSpec as the server fills them in, for pods and for templates. Changes the draft that it is given. */
function defaultPodSpec(spec: PodSpec): void {
  fill(spec, podDefaults);
  defaultAccount(spec);
  const containers = spec.containers ?? [];
  for (const container of spec.initContainers ?? []) defaultContainer(container);
  for (const container of containers) defaultContainer(container);
  for (const volume of spec.volumes ?? []) defaultVolume(volume);
  canonical(spec.resources);
  canonicalResources(spec.overhead);
}

/** Defaults of a pod's resources, which templates do not get: a limit without a request is the request too, of containers and of the pod itself. */
export function defaultPodResources(spec: PodSpec): void {
  for (const { resources } of [...(spec.initContainers ?? []), ...(spec.containers ?? [])])
    if (resources !== undefined) defaultRequests(resources);
  const { resources } = spec;
  if (resources?.limits === undefined) return;
  // What the containers ask for comes before the pod's limit.
  for (const name of ['cpu', 'memory']) {
    const sum = sumOfContainers(spec, name, 'requests');
    if (sum > 0n && resources.requests?.[name] === undefined) (resources.requests ??= {})[name] = sumText(spec, name, sum);
  }
  defaultRequests(resources);
}

const podDefaults = {
  restartPolicy: 'Always',
  dnsPolicy: 'ClusterFirst',
  schedulerName: 'default-scheduler',
  terminationGracePeriodSeconds: 30,
  securityContext: emptyContext,
};

const containerDefaults = { terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File' };
const probeDefaults = { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 };

/** Sets what is not set. */
function fill(target: object, defaults: Readonly<Record<string, unknown>>): void {
  const fields = target as Record<string, unknown>;
  for (const field in defaults) fields[field] ??= defaults[field];
}

/** `serviceAccount` is the old name of `serviceAccountName`; both are kept. */
function defaultAccount(spec: PodSpec): void {
  const { serviceAccountName = '', serviceAccount = '' } = spec;
  const name = serviceAccountName === '' ? serviceAccount : serviceAccountName;
  if (name === '') return;
  spec.serviceAccountName = name;
  spec.serviceAccount = name;
}

function defaultHostPorts(container: Container): void {
  for (const port of container.ports ?? []) if (port.containerPort !== undefined) port.hostPort ??= port.containerPort;
}

/** Defaults of a pod: those of its spec, and those that a template does not get. */
export function defaultPod(pod: KubeObject): void {
  const spec = (pod.spec ??= {}) as PodSpec;
  defaultPodSpec(spec);
  defaultPodResources(spec);
  spec.enableServiceLinks ??= true;
  if (spec.hostNetwork !== true) return;
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) defaultHostPorts(container);
}

export function defaultTemplate(template: PodTemplate | undefined): void {
  if (template === undefined) return;
  template.metadata ??= {};
  template.spec ??= {};
  defaultPodSpec(template.spec);
}

function defaultContainer(container: Container): void {
  container.resources ??= {};
  canonical(container.resources);
  fill(container, containerDefaults);
  container.imagePullPolicy ??= pullPolicy(container.image ?? '');
  for (const port of container.ports ?? []) port.protocol ??= 'TCP';
  for (const variable of container.env ?? []) {
    if (variable.valueFrom?.fieldRef !== undefined) variable.valueFrom.fieldRef.apiVersion ??= 'v1';
  }
  for (const probe of probesOf(container)) defaultProbe(probe);
}

function probesOf({ livenessProbe, readinessProbe, startupProbe }: Container): Probe[] {
  return [livenessProbe, readinessProbe, startupProbe].filter((probe) => probe !== undefined);
}

function canonical(resources: ResourceRequirements | undefined): void {
  canonicalResources(resources?.limits);
  canonicalResources(resources?.requests);
}

function defaultRequests(resources: ResourceRequirements): void {
  for (const [name, limit] of Object.entries(resources.limits ?? {})) (resources.requests ??= {})[name] ??= limit;
}

function pullPolicy(image: string): string {
  const name = image.slice(image.lastIndexOf('/') + 1);
  if (name.includes('@')) return 'IfNotPresent';
  const colon = name.lastIndexOf(':');
  return colon < 0 || name.slice(colon + 1) === 'latest' ? 'Always' : 'IfNotPresent';
}

function defaultProbe(probe: Probe): void {
  fill(probe, probeDefaults);
  if (probe.httpGet !== undefined) fill(probe.httpGet, { path: '/', scheme: 'HTTP' });
  if (probe.grpc !== undefined) probe.grpc.service ??= '';
}

const volumeModes: Readonly<Record<string, string>> = {
  configMap: 'defaultMode',
  secret: 'defaultMode',
  projected: 'defaultMode',
  downwardAPI: 'defaultMode',
};

function defaultVolume(volume: Volume): void {
  const sources = Object.keys(volume).filter((field) => field !== 'name');
  if (sources.length === 0) volume['emptyDir'] = {};
  for (const source of sources) {
    const value = volume[source] as Record<string, unknown> | null;
    if (value === null || typeof value !== 'object') continue;
    const mode = volumeModes[source];
    if (mode !== undefined) value[mode] ??= 420;
    if (source === 'hostPath') value['type'] ??= '';
  }
}

const qosResources = ['cpu', 'memory'] as const;

/** The quality-of-service class, by the rule of core/v1: pod-level resources win, init containers count. */
export function qosClass(spec: PodSpec): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const podLevel = spec.resources;
  if (podLevel !== undefined && (podLevel.requests !== undefined || podLevel.limits !== undefined)) return qosOf([podLevel]);
  return qosOf([...(spec.containers ?? []), ...(spec.initContainers ?? [])].map((container) => container.resources ?? {}));
}

function qosOf(parts: readonly ResourceRequirements[]): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  let any = false;
  let guaranteed = true;
  for (const part of parts) {
    for (const name of qosResources) {
      const request = nano(part.requests?.[name]);
      const limit = nano(part.limits?.[name]);
      if (request > 0n || limit > 0n) any = true;
      if (limit === 0n || (request !== limit && part.requests?.[name] !== undefined)) guaranteed = false;
    }
  }
  if (!any) return 'BestEffort';
  return guaranteed ? 'Guaranteed' : 'Burstable';
}
