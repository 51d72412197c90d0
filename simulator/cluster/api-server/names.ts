import type { Random } from '../../../core/model/clock.ts';

// Without vowels and without digits that look like them, as upstream's rand.String.
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
const maxGeneratedName = 63;

export function randomSuffix(random: Random, length = 5): string {
  let text = '';
  for (let at = 0; at < length; at++) text += alphabet[Math.floor(random() * alphabet.length)] ?? 'b';
  return text;
}

/** `generateName` with five random letters behind, cut so that the whole stays a DNS label. */
export function generatedName(prefix: string, random: Random): string {
  return `${prefix.slice(0, maxGeneratedName - 5)}${randomSuffix(random)}`;
}

function hex32(random: Random): string {
  return Math.floor(random() * 0x1_0000_0000)
    .toString(16)
    .padStart(8, '0');
}

/** A version 4 UUID from the injected source, so that a seeded run gives the same uids again. */
export function uuid(random: Random): string {
  const text = hex32(random) + hex32(random) + hex32(random) + hex32(random);
  const variant = ((Number.parseInt(text[16] ?? '0', 16) & 0x3) | 0x8).toString(16);
  return `${text.slice(0, 8)}-${text.slice(8, 12)}-4${text.slice(13, 16)}-${variant}${text.slice(17, 20)}-${text.slice(20)}`;
}
