/** A semantic version (semver.org 2.0.0). */
export class Semver {
  /** Major, minor, patch. */
  readonly numbers: readonly [bigint, bigint, bigint];
  /** Identifiers of a pre-release; empty: it is a release. What follows `+` plays no part. */
  readonly prerelease: readonly string[];

  constructor(numbers: readonly [bigint, bigint, bigint], prerelease: readonly string[]) {
    this.numbers = numbers;
    this.prerelease = prerelease;
  }
}

const number = '(0|[1-9]\\d*)';
const identifier = '(?:0|[1-9]\\d*|\\d*[A-Za-z-][0-9A-Za-z-]*)';
const pattern = new RegExp(`^${number}\\.${number}\\.${number}(?:-(${identifier}(?:\\.${identifier})*))?(?:\\+[0-9A-Za-z.-]+)?$`);

export function parseSemver(text: string): Semver | undefined {
  const [whole, major, minor, patch, prerelease] = pattern.exec(text) ?? [];
  if (whole === undefined || major === undefined || minor === undefined || patch === undefined) return undefined;
  return new Semver([BigInt(major), BigInt(minor), BigInt(patch)], prerelease === undefined ? [] : prerelease.split('.'));
}

/** −1, 0 or 1. A pre-release comes before its release; numbers in it come before words. */
export function compareSemver(a: Semver, b: Semver): number {
  for (const [index, own] of a.numbers.entries()) {
    const other = b.numbers[index] ?? 0n;
    if (own !== other) return own < other ? -1 : 1;
  }
  if (a.prerelease.length === 0 || b.prerelease.length === 0) return Math.sign(b.prerelease.length - a.prerelease.length);
  for (let index = 0; ; index++) {
    const own = a.prerelease[index];
    const other = b.prerelease[index];
    if (own === undefined || other === undefined) return Math.sign(a.prerelease.length - b.prerelease.length);
    const order = compareIdentifiers(own, other);
    if (order !== 0) return order;
  }
}

function compareIdentifiers(a: string, b: string): number {
  if (a === b) return 0;
  const [own, other] = [a, b].map((text) => /^\d+$/.test(text));
  if (own === true && other === true) return BigInt(a) < BigInt(b) ? -1 : 1;
  if (own !== other) return own === true ? -1 : 1;
  return a < b ? -1 : 1;
}
