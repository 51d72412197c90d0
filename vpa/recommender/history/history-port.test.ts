import { expect, test } from 'vitest';
import type { KnownPolicy } from '../../ports.ts';
import { addLive, createHistoryBench, target, type HistoryBench } from './history.fixture.ts';
import { createHistoryPort } from './history-port.ts';

function policy(name: string): KnownPolicy {
  return { key: `VerticalPolicy/shop/${name}` } as KnownPolicy;
}

function portOf(bench: HistoryBench) {
  const { targets: _targets, ...options } = bench.options;
  return createHistoryPort({ ...options, targetOf: ({ key }) => (key.endsWith('/none') ? undefined : target(key.split('/')[2] ?? '')) });
}

test('policies that ask together are read together, and each is told when it has its past', async () => {
  const bench = createHistoryBench();
  addLive(bench, 'web-1', 'web');
  addLive(bench, 'api-1', 'api');
  const port = portOf(bench);
  const never = new AbortController().signal;
  await Promise.all(['web', 'api', 'none'].map((name) => port.loadFor(policy(name), never)));
  expect(bench.given.map(({ pod }) => pod)).toEqual(['web-1', 'api-1']);
  expect(bench.prometheus.queries).toHaveLength(9);
  await port.loadFor(policy('web'), never);
  expect(bench.prometheus.queries).toHaveLength(9);
});

test('after a failure nobody waits; the past arrives when it can', async () => {
  const bench = createHistoryBench();
  addLive(bench, 'web-1', 'web');
  let down = true;
  bench.prometheus.refuse = () => (down ? { ok: false, reason: 'source-unavailable', message: 'no answer', tooMuch: false } : undefined);
  const port = portOf(bench);
  await expect(port.loadFor(policy('web'), new AbortController().signal)).rejects.toThrow(
    'the history of VerticalPolicy/shop/web is not read yet: no answer',
  );
  down = false;
  expect(await bench.clock.advanceUntil(() => bench.given.length === 1, 60_000)).toBe(true);
  expect(port.import.report().state).toBe('done');
});

test('who asks no longer waits no longer', async () => {
  const bench = createHistoryBench();
  const stop = new AbortController();
  const client = { queryRange: () => new Promise<never>(() => undefined) };
  const port = createHistoryPort({ ...bench.options, client, targetOf: () => target('web') });
  const asked = port.loadFor(policy('web'), stop.signal);
  stop.abort();
  await expect(asked).rejects.toThrow('the history of VerticalPolicy/shop/web is not read yet: the import was stopped');
});
