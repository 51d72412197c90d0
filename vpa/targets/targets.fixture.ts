import type { KubeClient, RawRequest, RawResponse } from '../../core/kube/api.ts';
import { createInterner } from '../../core/model/interner.ts';
import type { KubeObject } from '../../core/model/object.ts';
import type { OwnerRecord } from '../../core/model/pod.ts';
import type { SizingPolicy } from '../model.ts';
import { sizingPolicy } from '../policy.fixture.ts';
import type { KnownPolicy, ObjectChange, ObjectSource } from '../ports.ts';
import { projectTargetWorkload, wellKnownKinds, type TargetWorkload, type WellKnownKind } from './target-workload.ts';

/** Fakes for tests of the room. */

/** A live list that a test fills. */
export interface FakeSource<T> extends ObjectSource<T> {
  set(key: string, item: T): void;
  delete(key: string): void;
  synced: boolean;
}

export function fakeSource<T>(synced = true): FakeSource<T> {
  const items = new Map<string, T>();
  const handlers = new Set<(change: ObjectChange<T>) => void>();
  const emit = (change: ObjectChange<T>): void => {
    for (const handler of handlers) handler(change);
  };
  return {
    synced,
    get: (key) => items.get(key),
    items: () => [...items.values()],
    onDelta: (handler) => {
      for (const [key, item] of items) handler({ type: 'added', key, old: undefined, new: item });
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    hasSynced() {
      return this.synced;
    },
    set: (key, item) => {
      const old = items.get(key);
      items.set(key, item);
      emit({ type: old === undefined ? 'added' : 'updated', key, old, new: item });
    },
    delete: (key) => {
      const old = items.get(key);
      items.delete(key);
      emit({ type: 'deleted', key, old, new: undefined });
    },
  };
}

const interner = createInterner();

/** Mirrors of all well-known kinds. */
export function fakeMirrors() {
  const sources = Object.fromEntries(wellKnownKinds.map((kind) => [kind, fakeSource<TargetWorkload>()])) as Record<
    WellKnownKind,
    FakeSource<TargetWorkload>
  >;
  return {
    sources,
    /** Puts an object into its mirror. */
    put: (
      kind: WellKnownKind,
      name: string,
      facts: { readonly spec?: unknown; readonly owner?: OwnerRecord; readonly status?: unknown } = {},
    ) => {
      const { spec = { selector: { matchLabels: { app: name } } }, owner, status } = facts;
      const raw: KubeObject = {
        metadata: { name, namespace: 'shop', uid: `${kind}-${name}`, ...(owner && { ownerReferences: [{ ...owner, controller: true }] }) },
        spec,
        status,
      };
      sources[kind].set(`shop/${name}`, projectTargetWorkload(raw, interner, kind));
    },
  };
}

export function ownerOf(apiVersion: string, kind: string, name: string): OwnerRecord {
  return { apiVersion, kind, name, uid: `${kind}-${name}` };
}

export type Answers = Map<string, unknown>;

/** Answers GETs from a table by path; 404 for all else. A number is a failure with that status. `paths` are those asked for. */
export function fakeReads(answers: Answers): { readonly client: KubeClient; readonly paths: string[]; running: number; most: number } {
  const seen = { paths: [] as string[], running: 0, most: 0 };
  const raw = async ({ path }: RawRequest): Promise<RawResponse> => {
    seen.paths.push(path);
    seen.running += 1;
    seen.most = Math.max(seen.most, seen.running);
    await Promise.resolve();
    seen.running -= 1;
    const answer = answers.get(path) ?? 404;
    const status = typeof answer === 'number' ? answer : 200;
    const body = typeof answer === 'number' ? { kind: 'Status', code: answer, message: `answered ${answer}` } : answer;
    return { status, headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(body)) };
  };
  return Object.assign(seen, { client: { raw } as unknown as KubeClient });
}

export const rolloutsPath = '/apis/argoproj.io/v1alpha1';

/** A cluster with Argo Rollouts (scalable) and Workflows (not). */
export function argoAnswers(): Answers {
  return new Map<string, unknown>([
    [
      rolloutsPath,
      {
        resources: [
          { name: 'rollouts', kind: 'Rollout', namespaced: true },
          { name: 'rollouts/scale', kind: 'Scale', namespaced: true },
          { name: 'workflows', kind: 'Workflow', namespaced: true },
        ],
      },
    ],
    ['/apis/argoproj.io', { versions: [{ version: 'v1alpha1' }] }],
    [`${rolloutsPath}/namespaces/shop/rollouts/web/scale`, scaleOf('app=web')],
  ]);
}

export function scaleOf(selector: string, owner?: OwnerRecord): unknown {
  return {
    metadata: owner === undefined ? {} : { ownerReferences: [{ ...owner, controller: true }] },
    spec: { replicas: 3 },
    status: { replicas: 3, selector },
  };
}

/** A policy that targets `kind/name` of the namespace `shop`. */
export function policyFor(kind: string, name: string, facts: Partial<SizingPolicy> = {}, apiVersion = 'apps/v1'): SizingPolicy {
  return sizingPolicy({
    reference: { apiVersion: 'concertina.dev/v1alpha1', kind: 'VerticalPolicy', namespace: 'shop', name: 'policy', uid: 'policy' },
    target: { apiVersion, kind, name, namespace: 'shop' },
    cooldown: { scaleUpMs: 0, scaleDownMs: 0 },
    ...facts,
  });
}

export function knownPolicy(policy: SizingPolicy, facts: Partial<KnownPolicy> = {}): KnownPolicy {
  const { kind, namespace = '', name, uid } = policy.reference;
  const generation = policy.generation;
  const metadata = {
    name,
    namespace,
    ...(uid === undefined ? {} : { uid }),
    ...(generation === undefined ? {} : { generation }),
    resourceVersion: '1',
  };
  return {
    key: `${kind}/${namespace}/${name}`,
    raw: { apiVersion: policy.reference.apiVersion, kind, metadata },
    policy,
    recommendation: undefined,
    ...facts,
  };
}
