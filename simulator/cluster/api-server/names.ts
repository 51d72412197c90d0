import { formatTime } from '../../../core/model/condition.ts';
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

const hexCodes = Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));
const dash = '-'.charCodeAt(0);
/** Positions of the dashes in a UUID. */
const dashes = new Set([8, 13, 18, 23]);

/** A version 4 UUID from the injected source, so that a seeded run gives the same uids again. */
export function uuid(random: Random): string {
  const codes: number[] = [];
  let bits = 0;
  for (let digit = 0; digit < 32; digit++) {
    if (digit % 8 === 0) bits = Math.floor(random() * 0x1_0000_0000);
    let value = bits & 0xf;
    bits >>>= 4;
    if (digit === 12) value = 4;
    else if (digit === 16) value = (value & 0x3) | 0x8;
    if (dashes.has(codes.length)) codes.push(dash);
    codes.push(hexCodes[value] ?? dash);
  }
  // One flat string: pieces put together would be kept as a tree, for every object.
  return String.fromCharCode(...codes);
}

let lastSecond = Number.NaN;
let lastText = '';

/** RFC 3339 with seconds; objects of one second share the text. */
export function timeText(epochMs: number): string {
  const second = Math.floor(epochMs / 1000);
  if (second !== lastSecond) {
    lastSecond = second;
    lastText = formatTime(epochMs);
  }
  return lastText;
}
