/** What an administrator permits beyond ordinary addresses; a private network is ordinary in a cluster. */
export interface AddressPermit {
  /** 127.0.0.0/8 and ::1. */
  readonly allowLoopback?: boolean | undefined;
  /** 169.254.0.0/16 and fe80::/10; the metadata services that are known stay refused. */
  readonly allowLinkLocal?: boolean | undefined;
}

export type AddressVerdict =
  | { readonly ok: true }
  /** `problem` completes "is refused: it …". */
  | { readonly ok: false; readonly problem: string };

const permitted: AddressVerdict = { ok: true };

/**
 * Whether a connection may go to an address (metrics specification §F.6), whatever name it came from. Addresses that carry an IPv4 address inside (mapped,
 * compatible, translated, NAT64, 6to4, Teredo, ISATAP) are judged by that one too. What is no address at all is refused.
 */
export function judgeAddress(address: string, permit: AddressPermit): AddressVerdict {
  const v4 = parseIpv4(address);
  if (v4 !== undefined) return judgeIpv4(v4, permit);
  const [bare, zone] = splitZone(address);
  const v6 = parseIpv6(bare);
  if (v6 === undefined) return refuse('is not an IP address');
  // A zone names a network interface, which only a link-local address has need of.
  if (zone !== undefined && !isLinkLocal6(v6)) return refuse('has a zone although it is not link-local');
  return judgeIpv6(v6, permit);
}

function refuse(problem: string): AddressVerdict {
  return { ok: false, problem };
}

/** Metadata services outside of link-local, or worth refusing even where link-local is permitted. */
const metadata4: ReadonlyMap<number, string> = new Map(
  [
    ['169.254.169.254', 'most clouds'],
    ['169.254.170.2', 'AWS ECS'],
    ['169.254.170.23', 'AWS EKS'],
    ['100.100.100.200', 'Alibaba Cloud'],
    ['168.63.129.16', 'Azure'],
    ['192.0.0.192', 'Oracle Cloud'],
  ].map(([text = '', cloud = '']) => [parseIpv4(text) ?? 0, cloud] as const),
);

const metadata6: ReadonlyMap<string, string> = new Map(
  [
    ['fd00:0ec2::0254', 'AWS'],
    ['fd00:0ec2::0023', 'AWS EKS'],
    ['fd20:00ce::0254', 'Google Cloud'],
  ].map(([text = '', cloud = '']) => [(parseIpv6(text) ?? []).join(), cloud] as const),
);

function judgeIpv4(address: number, permit: AddressPermit): AddressVerdict {
  const cloud = metadata4.get(address);
  if (cloud !== undefined) return refuse(`is the metadata service of ${cloud}`);
  const first = address >>> 24;
  if (first === 0) return refuse('is unspecified (0.0.0.0/8)');
  if (first === 127) return permit.allowLoopback === true ? permitted : refuse('is loopback; network.allowLoopback permits it');
  if (address >>> 16 === 0xa9fe)
    return permit.allowLinkLocal === true ? permitted : refuse('is link-local; network.allowLinkLocal permits it');
  if (address === 0xffffffff) return refuse('is the broadcast address');
  if (first >= 240) return refuse('is reserved (240.0.0.0/4)');
  if (first >= 224) return refuse('is multicast');
  return permitted;
}

function judgeIpv6(groups: readonly number[], permit: AddressPermit): AddressVerdict {
  const cloud = metadata6.get(groups.join());
  if (cloud !== undefined) return refuse(`is the metadata service of ${cloud}`);
  const [first = 0] = groups;
  if (groups.slice(0, 7).every((group) => group === 0)) {
    if (groups[7] === 0) return refuse('is unspecified (::)');
    if (groups[7] === 1) return permit.allowLoopback === true ? permitted : refuse('is loopback; network.allowLoopback permits it');
  }
  if (isLinkLocal6(groups)) return permit.allowLinkLocal === true ? permitted : refuse('is link-local; network.allowLinkLocal permits it');
  if (first >>> 8 === 0xff) return refuse('is multicast');
  // RFC 8215: where in it the IPv4 address stands depends on a prefix length that only its operator knows.
  if (first === 0x64 && groups[1] === 0xff9b && groups[2] === 1) return refuse('is in the local NAT64 prefix 64:ff9b:1::/48');
  for (const { form, address } of embeddedIpv4(groups)) {
    const verdict = judgeIpv4(address, permit);
    if (!verdict.ok) return refuse(`carries ${formatIpv4(address)} (${form}), which ${verdict.problem}`);
  }
  return permitted;
}

function isLinkLocal6(groups: readonly number[]): boolean {
  return ((groups[0] ?? 0) & 0xffc0) === 0xfe80;
}

interface Embedded {
  readonly form: string;
  readonly address: number;
}

function embeddedIpv4(groups: readonly number[]): Embedded[] {
  const at = (index: number): number => (((groups[index] ?? 0) << 16) | (groups[index + 1] ?? 0)) >>> 0;
  const head = groups
    .slice(0, 6)
    .map((group) => group.toString(16))
    .join(':');
  const found: Embedded[] = [];
  const last = embeddedLast[head];
  if (last !== undefined) found.push({ form: last, address: at(6) });
  if (groups[0] === 0x2002) found.push({ form: '6to4', address: at(1) });
  if (groups[0] === 0x2001 && groups[1] === 0) {
    found.push({ form: 'Teredo server', address: at(2) }, { form: 'Teredo client', address: ~at(6) >>> 0 });
  }
  if (groups[5] === 0x5efe && ((groups[4] ?? 0) & 0xfcff) === 0) found.push({ form: 'ISATAP', address: at(6) });
  return found;
}

/** Prefixes of 96 bits whose last 32 are an IPv4 address. */
const embeddedLast: Readonly<Record<string, string>> = {
  '0:0:0:0:0:0': 'IPv4-compatible',
  '0:0:0:0:0:ffff': 'IPv4-mapped',
  '0:0:0:0:ffff:0': 'IPv4-translated',
  '64:ff9b:0:0:0:0': 'NAT64',
};

function splitZone(address: string): [string, string | undefined] {
  const percent = address.indexOf('%');
  return percent < 0 ? [address, undefined] : [address.slice(0, percent), address.slice(percent + 1)];
}

/** Four decimal numbers and nothing else: the form that a resolver and a normalised URL give. `undefined` for other text. */
export function parseIpv4(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  let address = 0;
  for (const part of match.slice(1)) {
    const octet = Number(part);
    // A leading zero is octal to some readers and decimal to others.
    if (octet > 255 || (part.length > 1 && part.startsWith('0'))) return undefined;
    address = address * 256 + octet;
  }
  return address;
}

/** The eight groups of an IPv6 address without zone and brackets; `undefined` for other text. */
export function parseIpv6(text: string): number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [left = '', right] = halves;
  const head = parseGroups(left, right === undefined);
  const tail = right === undefined ? [] : parseGroups(right, true);
  if (head === undefined || tail === undefined) return undefined;
  const zeros = 8 - head.length - tail.length;
  if (right === undefined ? zeros !== 0 : zeros < 1) return undefined;
  return [...head, ...Array.from({ length: zeros }, () => 0), ...tail];
}

function parseGroups(text: string, dottedEnd: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (dottedEnd && index === parts.length - 1 && part.includes('.')) {
      const v4 = parseIpv4(part);
      if (v4 === undefined) return undefined;
      groups.push(v4 >>> 16, v4 & 0xffff);
    } else {
      if (!/^[0-9a-f]{1,4}$/i.test(part)) return undefined;
      groups.push(Number.parseInt(part, 16));
    }
  }
  return groups;
}

function formatIpv4(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');
}
