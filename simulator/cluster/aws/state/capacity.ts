import type { InstanceType, QuotaBucket } from '../instance-types/types.ts';
import type { CapacityPools } from '../types.ts';
import type { Market } from './model.ts';

interface Pool {
  readonly type: InstanceType;
  readonly zone: string;
  readonly market: Market;
}

/** What AWS has to give: instances of a type in a zone, and vCPUs that the account may run. */
export class Capacity implements CapacityPools {
  readonly #stock = new Map<string, number>();
  readonly #quotas = new Map<QuotaBucket, number>();
  readonly #usedVcpus = new Map<QuotaBucket, number>();
  /** Told when there may be more than before. */
  onGrowth: () => void = () => undefined;

  set({ type, zone, market }: { readonly type: string; readonly zone: string; readonly market?: Market }, count: number | undefined): void {
    if (count !== undefined && !(Number.isInteger(count) && count >= 0))
      throw new RangeError(`stock of ${type} in ${zone}: ${count} is no count`);
    for (const each of market === undefined ? (['on-demand', 'spot'] as const) : [market]) {
      const key = keyOf(type, zone, each);
      if (count === undefined) this.#stock.delete(key);
      else this.#stock.set(key, count);
    }
    this.onGrowth();
  }

  available({ type, zone, market }: { readonly type: string; readonly zone: string; readonly market: Market }): number {
    return this.#stock.get(keyOf(type, zone, market)) ?? Number.POSITIVE_INFINITY;
  }

  setQuota(bucket: QuotaBucket, vcpus: number | undefined): void {
    if (vcpus === undefined) this.#quotas.delete(bucket);
    else if (Number.isInteger(vcpus) && vcpus >= 0) this.#quotas.set(bucket, vcpus);
    else throw new RangeError(`quota of ${bucket}: ${vcpus} is no count of vCPUs`);
    this.onGrowth();
  }

  /** The quota that one more instance would exceed. Quotas of on-demand only: spot has its own, which is not played. */
  exceededQuota({ type, market }: Pool): number | undefined {
    if (market === 'spot') return undefined;
    const quota = this.#quotas.get(type.bucket);
    return quota !== undefined && (this.#usedVcpus.get(type.bucket) ?? 0) + type.vcpus > quota ? quota : undefined;
  }

  take(pool: Pool): void {
    this.#move(pool, 1);
  }

  giveBack(pool: Pool): void {
    this.#move(pool, -1);
    this.onGrowth();
  }

  #move({ type, zone, market }: Pool, count: 1 | -1): void {
    const key = keyOf(type.name, zone, market);
    const left = this.#stock.get(key);
    if (left !== undefined) this.#stock.set(key, left - count);
    if (market === 'on-demand') this.#usedVcpus.set(type.bucket, (this.#usedVcpus.get(type.bucket) ?? 0) + count * type.vcpus);
  }
}

function keyOf(type: string, zone: string, market: Market): string {
  return `${type}/${zone}/${market}`;
}
