import { Quantity } from '../../core/units/index.ts';
import { sizedResources } from '../../vpa/model.ts';
import { addCpu, createAggregate, createAggregates, sampleFacts } from '../../vpa/recommender/engine/aggregates.kernel.ts';
import { amountOf, cpuAmount, roundUp, scaleAmount } from '../../vpa/recommender/engine/amounts.ts';
import { cpuBucketOfMilli, cpuScheme, memoryScheme, type BucketScheme } from '../../vpa/recommender/engine/bucket-scheme.kernel.ts';
import { atLeast, confidenceOf, scaleByConfidence, withMargin } from '../../vpa/recommender/engine/estimator.kernel.ts';
import { add, allocate, createHistogramPool, percentiles } from '../../vpa/recommender/engine/histogram.kernel.ts';
import { defaultSettingsOf } from '../../vpa/recommender/engine/policy-settings.ts';
import { createWeightSlab } from '../../vpa/recommender/engine/weight-slab.kernel.ts';
import { defaultEstimationConfig } from '../../vpa/config.ts';
import type { VectorCase, VectorRunner } from './runners.ts';
import { differences } from './vpa-histogram.ts';

type Numbers = Readonly<Record<string, number>>;

function check(run: (input: VectorCase['input']) => unknown): VectorRunner {
  return ({ input, expected, tolerance }) => differences(expected, run(input), tolerance ?? 0);
}

function checkNumbers(run: (input: Numbers) => unknown): VectorRunner {
  return check((input) => run(input as Numbers));
}

/** Amounts and estimators. */
export const arithmeticOps: Readonly<Record<string, VectorRunner>> = {
  'amount.fromCores': checkNumbers(({ cores = 0 }) => ({ milli: cpuAmount(cores) })),
  'amount.toCores': checkNumbers(({ milli = 0 }) => ({ cores: milli / 1000 })),
  'amount.fromBytes': checkNumbers(({ bytes = 0 }) => ({ bytes: amountOf(bytes) })),
  'amount.scale': checkNumbers(({ amount = 0, factor = 0 }) => ({ amount: scaleAmount(amount, factor) })),
  'amount.fromFloat': checkNumbers(({ value = 0 }) => ({ amount: amountOf(value) })),
  'amount.roundUp': checkNumbers(({ value = 0, scale = 0 }) => {
    const up = roundUp(value, scale);
    return { value: up ?? value, error: up === undefined };
  }),
  'amount.humanize': checkNumbers(({ bytes = 0 }) => ({ text: humanize(bytes) })),
  'amount.resourceList': ({ input, expected }) => differences(quantitiesOf(expected ?? {}), quantitiesOf(resourceList(input)), 0),
  'amount.resourceNames': check(({ names }) => ({
    names: (names as readonly string[]).filter((name) => sizedResources.some((each) => each === name)),
  })),
  'estimator.percentile': check(runPercentile),
  'estimator.confidence': check(runConfidence),
  'estimator.margin': checkNumbers(({ baseCpuMilli = 0, baseMemoryBytes = 0, fraction = 0 }) => ({
    cpuMilli: withMargin(baseCpuMilli, fraction),
    memoryBytes: withMargin(baseMemoryBytes, fraction),
  })),
  'estimator.min': checkNumbers(({ baseCpuMilli = 0, minCpuMilli = 0, baseMemoryBytes = 0, minMemoryBytes = 0 }) => ({
    cpuMilli: atLeast(baseCpuMilli, minCpuMilli),
    memoryBytes: atLeast(baseMemoryBytes, minMemoryBytes),
  })),
};

const binaryUnits = [
  ['Ti', 2n ** 40n],
  ['Gi', 2n ** 30n],
  ['Mi', 2n ** 20n],
  ['Ki', 2n ** 10n],
] as const;

/** Upstream's deprecated `--humanize-memory`, which we do not have: it can round down. Two decimals of the largest unit that fits, exact halves to even. */
export function humanize(bytes: number): string {
  const value = BigInt(bytes);
  const [name, unit] = binaryUnits.find(([, size]) => value >= size) ?? ['', 1n];
  if (name === '') return String(bytes);
  const scaled = value * 100n;
  const rest = (scaled % unit) * 2n;
  let hundredths = scaled / unit;
  if (rest > unit || (rest === unit && hundredths % 2n === 1n)) hundredths += 1n;
  return `${hundredths / 100n}.${String(hundredths % 100n).padStart(2, '0')}${name}`;
}

function resourceList(input: VectorCase['input']): Record<string, string> {
  const amounts = input['amounts'] as Numbers;
  const format = input['format'] as { humanizeMemory?: boolean; roundCpuMillicores?: number; roundMemoryBytes?: number };
  const list: Record<string, string> = {};
  const { cpu, memory } = amounts;
  if (cpu !== undefined) list['cpu'] = `${rounded(cpu, format.roundCpuMillicores)}m`;
  if (memory !== undefined) {
    const bytes = rounded(memory, format.roundMemoryBytes);
    list['memory'] = format.humanizeMemory === true ? humanize(bytes) : String(bytes);
  }
  return list;
}

function rounded(value: number, step = 1): number {
  return step === 1 || value === 0 ? value : (roundUp(value, step) ?? value);
}

function quantitiesOf(list: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(list).map(([name, text]) => [name, String(Quantity.parse(text as string).nano)]));
}

interface WeightedValue {
  readonly value: number;
  readonly weight: number;
}

function percentileOf(scheme: BucketScheme, samples: unknown, percentile: number): number {
  const pool = createHistogramPool({ scheme, slab: createWeightSlab(), capacity: 1 });
  const h = allocate(pool, Infinity);
  for (const { value, weight } of samples as readonly WeightedValue[]) add(pool, h, scheme.bucketOf(value), weight);
  const out = new Float64Array(1);
  percentiles(pool, h, Float64Array.of(percentile), out);
  return out[0] ?? 0;
}

function runPercentile(input: VectorCase['input']): unknown {
  return {
    cpuMilli: cpuAmount(percentileOf(cpuScheme, input['cpu'], input['cpuPercentile'] as number)),
    memoryBytes: amountOf(percentileOf(memoryScheme, input['memory'], input['memoryPercentile'] as number)),
  };
}

interface SampleRun {
  readonly count: number;
  readonly every: number;
  readonly milli: number;
}

function runConfidence(input: VectorCase['input']): unknown {
  const { baseCpuMilli = 0, baseMemoryBytes = 0, multiplier = 0, exponent = 1, intervalSeconds = 0 } = input as Numbers;
  const aggregates = createAggregates();
  const a = createAggregate(aggregates, 0, defaultSettingsOf(defaultEstimationConfig));
  let t = 1_500_000_000_000;
  for (const { count, every, milli } of input['cpuSamples'] as readonly SampleRun[]) {
    for (let index = 0; index < count; index++, t += every * 1000) addCpu(aggregates, a, cpuBucketOfMilli(milli), t);
  }
  const { first, last, samples } = sampleFacts(aggregates, a);
  const confidence = confidenceOf(first, last, samples, intervalSeconds * 1000);
  return {
    confidence,
    cpuMilli: scaleByConfidence(baseCpuMilli, confidence, multiplier, exponent),
    memoryBytes: scaleByConfidence(baseMemoryBytes, confidence, multiplier, exponent),
  };
}
