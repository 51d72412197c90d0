import type { BuiltSource } from '../../metrics-aggregator/index.ts';
import type { HistoryClient } from '../../vpa/index.ts';

/** Series of one answer: a namespace of many pods over a day is one question. */
const maxSeries = 200_000;

type RangeFailure = Extract<Awaited<ReturnType<NonNullable<BuiltSource['range']>>>, { readonly ok: false }>;

/** The server says so, or its answer (200) has more series than are taken: then it is this side that refuses it. */
function isTooMuch({ limit, reason, status }: RangeFailure): boolean {
  return limit !== undefined || (reason === 'refused' && status === 200);
}

/** Usage of the past, asked of the MetricSource of that name whenever it is in order. */
export function createHistoryClient(source: string, rangeOf: (name: string) => BuiltSource['range']): HistoryClient {
  return {
    queryRange: async ({ query, start, end, stepMs, signal }, each) => {
      const range = rangeOf(source);
      if (range === undefined) {
        const message = `MetricSource ${source} (--history-source) does not exist or is not in order; \`kubectl get metricsources\` tells more`;
        return { ok: false, reason: 'source-absent', message, tooMuch: false, notYet: true };
      }
      const answer = await range({ query, start, end, step: stepMs }, { signal, maxSeries });
      if (!answer.ok) return { ok: false, reason: answer.reason, message: answer.detail, tooMuch: isTooMuch(answer) };
      for (const series of answer.series) each(series);
      return { ok: true, requests: answer.requests };
    },
  };
}
