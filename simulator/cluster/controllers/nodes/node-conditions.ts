import { formatTime } from '../../../../core/model/condition.ts';
import { conditionOf, type KubeNode, type StatusCondition, type Taint } from '../kinds.ts';

const monitored = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

/** Conditions of a node whose kubelet has gone silent: all that it used to report are Unknown. */
export function silentConditions(node: KubeNode, now: number): StatusCondition[] {
  const present = node.status?.conditions ?? [];
  const time = formatTime(now);
  const silent = monitored.map((type): StatusCondition => {
    const before = conditionOf(present, type);
    if (before === undefined) {
      const message = 'Kubelet never posted node status.';
      return { type, status: 'Unknown', reason: 'NodeStatusNeverUpdated', message, lastHeartbeatTime: time, lastTransitionTime: time };
    }
    if (before.status === 'Unknown') return before;
    const message = 'Kubelet stopped posting node status.';
    return { ...before, status: 'Unknown', reason: 'NodeStatusUnknown', message, lastTransitionTime: time };
  });
  return [...present.filter(({ type }) => !monitored.includes(type)), ...silent];
}

const pressures: readonly (readonly [condition: string, key: string])[] = [
  ['MemoryPressure', 'node.kubernetes.io/memory-pressure'],
  ['DiskPressure', 'node.kubernetes.io/disk-pressure'],
  ['PIDPressure', 'node.kubernetes.io/pid-pressure'],
  ['NetworkUnavailable', 'node.kubernetes.io/network-unavailable'],
];

export const notReady = 'node.kubernetes.io/not-ready';
export const unreachable = 'node.kubernetes.io/unreachable';
const cordoned = 'node.kubernetes.io/unschedulable';

/** Taints that follow from a node's conditions, and so come and go with them. */
const managed: ReadonlySet<string> = new Set([
  ...pressures.map(([, key]) => `${key}:NoSchedule`),
  ...[notReady, unreachable, cordoned].map((key) => `${key}:NoSchedule`),
]);
const managedNoExecute: ReadonlySet<string> = new Set([`${notReady}:NoExecute`, `${unreachable}:NoExecute`]);

/** What the Ready condition says of the node; a node without one is not ready. */
export function readinessOf(node: KubeNode): 'ready' | 'not-ready' | 'unreachable' {
  const status = conditionOf(node.status?.conditions, 'Ready')?.status;
  if (status === 'True') return 'ready';
  return status === 'Unknown' ? 'unreachable' : 'not-ready';
}

/**
 * The taints that the node should have. NoExecute ones, which evict, are put on only when `mayEvict`; they are taken off in any case when
 * the node is ready again. The node's own taints stay.
 */
export function taintsFor(node: KubeNode, options: { readonly mayEvict: boolean; readonly now: number }): Taint[] {
  const present = node.spec?.taints ?? [];
  const wanted: Taint[] = pressures
    .filter(([type]) => conditionOf(node.status?.conditions, type)?.status === 'True')
    .map(([, key]) => ({ key, effect: 'NoSchedule' }));
  const readiness = readinessOf(node);
  const key = readiness === 'not-ready' ? notReady : unreachable;
  if (readiness !== 'ready') {
    wanted.push({ key, effect: 'NoSchedule' });
    const evicting = present.some((taint) => taint.key === key && taint.effect === 'NoExecute');
    if (options.mayEvict || evicting) wanted.push({ key, effect: 'NoExecute' });
  }
  if (node.spec?.unschedulable === true) wanted.push({ key: cordoned, effect: 'NoSchedule' });
  const isManaged = (taint: Taint): boolean =>
    managed.has(`${taint.key}:${taint.effect}`) || managedNoExecute.has(`${taint.key}:${taint.effect}`);
  const same = (a: Taint, b: Taint): boolean => a.key === b.key && a.effect === b.effect;
  const kept = present.filter((taint) => !isManaged(taint) || wanted.some((other) => same(other, taint)));
  const added = wanted.filter((taint) => !present.some((other) => same(other, taint)));
  return [...kept, ...added.map((taint) => ({ ...taint, timeAdded: formatTime(options.now) }))];
}
