import type { BenchRun, Figure } from './figure.ts';
import { measureTicks, type TickOptions } from './hpa-ticks.ts';

export const run: BenchRun = async () => {
  const out: Figure[] = [];
  for (const options of [
    { targets: 1000, namespaces: 1, external: false, columns: true, shift: false },
    { targets: 10000, namespaces: 1000, external: false, columns: true, shift: false },
    { targets: 10000, namespaces: 1000, external: false, columns: true, shift: true },
    { targets: 10000, namespaces: 1000, external: true, columns: true, shift: false },
    { targets: 10000, namespaces: 1, external: true, columns: true, shift: true },
  ] as TickOptions[]) {
    console.error(JSON.stringify(options), JSON.stringify(await measureTicks(options)));
  }
  return out;
};
