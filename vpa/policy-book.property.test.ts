import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../core/model/object.ts';
import { defaultVpaConfig } from './config.ts';
import { createPolicyBook } from './policy-book.ts';
import { recommendationOf } from './policy.ts';
import type { KnownPolicy, ObjectChange, ObjectSource } from './ports.ts';

const config = { ...defaultVpaConfig, adoptVpas: true, ignoredNamespaces: ['ignored'] };

const step = fc.record({
  native: fc.boolean(),
  namespace: fc.constantFrom('a', 'b', 'ignored'),
  name: fc.constantFrom('x', 'y'),
  /** What it becomes; `undefined`: it is deleted. */
  object: fc.option(
    fc.record({
      target: fc.constantFrom('web', 'api'),
      mode: fc.constantFrom('Auto', 'DryRun', 'Wrong'),
      recommender: fc.constantFrom(undefined, 'default', 'other'),
      cpu: fc.option(fc.constantFrom('1', '2'), { nil: undefined }),
    }),
    { nil: undefined },
  ),
});

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Whether the policy is in the book, by the rules and without any memory. */
function expectedState(raw: KubeObject, native: boolean): 'known' | 'rejected' | 'absent' {
  const { mode, recommenders } = raw.spec as { readonly mode: string; readonly recommenders?: readonly { readonly name: string }[] };
  if (raw.metadata.namespace === 'ignored' || recommenders?.[0]?.name === 'other') return 'absent';
  return mode === 'Wrong' && !native ? 'rejected' : 'known';
}

function createSource() {
  const items = new Map<string, KubeObject>();
  let handler: (change: ObjectChange) => void = () => undefined;
  const source: ObjectSource = {
    get: (key) => items.get(key),
    items: () => [...items.values()],
    hasSynced: () => true,
    onDelta: (given) => {
      handler = given;
      return () => undefined;
    },
  };
  let generation = 0;
  const apply = ({ namespace, name, object }: Step): void => {
    const key = `${namespace}/${name}`;
    const old = items.get(key);
    if (object === undefined) {
      items.delete(key);
      if (old !== undefined) handler({ type: 'deleted', key, old, new: undefined });
      return;
    }
    const { target, mode, recommender, cpu } = object;
    const spec = {
      targetRef: { kind: 'Deployment', name: target },
      mode,
      ...(recommender === undefined ? {} : { recommenders: [{ name: recommender }] }),
    };
    // As an API server counts: a changed spec, not a changed status.
    const changed = JSON.stringify(old?.spec) !== JSON.stringify(spec);
    const now: KubeObject = {
      metadata: {
        name,
        namespace,
        uid: old?.metadata.uid ?? `u${++generation}`,
        generation: changed ? ++generation : (old?.metadata.generation ?? 1),
      },
      spec,
      status: {
        conditions: [{ type: 'RecommendationProvided', status: cpu === undefined ? 'False' : 'True' }],
        recommendation: { containerRecommendations: [{ containerName: 'app', target: { cpu } }] },
      },
    };
    items.set(key, now);
    handler({ type: old === undefined ? 'added' : 'updated', key, old, new: now });
  };
  return { source, items, apply };
}

describe('createPolicyBook', () => {
  it('has, after any changes, what a book made of the objects as they are now would have', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const [own, native] = [createSource(), createSource()];
        const book = createPolicyBook({ verticalPolicies: own.source, nativeVpas: native.source, config });
        const told = new Map<string, KnownPolicy>();
        book.onChange(({ key, old, new: now }) => {
          expect(told.get(key)).toBe(old);
          if (now === undefined) told.delete(key);
          else told.set(key, now);
        });
        for (const each of steps) (each.native ? native : own).apply(each);
        const all = [
          ...[...own.items].map(([key, raw]) => ({ key: `VerticalPolicy/${key}`, raw, state: expectedState(raw, false) })),
          ...[...native.items].map(([key, raw]) => ({ key: `VerticalPodAutoscaler/${key}`, raw, state: expectedState(raw, true) })),
        ];
        const keys = (list: readonly { readonly key: string }[]): readonly string[] => list.map(({ key }) => key).toSorted();
        const known = all.filter(({ state }) => state === 'known');
        expect(keys(book.all())).toEqual(keys(known));
        expect(keys(book.rejected())).toEqual(keys(all.filter(({ state }) => state === 'rejected')));
        expect([...told.keys()].toSorted()).toEqual(keys(known));
        for (const namespace of ['a', 'b', 'ignored']) {
          const here = known.filter(({ raw }) => raw.metadata.namespace === namespace);
          expect(keys(book.inNamespace(namespace))).toEqual(keys(here));
          for (const target of ['web', 'api']) {
            const there = here.filter(
              ({ raw }) => (raw.spec as { readonly targetRef: { readonly name: string } }).targetRef.name === target,
            );
            expect(keys(book.forTarget(namespace, 'Deployment', target))).toEqual(keys(there));
          }
        }
        for (const { key, raw } of known) {
          expect(book.get(key)?.recommendation).toEqual(recommendationOf(raw));
          expect(book.get(key)?.policy.generation).toBe(raw.metadata.generation);
        }
      }),
      { numRuns: 200 },
    );
  });
});
