/** Gives each instance an address in its subnet, `10.<net>.<a>.<b>`; a freed one comes again only when all others have been used. */
export class AddressPlan {
  readonly #next = new Map<number, number>();
  readonly #used = new Set<string>();

  take(net: number): string {
    for (let tries = 0; tries < lastHost; tries++) {
      const host = this.#next.get(net) ?? firstHost;
      this.#next.set(net, host >= lastHost ? firstHost : host + 1);
      const address = `10.${net}.${host >> 8}.${host & 255}`;
      if (this.#used.has(address)) continue;
      this.#used.add(address);
      return address;
    }
    throw new RangeError(`subnet 10.${net}.0.0/16 has no free address`);
  }

  free(address: string): void {
    this.#used.delete(address);
  }
}

/** AWS keeps the first four addresses of a subnet and the last. */
const firstHost = 4;
const lastHost = 65_534;

/** `ip-10-0-0-6.ec2.internal`; outside us-east-1 the region is in the name. */
export function privateDnsName(address: string, region: string): string {
  const host = `ip-${address.replaceAll('.', '-')}`;
  return region === 'us-east-1' ? `${host}.ec2.internal` : `${host}.${region}.compute.internal`;
}
