import { Registry } from 'prom-client';
import type { JsonPatchOperation, KubeClient, Patch } from '../../../core/kube/api.ts';
import { fenced } from '../../../core/kube/fence.ts';
import { ApiStatusError } from '../../../core/kube/status-error.ts';
import { buildClusterView } from '../../../core/model/cluster-view.ts';
import { recordScaling, type ScalingDirection, type ScalingHistory } from '../../../core/model/cooldown.ts';
import type { Decision } from '../../../core/model/decision.ts';
import { createInterner } from '../../../core/model/interner.ts';
import type { KubeObject, ObjectReference } from '../../../core/model/object.ts';
import type { PdbRecord } from '../../../core/model/pdb.ts';
import { projectPod } from '../../../core/model/pod.ts';
import { selectEverything } from '../../../core/model/selector.ts';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import type { Logger } from '../../../core/runtime/logging.ts';
import { defaultUpdaterConfig, type UpdaterConfig } from '../../config.ts';
import type { ContainerRecommendation, SizingPolicy } from '../../model.ts';
import type { KnownPolicy, PolicyBook, TargetResolver, WorkloadFacts } from '../../ports.ts';
import { known, policy, rawPod, recommended, start, workload, type PodOptions } from '../engine/builders.fixture.ts';
import type { Health, UpdaterOptions } from './ports.ts';

type RawPod = ReturnType<typeof rawPod>;

/** A cluster of one Deployment that does what is asked of it, and remembers that it was. */
export class FakeCluster {
  readonly clock = new VirtualClock(start);
  readonly pods = new Map<string, RawPod & KubeObject>();
  readonly policies = new Map<string, KnownPolicy>();
  readonly events: { readonly on: string; readonly reason: string; readonly type: string; readonly message: string }[] = [];
  readonly calls: string[] = [];
  readonly patches: Patch[] = [];
  readonly decisions: Decision[] = [];
  readonly logs: string[] = [];
  readonly histories = new Map<string, ScalingHistory>();
  readonly registry = new Registry();
  pdbs: PdbRecord[] = [];
  facts: WorkloadFacts = workload();
  health: Health = { ok: true };
  /** What the mirror of pods shows; `undefined`: what is there. */
  mirrored: ReturnType<FakeCluster['view']> | undefined;
  /** Thrown by the next writes, one each; `undefined`: none. */
  failures: (Error | undefined)[] = [];
  fencedBy: string | undefined;
  /** What new pods ask for, `undefined`: what is recommended. */
  admitted: string | undefined;
  deployment: KubeObject = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop', uid: 'uid-web', resourceVersion: '7', generation: 1 },
    spec: { replicas: 1, strategy: { type: 'RollingUpdate' } },
    status: { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 },
  };
  readonly #changes = new Set<(change: { key: string; old: KnownPolicy | undefined; new: KnownPolicy | undefined }) => void>();
  #version = 1;
  #created = 0;

  addPods(count: number, options: PodOptions = {}): void {
    for (let index = 0; index < count; index += 1) {
      const raw = rawPod(`web-${this.pods.size}`, options);
      this.pods.set(raw.metadata.name, raw as RawPod & KubeObject);
    }
    this.facts = { ...this.facts, replicas: this.pods.size };
  }

  setPolicy(
    sizing: Partial<SizingPolicy> = {},
    recommendation: ContainerRecommendation | undefined = recommended({ cpu: 250 }),
  ): KnownPolicy {
    const next = known(policy(sizing), recommendation);
    const old = this.policies.get(next.key);
    this.policies.set(next.key, next);
    for (const handler of this.#changes) handler({ key: next.key, old, new: next });
    return next;
  }

  /** The workload makes up for pods that have gone. */
  replace(): void {
    for (const [name, raw] of Array.from(this.pods)) {
      if ((raw as KubeObject).metadata.deletionTimestamp === undefined) continue;
      this.pods.delete(name);
      this.#created += 1;
      const cpu = this.admitted ?? '250m';
      const next = rawPod(`new-${this.#created}`, { cpu, ageMs: start - this.clock.now() });
      this.pods.set(next.metadata.name, next as RawPod & KubeObject);
    }
  }

  view() {
    const interner = createInterner();
    return buildClusterView({
      at: this.clock.now(),
      pods: [...this.pods.values()].map((raw) => projectPod(raw, interner)),
      pdbs: this.pdbs,
    });
  }

  options(more: Partial<UpdaterOptions> = {}, config: Partial<UpdaterConfig> = {}): UpdaterOptions {
    return {
      client: this.#client(),
      book: this.#book(),
      targets: this.#targets(),
      pods: () => this.mirrored ?? this.view(),
      limits: () => undefined,
      admissionHealthy: () => this.health,
      historyOf: (key) => this.histories.get(key) ?? {},
      recordScaling: (key: string, direction: ScalingDirection, at: number) => {
        this.histories.set(key, recordScaling(this.histories.get(key) ?? {}, direction, at));
      },
      clock: this.clock,
      events: {
        emit: (regarding: ObjectReference, { reason, type, message }) => {
          this.events.push({ on: `${regarding.kind}/${regarding.name}`, reason, type, message });
        },
      },
      logger: this.#logger(),
      registry: this.registry,
      config: { ...defaultUpdaterConfig, ...config },
      dryRun: false,
      onDecision: (decision) => this.decisions.push(decision),
      ...more,
    };
  }

  #logger(): Logger {
    const write = (message: string, fields?: object): void => {
      this.logs.push(`${message} ${JSON.stringify(fields ?? {})}`);
    };
    const logger: Logger = { debug: write, info: write, warn: write, error: write, child: () => logger };
    return logger;
  }

  #book(): PolicyBook {
    return {
      all: () => [...this.policies.values()],
      get: (key) => this.policies.get(key),
      inNamespace: () => [...this.policies.values()],
      forTarget: () => [...this.policies.values()],
      rejected: () => [],
      onChange: (handler) => {
        this.#changes.add(handler);
        return () => this.#changes.delete(handler);
      },
      hasSynced: () => true,
    };
  }

  #targets(): TargetResolver {
    const top = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'uid-web' };
    return {
      resolve: () => ({ state: 'known', selector: selectEverything, workload: this.facts }),
      topmost: () => ({ state: 'known', owner: top }),
      topmostOf: () => Promise.resolve({ state: 'known', owner: top }),
      workload: () => this.facts,
      controlling: () => [...this.policies.values()][0],
      onResolved: () => () => undefined,
    };
  }

  #client(): KubeClient {
    const write = (call: string): void => {
      if (this.fencedBy !== undefined) throw fenced(this.fencedBy, 'POST', call);
      const failure = this.failures.shift();
      if (failure !== undefined) throw failure;
      this.calls.push(call);
    };
    const podOf = (name: string): RawPod & KubeObject => {
      const raw = this.pods.get(name);
      if (raw === undefined) throw statusError(404, 'NotFound', `pods "${name}" not found`);
      return raw;
    };
    const client: Partial<KubeClient> = {
      get: <T>(type: { readonly kind: string }, { name }: { readonly name: string }) =>
        Promise.resolve().then(() => (type.kind === 'Deployment' ? this.deployment : podOf(name)) as T),
      evict: ({ name }, { preconditions } = {}) =>
        Promise.resolve().then(() => {
          const raw = podOf(name);
          if (preconditions?.uid !== raw.metadata.uid) throw statusError(409, 'Conflict', 'uid');
          write(`evict ${name}`);
          (raw as KubeObject).metadata.deletionTimestamp = new Date(this.clock.now()).toISOString();
        }),
      resize: <T>({ name }: { readonly name: string }, patch: Patch) =>
        Promise.resolve().then(() => {
          const raw = podOf(name);
          this.#check(raw, patch);
          write(`resize ${name}`);
          this.patches.push(patch);
          const cpu = (patch.body as JsonPatchOperation[]).find(({ path }) => path === '/spec/containers/0/resources/requests/cpu');
          const container = raw.spec.containers[0];
          if (container !== undefined && cpu !== undefined && 'value' in cpu) container.resources.requests.cpu = String(cpu.value);
          raw.metadata.resourceVersion = String((this.#version += 1));
          return raw as T;
        }),
      patch: <T>({ kind }: { readonly kind: string }, { name }: { readonly name: string }, patch: Patch) =>
        Promise.resolve().then(() => {
          write(`patch ${kind} ${name}`);
          this.patches.push(patch);
          return {} as T;
        }),
    };
    return client as KubeClient;
  }

  /** The tests of a JSON patch. */
  #check(raw: KubeObject, patch: Patch): void {
    for (const operation of patch.body as readonly JsonPatchOperation[]) {
      if (operation.op !== 'test') continue;
      const field = operation.path.replace('/metadata/', '');
      if (raw.metadata[field] !== operation.value) throw statusError(422, 'Invalid', `testing ${operation.path} failed`);
    }
  }
}

export function statusError(
  code: number,
  reason: string,
  message: string,
  causes: { reason: string; message: string }[] = [],
): ApiStatusError {
  return new ApiStatusError({ code, reason, message, details: { causes } });
}
