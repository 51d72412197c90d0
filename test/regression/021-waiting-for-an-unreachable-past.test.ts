import { expect, test } from 'vitest';
import { addLive, createHistoryBench, hour, target } from '../../vpa/recommender/history/history.fixture.ts';
import { createHistoryPort } from '../../vpa/recommender/history/history-port.ts';
import type { HistoryAnswer } from '../../vpa/recommender/history/history-client.ts';
import type { KnownPolicy } from '../../vpa/ports.ts';

const down: HistoryAnswer = { ok: false, reason: 'source-unavailable', message: 'no answer', tooMuch: false };
const policy = (name: string): KnownPolicy => ({ key: `VerticalPolicy/shop/${name}` }) as KnownPolicy;
const never = new AbortController().signal;

function scene() {
  const bench = createHistoryBench();
  for (const name of ['web', 'api']) addLive(bench, `${name}-1`, name);
  const { targets: _, ...options } = bench.options;
  const port = createHistoryPort({ ...options, targetOf: ({ key }) => target(key.split('/')[2] ?? '') });
  return { bench, port };
}

// Ten policies are loaded at a time. While Prometheus was down the first ten went on without their past at once, as they should, but the next ten waited for the
// next try, and so on: with tries up to ten minutes apart a thousand policies had no recommendation for hours.
test('a policy that comes between two tries goes on without its past at once, and gets it later', async () => {
  const { bench, port } = scene();
  let answer: HistoryAnswer | undefined = down;
  bench.prometheus.refuse = () => answer;
  await expect(port.loadFor(policy('web'), never)).rejects.toThrow('is not read yet: no answer');
  expect(port.import.report().state).toBe('waiting');
  const asked = bench.prometheus.queries.length;
  await expect(port.loadFor(policy('api'), never)).rejects.toThrow('the history of VerticalPolicy/shop/api is not read yet: no answer');
  expect(bench.prometheus.queries, 'it is given its rest').toHaveLength(asked);
  answer = undefined;
  expect(await bench.clock.advanceUntil(() => bench.given.length === 2, 60_000)).toBe(true);
});

// Twelve failures, half an hour of an outage, and the past of every namespace was given up until the program's next start.
test('an outage of hours loses no history', async () => {
  const { bench, port } = scene();
  let answer: HistoryAnswer | undefined = down;
  bench.prometheus.refuse = () => answer;
  await expect(port.loadFor(policy('web'), never)).rejects.toThrow('no answer');
  await bench.clock.advance(10 * hour);
  const { namespaces, queries } = port.import.report();
  expect(namespaces).toMatchObject({ pending: 1, failed: [] });
  expect(queries.failed).toBeGreaterThan(12);
  answer = undefined;
  expect(await bench.clock.advanceUntil(() => bench.given.length === 1, 600_000), 'within ten minutes of its end').toBe(true);
});
