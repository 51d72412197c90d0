import {
  createInterner,
  projectNode,
  projectPdb,
  projectPod,
  type NodeRecord,
  type PdbRecord,
  type PodRecord,
} from '../../core/model/index.ts';
import { upstreamLoopOptions } from '../../cluster-autoscaler/engine/loop/options.ts';
import type { ScaleDownOptions } from '../../cluster-autoscaler/engine/scale-down/index.ts';

/** Reads the fragments of the scale-down vectors into records. Every case has its own time 0. */

export type Json = Readonly<Record<string, unknown>>;

export const now = Date.UTC(2026, 0, 1);

const interner = createInterner();

export const ago = (seconds: number): string => new Date(now - seconds * 1000).toISOString();

export function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}

export function listOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

/** The parts of a pod that vectors name, in the API's words. */
export interface PodParts {
  readonly name: string;
  readonly namespace?: string | undefined;
  readonly labels?: unknown;
  readonly annotations?: unknown;
  /** Kind, name and apiVersion of the controller. */
  readonly owner?: Json | undefined;
  readonly spec: Json;
  readonly phase?: string | undefined;
  readonly deletedSecondsAgo?: number | undefined;
  readonly ageSeconds?: number | undefined;
  readonly node?: string | undefined;
}

export function podOf({ name, namespace = 'default', labels, annotations, owner, spec, ...parts }: PodParts): PodRecord {
  const { deletedSecondsAgo, ageSeconds, phase = 'Running', node } = parts;
  return projectPod(
    {
      metadata: {
        name,
        namespace,
        uid: `${namespace}/${name}`,
        labels: objectOf(labels) as Record<string, string>,
        annotations: objectOf(annotations) as Record<string, string>,
        ...(deletedSecondsAgo === undefined ? {} : { deletionTimestamp: ago(deletedSecondsAgo) }),
        ...(ageSeconds === undefined ? {} : { creationTimestamp: ago(ageSeconds) }),
        ownerReferences:
          owner === undefined
            ? []
            : [
                {
                  apiVersion: textOf(owner['apiVersion']) ?? 'apps/v1',
                  kind: textOf(owner['kind']) ?? '',
                  name: textOf(owner['name']) ?? 'owner',
                  uid: `uid-${textOf(owner['name']) ?? 'owner'}`,
                  controller: true,
                },
              ],
      },
      spec: { ...spec, ...(node === undefined ? {} : { nodeName: node }) },
      status: { phase },
    },
    interner,
  );
}

export function nodeOf(name: string, parts: Json): NodeRecord {
  const { allocatable, labels, annotations, taints, ready = true } = parts;
  return projectNode(
    {
      metadata: {
        name,
        uid: name,
        labels: objectOf(labels) as Record<string, string>,
        annotations: objectOf(annotations) as Record<string, string>,
      },
      spec: { providerID: `vector://${name}`, taints: taints ?? [] },
      status: {
        capacity: objectOf(allocatable),
        allocatable: objectOf(allocatable),
        conditions: [{ type: 'Ready', status: ready === false ? 'False' : 'True' }],
      },
    },
    interner,
  );
}

/** `{namespace, selector, disruptionsAllowed}`; the selector is a map of labels, whatever their values, or null. */
export function pdbOf(raw: Json, index: number): PdbRecord {
  const projected = projectPdb(
    {
      metadata: { name: `budget-${index}`, namespace: textOf(raw['namespace']) ?? 'default', uid: `budget-${index}` },
      status: { disruptionsAllowed: numberOf(raw['disruptionsAllowed']) ?? 0 },
    },
    interner,
  );
  if (raw['selector'] === null || raw['selector'] === undefined) return projected;
  const requirements = Object.entries(objectOf(raw['selector'])).map(([key, value]) => ({
    key,
    operator: '=' as const,
    values: [textOf(value) ?? ''],
  }));
  return { ...projected, selector: { matchesNothing: false, requirements } };
}

/** Upstream's flags with those that a case names. */
export function optionsOf(raw: Json): ScaleDownOptions {
  const flag = (name: string, byDefault: boolean): boolean => (typeof raw[name] === 'boolean' ? raw[name] : byDefault);
  return {
    ...upstreamLoopOptions,
    skipNodesWithSystemPods: flag('skipNodesWithSystemPods', true),
    skipNodesWithLocalStorage: flag('skipNodesWithLocalStorage', true),
    skipNodesWithCustomControllerPods: flag('skipNodesWithCustomControllerPods', true),
    minReplicaCount: numberOf(raw['minReplicaCount']) ?? 0,
    blockingSystemPodMs: (numberOf(raw['systemPodDisruptionTimeoutSeconds']) ?? 3600) * 1000,
  };
}

export function compare(what: string, expected: unknown, got: unknown): readonly string[] {
  const [a, b] = [JSON.stringify(expected), JSON.stringify(got)];
  return a === b ? [] : [`${what}: expected ${a}, got ${b}`];
}
