import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { queryKey } from '../../core/model/metric-query.ts';
import type { MetricsView } from '../../core/model/metrics-view.ts';
import { external, podUsage, start, usageOf } from '../serving/test-support.ts';
import { connected, refused, type FakeHandler } from './test-support.ts';

const tick = 15_000;
const depth = external('depth');
const key = queryKey(depth);

type Step =
  | { readonly kind: 'live'; readonly ms: number; readonly answers: boolean }
  | { readonly kind: 'away' | 'silent' | 'back' | 'restart' }
  | { readonly kind: 'wait'; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('live' as const), ms: fc.integer({ min: 1, max: 40_000 }), answers: fc.boolean() }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('away' as const, 'silent' as const, 'back' as const, 'restart' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 120_000 }) }) },
);

const silent: FakeHandler = () => new Promise(() => undefined);

/**
 * Random outages and restarts. The value of everything is the second at which it was measured, so that a value that was never served, or is older than it may
 * be, shows at once.
 */
describe('a remote aggregator through whatever happens', () => {
  it('counts upwards, makes nothing up, and never shows as good what is not', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), async (steps) => {
        const { clock, remote, aggregator, intercept, restart } = connected({}, { maxAgeMs: 60_000 });
        let instance = 0;
        let reachable: FakeHandler | undefined;
        let waiting = false;
        const lose = (how: FakeHandler): void => {
          waiting ||= reachable === undefined;
          reachable = how;
          intercept(how);
        };
        /** When the last good view was made that could be fetched. */
        let goodAt = clock.now();
        let publishedAt = goodAt;
        const wrong: string[] = [];
        const claim = (holds: boolean, what: string): void => {
          if (!holds) wrong.push(`${clock.now() - start} ms: ${what}`);
        };
        let last = remote.view().sequence;
        const check = (view: MetricsView): void => {
          claim(view.sequence > last, `sequence ${view.sequence} after ${last}`);
          last = view.sequence;
          for (const pod of view.pods()) {
            claim(pod.containers[0]?.cpuMilli === pod.timestamp / 1000, 'usage that was never measured');
            claim(clock.now() - pod.timestamp <= 60_000, 'usage that is too old');
          }
          const result = view.query(depth);
          claim(!result.known || result.series[0]?.milli === BigInt(result.at), 'an answer that was never given');
        };
        remote.onView(check);
        remote.demand('shop/web', [depth]);
        remote.start();
        const publish = (answers: boolean): void => {
          const at = (publishedAt = clock.now());
          const containers = [{ name: 'c', cpuMilli: at / 1000, memoryMilli: 1 }];
          const answer = { known: true, at, source: 's', coverage: 1, doubt: undefined } as const;
          const series = [{ object: '', labels: {}, milli: BigInt(at), timestamp: at, windowMs: undefined }];
          aggregator().publish({
            at,
            usage: usageOf([podUsage('a', { timestamp: at, containers })]),
            resourceSource: { healthy: true, lastSuccess: at },
            queries: answers ? new Map([[key, { ...answer, series }]]) : new Map(),
          });
          // A request that was waiting when the aggregator went away still gets the next view.
          if (reachable === undefined || waiting) goodAt = at;
          waiting = false;
        };
        const act: Record<Exclude<Step['kind'], 'live' | 'wait'>, () => void> = {
          away: () => lose(refused),
          silent: () => lose(silent),
          back: () => {
            intercept((reachable = undefined));
            // What was made meanwhile can be fetched now.
            goodAt = publishedAt;
          },
          restart: () => {
            const notAsked = { healthy: false, reason: 'not-observed', detail: '', since: start, lastSuccess: undefined } as const;
            restart({ sequence: 0, resourceSource: notAsked }, `process-${instance++}`);
            if (reachable !== undefined) intercept(reachable);
          },
        };
        for (const each of steps) {
          if (each.kind === 'live') {
            for (let passed = 0; passed < each.ms; passed += tick) {
              publish(each.answers);
              await clock.advance(Math.min(tick, each.ms - passed));
            }
          } else if (each.kind === 'wait') await clock.advance(each.ms);
          else act[each.kind]();
          // Three intervals without a new view, and the time that finding out takes, at most.
          const view = remote.view();
          const isLate = clock.now() - goodAt > 4 * tick;
          claim(!isLate || !view.resourceSource.healthy, 'healthy without news');
          claim(!isLate || view.podCount === 0 || view.usageDoubt !== undefined, 'usage without a doubt');
        }
        expect(wrong).toEqual([]);
        intercept((reachable = undefined));
        // A request that was swallowed is given up in time, and the next one comes through.
        for (let turn = 0; turn < 3; turn++) {
          await clock.advance(tick);
          publish(true);
          await clock.advance(1000);
        }
        const view = remote.view();
        expect(view).toMatchObject({ at: goodAt, resourceSource: { healthy: true }, usageDoubt: undefined, podCount: 1 });
        expect(view.query(depth)).toMatchObject({ known: true, at: goodAt, doubt: undefined });
        expect(wrong).toEqual([]);
        remote.stop();
      }),
      { numRuns: 60 },
    );
  }, 60_000);
});
