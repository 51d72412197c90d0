import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { ConcertinaError, messageOf } from '../../core/errors.ts';
import type { Clock, Random } from '../../core/model/clock.ts';
import type { Logger } from '../../core/runtime/logging.ts';
import { createRemoteAggregator } from '../../metrics-aggregator/index.ts';
import type { Aggregation } from './aggregation.ts';
import type { RunSettings } from './settings.ts';

export interface RemoteAggregationOptions {
  readonly settings: RunSettings;
  readonly clock: Clock;
  readonly transportClock: Clock;
  readonly random: Random;
  /** Of this copy: tells its demands from those of others. */
  readonly identity: string;
  readonly logger: Logger;
  readonly onPoll: (report: { readonly durationMs: number; readonly healthy: boolean }) => void;
}

/** The aggregator of another process (`--aggregator-url`): the sources are that one's matter. */
export function createRemoteAggregation(options: RemoteAggregationOptions): Omit<Aggregation, 'sources'> & { readonly sources: undefined } {
  const { settings, clock, random, identity, logger, onPoll } = options;
  const { url, caFile, tokenFile, plainHttp } = settings.aggregator;
  if (url === undefined) throw new ConcertinaError('INTERNAL', 'a remote aggregator without a URL');
  const aggregator = createRemoteAggregator({
    url,
    ca: caFile === undefined ? undefined : readCa(caFile),
    // A pod's token is renewed by the kubelet; outside of a pod there may be none.
    token: () =>
      readFile(tokenFile, 'utf8').then(
        (text) => text.trim(),
        () => undefined,
      ),
    plainHttp,
    clock,
    random,
    pollIntervalMs: settings.metrics.pollInterval,
    maxAgeMs: settings.metrics.maxAge,
    client: identity,
    onProblem: (problem) => logger.warn('the metrics aggregator', { problem }),
  });
  aggregator.onView((view) => onPoll({ durationMs: 0, healthy: view.resourceSource.healthy }));
  return { aggregator, sources: undefined, start: () => aggregator.start(), stop: () => aggregator.stop() };
}

function readCa(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConcertinaError('CONFIG_INVALID', `--aggregator-ca-file ${file} cannot be read: ${messageOf(error)}; check the path`, {
      cause: error,
    });
  }
}
