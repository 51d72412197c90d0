import { deviceKey, type CounterSets, type DeviceRecord } from './model.ts';
import type { DevicePool } from './pools.ts';

/** What partitions of one pool may still take. Thousandths by set and counter. */
export interface CounterState {
  /** Whether the device's share is there; it is taken if so. Also refused while some counter of the pool is below nothing (as the scheduler). */
  take(device: DeviceRecord): boolean;
  giveBack(device: DeviceRecord): void;
}

/** `inUse` is asked of devices by name in the pool. */
export function createCounters({ driver, pool, slices, elsewhere, counters }: DevicePool, inUse: (key: string) => boolean): CounterState {
  const left = new Map([...counters].map(([set, values]) => [set, new Map(values)]));
  const shift = (consumes: CounterSets, sign: 1 | -1): void => {
    for (const [set, taken] of consumes) {
      for (const [name, amount] of taken) left.get(set)?.set(name, (left.get(set)?.get(name) ?? 0) + sign * amount);
    }
  };
  for (const device of [...slices.flatMap(({ devices }) => devices), ...elsewhere]) {
    if (device.consumes.size > 0 && inUse(deviceKey(driver, pool, device.name))) shift(device.consumes, -1);
  }
  return {
    take: ({ consumes }) => {
      shift(consumes, -1);
      const isThere = [...left.values()].every((values) => [...values.values()].every((amount) => amount >= 0));
      if (!isThere) shift(consumes, 1);
      return isThere;
    },
    giveBack: ({ consumes }) => shift(consumes, 1),
  };
}
