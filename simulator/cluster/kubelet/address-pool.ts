/** Unique addresses: pods from 10.64.0.0/10, nodes from 172.16.0.0/12. Freed ones are used again only when the range is through. */
export class AddressPool {
  readonly #pods = new Set<string>();
  #nextPod = 1;
  #nextNode = 1;

  takePod(): string {
    for (;;) {
      const address = dotted(0x0a400000 + (this.#nextPod++ % 0x3ffffe));
      if (this.#pods.has(address) || address.endsWith('.0') || address.endsWith('.255')) continue;
      this.#pods.add(address);
      return address;
    }
  }

  /** Notes an address that a pod has already. */
  usePod(address: string): void {
    this.#pods.add(address);
  }

  freePod(address: string): void {
    this.#pods.delete(address);
  }

  takeNode(): string {
    for (;;) {
      const address = dotted(0xac100000 + (this.#nextNode++ % 0xffffe));
      if (!address.endsWith('.0') && !address.endsWith('.255')) return address;
    }
  }
}

function dotted(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
}
