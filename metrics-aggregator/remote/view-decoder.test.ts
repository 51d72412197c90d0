import { describe, expect, it } from 'vitest';
import { createViewDecoder } from './view-decoder.ts';

const header = {
  schemaVersion: 1,
  instance: 'i',
  sequence: 7,
  at: 1000,
  now: 1000,
  usage: 'whole',
  usageSource: 'metrics.k8s.io',
  resourceSource: { healthy: true, lastSuccess: 1000 },
  startGraceMs: 60_000,
  unscrapedNodes: [],
  counts: { sources: 0, pods: 0, nodes: 0, queries: 0 },
};
const end = { end: true, sequence: 7 };

function decode(...lines: readonly unknown[]) {
  const decoder = createViewDecoder();
  for (const line of lines) decoder.line(line);
  return decoder.finish();
}

const counting = (counts: Partial<typeof header.counts>) => ({ ...header, counts: { ...header.counts, ...counts } });
const pod = (...row: readonly unknown[]) => [counting({ pods: 1 }), { pods: [row] }, end];
const query = (...row: readonly unknown[]) => [counting({ queries: 1 }), { queries: [row] }, end];
const known = { known: true, at: 1, source: 's', coverage: 1 };
const series = (...row: readonly unknown[]) => query('k', known, [row]);

describe('createViewDecoder', () => {
  it('reads pods with what was not measured', () => {
    const { usage } = decode(...pod('shop', 'a', 5, 15_000, 0, ['c', 250, null, 'd', null, 1000]));
    expect(usage?.pods).toMatchObject({ podCount: 1, containerCount: 2, namespaces: ['shop'], names: ['a'], containers: ['c', 'd'] });
    expect([...(usage?.pods.cpuMilli ?? [])]).toEqual([250, Number.NaN]);
    expect([...(usage?.pods.memoryMilli ?? [])]).toEqual([Number.NaN, 1000]);
    expect([...(usage?.pods.firstContainer ?? [])]).toEqual([0, 2]);
  });

  it('leaves out what a newer server tells besides', () => {
    const { header: read } = decode({ ...header, colour: 'red' }, { forecasts: [[1]] }, end);
    expect(read).not.toHaveProperty('colour');
  });

  it('knows usage that was left out from usage that is none', () => {
    expect(decode(header, end).usage?.pods.podCount).toBe(0);
    expect(decode({ ...header, usage: 'unchanged' }, end).usage).toBeUndefined();
  });

  it('reads values beyond what a number holds', () => {
    const { queries } = decode(...series('o', { a: 'b' }, '-1180591620717411303424', 5, 60_000));
    expect(queries.get('k')).toEqual({
      ...known,
      doubt: undefined,
      series: [{ object: 'o', labels: { a: 'b' }, milli: -(2n ** 70n), timestamp: 5, windowMs: 60_000 }],
    });
  });

  it.each<readonly [string, readonly unknown[], string]>([
    ['no object', [5], 'a line is no object'],
    ['a list', [[1]], 'the header is not valid'],
    [
      'a reason that is none',
      [{ ...header, resourceSource: { healthy: false, reason: 'x', detail: '', since: 1 } }],
      'the header is not valid at resourceSource.reason',
    ],
    ['a negative count', [counting({ pods: -1 })], 'the header is not valid at counts.pods'],
    ['a line behind the end', [header, end, { pods: [] }], 'a line follows the end'],
    ['the end of another view', [header, { end: true, sequence: 8 }], 'its end is that of another view'],
    ['no end', [header], 'it broke off before its end'],
    [
      'less pods than it says',
      [counting({ pods: 2 }), { pods: [['s', 'a', 1, 1, 0, []]] }, end],
      'it has not as many sources, pods, nodes or answers as it says',
    ],
    [
      'more pods than it says',
      [header, { pods: [['s', 'a', 1, 1, 0, []]] }, end],
      'it has not as many sources, pods, nodes or answers as it says',
    ],
    ['pods that are no list', [header, { pods: { a: 1 } }], 'pods are no list of lists'],
    ['a pod that is no list', [header, { pods: [{}] }], 'pods are no list of lists'],
    ['a pod without a name', pod('s', undefined, 1, 1, 0, []), 'a pod has something other than a text for a name'],
    ['a pod without a time', pod('s', 'a', null, 1, 0, []), 'a pod has something other than a number for a time'],
    ['a time without end', pod('s', 'a', JSON.parse('1e999'), 1, 0, []), 'a pod has something other than a number for a time'],
    ['containers that do not come out even', pod('s', 'a', 1, 1, 0, ['c', 1]), 'a pod has no list of containers'],
    ['a negative amount', pod('s', 'a', 1, 1, 0, ['c', -1, 1]), 'an amount is not a number from 0'],
    ['an amount without end', pod('s', 'a', 1, 1, 0, ['c', 1, JSON.parse('1e999')]), 'an amount is not a number from 0'],
    ['an amount that is a text', pod('s', 'a', 1, 1, 0, ['c', '1', 1]), 'an amount is not a number from 0'],
    ['a node without an amount', [counting({ nodes: 1 }), { nodes: [['n', 1, 1, 1]] }, end], 'an amount is not a number from 0'],
    ['an answer that is known and empty', query('k', known, []), 'an answer is known and has no value'],
    [
      'a coverage of more than all',
      query('k', { ...known, coverage: 1.5 }, [['', {}, '1', 1, null]]),
      'an answer is not valid at coverage',
    ],
    [
      'an answer without a key',
      query(5, { known: false, reason: 'stale', detail: '', since: 1, source: 's' }, []),
      'an answer has something other than a text for a name',
    ],
    ['a value that is a number', series('', {}, 5, 1, null), 'a value is not a whole number of thousandths'],
    ['a value with a fraction', series('', {}, '1.5', 1, null), 'a value is not a whole number of thousandths'],
    ['labels that are no texts', series('', { a: 1 }, '1', 1, null), 'a series has labels that are no texts'],
    ['sources that are none', [counting({ sources: 1 }), { sources: [{ name: 5 }] }, end], 'the sources are not valid at 0.name'],
  ])('refuses %s', (_, lines, problem) => {
    expect(() => decode(...lines)).toThrowError(problem);
  });

  it('does not take the memory that a header speaks of', () => {
    expect(() => decode(counting({ pods: 9_999_999 }), end)).toThrowError('it has not as many');
  });
});
