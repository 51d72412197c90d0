import { Registry } from 'prom-client';
import type { KubeClient, Patch } from '../../../core/kube/api.ts';
import { ApiStatusError } from '../../../core/kube/status-error.ts';
import type { MetricsView } from '../../../core/model/metrics-view.ts';
import { plainView, type PlainViewFacts } from '../../../core/model/metrics-view.fixture.ts';
import { createInterner } from '../../../core/model/interner.ts';
import type { KubeObject, ResourceType } from '../../../core/model/object.ts';
import { buildClusterView } from '../../../core/model/cluster-view.ts';
import { projectPod, type PodRecord } from '../../../core/model/pod.ts';
import { matchesSelector, selectorOf } from '../../../core/model/selector.ts';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import { recordingLogger } from '../../../core/runtime/logging.ts';
import { defaultRecommenderConfig } from '../../config.ts';
import type { SizingPolicy } from '../../model.ts';
import { recommendationOf } from '../../policy-status.ts';
import type { KnownPolicy, PolicyBook, TargetResolution, TargetResolver } from '../../ports.ts';
import { fakeSource, knownPolicy, policyFor } from '../../targets/targets.fixture.ts';
import type { ContainerEvidence, OomRecord, PolicyRecommendation, RecommenderEngine, TrackedPolicy } from '../engine/types.ts';
import type { CheckpointPort, RecommenderOptions } from './ports.ts';
import { createRecommender } from './recommender.ts';

/** A cluster of fakes around a recommender. */

type BookChange = Parameters<Parameters<PolicyBook['onChange']>[0]>[0];

interface Patched {
  readonly key: string;
  readonly subresource: string | undefined;
  readonly body: KubeObject;
}

export type FakeBook = ReturnType<typeof fakeBook>;

/** Policies that are stored where the client writes to. */
export function fakeBook() {
  const known = new Map<string, KnownPolicy>();
  const rejected = new Map<string, ReturnType<PolicyBook['rejected']>[number]>();
  const handlers = new Set<(change: BookChange) => void>();
  let version = 1;
  const emit = (change: BookChange): void => {
    for (const handler of handlers) handler(change);
  };
  const store = (key: string, next: KnownPolicy | undefined): void => {
    const old = known.get(key);
    if (next === undefined) known.delete(key);
    else known.set(key, next);
    emit({ key, old, new: next });
  };
  const book: PolicyBook & { synced: boolean } = {
    synced: true,
    all: () => [...known.values()],
    get: (key) => known.get(key),
    inNamespace: (namespace) => [...known.values()].filter(({ policy }) => policy.reference.namespace === namespace),
    forTarget: () => [],
    rejected: () => [...rejected.values()],
    onChange: (handler) => {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    hasSynced() {
      return this.synced;
    },
  };
  return {
    book,
    rejected,
    add: (policy: SizingPolicy, status?: object): string => {
      const made = knownPolicy(policy);
      version += 1;
      const raw = { ...made.raw, metadata: { ...made.raw.metadata, resourceVersion: String(version) }, ...(status && { status }) };
      store(made.key, { ...made, raw, recommendation: recommendationOf(raw) });
      return made.key;
    },
    delete: (key: string) => store(key, undefined),
    /** As the watch brings it. */
    update: (key: string, change: (raw: KubeObject) => KubeObject): KubeObject => {
      const held = known.get(key) ?? rejected.get(key);
      if (held === undefined) throw new ApiStatusError({ code: 404, reason: 'NotFound', message: 'gone' });
      version += 1;
      const changed = change(held.raw);
      const raw = { ...changed, metadata: { ...changed.metadata, resourceVersion: String(version) } };
      if ('policy' in held) store(key, { ...held, raw, recommendation: recommendationOf(raw) });
      else rejected.set(key, { ...held, raw });
      return raw;
    },
    status: (key: string): Readonly<Record<string, unknown>> =>
      ((known.get(key) ?? rejected.get(key))?.raw.status ?? {}) as Readonly<Record<string, unknown>>,
  };
}

export function mergePatched(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const base = typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...(target as object) } : {};
  const out = base as Record<string, unknown>;
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete out[key];
    else out[key] = mergePatched(out[key], value);
  }
  return out;
}

/** Takes merge patches as the API server does: a status patch changes the status only, another uid is a conflict. */
export function fakeWrites({ update }: FakeBook) {
  const writes = {
    patches: [] as Patched[],
    running: 0,
    most: 0,
    fail: (_key: string): Error | undefined => undefined,
    turns: 1,
    stored: (status: Record<string, unknown>) => status,
  };
  const patch = async (
    type: ResourceType,
    { namespace, name }: { namespace?: string | undefined; name: string },
    { body }: Patch,
    options: { subresource?: string | undefined } = {},
  ): Promise<KubeObject> => {
    const key = `${type.kind}/${namespace ?? ''}/${name}`;
    writes.running += 1;
    writes.most = Math.max(writes.most, writes.running);
    for (let turn = 0; turn < writes.turns; turn++) await new Promise((resolve) => setImmediate(resolve));
    writes.running -= 1;
    const failure = writes.fail(key);
    if (failure !== undefined) throw failure;
    const sent = body as unknown as KubeObject;
    writes.patches.push({ key, subresource: options.subresource, body: sent });
    return update(key, (raw) => {
      if (sent.metadata.uid !== undefined && sent.metadata.uid !== raw.metadata.uid) {
        throw new ApiStatusError({ code: 409, reason: 'Conflict', message: 'the uid is another' });
      }
      if (options.subresource === 'status')
        return { ...raw, status: writes.stored(mergePatched(raw.status, sent.status) as Record<string, unknown>) };
      return { ...raw, metadata: mergePatched(raw.metadata, sent.metadata) as KubeObject['metadata'] };
    });
  };
  return { writes, client: { patch } as unknown as KubeClient };
}

export function evidenceOf(
  container: string,
  facts: Partial<ContainerEvidence> & { readonly cpu?: number; readonly memory?: number } = {},
): ContainerEvidence {
  const { cpu = 100, memory = 1e8, ...rest } = facts;
  const resource = (name: 'cpu' | 'memory', target: number): ContainerEvidence['resources'][number] => ({
    resource: name,
    percentiles: { lower: 0.5, target: 0.9, upper: 0.95 },
    estimates: { lower: target, target, upper: target },
    margin: 0.15,
    confidence: 1,
    minimum: 25,
    atMinimum: target === 0,
  });
  return {
    container,
    samples: 10,
    firstSample: Date.UTC(2025, 11, 31),
    lastSample: Date.UTC(2026, 0, 1),
    coverage: 1,
    memoryPeaks: 1,
    oomKills: 0,
    lastOom: undefined,
    resources: [resource('cpu', cpu), resource('memory', memory)],
    ...rest,
  };
}

/** A recommendation of these containers: milli-cores and bytes. */
export function recommend(amounts: Readonly<Record<string, readonly [cpu: number, memory: number]>>): PolicyRecommendation {
  const entries = Object.entries(amounts).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return {
    containers: entries.map(([container, [cpu, memory]]) => ({
      container,
      target: { cpu, memory },
      lowerBound: { cpu, memory },
      upperBound: { cpu: cpu * 2, memory: memory * 2 },
      uncappedTarget: { cpu, memory },
    })),
    evidence: entries.map(([container, [cpu, memory]]) => evidenceOf(container, { cpu, memory })),
  };
}

export function fakeEngine() {
  const policies = new Map<string, TrackedPolicy>();
  const pods = new Map<string, PodRecord>();
  const state = {
    calls: [] as string[],
    /** By policy key; a function is asked each time. */
    recommendations: new Map<string, PolicyRecommendation | (() => PolicyRecommendation)>(),
    usages: 0,
    ooms: [] as OomRecord[],
    forgotten: [] as string[],
    policies,
    pods,
  };
  const engine: RecommenderEngine = {
    setPolicy: (key, policy) => {
      state.calls.push(`set ${key}`);
      policies.set(key, policy);
    },
    removePolicy: (key) => {
      state.calls.push(`remove ${key}`);
      policies.delete(key);
    },
    setPod: (pod) => void pods.set(`${pod.namespace}/${pod.name}`, pod),
    removePod: (namespace, name) => void pods.delete(`${namespace}/${name}`),
    observeUsage: () => {
      state.usages += 1;
      return { accepted: 1, unknown: 0, refused: 0 };
    },
    observeOom: (oom) => {
      state.ooms.push(oom);
      return true;
    },
    observeHistory: () => 0,
    podCount: (key) => {
      const policy = policies.get(key);
      if (policy === undefined) return 0;
      return [...pods.values()].filter(
        ({ namespace, labels }) => namespace === policy.namespace && matchesSelector(policy.selector, labels),
      ).length;
    },
    recommend: (key) => {
      state.calls.push(`recommend ${key}`);
      const found = state.recommendations.get(key);
      return typeof found === 'function' ? found() : found;
    },
    containerNames: (key) => {
      const found = state.recommendations.get(key);
      return (typeof found === 'function' ? found() : found)?.containers.map(({ container }) => container) ?? [];
    },
    saveCheckpoint: () => undefined,
    loadCheckpoint: () => ({ ok: true }),
    forgetContainer: (key, container) => {
      state.forgotten.push(`${key}/${container}`);
      const found = state.recommendations.get(key);
      if (found === undefined || typeof found === 'function') return;
      const without = <T extends { readonly container: string }>(list: readonly T[]): T[] =>
        list.filter((each) => each.container !== container);
      state.recommendations.set(key, { containers: without(found.containers), evidence: without(found.evidence) });
    },
    collectGarbage: () => {
      state.calls.push('collect');
      return 0;
    },
    stats: () => ({ aggregates: 7, containers: 0, pods: pods.size, policies: policies.size, bytes: 0 }),
  };
  return Object.assign(state, { engine });
}

export function fakeCheckpoints() {
  const state = {
    loads: [] as string[],
    loaded: 0,
    passes: [] as (readonly string[])[],
    kept: (_key: string, _container: string): boolean => true,
    flushes: 0,
    fail: (_key: string): Error | undefined => undefined,
    /** Held back until it resolves. */
    gate: undefined as Promise<void> | undefined,
  };
  const port: CheckpointPort = {
    loadFor: async ({ key }) => {
      state.loads.push(key);
      await state.gate;
      const failure = state.fail(key);
      if (failure !== undefined) throw failure;
      return state.loaded;
    },
    pass: (policies) => {
      state.passes.push(policies.map(({ key }) => key));
      return Promise.resolve();
    },
    collectGarbage: ({ container }) => {
      state.kept = container;
      return Promise.resolve();
    },
    flush: () => {
      state.flushes += 1;
      return Promise.resolve();
    },
  };
  return Object.assign(state, { port });
}

const interner = createInterner();

export interface PodFacts {
  readonly namespace?: string;
  readonly containers?: readonly string[];
  readonly app?: string;
  readonly phase?: string;
  readonly statuses?: readonly object[];
  readonly started?: number;
}

export function podOf(
  name: string,
  { namespace = 'shop', containers = ['app'], app = 'web', phase = 'Running', statuses, started }: PodFacts = {},
): PodRecord {
  return projectPod(
    {
      metadata: { name, namespace, uid: name, labels: { app } },
      spec: { containers: containers.map((each) => ({ name: each, resources: { requests: { cpu: '100m', memory: '100Mi' } } })) },
      status: {
        phase,
        ...(started === undefined ? {} : { startTime: new Date(started).toISOString() }),
        ...(statuses === undefined ? {} : { containerStatuses: statuses }),
      },
    },
    interner,
  );
}

export function fakeTargets() {
  const state = {
    resolutions: new Map<string, TargetResolution>(),
    resolved: () => undefined as void,
  };
  const web: TargetResolution = { state: 'known', selector: selectorOf({ matchLabels: { app: 'web' } }), workload: undefined };
  const targets: TargetResolver = {
    resolve: ({ reference }) => state.resolutions.get(reference.name) ?? web,
    topmost: () => ({ state: 'none' }),
    topmostOf: () => Promise.resolve({ state: 'none' }),
    workload: () => undefined,
    controlling: () => undefined,
    onResolved: (handler) => {
      state.resolved = handler;
      return () => undefined;
    },
  };
  return Object.assign(state, { targets });
}

/** A plain view whose samples are all new. */
export function freshView(facts: PlainViewFacts): MetricsView {
  const plain = plainView(facts);
  return {
    ...plain,
    eachFresh: (visit) => {
      for (const { namespace, name, timestamp, windowMs, containers } of plain.pods()) {
        for (const { name: container, cpuMilli, memoryMilli } of containers) {
          visit({ namespace, pod: name, container, timestamp, windowMs, cpuMilli, memoryMilli });
        }
      }
    },
  };
}

/** A policy `shop/<name>` for the Deployment of the same name. */
export function policyNamed(name: string, facts: Partial<SizingPolicy> = {}): SizingPolicy {
  const policy = policyFor('Deployment', name, facts);
  const kind = facts.native === true ? 'VerticalPodAutoscaler' : 'VerticalPolicy';
  const apiVersion = facts.native === true ? 'autoscaling.k8s.io/v1' : 'concertina.dev/v1alpha1';
  return { ...policy, reference: { apiVersion, kind, namespace: 'shop', name, uid: `uid-${name}`, ...facts.reference } };
}

export function scene(given: Partial<RecommenderOptions> = {}) {
  const clock = new VirtualClock();
  const policies = fakeBook();
  const { writes, client } = fakeWrites(policies);
  const engine = fakeEngine();
  const pods = fakeSource<PodRecord>();
  const checkpoints = fakeCheckpoints();
  const targets = fakeTargets();
  const logger = recordingLogger();
  const registry = new Registry();
  const events: string[] = [];
  const view = { current: plainView({ at: clock.now(), sequence: 0 }) as MetricsView };
  const recommender = createRecommender({
    engine: engine.engine,
    book: policies.book,
    targets: targets.targets,
    pods: { ...pods, lister: () => buildClusterView({ at: clock.now(), pods: pods.items() }), hasSynced: () => pods.synced },
    metrics: () => view.current,
    client,
    checkpoints: checkpoints.port,
    clock,
    // No jitter: a virtual clock cannot hold fractions of a millisecond.
    random: () => 0,
    events: { emit: (_, { reason, message }) => void events.push(`${reason}: ${message}`) },
    logger,
    registry,
    config: defaultRecommenderConfig,
    ...given,
  });
  /** A new view, healthy unless said otherwise. */
  const measure = (facts: Partial<PlainViewFacts> = {}): void => {
    view.current = freshView({ at: clock.now(), sequence: view.current.sequence + 1, ...facts });
    recommender.metricsChanged();
  };
  const condition = (key: string, type: string): string | undefined => {
    const list = (policies.status(key)['conditions'] ?? []) as readonly {
      type: string;
      status: string;
      reason?: string;
      message?: string;
    }[];
    const found = list.find((each) => each.type === type);
    return found === undefined ? undefined : `${found.status}/${found.reason ?? ''}: ${found.message ?? ''}`;
  };
  const target = (key: string, container: string): unknown => {
    const { containerRecommendations: list = [] } = (policies.status(key)['recommendation'] ?? {}) as {
      containerRecommendations?: readonly { containerName: string; target: unknown }[];
    };
    return list.find(({ containerName }) => containerName === container)?.target;
  };
  return {
    clock,
    policies,
    writes,
    engine,
    pods,
    checkpoints,
    targets,
    logger,
    registry,
    events,
    view,
    recommender,
    measure,
    condition,
    target,
  };
}
