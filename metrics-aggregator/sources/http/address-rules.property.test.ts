import { isIP } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { judgeAddress, parseIpv4, parseIpv6 } from './address-rules.ts';

const octet = fc.integer({ min: 0, max: 255 });
/** Addresses near what is refused, and any. */
const v4 = fc.oneof(
  fc.tuple(octet, octet, octet, octet),
  fc.tuple(fc.constantFrom(0, 10, 127, 128, 169, 223, 224, 239, 240, 255), fc.constantFrom(0, 253, 254, 255), octet, octet),
);

/** The host of a URL in one of the spellings that WHATWG URL takes for the same address. */
const spelled = fc.tuple(v4, fc.constantFrom('dotted', 'decimal', 'hex', 'octal', 'short', 'mixed', 'wide')).map(([parts, form]) => {
  const [a, b, c, d] = parts;
  const number = ((a * 256 + b) * 256 + c) * 256 + d;
  const spellings: Readonly<Record<string, string>> = {
    dotted: parts.join('.'),
    decimal: String(number),
    hex: `0x${number.toString(16)}`,
    octal: `0${number.toString(8)}`,
    short: `${a}.${b}.${c * 256 + d}`,
    mixed: `0x${a.toString(16)}.0${b.toString(8)}.${c}.${d}`,
    wide: parts.join('。').replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit))),
  };
  return { parts, host: spellings[form] ?? '' };
});

function refusedV4([a, b, c, d]: readonly [number, number, number, number]): boolean {
  const text = [a, b, c, d].join('.');
  const metadata = ['169.254.169.254', '169.254.170.2', '169.254.170.23', '100.100.100.200', '168.63.129.16', '192.0.0.192'];
  return a === 0 || a === 127 || (a === 169 && b === 254) || a >= 224 || metadata.includes(text);
}

test('every spelling of an IPv4 address that a URL can have is judged as the address that it is', () => {
  fc.assert(
    fc.property(spelled, ({ parts, host }) => {
      const { hostname } = new URL(`http://${host}/`);
      expect(judgeAddress(hostname, {}).ok).toBe(!refusedV4(parts));
      expect(parseIpv4(hostname)).toBe(((parts[0] * 256 + parts[1]) * 256 + parts[2]) * 256 + parts[3]);
    }),
    { numRuns: 2000 },
  );
});

const group = fc.integer({ min: 0, max: 0xffff });
const v6 = fc.oneof(
  fc.tuple(group, group, group, group, group, group, group, group),
  fc.tuple(
    fc.constantFrom(0, 0x64, 0x2001, 0x2002, 0xfe80, 0xfebf, 0xff02, 0xfd00),
    fc.constantFrom(0, 0xff9b, 0xec2),
    ...[0, 1, 2].map(() => fc.constantFrom(0, 1, 0xffff)),
    fc.constantFrom(0, 0xffff, 0x5efe),
    group,
    group,
  ),
);

/** One of the spellings of an IPv6 address: with or without `::`, dotted end, upper case, leading zeros. */
const spelledV6 = fc.tuple(v6, fc.boolean(), fc.boolean(), fc.boolean(), fc.boolean()).map(([groups, compress, dotted, upper, padded]) => {
  const words = groups.map((each) => (padded ? each.toString(16).padStart(4, '0') : each.toString(16)));
  if (dotted) words.splice(6, 2, [groups[6] >> 8, groups[6] & 255, groups[7] >> 8, groups[7] & 255].join('.'));
  const plain = words.join(':');
  const text = compress ? plain.replace(/(^|:)(?:0+(?::|$)){2,}(?=[^.]*(?::|$)|$)/, '::') : plain;
  return { groups: [...groups], text: upper ? text.toUpperCase() : text };
});

test('an IPv6 address is read as the system reads it, in every spelling', () => {
  fc.assert(
    fc.property(spelledV6, ({ groups, text }) => {
      fc.pre(isIP(text) === 6);
      expect(parseIpv6(text)).toEqual(groups);
      const normal = new URL(`http://[${text}]/`).hostname.slice(1, -1);
      expect(parseIpv6(normal)).toEqual(groups);
      expect(judgeAddress(normal, {})).toEqual(judgeAddress(text, {}));
    }),
    { numRuns: 2000 },
  );
});

test('an IPv4 address that is refused is refused in every dress of IPv6', () => {
  const dresses: readonly ((hex: string, inverted: string) => string)[] = [
    (hex) => `::ffff:${hex}`,
    (hex) => `::${hex}`,
    (hex) => `::ffff:0:${hex}`,
    (hex) => `64:ff9b::${hex}`,
    (hex) => `2002:${hex}::`,
    (hex) => `2001:0:${hex}:0:0:f5ff:fffe`,
    (_, inverted) => `2001:0:a00:1:0:0:${inverted}`,
    (hex) => `2606:4700:0:0:0:5efe:${hex}`,
  ];
  fc.assert(
    fc.property(v4, fc.constantFrom(...dresses), (parts, dress) => {
      const word = (high: number, low: number): string => ((high << 8) | low).toString(16);
      const [a, b, c, d] = parts;
      const text = dress(`${word(a, b)}:${word(c, d)}`, `${word(255 - a, 255 - b)}:${word(255 - c, 255 - d)}`);
      // ::1 and :: are themselves.
      fc.pre(parseIpv6(text) !== undefined);
      expect(judgeAddress(text, {}).ok).toBe(!refusedV4(parts));
    }),
    { numRuns: 2000 },
  );
});

test('whatever is no address is refused, and nothing throws', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(fc.constantFrom(':', '.', '%', '1', 'f', '0', 'x', '['), { maxLength: 20 }).map((list) => list.join('')),
      ),
      (text) => {
        expect(judgeAddress(text, { allowLoopback: true, allowLinkLocal: true }).ok && isIP(text) === 0).toBe(false);
      },
    ),
    { numRuns: 3000 },
  );
});
