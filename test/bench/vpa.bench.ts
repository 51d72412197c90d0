import { figureSheet, type BenchRun, type Figure } from './figure.ts';
import {
  feedDense,
  feedEngine,
  measureAdding,
  measureBytes,
  measureCheckpoints,
  measureRecommendations,
  type Fed,
} from './vpa-measures.ts';
import { measureResident } from './vpa-memory.ts';
import { drawWorkload, type Workload } from './vpa-workload.ts';

/** Upstream v1.8.1 on this machine: 143 and 292 ns a sample, 3,224 B an aggregate, 2.0 µs a recommendation, 6.8 µs a checkpoint, 2.1 ms a pod at 10,000 policies. */
const limits = { sampleNs: 60, aggregateBytes: 768, recommendationUs: 0.5, checkpointUs: 3, addPodUs: 5, blockMs: 50, residentMiB: 400 };
const { figure, against: beside } = figureSheet('vpa', 3);
const against = (of: Figure, value: number): Figure => beside(of, 'two arrays of 176 an object', value);

/** The recommender's memory on upstream's own workload (specs/peers.md, part 3); a wrong sum of targets or length of checkpoints ends the bench. */
export const run: BenchRun = async () => {
  const figures: Figure[] = [];
  // What the first run costs in compiled code is not the memory of an aggregate.
  measureBytes(drawWorkload(1_000));
  for (const count of [10_000, 50_000]) figures.push(...(await measureWorkload(drawWorkload(count))));
  for (const policies of [1_000, 10_000]) {
    figures.push(
      figure(
        `adding a pod, ${policies.toLocaleString('en')} policies in its namespace`,
        measureAdding(policies),
        'µs of CPU',
        limits.addPodUs,
      ),
    );
  }
  const resident = await measureResident(200_000);
  figures.push(
    figure(
      'resident memory of a process with 200,000 containers and aggregates, ten pods a policy',
      resident / 2 ** 20,
      'MiB',
      limits.residentMiB,
    ),
  );
  return figures;
};

async function measureWorkload(workload: Workload): Promise<Figure[]> {
  const { count } = workload;
  const name = (what: string): string => `${what}, ${count.toLocaleString('en')} containers`;
  const bytes = measureBytes(workload);
  let fed = feedEngine(workload);
  let plain = feedDense(workload);
  for (let round = 0; round < 2; round++) {
    fed = better(fed, feedEngine(workload));
    const again = feedDense(workload);
    if (again.cpuNs < plain.cpuNs) plain = again;
  }
  const recommendations = measureRecommendations(fed, count, plain.aggregates);
  const checkpoints = await measureCheckpoints(fed, count, plain.aggregates);
  return [
    against(
      figure(name('a CPU sample from the columns of an answer into its histogram'), fed.cpuNs, 'ns of CPU', limits.sampleNs),
      plain.cpuNs,
    ),
    figure(name('a memory sample that begins a window'), fed.memoryNs, 'ns of CPU', null),
    against(figure(name('memory of an aggregate, its labels and key included'), bytes.aggregate, 'B', limits.aggregateBytes), bytes.dense),
    figure(name('memory of a container with its aggregate, label set, pod and policy'), bytes.whole, 'B', null),
    against(
      figure(name("a recommendation's numbers"), recommendations.numbersUs, 'µs of CPU', limits.recommendationUs),
      recommendations.denseUs,
    ),
    figure(name('a recommendation as objects with its evidence'), recommendations.objectsUs, 'µs of CPU', null),
    against(figure(name('a checkpoint as JSON'), checkpoints.textUs, 'µs of CPU', limits.checkpointUs), checkpoints.denseUs),
    figure(name('a checkpoint as an object that JSON.stringify is given'), checkpoints.objectUs, 'µs of CPU', null),
    figure(name('longest block of the event loop in a pass of checkpoints by slices of 10 ms'), checkpoints.blockMs, 'ms', limits.blockMs),
  ];
}

function better(a: Fed, b: Fed): Fed {
  return { ...b, cpuNs: Math.min(a.cpuNs, b.cpuNs), memoryNs: Math.min(a.memoryNs, b.memoryNs) };
}
