import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { queryKey, type MetricQuery, type SeriesSample } from '../../core/model/metric-query.ts';
import type { MetricsView, NodeUsage, PodUsage, QueryResult, SourceReport, SourceState } from '../../core/model/metrics-view.ts';
import type { PodRecord } from '../../core/model/pod.ts';
import { unknownReasons, type Doubt } from '../../core/model/sample.ts';
import type { MetricsViewInput } from '../engine/metrics-view.ts';
import { external, inputOf, podRecord, start } from '../serving/test-support.ts';
import { plainUsageSnapshot } from '../store/plain-snapshot.ts';
import { connected } from './test-support.ts';

const maxAgeMs = 180_000;
const reason = fc.constantFrom(...unknownReasons);
/** With line ends, quotes and whatever else may upset a format of lines. */
const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const instant = fc.integer({ min: start - maxAgeMs, max: start });
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

const doubt: fc.Arbitrary<Doubt> = fc.record({ reason, detail: text, since: optional(instant), until: optional(instant) });
const state: fc.Arbitrary<SourceState> = fc.oneof(
  fc.record({ healthy: fc.constant(true as const), lastSuccess: instant }),
  fc.record({ healthy: fc.constant(false as const), reason, detail: text, since: instant, lastSuccess: optional(instant) }),
);
const report: fc.Arbitrary<SourceReport> = fc.record({
  name: text,
  state,
  doubt: optional(doubt),
  latencyMs: optional(fc.double({ min: 0, max: 60_000, noNaN: true })),
  queries: fc.nat(10_000),
  circuit: fc.constantFrom('closed' as const, 'half-open' as const, 'open' as const),
});

const namespaces = ['shop', 'other', 'a/b"\n'];
const names = ['p0', 'p1', 'p2', 'p3', 'p4'];
const nodeNames = ['n0', 'n1', 'n2'];
// What cannot be measured (memory of 0) is left out by the store on either side.
const cpu = optional(fc.integer({ min: 1, max: 1_000_000 }));
const memory = optional(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }));
const containers = fc.uniqueArray(fc.record({ name: fc.constantFrom('c', 'sidecar', 'ü\n'), cpuMilli: cpu, memoryMilli: memory }), {
  selector: ({ name }) => name,
  maxLength: 3,
});
const pod: fc.Arbitrary<PodUsage> = fc
  .record({
    namespace: fc.constantFrom(...namespaces),
    name: fc.constantFrom(...names),
    timestamp: instant,
    windowMs: fc.nat(60_000),
    containers,
    skew: fc.boolean(),
  })
  .map(({ skew, ...usage }) => (skew ? { ...usage, clockSkew: true } : usage));
const node: fc.Arbitrary<NodeUsage> = fc.record({
  name: fc.constantFrom(...nodeNames),
  timestamp: instant,
  windowMs: fc.nat(60_000),
  cpuMilli: cpu,
  memoryMilli: memory,
});

const series: fc.Arbitrary<SeriesSample> = fc.record({
  object: text,
  labels: fc.dictionary(text, text, { maxKeys: 3 }),
  milli: fc.bigInt({ min: -(2n ** 100n), max: 2n ** 100n }),
  timestamp: instant,
  windowMs: optional(fc.nat(600_000)),
});
const result: fc.Arbitrary<QueryResult> = fc.oneof(
  fc.record({
    known: fc.constant(true as const),
    series: fc.array(series, { minLength: 1, maxLength: 4 }),
    at: instant,
    source: text,
    coverage: fc.double({ min: 0, max: 1, noNaN: true }),
    doubt: optional(doubt),
  }),
  fc.record({ known: fc.constant(false as const), reason, detail: text, since: instant, source: text }),
);

const questions: readonly MetricQuery[] = [
  ...['a', 'b'].map(external),
  { kind: 'pods', namespace: 'shop', selector: 'app in (a,b)', metric: 'qps', metricSelector: '' },
  { kind: 'prometheus', namespace: 'shop', source: 'main', query: 'sum(x{a="\\n"})\n', emptyMeans: 'zero' },
];

const input: fc.Arbitrary<MetricsViewInput> = fc
  .record({
    sequence: fc.nat(1_000_000),
    pods: fc.uniqueArray(pod, { selector: ({ namespace, name }) => `${namespace}/${name}`, maxLength: 12 }),
    nodes: fc.uniqueArray(node, { selector: ({ name }) => name }),
    usageSource: text,
    resourceSource: state,
    usageDoubt: optional(doubt),
    unscraped: fc.dictionary(fc.constantFrom(...nodeNames), fc.record({ since: instant, pods: fc.nat(100) })),
    startGraceMs: fc.nat(300_000),
    results: fc.tuple(...questions.map(() => optional(result))),
    sources: fc.array(report, { maxLength: 4 }),
  })
  .map(({ pods, nodes, unscraped, results, ...rest }) => ({
    ...inputOf(),
    ...rest,
    usage: plainUsageSnapshot(pods, nodes),
    unscrapedNodes: new Map(Object.entries(unscraped)),
    queries: new Map(
      questions.flatMap((query, index) => {
        const answer = results[index];
        return answer === undefined ? [] : [[queryKey(query), answer] as const];
      }),
    ),
  }));

const records: readonly PodRecord[] = namespaces.flatMap((namespace) =>
  names.map((name, index) =>
    podRecord(name, {
      namespace,
      nodeName: nodeNames[index % 4],
      phase: index === 4 ? 'Pending' : 'Running',
      started: index === 3 ? start - 10_000 : start - 3_600_000,
      statuses: ['c', 'sidecar'].map((container) => ({ name: container, running: true })) as unknown as PodRecord['statuses'],
    }),
  ),
);

/** Everything that a view tells, but for histories. */
function told(view: MetricsView): object {
  const byName = (a: { readonly name: string; readonly namespace?: string }, b: typeof a): number =>
    `${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1;
  return {
    at: view.at,
    resourceSource: view.resourceSource,
    usageDoubt: view.usageDoubt,
    podCount: view.podCount,
    pods: [...view.pods()].toSorted(byName),
    nodes: [...view.nodes()].toSorted(byName),
    usage: records.map((record) => view.podUsage(record.namespace, record.name)),
    nodeUsage: nodeNames.map((name) => view.nodeUsage(name)),
    gaps: records.map((record) => view.podGap(record)),
    samples: records.flatMap((record) =>
      ['c', 'sidecar', 'none'].flatMap((container) => [
        view.containerSample(record, container, 'cpu'),
        view.containerSample(record, container, 'memory'),
      ]),
    ),
    queries: questions.map((query) => view.query(query)),
    sources: view.sources(),
  };
}

describe('a view that has gone over the wire', () => {
  it('tells what the one that was served tells', async () => {
    await fc.assert(
      fc.asyncProperty(input, async (made) => {
        const { remote, aggregator } = connected(made, { maxAgeMs });
        // It would wait for the others.
        const answered = questions.filter((query) => made.queries.has(queryKey(query)));
        remote.demand('shop/web', answered);
        const view = await remote.refresh();
        expect(told(view)).toEqual(told(aggregator().view()));
        expect(view.sequence).toBe(Math.max(1, made.sequence));
      }),
      { numRuns: 150 },
    );
  });
});
