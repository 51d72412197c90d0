import { isConflict, isNotFound } from '../../../core/kube/index.ts';
import type { KubeClient } from '../../../core/kube/index.ts';
import type { Clock, Random, Timer } from '../../../core/model/clock.ts';
import { resourceTypes } from '../../../core/model/object.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import { drawDelay } from '../kubelet/delay.ts';
import type { KubeletFleet, Taint } from '../kubelet/types.ts';
import { nodeSpecOf, type GroupNodes, type StartupTaint } from './instance-node-spec.ts';
import type { AwsEndpoint, InstanceView } from './types.ts';

export type { GroupNodes, StartupTaint } from './instance-node-spec.ts';

export interface InstanceNodesOptions {
  readonly aws: Pick<AwsEndpoint, 'onInstance' | 'instance' | 'instances' | 'group'>;
  readonly fleet: Pick<KubeletFleet, 'addNode' | 'failNode' | 'removeNode' | 'hasNode'>;
  /** An administrator's: it deletes Nodes of instances that are gone and takes startup taints away. */
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  /** By the group's name. */
  readonly groups?: Readonly<Record<string, GroupNodes>>;
  /** For groups that are not named. */
  readonly standard?: GroupNodes;
  /** What becomes of the pods of a node whose instance is gone: deleted without grace (default), or left to pod garbage collection. */
  readonly pods?: 'delete' | 'leave';
  /** Told of requests that failed; they are tried again after five seconds. */
  readonly onProblem?: (subject: string, error: unknown) => void;
}

/** Lets the instances of an AWS endpoint be nodes of a cluster, embedded or real: what user data, kubelet and cloud controller do. */
export interface InstanceNodes {
  /** Nodes of instances that run already join at once; resolves when they are registered. */
  start(): Promise<void>;
  /** Changes what becomes of a group's instances from now on. */
  setGroup(name: string, nodes: GroupNodes): void;
  /** Resolves when nothing is under way but waiting for the clock. */
  idle(): Promise<void>;
  /** Nodes and instances stay as they are. */
  stop(): void;
}

/** What is known of one instance. */
interface Member {
  readonly id: string;
  readonly name: string;
  /** Steps on its node, one after the other. */
  work: Promise<void>;
  /** A Node may be there: even a registration that failed may have made one. */
  registered: boolean;
  ended: boolean;
  readonly timers: Set<Timer>;
}

const retryMs = 5000;
const defaultJoinDelay = { min: 20_000, max: 40_000 };

export function createInstanceNodes(options: InstanceNodesOptions): InstanceNodes {
  const { aws, fleet, client, clock, random } = options;
  const settings = new Map<string, GroupNodes>(Object.entries(options.groups ?? {}));
  const members = new Map<string, Member>();
  const busy = new Set<Promise<void>>();
  let stopped = false;

  const nodesOf = (group: string): GroupNodes => settings.get(group) ?? options.standard ?? {};

  const after = (member: Member, ms: number, run: () => void): void => {
    const timer = clock.setTimeout(() => {
      member.timers.delete(timer);
      if (!stopped) run();
    }, ms);
    member.timers.add(timer);
  };

  /** Does a step on the member's node after those before it; one that fails is tried again as long as `wanted`. */
  const step = (member: Member, what: string, wanted: () => boolean, run: () => Promise<void>): Promise<void> => {
    const work = member.work.then(async () => {
      if (stopped || !wanted()) return;
      try {
        await run();
      } catch (error) {
        options.onProblem?.(`${what} of node ${member.name}`, error);
        after(member, retryMs, () => void step(member, what, wanted, run));
      }
    });
    member.work = work;
    busy.add(work);
    void work.then(() => busy.delete(work));
    return work;
  };

  const join = (member: Member, instance: InstanceView): Promise<void> => {
    const { startupTaints = [] } = nodesOf(instance.group);
    const alive = (): boolean => !member.ended;
    return step(member, 'registration', alive, async () => {
      if (nodesOf(instance.group).neverJoins === true) return;
      member.registered = true;
      await fleet.addNode(nodeSpecOf(instance, aws.group(instance.group), nodesOf(instance.group)));
      for (const taint of startupTaints) {
        if (taint.removeAfter === undefined) continue;
        after(
          member,
          drawDelay(taint.removeAfter, random),
          () => void step(member, 'startup taint', alive, () => removeTaint(member.name, taint)),
        );
      }
    });
  };

  const removeTaint = async (name: string, gone: StartupTaint): Promise<void> => {
    for (;;) {
      try {
        const node = await client.get<KubeObject>(resourceTypes.nodes, { name });
        const taints = (node.spec as { readonly taints?: readonly Taint[] } | undefined)?.taints ?? [];
        const left = taints.filter(({ key, effect }) => key !== gone.key || effect !== gone.effect);
        if (left.length === taints.length) return;
        const body = { metadata: { resourceVersion: node.metadata.resourceVersion }, spec: { taints: left } };
        await client.patch(resourceTypes.nodes, { name }, { type: 'merge', body });
        return;
      } catch (error) {
        if (isNotFound(error)) return;
        if (!isConflict(error)) throw error;
      }
    }
  };

  const remove = async (name: string): Promise<void> => {
    // The Node itself by our own hand: the fleet forgets the node before its request, so that it could not be asked twice.
    try {
      await client.delete(resourceTypes.nodes, { name });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    await fleet.removeNode(name, { node: 'leave', pods: options.pods ?? 'delete' });
  };

  const meet = (instance: InstanceView): Member => {
    const known = members.get(instance.id);
    if (known !== undefined) return known;
    const member: Member = {
      id: instance.id,
      name: instance.privateDnsName,
      work: Promise.resolve(),
      registered: false,
      ended: false,
      timers: new Set(),
    };
    members.set(instance.id, member);
    return member;
  };

  const end = (member: Member): void => {
    member.ended = true;
    for (const timer of member.timers) timer.cancel();
    member.timers.clear();
  };

  const unsubscribe = aws.onInstance(({ type, instance }) => {
    if (type === 'pending') return;
    const member = meet(instance);
    if (type === 'running') {
      const { joinDelay = defaultJoinDelay } = nodesOf(instance.group);
      after(member, drawDelay(joinDelay, random), () => void join(member, instance));
      return;
    }
    end(member);
    if (type === 'shutting-down') {
      void step(
        member,
        'shutdown',
        () => fleet.hasNode(member.name),
        async () => fleet.failNode(member.name, { containers: 'stop' }),
      );
      return;
    }
    void step(
      member,
      'removal',
      () => member.registered,
      () => remove(member.name),
    );
    members.delete(instance.id);
  });

  return {
    start: async () => {
      const running = aws.instances().filter(({ id, state }) => state === 'running' && !members.has(id));
      await Promise.all(running.map((instance) => join(meet(instance), instance)));
    },
    setGroup: (name, nodes) => void settings.set(name, nodes),
    idle: async () => {
      while (busy.size > 0) await Promise.all(busy);
    },
    stop: () => {
      stopped = true;
      unsubscribe();
      for (const member of members.values()) end(member);
    },
  };
}
