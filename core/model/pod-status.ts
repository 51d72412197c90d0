import { parseTime } from './condition.ts';
import type { Interner } from './interner.ts';
import type { RawContainerState, RawContainerStatus, RawPodStatus } from './raw-pod.ts';
import type { ResourceList } from './resource-list.ts';
import { projectResources } from './resource-list.ts';
import { sameJson, sameList } from './same-json.ts';

/** How a container last ended. */
export interface TerminationRecord {
  /** `OOMKilled`, `Error`, `Completed`, … */
  readonly reason: string;
  readonly exitCode: number;
  /** Epoch milliseconds. */
  readonly startedAt: number | undefined;
  readonly finishedAt: number | undefined;
}

export interface ContainerStatusRecord {
  readonly name: string;
  readonly init: boolean;
  readonly ready: boolean;
  readonly restarts: number;
  readonly running: boolean;
  /** Why it waits (`CrashLoopBackOff`, `ImagePullBackOff`, …); empty when it does not. */
  readonly waiting: string;
  /** The current end if it has ended, else the one before the last restart. */
  readonly termination: TerminationRecord | undefined;
  /** What the kubelet says is in force, in thousandths; `undefined` when it says nothing. */
  readonly requests: ResourceList | undefined;
  readonly limits: ResourceList | undefined;
  readonly allocated: ResourceList | undefined;
}

/** The statuses that the pods of one owner had last, and what they were made of. Filled by {@link projectStatuses}. */
export interface StatusMemo {
  lastStatuses?: {
    readonly init: readonly StatusSource[];
    readonly main: readonly StatusSource[];
    readonly statuses: readonly ContainerStatusRecord[];
  };
}

const none: readonly never[] = Object.freeze([]);

/** Init containers first; shared by pods none of whose containers ever ended. */
export function projectStatuses(status: RawPodStatus, interner: Interner, memo?: StatusMemo): readonly ContainerStatusRecord[] {
  const init = status.initContainerStatuses ?? none;
  const main = status.containerStatuses ?? none;
  if (init.length === 0 && main.length === 0) return none;
  // Pods that never restarted all look the same; a termination carries its own times and stays with its pod.
  if (init.some(hasEnded) || main.some(hasEnded)) return makeStatuses(init, main, interner);
  const last = memo?.lastStatuses;
  if (last !== undefined && sameList(last.init, init, isStatusMadeOf) && sameList(last.main, main, isStatusMadeOf)) return last.statuses;
  const source = { init: init.map(statusSource), main: main.map(statusSource) };
  const statuses = interner.object('statuses', JSON.stringify(source), () => makeStatuses(init, main, interner));
  if (memo !== undefined) memo.lastStatuses = { ...source, statuses };
  return statuses;
}

function makeStatuses(
  init: readonly RawContainerStatus[],
  main: readonly RawContainerStatus[],
  interner: Interner,
): readonly ContainerStatusRecord[] {
  const records = main.map((raw) => projectStatus(raw, false, interner));
  return init.length === 0 ? records : init.map((raw) => projectStatus(raw, true, interner)).concat(records);
}

function hasEnded({ state, lastState }: RawContainerStatus): boolean {
  return state?.terminated !== undefined || lastState?.terminated !== undefined;
}

/** Everything that the record of a container that never ended is made of. */
interface StatusSource {
  readonly name: string;
  readonly ready: boolean;
  readonly restarts: number;
  readonly running: boolean;
  /** The reason; undefined when it does not wait. */
  readonly waiting: string | undefined;
  readonly requests: unknown;
  readonly limits: unknown;
  readonly allocated: unknown;
}

function statusSource({ name, ready, restartCount, state, resources, allocatedResources }: RawContainerStatus): StatusSource {
  return {
    name,
    ready: ready === true,
    restarts: restartCount ?? 0,
    running: state?.running !== undefined,
    waiting: waitingReason(state),
    requests: resources?.requests,
    limits: resources?.limits,
    allocated: allocatedResources,
  };
}

function isStatusMadeOf(
  source: StatusSource,
  { name, ready, restartCount, state, resources, allocatedResources }: RawContainerStatus,
): boolean {
  return (
    source.name === name &&
    source.ready === (ready === true) &&
    source.restarts === (restartCount ?? 0) &&
    source.running === (state?.running !== undefined) &&
    source.waiting === waitingReason(state) &&
    sameJson(source.requests, resources?.requests) &&
    sameJson(source.limits, resources?.limits) &&
    sameJson(source.allocated, allocatedResources)
  );
}

function waitingReason(state: RawContainerState | undefined): string | undefined {
  return state?.waiting === undefined ? undefined : (state.waiting.reason ?? 'Waiting');
}

function projectStatus(raw: RawContainerStatus, init: boolean, interner: Interner): ContainerStatusRecord {
  const { running, terminated } = raw.state ?? {};
  const ended = terminated ?? raw.lastState?.terminated;
  return {
    name: interner.text(raw.name),
    init,
    ready: raw.ready === true,
    restarts: raw.restartCount ?? 0,
    running: running !== undefined,
    waiting: interner.text(waitingReason(raw.state) ?? ''),
    termination: ended === undefined ? undefined : projectTermination(ended, interner),
    requests: reported(raw.resources?.requests, interner),
    limits: reported(raw.resources?.limits, interner),
    allocated: reported(raw.allocatedResources, interner),
  };
}

function projectTermination(ended: NonNullable<RawContainerState['terminated']>, interner: Interner): TerminationRecord {
  return {
    reason: interner.text(ended.reason ?? ''),
    exitCode: ended.exitCode ?? 0,
    startedAt: parseTime(ended.startedAt),
    finishedAt: parseTime(ended.finishedAt),
  };
}

function reported(resources: Readonly<Record<string, unknown>> | null | undefined, interner: Interner): ResourceList | undefined {
  if (resources === undefined || resources === null) return undefined;
  return interner.object('resources', JSON.stringify(resources), () => projectResources(resources));
}
