import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { estimate, createLimiter } from '../packing/index.ts';
import { createSchedulingSnapshot } from '../scheduling/index.ts';
import { group, pod } from './builders.fixture.ts';
import { groupPods } from './pod-groups.ts';

const term = (label: string) => [{ labelSelector: { matchLabels: { app: label } }, topologyKey: 'kubernetes.io/hostname' }];
const lonely = (label: string) => ({ affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: term(label) } } });

const kind = fc.record({
  cpu: fc.constantFrom('100m', '700m', '1500m', '3'),
  label: fc.constantFrom('x', 'y'),
  spec: fc.option(fc.constantFrom('x', 'y').map(lonely), { nil: undefined }),
  count: fc.integer({ min: 1, max: 7 }),
});

describe('ownerless pods that are taken together', () => {
  it('need as many nodes, and as many of them are helped, as if each were a group of its own', () => {
    const { template } = group({ id: 'g' });
    fc.assert(
      fc.property(fc.array(kind, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 12 }), (kinds, nodes) => {
        const all = kinds.flatMap(({ cpu, label, spec, count }, index) =>
          Array.from({ length: count }, (_, each) =>
            pod({ name: `${index}-${each}`, cpu, labels: { app: label }, ...(spec === undefined ? {} : { spec }) }),
          ),
        );
        const run = (apart: boolean) => {
          const snapshot = createSchedulingSnapshot({ namespaces: new Map() });
          const groups = groupPods(all, (each) => snapshot.classOf(each));
          const packed = groups.flatMap(({ podClass, pods, apart: single }) =>
            apart ? pods.map(() => ({ podClass, count: 1 })) : [{ podClass, count: pods.length, apart: single }],
          );
          const limiter = createLimiter([{ nodes, durationMs: 0 }]);
          return { groups: groups.length, ...estimate(snapshot, template!, packed, { limiter }) };
        };
        const [together, apart] = [run(false), run(true)];
        expect({ nodes: together.nodes, pods: together.pods }).toEqual({ nodes: apart.nodes, pods: apart.pods });
      }),
      { numRuns: 300 },
    );
  });
});
