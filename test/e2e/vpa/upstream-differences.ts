import type { Said } from './upstream-side.ts';
import type { Amounts, CheckpointState, ContainerState, HistogramState } from './upstream-state.ts';

/** One number in which two recommenders do not say the same. */
export interface Difference {
  /** `steady target cpu`, `steady checkpoint memory total`. */
  readonly what: string;
  /** NaN: not said. */
  readonly theirs: number;
  readonly ours: number;
  /** The distance, relative to the greater one; 1 where one of them says nothing, absolute seconds for times. */
  readonly apart: number;
}

const bounds = ['target', 'lowerBound', 'upperBound', 'uncappedTarget'] as const;

/**
 * Everything in which two recommenders differ on one VerticalPodAutoscaler each, the farthest apart first: bounds by container, and checkpoints (weights of a histogram as stored, that is
 * in ten-thousandths of the largest). Empty: the same to the last digit.
 */
export function differencesOf(theirs: Said, ours: Said): Difference[] {
  const containers = union(theirs.state.containers, ours.state.containers);
  const checkpoints = union(theirs.checkpoints, ours.checkpoints);
  const found = [
    ...containers.flatMap((name) => boundDifferences(name, theirs.state.containers[name], ours.state.containers[name])),
    ...checkpoints.flatMap((name) => checkpointDifferences(`${name} checkpoint`, theirs.checkpoints[name], ours.checkpoints[name])),
  ];
  return found.toSorted((a, b) => b.apart - a.apart);
}

/** A line for each, for the message of a test. */
export function differenceText(differences: readonly Difference[]): string {
  return differences
    .map(({ what, theirs, ours, apart }) => `${what}: theirs ${theirs}, ours ${ours} (${apart.toPrecision(3)} apart)`)
    .join('\n');
}

function boundDifferences(name: string, theirs: ContainerState | undefined, ours: ContainerState | undefined): Difference[] {
  return bounds.flatMap((bound) => numberDifferences(`${name} ${bound}`, amounts(theirs?.[bound]), amounts(ours?.[bound])));
}

function amounts(list: Amounts | undefined): Readonly<Record<string, number>> {
  return { ...list };
}

function checkpointDifferences(what: string, theirs: CheckpointState | undefined, ours: CheckpointState | undefined): Difference[] {
  const plain = (state: CheckpointState | undefined): Readonly<Record<string, number>> =>
    state === undefined ? {} : { samples: state.samples };
  const times = (state: CheckpointState | undefined): Readonly<Record<string, number>> =>
    state === undefined
      ? {}
      : {
          firstSampleStart: state.firstSampleStart,
          lastSampleStart: state.lastSampleStart,
          'cpu reference': state.cpu.reference,
          'memory reference': state.memory.reference,
        };
  return [
    ...numberDifferences(what, plain(theirs), plain(ours)),
    ...numberDifferences(what, times(theirs), times(ours), (a, b) => Math.abs(a - b) / 1000),
    ...histogramDifferences(`${what} cpu`, theirs?.cpu, ours?.cpu),
    ...histogramDifferences(`${what} memory`, theirs?.memory, ours?.memory),
  ];
}

function histogramDifferences(what: string, theirs: HistogramState | undefined, ours: HistogramState | undefined): Difference[] {
  const total = (state: HistogramState | undefined): Readonly<Record<string, number>> =>
    state === undefined ? {} : { total: state.total };
  return [
    ...numberDifferences(what, total(theirs), total(ours)),
    // A bucket that is not stored weighs less than a ten-thousandth.
    ...numberDifferences(`${what} bucket`, theirs?.weights ?? {}, ours?.weights ?? {}, (a, b) => Math.abs(a - b) / 10_000, 0),
  ];
}

function numberDifferences(
  what: string,
  theirs: Readonly<Record<string, number>>,
  ours: Readonly<Record<string, number>>,
  ...[distance = relative, absent = Number.NaN]: [distance?: (a: number, b: number) => number, absent?: number]
): Difference[] {
  return union(theirs, ours).flatMap((name) => {
    const [a, b] = [theirs[name] ?? absent, ours[name] ?? absent];
    // Two that both say nothing say the same.
    if (Object.is(a, b)) return [];
    const apart = Number.isNaN(a) || Number.isNaN(b) ? 1 : distance(a, b);
    return apart === 0 ? [] : [{ what: `${what} ${name}`, theirs: a, ours: b, apart }];
  });
}

function relative(a: number, b: number): number {
  return a === b ? 0 : Math.abs(a - b) / Math.max(Math.abs(a), Math.abs(b));
}

function union(a: object, b: object): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].toSorted();
}
