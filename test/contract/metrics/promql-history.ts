/**
 * A fixed hour of samples, the same for the real Prometheus and the simulated one: what the answers in `promql-answers.json` were recorded over.
 * Nothing in it is random; times carry odd milliseconds, as real scrapes do.
 */
export interface HistorySample {
  /** Metric with its labels, as an exposition writes it. */
  readonly series: string;
  /** Epoch milliseconds. */
  readonly time: number;
  readonly value: number;
}

/** 2026-01-01T00:00:00Z. */
export const historyStart = Date.UTC(2026, 0, 1);
export const historyEnd = historyStart + 3_600_000;

const second = 1000;
const minute = 60 * second;

interface Shape {
  readonly series: string;
  readonly from?: number;
  readonly to?: number;
  readonly every?: number;
  /** Value by the number of the sample and the milliseconds since the start. */
  readonly value: (index: number, since: number) => number;
  /** Milliseconds that a scrape is late; default a small odd pattern. */
  readonly late?: (index: number) => number;
}

function jitter(index: number): number {
  return (index * 37) % 23;
}

function exact(): number {
  return 0;
}

/** Falls back to zero every `samples` samples. */
function resetting(perSample: number, samples: number): (index: number) => number {
  return (index) => (index % samples) * perSample + (index % 3);
}

const bounds = ['0.005', '0.05', '0.1', '0.5', '1', '+Inf'];
/** Share of observations in each bucket, cumulated. */
const shares = [0.05, 0.3, 0.55, 0.9, 0.97, 1];

function buckets(pod: string, perSample: number): Shape[] {
  const counted = bounds.map((le, at): Shape => {
    return {
      series: `rpc_duration_seconds_bucket{le="${le}",pod="${pod}"}`,
      value: (index) => Math.floor(index * perSample * (shares[at] ?? 1)),
    };
  });
  return [
    ...counted,
    { series: `rpc_duration_seconds_sum{pod="${pod}"}`, value: (index) => index * perSample * 0.173 },
    { series: `rpc_duration_seconds_count{pod="${pod}"}`, value: (index) => index * perSample },
  ];
}

const shapes: readonly Shape[] = [
  { series: 'http_requests_total{code="200",namespace="shop",pod="web-a"}', value: (index) => 1000 + index * 15.5 },
  { series: 'http_requests_total{code="500",namespace="shop",pod="web-a"}', value: (index) => Math.floor(index / 4) },
  { series: 'http_requests_total{code="200",namespace="shop",pod="web-b"}', value: resetting(30, 50) },
  {
    series: 'http_requests_total{code="200",namespace="shop",pod="web-c"}',
    from: 10 * minute,
    to: 40 * minute,
    value: (index) => index * 7,
  },
  { series: 'http_requests_total{code="200",namespace="tools",pod="cron"}', every: 60 * second, value: (index) => index * index },
  { series: 'temperature{room="cellar"}', value: (index) => 10 - 5 * ((index % 40) / 10) },
  { series: 'temperature{room="attic"}', value: (index) => (index % 50 === 49 ? Number.NaN : 30 + ((index * 7) % 11) / 3) },
  { series: 'temperature{room="oven"}', every: 30 * second, value: (index) => (index === 60 ? Number.POSITIVE_INFINITY : 180 + index) },
  { series: 'queue_depth{namespace="shop",queue="mail"}', value: (index) => Math.max(0, 50 - Math.abs(100 - index)) },
  { series: 'queue_depth{namespace="shop",queue="pdf"}', value: (index) => (index * 13) % 17 },
  { series: 'queue_depth{namespace="tools",queue="mail"}', value: () => 4 },
  { series: 'pod_info{namespace="shop",node="n1",pod="web-a",uid="u-1"}', value: () => 1, late: exact },
  { series: 'pod_info{namespace="shop",node="n2",pod="web-b",uid="u-2"}', value: () => 1, late: exact },
  { series: 'pod_info{namespace="shop",node="n1",pod="web-c",uid="u-3"}', from: 10 * minute, to: 40 * minute, value: () => 1, late: exact },
  { series: 'node_cores{node="n1"}', value: () => 4, late: exact },
  { series: 'node_cores{node="n2"}', value: () => 8, late: exact },
  { series: 'sparse_exact', every: 7 * minute, value: (index) => index + 1, late: exact },
  { series: 'minutely', every: minute, value: (index) => index * 0.1, late: exact },
  { series: 'lonely{here="once"}', from: 30 * minute, to: 30 * minute, value: () => 42, late: exact },
  { series: 'large', every: minute, value: (index) => 1e21 * (index + 1), late: exact },
  { series: 'tiny', every: minute, value: (index) => 1e-7 * (index + 1), late: exact },
  { series: 'cancelling', every: minute, value: (index) => (index % 3 === 0 ? 1e16 : index % 3 === 1 ? 1 : -1e16), late: exact },
  { series: 'negative_counter', every: minute, value: (index) => -20 + index * 2, late: exact },
  ...buckets('web-a', 12),
  ...buckets('web-b', 7),
  // A histogram without an infinite bucket, and one whose buckets are not monotonic.
  { series: 'open_bucket{le="1"}', every: minute, value: (index) => index },
  { series: 'open_bucket{le="2"}', every: minute, value: (index) => index * 2 },
  { series: 'dented_bucket{le="1"}', every: minute, value: (index) => index * 5 },
  { series: 'dented_bucket{le="2"}', every: minute, value: (index) => index * 4 },
  { series: 'dented_bucket{le="+Inf"}', every: minute, value: (index) => index * 10 },
];

export function historySamples(): HistorySample[] {
  return shapes.flatMap(({ series, from = 0, to = historyEnd - historyStart, every = 15 * second, value, late = jitter }) => {
    const samples: HistorySample[] = [];
    for (let index = 0; from + index * every <= to; index++) {
      const since = from + index * every + late(index);
      samples.push({ series, time: historyStart + since, value: value(index, since) });
    }
    return samples;
  });
}

/** As a text exposition with timestamps in milliseconds. */
export function historyExposition(): string {
  return historySamples()
    .map(({ series, time, value }) => `${series} ${valueText(value)} ${time}\n`)
    .join('');
}

/** As OpenMetrics with timestamps in seconds: what `promtool tsdb create-blocks-from openmetrics` reads. */
export function historyOpenMetrics(): string {
  const lines = historySamples().map(({ series, time, value }) => `${series} ${valueText(value)} ${(time / 1000).toFixed(3)}\n`);
  return `${lines.join('')}# EOF\n`;
}

function valueText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  return Number.isFinite(value) ? String(value) : value > 0 ? '+Inf' : '-Inf';
}
