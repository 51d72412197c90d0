import { ApiStatusError } from '../../../core/kube/status-error.ts';
import type { JsonPatchOperation, ListOptions, ObjectKey, Patch } from '../../../core/kube/api.ts';
import type { KubeObject, ResourceType } from '../../../core/model/object.ts';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import { recordingLogger } from '../../../core/runtime/logging.ts';
import type { CheckpointStatus } from '../../model.ts';
import type { CheckpointPolicy } from './checkpoint-memory.ts';
import type { CheckpointKind } from './checkpoint-object.ts';
import { createCheckpointStore, type CheckpointStore, type CheckpointStoreOptions } from './checkpoint-store.ts';

export function statusError(code: number, reason: string, name?: string): ApiStatusError {
  return new ApiStatusError({ code, reason, message: reason, ...(name === undefined ? {} : { details: { name } }) });
}

/** Objects of any kind by `plural/namespace/name`, as an API server keeps them. */
export class FakeApi {
  readonly objects = new Map<string, KubeObject>();
  /** Every request: `verb plural/namespace/name`. */
  readonly log: string[] = [];
  /** Called before each request; what it throws is the answer. */
  before: (line: string) => void = () => undefined;
  /** Plurals that the cluster does not have. */
  readonly absent = new Set<string>();
  pageSize = 500;
  /** Writes that are under way, and most of them at once. */
  open = 0;
  mostOpen = 0;
  #version = 0;

  add(type: ResourceType, raw: KubeObject): void {
    this.#version += 1;
    const metadata = { uid: `uid-${this.#version}`, ...raw.metadata, resourceVersion: String(this.#version) };
    this.objects.set(pathOf(type, raw.metadata), { ...raw, metadata });
  }

  writes(): string[] {
    return this.log.filter((line) => !/^(GET|LIST) /.test(line));
  }

  readonly client = {
    listPage: async (type: ResourceType, { namespace, continueToken, limit = this.pageSize }: ListOptions = {}) => {
      await this.#request(`LIST ${type.plural}/${namespace ?? '*'}`, type);
      const all = [...this.objects].filter(([path]) => path.startsWith(`${type.plural}/${namespace === undefined ? '' : `${namespace}/`}`));
      const start = Number(continueToken ?? 0);
      const end = start + limit;
      const items = all.slice(start, end).map(([, raw]) => structuredClone(raw));
      return {
        items: items as never[],
        resourceVersion: '1',
        continueToken: end < all.length ? String(end) : undefined,
        remaining: undefined,
      };
    },
    get: async (type: ResourceType, key: ObjectKey) => {
      await this.#request(`GET ${pathOf(type, key)}`, type);
      return structuredClone(this.#find(type, key)) as never;
    },
    create: async (type: ResourceType, raw: KubeObject) => {
      await this.#request(`POST ${pathOf(type, raw.metadata)}`, type);
      if (this.objects.has(pathOf(type, raw.metadata))) throw statusError(409, 'AlreadyExists');
      this.add(type, structuredClone(raw));
      return raw as never;
    },
    patch: async (type: ResourceType, key: ObjectKey, { body }: Patch) => {
      await this.#request(`PATCH ${pathOf(type, key)}`, type);
      const raw = structuredClone(this.#find(type, key));
      for (const operation of body as readonly JsonPatchOperation[]) apply(raw, operation);
      this.add(type, raw);
      return raw as never;
    },
    delete: async (
      type: ResourceType,
      key: ObjectKey,
      { preconditions }: { preconditions?: { uid?: string; resourceVersion?: string } } = {},
    ) => {
      await this.#request(`DELETE ${pathOf(type, key)}`, type);
      const { uid, resourceVersion } = this.#find(type, key).metadata;
      if ((preconditions?.uid ?? uid) !== uid || (preconditions?.resourceVersion ?? resourceVersion) !== resourceVersion)
        throw statusError(409, 'Conflict');
      this.objects.delete(pathOf(type, key));
    },
  };

  async #request(line: string, type: ResourceType): Promise<void> {
    this.log.push(line);
    this.open += 1;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    await Promise.resolve();
    this.open -= 1;
    this.before(line);
    if (this.absent.has(type.plural)) throw statusError(404, 'NotFound');
  }

  #find(type: ResourceType, key: ObjectKey): KubeObject {
    const raw = this.objects.get(pathOf(type, key));
    if (raw === undefined) throw statusError(404, 'NotFound', key.name);
    return raw;
  }
}

function pathOf(type: ResourceType, { namespace = '', name }: ObjectKey): string {
  return `${type.plural}/${namespace}/${name}`;
}

function apply(raw: KubeObject, operation: JsonPatchOperation): void {
  const parts = operation.path.slice(1).split('/');
  const last = parts.pop() ?? '';
  const parent = parts.reduce<unknown>((value, part) => (value as Record<string, unknown> | undefined)?.[part], raw) as
    Record<string, unknown> | undefined;
  if (parent === undefined) throw statusError(422, 'Invalid');
  if (operation.op === 'test' && parent[last] !== operation.value) throw statusError(422, 'Invalid');
  if (operation.op === 'add') parent[last] = structuredClone(operation.value);
}

/** An engine that remembers numbers: the total weight of the CPU histogram stands for everything. */
export class FakeEngine {
  readonly learnt = new Map<string, Map<string, number>>();
  readonly loaded: string[] = [];

  set(key: string, containers: Readonly<Record<string, number>>): void {
    this.learnt.set(key, new Map(Object.entries(containers)));
  }

  containerNames = (key: string): readonly string[] => [...(this.learnt.get(key)?.keys() ?? [])].toSorted();
  saveCheckpoint = (key: string, container: string): CheckpointStatus | undefined => {
    const total = this.learnt.get(key)?.get(container);
    return total === undefined ? undefined : checkpointStatus(total);
  };
  checkpointText = (key: string, container: string, now: number): string | undefined => {
    const saved = this.saveCheckpoint(key, container);
    return saved === undefined ? undefined : JSON.stringify({ lastUpdateTime: now, ...saved });
  };
  loadCheckpoint = (key: string, container: string, status: CheckpointStatus): { ok: true } | { ok: false; message: string } => {
    if (status.version !== 'v3') return { ok: false, message: `version ${status.version} is not v3` };
    this.loaded.push(`${key} ${container} ${status.cpuHistogram.totalWeight}`);
    return { ok: true };
  };
}

export function checkpointStatus(total: number): CheckpointStatus {
  return {
    version: 'v3',
    cpuHistogram: { referenceTimestamp: null, bucketWeights: { 1: 10_000 }, totalWeight: total },
    memoryHistogram: {},
  };
}

export function policyOf(name: string, more: Partial<CheckpointPolicy> = {}): CheckpointPolicy {
  const { kind = 'VerticalPolicy', namespace = 'shop' } = more;
  return { kind, namespace, name, key: `${kind}/${namespace}/${name}`, ...more };
}

export interface Bench {
  readonly api: FakeApi;
  readonly engine: FakeEngine;
  readonly clock: VirtualClock;
  readonly logger: ReturnType<typeof recordingLogger>;
  readonly store: CheckpointStore;
  policies: readonly CheckpointPolicy[];
  existing: (kind: CheckpointKind) => ReadonlySet<string> | undefined;
}

/** A store on fakes; all policies given have a container `app` that weighs 1. */
export function createBench(names: readonly string[], options: Partial<CheckpointStoreOptions> = {}): Bench {
  const api = new FakeApi();
  const engine = new FakeEngine();
  const clock = new VirtualClock();
  const logger = recordingLogger();
  const bench: Omit<Bench, 'store'> = {
    api,
    engine,
    clock,
    logger,
    policies: names.map((name) => policyOf(name)),
    existing: () => undefined,
  };
  for (const { key } of bench.policies) engine.set(key, { app: 1 });
  const store = createCheckpointStore({
    client: api.client,
    clock,
    logger,
    engine,
    policies: () => bench.policies,
    existing: (kind) => bench.existing(kind),
    config: { checkpointsPerMinute: 1_200, checkpointsGcMs: 600_000 },
    ...options,
  });
  return Object.assign(bench, { store });
}

export async function loadAll({ policies, store }: Bench): Promise<void> {
  for (const policy of policies) await store.load(policy);
}
