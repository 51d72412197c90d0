import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PodRecord } from '../../../../core/model/index.ts';
import { createSchedulingSnapshot, type SchedulingSnapshot } from '../index.ts';
import { allocated, asking, claim, facts, node, pod, slice, template } from './devices.fixture.ts';

const sharedClaims = ['team', 'crew'];

/** Three nodes with two devices each, three devices for all, pods that run and pods that come. */
function world(): { readonly snapshot: SchedulingSnapshot; readonly pods: readonly PodRecord[] } {
  const snapshot = createSchedulingSnapshot({
    namespaces: new Map(),
    devices: facts({
      slices: [slice('a', 2), slice('b', 2), slice('c', 2), slice(undefined, 3, { allNodes: true })],
      templates: [template('one', asking()), template('two', asking({ count: 2 })), template('admin', asking({ adminAccess: true }))],
      claims: [
        claim('team', asking()),
        claim('crew', asking(), { status: allocated(['shared/gpu-2'], undefined, ['uid-old']) }),
        claim('old-gpu', asking(), { status: allocated(['a/gpu-1'], 'a', ['uid-older']) }),
      ],
    }),
  });
  const running = [pod('old', { claim: 'crew', onNode: 'a' }), pod('older', { template: 'one', own: 'old-gpu', onNode: 'a' })];
  snapshot.addNode(node('a'), running);
  for (const name of ['b', 'c']) snapshot.addNode(node(name));
  const coming = ['one', 'two', 'admin'].flatMap((name) => [1, 2].map((index) => pod(`${name}-${index}`, { template: name })));
  const sharing = sharedClaims.flatMap((name) => [1, 2].map((index) => pod(`${name}-${index}`, { claim: name })));
  return { snapshot, pods: [...running, ...coming, ...sharing] };
}

const kinds = ['place', 'placeMany', 'displace', 'fork', 'revert', 'commit', 'remove', 'copy'] as const;

interface Step {
  readonly kind: (typeof kinds)[number];
  readonly pod: number;
  readonly at: number;
}

const step: fc.Arbitrary<Step> = fc.record({ kind: fc.constantFrom(...kinds), pod: fc.nat(11), at: fc.nat(5) });

const copied = facts({ slices: [slice('t', 2)] }).slices;

/** Does what the steps say, as far as it can be done; answers what was seen before each fork that was undone, and after that. */
function play(steps: readonly Step[]): readonly { readonly before: unknown; readonly after: unknown }[] {
  const { snapshot, pods } = world();
  const seen = (): readonly unknown[] =>
    pods.map((each) => snapshot.nodeIds().map((id) => snapshot.failure(snapshot.classOf(each), id)?.reason ?? 'fits'));
  const open: unknown[] = [];
  const pairs: { before: unknown; after: unknown }[] = [];
  const undo = (): void => {
    const before = open.pop();
    snapshot.revert();
    pairs.push({ before, after: seen() });
  };
  let copies = 0;
  const acts: Readonly<Record<Step['kind'], (id: number, asked: PodRecord) => void>> = {
    fork: () => {
      open.push(seen());
      snapshot.fork();
    },
    revert: () => {
      if (open.length > 0) undo();
    },
    commit: () => {
      if (open.length === 0) return;
      const before = seen();
      snapshot.commit();
      open.pop();
      pairs.push({ before, after: seen() });
    },
    copy: () => void snapshot.addCopy({ node: node('t'), pods: [], slices: copied }, `copy-${copies++}`),
    remove: (id) => snapshot.removeNode(id),
    displace: (id) => {
      const [here] = snapshot.podsOn(id);
      if (here !== undefined) snapshot.displace(here, id);
    },
    placeMany: (id, asked) => {
      if (open.length > 0 && snapshot.fits(snapshot.classOf(asked), id)) snapshot.placeMany(snapshot.classOf(asked), id, 1);
    },
    place: (id, asked) => {
      const isThere = snapshot.nodeIds().some((each) => snapshot.podsOn(each).some(({ name }) => name === asked.name));
      if (!isThere && snapshot.fits(snapshot.classOf(asked), id)) snapshot.place(asked, id);
    },
  };
  for (const { kind, pod: index, at } of steps) {
    const ids = snapshot.nodeIds();
    const id = ids[at % Math.max(ids.length, 1)];
    if (id !== undefined) acts[kind](id, pods[index % pods.length] as PodRecord);
  }
  while (open.length > 0) undo();
  return pairs;
}

describe('who has which device', () => {
  it('is after a revert as if nothing had been done, and after a commit as before', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        for (const { before, after } of play(steps)) expect(after).toEqual(before);
      }),
      { numRuns: 300 },
    );
  });

  it('never lets more single devices be had than there are', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ at: fc.nat(2), two: fc.boolean() }), { maxLength: 20 }), (wishes) => {
        const { snapshot } = world();
        snapshot.fork();
        let had = 0;
        for (const { at, two } of wishes) {
          const podClass = snapshot.classOf(pod('p', { template: two ? 'two' : 'one' }));
          if (!snapshot.fits(podClass, at)) continue;
          snapshot.placeMany(podClass, at, 1);
          had += two ? 2 : 1;
        }
        // Nine devices, two of which the claims of running pods hold.
        expect(had).toBeLessThanOrEqual(7);
      }),
    );
  });
});
