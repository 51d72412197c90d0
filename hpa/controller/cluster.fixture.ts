import { Registry } from 'prom-client';
import { ConcertinaError } from '../../core/errors.ts';
import type { KubeClient, RawResponse, Scale } from '../../core/kube/api.ts';
import { ApiStatusError } from '../../core/kube/status-error.ts';
import { sleep } from '../../core/model/clock.ts';
import { buildClusterView } from '../../core/model/cluster-view.ts';
import type { Decision } from '../../core/model/decision.ts';
import type { RequestReference } from '../../core/model/intent.ts';
import { createInterner } from '../../core/model/interner.ts';
import { plainView } from '../../core/model/metrics-view.fixture.ts';
import type { MetricsView, PodUsage, SourceState } from '../../core/model/metrics-view.ts';
import type { KubeObject } from '../../core/model/object.ts';
import { projectPod, type PodRecord } from '../../core/model/pod.ts';
import { formatTime } from '../../core/model/condition.ts';
import { VirtualClock } from '../../core/runtime/clock.ts';
import { recordingLogger } from '../../core/runtime/logging.ts';
import { seededRandom } from '../../core/runtime/random.ts';
import type { PodChange, PodSource } from '../batch/index.ts';
import { defaultHpaConfig, type HpaConfig } from '../config.ts';
import type { EventNote } from '../engine/index.ts';
import { createHpaController, type HpaController } from './controller.ts';
import type { PolicyChange } from './ports.ts';

/** One Deployment as the fake API server keeps it. */
export interface FakeTarget {
  replicas: number;
  version: number;
  readonly selector: string;
  readonly labels: Record<string, string>;
}

/** A cluster in memory for tests of the controller: Deployments `shop/NAME`, their pods, usage, and policies. Everything can be changed at any time. */
export class FakeCluster {
  readonly clock = new VirtualClock(Date.UTC(2026, 0, 1, 12));
  readonly targets = new Map<string, FakeTarget>();
  readonly policies = new Map<string, KubeObject>();
  readonly nativeHpas = new Map<string, KubeObject>();
  readonly events: (EventNote & { readonly policy: string })[] = [];
  readonly decisions: Decision[] = [];
  readonly statusPatches: { readonly name: string; readonly body: unknown }[] = [];
  readonly logger = recordingLogger();
  readonly registry = new Registry();
  /** CPU request of every pod, whatever the template says. */
  cpuRequest = '1';
  /** Milli-cores of every pod, by target. */
  readonly load = new Map<string, number>();
  source: SourceState = { healthy: true, lastSuccess: 0 };
  /** Conflicts (409) that the next writes of a scale meet; a function is called at each. */
  conflicts: (() => void)[] = [];
  fencedBy: string | undefined;
  /** Called at each write of a scale or a status before it is carried out; what it throws is the answer. */
  onWrite: ((what: 'scale' | 'status') => void) | undefined;
  /** How long the API server takes to answer a read of a scale. */
  readDelayMs = 0;
  /** How long it takes to carry out a write of a scale. */
  writeDelayMs = 0;
  /** Pods of a target that the mirror of pods does not know (yet). */
  readonly unseen = new Map<string, number>();
  /** Milliseconds since the mirror of pods heard anything. */
  podsAgeMs = 0;
  /** Thrown out of `getScale` of a target. */
  readonly broken = new Map<string, Error>();
  #version = 1;
  #sequence = 0;
  #handlers = new Set<(change: PolicyChange) => void>();
  #hpaHandlers = new Set<(change: PolicyChange) => void>();
  /** What a requests policy moves, by target. */
  readonly references = new Map<string, RequestReference>();
  /** Thrown when an object is deleted. */
  deletion: Error | undefined;

  addTarget(name: string, replicas: number, labels: Record<string, string> = { app: name }): FakeTarget {
    const selector = Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(',');
    const target = { replicas, version: 1, selector, labels };
    this.targets.set(name, target);
    return target;
  }

  setPolicy(name: string, spec: object, metadata: object = {}): void {
    const key = `shop/${name}`;
    const old = this.policies.get(key);
    const raw: KubeObject = {
      apiVersion: 'concertina.dev/v1alpha1',
      kind: 'HorizontalPolicy',
      metadata: {
        name,
        namespace: 'shop',
        uid: `uid-${name}`,
        generation: (old?.metadata.generation ?? 0) + 1,
        resourceVersion: String((this.#version += 1)),
        ...metadata,
      },
      spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name }, maxReplicas: 10, ...spec },
      status: old?.status ?? {},
    };
    this.policies.set(key, raw);
    this.#tell({ type: old === undefined ? 'added' : 'updated', key, old, new: raw });
  }

  /** A native object; API servers before 1.37 keep no generation of them. */
  setHpa(name: string, spec: object, target = name): void {
    const key = `shop/${name}`;
    const old = this.nativeHpas.get(key);
    const raw: KubeObject = {
      metadata: { name, namespace: 'shop', uid: `hpa-${name}`, resourceVersion: String((this.#version += 1)) },
      spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: target }, maxReplicas: 10, ...spec },
      status: old?.status ?? {},
    };
    this.nativeHpas.set(key, raw);
    this.#tellOfHpa({ type: old === undefined ? 'added' : 'updated', key, old, new: raw });
  }

  deleteHpa(name: string): void {
    const key = `shop/${name}`;
    const old = this.nativeHpas.get(key);
    this.nativeHpas.delete(key);
    this.#tellOfHpa({ type: 'deleted', key, old, new: undefined });
  }

  deletePolicy(name: string): void {
    const key = `shop/${name}`;
    const old = this.policies.get(key);
    this.policies.delete(key);
    this.#tell({ type: 'deleted', key, old, new: undefined });
  }

  status(name: string) {
    return this.policies.get(`shop/${name}`)?.status as {
      conditions: { type: string; status: string; reason: string; message: string }[];
      lastDecision: { reason: string; message: string };
      lastScaleUpTime?: string;
      currentReplicas?: number;
      observedGeneration?: number;
    };
  }

  condition(name: string, type: string): string | undefined {
    const found = this.status(name).conditions.find((each) => each.type === type);
    return found === undefined ? undefined : `${found.status}/${found.reason}`;
  }

  /** With `podChanges` policies are decided together. */
  controller(config: Partial<HpaConfig> = {}, podChanges?: FakePods): HpaController {
    return createHpaController({
      client: this.client(),
      reads: {
        policies: this.#source(this.policies, this.#handlers),
        pods: () => this.view(),
        podChanges,
        podsAgeMs: () => this.podsAgeMs,
        nativeHpas: this.#source(this.nativeHpas, this.#hpaHandlers),
        requestReferenceOf: ({ name }) => this.references.get(name),
      },
      metrics: () => this.metrics(),
      clock: this.clock,
      random: seededRandom(1),
      events: { emit: (regarding, note) => this.events.push({ ...note, policy: regarding.name }) },
      logger: this.logger,
      registry: this.registry,
      config: { ...defaultHpaConfig, ...config },
      onDecision: (decision) => this.decisions.push(decision),
    });
  }

  view() {
    return buildClusterView({ at: this.clock.now(), pods: this.pods() });
  }

  /** All pods as they should be: as many as spec.replicas, ready for an hour. */
  pods(): PodRecord[] {
    const interner = createInterner();
    const long = formatTime(this.clock.now() - 3_600_000);
    return [...this.targets].flatMap(([name, { replicas, labels }]) =>
      Array.from({ length: replicas - (this.unseen.get(name) ?? 0) }, (_, index) =>
        projectPod(
          {
            metadata: { name: `${name}-${index}`, namespace: 'shop', uid: `${name}-${index}`, labels, creationTimestamp: long },
            spec: { containers: [{ name: 'app', resources: { requests: { cpu: this.cpuRequest, memory: '1Gi' } } }] },
            status: { phase: 'Running', startTime: long, conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: long }] },
          },
          interner,
        ),
      ),
    );
  }

  metrics(): MetricsView {
    const usage = new Map<string, PodUsage>();
    for (const [name, { replicas }] of this.targets) {
      const cpuMilli = this.load.get(name);
      if (cpuMilli === undefined) continue;
      for (let index = 0; index < replicas; index += 1) {
        const containers = [{ name: 'app', cpuMilli, memoryMilli: 1000 }];
        const pod = `${name}-${index}`;
        usage.set(pod, { namespace: 'shop', name: pod, timestamp: this.clock.now() - 5000, windowMs: 15_000, containers });
      }
    }
    return plainView({ at: this.clock.now(), sequence: (this.#sequence += 1), source: this.source, pods: usage.values() });
  }

  #tell(change: PolicyChange): void {
    for (const handler of this.#handlers) handler(change);
  }

  #tellOfHpa(change: PolicyChange): void {
    for (const handler of this.#hpaHandlers) handler(change);
  }

  #source(objects: Map<string, KubeObject>, handlers: Set<(change: PolicyChange) => void>) {
    return {
      get: (key: string) => objects.get(key),
      items: () => [...objects.values()],
      hasSynced: () => true,
      onDelta: (handler: (change: PolicyChange) => void) => {
        handlers.add(handler);
        for (const [key, raw] of objects) handler({ type: 'added', key, old: undefined, new: raw });
        return () => handlers.delete(handler);
      },
    };
  }

  /** The part of a client that the controller uses. */
  client(): KubeClient {
    const answer = (status: number, body: unknown): RawResponse => ({ status, headers: {}, body: Buffer.from(JSON.stringify(body)) });
    const scaleOf = (name: string): Scale => {
      const broken = this.broken.get(name);
      if (broken !== undefined) throw broken;
      const target = this.targets.get(name);
      if (target === undefined) throw failure(404, 'NotFound', `deployments.apps "${name}" not found`);
      return {
        resourceVersion: String(target.version),
        specReplicas: target.replicas,
        statusReplicas: target.replicas,
        selector: target.selector,
      };
    };
    const fence = (path: string): void => {
      if (this.fencedBy !== undefined) throw new ConcertinaError('FENCED', `${path} was not sent: ${this.fencedBy}`);
    };
    const client: Pick<KubeClient, 'server' | 'raw' | 'get' | 'getScale' | 'setScale' | 'patch' | 'delete'> = {
      server: 'fake',
      raw: ({ path }) => {
        const resources = [
          { name: 'deployments', kind: 'Deployment', namespaced: true },
          { name: 'deployments/scale', kind: 'Scale', namespaced: true },
          { name: 'daemonsets', kind: 'DaemonSet', namespaced: true },
        ];
        if (path === '/apis/apps/v1') return Promise.resolve(answer(200, { resources }));
        if (path === '/apis/apps') return Promise.resolve(answer(200, { versions: [{ version: 'v1' }] }));
        return Promise.resolve(answer(404, {}));
      },
      get: <T>(...[, { name }]: Parameters<KubeClient['get']>): Promise<T> => {
        if (!this.targets.has(name)) throw failure(404, 'NotFound', 'gone');
        const containers = [{ name: 'app', resources: { requests: { cpu: '1', memory: '1Gi' } } }];
        return Promise.resolve({ metadata: { name }, spec: { template: { spec: { containers } } } } as T);
      },
      getScale: async (_, { name }) => {
        await (this.readDelayMs === 0 ? Promise.resolve() : sleep(this.clock, this.readDelayMs));
        return scaleOf(name);
      },
      setScale: async (_, { name }, replicas, options) => {
        fence(`PATCH ${name}/scale`);
        this.onWrite?.('scale');
        this.conflicts.shift()?.();
        const target = this.targets.get(name);
        if (target === undefined) throw failure(404, 'NotFound', 'gone');
        if (String(target.version) !== options?.resourceVersion) throw failure(409, 'Conflict', 'the object has been modified');
        if (this.writeDelayMs > 0) await sleep(this.clock, this.writeDelayMs);
        target.replicas = replicas;
        target.version += 1;
        return Promise.resolve(scaleOf(name));
      },
      delete: (_, { name }) => {
        fence(`DELETE ${name}`);
        if (this.deletion !== undefined) return Promise.reject(this.deletion);
        this.deleteHpa(name);
        return Promise.resolve();
      },
      patch: async <T>(...[type, { name }, { body }]: Parameters<KubeClient['patch']>): Promise<T> => {
        fence(`PATCH ${name}/status`);
        this.onWrite?.('status');
        const key = `shop/${name}`;
        const native = type.kind === 'HorizontalPodAutoscaler';
        const objects = native ? this.nativeHpas : this.policies;
        const old = objects.get(key);
        if (old === undefined) throw failure(404, 'NotFound', 'gone');
        this.statusPatches.push({ name, body });
        const patch = (body as { status: object }).status;
        const raw: KubeObject = {
          ...old,
          metadata: { ...old.metadata, resourceVersion: String((this.#version += 1)) },
          status: merge(old.status, patch),
        };
        objects.set(key, raw);
        const change = { type: 'updated' as const, key, old, new: raw };
        if (native) this.#tellOfHpa(change);
        else this.#tell(change);
        return Promise.resolve(raw as T);
      },
    };
    return client as KubeClient;
  }
}

/** A mirror of the pods of a cluster: {@link FakePods.sync} tells what has come and gone. */
export class FakePods implements PodSource {
  readonly #cluster: FakeCluster;
  readonly #known = new Map<string, PodRecord>();
  readonly #handlers = new Set<(change: PodChange) => void>();

  constructor(cluster: FakeCluster) {
    this.#cluster = cluster;
    this.sync();
  }

  sync(): void {
    const now = new Map(this.#cluster.pods().map((pod) => [pod.name, pod]));
    for (const [name, old] of this.#known) {
      if (now.has(name)) continue;
      this.#known.delete(name);
      for (const handler of this.#handlers) handler({ old, new: undefined });
    }
    for (const [name, pod] of now) {
      if (this.#known.has(name)) continue;
      this.#known.set(name, pod);
      for (const handler of this.#handlers) handler({ old: undefined, new: pod });
    }
  }

  items(): readonly PodRecord[] {
    return [...this.#known.values()];
  }

  onDelta(handler: (change: PodChange) => void): () => void {
    this.#handlers.add(handler);
    for (const pod of this.#known.values()) handler({ old: undefined, new: pod });
    return () => this.#handlers.delete(handler);
  }
}

function failure(code: number, reason: string, message: string): ApiStatusError {
  return new ApiStatusError({ code, reason, message });
}

/** RFC 7386. */
function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const merged: Record<string, unknown> = typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = merge(merged[key], value);
  }
  return merged;
}
