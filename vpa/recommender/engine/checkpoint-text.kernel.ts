import { Buffer } from 'node:buffer';
import type { Aggregates } from './aggregates.kernel.ts';
import { sampleFacts } from './aggregates.kernel.ts';
import { checkpointVersion, heaviestBucket, timeText, weightOfHeaviest } from './checkpoint-form.kernel.ts';
import type { HistogramPool } from './histogram.kernel.ts';
import { greatestBucket, leastBucket, referenceOf, totalOf, zeroTime } from './histogram.kernel.ts';
import { pageBits, pageMask } from './weight-slab.kernel.ts';

/** A checkpoint written straight into bytes: objects with a number for a key are what `JSON.stringify` is slowest with. */

/** More than two histograms with all buckets in use can take. */
const bytes = Buffer.alloc(16_384);
let length = 0;

const zero = 48;
const quote = 34;
const colon = 58;
const comma = 44;

function write(text: string): void {
  for (let index = 0; index < text.length; index++) bytes[length++] = text.charCodeAt(index);
}

function writeInteger(value: number): void {
  let digits = 1;
  for (let limit = 10; limit <= value; limit *= 10) digits++;
  let rest = value;
  for (let at = length + digits - 1; at >= length; at--) {
    const next = (rest / 10) | 0;
    bytes[at] = zero + rest - next * 10;
    rest = next;
  }
  length += digits;
}

function writeTime(epochMs: number): void {
  if (!Number.isFinite(epochMs) || epochMs === zeroTime) {
    write('null');
    return;
  }
  bytes[length++] = quote;
  write(timeText(epochMs));
  bytes[length++] = quote;
}

function writeHistogram(pool: HistogramPool, h: number): void {
  write('{"referenceTimestamp":');
  writeTime(referenceOf(pool, h));
  const max = weightOfHeaviest(pool, h);
  if (max > 0) {
    write(',"bucketWeights":{');
    writeWeights(pool, h, heaviestBucket / max);
    bytes[length++] = 125;
  }
  const total = totalOf(pool, h);
  if (max > 0 || total !== 0) {
    write(',"totalWeight":');
    write(String(total));
  }
  bytes[length++] = 125;
}

function writeWeights(pool: HistogramPool, h: number, ratio: number): void {
  const row = pool.i32[h * 16 + 4]!;
  const page = pool.slab.pages[row >>> pageBits]!;
  const origin = (row & pageMask) - pool.i16[h * 32 + 12]!;
  const greatest = greatestBucket(pool, h);
  let first = true;
  for (let bucket = leastBucket(pool, h); bucket <= greatest; bucket++) {
    const weight = Math.floor(page[origin + bucket]! * ratio + 0.5);
    if (weight <= 0) continue;
    if (!first) bytes[length++] = comma;
    first = false;
    bytes[length++] = quote;
    writeInteger(bucket);
    bytes[length++] = quote;
    bytes[length++] = colon;
    writeInteger(weight);
  }
}

/** The same, character for character, as the status of the aggregate as an object made JSON. */
export function checkpointText(aggregates: Aggregates, a: number, now: number): string {
  const { first, last, samples } = sampleFacts(aggregates, a);
  length = 0;
  write('{"lastUpdateTime":');
  writeTime(now);
  write(`,"version":"${checkpointVersion}","cpuHistogram":`);
  writeHistogram(aggregates.cpu, a);
  write(',"memoryHistogram":');
  writeHistogram(aggregates.memory, a);
  write(',"firstSampleStart":');
  writeTime(first);
  write(',"lastSampleStart":');
  writeTime(last);
  if (samples !== 0) {
    write(',"totalSamplesCount":');
    write(String(samples));
  }
  bytes[length++] = 125;
  return bytes.toString('latin1', 0, length);
}
