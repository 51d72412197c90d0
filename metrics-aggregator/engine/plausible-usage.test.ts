import { describe, expect, it } from 'vitest';
import { implausibleSentence, isImplausible, plausibleCpu, plausibleMemory } from './plausible-usage.ts';

const unknown = Number.NaN;

describe('plausible usage', () => {
  it.each([
    // as measured: [cpu, memory]; as they may be used; whether it is worth a sentence
    [[250, 1_000], [250, 1_000], false],
    [[0, 1_000], [0, 1_000], false],
    [[0, 0], [unknown, unknown], true],
    [[250, 0], [250, unknown], true],
    [[0, -0], [unknown, unknown], true],
    [[unknown, 0], [unknown, unknown], true],
    [[0, unknown], [0, unknown], false],
    [[unknown, unknown], [unknown, unknown], false],
    [[-1, 1_000], [unknown, 1_000], true],
    [[250, -5], [250, unknown], true],
    [[Infinity, 1_000], [unknown, 1_000], true],
    [[250, Infinity], [250, unknown], true],
    [[-Infinity, -Infinity], [unknown, unknown], true],
  ])('%j (cpu, memory) is usable as %j', ([cpu = unknown, memory = unknown], usable, implausible) => {
    expect([plausibleCpu(cpu, memory), plausibleMemory(memory)]).toEqual(usable);
    expect(isImplausible(cpu, memory)).toBe(implausible);
  });

  it('says what was reported and what to look at', () => {
    expect(implausibleSentence('shop/web-1/c', 0, 0)).toBe(
      'shop/web-1/c is reported with 0 CPU and 0 bytes of memory, so both are unknown: a running container has memory; check whether the metrics adapter fills gaps with 0',
    );
    expect(implausibleSentence('shop/web-1/c', 7, 0)).toContain('with 0 bytes of memory, so its memory is unknown');
    expect(implausibleSentence('shop/web-1/c', -7, -2000)).toBe(
      'shop/web-1/c is reported with a CPU of -7m and a memory of -2 bytes, which cannot be and is taken as unknown: check the metrics adapter',
    );
  });
});
