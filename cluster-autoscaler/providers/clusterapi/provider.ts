/** MachineDeployments, MachineSets and MachinePools of Cluster API as node groups (§18). */
import { isConcertinaError, messageOf } from '../../../core/errors.ts';
import { isConflict, type KubeClient } from '../../../core/kube/index.ts';
import { createInterner, type Clock, type Random } from '../../../core/model/index.ts';
import { silentLogger, type Logger } from '../../../core/runtime/logging.ts';
import type { Provider, ProviderGroup, ProviderResult } from '../provider.ts';
import {
  buildCapiTemplate,
  defaultGroup,
  instanceId,
  keysOf,
  optionsOfAnnotations,
  parseCapiDiscovery,
  type MachineRecord,
} from './engine/index.ts';
import { createCapiResources } from './resources.ts';
import { buildView, machineKey, type CapiGroup, type CapiView } from './view.ts';

export interface ClusterApiProviderOptions {
  /** Of the management cluster; fenced: a write throws `FENCED` when this process must not write. */
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  /** Values of `--node-group-auto-discovery`; empty: everything that has the annotations. */
  readonly discovery: readonly string[];
  readonly logger?: Logger | undefined;
  /** `CAPI_GROUP`; default `cluster.x-k8s.io`. */
  readonly group?: string | undefined;
  /** `CAPI_VERSION`; default: what the API server prefers. */
  readonly version?: string | undefined;
  /** `CAPI_SCALE_ZERO_DEFAULT_ARCH`; default `amd64`. */
  readonly defaultArchitecture?: string | undefined;
  /** Only objects of this namespace are read; default all. */
  readonly namespace?: string | undefined;
}

const ignoredLabels: readonly string[] = [
  'topology.ebs.csi.aws.com/zone',
  'topology.diskplugin.csi.alibabacloud.com/zone',
  'ibm-cloud.kubernetes.io/worker-id',
  'vpc-block-csi-driver-labels',
];

/** Writes of replicas that meet somebody else's are tried so often. */
const scaleAttempts = 4;

/** Reads nothing before the first `refresh`. Throws `CONFIG_INVALID` for a discovery text that cannot be used. */
export function createClusterApiProvider(options: ClusterApiProviderOptions): Provider {
  const { client, clock, random, logger = silentLogger, group: apiGroup = defaultGroup } = options;
  const keys = keysOf(apiGroup);
  const discovery = options.discovery.map(parseCapiDiscovery);
  const resources = createCapiResources({ ...options, client, clock, random, logger, group: apiGroup });
  const interner = createInterner();
  let view: CapiView = buildView({ scalables: [], machines: [], discovery, keys });
  /** Replicas that we set, until the mirror shows an object that is as new. */
  const own = new Map<string, { readonly replicas: number; readonly resourceVersion: string }>();
  /** Machines (`namespace/name`) that were marked and counted out, until they are gone. */
  const ended = new Set<string>();
  const warned = new Map<string, string>();
  const queues = new Map<string, Promise<unknown>>();

  const targetOf = ({ id, record }: CapiGroup): number => own.get(id)?.replicas ?? record.replicas ?? 0;

  const inTurn = (id: string, change: (group: CapiGroup) => Promise<ProviderResult>): Promise<ProviderResult> => {
    const turn = (queues.get(id) ?? Promise.resolve()).then(async () => {
      const group = view.groups.get(id);
      if (group === undefined) return refused('GroupUnknown', `group ${id} is not known to this provider: nothing is changed`);
      try {
        return await change(group);
      } catch (error) {
        if (!isConcertinaError(error) || error.code === 'FENCED') throw error;
        return refused(error.code, `group ${id}: ${error.message}`);
      }
    });
    const settled = turn.catch(() => undefined);
    queues.set(id, settled);
    void settled.then(() => {
      if (queues.get(id) === settled) queues.delete(id);
    });
    return turn;
  };

  /** Sets the replicas to what `next` makes of those that the API server has now; `next` may refuse. */
  const scale = async (group: CapiGroup, next: (replicas: number) => number | ProviderResult): Promise<ProviderResult> => {
    const { kind, namespace, name } = group.record;
    const type = resources.typeOf(kind);
    for (let attempt = 1; ; attempt++) {
      const now = await client.getScale(type, { namespace, name });
      const replicas = next(now.specReplicas);
      if (typeof replicas !== 'number') return replicas;
      try {
        const set = await client.setScale(type, { namespace, name }, replicas, { resourceVersion: now.resourceVersion });
        own.set(group.id, { replicas, resourceVersion: set.resourceVersion });
        return { ok: true };
      } catch (error) {
        if (!isConflict(error) || attempt >= scaleAttempts) throw error;
      }
    }
  };

  const mark = async ({ namespace, name }: MachineRecord, marked: boolean): Promise<void> => {
    const value = marked ? new Date(clock.now()).toISOString() : null;
    const body = { metadata: { annotations: { [keys.deleteMachine]: value } } };
    await client.patch(resources.machineType, { namespace, name }, { type: 'merge', body });
  };

  const remove = async (group: CapiGroup, ids: readonly string[], forced: boolean): Promise<ProviderResult> => {
    const byId = new Map(group.machines.map((machine) => [instanceId(machine), machine]));
    const chosen: MachineRecord[] = [];
    for (const id of new Set(ids)) {
      const machine = byId.get(id);
      if (machine === undefined) {
        const pool = group.record.providerIds.includes(id) ? ': its pool has no Machine objects, so that none can be chosen' : '';
        return refused('InstanceUnknown', `${id} is not a machine of group ${group.id}${pool}`);
      }
      if (!machine.deleted && !ended.has(machineKey(machine))) chosen.push(machine);
    }
    if (chosen.length === 0) return { ok: true };
    const without = (replicas: number): number | ProviderResult => {
      if (replicas - chosen.length >= group.min || forced) return Math.max(0, replicas - chosen.length);
      return refused('MinSizeReached', `group ${group.id}: ${replicas} − ${chosen.length} is less than its minimum of ${group.min}`);
    };
    // By what is known, so that nothing is marked in vain; once more by what the API server has then.
    const early = without(targetOf(group));
    if (typeof early !== 'number') return early;
    // Marked first: whoever sees the lower number must know which ones are meant.
    const marked: MachineRecord[] = [];
    try {
      for (const machine of chosen) {
        await mark(machine, true);
        marked.push(machine);
      }
      const result = await scale(group, without);
      if (result.ok) for (const machine of chosen) ended.add(machineKey(machine));
      else await unmark(marked);
      return result;
    } catch (error) {
      await unmark(marked);
      throw error;
    }
  };

  /** Best effort: a mark that stays makes its machine the first to go at the next scale-down, whoever asks for it. */
  const unmark = async (machines: readonly MachineRecord[]): Promise<void> => {
    for (const machine of machines) {
      await mark(machine, false).catch((error: unknown) =>
        logger.warn('a machine stays marked for deletion', { machine: machineKey(machine), annotation: keys.deleteMachine, error }),
      );
    }
  };

  const groupOf = (group: CapiGroup): ProviderGroup => {
    const { options: read, problems } = optionsOfAnnotations(group.record.annotations, keys);
    const failed = group.machines.filter(({ failure, node, deleted }) => failure !== '' && node === '' && !deleted);
    const notes = problems.map(({ key, value, reason }) => `${keys.optionPrefix}${key}=${value} ${reason}`);
    if (group.record.annotations[keys.paused] !== undefined) notes.push(`is paused (${keys.paused}): Cluster API does nothing for it`);
    if (failed[0] !== undefined) notes.push(`${failed.length} of its machines do not come: ProvisioningFailed: ${failed[0].failure}`);
    const { id, min, max, record } = group;
    return { id, minSize: min, maxSize: max, targetSize: targetOf(group), options: read, notes, tags: record.labels };
  };

  const refresh = async (signal: AbortSignal | undefined): Promise<void> => {
    await resources.ready(signal);
    const scalables = resources.scalables();
    const machines = resources.machines();
    view = buildView({ scalables, machines, discovery, keys });
    for (const [id, { resourceVersion }] of own) {
      const shown = view.groups.get(id)?.record.resourceVersion;
      if (shown === undefined || isAsNew(shown, resourceVersion)) own.delete(id);
    }
    const there = new Set(machines.map(machineKey));
    for (const machine of ended) if (!there.has(machine)) ended.delete(machine);
    for (const [id, reason] of view.refused) {
      if (warned.get(id) !== reason) logger.warn(`${id} is not a node group: it ${reason}`, { group: id });
      warned.set(id, reason);
    }
    for (const id of warned.keys()) if (!view.refused.has(id)) warned.delete(id);
  };

  return {
    name: 'clusterapi',
    gpuLabel: 'cluster-api/accelerator',
    ignoredLabels,
    refresh: (signal) => refresh(signal),
    groups: () => [...view.groups.values()].map(groupOf),
    groupOf: (node) => view.groupOf(node),
    hasInstance: (node) => (node.providerId === '' && node.annotations[keys.machine] === undefined ? undefined : view.hasMachine(node)),
    instances: (id) => Promise.resolve(view.instances(id, (machine) => ended.has(machine))),
    template: async (id) => {
      const group = view.groups.get(id);
      if (group === undefined) return { problem: `group ${id} is not known to this provider` };
      try {
        const reference = group.record.infrastructure;
        const infrastructure = reference === undefined ? undefined : await resources.infrastructure(reference);
        const { defaultArchitecture = 'amd64' } = options;
        const answer = buildCapiTemplate({ id, record: group.record, infrastructure, defaultArchitecture }, interner);
        return 'problem' in answer ? answer : { template: answer.template };
      } catch (error) {
        return { problem: `group ${id}: its infrastructure template cannot be read: ${messageOf(error)}` };
      }
    },
    increaseSize: (id, delta) =>
      inTurn(id, async (group) => {
        if (!(delta > 0)) return refused('InvalidDelta', `group ${id}: an increase by ${delta} is none`);
        return scale(group, (replicas) => {
          if (replicas + delta <= group.max) return replicas + delta;
          return refused('MaxSizeReached', `group ${id}: ${replicas} + ${delta} is more than its maximum of ${group.max}`);
        });
      }),
    decreaseTargetSize: (id, delta) =>
      inTurn(id, async (group) => {
        if (delta >= 0) return refused('InvalidDelta', `group ${id}: a decrease by ${delta} is none`);
        const existing = view.instances(id, (machine) => ended.has(machine)).filter(({ state }) => state === 'running').length;
        return scale(group, (replicas) => {
          if (replicas + delta >= existing) return replicas + delta;
          return refused('WouldRemoveInstances', `group ${id}: a target of ${replicas + delta} would remove some of its ${existing} nodes`);
        });
      }),
    deleteInstances: (id, ids, { forced = false } = {}) => inTurn(id, (group) => remove(group, ids, forced)),
    close: () => resources.close(),
  };
}

/** Whether a resourceVersion is not older than another: numbers on every API server there is. */
function isAsNew(shown: string, than: string): boolean {
  const number = /^[0-9]+$/;
  return number.test(shown) && number.test(than) ? BigInt(shown) >= BigInt(than) : shown === than;
}

function refused(code: string, message: string): ProviderResult {
  return { ok: false, failure: { class: 'other', code, message } };
}
