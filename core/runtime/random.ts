import type { Random } from '../model/clock.ts';

/** Real randomness, for jitter. Not for secrets. */
export const realRandom: Random = () => Math.random();

/**
 * A repeatable source: the same seed gives the same numbers on every machine and Node version (sfc32, state spread by splitmix32). Text
 * seeds are hashed first.
 */
export function seededRandom(seed: number | string): Random {
  let mix = typeof seed === 'string' ? hash(seed) : Math.trunc(seed) | 0;
  const next = (): number => {
    mix = (mix + 0x9e3779b9) | 0;
    let z = mix ^ (mix >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return z ^ (z >>> 15);
  };
  let a = next();
  let b = next();
  let c = next();
  let counter = 1;
  return () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return (sum >>> 0) / 2 ** 32;
  };
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return value | 0;
}
