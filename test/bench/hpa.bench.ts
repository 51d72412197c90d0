import { figureSheet, rounded, type BenchRun, type Figure } from './figure.ts';
import { measureEmbedded, requestsPerSecond } from './hpa-embedded.ts';
import { measureMemory, measureTicks, type TickFigures } from './hpa-ticks.ts';
import { podsPerTarget, type WorkloadOptions } from './hpa-workload.ts';

/** Of one core; upstream takes 3.0 s in 1,000 namespaces and 1,503 s in one. */
const tickLimitMs = 100;
const memoryLimit = 2048;
const latencyLimitMs = 250;
const policies = 1000;
const { figure } = figureSheet('hpa');

/** A hundredth of the targets has another load in each tick, a hundredth of the pods is another record, and every sample is new. */
const base: WorkloadOptions = { targets: 10_000, namespaces: 1_000, external: false, movingShare: 0.01, columns: true };

/** The replicas controller on upstream's own workload (specs/peers.md, part 4); a wrong sum of replicas ends the bench. */
export const run: BenchRun = async () => {
  const figures: Figure[] = [];
  for (const namespaces of [1, 100, 1_000]) figures.push(await tick({ ...base, targets: 1_000, namespaces }));
  for (const external of [false, true]) {
    for (const namespaces of [1, 10, 1_000]) figures.push(await tick({ ...base, external, namespaces }, tickLimitMs));
  }
  figures.push(
    ...(await unusualTicks()),
    memory('CPU', await measureMemory(base)),
    memory('CPU and an external metric', await measureMemory({ ...base, external: true })),
    ...(await latency()),
  );
  return figures;
};

async function tick(options: WorkloadOptions, limit: number | null = null): Promise<Figure> {
  const { tickMs, plainMs } = await measureTicks(options);
  return against(nameOf(options), { tickMs, plainMs, limit });
}

/** What is not asked for, but good to know. */
async function unusualTicks(): Promise<Figure[]> {
  const objects = await measureTicks({ ...base, columns: false });
  const moving = await measureTicks({ ...base, movingShare: 1 });
  return [
    against(`${nameOf(base)}, usage as an object for each pod`, { ...objects, limit: null }),
    against(`${nameOf(base)}, every load another one: the engine for ${Math.round(moving.full)} policies`, { ...moving, limit: null }),
    figure(`the engine for the ${Math.round(moving.news)} of these whose status is to be renewed`, moving.newsMs, 'ms of CPU', null),
    figure(`${nameOf(base)}, the first one`, moving.firstMs, 'ms of CPU', null),
  ];
}

async function latency(): Promise<Figure[]> {
  const { p50, p99, writes, missing } = await measureEmbedded(policies);
  const name = `new usage answered → scale written, ${policies} policies on the embedded cluster, ${requestsPerSecond} requests/s`;
  return [
    figure(`${name}, p99 of ${writes}`, p99, 'ms', latencyLimitMs),
    figure(`${name}, median`, p50, 'ms', null),
    figure(`${name}, not written within a period`, missing, 'writes', null),
  ];
}

function nameOf({ targets, namespaces, external }: WorkloadOptions): string {
  const pods = (targets * podsPerTarget).toLocaleString('en');
  const metrics = external ? 'CPU and an external metric' : 'CPU';
  return `decisions of one tick, ${targets.toLocaleString('en')} policies by ${metrics}, ${pods} pods in ${namespaces.toLocaleString('en')} namespace${namespaces === 1 ? '' : 's'}`;
}

function against(
  name: string,
  { tickMs, plainMs, limit }: Pick<TickFigures, 'tickMs' | 'plainMs'> & { readonly limit: number | null },
): Figure {
  return {
    ...figure(name, tickMs, 'ms of CPU', limit),
    against: { name: 'the engine for every policy', value: rounded(plainMs) },
    ratio: rounded(plainMs / tickMs),
  };
}

function memory(metrics: string, bytes: number): Figure {
  return figure(`memory of a policy by ${metrics} beyond its object, pods' columns included`, bytes, 'B', memoryLimit);
}
