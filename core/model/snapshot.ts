import { z } from 'zod';
import { ConcertinaError, messageOf } from '../errors.ts';
import type { MetricQuery } from './metric-query.ts';
import type { NodeUsage, PodUsage, QueryResult, SourceState } from './metrics-view.ts';
import type { KubeObject, ResourceType } from './object.ts';
import { isSteeringAnnotation } from './pod-shape.ts';
import type { OwnerRecord } from './pod.ts';
import { unknownReasons, type Doubt } from './sample.ts';

/** The scale of one target at the time of a snapshot, or why it could not be read. */
export type SnapshotScale = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
} & (
  | {
      readonly ok: true;
      readonly type: ResourceType;
      readonly specReplicas: number;
      readonly statusReplicas: number;
      readonly selector: string;
    }
  | { readonly ok: false; readonly message: string }
);

/** Whose a ReplicaSet is: what leads from a pod to its Deployment. */
export interface SnapshotOwner {
  readonly uid: string;
  /** Absent: nothing controls it. */
  readonly controller?: OwnerRecord | undefined;
}

/** What was really sent to a source. */
export interface SentRequest {
  /** Path of a metrics API with its selectors, or PromQL as the server got it. */
  readonly text: string;
  /** Until it was answered, milliseconds; absent when it was not timed. */
  readonly latencyMs?: number | undefined;
}

/** Policies of requests, with what they look at besides pods and nodes. Lists are empty where the cluster has no such kind. */
export interface SnapshotVertical {
  readonly verticalPolicies: readonly KubeObject[];
  readonly verticalPodAutoscalers: readonly KubeObject[];
  /** VerticalPolicyCheckpoints and VerticalPodAutoscalerCheckpoints. */
  readonly checkpoints: readonly KubeObject[];
  readonly limitRanges: readonly KubeObject[];
  /** Deployments, StatefulSets and the like, with what their pod templates ask for; empty when there are no policies of requests. */
  readonly workloads: readonly KubeObject[];
  /** Absent in files of older versions. */
  readonly podDisruptionBudgets?: readonly KubeObject[] | undefined;
  /** Plurals of kinds that the reader had no right to list: their lists are empty. Absent: none. */
  readonly unread?: readonly string[] | undefined;
}

/** What the node controller reads besides pods and nodes. Lists are empty where the cluster has no such kind. */
export interface SnapshotNodePools {
  readonly nodePoolPolicies: readonly KubeObject[];
  readonly namespaces: readonly KubeObject[];
  readonly daemonSets: readonly KubeObject[];
  /** ReplicationControllers, ReplicaSets that own pods, Jobs, StatefulSets; and what policies scale and what has no replicas now. */
  readonly controllers: readonly KubeObject[];
  readonly podDisruptionBudgets: readonly KubeObject[];
  /** PersistentVolumeClaims, PersistentVolumes, StorageClasses and CSINodes. */
  readonly volumes: readonly KubeObject[];
  /** ResourceClaims, ResourceClaimTemplates, DeviceClasses and ResourceSlices; absent in files of older versions. */
  readonly devices?: readonly KubeObject[] | undefined;
  /** Of the ConfigMap of the expander `priority`; absent: there is none. */
  readonly priorities?: string | undefined;
  /** What the controller remembers, out of its status ConfigMap; absent: nothing. */
  readonly memory?: string | undefined;
  /** What the cloud said of its node groups; absent: it was not asked, or could not be. */
  readonly cloud?: SnapshotCloud | undefined;
  /** Why the cloud is not known. */
  readonly problem?: string | undefined;
  /** Plurals of kinds that the reader had no right to list: their lists are empty. Absent: none. */
  readonly unread?: readonly string[] | undefined;
}

/** Node groups as the provider told them: plain data whose shape is the node controller's business. */
export interface SnapshotCloud {
  readonly provider: string;
  readonly gpuLabel: string;
  readonly ignoredLabels: readonly string[];
  /** Group, instances and template of each. */
  readonly groups: readonly Readonly<Record<string, unknown>>[];
  /** Group of each managed node. */
  readonly groupOfNode: Readonly<Record<string, string>>;
  /** Nodes whose instance is gone, and those of which that is not known. */
  readonly gone: readonly string[];
  readonly unknown: readonly string[];
}

/**
 * Everything that a recommendation is made of, in one JSON file: what `concertina snapshot` writes and `concertina recommend --snapshot` reads.
 * `complete` is written last, so that a file that was cut short at a lucky place is known for what it is.
 */
export interface ClusterSnapshot {
  readonly kind: 'ConcertinaSnapshot';
  readonly version: 1;
  /** Epoch milliseconds; a recommendation from the file is made as of then. */
  readonly takenAt: number;
  readonly server: string;
  readonly horizontalPolicies: readonly KubeObject[];
  readonly horizontalPodAutoscalers: readonly KubeObject[];
  readonly scales: readonly SnapshotScale[];
  readonly pods: readonly KubeObject[];
  /** Those that own one of the pods. Absent in files of older versions and when they could not be read: pods are told by their labels then. */
  readonly replicaSets?: readonly SnapshotOwner[] | undefined;
  readonly nodes: readonly KubeObject[];
  /** What recommendations of requests are made of; absent in files of older versions. */
  readonly vertical?: SnapshotVertical | undefined;
  /** What decisions on node groups are made of; absent where none are scaled, and in files of older versions. */
  readonly nodePools?: SnapshotNodePools | undefined;
  readonly metrics: {
    readonly source: SourceState;
    /** Who gave the usage: `metrics.k8s.io` or `prometheus/<MetricSource>`; absent in files of older versions. */
    readonly usageSource?: string | undefined;
    /** How usage was asked for; absent when it was not a metrics API, and in files of older versions. */
    readonly usageRequest?: SentRequest | undefined;
    /** Nodes none of whose pods has a sample; absent: none. */
    readonly unscrapedNodes?: readonly { readonly name: string; readonly since: number; readonly pods: number }[] | undefined;
    readonly pods: readonly PodUsage[];
    readonly nodes: readonly NodeUsage[];
    /** Usage is good for growth only, and why; absent: it is not doubted. */
    readonly doubt?: Doubt | undefined;
    /** What the policies ask of other sources, with the answers; absent in files of older versions. */
    readonly queries?:
      readonly { readonly query: MetricQuery; readonly result: QueryResult; readonly sent?: SentRequest | undefined }[] | undefined;
  };
  readonly complete: true;
}

const object = z.looseObject({ metadata: z.looseObject({ name: z.string() }) });
const reference = { apiVersion: z.string(), kind: z.string(), namespace: z.string(), name: z.string() };
const resourceType = z.object({ group: z.string(), version: z.string(), plural: z.string(), kind: z.string(), namespaced: z.boolean() });
const amount = z.number().int().nonnegative().optional();
const owner = z.object({
  uid: z.string(),
  controller: z.object({ apiVersion: z.string(), kind: z.string(), name: z.string(), uid: z.string() }).optional(),
});
const sentRequest = z.object({ text: z.string(), latencyMs: z.number().optional() });

const doubt = z.object({ reason: z.enum(unknownReasons), detail: z.string(), since: z.number().optional(), until: z.number().optional() });
const metricFields = { namespace: z.string(), metric: z.string(), metricSelector: z.string() };
const query = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('pods'), selector: z.string(), ...metricFields }),
  z.object({
    kind: z.literal('object'),
    object: z.object({ apiVersion: z.string().optional(), kind: z.string(), name: z.string() }),
    ...metricFields,
  }),
  z.object({ kind: z.literal('external'), ...metricFields }),
  z.object({
    kind: z.literal('prometheus'),
    namespace: z.string(),
    source: z.string(),
    query: z.string(),
    emptyMeans: z.enum(['unknown', 'zero']),
  }),
]);
const queryResult = z.discriminatedUnion('known', [
  z.object({
    known: z.literal(true),
    series: z
      .array(
        z.object({
          object: z.string(),
          labels: z.record(z.string(), z.string()),
          /** JSON has no integers of that size: decimal text. */
          milli: z
            .string()
            .regex(/^-?\d+$/)
            .transform((text) => BigInt(text)),
          timestamp: z.number(),
          windowMs: z.number().optional(),
        }),
      )
      .min(1),
    at: z.number(),
    source: z.string(),
    coverage: z.number(),
    doubt: doubt.optional(),
  }),
  z.object({ known: z.literal(false), reason: z.enum(unknownReasons), detail: z.string(), since: z.number(), source: z.string() }),
]);

const schema = z.object({
  kind: z.literal('ConcertinaSnapshot'),
  version: z.literal(1),
  takenAt: z.number(),
  server: z.string(),
  horizontalPolicies: z.array(object),
  horizontalPodAutoscalers: z.array(object),
  scales: z.array(
    z.discriminatedUnion('ok', [
      z.object({
        ...reference,
        ok: z.literal(true),
        type: resourceType,
        specReplicas: z.number().int(),
        statusReplicas: z.number().int(),
        selector: z.string(),
      }),
      z.object({ ...reference, ok: z.literal(false), message: z.string() }),
    ]),
  ),
  pods: z.array(object),
  replicaSets: z.array(owner).optional(),
  nodes: z.array(object),
  vertical: z
    .object({
      verticalPolicies: z.array(object),
      verticalPodAutoscalers: z.array(object),
      checkpoints: z.array(object),
      limitRanges: z.array(object),
      workloads: z.array(object),
      podDisruptionBudgets: z.array(object).optional(),
      unread: z.array(z.string()).optional(),
    })
    .optional(),
  nodePools: z
    .object({
      nodePoolPolicies: z.array(object),
      namespaces: z.array(object),
      daemonSets: z.array(object),
      controllers: z.array(object),
      podDisruptionBudgets: z.array(object),
      volumes: z.array(object),
      devices: z.array(object).optional(),
      priorities: z.string().optional(),
      memory: z.string().optional(),
      cloud: z
        .object({
          provider: z.string(),
          gpuLabel: z.string(),
          ignoredLabels: z.array(z.string()),
          groups: z.array(z.looseObject({ group: z.looseObject({ id: z.string() }) })),
          groupOfNode: z.record(z.string(), z.string()),
          gone: z.array(z.string()),
          unknown: z.array(z.string()),
        })
        .optional(),
      problem: z.string().optional(),
      unread: z.array(z.string()).optional(),
    })
    .optional(),
  metrics: z.object({
    usageSource: z.string().optional(),
    usageRequest: sentRequest.optional(),
    unscrapedNodes: z.array(z.object({ name: z.string(), since: z.number(), pods: z.number() })).optional(),
    source: z.discriminatedUnion('healthy', [
      z.object({ healthy: z.literal(true), lastSuccess: z.number() }),
      z.object({
        healthy: z.literal(false),
        reason: z.enum(unknownReasons),
        detail: z.string(),
        since: z.number(),
        lastSuccess: z.number().optional(),
      }),
    ]),
    pods: z.array(
      z.object({
        namespace: z.string(),
        name: z.string(),
        timestamp: z.number(),
        windowMs: z.number(),
        containers: z.array(z.object({ name: z.string(), cpuMilli: amount, memoryMilli: amount })),
        clockSkew: z.boolean().optional(),
      }),
    ),
    nodes: z.array(z.object({ name: z.string(), timestamp: z.number(), windowMs: z.number(), cpuMilli: amount, memoryMilli: amount })),
    doubt: doubt.optional(),
    queries: z.array(z.object({ query, result: queryResult, sent: sentRequest.optional() })).optional(),
  }),
  complete: z.literal(true),
});

/** The file's text; one object a line would be no easier to read, so it is one JSON document with a line end. */
export function formatSnapshot(snapshot: Omit<ClusterSnapshot, 'complete'>): string {
  const text = JSON.stringify({ ...snapshot, complete: true }, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
  return `${text}\n`;
}

/** Reads a snapshot's text. Throws `SNAPSHOT_INVALID` naming the file, the path in it and what is there. */
export function parseSnapshot(text: string, file: string): ClusterSnapshot {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    const why = looksCutShort(text) ? 'it is cut short' : `it is not JSON (${messageOf(error)})`;
    throw invalid(file, `${why} after ${Buffer.byteLength(text)} bytes`, error);
  }
  const kind = field(raw, 'kind');
  if (kind !== 'ConcertinaSnapshot') throw invalid(file, `its kind is ${JSON.stringify(kind) ?? 'missing'}, not "ConcertinaSnapshot"`);
  const version = field(raw, 'version');
  if (version !== 1) throw invalid(file, `it has version ${JSON.stringify(version) ?? 'none'}, this program reads version 1`);
  const result = schema.safeParse(raw);
  if (!result.success) {
    const issue = result.error.issues[0];
    const path = issue === undefined || issue.path.length === 0 ? '(root)' : issue.path.join('.');
    throw invalid(file, `${path}: ${issue?.message ?? 'not what a snapshot holds'}`);
  }
  return result.data as unknown as ClusterSnapshot;
}

/**
 * A pod or node without what no decision needs: managed fields, annotations that steer no autoscaler, and everything that may hold a secret (environment, commands,
 * arguments, probes, volume sources' contents).
 */
export function pruneForSnapshot(raw: KubeObject): KubeObject {
  const { managedFields: _managed, annotations, ...rest } = raw.metadata;
  const steering = Object.entries(annotations ?? {}).filter(([name]) => isSteeringAnnotation(name) || name === mirrorAnnotation);
  const metadata = steering.length === 0 ? rest : { ...rest, annotations: Object.fromEntries(steering) };
  return { ...raw, metadata, ...(raw.spec === undefined ? {} : { spec: prunePodSpec(raw.spec) }) };
}

/** A static pod, which nobody can evict. */
const mirrorAnnotation = 'kubernetes.io/config.mirror';

function prunePodSpec(raw: unknown): unknown {
  if (!isRecord(raw)) return raw;
  const spec = { ...raw };
  for (const list of ['containers', 'initContainers', 'ephemeralContainers']) {
    const containers = spec[list];
    if (Array.isArray(containers)) spec[list] = containers.map(pruneContainer);
  }
  return spec;
}

/** A workload: whose it is, what it selects, and what the pods of its template ask for. */
export function pruneWorkloadForSnapshot(raw: KubeObject): KubeObject {
  const { name, namespace, uid, ownerReferences, creationTimestamp } = raw.metadata;
  const spec = isRecord(raw.spec) ? raw.spec : {};
  const kept = ['replicas', 'parallelism', 'selector', 'strategy', 'updateStrategy', 'schedule', 'suspend'];
  const status = isRecord(raw.status) ? raw.status : {};
  const counts = Object.fromEntries(Object.entries(status).filter(([, value]) => typeof value === 'number'));
  const pruned: Record<string, unknown> = Object.fromEntries(Object.entries(spec).filter(([field]) => kept.includes(field)));
  if (isRecord(spec['template'])) pruned['template'] = pruneTemplate(spec['template']);
  const job = spec['jobTemplate'];
  if (isRecord(job) && isRecord(job['spec']) && isRecord(job['spec']['template'])) {
    pruned['jobTemplate'] = { spec: { template: pruneTemplate(job['spec']['template']) } };
  }
  return {
    ...(raw.apiVersion === undefined ? {} : { apiVersion: raw.apiVersion }),
    ...(raw.kind === undefined ? {} : { kind: raw.kind }),
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
      ...(ownerReferences === undefined ? {} : { ownerReferences }),
    },
    spec: pruned,
    status: counts,
  };
}

function pruneTemplate(template: Record<string, unknown>): unknown {
  const metadata = isRecord(template['metadata']) ? template['metadata'] : {};
  return { metadata: { labels: metadata['labels'] ?? {} }, spec: prunePodSpec(template['spec'] ?? {}) };
}

/** A policy as {@link pruneForSnapshot} leaves it, with the annotations that the suite reads: pauses, take-overs. */
export function prunePolicyForSnapshot(raw: KubeObject): KubeObject {
  const pruned = pruneForSnapshot(raw);
  const own = Object.entries(raw.metadata.annotations ?? {}).filter(([name]) => name.startsWith('concertina.dev/'));
  return own.length === 0 ? pruned : { ...pruned, metadata: { ...pruned.metadata, annotations: Object.fromEntries(own) } };
}

const containerFields = ['name', 'image', 'resources', 'resizePolicy', 'restartPolicy', 'ports'];

function pruneContainer(container: unknown): unknown {
  if (!isRecord(container)) return container;
  return Object.fromEntries(containerFields.flatMap((name) => (name in container ? [[name, container[name]]] : [])));
}

function invalid(file: string, what: string, cause?: unknown): ConcertinaError {
  const message = `snapshot ${file} cannot be used: ${what}; take it again with \`concertina snapshot\``;
  return new ConcertinaError('SNAPSHOT_INVALID', message, { cause, details: { file } });
}

function looksCutShort(text: string): boolean {
  return text.trimStart().startsWith('{') && !text.trimEnd().endsWith('}');
}

function field(value: unknown, name: string): unknown {
  return isRecord(value) ? value[name] : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
