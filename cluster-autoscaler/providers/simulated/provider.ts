/**
 * A cloud in memory, for simulations and tests: groups with a template whose machines boot after a while on the injected clock. Nodes are made and
 * taken away by callbacks.
 */
import type { Clock, Timer } from '../../../core/model/clock.ts';
import type { NodeRecord } from '../../../core/model/index.ts';
import type { Instance, NodeTemplate, ProviderFailure } from '../../engine/model.ts';
import type { Provider, ProviderGroup, ProviderGroupOptions, ProviderResult } from '../provider.ts';

/** A group of the simulated cloud. */
export interface SimulatedGroup {
  readonly id: string;
  readonly minSize: number;
  readonly maxSize: number;
  /** Machines that run from the start; default `minSize`. */
  readonly size?: number | undefined;
  /** `undefined`: the group has none, with this reason. */
  readonly template: NodeTemplate | { readonly problem: string };
  /** Milliseconds from the request until the machine runs and its node is made; default 0: in the next turn of the clock. */
  readonly bootMs?: number | undefined;
  /** Milliseconds from a deletion until machine and node are gone; default 0. */
  readonly shutdownMs?: number | undefined;
  readonly options?: ProviderGroupOptions | undefined;
  readonly price?: number | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** Machines that the cloud can still launch; default: as many as are asked for. */
  readonly stock?: number | undefined;
}

/** A machine, for whoever makes nodes of them. */
export interface SimulatedMachine {
  readonly id: string;
  readonly group: string;
  readonly template: NodeTemplate | undefined;
}

export interface SimulatedProviderOptions {
  readonly clock: Clock;
  readonly groups: readonly SimulatedGroup[];
  /** A machine runs: make its node, with `providerId` = the machine's id. Machines that run from the start come at the call of `start`. */
  readonly onNode?: ((machine: SimulatedMachine) => void) | undefined;
  /** A machine is gone, and its node with it. */
  readonly onGone?: ((machine: SimulatedMachine) => void) | undefined;
  readonly gpuLabel?: string | undefined;
  readonly ignoredLabels?: readonly string[] | undefined;
}

export interface SimulatedProvider extends Provider {
  /** Tells `onNode` of the machines that run from the start. */
  start(): void;
  /** Machines that can still be launched for a group; `undefined`: any number. What failed already stays failed. */
  setStock(group: string, stock: number | undefined): void;
  /** Every change of the group is refused with this from now on; `undefined`: no longer. */
  refuse(group: string, failure: ProviderFailure | undefined): void;
  /** How long machines of the group take from now on; `Infinity`: they never come. */
  setBootMs(group: string, ms: number): void;
  /** Ends a machine without lowering the target, as a cloud does by itself (spot): a new one is launched. */
  lose(id: string): void;
}

interface Machine extends SimulatedMachine {
  readonly group: string;
  state: Instance['state'];
  failure: ProviderFailure | undefined;
  timer: Timer | undefined;
}

interface Group {
  readonly facts: SimulatedGroup;
  target: number;
  stock: number | undefined;
  bootMs: number;
  refusal: ProviderFailure | undefined;
  launched: number;
  readonly machines: Map<string, Machine>;
}

const stockout: ProviderFailure = {
  class: 'out-of-resources',
  code: 'SimulatedStockout',
  message: 'the simulated cloud has no more machines of this kind',
};

export function createSimulatedProvider(options: SimulatedProviderOptions): SimulatedProvider {
  const { clock } = options;
  const groups = new Map<string, Group>();
  const owners = new Map<string, Group>();
  const gone = new Set<string>();
  let closed = false;

  const add = (group: Group, state: Instance['state'], failure?: ProviderFailure): Machine => {
    const id = `sim:///${group.facts.id}/${group.launched++}`;
    const { template } = group.facts;
    const machine: Machine = {
      id,
      group: group.facts.id,
      template: 'problem' in template ? undefined : template,
      state,
      failure,
      timer: undefined,
    };
    group.machines.set(id, machine);
    owners.set(id, group);
    return machine;
  };

  const launch = (group: Group): void => {
    if (group.stock === 0) {
      add(group, 'creating', stockout);
      return;
    }
    if (group.stock !== undefined) group.stock -= 1;
    const machine = add(group, 'creating');
    if (group.bootMs === Number.POSITIVE_INFINITY) return;
    machine.timer = clock.setTimeout(() => {
      machine.state = 'running';
      if (!closed) options.onNode?.(machine);
    }, group.bootMs);
  };

  const drop = (group: Group, machine: Machine): void => {
    group.machines.delete(machine.id);
    owners.delete(machine.id);
    gone.add(machine.id);
  };

  const end = (group: Group, machine: Machine): void => {
    machine.timer?.cancel();
    if (machine.failure !== undefined) {
      drop(group, machine);
      return;
    }
    const hadNode = machine.state === 'running';
    machine.state = 'deleting';
    machine.timer = clock.setTimeout(() => {
      drop(group, machine);
      if (group.stock !== undefined) group.stock += 1;
      if (hadNode && !closed) options.onGone?.(machine);
    }, group.facts.shutdownMs ?? 0);
  };

  for (const facts of options.groups) {
    const size = facts.size ?? facts.minSize;
    const group: Group = {
      facts,
      target: size,
      stock: facts.stock,
      bootMs: facts.bootMs ?? 0,
      refusal: undefined,
      launched: 0,
      machines: new Map(),
    };
    groups.set(facts.id, group);
    for (let index = 0; index < size; index++) add(group, 'running');
  }

  const live = (group: Group): readonly Machine[] => [...group.machines.values()].filter(({ state }) => state !== 'deleting');

  const changed = (id: string, change: (group: Group) => ProviderResult): Promise<ProviderResult> => {
    const group = groups.get(id);
    if (group === undefined) return Promise.resolve(refused('GroupUnknown', `group ${id} is not known to this provider`));
    if (group.refusal !== undefined) return Promise.resolve({ ok: false, failure: group.refusal });
    return Promise.resolve(change(group));
  };

  const need = (id: string): Group => {
    const group = groups.get(id);
    if (group === undefined) throw new RangeError(`the simulated cloud has no group ${id}`);
    return group;
  };

  return {
    name: 'simulated',
    gpuLabel: options.gpuLabel ?? '',
    ignoredLabels: options.ignoredLabels ?? [],
    refresh: () => Promise.resolve(),
    groups: () => [...groups.values()].map(groupOf),
    groupOf: ({ providerId }) => owners.get(providerId)?.facts.id,
    hasInstance: ({ providerId }: NodeRecord) => {
      if (owners.has(providerId)) return true;
      return gone.has(providerId) ? false : undefined;
    },
    instances: (id) =>
      Promise.resolve(
        [...(groups.get(id)?.machines.values() ?? [])].map(({ id: machine, state, failure }) => ({ id: machine, state, failure })),
      ),
    template: (id) => {
      const template = groups.get(id)?.facts.template ?? { problem: `group ${id} is not known to this provider` };
      return Promise.resolve('problem' in template ? template : { template });
    },
    increaseSize: (id, delta) =>
      changed(id, (group) => {
        if (!(delta > 0)) return refused('InvalidDelta', `group ${id}: an increase by ${delta} is none`);
        if (group.target + delta > group.facts.maxSize) {
          return refused('MaxSizeReached', `group ${id}: ${group.target} + ${delta} is more than its maximum of ${group.facts.maxSize}`);
        }
        group.target += delta;
        for (let index = 0; index < delta; index++) launch(group);
        return { ok: true };
      }),
    decreaseTargetSize: (id, delta) =>
      changed(id, (group) => {
        if (delta >= 0) return refused('InvalidDelta', `group ${id}: a decrease by ${delta} is none`);
        const waiting = live(group).filter(({ state }) => state === 'creating');
        if (waiting.length < -delta) {
          return refused(
            'WouldRemoveInstances',
            `group ${id}: ${waiting.length} of its machines have not come, ${-delta} were to be given up`,
          );
        }
        // The newest first, those that fail before those that may still come.
        const given = [
          ...waiting.filter(({ failure }) => failure === undefined),
          ...waiting.filter(({ failure }) => failure !== undefined),
        ];
        for (const machine of given.toReversed().slice(0, -delta)) {
          machine.timer?.cancel();
          drop(group, machine);
        }
        group.target += delta;
        return { ok: true };
      }),
    deleteInstances: (id, ids, { forced = false } = {}) =>
      changed(id, (group) => {
        if (group.target <= group.facts.minSize && !forced) {
          return refused('MinSizeReached', `group ${id} has a target of ${group.target} at a minimum of ${group.facts.minSize}`);
        }
        const machines = [...new Set(ids)].map((each) => group.machines.get(each));
        if (machines.includes(undefined)) return refused('InstanceUnknown', `not all of ${ids.join(', ')} are machines of group ${id}`);
        for (const machine of machines) {
          if (machine === undefined || machine.state === 'deleting') continue;
          end(group, machine);
          group.target -= 1;
        }
        return { ok: true };
      }),
    close: () => {
      closed = true;
      for (const group of groups.values()) for (const { timer } of group.machines.values()) timer?.cancel();
      return Promise.resolve();
    },
    start: () => {
      for (const group of groups.values()) for (const machine of live(group)) if (machine.state === 'running') options.onNode?.(machine);
    },
    setStock: (id, stock) => {
      need(id).stock = stock;
    },
    refuse: (id, failure) => {
      need(id).refusal = failure;
    },
    setBootMs: (id, ms) => {
      need(id).bootMs = ms;
    },
    lose: (id) => {
      const group = owners.get(id);
      const machine = group?.machines.get(id);
      if (group === undefined || machine === undefined) throw new RangeError(`the simulated cloud has no machine ${id}`);
      end(group, machine);
      launch(group);
    },
  };

  function groupOf(group: Group): ProviderGroup {
    const { id, minSize, maxSize, price, tags = {}, options: own = {} } = group.facts;
    const failed = live(group).filter(({ failure }) => failure !== undefined);
    const [first] = failed;
    const notes = first?.failure === undefined ? [] : [`${failed.length} of its machines do not come: ${first.failure.code}`];
    return { id, minSize, maxSize, targetSize: group.target, options: own, price, notes, tags };
  }
}

function refused(code: string, message: string): ProviderResult {
  return { ok: false, failure: { class: 'other', code, message } };
}
