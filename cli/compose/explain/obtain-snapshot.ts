import { readFile } from 'node:fs/promises';
import { ConcertinaError, messageOf } from '../../../core/errors.ts';
import { createKubeClient, isForbidden, isNotFound, type KubeClient } from '../../../core/kube/index.ts';
import { resourceTypes, type KubeObject, type ResourceType } from '../../../core/model/object.ts';
import { parseSnapshot, type ClusterSnapshot } from '../../../core/model/snapshot.ts';
import { realClock } from '../../../core/runtime/clock.ts';
import { createLogger } from '../../../core/runtime/logging.ts';
import { realRandom } from '../../../core/runtime/random.ts';
import { version } from '../../version.ts';
import { captureCluster } from '../capture.ts';
import { connect } from '../connect.ts';
import { reachServer } from '../reach.ts';
import type { DecisionSettings } from '../settings.ts';

export type Snapshot = Omit<ClusterSnapshot, 'complete'>;

/** What is wrong stands in the result; only what a person must see now goes to standard error. */
const quietLogger = createLogger({ level: 'error', name: 'concertina', clock: realClock });

/** A snapshot out of a file of `concertina snapshot`. */
export async function snapshotOfFile(file: string): Promise<Snapshot> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new ConcertinaError('SNAPSHOT_INVALID', `snapshot ${file} cannot be read: ${messageOf(error)}; check the path in --snapshot`, {
      cause: error,
    });
  }
  return parseSnapshot(text, file);
}

export interface ClusterReading {
  /** Whose words are on the audit log: the command. */
  readonly command: string;
  readonly settings: DecisionSettings;
}

/** What a command does with the cluster of its kubeconfig. */
export interface OpenCluster {
  readonly client: KubeClient;
  readonly take: (part: {
    readonly namespace: string | undefined;
    /** The policies that are decided upon; default all. */
    readonly only?: ((policy: KubeObject) => boolean) | undefined;
  }) => Promise<Snapshot>;
}

/** Opens the cluster that the words name, and closes it afterwards. */
export async function withCluster<T>(
  args: Readonly<Record<string, unknown>>,
  { command, settings }: ClusterReading,
  run: (cluster: OpenCluster) => Promise<T>,
): Promise<T> {
  const connection = await connect(args, realClock);
  await reachServer({ connection, clock: realClock, random: realRandom });
  const client = createKubeClient({ connection, clock: realClock, random: realRandom, userAgent: `concertina/${version} (${command})` });
  try {
    return await run({
      client,
      take: (part) => captureCluster({ client, clock: realClock, random: realRandom, settings, logger: quietLogger, ...part }),
    });
  } finally {
    await client.close();
  }
}

/** All policies and native autoscalers of a namespace, or of the cluster, with their kinds. */
export async function listPolicies(client: KubeClient, namespace: string | undefined): Promise<KubeObject[]> {
  const horizontal = [resourceTypes.horizontalPolicies, resourceTypes.horizontalPodAutoscalers];
  const vertical = [resourceTypes.verticalPolicies, resourceTypes.verticalPodAutoscalers];
  const lists = await Promise.all([
    ...horizontal.map((type) => listOrNone(client, type, namespace)),
    // Who may not read these has the others explained; that they were not read is said of the snapshot.
    ...vertical.map((type) => listOrNone(client, type, namespace).catch(nothingWhereForbidden)),
  ]);
  return lists.flat();
}

function nothingWhereForbidden(error: unknown): KubeObject[] {
  if (isForbidden(error)) return [];
  throw error;
}

/** All policies of a snapshot, of replicas and of requests. */
export function policiesOf({ horizontalPolicies, horizontalPodAutoscalers, vertical }: Snapshot): readonly KubeObject[] {
  return [
    ...horizontalPolicies,
    ...horizontalPodAutoscalers,
    ...(vertical?.verticalPolicies ?? []),
    ...(vertical?.verticalPodAutoscalers ?? []),
  ];
}

/** What could not be read, so that less is told than there may be; one sentence each. */
export function unreadNotes({ vertical, nodePools }: Snapshot): string[] {
  const { unread = [] } = vertical ?? {};
  return [
    ...(unread.length === 0 ? [] : [`not allowed to list ${unread.join(', ')}: what they say of requests is not known`]),
    ...nodePoolNotes({ nodePools }),
  ];
}

/** What of the node groups could not be read; one sentence each. */
export function nodePoolNotes({ nodePools }: Pick<Snapshot, 'nodePools'>): string[] {
  const { problem, unread = [] } = nodePools ?? {};
  return [
    ...(problem === undefined ? [] : [problem]),
    ...(unread.length === 0 ? [] : [`not allowed to list ${unread.join(', ')}: decisions on node groups may be others`]),
  ];
}

async function listOrNone(client: KubeClient, type: ResourceType, namespace: string | undefined): Promise<KubeObject[]> {
  try {
    const { items } = await client.list(type, { namespace });
    return items.map((item) => ({ ...item, kind: type.kind }));
  } catch (error) {
    // Without the CRD there are no policies.
    if (isNotFound(error)) return [];
    throw error;
  }
}
