import { createInterner, projectNode, projectPod, type KubeObject, type NodeRecord, type PodRecord } from '../../../../core/model/index.ts';
import { createDeviceSelectors } from '../../../device-selectors.ts';
import type { DeviceFacts } from './model.ts';
import { projectClaimTemplate, projectDeviceClass, projectResourceClaim, projectSlice } from './project.ts';

/** Builders for tests: nodes with GPUs, pods with claims on them. */

const interner = createInterner();

export const driver = 'gpu.example.com';

export function node(name: string, labels: Record<string, string> = {}): NodeRecord {
  const size = { cpu: '64', memory: '256Gi', pods: '100' };
  return projectNode(
    {
      metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
      status: { capacity: size, allocatable: size, conditions: [{ type: 'Ready', status: 'True' }] },
    },
    interner,
  );
}

/** Devices of a node: `count` equal ones, or those that are written out. */
export function slice(nodeName: string | undefined, devices: number | readonly object[], spec: object = {}): KubeObject {
  const list = typeof devices === 'number' ? Array.from({ length: devices }, (_, index) => ({ name: `gpu-${index}` })) : devices;
  const pool = nodeName ?? 'shared';
  return {
    metadata: { name: `slice-${pool}` },
    spec: {
      driver,
      pool: { name: pool, generation: 1, resourceSliceCount: 1 },
      ...(nodeName === undefined ? {} : { nodeName }),
      devices: list,
      ...spec,
    },
  };
}

export const gpuClass: KubeObject = {
  metadata: { name: 'gpu' },
  spec: { selectors: [{ cel: { expression: `device.driver == "${driver}"` } }] },
};

/** The spec of a claim for one request. */
export function asking(exactly: object = {}, rest: object = {}): object {
  return { devices: { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu', ...exactly } }], ...rest } };
}

export function template(name: string, spec: object): KubeObject {
  return { metadata: { name, namespace: 'shop' }, spec: { spec } };
}

export function claim(name: string, spec: object, { status = {}, metadata = {} }: { status?: object; metadata?: object } = {}): KubeObject {
  return { metadata: { name, namespace: 'shop', ...metadata }, spec, status };
}

/** What an allocated claim says: devices `pool/device`, on one node or anywhere. */
export function allocated(devices: readonly string[], onNode: string | undefined, reservedFor: readonly string[] = []): object {
  const results = devices.map((each) => ({ request: 'gpu', driver, pool: each.split('/')[0], device: each.split('/')[1] }));
  const matchFields = [{ key: 'metadata.name', operator: 'In', values: [onNode] }];
  const nodeSelector = onNode === undefined ? {} : { nodeSelector: { nodeSelectorTerms: [{ matchFields }] } };
  return { allocation: { devices: { results }, ...nodeSelector }, reservedFor: reservedFor.map((uid) => ({ resource: 'pods', uid })) };
}

export interface World {
  readonly slices?: readonly KubeObject[];
  readonly claims?: readonly KubeObject[];
  readonly templates?: readonly KubeObject[];
  readonly classes?: readonly KubeObject[];
}

export function facts({ slices = [], claims = [], templates = [], classes = [gpuClass] }: World): DeviceFacts {
  return {
    claims: new Map(claims.map((raw) => [`shop/${raw.metadata.name}`, projectResourceClaim(raw)])),
    templates: new Map(templates.map(projectClaimTemplate).map(({ key, spec }) => [key, spec])),
    classes: new Map(classes.map(projectDeviceClass).map((each) => [each.name, each])),
    slices: slices.map(projectSlice),
    selectorOf: createDeviceSelectors(),
  };
}

export interface ClaimingPod {
  /** Name of a ResourceClaim. */
  readonly claim?: string;
  /** Name of a ResourceClaimTemplate, and of the claim that was made of it. */
  readonly template?: string;
  readonly own?: string;
  readonly onNode?: string;
}

export function pod(name: string, { claim: claimName, template: templateName, own, onNode }: ClaimingPod = {}): PodRecord {
  const asked = claimName === undefined ? { resourceClaimTemplateName: templateName ?? 'one-gpu' } : { resourceClaimName: claimName };
  return projectPod(
    {
      metadata: { name, namespace: 'shop', uid: `uid-${name}` },
      spec: {
        containers: [{ name: 'c', resources: { requests: { cpu: '1' } } }],
        resourceClaims: [{ name: 'gpu', ...asked }],
        ...(onNode === undefined ? {} : { nodeName: onNode }),
      },
      status: own === undefined ? {} : { resourceClaimStatuses: [{ name: 'gpu', resourceClaimName: own }] },
    },
    interner,
  );
}
