import type { Environment } from '@marcbachmann/cel-js';
import { BlockList, isIP } from 'node:net';
import { sync } from './time-functions.ts';

const urlType = 'kubernetes.URL';
const ipType = 'net.IP';
const cidrType = 'net.CIDR';

class IpAddress {
  readonly text: string;

  constructor(text: string) {
    if (isIP(text) === 0 || text.includes('%'))
      throw new SyntaxError(`IP Address ${JSON.stringify(text)} parse error during conversion from string`);
    this.text = text;
  }

  get family(): 4 | 6 {
    return isIP(this.text) === 4 ? 4 : 6;
  }

  toString(): string {
    return this.text;
  }
}

class Cidr {
  readonly ip: IpAddress;
  readonly prefix: number;

  constructor(text: string) {
    const [address = '', bits = '', ...more] = text.split('/');
    const valid = more.length === 0 && /^\d{1,3}$/.test(bits) && isIP(address) !== 0;
    if (!valid || Number(bits) > (isIP(address) === 4 ? 32 : 128)) {
      throw new SyntaxError(`network address parse error during conversion from string: ${JSON.stringify(text)}`);
    }
    this.ip = new IpAddress(address);
    this.prefix = Number(bits);
  }

  contains(address: IpAddress): boolean {
    if (address.family !== this.ip.family) return false;
    const list = new BlockList();
    list.addSubnet(this.ip.text, this.prefix, this.ip.family === 4 ? 'ipv4' : 'ipv6');
    return list.check(address.text, address.family === 4 ? 'ipv4' : 'ipv6');
  }

  toString(): string {
    return `${this.ip.text}/${this.prefix}`;
  }
}

/** URLs, IP addresses and networks. */
export function registerNetwork(env: Environment): void {
  const method = (signature: string, handler: (...args: never[]) => unknown): void => {
    env.registerFunction(signature, handler as (...args: unknown[]) => unknown, sync);
  };
  registerUrls(env, method);
  env.registerType(ipType, { ctor: IpAddress, fields: {} });
  env.registerType(cidrType, { ctor: Cidr, fields: {} });
  env.registerOperator(`${ipType} == ${ipType}`, (a: IpAddress, b: IpAddress) => a.text === b.text);
  env.registerOperator(`${cidrType} == ${cidrType}`, (a: Cidr, b: Cidr) => String(a) === String(b));
  method('isIP(string): bool', (text: string) => isIP(text) !== 0 && !text.includes('%'));
  method(`ip(string): ${ipType}`, (text: string) => new IpAddress(text));
  method(`${ipType}.family(): int`, (ip: IpAddress) => BigInt(ip.family));
  method(`string(${ipType}): string`, String);
  method('isCIDR(string): bool', (text: string) => {
    try {
      return new Cidr(text).prefix >= 0;
    } catch {
      return false;
    }
  });
  method(`cidr(string): ${cidrType}`, (text: string) => new Cidr(text));
  method(`${cidrType}.ip(): ${ipType}`, (cidr: Cidr) => cidr.ip);
  method(`${cidrType}.prefixLength(): int`, (cidr: Cidr) => BigInt(cidr.prefix));
  method(`${cidrType}.containsIP(string): bool`, (cidr: Cidr, ip: string) => cidr.contains(new IpAddress(ip)));
  method(`${cidrType}.containsIP(${ipType}): bool`, (cidr: Cidr, ip: IpAddress) => cidr.contains(ip));
  method(`string(${cidrType}): string`, String);
}

function registerUrls(env: Environment, method: (signature: string, handler: (...args: never[]) => unknown) => void): void {
  env.registerType(urlType, { ctor: URL, fields: {} });
  env.registerOperator(`${urlType} == ${urlType}`, (a: URL, b: URL) => a.href === b.href);
  method('isURL(string): bool', (text: string) => isUrl(text));
  method(`url(string): ${urlType}`, (text: string) => {
    if (!isUrl(text)) throw new SyntaxError(`URL parse error during conversion from string: ${JSON.stringify(text)}`);
    return parseUrl(text);
  });
  method(`${urlType}.getScheme(): string`, (url: URL) => (url.host === placeholder ? '' : url.protocol.slice(0, -1)));
  method(`${urlType}.getHost(): string`, (url: URL) => (url.host === placeholder ? '' : url.host));
  method(`${urlType}.getHostname(): string`, (url: URL) => (url.host === placeholder ? '' : url.hostname.replace(/^\[(.*)\]$/, '$1')));
  method(`${urlType}.getPort(): string`, (url: URL) => url.port);
  method(`${urlType}.getEscapedPath(): string`, (url: URL) => url.pathname);
  method(`${urlType}.getQuery(): map<string, list<string>>`, (url: URL) =>
    Object.fromEntries([...new Set(url.searchParams.keys())].map((key) => [key, url.searchParams.getAll(key)])),
  );
}

/** Stands in for the host of a URL that is only a path, which CEL's `url()` takes too. */
const placeholder = 'path.invalid';

/** An absolute URI or an absolute path, as Go's `url.ParseRequestURI` takes them. */
function isUrl(text: string): boolean {
  if (/[\s#]/.test(text)) return false;
  return text.startsWith('/') || (/^[A-Za-z][A-Za-z0-9+.-]*:\/?/.test(text) && URL.canParse(text));
}

function parseUrl(text: string): URL {
  return text.startsWith('/') ? new URL(text, `http://${placeholder}`) : new URL(text);
}
