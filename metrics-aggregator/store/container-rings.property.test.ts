import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createContainerRings, readRing, type RingView } from './container-rings.kernel.ts';

/** A slot with the points of its owner, as plain arrays. */
interface Owner {
  slot: number;
  points: number[][];
}

interface Expected {
  slot: number;
  end: number;
  points: number[][];
}

function expectPoints(view: RingView, expected: readonly Expected[]): void {
  for (const { slot, end, points } of expected) {
    const columns = readRing(view, slot, end, points.length);
    expect(points.map((_, row) => columns.map((column) => column[row]))).toEqual(points);
  }
}

const rounds = fc.array(
  fc.array(fc.record({ owner: fc.nat(5), action: fc.constantFrom('append', 'append', 'append', 'replace') }), { maxLength: 6 }),
  { maxLength: 40 },
);

describe('container rings', () => {
  it('show in every view, for ever, the newest points of each owner as they were then', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), rounds, (size, made) => {
        const rings = createContainerRings(size, 10);
        const owners = new Map<number, Owner>();
        const kept: { view: RingView; expected: Expected[] }[] = [];
        let time = 0;
        for (const round of made) {
          const touched = new Set<number>();
          for (const { owner, action } of round) {
            if (touched.has(owner)) continue;
            touched.add(owner);
            const known = owners.get(owner);
            if (known === undefined || action === 'replace') {
              if (known !== undefined) rings.release(known.slot);
              owners.set(owner, { slot: rings.claim(), points: [] });
            }
            const { slot, points } = owners.get(owner)!;
            // A slot may change hands within a round but is appended to once.
            if ([...owners.values()].some((other) => other.slot === slot && other.points.at(-1)?.[0] === time)) continue;
            const point = [time, owner, time * 2];
            rings.append(slot, time, owner, time * 2);
            points.push(point);
            expect(rings.lastTimestamp(slot)).toBe(time);
          }
          time++;
          for (const { view, expected } of kept.slice(-3)) expectPoints(view, expected);
          const view = rings.commit();
          kept.push({
            view,
            expected: [...owners.values()].map(({ slot, points }) => ({ slot, end: rings.end(slot), points: points.slice(-size) })),
          });
        }
        for (const { view, expected } of kept) expectPoints(view, expected);
      }),
      { numRuns: 300 },
    );
  });

  it('give out no more slots than they may, and those that were released again', () => {
    const rings = createContainerRings(2, 3);
    expect([rings.claim(), rings.claim(), rings.claim(), rings.claim()]).toEqual([0, 1, 2, -1]);
    rings.release(1);
    expect([rings.used, rings.claim(), rings.claim(), rings.used]).toEqual([2, 1, -1, 3]);
  });

  it('open pages as they are needed', () => {
    const rings = createContainerRings(2, 5000);
    const slots = Array.from({ length: 3000 }, () => rings.claim());
    const before = rings.commit();
    for (const slot of slots) rings.append(slot, slot, 1, 2);
    const after = rings.commit();
    expect(after.data).toHaveLength(3);
    expect(readRing(after, 2999, 1, 1)[0]).toEqual(Float64Array.of(2999));
    expect(readRing(before, 2999, 0, 0)[0]).toHaveLength(0);
  });

  it('copy a page before a held view has to hold very many notes', () => {
    const rings = createContainerRings(2, 10);
    const slot = rings.claim();
    rings.append(slot, 0, 0, 0);
    const held = rings.commit();
    for (let time = 1; time < 100; time++) {
      rings.append(slot, time, 0, 0);
      rings.commit();
    }
    let notes = 0;
    for (let note: RingView['undo'][number] | undefined = held.undo[0]; note !== undefined; note = note.next) notes++;
    expect(notes).toBeLessThan(10);
    expect(readRing(held, slot, 1, 1)[0]).toEqual(Float64Array.of(0));
  });
});
