import { Labels } from '../storage/labels.ts';
import { quantileOf } from './arithmetic.ts';
import type { Aggregation, Grouping } from './ast.ts';
import { formatFloat, formatPlainFloat } from './numbers.ts';
import { ExecutionError } from './values.ts';
import type { Sample, Value, Vector } from './values.ts';

interface Group {
  readonly labels: Labels;
  readonly samples: Sample[];
}

/** One aggregation at one instant; `parameter` is the evaluated k, φ or label. */
export function aggregate(aggregation: Aggregation, samples: Vector, parameter: Value | undefined): Sample[] {
  const { name, grouping } = aggregation;
  const scalar = parameter?.kind === 'scalar' ? parameter.value : Number.NaN;
  if (name === 'count_values') return countValues(samples, grouping, parameter?.kind === 'string' ? parameter.value : '');
  if (name === 'topk' || name === 'bottomk') return extremes(samples, grouping, { count: scalar, descending: name === 'topk' });
  return groupsOf(samples, grouping).map(({ labels, samples: members }) => ({ labels, value: summary(name, members, scalar) }));
}

function groupsOf(samples: Vector, grouping: Grouping): Group[] {
  const key = groupLabels(grouping);
  const groups = new Map<string, Group>();
  for (const sample of samples) {
    const labels = key(sample.labels);
    const group = groups.get(labels.key);
    if (group === undefined) groups.set(labels.key, { labels, samples: [sample] });
    else group.samples.push(sample);
  }
  return [...groups.values()];
}

function groupLabels({ without, labels }: Grouping): (given: Labels) => Labels {
  if (!without && labels.length === 0) return () => Labels.empty;
  const names = new Set(without ? [...labels, '__name__'] : labels);
  return without ? (given) => given.without(names) : (given) => given.only(names);
}

function summary(name: string, samples: Vector, parameter: number): number {
  switch (name) {
    case 'sum':
      return samples.reduce((sum, { value }) => sum + value, 0);
    case 'avg':
      return average(samples);
    case 'min':
      return extreme(samples, (left, right) => left < right);
    case 'max':
      return extreme(samples, (left, right) => left > right);
    case 'count':
      return samples.length;
    case 'group':
      return 1;
    case 'stddev':
      return Math.sqrt(variance(samples));
    case 'stdvar':
      return variance(samples);
    case 'quantile':
      return quantileOf(
        parameter,
        samples.map(({ value }) => value),
      );
    default:
      throw new ExecutionError(`aggregation "${name}" is not supported by this simulated Prometheus`);
  }
}

/** A running mean, which cannot overflow. */
function average(samples: Vector): number {
  let mean = 0;
  let count = 0;
  for (const { value } of samples) {
    count += 1;
    const stays = (mean === Infinity || mean === -Infinity) && (value === mean || Number.isFinite(value));
    if (!stays) mean += value / count - mean / count;
  }
  return mean;
}

function extreme(samples: Vector, before: (left: number, right: number) => boolean): number {
  let found = samples[0]?.value ?? Number.NaN;
  for (const { value } of samples) if (before(value, found) || Number.isNaN(found)) found = value;
  return found;
}

function variance([head, ...rest]: Vector): number {
  // One alone varies by nothing, even if it is no number.
  let mean = head?.value ?? Number.NaN;
  let squares = 0;
  let count = 1;
  for (const { value } of rest) {
    count += 1;
    const distance = value - mean;
    mean += distance / count;
    squares += distance * (value - mean);
  }
  return squares / count;
}

/** The k highest or lowest of each group, with all of their labels, NaN last. */
function extremes(
  samples: Vector,
  grouping: Grouping,
  { count, descending }: { readonly count: number; readonly descending: boolean },
): Sample[] {
  if (Number.isNaN(count) || Math.abs(count) >= 2 ** 63) throw new ExecutionError(`Scalar value ${formatFloat(count)} overflows int64`);
  const kept = Math.trunc(count);
  if (kept < 1) return [];
  return groupsOf(samples, grouping).flatMap(({ samples: members }) => firstByHeap(members, kept, byValue(descending)));
}

/**
 * The first `kept` in an order, by the heap that the real server keeps: with equal values it decides which of them stay. The worst that is kept is
 * on top, and only a better one takes its place.
 */
function firstByHeap(samples: Vector, kept: number, order: (left: Sample, right: Sample) => number): Sample[] {
  const heap: Sample[] = [];
  const worse = (left: number, right: number): boolean => {
    const [a, b] = [heap[left], heap[right]];
    // NaN is worse than anything, also than itself, as in the real server.
    return a !== undefined && b !== undefined && (Number.isNaN(a.value) || order(a, b) > 0);
  };
  const swap = (left: number, right: number): void => {
    const [a, b] = [heap[left], heap[right]];
    if (a !== undefined && b !== undefined) [heap[left], heap[right]] = [b, a];
  };
  const up = (from: number): void => {
    for (let at = from; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!worse(at, parent)) break;
      swap(at, parent);
      at = parent;
    }
  };
  const down = (): void => {
    for (let at = 0; ;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && worse(child + 1, child)) child += 1;
      if (!worse(child, at)) break;
      swap(child, at);
      at = child;
    }
  };
  for (const sample of samples) {
    const top = heap[0];
    if (heap.length < kept) {
      heap.push(sample);
      up(heap.length - 1);
    } else if (top !== undefined && order(sample, top) < 0) {
      heap[0] = sample;
      down();
    }
  }
  return heap.sort(order);
}

/** Order of values with NaN at the end. */
export function byValue(descending: boolean): (left: Sample, right: Sample) => number {
  return (left, right) => {
    if (Number.isNaN(left.value)) return Number.isNaN(right.value) ? 0 : 1;
    if (Number.isNaN(right.value)) return -1;
    if (left.value === right.value) return 0;
    return left.value < right.value === descending ? 1 : -1;
  };
}

export const labelName = /^[A-Za-z_][A-Za-z0-9_]*$/;

function countValues(samples: Vector, grouping: Grouping, label: string): Sample[] {
  if (!labelName.test(label)) throw new ExecutionError(`invalid label name ${JSON.stringify(label)}`);
  const key = groupLabels(grouping);
  const counts = new Map<string, { readonly labels: Labels; count: number }>();
  for (const sample of samples) {
    const labels = key(sample.labels).with({ [label]: formatPlainFloat(sample.value) });
    const found = counts.get(labels.key);
    if (found === undefined) counts.set(labels.key, { labels, count: 1 });
    else found.count += 1;
  }
  return [...counts.values()].map(({ labels, count }) => ({ labels, value: count }));
}
