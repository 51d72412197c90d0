import { describe, expect, it } from 'vitest';
import { createMetricsView } from '../engine/metrics-view.ts';
import { samplesJson, type SamplesFilter } from './samples.ts';
import { inputOf, podRecord, podUsage, start, usageOf } from './test-support.ts';

const all: SamplesFilter = { namespace: undefined, pod: undefined, node: undefined, query: undefined, limit: 1_000_000 };

function piecesOf(count: number, filter: Partial<SamplesFilter> = {}, known = false): string[] {
  const pods = Array.from({ length: count }, (_, index) => podUsage(`p${index}`));
  const input = inputOf({ usage: usageOf(pods) });
  const records = known ? pods.map(({ name }) => podRecord(name)) : undefined;
  return [...samplesJson({ view: createMetricsView(input), facts: input, pods: records, now: start, filter: { ...all, ...filter } })];
}

describe('samplesJson', () => {
  it.each([false, true])('looks at 500 pods at most between two turns (with the pods of the cluster: %s)', (known) => {
    const pieces = piecesOf(2600, {}, known);
    expect(pieces.length).toBeGreaterThanOrEqual(6);
    const most = Math.max(...pieces.map((piece) => piece.split('"namespace"').length - 1));
    expect(most).toBeLessThanOrEqual(500);
    expect((JSON.parse(pieces.join('')) as { pods: unknown[] }).pods).toHaveLength(2600);
  });

  it('turns while it looks for what is not there', () => {
    const pieces = piecesOf(2600, { pod: 'none' });
    expect(pieces.filter((piece) => piece === '').length).toBeGreaterThanOrEqual(4);
    expect(JSON.parse(pieces.join(''))).toMatchObject({ pods: [], truncated: false });
  });

  it('has the same fields in the same order for every pod', () => {
    const measured = JSON.parse(piecesOf(1).join('')) as { pods: object[] };
    const input = inputOf();
    const pieces = samplesJson({ view: createMetricsView(input), facts: input, pods: [podRecord('a')], now: start, filter: all });
    const missing = JSON.parse([...pieces].join('')) as { pods: object[] };
    expect(Object.keys(missing.pods[0] ?? {})).toEqual(Object.keys(measured.pods[0] ?? {}));
  });
});
