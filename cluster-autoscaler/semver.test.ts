import { describe, expect, it } from 'vitest';
import { compareSemver, parseSemver } from './semver.ts';

describe('semantic versions', () => {
  it('come in the order of semver.org, and equal themselves', () => {
    const ordered = [
      '1.0.0-alpha',
      '1.0.0-alpha.1',
      '1.0.0-alpha.beta',
      '1.0.0-beta',
      '1.0.0-beta.2',
      '1.0.0-beta.11',
      '1.0.0',
      '2.0.0',
      '2.1.0',
      '2.1.10',
    ];
    const versions = ordered.map((text) => parseSemver(text)!);
    for (const [index, version] of versions.entries()) {
      expect(versions.map((other) => compareSemver(version, other))).toEqual(versions.map((_, other) => Math.sign(index - other)));
    }
    expect(compareSemver(parseSemver('1.0.0+a')!, parseSemver('1.0.0+b')!)).toBe(0);
  });

  it.each(['1', '1.0', '01.0.0', '1.0.0-01', 'v1.0.0', '1.0.0-'])('%s is none', (text) => {
    expect(parseSemver(text)).toBeUndefined();
  });
});
