import { amountOf, cpuAmount, roundUp, scaleAmount } from './amounts.ts';
import { power } from './go-math.kernel.ts';
import type { HistogramPool } from './histogram.kernel.ts';
import { percentiles, stride, userFirst, userSecond, userThird } from './histogram.kernel.ts';

/** How one resource of a container is estimated. */
export interface ResourcePlan {
  /** Shares for lower bound, target and upper bound. */
  readonly percentiles: Float64Array;
  readonly margin: number;
  readonly confidenceIntervalMs: number;
  /** Of a whole pod. */
  readonly podMinimum: number;
  readonly rounding: number;
}

export interface EstimationPlan {
  readonly cpu: ResourcePlan;
  readonly memory: ResourcePlan;
}

/** Numbers of one estimated resource in {@link Estimates}: lower bound, target, upper bound; the same three as they were before margin, confidence and minimum. */
export const lower = 0;
export const target = 1;
export const upper = 2;
export const rawLower = 3;
export const rawTarget = 4;
export const rawUpper = 5;
export const confidenceAt = 6;
export const minimumAt = 7;
/** 1: the minimum is larger than what the target would be. */
export const atMinimumAt = 8;

/** Filled again for each container: {@link lower} and so on. */
export interface Estimates {
  readonly cpu: Float64Array;
  readonly memory: Float64Array;
  readonly scratch: Float64Array;
}

export function createEstimates(): Estimates {
  return { cpu: new Float64Array(9), memory: new Float64Array(9), scratch: new Float64Array(3) };
}

/** The numbers of one resource as an object. */
export interface PlainEstimate {
  readonly lower: number;
  readonly target: number;
  readonly upper: number;
  readonly raw: { readonly lower: number; readonly target: number; readonly upper: number };
  readonly confidence: number;
  readonly minimum: number;
  readonly atMinimum: boolean;
}

export interface PlainEstimates {
  readonly cpu: PlainEstimate;
  readonly memory: PlainEstimate;
}

export function estimatesOf({ cpu, memory }: Estimates): PlainEstimates {
  return { cpu: plain(cpu), memory: plain(memory) };
}

function plain(numbers: Float64Array): PlainEstimate {
  return {
    lower: numbers[lower]!,
    target: numbers[target]!,
    upper: numbers[upper]!,
    raw: { lower: numbers[rawLower]!, target: numbers[rawTarget]!, upper: numbers[rawUpper]! },
    confidence: numbers[confidenceAt]!,
    minimum: numbers[minimumAt]!,
    atMinimum: numbers[atMinimumAt] === 1,
  };
}

/** The smaller of the time that was covered and of the samples, as if one came a minute, each in intervals. CPU samples stand for memory too. */
export function confidenceOf(first: number, last: number, samples: number, intervalMs: number): number {
  // No first or no last sample: no time was covered.
  const covered = last - first > 0 && last - first < Infinity ? (last - first) / intervalMs : 0;
  return Math.min(covered, samples / (intervalMs / 60_000));
}

export function withMargin(base: number, fraction: number): number {
  return base + scaleAmount(base, fraction);
}

/** Grows (or with a negative exponent shrinks) an amount the more, the less confidence there is; NaN for 0 without any. */
export function scaleByConfidence(amount: number, confidence: number, multiplier: number, exponent: number): number {
  return scaleAmount(amount, power(1 + multiplier / confidence, exponent));
}

/** The larger of the two; the minimum for an unknown value. */
export function atLeast(value: number, minimum: number): number {
  return value >= minimum ? value : minimum;
}

export interface EstimationInput {
  readonly cpu: HistogramPool;
  readonly memory: HistogramPool;
  readonly plan: EstimationPlan;
}

/** Estimates from the histograms numbered `h` of both pools; `share` is the container's part of the pod minimum. */
export function estimate({ cpu, memory, plan }: EstimationInput, h: number, share: number, out: Estimates): void {
  const at = h * stride;
  const first = cpu.f64[at + userFirst]!;
  const last = cpu.f64[at + userSecond]!;
  const samples = cpu.f64[at + userThird]!;
  const { scratch } = out;
  percentiles(cpu, h, plan.cpu.percentiles, scratch);
  for (let index = 0; index < 3; index++) out.cpu[rawLower + index] = cpuAmount(scratch[index]!);
  finish(plan.cpu, share, confidenceOf(first, last, samples, plan.cpu.confidenceIntervalMs), out.cpu);
  percentiles(memory, h, plan.memory.percentiles, scratch);
  for (let index = 0; index < 3; index++) out.memory[rawLower + index] = amountOf(scratch[index]!);
  finish(plan.memory, share, confidenceOf(first, last, samples, plan.memory.confidenceIntervalMs), out.memory);
}

function finish(plan: ResourcePlan, share: number, confidence: number, numbers: Float64Array): void {
  const { margin, rounding } = plan;
  const minimum = scaleAmount(plan.podMinimum, share);
  const low = scaleByConfidence(withMargin(numbers[rawLower]!, margin), confidence, 0.001, -2);
  const high = scaleByConfidence(withMargin(numbers[rawUpper]!, margin), confidence, 1, 1);
  numbers[lower] = rounded(atLeast(low, minimum), rounding);
  const wanted = withMargin(numbers[rawTarget]!, margin);
  numbers[target] = rounded(atLeast(wanted, minimum), rounding);
  numbers[atMinimumAt] = wanted >= minimum ? 0 : 1;
  numbers[upper] = rounded(atLeast(high, minimum), rounding);
  numbers[confidenceAt] = confidence;
  numbers[minimumAt] = minimum;
}

function rounded(value: number, step: number): number {
  return step === 1 || value === 0 ? value : (roundUp(value, step) ?? value);
}
