import { describe, expect, it } from 'vitest';
import { judgeOwner, noOwner, ownerHoldMs, type OwnerState } from './source-owner.ts';

function play(owners: readonly (string | undefined)[], stepMs = 15_000): (number | undefined)[] {
  let state: OwnerState = noOwner;
  return owners.map((owner, index) => {
    const verdict = judgeOwner(state, owner, { group: 'metrics.k8s.io', now: index * stepMs });
    state = verdict.state;
    return verdict.doubt?.since;
  });
}

describe('judgeOwner', () => {
  it('doubts what another server answers, until the first is back', () => {
    expect(play(['a', 'b', 'b', 'a', 'a'])).toEqual([undefined, 15_000, 15_000, undefined, undefined]);
  });

  it('trusts the other one after a quarter of an hour, and then doubts the first', () => {
    const steps = ownerHoldMs / 300_000;
    expect(play(['a', ...Array.from({ length: steps + 2 }, () => 'b'), 'a'], 300_000)).toEqual([
      undefined,
      ...Array.from({ length: steps }, () => 300_000),
      undefined,
      undefined,
      (steps + 3) * 300_000,
    ]);
  });

  it('takes an APIService that cannot be read for no news', () => {
    expect(play(['a', undefined, 'a', 'b', undefined])).toEqual([undefined, undefined, undefined, 45_000, 45_000]);
    expect(play([undefined, undefined])).toEqual([undefined, undefined]);
  });

  it('begins anew with a third server', () => {
    expect(play(['a', 'b', 'c'])).toEqual([undefined, 15_000, 30_000]);
  });
});
