import { createInterner } from '../../core/model/interner.ts';
import type { KubeObject } from '../../core/model/object.ts';
import { projectPod, type PodRecord } from '../../core/model/pod.ts';
import type { EvictionRequirement, SizingPolicy, UpdateMode } from '../../vpa/model.ts';
import { boostOf, podObject, sizingsOf } from './vpa-objects.ts';

type Json = Readonly<Record<string, unknown>>;

/** Pods of the vectors run unless they say otherwise; one that has no uid is told by its name. An empty list of resources is one that is present. */
export function podOf(raw: unknown, more: Partial<PodRecord> = {}): PodRecord {
  const pod = podObject(raw);
  const status = (pod.status ?? {}) as { readonly phase?: string; readonly containerStatuses?: readonly Json[] };
  const object: KubeObject = {
    ...pod,
    metadata: { ...pod.metadata, uid: pod.metadata.uid ?? pod.metadata.name },
    status: { ...status, phase: status.phase ?? 'Running', containerStatuses: status.containerStatuses?.map(withRequests) },
  };
  return { ...projectPod(object, createInterner()), ...more };
}

function withRequests(status: Json): Json {
  const resources = status['resources'] as Json | null | undefined;
  if (resources === null || resources === undefined) return status;
  return { ...status, resources: { requests: {}, ...resources } };
}

const actuations: Readonly<Record<string, SizingPolicy['actuation']>> = {
  Off: 'Off',
  Initial: 'Initial',
  InPlace: 'InPlace',
  InPlaceOrRecreate: 'InPlaceOrRecreate',
};

/** A native object as the updater sees it. */
export function nativePolicy(vpa: unknown, { perVpaConfig = false }: { readonly perVpaConfig?: boolean } = {}): SizingPolicy {
  const { metadata, spec = {} } = (vpa ?? {}) as { readonly metadata?: Json; readonly spec?: Json };
  const update = (spec['updatePolicy'] ?? undefined) as Json | undefined;
  return {
    ...updateOf(update, perVpaConfig),
    reference: {
      apiVersion: 'autoscaling.k8s.io/v1',
      kind: 'VerticalPodAutoscaler',
      namespace: 'default',
      name: (metadata?.['name'] as string | undefined) ?? 'vpa',
    },
    native: true,
    generation: 1,
    created: 0,
    target: { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'default', name: 'web' },
    mode: 'Auto',
    cooldown: { scaleUpMs: 0, scaleDownMs: 0 },
    singleReplica: 'Never',
    startupBoost: boostOf(spec['startupBoost']),
    containers: sizingsOf(spec['resourcePolicy']),
    estimation: {},
    horizontal: 'Ignore',
    injectedContainers: 'Manage',
    recommenders: [],
    integerCpu: new Set(),
  };
}

function updateOf(update: Json | undefined, perVpaConfig: boolean) {
  const mode = (update?.['updateMode'] ?? 'Recreate') as UpdateMode;
  const oom = update?.['evictAfterOOMSeconds'] as number | undefined;
  return {
    updateMode: mode,
    actuation: actuations[mode] ?? 'Recreate',
    hasUpdatePolicy: update !== undefined,
    minReplicas: update?.['minReplicas'] as number | undefined,
    evictionRequirements: (update?.['evictionRequirements'] ?? []) as readonly EvictionRequirement[],
    evictAfterOomMs: perVpaConfig && oom !== undefined ? oom * 1000 : undefined,
  };
}
