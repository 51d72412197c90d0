import type { JsonPatchOperation } from '../../../core/kube/api.ts';
import { apiVersionOf, resourceTypes, type KubeObject, type ResourceType } from '../../../core/model/object.ts';
import type { CheckpointStatus, HistogramCheckpoint } from '../../model.ts';

/** Kinds of policies that have checkpoints, and the kinds of these. Both have the same fields. */
export const checkpointKinds = {
  VerticalPolicy: { policies: resourceTypes.verticalPolicies, checkpoints: resourceTypes.verticalPolicyCheckpoints },
  VerticalPodAutoscaler: { policies: resourceTypes.verticalPodAutoscalers, checkpoints: resourceTypes.verticalPodAutoscalerCheckpoints },
} as const satisfies Record<string, { readonly policies: ResourceType; readonly checkpoints: ResourceType }>;

export type CheckpointKind = keyof typeof checkpointKinds;

export function isCheckpointKind(kind: string): kind is CheckpointKind {
  return Object.hasOwn(checkpointKinds, kind);
}

/** Whose state a stored checkpoint holds. */
export interface CheckpointOwner {
  readonly namespace: string;
  /** `spec.vpaObjectName` */
  readonly policy: string;
  readonly container: string;
}

/** `undefined`: the object does not say whose it is. */
export function checkpointOwner(raw: KubeObject): CheckpointOwner | undefined {
  const { vpaObjectName: policy, containerName: container } = objectOf(raw.spec) ?? {};
  const { namespace = '' } = raw.metadata;
  return typeof policy === 'string' && policy !== '' && typeof container === 'string' && container !== ''
    ? { namespace, policy, container }
    : undefined;
}

export type CheckpointReading = { readonly ok: true; readonly status: CheckpointStatus } | { readonly ok: false; readonly message: string };

/** The stored status, as far as its shape can be told without the engine: numbers are numbers, texts are texts. */
export function readCheckpoint(raw: KubeObject): CheckpointReading {
  const where = `checkpoint ${raw.metadata.namespace ?? ''}/${raw.metadata.name}`;
  const status = objectOf(raw.status);
  if (status === undefined) return { ok: false, message: `${where} has no status: delete it, it will be written anew` };
  const cpuHistogram = histogramOf(status['cpuHistogram']);
  const memoryHistogram = histogramOf(status['memoryHistogram']);
  const { version, totalSamplesCount } = status;
  const broken = [
    typeof version === 'string' ? '' : 'version',
    cpuHistogram === undefined ? 'cpuHistogram' : '',
    memoryHistogram === undefined ? 'memoryHistogram' : '',
    isAbsentOr('number', totalSamplesCount) ? '' : 'totalSamplesCount',
    ...['lastUpdateTime', 'firstSampleStart', 'lastSampleStart'].map((field) => (isAbsentOr('string', status[field]) ? '' : field)),
  ].filter((field) => field !== '');
  if (broken.length > 0 || typeof version !== 'string' || cpuHistogram === undefined || memoryHistogram === undefined) {
    return { ok: false, message: `${where} cannot be read at status.${broken.join(', status.')}: delete it, it will be written anew` };
  }
  return {
    ok: true,
    status: {
      version,
      cpuHistogram,
      memoryHistogram,
      lastUpdateTime: textOf(status['lastUpdateTime']),
      firstSampleStart: textOf(status['firstSampleStart']),
      lastSampleStart: textOf(status['lastSampleStart']),
      totalSamplesCount: typeof totalSamplesCount === 'number' ? totalSamplesCount : undefined,
    },
  };
}

/** An absent histogram is an empty one, as Go reads it. */
function histogramOf(value: unknown): HistogramCheckpoint | undefined {
  if (value === undefined || value === null) return {};
  const raw = objectOf(value);
  const weights = raw?.['bucketWeights'] ?? {};
  if (raw === undefined || objectOf(weights) === undefined) return undefined;
  const { referenceTimestamp, totalWeight } = raw;
  if (!isAbsentOr('string', referenceTimestamp) || !isAbsentOr('number', totalWeight)) return undefined;
  for (const weight of Object.values(weights)) if (typeof weight !== 'number') return undefined;
  return {
    referenceTimestamp: textOf(referenceTimestamp),
    bucketWeights: weights as Readonly<Record<string, number>>,
    totalWeight: typeof totalWeight === 'number' ? totalWeight : undefined,
  };
}

function isAbsentOr(type: 'number' | 'string', value: unknown): boolean {
  return value === undefined || value === null || typeof value === type;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : undefined;
}

/** A new checkpoint. Without owner reference, as upstream: a policy that is deleted and made again keeps what was learnt. */
export function checkpointObject(kind: CheckpointKind, name: string, owner: CheckpointOwner, status: CheckpointStatus): KubeObject {
  const type = checkpointKinds[kind].checkpoints;
  return {
    apiVersion: apiVersionOf(type),
    kind: type.kind,
    metadata: { namespace: owner.namespace, name },
    spec: { vpaObjectName: owner.policy, containerName: owner.container },
    status,
  };
}

/** Replaces the status, but only of the checkpoint that is this policy's and container's: another's is answered 422 and stays as it is. */
export function checkpointPatch({ policy, container }: CheckpointOwner, status: CheckpointStatus): JsonPatchOperation[] {
  return [
    { op: 'test', path: '/spec/vpaObjectName', value: policy },
    { op: 'test', path: '/spec/containerName', value: container },
    { op: 'add', path: '/status', value: status },
  ];
}

/** Of a checkpoint's text: 31 bits that change when the state does; when it was written, which stands first, does not count. FNV-1a. */
export function checkpointDigest(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = text.indexOf(','); index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash & 0x7fffffff;
}
