import type { KubeObject } from '../../../../core/model/object.ts';
import { objectOf, objectsOf, textOf } from '../json.ts';
import type { Json } from '../json.ts';
import { timeSince } from './age.ts';

export interface PodSummary {
  /** `1/2` */
  readonly ready: string;
  /** The STATUS column: phase, reason or what the worst container says. */
  readonly status: string;
  /** `3` or `3 (5m ago)` */
  readonly restarts: string;
}

interface Progress {
  status: string;
  ready: number;
  total: number;
  restarts: number;
  sidecarRestarts: number;
  lastRestart: number | undefined;
  lastSidecarRestart: number | undefined;
}

/** READY, STATUS and RESTARTS as kubectl shows them. */
export function podSummary(pod: KubeObject, now: number): PodSummary {
  const spec = objectOf(pod.spec);
  const status = objectOf(pod.status);
  const progress: Progress = {
    status: textOf(status['reason']) || textOf(status['phase']),
    ready: 0,
    total: objectsOf(spec['containers']).length,
    restarts: 0,
    sidecarRestarts: 0,
    lastRestart: undefined,
    lastSidecarRestart: undefined,
  };
  const scheduled = objectsOf(status['conditions']).find((condition) => condition['type'] === 'PodScheduled');
  if (scheduled?.['reason'] === 'SchedulingGated') progress.status = 'SchedulingGated';
  const initializing = walkInitContainers(spec, status, progress);
  if (!initializing || isInitialized(status)) walkContainers(status, progress);
  if (pod.metadata.deletionTimestamp !== undefined) progress.status = deletedStatus(status);
  const restarts = String(progress.restarts);
  const since = progress.lastRestart;
  return {
    ready: `${progress.ready}/${progress.total}`,
    status: progress.status,
    restarts:
      progress.restarts > 0 && since !== undefined ? `${restarts} (${timeSince(new Date(since).toISOString(), now)} ago)` : restarts,
  };
}

/** A finished pod keeps its end; one on a lost node is not known any more. */
function deletedStatus(status: Json): string {
  if (status['reason'] === 'NodeLost') return 'Unknown';
  const phase = textOf(status['phase']);
  return phase === 'Succeeded' || phase === 'Failed' ? textOf(status['reason']) || phase : 'Terminating';
}

function isInitialized(status: Json): boolean {
  return objectsOf(status['conditions']).some((condition) => condition['type'] === 'Initialized' && condition['status'] === 'True');
}

/** Answers whether initialization is still going on. */
function walkInitContainers(spec: Json, status: Json, progress: Progress): boolean {
  const containers = objectsOf(spec['initContainers']);
  const sidecars = new Set(containers.filter((container) => container['restartPolicy'] === 'Always').map((container) => container['name']));
  progress.total += sidecars.size;
  for (const [index, container] of objectsOf(status['initContainerStatuses']).entries()) {
    const sidecar = sidecars.has(container['name']);
    noteRestarts(container, progress, sidecar);
    const step = initStep(container, sidecar, `Init:${index}/${containers.length}`);
    if (step === 'done') continue;
    if (step === 'started') {
      if (container['ready'] === true) progress.ready += 1;
      continue;
    }
    progress.status = step.status;
    return true;
  }
  return false;
}

function initStep(container: Json, sidecar: boolean, position: string): 'done' | 'started' | { readonly status: string } {
  const state = objectOf(container['state']);
  const terminated = state['terminated'] === undefined ? undefined : objectOf(state['terminated']);
  if (terminated !== undefined) return terminated['exitCode'] === 0 ? 'done' : { status: `Init:${terminatedText(terminated)}` };
  if (sidecar && container['started'] === true) return 'started';
  const waiting = textOf(objectOf(state['waiting'])['reason']);
  return { status: waiting !== '' && waiting !== 'PodInitializing' ? `Init:${waiting}` : position };
}

function walkContainers(status: Json, progress: Progress): void {
  progress.restarts = progress.sidecarRestarts;
  progress.lastRestart = progress.lastSidecarRestart;
  let running = false;
  for (const container of objectsOf(status['containerStatuses']).toReversed()) {
    noteRestarts(container, progress, false);
    const state = objectOf(container['state']);
    const waiting = textOf(objectOf(state['waiting'])['reason']);
    const terminated = state['terminated'] === undefined ? undefined : objectOf(state['terminated']);
    if (waiting !== '') progress.status = waiting;
    else if (terminated !== undefined) progress.status = terminatedText(terminated);
    else if (container['ready'] === true && state['running'] !== undefined) {
      running = true;
      progress.ready += 1;
    }
  }
  if (progress.status === 'Completed' && running) progress.status = isReady(status) ? 'Running' : 'NotReady';
}

function isReady(status: Json): boolean {
  return objectsOf(status['conditions']).some((condition) => condition['type'] === 'Ready' && condition['status'] === 'True');
}

function terminatedText(terminated: Json): string {
  const reason = textOf(terminated['reason']);
  if (reason !== '') return reason;
  const signal = Number(terminated['signal'] ?? 0);
  return signal === 0 ? `ExitCode:${Number(terminated['exitCode'] ?? 0)}` : `Signal:${signal}`;
}

function noteRestarts(container: Json, progress: Progress, sidecar: boolean): void {
  const count = Number(container['restartCount'] ?? 0);
  const finished = Date.parse(textOf(objectOf(objectOf(container['lastState'])['terminated'])['finishedAt']));
  const at = Number.isNaN(finished) ? undefined : finished;
  progress.restarts += count;
  progress.lastRestart = later(progress.lastRestart, at);
  if (!sidecar) return;
  progress.sidecarRestarts += count;
  progress.lastSidecarRestart = later(progress.lastSidecarRestart, at);
}

function later(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || (b !== undefined && b > a) ? b : a;
}
