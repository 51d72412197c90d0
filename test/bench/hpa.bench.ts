import type { BenchRun, Figure } from './figure.ts';
import { measureTicks, type TickOptions } from './hpa-ticks.ts';

export const run: BenchRun = async () => {
  const out: Figure[] = [];
  for (const options of [
    { targets: 1000, namespaces: 1, external: false, shift: false, memory: false },
    { targets: 10000, namespaces: 1000, external: false, shift: false, memory: true },
    { targets: 10000, namespaces: 1000, external: false, shift: true, memory: false },
    { targets: 10000, namespaces: 1000, external: true, shift: false, memory: false },
    { targets: 10000, namespaces: 1, external: true, shift: true, memory: false },
  ] as TickOptions[]) {
    console.error(JSON.stringify(options), JSON.stringify(await measureTicks(options)));
  }
  return out;
};
