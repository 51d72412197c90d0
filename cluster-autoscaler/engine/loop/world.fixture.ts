import type { DeletionProgress, Effect, EffectResult, Instance, LoopInput, PlannedDeletion } from '../model.ts';
import { budget, group, input, node, pod, providerId, template } from './records.fixture.ts';
import type { NodeGroupOptions } from '../model.ts';

/** A small cluster with a cloud that does what it is told, a scheduler of one line, and a workload that changes by itself. For property tests. */
export interface TestWorld {
  input(): LoopInput;
  answer(effect: Effect): EffectResult;
  /** Ten seconds pass. */
  advance(): void;
  readonly targets: ReadonlyMap<string, number>;
}

export interface TestGroup {
  readonly id: string;
  readonly minSize: number;
  readonly maxSize: number;
  readonly initial: number;
  readonly cpu: number;
  readonly options: Partial<NodeGroupOptions>;
}

export interface WorldPlan {
  readonly groups: readonly TestGroup[];
  /** Number of pods that each workload has in each loop, and what a pod asks for in millicores. */
  readonly workloads: readonly {
    readonly name: string;
    readonly cpu: number;
    readonly replicas: readonly number[];
    readonly allowed: number;
  }[];
  /** Of what happens by chance: refusals of the cloud, breakdowns, slow machines. */
  readonly seed: number;
}

interface WorldNode {
  readonly group: string;
  readonly cpu: number;
  readonly readyAt: number;
  since: number;
  broken: boolean;
  tainted: boolean;
}

interface WorldPod {
  readonly workload: string;
  readonly cpu: number;
  readonly created: number;
  node: string | undefined;
}

const stepMs = 10_000;

export function createTestWorld({ groups, workloads, seed }: WorldPlan): TestWorld {
  let now = 0;
  let step = 0;
  let serial = 0;
  const draw = randomOf(seed);
  const targets = new Map(groups.map(({ id, initial }) => [id, initial]));
  const nodes = new Map<string, WorldNode>();
  const pods = new Map<string, WorldPod>();
  let running: (DeletionProgress['running'][number] & { readonly plan: PlannedDeletion })[] = [];
  let ended: DeletionProgress['ended'] = [];

  const nodesOf = (id: string): string[] => [...nodes].filter(([, each]) => each.group === id).map(([name]) => name);
  const isReady = (each: WorldNode): boolean => each.readyAt <= now && !each.broken;
  const free = (name: string, each: WorldNode): number =>
    [...pods.values()].filter((held) => held.node === name).reduce((left, held) => left - held.cpu, each.cpu);

  const addNode = (id: string, readyAt: number): void => {
    const cpu = groups.find((each) => each.id === id)?.cpu ?? 0;
    nodes.set(`${id}-${serial++}`, { group: id, cpu, readyAt, since: readyAt, broken: false, tainted: false });
  };
  const removeNode = (name: string): void => {
    nodes.delete(name);
    for (const [podName, each] of pods) if (each.node === name) pods.delete(podName);
  };
  /** Workloads are brought to their size. */
  const reconcile = (): void => {
    for (const { name, cpu, replicas } of workloads) {
      const mine = [...pods].filter(([, each]) => each.workload === name);
      const wanted = replicas[step % replicas.length] ?? 0;
      for (let count = mine.length; count < wanted; count++)
        pods.set(`${name}-${serial++}`, { workload: name, cpu, created: now - 5_000, node: undefined });
      for (const [podName] of mine.slice(wanted)) pods.delete(podName);
    }
  };
  const schedule = (): void => {
    for (const each of pods.values()) {
      each.node ??= [...nodes].find(([name, held]) => isReady(held) && !held.tainted && free(name, held) >= each.cpu)?.[0];
    }
  };
  const finish = (): void => {
    ended = [];
    for (const { node: name, group: id, plan } of running) {
      const failed = draw() < 0.2;
      const each = nodes.get(name);
      if (failed && each !== undefined) each.tainted = false;
      if (!failed) {
        for (const uid of plan.evict) pods.delete(uid.replace('pod-', ''));
        removeNode(name);
        targets.set(id, (targets.get(id) ?? 0) - 1);
      }
      ended = [...ended, { node: name, group: id, at: 0, result: failed ? 'failed' : 'deleted', message: '' }];
    }
    running = [];
  };
  const breakDown = (): void => {
    for (const each of nodes.values()) {
      if (draw() > (each.broken ? 0.4 : 0.02)) continue;
      each.broken = !each.broken;
      each.since = now;
    }
  };

  for (const { id, initial } of groups) for (let index = 0; index < initial; index++) addNode(id, -3_600_000);
  reconcile();
  schedule();

  return {
    targets,
    input: () =>
      input(now, {
        nodes: [...nodes].map(([name, each]) =>
          node(name, {
            group: each.group,
            cpu: `${each.cpu}m`,
            ready: isReady(each),
            created: Math.min(each.readyAt - 30_000, 0),
            readySince: each.since,
            taints: each.tainted ? [{ key: 'ToBeDeletedByClusterAutoscaler', value: '1', effect: 'NoSchedule' }] : [],
            unschedulable: each.tainted,
          }),
        ),
        pods: [...pods].map(([name, each]) =>
          pod(name, {
            owner: each.workload,
            cpu: `${each.cpu}m`,
            created: each.created,
            ...(each.node === undefined ? {} : { node: each.node }),
          }),
        ),
        pdbs: workloads.map(({ name, allowed }) => budget(name, allowed)),
        groups: groups.map(({ id, minSize, maxSize, cpu, options }) =>
          group(id, {
            minSize,
            maxSize,
            targetSize: targets.get(id) ?? 0,
            instances: nodesOf(id).map((name): Instance => ({ id: providerId(name), state: 'running' })),
            template: template(id, { cpu: `${cpu}m` }),
            options,
          }),
        ),
        deletions: { running, ended },
      }),
    answer: (effect) => {
      if (effect.type === 'increase-size') {
        if (draw() < 0.15) return { ok: false, failure: { class: 'out-of-resources', code: 'NoCapacity', message: 'no machines' } };
        targets.set(effect.group, (targets.get(effect.group) ?? 0) + effect.delta);
      } else if (effect.type === 'decrease-target-size') {
        const lowered = (targets.get(effect.group) ?? 0) + effect.delta;
        if (lowered < nodesOf(effect.group).length)
          return { ok: false, failure: { class: 'other', code: 'Refused', message: 'they exist' } };
        targets.set(effect.group, lowered);
      } else if (effect.type === 'start-deletion') {
        for (const plan of effect.nodes) {
          const each = nodes.get(plan.node);
          if (each !== undefined) each.tainted = true;
          running = [...running, { node: plan.node, group: plan.group, kind: plan.kind, since: now, plan }];
        }
      }
      return { ok: true };
    },
    advance: () => {
      now += stepMs;
      step += 1;
      finish();
      breakDown();
      for (const { id } of groups) {
        const missing = (targets.get(id) ?? 0) - nodesOf(id).length;
        for (let index = 0; index < missing; index++) if (draw() < 0.5) addNode(id, now + 10_000);
      }
      reconcile();
      schedule();
    },
  };
}

/** Numbers in [0, 1) that look random (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
