/** A writer of DER (X.690), as far as X.509 certificates need it. Every function answers the whole element: tag, length, content. */

const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** An element with any tag of one byte. */
export function element(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const length = content.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Buffer.from([tag]), lengthOf(length), ...content]);
}

export function sequence(...parts: readonly Uint8Array[]): Buffer {
  return element(tags.sequence, ...parts);
}

/** A SET with one member; of more the order would matter. */
export function setOf(member: Uint8Array): Buffer {
  return element(tags.set, member);
}

/** An integer of no sign, big-endian bytes. */
export function unsignedInteger(bytes: Uint8Array): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const digits = bytes.length === 0 ? Buffer.from([0]) : bytes.subarray(start);
  // A set top bit would make it negative.
  return (digits[0] ?? 0) >= 0x80 ? element(tags.integer, Buffer.from([0]), digits) : element(tags.integer, digits);
}

/** Only `true` is ever written: DER leaves defaults out. */
export function booleanTrue(): Buffer {
  return element(tags.boolean, Buffer.from([0xff]));
}

/** A text such as `2.5.29.15`. Throws RangeError for anything else. */
export function objectIdentifier(text: string): Buffer {
  if (!/^[0-2](\.\d{1,10})+$/.test(text)) throw new RangeError(`${text} is no object identifier: write numbers joined by dots`);
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  return element(tags.objectIdentifier, Buffer.from([first * 40 + second, ...rest].flatMap(base128)));
}

export function octetString(content: Uint8Array): Buffer {
  return element(tags.octetString, content);
}

/** Whole bytes. */
export function bitString(content: Uint8Array): Buffer {
  return element(tags.bitString, Buffer.from([0]), content);
}

/** Named bits by number, bit 0 first; DER cuts zero bits off the end. */
export function namedBits(bits: readonly number[]): Buffer {
  const highest = Math.max(...bits);
  const bytes = Buffer.alloc((highest >> 3) + 1);
  for (const bit of bits) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  return element(tags.bitString, Buffer.from([7 - (highest & 7)]), bytes);
}

export function utf8String(text: string): Buffer {
  return element(tags.utf8String, Buffer.from(text, 'utf8'));
}

/** RFC 5280 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050; whole seconds, cut off. */
export function time(epochMs: number): Buffer {
  const text = new Date(epochMs).toISOString();
  const digits = `${text.slice(0, 19).replace(/[-:T]/g, '')}Z`;
  const year = Number(text.slice(0, 4));
  return year >= 1950 && year < 2050
    ? element(tags.utcTime, Buffer.from(digits.slice(2), 'latin1'))
    : element(tags.generalizedTime, Buffer.from(digits, 'latin1'));
}

/** `[number]` around whole elements (EXPLICIT). */
export function explicit(number: number, ...content: readonly Uint8Array[]): Buffer {
  return element(0xa0 | number, ...content);
}

/** `[number]` in place of a primitive element's own tag (IMPLICIT). */
export function implicit(number: number, content: Uint8Array): Buffer {
  return element(0x80 | number, content);
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

function base128(arc: number): number[] {
  const bytes = [arc % 128];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) bytes.unshift(0x80 | (rest % 128));
  return bytes;
}

/** DER as PEM with that label. */
export function pem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
