import { readFileSync } from 'node:fs';
import { Registry } from 'prom-client';
import { createNodesController, defaultActuationConfig, defaultNodesHealthConfig, houseEngine } from '../../cluster-autoscaler/index.ts';
import { defaultGroupOptions } from '../../cluster-autoscaler/engine/loop/index.ts';
import type { LoopReport } from '../../cluster-autoscaler/engine/loop/index.ts';
import type { NodesReads } from '../../cluster-autoscaler/controller/ports.ts';
import type { Provider } from '../../cluster-autoscaler/providers/provider.ts';
import { ApiStatusError, type KubeClient } from '../../core/kube/index.ts';
import type { Clock, KubeObject, NodeRecord, PodRecord } from '../../core/model/index.ts';
import { realClock } from '../../core/runtime/clock.ts';
import { silentLogger } from '../../core/runtime/logging.ts';
import { seededRandom } from '../../core/runtime/random.ts';
import { loopTime, type LoopLoad } from './nodes-loop-workload.ts';

/** Milliseconds of CPU that this process's main thread has used; by ticks of 4 ms while it is not interrupted. All threads where the kernel does not say. */
export function mainThreadMs(): number {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[0]) / 1e6;
  } catch {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  }
}

/** What a turn of the controller's loop took. */
export interface ControllerTurn {
  readonly report: LoopReport;
  /** CPU of the main thread. */
  readonly cpuMs: number;
  /** The longest stretch between two turns of the event loop, CPU of the main thread. */
  readonly blockMs: number;
}

/**
 * So many loops of the node controller, everything about them included (reading, deciding, telling, writing status): on the records of the load, with an API
 * server and a cloud that answer at once and remember nothing. The time of the load is now.
 */
export async function runController(load: LoopLoad, turns: number): Promise<readonly ControllerTurn[]> {
  const began = realClock.now();
  const clock: Clock = { ...realClock, now: () => loopTime + realClock.now() - began };
  let done = 0;
  const results: ControllerTurn[] = [];
  const controller = createNodesController(
    {
      client: answeringClient(load),
      fence: { check: () => undefined },
      reads: readsOf(load),
      provider: providerOf(load),
      intents: () => [],
      clock,
      random: seededRandom(1),
      events: { emit: () => undefined },
      logger: silentLogger,
      registry: new Registry(),
      config: {
        loop: { ...load.options, scanIntervalMs: 200 },
        group: defaultGroupOptions,
        actuation: defaultActuationConfig,
        health: defaultNodesHealthConfig,
        frequentLoops: false,
        namespace: 'default',
        statusConfigMap: 'cluster-autoscaler-status',
        duplicatedEvents: false,
        groupMetrics: true,
        dryRun: false,
      },
    },
    houseEngine,
  );
  let last: LoopReport | undefined;
  let turnBegan = mainThreadMs();
  let tick = turnBegan;
  let blockMs = 0;
  controller.start();
  try {
    while (done < turns) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      const now = mainThreadMs();
      blockMs = Math.max(blockMs, now - tick);
      tick = now;
      const report = controller.report();
      if (report === undefined || report === last) continue;
      last = report;
      // What is told comes after the report.
      for (let turn = 0; turn < 20; turn++) {
        await new Promise<void>((resolve) => setImmediate(resolve));
        const then = mainThreadMs();
        blockMs = Math.max(blockMs, then - tick);
        tick = then;
      }
      results.push({ report, cpuMs: tick - turnBegan, blockMs });
      [turnBegan, blockMs] = [tick, 0];
      done += 1;
    }
  } finally {
    await controller.stop();
  }
  return results;
}

function readsOf({ input }: LoopLoad): NodesReads {
  const list = <T>(items: readonly T[]) => ({ items: () => items.slice(), hasSynced: () => true });
  const nodes = new Map(input.nodes.map((node) => [node.name, node]));
  const pods = new Map(input.pods.map((pod) => [`${pod.namespace}/${pod.name}`, pod]));
  return {
    pods: {
      ...list<PodRecord>(input.pods),
      get: (key) => pods.get(key),
      onDelta: (handler) => {
        for (const [key, pod] of pods) handler({ key, old: undefined, new: pod });
        return () => undefined;
      },
    },
    nodes: { ...list<NodeRecord>(input.nodes), get: (name) => nodes.get(name) },
    budgets: list(input.pdbs),
    daemonPods: list(input.daemonPods),
    namespaces: list([]),
    policies: { ...list<KubeObject>([]), get: () => undefined, onDelta: () => () => undefined },
    controllers: new Map(),
  };
}

function providerOf({ input }: LoopLoad): Provider {
  const groupOf = new Map(input.groups.flatMap(({ id, instances }) => instances.map((instance) => [instance.id, id] as const)));
  const groups = new Map(input.groups.map((group) => [group.id, group]));
  const ok = () => Promise.resolve({ ok: true } as const);
  return {
    name: 'bench',
    gpuLabel: '',
    ignoredLabels: [],
    refresh: () => Promise.resolve(),
    groups: () =>
      input.groups.map(({ id, minSize, maxSize, targetSize, price }) => ({
        id,
        minSize,
        maxSize,
        targetSize,
        price,
        options: {},
        notes: [],
      })),
    groupOf: ({ providerId }) => groupOf.get(providerId),
    hasInstance: ({ providerId }) => groupOf.has(providerId),
    instances: (id) => Promise.resolve(groups.get(id)?.instances ?? []),
    template: (id) => {
      const template = groups.get(id)?.template;
      return Promise.resolve(template === undefined ? { problem: 'none is needed' } : { template });
    },
    increaseSize: ok,
    decreaseTargetSize: ok,
    deleteInstances: ok,
    close: () => Promise.resolve(),
  };
}

/** Nodes have no taints, everything can be written; nothing else is there. */
function answeringClient({ input }: LoopLoad): KubeClient {
  const known = new Set(input.nodes.map(({ name }) => name));
  const object = (name: string): KubeObject => ({ metadata: { name, uid: name, resourceVersion: '1' }, spec: {} });
  const missing = () => Promise.reject(new ApiStatusError({ code: 404, reason: 'NotFound', message: 'not there' }));
  const client: Pick<KubeClient, 'server' | 'get' | 'patch' | 'create' | 'list'> = {
    server: 'bench',
    get: (type, { name }) => (type.plural === 'nodes' && known.has(name) ? Promise.resolve(object(name) as never) : missing()),
    patch: (_type, { name }) => Promise.resolve(object(name) as never),
    create: (_type, created) => Promise.resolve(created as never),
    list: () => Promise.resolve({ items: [], metadata: {} } as never),
  };
  return client as KubeClient;
}
