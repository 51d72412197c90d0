import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../core/model/object.ts';
import { defaultVpaConfig, type VpaConfig } from './config.ts';
import { createPolicyBook, policyKey } from './policy-book.ts';
import type { KnownPolicy, ObjectChange, ObjectSource } from './ports.ts';

/** Objects as a reflector would tell them. */
function createSource(...objects: readonly KubeObject[]) {
  const items = new Map<string, KubeObject>();
  const handlers = new Set<(change: ObjectChange) => void>();
  const keyOf = ({ metadata }: KubeObject): string => `${metadata.namespace}/${metadata.name}`;
  let synced = false;
  const source: ObjectSource = {
    get: (key) => items.get(key),
    items: () => [...items.values()],
    hasSynced: () => synced,
    onDelta: (handler) => {
      for (const [key, item] of items) handler({ type: 'added', key, old: undefined, new: item });
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
  };
  const tell = (change: ObjectChange): void => handlers.forEach((handler) => handler(change));
  const put = (object: KubeObject): void => {
    const key = keyOf(object);
    const old = items.get(key);
    items.set(key, object);
    tell({ type: old === undefined ? 'added' : 'updated', key, old, new: object });
  };
  objects.forEach(put);
  return {
    source,
    put,
    resync: () => items.forEach((item, key) => tell({ type: 'updated', key, old: item, new: item })),
    remove: (object: KubeObject) => {
      const key = keyOf(object);
      const old = items.get(key);
      items.delete(key);
      tell({ type: 'deleted', key, old, new: undefined });
    },
    sync: () => (synced = true),
    listeners: () => handlers.size,
  };
}

interface Parts {
  readonly namespace?: string;
  readonly generation?: number;
  readonly annotations?: Record<string, string>;
  readonly spec?: object;
  readonly status?: object;
}

function object(name: string, { namespace = 'shop', generation = 1, annotations = {}, spec = {}, status }: Parts = {}): KubeObject {
  return {
    metadata: { name, namespace, uid: `uid-${name}`, generation, annotations },
    spec: { targetRef: { kind: 'Deployment', name: 'web' }, ...spec },
    ...(status === undefined ? {} : { status }),
  };
}

const recommended = (cpu: string) => ({
  conditions: [{ type: 'RecommendationProvided', status: 'True' }],
  recommendation: { containerRecommendations: [{ containerName: 'app', target: { cpu } }] },
});

function stage(config: Partial<VpaConfig> = {}, natives = createSource()) {
  const policies = createSource();
  const book = createPolicyBook({
    verticalPolicies: policies.source,
    nativeVpas: natives.source,
    config: { ...defaultVpaConfig, ...config },
  });
  const changes: string[] = [];
  book.onChange(({ key, old, new: now }) => changes.push(`${key}: ${stateOf(old)} → ${stateOf(now)}`));
  return { policies, natives, book, changes };
}

function stateOf(known: KnownPolicy | undefined): string {
  return known === undefined ? 'none' : `generation ${known.policy.generation}`;
}

const names = (list: readonly { readonly key: string }[]): readonly string[] => list.map(({ key }) => key);

describe('createPolicyBook', () => {
  it('finds policies by key, namespace and target', () => {
    const { policies, book } = stage();
    policies.put(object('a'));
    policies.put(object('b', { spec: { targetRef: { kind: 'StatefulSet', name: 'db' } } }));
    policies.put(object('a', { namespace: 'blog' }));
    expect(names(book.all())).toEqual(['VerticalPolicy/shop/a', 'VerticalPolicy/shop/b', 'VerticalPolicy/blog/a']);
    expect(names(book.inNamespace('shop'))).toEqual(['VerticalPolicy/shop/a', 'VerticalPolicy/shop/b']);
    expect(names(book.forTarget('shop', 'Deployment', 'web'))).toEqual(['VerticalPolicy/shop/a']);
    expect(names(book.forTarget('shop', 'StatefulSet', 'db'))).toEqual(['VerticalPolicy/shop/b']);
    expect(book.forTarget('shop', 'Deployment', 'db')).toEqual([]);
    expect(book.inNamespace('none')).toEqual([]);
    expect(book.get(policyKey('VerticalPolicy', 'blog', 'a'))?.policy.reference).toEqual({
      apiVersion: 'concertina.dev/v1alpha1',
      kind: 'VerticalPolicy',
      name: 'a',
      namespace: 'blog',
      uid: 'uid-a',
    });
  });

  it('follows a changed target and a deleted policy', () => {
    const { policies, book, changes } = stage();
    policies.put(object('a'));
    policies.put(object('a', { generation: 2, spec: { targetRef: { kind: 'Deployment', name: 'api' } } }));
    expect(book.forTarget('shop', 'Deployment', 'web')).toEqual([]);
    expect(names(book.forTarget('shop', 'Deployment', 'api'))).toEqual(['VerticalPolicy/shop/a']);
    policies.remove(object('a'));
    expect([book.all(), book.inNamespace('shop'), book.forTarget('shop', 'Deployment', 'api')]).toEqual([[], [], []]);
    expect(changes).toEqual([
      'VerticalPolicy/shop/a: none → generation 1',
      'VerticalPolicy/shop/a: generation 1 → generation 2',
      'VerticalPolicy/shop/a: generation 2 → none',
    ]);
  });

  it('parses once for each generation and annotation, and keeps what did not change', () => {
    const { policies, book } = stage();
    const get = (): KnownPolicy => book.get('VerticalPolicy/shop/a')!;
    policies.put(object('a', { status: recommended('1') }));
    const first = get();
    expect(first.recommendation?.containers[0]?.target).toEqual({ cpu: 1000 });
    policies.put(object('a', { status: { ...recommended('1'), podCount: 3 } }));
    expect(get().raw).not.toBe(first.raw);
    expect(get().policy).toBe(first.policy);
    expect(get().recommendation).toBe(first.recommendation);
    policies.put(object('a', { status: recommended('2') }));
    expect(get().policy).toBe(first.policy);
    expect(get().recommendation?.containers[0]?.target).toEqual({ cpu: 2000 });
    policies.put(object('a', { status: { ...recommended('2'), conditions: [{ type: 'RecommendationProvided', status: 'False' }] } }));
    expect(get().recommendation).toBeUndefined();
    policies.put(object('a', { annotations: { 'concertina.dev/paused': 'true' } }));
    expect(get().policy.mode).toBe('Paused');
    policies.put(object('a', { generation: 2, spec: { mode: 'DryRun' } }));
    expect(get().policy).toMatchObject({ mode: 'DryRun', generation: 2 });
  });

  it('parses anew what comes back under the same name', () => {
    const { policies, book } = stage();
    const again = object('a', { spec: { mode: 'DryRun' } });
    policies.put(object('a'));
    policies.put({ ...again, metadata: { ...again.metadata, uid: 'another' } });
    expect(book.all()).toMatchObject([{ policy: { mode: 'DryRun', reference: { uid: 'another' } } }]);
  });

  it('keeps objects that cannot be read apart, and tells of them', () => {
    const { policies, book, changes } = stage();
    const wrong = object('a', { generation: 2, spec: { updatePolicy: { minReplicas: 0 } } });
    policies.put(object('a'));
    policies.put(wrong);
    expect(book.all()).toEqual([]);
    expect(book.rejected()).toMatchObject([
      {
        key: 'VerticalPolicy/shop/a',
        raw: { kind: 'VerticalPolicy', apiVersion: 'concertina.dev/v1alpha1', metadata: { generation: 2 } },
        failure: { ok: false, problems: [{ path: 'spec.updatePolicy.minReplicas', message: '0 is too small; the least is 1' }] },
      },
    ]);
    policies.put({ ...wrong, status: {} });
    policies.put(object('a', { generation: 3 }));
    expect(book.rejected()).toEqual([]);
    policies.put({ ...wrong, metadata: { ...wrong.metadata, generation: 4 } });
    policies.remove(wrong);
    expect(book.rejected()).toEqual([]);
    expect(changes.map((each) => each.slice('VerticalPolicy/shop/a: '.length))).toEqual([
      'none → generation 1',
      'generation 1 → none',
      'none → none',
      'none → generation 3',
      'generation 3 → none',
      'none → none',
    ]);
  });

  it('has native objects only when they are adopted, with the timing that was asked for', () => {
    const natives = (): ReturnType<typeof createSource> => createSource(object('a', { spec: { updatePolicy: { updateMode: 'Auto' } } }));
    expect(stage({}, natives()).book.all()).toEqual([]);
    const adopted = stage({ adoptVpas: true }, natives());
    adopted.policies.put(object('a'));
    expect(names(adopted.book.forTarget('shop', 'Deployment', 'web'))).toEqual(['VerticalPodAutoscaler/shop/a', 'VerticalPolicy/shop/a']);
    expect(adopted.book.get('VerticalPodAutoscaler/shop/a')).toMatchObject({
      raw: { kind: 'VerticalPodAutoscaler', apiVersion: 'autoscaling.k8s.io/v1' },
      policy: { native: true, actuation: 'Recreate', cooldown: { scaleUpMs: 0, scaleDownMs: 0 } },
    });
    const { book } = stage({ adoptVpas: true, adoptedCooldown: true }, natives());
    expect(book.all()[0]?.policy.cooldown).toEqual(defaultVpaConfig.cooldown);
  });

  const of = (name?: string) => ({ spec: { recommenders: name === undefined ? [] : [{ name }] } });

  it.each([
    ['default', ['none', 'default']],
    ['fast', ['fast']],
  ])('has the policies of the recommender %s, and none of another', (name, expected) => {
    const { policies, book, changes } = stage({ recommender: { ...defaultVpaConfig.recommender, name } });
    policies.put(object('none', of()));
    for (const each of ['default', 'fast', 'other']) policies.put(object(each, of(each)));
    // Not even as one that cannot be read.
    policies.put(object('wrong', { spec: { ...of('other').spec, mode: 'Fast' } }));
    expect(names(book.all())).toEqual(expected.map((each) => `VerticalPolicy/shop/${each}`));
    expect(book.rejected()).toEqual([]);
    expect(changes).toHaveLength(expected.length);
  });

  it('lets go of a policy that is given to another recommender', () => {
    const { policies, book, changes } = stage();
    policies.put(object('a'));
    policies.put(object('a', { generation: 2, ...of('other') }));
    expect(book.all()).toEqual([]);
    expect(changes.at(-1)).toBe('VerticalPolicy/shop/a: generation 1 → none');
  });

  it('leaves ignored namespaces alone', () => {
    const { policies, book } = stage({ ignoredNamespaces: ['kube-system'] });
    policies.put(object('a', { namespace: 'kube-system' }));
    policies.put(object('b'));
    expect(names(book.all())).toEqual(['VerticalPolicy/shop/b']);
  });

  it('is synced when all of its sources are', () => {
    const { policies, natives, book } = stage({ adoptVpas: true });
    policies.sync();
    expect(book.hasSynced()).toBe(false);
    natives.sync();
    expect(book.hasSynced()).toBe(true);
    const alone = stage();
    alone.policies.sync();
    expect(alone.book.hasSynced()).toBe(true);
  });

  it('is quiet about a resync, to who has unsubscribed, and when it is closed', () => {
    const { policies, natives, book, changes } = stage({ adoptVpas: true });
    policies.put(object('a'));
    policies.resync();
    expect(changes).toHaveLength(1);
    let heard = 0;
    const stop = book.onChange(() => heard++);
    stop();
    policies.put(object('a', { generation: 2 }));
    expect(heard).toBe(0);
    expect(changes).toHaveLength(2);
    book.close();
    expect([policies.listeners(), natives.listeners()]).toEqual([0, 0]);
  });
});
