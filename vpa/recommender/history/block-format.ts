import { createHash } from 'node:crypto';
import type { BlockSeries, HistoryBlock, PodController } from './block-cache.ts';

const version = 1;

/** A line that says what follows and its digest, then JSON. */
export function encodeBlock({ series, controllers, labels }: HistoryBlock, id: string): Buffer {
  const body = JSON.stringify({
    series: series.map(({ pod, container, cpu, memory }) => [pod, container, encodeColumn(cpu), encodeColumn(memory)]),
    controllers: [...controllers].map(([pod, { kind, name }]) => [pod, kind, name]),
    labels: [...labels],
  });
  return Buffer.from(`${JSON.stringify({ version, id, digest: digestOf(body) })}\n${body}`);
}

/** `undefined` for what is not a whole block of this version and of that id. */
export function decodeBlock(content: Buffer, id: string): HistoryBlock | undefined {
  const end = content.indexOf(10);
  if (end < 0) return undefined;
  try {
    const head = JSON.parse(content.toString('utf8', 0, end)) as { version?: unknown; id?: unknown; digest?: unknown };
    const body = content.toString('utf8', end + 1);
    if (head.version !== version || head.id !== id || head.digest !== digestOf(body)) return undefined;
    // The digest vouches for the shape: nothing else than encodeBlock has made it.
    const raw = JSON.parse(body) as {
      readonly series: readonly (readonly [string, string, readonly (number | null)[], readonly (number | null)[]])[];
      readonly controllers: readonly (readonly [string, string, string])[];
      readonly labels: readonly (readonly [string, Readonly<Record<string, string>>])[];
    };
    return {
      series: raw.series.map(([pod, container, cpu, memory]): BlockSeries => ({
        pod,
        container,
        cpu: decodeColumn(cpu),
        memory: decodeColumn(memory),
      })),
      controllers: new Map(raw.controllers.map(([pod, kind, name]): [string, PodController] => [pod, { kind, name }])),
      labels: new Map(raw.labels),
    };
  } catch {
    return undefined;
  }
}

function digestOf(body: string): string {
  return createHash('sha256').update(body).digest('hex');
}

/** NaN is null in JSON. */
function encodeColumn(column: Float64Array): (number | null)[] {
  return Array.from(column, (value) => (Number.isNaN(value) ? null : value));
}

function decodeColumn(column: readonly (number | null)[]): Float64Array {
  return Float64Array.from(column, (value) => value ?? NaN);
}
