import { Activity } from '../api-server/activity.ts';
import { InProcessDispatcher } from '../api-server/index.ts';
import { parseExposition, parseSeries } from './exposition/parse.ts';
import { noFaults } from './faults.ts';
import { createPrometheusHandler } from './http/handler.ts';
import { listen } from './http/listen.ts';
import { Target } from './scrape/target.ts';
import { Labels } from './storage/labels.ts';
import { SeriesStore } from './storage/series-store.ts';
import type { Metadata } from './storage/series-store.ts';
import type { PrometheusListener, PrometheusServer, PrometheusServerOptions } from './types.ts';

const defaultRetentionMs = 3_600_000;
const defaultLookbackMs = 300_000;
const defaultIntervalMs = 60_000;
const defaultMaxSamples = 50_000_000;
const defaultTimeoutMs = 120_000;
/** Old samples are looked for so often. */
const sweepIntervalMs = 60_000;

/** Makes a Prometheus without targets. It answers at once; targets begin to be scraped when they are added. */
export function createPrometheusServer(options: PrometheusServerOptions): PrometheusServer {
  const { clock } = options;
  const { retentionMs = defaultRetentionMs, lookbackMs = defaultLookbackMs, maxSamples = defaultMaxSamples } = options;
  const activity = new Activity();
  const store = new SeriesStore();
  const metadata = new Map<string, Metadata>();
  const faults = noFaults();
  const now = (): number => clock.now() + faults.clockSkewMs;
  const evaluation = { store, lookbackMs, maxSamples, intervalMs: options.evaluationIntervalMs ?? defaultIntervalMs };
  const handle = createPrometheusHandler(
    { store, metadata, faults, evaluation, now, timeoutMs: options.timeoutMs ?? defaultTimeoutMs },
    clock,
    activity,
  );

  let sweptAt = clock.now();
  const sweep = (): void => {
    activity.touch();
    if (clock.now() - sweptAt < sweepIntervalMs) return;
    sweptAt = clock.now();
    store.forgetBefore(now() - retentionMs);
  };

  const targets = new Set<Target>();
  const dispatchers = new Set<InProcessDispatcher>();
  const listeners = new Set<PrometheusListener>();
  return {
    addTarget: (description) => {
      const target = new Target(description, { clock, store, metadata, faults, onScrape: sweep });
      targets.add(target);
      target.start();
      return {
        scrapeNow: () => target.scrape(clock.now()),
        remove: () => {
          targets.delete(target);
          target.remove();
        },
      };
    },
    scrapeAll: async () => {
      await Promise.all([...targets].map((target) => target.scrape(clock.now())));
    },
    ingest: (text, at = now()) => {
      for (const sample of parseExposition(text).samples) {
        store.obtain(Labels.of(parseSeries(sample))).append(sample.timestamp ?? at, sample.value);
      }
    },
    faults,
    handle,
    dispatcher: () => {
      const dispatcher = new InProcessDispatcher(handle, activity);
      dispatchers.add(dispatcher);
      return dispatcher;
    },
    activity: () => activity.view(),
    settle: () => activity.settle(),
    listen: async ({ port, host } = {}) => {
      const listener = await listen(handle, { port, host, now });
      listeners.add(listener);
      return listener;
    },
    get seriesCount() {
      return store.size;
    },
    stop: async () => {
      for (const target of targets) target.remove();
      targets.clear();
      for (const dispatcher of dispatchers) await dispatcher.destroy();
      for (const listener of listeners) await listener.close();
    },
  };
}
