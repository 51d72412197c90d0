import { Registry } from 'prom-client';
import { ConcertinaError } from '../../core/errors.ts';
import type { Fence, KubeClient } from '../../core/kube/index.ts';
import { ApiStatusError } from '../../core/kube/index.ts';
import {
  createInterner,
  formatTime,
  projectNode,
  projectPod,
  type KubeObject,
  type NodeRecord,
  type PodRecord,
} from '../../core/model/index.ts';
import { recordingLogger, VirtualClock } from '../../core/runtime/index.ts';
import type { Instance, NodeTemplate, ProviderFailure } from '../engine/model.ts';
import type { Provider, ProviderGroup, ProviderResult } from '../providers/provider.ts';
import type { Change, EventSink, NodesReads } from './ports.ts';

/** A failure as the API server answers it. */
export function apiFailure(code: number, reason: string, message = reason): ApiStatusError {
  return new ApiStatusError({ code, reason, message });
}

export interface FakePod {
  readonly namespace?: string;
  readonly name: string;
  readonly node?: string;
  readonly cpu?: string;
  readonly memory?: string;
  readonly owner?: { readonly kind: string; readonly name: string };
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly graceSeconds?: number;
  readonly priority?: number;
  readonly unschedulable?: boolean;
  /** Milliseconds since its creation; default a minute. */
  readonly ageMs?: number;
}

export interface FakeNode {
  readonly cpu?: string;
  readonly memory?: string;
  readonly pods?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly taints?: readonly object[];
  readonly unschedulable?: boolean;
  readonly ready?: boolean;
}

interface Eviction {
  readonly pod: string;
  readonly at: number;
  readonly graceSeconds: number | undefined;
}

/** A cluster and a cloud in memory for tests of the controller, in virtual time. Everything may be changed at any time. */
export class FakeCluster {
  readonly clock = new VirtualClock(Date.UTC(2026, 0, 1, 12), async () => {
    // A loop gives others their turn after each of its steps.
    for (let turn = 0; turn < 40; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
  });
  readonly logger = recordingLogger();
  readonly registry = new Registry();
  readonly nodes = new Map<string, KubeObject>();
  readonly pods = new Map<string, KubeObject>();
  readonly policies = new Map<string, KubeObject>();
  readonly configMaps = new Map<string, KubeObject>();
  readonly leases = new Map<string, KubeObject>();
  readonly daemonPods: { owner: string; pod: PodRecord }[] = [];
  readonly budgets: never[] = [];
  readonly controllers = new Map<
    string,
    { kind: string; namespace: string; name: string; uid: string; specReplicas: number; statusReplicas: number }
  >();
  readonly events: { readonly on: string; readonly type: string; readonly reason: string; readonly message: string }[] = [];
  readonly evictions: Eviction[] = [];
  /** Writes of nodes, `name: taints|cordon`. */
  readonly nodeWrites: string[] = [];
  readonly statusPatches: { readonly name: string; readonly body: unknown }[] = [];
  /** Called before an eviction; throws what the API server would answer. */
  onEvict: ((pod: string) => void) | undefined;
  /** Called before a write of a node. */
  onNodeWrite: ((node: string) => void) | undefined;
  /** How long a pod takes to go after its eviction, milliseconds. */
  terminationMs = 1_000;
  fencedBy: string | undefined;
  mirrorAgeMs = 0;
  readonly cloud = new FakeCloud();
  readonly #interner = createInterner();
  readonly #podHandlers = new Set<(change: Change<PodRecord>) => void>();
  readonly #nodeRecords = new Map<string, { raw: KubeObject; record: NodeRecord }>();
  #version = 0;

  addNode(
    name: string,
    { cpu = '4', memory = '16Gi', pods = '110', labels = {}, annotations = {}, taints, unschedulable, ready = true }: FakeNode = {},
  ): void {
    const resources = { cpu, memory, pods };
    const long = formatTime(this.clock.now() - 3_600_000);
    this.nodes.set(name, {
      metadata: {
        name,
        uid: `uid-${name}`,
        resourceVersion: String((this.#version += 1)),
        creationTimestamp: long,
        labels: { 'kubernetes.io/hostname': name, ...labels },
        annotations: { ...annotations },
      },
      spec: {
        providerID: `fake:///${name}`,
        ...(taints === undefined ? {} : { taints }),
        ...(unschedulable === true ? { unschedulable } : {}),
      },
      status: {
        capacity: resources,
        allocatable: resources,
        conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: long }],
      },
    });
  }

  /** A node with its instance in a group. */
  addMember(group: string, name: string, node: FakeNode = {}): void {
    this.addNode(name, node);
    this.cloud.group(group).instances.push({ id: `fake:///${name}`, state: 'running' });
  }

  addPod({
    namespace = 'default',
    name,
    node,
    cpu = '100m',
    memory = '100Mi',
    owner,
    annotations,
    labels,
    graceSeconds = 30,
    priority,
    unschedulable = false,
    ageMs = 60_000,
  }: FakePod): void {
    const now = formatTime(this.clock.now() - ageMs);
    const key = `${namespace}/${name}`;
    const raw: KubeObject = {
      metadata: {
        namespace,
        name,
        uid: `uid-${namespace}-${name}-${(this.#version += 1)}`,
        creationTimestamp: now,
        labels: { ...labels },
        annotations: { ...annotations },
        ...(owner === undefined
          ? {}
          : { ownerReferences: [{ apiVersion: 'apps/v1', uid: `uid-${owner.name}`, controller: true, ...owner }] }),
      },
      spec: {
        containers: [{ name: 'app', resources: { requests: { cpu, memory } } }],
        terminationGracePeriodSeconds: graceSeconds,
        ...(priority === undefined ? {} : { priority }),
        ...(node === undefined ? {} : { nodeName: node }),
      },
      status: {
        phase: node === undefined ? 'Pending' : 'Running',
        conditions: unschedulable ? [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }] : [],
      },
    };
    const old = this.pods.get(key);
    this.pods.set(key, raw);
    this.#tell(key, old, raw);
  }

  removePod(key: string): void {
    const old = this.pods.get(key);
    this.pods.delete(key);
    this.#tell(key, old, undefined);
  }

  setPolicy(name: string, spec: unknown, metadata: object = {}): void {
    const old = this.policies.get(name);
    this.policies.set(name, {
      apiVersion: 'concertina.dev/v1alpha1',
      kind: 'NodePoolPolicy',
      metadata: {
        name,
        uid: `uid-${name}`,
        generation: (old?.metadata.generation ?? 0) + 1,
        resourceVersion: String((this.#version += 1)),
        ...metadata,
      },
      spec,
      ...(old?.status === undefined ? {} : { status: old.status }),
    });
  }

  record(name: string): NodeRecord | undefined {
    const raw = this.nodes.get(name);
    if (raw === undefined) return undefined;
    const known = this.#nodeRecords.get(name);
    if (known?.raw === raw) return known.record;
    const record = projectNode(raw, this.#interner);
    this.#nodeRecords.set(name, { raw, record });
    return record;
  }

  pod(key: string): PodRecord | undefined {
    const raw = this.pods.get(key);
    return raw === undefined ? undefined : projectPod(raw, this.#interner);
  }

  taintsOf(name: string): string[] {
    return (this.record(name)?.taints ?? []).map(({ key }) => key);
  }

  conditionOf(policy: string, type: string): string | undefined {
    const { conditions = [] } = (this.policies.get(policy)?.status ?? {}) as {
      conditions?: { type: string; status: string; reason: string }[];
    };
    const found = conditions.find((each) => each.type === type);
    return found === undefined ? undefined : `${found.status}/${found.reason}`;
  }

  readonly eventSink: EventSink = {
    emit: ({ kind, name }, { type, reason, message }) => this.events.push({ on: `${kind}/${name}`, type, reason, message }),
  };

  readonly fence: Fence = {
    check: ({ path }) => {
      if (this.fencedBy !== undefined) throw new ConcertinaError('FENCED', `${path} was not sent: ${this.fencedBy}`);
    },
  };

  reads(): NodesReads {
    const always = { hasSynced: () => true };
    return {
      pods: {
        ...always,
        items: () => [...this.pods.keys()].flatMap((key) => this.pod(key) ?? []),
        get: (key) => this.pod(key),
        onDelta: (handler) => {
          for (const key of this.pods.keys()) handler({ key, old: undefined, new: this.pod(key) });
          this.#podHandlers.add(handler);
          return () => this.#podHandlers.delete(handler);
        },
      },
      nodes: {
        ...always,
        items: () => [...this.nodes.keys()].flatMap((name) => this.record(name) ?? []),
        get: (name) => this.record(name),
      },
      budgets: { ...always, items: () => this.budgets },
      daemonPods: { ...always, items: () => this.daemonPods },
      namespaces: { ...always, items: () => [{ name: 'default', labels: {} }] },
      policies: {
        ...always,
        items: () => [...this.policies.values()],
        get: (name) => this.policies.get(name),
        onDelta: () => () => undefined,
      },
      controllers: this.controllers,
      ageMs: () => this.mirrorAgeMs,
    };
  }

  /** The part of a client that the controller uses. */
  client(): KubeClient {
    const store = (plural: string): Map<string, KubeObject> => {
      const known = new Map([
        ['nodes', this.nodes],
        ['configmaps', this.configMaps],
        ['leases', this.leases],
        ['nodepoolpolicies', this.policies],
      ]).get(plural);
      if (known === undefined) throw apiFailure(404, 'NotFound', `no ${plural} here`);
      return known;
    };
    const keyOf = ({ namespace, name }: { namespace?: string | undefined; name: string }): string =>
      namespace === undefined ? name : `${namespace}/${name}`;
    const client: Pick<KubeClient, 'server' | 'get' | 'patch' | 'create' | 'evict'> = {
      server: 'fake',
      get: <T>(...[type, key]: Parameters<KubeClient['get']>): Promise<T> => {
        const found = store(type.plural).get(keyOf(key));
        return found === undefined ? Promise.reject(apiFailure(404, 'NotFound')) : Promise.resolve(structuredClone(found) as T);
      },
      create: <T>(...[type, object]: Parameters<KubeClient['create']>): Promise<T> => {
        this.fence.check({ method: 'POST', path: `/${type.plural}` });
        const created = {
          ...object,
          metadata: { ...object.metadata, uid: `uid-${object.metadata.name}`, resourceVersion: String((this.#version += 1)) },
        };
        store(type.plural).set(keyOf({ namespace: object.metadata.namespace, name: object.metadata.name }), created);
        return Promise.resolve(created as T);
      },
      patch: async <T>(...[type, key, patch, options]: Parameters<KubeClient['patch']>): Promise<T> => {
        this.fence.check({ method: 'PATCH', path: `/${type.plural}/${key.name}` });
        if (type.plural === 'nodes') this.onNodeWrite?.(key.name);
        const objects = store(type.plural);
        const found = objects.get(keyOf(key));
        if (found === undefined) throw apiFailure(404, 'NotFound');
        const body = patch.body as { metadata?: { resourceVersion?: string } };
        const version = body.metadata?.resourceVersion;
        if (version !== undefined && version !== found.metadata.resourceVersion) throw apiFailure(409, 'Conflict');
        const merged = merge(found, body) as KubeObject;
        const next = { ...merged, metadata: { ...merged.metadata, resourceVersion: String((this.#version += 1)) } };
        objects.set(keyOf(key), next);
        if (type.plural === 'nodes') this.nodeWrites.push(`${key.name}: ${describeNode(next)}`);
        if (options?.subresource === 'status') this.statusPatches.push({ name: key.name, body: patch.body });
        return next as T;
      },
      evict: async (key, options = {}) => {
        this.fence.check({ method: 'POST', path: `/pods/${key.name}/eviction` });
        const name = keyOf(key);
        this.onEvict?.(name);
        const pod = this.pods.get(name);
        if (pod === undefined) throw apiFailure(404, 'NotFound');
        if (options.preconditions?.uid !== undefined && options.preconditions.uid !== pod.metadata.uid) throw apiFailure(409, 'Conflict');
        this.evictions.push({ pod: name, at: this.clock.now(), graceSeconds: options.gracePeriodSeconds });
        this.clock.setTimeout(() => {
          if (this.pods.get(name) === pod) this.removePod(name);
        }, this.terminationMs);
      },
    };
    return client as KubeClient;
  }

  #tell(key: string, old: KubeObject | undefined, next: KubeObject | undefined): void {
    const change = {
      key,
      old: old === undefined ? undefined : projectPod(old, this.#interner),
      new: next === undefined ? undefined : projectPod(next, this.#interner),
    };
    for (const handler of this.#podHandlers) handler(change);
  }
}

function describeNode({ spec }: KubeObject): string {
  const { taints = [], unschedulable = false } = spec as { taints?: { key: string }[]; unschedulable?: boolean };
  return `${taints.map(({ key }) => key).join('+')}${unschedulable ? ' cordoned' : ''}`.trim();
}

function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const base = typeof target === 'object' && target !== null && !Array.isArray(target) ? (target as Record<string, unknown>) : {};
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = merge(base[key], value);
  }
  return merged;
}

export interface FakeGroup {
  minSize: number;
  maxSize: number;
  targetSize: number;
  readonly instances: Instance[];
  template: NodeTemplate | undefined;
  tags: Record<string, string>;
}

/** A cloud that does at once what it is told, unless it was told otherwise. */
export class FakeCloud implements Provider {
  readonly name = 'fake';
  readonly gpuLabel = '';
  readonly ignoredLabels = [];
  readonly groupsById = new Map<string, FakeGroup>();
  readonly calls: string[] = [];
  /** Answers of the next calls that change something. */
  refusal: ProviderFailure | undefined;
  refreshError: Error | undefined;

  group(id: string): FakeGroup {
    const known = this.groupsById.get(id);
    if (known !== undefined) return known;
    const made: FakeGroup = { minSize: 0, maxSize: 10, targetSize: 0, instances: [], template: undefined, tags: {} };
    this.groupsById.set(id, made);
    return made;
  }

  refresh(): Promise<void> {
    this.calls.push('refresh');
    return this.refreshError === undefined ? Promise.resolve() : Promise.reject(this.refreshError);
  }

  groups(): readonly ProviderGroup[] {
    return [...this.groupsById].map(([id, { minSize, maxSize, targetSize, tags }]) => ({
      id,
      minSize,
      maxSize,
      targetSize,
      options: {},
      notes: [],
      tags,
    }));
  }

  groupOf({ providerId }: NodeRecord): string | undefined {
    return [...this.groupsById].find(([, { instances }]) => instances.some(({ id }) => id === providerId))?.[0];
  }

  hasInstance(node: NodeRecord): boolean | undefined {
    return this.groupOf(node) !== undefined;
  }

  instances(group: string): Promise<readonly Instance[]> {
    return Promise.resolve([...this.group(group).instances]);
  }

  template(group: string): Promise<{ readonly template: NodeTemplate } | { readonly problem: string }> {
    const { template } = this.group(group);
    return Promise.resolve(template === undefined ? { problem: 'unknown instance type' } : { template });
  }

  increaseSize(group: string, delta: number): Promise<ProviderResult> {
    return this.#change(`increase ${group} ${delta}`, () => {
      this.group(group).targetSize += delta;
    });
  }

  decreaseTargetSize(group: string, delta: number): Promise<ProviderResult> {
    return this.#change(`decrease ${group} ${delta}`, () => {
      this.group(group).targetSize += delta;
    });
  }

  deleteInstances(group: string, ids: readonly string[]): Promise<ProviderResult> {
    return this.#change(`delete ${group} ${ids.join(',')}`, () => {
      const known = this.group(group);
      const kept = known.instances.filter(({ id }) => !ids.includes(id));
      known.targetSize -= known.instances.length - kept.length;
      known.instances.splice(0, known.instances.length, ...kept);
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #change(call: string, apply: () => void): Promise<ProviderResult> {
    this.calls.push(call);
    if (this.refusal !== undefined) return Promise.resolve({ ok: false, failure: this.refusal });
    apply();
    return Promise.resolve({ ok: true });
  }
}
