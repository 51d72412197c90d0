import { formatTime } from '../../../../core/model/condition.ts';
import { resourceTypes } from '../../../../core/model/object.ts';
import type { Timer } from '../../../../core/model/clock.ts';
import { conditionOf, isTerminal, type KubeNode, type Pod, type StatusCondition, uidOf } from '../kinds.ts';
import { sameJson } from '../runtime/canonical.ts';
import { type ControllerContext, recorderFor, type RunningController } from '../runtime/controller.ts';
import { createKeyedQueue } from '../runtime/keyed-queue.ts';
import { readinessOf, silentConditions, taintsFor } from './node-conditions.ts';
import { createZoneBudget } from './zone-budget.ts';

export interface NodeLifecycleOptions {
  /** How often nodes are looked at; default 5 000 ms (`--node-monitor-period`). */
  readonly monitorPeriodMs?: number | undefined;
  /** Silence after which a node is unreachable; default 50 000 ms (`--node-monitor-grace-period`). */
  readonly gracePeriodMs?: number | undefined;
  /** The same for a node that never reported; default 60 000 ms (`--node-startup-grace-period`). */
  readonly startupGracePeriodMs?: number | undefined;
  /** Nodes per second and zone that begin to evict; default 0.1 (`--node-eviction-rate`). */
  readonly evictionRate?: number | undefined;
  /** Share of unready nodes above which a zone is disrupted and slows down; default 0.55 (`--unhealthy-zone-threshold`). */
  readonly unhealthyZoneThreshold?: number | undefined;
}

const leaseNamespace = 'kube-node-lease';

/** Notices silent kubelets, and keeps the taints and pod conditions that follow from a node's readiness. */
export function startNodeLifecycleController(context: ControllerContext, options: NodeLifecycleOptions = {}): RunningController {
  const { registry, clock } = context;
  const { monitorPeriodMs = 5000, gracePeriodMs = 50_000, startupGracePeriodMs = 60_000 } = options;
  const events = recorderFor(context, 'node-controller');
  /** When a sign of life of each node was last seen, by this process's clock: the nodes' own clocks may be wrong. */
  const seen = new Map<string, { at: number; renewed: string | undefined; reported: boolean }>();
  const zones = createZoneBudget(registry, clock, { rate: options.evictionRate ?? 0.1, threshold: options.unhealthyZoneThreshold ?? 0.55 });
  let timer: Timer | undefined;

  const reconcile = async (name: string): Promise<number | undefined> => {
    const node = registry.get(resourceTypes.nodes, undefined, name) as KubeNode | undefined;
    if (node === undefined) return undefined;
    const ready = readinessOf(node) === 'ready';
    const wait = ready ? 0 : zones.waitFor(node);
    if (ready) zones.recovered(name);
    await registry.mutate(resourceTypes.nodes, undefined, name, (object) => {
      const taints = taintsFor(object as KubeNode, { mayEvict: wait === 0 && !ready, now: clock.now() });
      const { taints: present = [], ...spec } = (object as KubeNode).spec ?? {};
      if (sameJson(taints, present)) return object;
      return { ...object, spec: taints.length === 0 ? spec : { ...spec, taints } };
    });
    if (!ready) await markPods(node);
    return wait > 0 ? Math.min(wait, 600_000) : undefined;
  };

  /** Pods of a node that is not ready are not ready either: endpoints and budgets must not count them. */
  const markPods = async (node: KubeNode): Promise<void> => {
    for (const pod of Array.from(context.pods.onNode(node.metadata.name))) {
      if (isTerminal(pod) || conditionOf(pod.status?.conditions, 'Ready')?.status !== 'True') continue;
      await registry.mutate(
        resourceTypes.pods,
        pod.metadata.namespace,
        pod.metadata.name,
        (object) => unready(object as Pod, uidOf(pod), clock.now()),
        {
          subresource: 'status',
        },
      );
      events.record(pod, 'Warning', 'NodeNotReady', 'Node is not ready');
    }
  };

  const queue = createKeyedQueue({ clock, reconcile, onError: (key, error) => context.onError('node-lifecycle', key, error) });

  const monitor = (): void => {
    timer = clock.setTimeout(monitor, monitorPeriodMs);
    const now = clock.monotonic();
    for (const [name, sign] of seen) {
      const silence = now - sign.at;
      if (silence > (sign.reported ? gracePeriodMs : startupGracePeriodMs)) silencing.add(name);
    }
  };
  const silence = async (name: string): Promise<undefined> => {
    const stored = registry.get(resourceTypes.nodes, undefined, name) as KubeNode | undefined;
    if (stored === undefined || readinessOf(stored) === 'unreachable') return undefined;
    await registry.mutate(
      resourceTypes.nodes,
      undefined,
      name,
      (object) => ({
        ...object,
        status: { ...(object as KubeNode).status, conditions: silentConditions(object as KubeNode, clock.now()) },
      }),
      { subresource: 'status' },
    );
    return undefined;
  };
  const silencing = createKeyedQueue({ clock, reconcile: silence, onError: (key, error) => context.onError('node-lifecycle', key, error) });

  const noteNode = (node: KubeNode, previous: KubeNode | undefined): void => {
    const { name } = node.metadata;
    const ready = conditionOf(node.status?.conditions, 'Ready');
    const before = conditionOf(previous?.status?.conditions, 'Ready');
    const sign = seen.get(name) ?? { at: clock.monotonic(), renewed: undefined, reported: false };
    const heartbeat = isHeartbeat(ready, before);
    if (heartbeat) sign.at = clock.monotonic();
    sign.reported ||= ready !== undefined;
    seen.set(name, sign);
    if (previous !== undefined && before?.status === 'True' && ready?.status !== 'True') {
      events.record(node, 'Normal', 'NodeNotReady', `Node ${name} status is now: NodeNotReady`);
    }
  };
  const ends = [
    registry.watch(resourceTypes.nodes, (event) => {
      const node = event.object as KubeNode;
      const { name } = node.metadata;
      if (event.type === 'DELETED') {
        seen.delete(name);
        zones.recovered(name);
        if (seen.size === 0) stopTimer();
        return;
      }
      const previous = event.previous as KubeNode | undefined;
      noteNode(node, previous);
      timer ??= clock.setTimeout(monitor, monitorPeriodMs);
      if (previous === undefined || !sameJson(conditionStates(node), conditionStates(previous)) || !sameJson(node.spec, previous.spec))
        queue.add(name);
    }),
    registry.watch(resourceTypes.leases, (event) => {
      const { namespace, name } = event.object.metadata;
      const sign = namespace === leaseNamespace && event.type !== 'DELETED' ? seen.get(name) : undefined;
      const renewed = (event.object.spec as { renewTime?: string } | undefined)?.renewTime;
      if (sign === undefined || renewed === sign.renewed) return;
      sign.renewed = renewed;
      sign.at = clock.monotonic();
    }),
  ];
  context.pods.subscribe((change, pod) => {
    // A pod that turns ready on a node that is not (a late status write) is marked again.
    const node = pod.spec.nodeName;
    if (change === 'DELETED' || node === undefined || conditionOf(pod.status?.conditions, 'Ready')?.status !== 'True') return;
    const stored = registry.get(resourceTypes.nodes, undefined, node) as KubeNode | undefined;
    if (stored !== undefined && readinessOf(stored) === 'unreachable') queue.add(node);
  });
  const stopTimer = (): void => {
    timer?.cancel();
    timer = undefined;
  };
  return {
    stop: () => {
      for (const end of ends) end();
      stopTimer();
      queue.stop();
      silencing.stop();
    },
    idle: () => queue.idle() && silencing.idle() && events.idle(),
  };
}

/** A report by the kubelet; this controller's own Unknown is no sign of life. */
function isHeartbeat(ready: StatusCondition | undefined, before: StatusCondition | undefined): boolean {
  if (ready === undefined || ready.status === 'Unknown') return false;
  return before === undefined || before.lastHeartbeatTime !== ready.lastHeartbeatTime || before.status !== ready.status;
}

function conditionStates(node: KubeNode): [string, string][] {
  return (node.status?.conditions ?? []).map(({ type, status }) => [type, status]);
}

function unready(pod: Pod, uid: string, now: number): Pod {
  if (uidOf(pod) !== uid) return pod;
  const conditions = (pod.status?.conditions ?? []).map((condition) =>
    condition.type === 'Ready' && condition.status === 'True'
      ? { ...condition, status: 'False', lastTransitionTime: formatTime(now) }
      : condition,
  );
  return { ...pod, status: { ...pod.status, conditions } };
}
