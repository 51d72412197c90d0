import { isNotFound, type KubeClient } from '../../core/kube/index.ts';
import { formatTime, resourceTypes, type KubeObject } from '../../core/model/index.ts';
import type { GroupReport, LoopReport, NodeCounts } from '../engine/loop/model.ts';
import { sortedYaml as yaml } from './sorted-yaml.ts';

/** Since when each condition of the status is what it is: `clusterWide/health`, `group/NAME/scaleUp`. */
export type Transitions = ReadonlyMap<string, { readonly status: string; readonly since: number }>;

/** As much as etcd is sure to take in one object; upstream gives it all to the status. */
export const mostBytes = 1_000_000;

export const lastUpdatedAnnotation = 'cluster-autoscaler.kubernetes.io/last-updated';

/** Time as Go's layout `2006-01-02 15:04:05.999999999 -0700 MST` prints it. */
export function goTime(at: number): string {
  const [date = '', clock = ''] = new Date(at).toISOString().replace('Z', '').split('T');
  return `${date} ${clock.replace(/\.?0+$/, '')} +0000 UTC`;
}

/** The conditions that a report says, by name. */
function conditionsIn(report: LoopReport): Map<string, string> {
  const conditions = new Map<string, string>([
    ['clusterWide/health', report.clusterHealthy ? 'Healthy' : 'Unhealthy'],
    ['clusterWide/scaleUp', report.groups.some(({ scaleUp }) => scaleUp === 'in-progress') ? 'InProgress' : 'NoActivity'],
    ['clusterWide/scaleDown', candidates(report.groups) > 0 ? 'CandidatesPresent' : 'NoCandidates'],
  ]);
  for (const { group, health, scaleUp, candidates: names } of report.groups) {
    conditions.set(`group/${group}/health`, health === 'healthy' ? 'Healthy' : 'Unhealthy');
    conditions.set(`group/${group}/scaleUp`, scaleUpNames[scaleUp]);
    conditions.set(`group/${group}/scaleDown`, names.length > 0 ? 'CandidatesPresent' : 'NoCandidates');
  }
  return conditions;
}

const scaleUpNames = { 'in-progress': 'InProgress', backoff: 'Backoff', 'no-activity': 'NoActivity' } as const;

function candidates(groups: readonly GroupReport[]): number {
  return groups.reduce((sum, { candidates: names }) => sum + names.length, 0);
}

/** The conditions of a report with the times at which they came to be; groups that are no more are forgotten. */
export function transitionsAfter(before: Transitions, report: LoopReport): Transitions {
  return new Map(
    [...conditionsIn(report)].map(([name, status]) => {
      const known = before.get(name);
      return [name, known?.status === status ? known : { status, since: report.at }] as const;
    }),
  );
}

/** The status as upstream writes it (§20): the same fields, times and order, so that whatever reads it goes on to. `room`: most bytes. */
export function statusYaml(report: LoopReport, transitions: Transitions, room = mostBytes): string {
  const condition = (name: string): object => {
    const { status = '', since } = transitions.get(name) ?? {};
    return { status, lastProbeTime: formatTime(report.at), lastTransitionTime: since === undefined ? null : formatTime(since) };
  };
  const groups = report.groups.map((group) => groupStatus(group, condition));
  const whole = (part: readonly object[]): string =>
    yaml({
      time: goTime(report.at),
      autoscalerStatus: 'Running',
      clusterWide: {
        health: { ...condition('clusterWide/health'), nodeCounts: countsJson(report.counts) },
        scaleUp: condition('clusterWide/scaleUp'),
        scaleDown: { ...condition('clusterWide/scaleDown'), ...candidatesJson(candidates(report.groups)) },
      },
      ...(part.length === 0 ? {} : { nodeGroups: part }),
    });
  const text = whole(groups);
  return Buffer.byteLength(text) <= room ? text : shortened(report, groups, whole, room);
}

/** What is written before the first loop has ended. */
export function initializingYaml(at: number): string {
  return yaml({ time: goTime(at), autoscalerStatus: 'Initializing', clusterWide: {} });
}

function groupStatus(report: GroupReport, condition: (name: string) => object): object {
  const { group, counts, targetSize, minSize, maxSize, backoff } = report;
  return {
    name: group,
    health: { ...condition(`group/${group}/health`), nodeCounts: countsJson(counts), cloudProviderTarget: targetSize, minSize, maxSize },
    scaleUp: {
      ...condition(`group/${group}/scaleUp`),
      backoffInfo: backoff === undefined ? {} : { errorCode: backoff.failure.code, errorMessage: backoff.failure.message },
    },
    scaleDown: { ...condition(`group/${group}/scaleDown`), ...candidatesJson(report.candidates.length) },
  };
}

function countsJson({ registered, ready, notStarted, beingDeleted, unready, resourceUnready, ...rest }: NodeCounts): object {
  return {
    registered: {
      total: registered,
      ready,
      notStarted,
      ...(beingDeleted === 0 ? {} : { beingDeleted }),
      unready: { total: unready, resourceUnready },
    },
    longUnregistered: rest.longUnregistered,
    unregistered: rest.unregistered,
  };
}

function candidatesJson(count: number): object {
  return count === 0 ? {} : { candidates: count };
}

/** As many groups as there is room for: unhealthy ones first, then those in backoff, growing, with candidates. */
function shortened(report: LoopReport, statuses: readonly object[], whole: (part: readonly object[]) => string, room: number): string {
  const rank = ({ health, scaleUp, candidates: names }: GroupReport): number => {
    if (health === 'unhealthy') return 0;
    if (scaleUp !== 'no-activity') return scaleUp === 'backoff' ? 1 : 2;
    return names.length > 0 ? 3 : 4;
  };
  const order = report.groups
    .map((group, index) => ({ rank: rank(group), index }))
    .toSorted((a, b) => a.rank - b.rank || a.index - b.index)
    .map(({ index }) => statuses[index] ?? {});
  let [fits, tooMany] = [0, order.length];
  while (tooMany - fits > 1) {
    const middle = Math.floor((fits + tooMany) / 2);
    if (Buffer.byteLength(whole(order.slice(0, middle))) <= room) fits = middle;
    else tooMany = middle;
  }
  return whole(order.slice(0, fits));
}

/** The ConfigMap in which status and memory of the controller stand. */
export interface StatusConfigMap {
  /** What was remembered by an earlier process; `undefined`: nothing, or the ConfigMap cannot be read. */
  readMemory(signal?: AbortSignal): Promise<string | undefined>;
  write(
    content: { readonly status: string; readonly memory?: string | undefined; readonly at: number },
    signal?: AbortSignal,
  ): Promise<void>;
  /** For events. */
  reference(): {
    readonly apiVersion: string;
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
    readonly uid?: string;
  };
}

/** Key of the ConfigMap under which what outlives a restart is kept. */
const memoryKey = 'concertina.memory';

export function createStatusConfigMap({
  client,
  namespace,
  name,
}: {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly name: string;
}): StatusConfigMap {
  const type = resourceTypes.configMaps;
  let uid: string | undefined;
  const note = (object: KubeObject): void => {
    uid = object.metadata.uid;
  };
  return {
    reference: () => ({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name, ...(uid === undefined ? {} : { uid }) }),
    readMemory: async (signal) => {
      try {
        const object = await client.get(type, { namespace, name }, { signal });
        note(object);
        return memoryOf(object);
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },
    write: async ({ status, memory, at }, signal) => {
      const metadata = { annotations: { [lastUpdatedAnnotation]: goTime(at) } };
      const data = { status, ...(memory === undefined ? {} : { [memoryKey]: memory }) };
      try {
        note(await client.patch(type, { namespace, name }, { type: 'merge', body: { metadata, data } }, { signal }));
      } catch (error) {
        if (!isNotFound(error)) throw error;
        note(await client.create(type, { metadata: { ...metadata, name, namespace }, data }, { signal }));
      }
    },
  };
}

/** What is remembered in the status ConfigMap. */
export function memoryOf(map: KubeObject | undefined): string | undefined {
  return (map?.['data'] as Readonly<Record<string, string>> | undefined)?.[memoryKey];
}
