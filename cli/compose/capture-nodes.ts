import { Registry } from 'prom-client';
import { defaultStatusConfigMap, memoryOf, prioritiesOf, priorityConfigMap, type GroupReading } from '../../cluster-autoscaler/index.ts';
import { messageOf } from '../../core/errors.ts';
import { dryRunFence, isForbidden, isNotFound, type KubeClient } from '../../core/kube/index.ts';
import type { Clock, Random } from '../../core/model/clock.ts';
import { createInterner } from '../../core/model/interner.ts';
import { projectNode } from '../../core/model/node.ts';
import { apiVersionOf, resourceTypes, type KubeObject, type ResourceType } from '../../core/model/object.ts';
import {
  pruneForSnapshot,
  prunePolicyForSnapshot,
  pruneWorkloadForSnapshot,
  type SnapshotCloud,
  type SnapshotNodePools,
  type SnapshotScale,
} from '../../core/model/snapshot.ts';
import type { Logger } from '../../core/runtime/logging.ts';
import { scalesNodes } from './nodes-settings.ts';
import { providerOf, type ProviderFactory } from './nodes.ts';
import type { DecisionSettings } from './settings.ts';

export interface CaptureNodesOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly settings: DecisionSettings;
  readonly logger: Logger;
  /** Where the program runs, with its ConfigMaps. */
  readonly namespace: string;
  readonly pods: readonly KubeObject[];
  readonly nodes: readonly KubeObject[];
  /** Default: the cloud of the settings. */
  readonly provider?: ProviderFactory | undefined;
}

/** Everything that the node controller reads besides pods and nodes; `undefined` where there are neither policies nor node groups. Writes nothing. */
export async function captureNodePools(options: CaptureNodesOptions): Promise<SnapshotNodePools | undefined> {
  const { client, settings } = options;
  const unread: string[] = [];
  const list = async (type: ResourceType, prune: (raw: KubeObject) => KubeObject): Promise<KubeObject[]> => {
    try {
      const { items } = await client.list(type);
      return items.map((item) => prune({ ...item, apiVersion: apiVersionOf(type), kind: type.kind }));
    } catch (error) {
      if (isNotFound(error)) return [];
      if (!isForbidden(error)) throw error;
      unread.push(type.plural);
      return [];
    }
  };
  const nodePoolPolicies = await list(resourceTypes.nodePoolPolicies, prunePolicyForSnapshot);
  const scales = options.provider !== undefined || scalesNodes(settings);
  if (!scales && nodePoolPolicies.length === 0) return undefined;
  const owners = new Set(options.pods.flatMap(({ metadata }) => (metadata.ownerReferences ?? []).map(({ uid }) => uid)));
  const owning = async (type: ResourceType): Promise<KubeObject[]> =>
    (await list(type, pruneWorkloadForSnapshot)).filter(({ metadata }) => owners.has(metadata.uid ?? ''));
  const [namespaces, daemonSets, controllers, podDisruptionBudgets, volumes, devices, priorities, memory, cloud] = await Promise.all([
    list(resourceTypes.namespaces, labelsOnly),
    list(resourceTypes.daemonSets, pruneWorkloadForSnapshot),
    Promise.all(
      [resourceTypes.replicationControllers, resourceTypes.replicaSets, resourceTypes.jobs, resourceTypes.statefulSets].map(owning),
    ),
    list(resourceTypes.podDisruptionBudgets, prunePolicyForSnapshot),
    Promise.all(
      [resourceTypes.persistentVolumeClaims, resourceTypes.persistentVolumes, resourceTypes.storageClasses, resourceTypes.csiNodes].map(
        (type) => list(type, pruneVolume),
      ),
    ),
    Promise.all(deviceTypes.map((type) => list(type, pruneDevices))),
    configMap(options, priorityConfigMap).then(prioritiesOf),
    configMap(options, settings.statusConfigMapName ?? defaultStatusConfigMap).then(memoryOf),
    scales ? readCloud(options) : Promise.resolve({ problem: noCloud }),
  ]);
  return {
    nodePoolPolicies,
    namespaces,
    daemonSets,
    controllers: controllers.flat(),
    podDisruptionBudgets,
    volumes: volumes.flat(),
    devices: devices.flat(),
    ...(priorities === undefined ? {} : { priorities }),
    ...(memory === undefined ? {} : { memory }),
    ...cloud,
    ...(unread.length === 0 ? {} : { unread: unread.toSorted() }),
  };
}

/** What dynamic resource allocation is known by. */
export const deviceTypes = [
  resourceTypes.resourceClaims,
  resourceTypes.resourceClaimTemplates,
  resourceTypes.deviceClasses,
  resourceTypes.resourceSlices,
] as const satisfies readonly ResourceType[];

/** At most so many at once: a cluster may have thousands of workloads at rest. */
const targetsAtOnce = 16;

/**
 * What horizontal policies scale and what has no replicas now: its template says what the pods to come ask for. What may not be read, or is gone, is left out: it is
 * unknown then.
 */
export async function targetsAtRest(client: Pick<KubeClient, 'get'>, scales: readonly SnapshotScale[]): Promise<KubeObject[]> {
  const queue = scales.filter((scale) => scale.ok && scale.specReplicas === 0);
  const found: KubeObject[] = [];
  const worker = async (): Promise<void> => {
    for (let scale = queue.pop(); scale !== undefined; scale = queue.pop()) {
      if (!scale.ok) continue;
      const { apiVersion, kind, name, namespace, type } = scale;
      const raw = await client.get<KubeObject>(type, { name, ...(type.namespaced ? { namespace } : {}) }).catch(() => undefined);
      if (raw !== undefined) found.push(pruneWorkloadForSnapshot({ ...raw, apiVersion, kind }));
    }
  };
  await Promise.all(Array.from({ length: targetsAtOnce }, worker));
  const key = ({ kind = '', metadata }: KubeObject): string => `${metadata.namespace ?? ''}/${metadata.name}/${kind}`;
  return found.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
}

const noCloud =
  'which node groups there are was not asked: give --cloud-provider and --nodes or --node-group-auto-discovery, as run has them';

function labelsOnly({ apiVersion, kind, metadata: { name, labels } }: KubeObject): KubeObject {
  return {
    ...(apiVersion === undefined ? {} : { apiVersion }),
    ...(kind === undefined ? {} : { kind }),
    metadata: { name, ...(labels === undefined ? {} : { labels }) },
  };
}

const volumeAnnotations = ['storageclass.kubernetes.io/is-default-class', 'volume.beta.kubernetes.io/storage-class'];

/** Parameters of a class may be credentials. */
function pruneVolume(raw: KubeObject): KubeObject {
  const { parameters: _parameters, ...rest } = pruneForSnapshot(raw);
  const kept = Object.entries(raw.metadata.annotations ?? {}).filter(([name]) => volumeAnnotations.includes(name));
  return kept.length === 0
    ? (rest as KubeObject)
    : { ...(rest as KubeObject), metadata: { ...raw.metadata, managedFields: [], annotations: Object.fromEntries(kept) } };
}

/** Configuration for drivers, and what they say of devices in use, is opaque and may hold anything. */
function pruneDevices(raw: KubeObject): KubeObject {
  const { managedFields: _managed, annotations: _annotations, ...metadata } = raw.metadata;
  const { devices: _devices, ...status } = (raw.status ?? {}) as Readonly<Record<string, unknown>>;
  const kept = { ...raw, ...(raw.status === undefined ? {} : { status }), metadata };
  // An attribute of that name is no list.
  return JSON.parse(
    JSON.stringify(kept, (key, value: unknown) => (key === 'config' && Array.isArray(value) ? undefined : value)),
  ) as KubeObject;
}

/** One that is not there, or may not be read, says nothing. */
async function configMap({ client, namespace }: CaptureNodesOptions, name: string): Promise<KubeObject | undefined> {
  try {
    return await client.get(resourceTypes.configMaps, { namespace, name });
  } catch (error) {
    if (isNotFound(error) || isForbidden(error)) return undefined;
    throw error;
  }
}

async function readCloud(options: CaptureNodesOptions): Promise<Pick<SnapshotNodePools, 'cloud' | 'problem'>> {
  const { client, clock, random, settings, logger } = options;
  const makeProvider = options.provider ?? ((parts) => providerOf(settings, parts));
  let provider: ReturnType<ProviderFactory> | undefined;
  try {
    provider = makeProvider({ client, clock, random, logger, registry: new Registry(), fence: dryRunFence('this command only looks') });
    await provider.refresh();
    const groups: GroupReading[] = [];
    for (const group of provider.groups()) {
      groups.push({ group, instances: await provider.instances(group.id), template: await provider.template(group.id) });
    }
    return {
      cloud: {
        ...nodesOf(provider, options.nodes),
        provider: provider.name,
        gpuLabel: provider.gpuLabel,
        ignoredLabels: provider.ignoredLabels,
        groups: groups.map((each) => ({ ...each })),
      },
    };
  } catch (error) {
    return { problem: `the cloud cannot be read: ${messageOf(error)}` };
  } finally {
    await provider?.close();
  }
}

function nodesOf(
  provider: ReturnType<ProviderFactory>,
  nodes: readonly KubeObject[],
): Pick<SnapshotCloud, 'groupOfNode' | 'gone' | 'unknown'> {
  const interner = createInterner();
  const groupOfNode: Record<string, string> = {};
  const gone: string[] = [];
  const unknown: string[] = [];
  for (const raw of nodes) {
    const node = projectNode(raw, interner);
    const group = provider.groupOf(node);
    if (group === undefined) continue;
    groupOfNode[node.name] = group;
    const there = provider.hasInstance(node);
    if (there === undefined) unknown.push(node.name);
    else if (!there) gone.push(node.name);
  }
  return { groupOfNode, gone, unknown };
}
