import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { resourceTypes } from '../../../core/model/object.ts';
import { clearFaults, type PrometheusFaults } from '../../../simulator/cluster/prometheus/index.ts';
import { isHeld, onStage, type Cure } from '../../journeys/faults.ts';
import { startVirtualJourneyCluster, type VirtualJourneyCluster } from '../../journeys/virtual-cluster.ts';

/** A tick of the aggregator, and what a request and the evaluation after it take. */
const tickMs = 15_000;
const slackMs = 3_000;
/** A request that is not answered is given up after so long. */
const timeoutMs = 10_000;
/** Until a change of load shows in `rate(…[1m])`: the window, a scrape, a tick. */
const reactionMs = 100_000;

/** One pod takes 50 requests a second; the query, the custom and the external metrics say the same. */
const target = { type: 'AverageValue', averageValue: '50' };
const query = 'sum(rate(http_requests_total[1m]))';
const slowQuery = 'sum(rate(http_requests_total[3m]))';

describe('faults of Prometheus, custom and external metrics, in virtual time', () => {
  let cluster: VirtualJourneyCluster;
  beforeAll(async () => {
    cluster = await startVirtualJourneyCluster(12, { tickMs: 5_000 }, { adapter: true, prometheus: true });
    await cluster.client.create(resourceTypes.metricSources, {
      metadata: { name: 'main' },
      spec: { url: 'http://prometheus.monitoring.svc:9090', plainHttp: true, allowedNamespaces: { all: true } },
    });
  });
  afterAll(() => cluster.stop());
  /** A fault must not outlive a test that fails. */
  const cures: Cure[] = [];
  afterEach(() => {
    for (const cure of cures.splice(0)) cure();
  });

  const prometheusFault = (set: (faults: PrometheusFaults) => void): Cure => {
    const { prometheus } = cluster.embedded;
    if (prometheus === undefined) throw new Error('the cluster was started without Prometheus');
    set(prometheus.faults);
    return () => clearFaults(prometheus.faults);
  };

  const adapterFault = (set: (faults: VirtualJourneyCluster['embedded']['adapter']['faults']) => void): Cure => {
    const { faults } = cluster.embedded.adapter;
    set(faults);
    return () => {
      Object.assign(faults, {
        unavailable: false,
        overloadedSeconds: undefined,
        emptyList: false,
        notANumber: false,
        frozenAt: undefined,
        clockSkewMs: 0,
        latencyMs: 0,
        paddingBytes: 0,
        html: false,
        partial: 1,
      });
      faults.notServed.clear();
    };
  };

  interface FaultCase {
    readonly name: string;
    readonly inject: () => Cure;
    /** Later than a tick for what can be known only after a deadline, or only by its age. */
    readonly shownWithinMs?: number;
    /** Words that the status must have. */
    readonly says: RegExp;
    readonly recoveryMs?: number;
    /** Fields of the policy in place of the usual ones. */
    readonly spec?: Readonly<Record<string, unknown>>;
    readonly followMs?: number;
  }

  async function expectHeldAndRecovered(
    metrics: readonly object[],
    each: FaultCase,
    prepare: (namespace: string) => Promise<void> = async () => undefined,
  ): Promise<void> {
    const { inject, says, shownWithinMs = tickMs, recoveryMs = 2 * tickMs, followMs = reactionMs } = each;
    await onStage(cluster, { replicas: 6, load: 300, policy: { metrics, ...each.spec }, prepare }, async (stage) => {
      const { monitor } = stage;
      // The first window of a rate covers the time before the load.
      await monitor.elapse(180_000);
      expect(isHeld(stage), 'nothing is held before').toBe(false);
      const cure = inject();
      cures.push(cure);
      monitor.metricsDisturbed(true);
      monitor.freeze(0);
      monitor.setLoad(140);
      expect(await monitor.until(() => isHeld(stage), shownWithinMs + slackMs), `the hold is shown within ${shownWithinMs / 1000} s`).toBe(
        true,
      );
      const first = JSON.stringify(monitor.status().conditions);
      await monitor.elapse(240_000);
      expect(isHeld(stage), 'and still is').toBe(true);
      expect(first + JSON.stringify(monitor.status().conditions)).toMatch(says);
      expect(monitor.replicas()).toBe(6);
      cure();
      monitor.thaw();
      expect(await monitor.until(() => !isHeld(stage), recoveryMs + slackMs), `over within ${recoveryMs / 1000} s`).toBe(true);
      monitor.metricsDisturbed(false);
      expect(await monitor.until(() => monitor.replicas() <= 4, followMs), 'then the load is followed').toBe(true);
    });
  }

  describe('of Prometheus', () => {
    const metrics = [{ type: 'Prometheus', prometheus: { source: 'main', query, target } }];
    const answer = (fault: PrometheusFaults['answer']) => () => prometheusFault((faults) => (faults.answer = fault));
    const late = tickMs + timeoutMs;
    const cases: readonly FaultCase[] = [
      { name: 'slow', inject: () => prometheusFault((faults) => (faults.slowMs = 60_000)), shownWithinMs: late, says: /timed out/ },
      { name: 'hangs', inject: answer({ kind: 'hang' }), shownWithinMs: late, says: /within 10 s/ },
      { name: '429', inject: answer({ kind: 'status', code: 429, retryAfterSeconds: 20 }), says: /429/, recoveryMs: 3 * tickMs },
      { name: '422, too many samples', inject: answer({ kind: 'too-many-samples' }), says: /too many samples/ },
      { name: '503', inject: answer({ kind: 'status', code: 503, errorType: 'timeout', error: 'query timed out' }), says: /503|timed out/ },
      {
        name: '400, more than 11,000 points',
        inject: answer({
          kind: 'status',
          code: 400,
          errorType: 'bad_data',
          error: 'exceeded maximum resolution of 11,000 points per timeseries',
        }),
        says: /11,000 points/,
      },
      {
        name: 'warnings',
        inject: () => prometheusFault((faults) => (faults.warnings = ['store 10.0.0.7 is down'])),
        says: /store 10\.0\.0\.7/,
      },
      { name: 'a page of HTML with 200', inject: answer({ kind: 'html' }), says: /something else than JSON/ },
      { name: 'a page of HTML with 502', inject: answer({ kind: 'html', code: 502 }), says: /502/ },
      { name: 'a redirect', inject: answer({ kind: 'redirect', location: 'http://169.254.169.254/latest/meta-data' }), says: /redirect/ },
      { name: 'a huge body', inject: answer({ kind: 'huge', bytes: 20 * 2 ** 20 }), says: /bytes|MiB|long/ },
      { name: 'a body that is cut off', inject: answer({ kind: 'cut-off' }), says: /cut|incomplete|JSON|closed/ },
      { name: 'NaN', inject: () => prometheusFault((faults) => (faults.values = 'nan')), says: /NaN/ },
      { name: 'nothing', inject: () => prometheusFault((faults) => (faults.values = 'empty')), says: /no value/ },
      {
        // An instant vector has the time of the query, and a rate falls while its window runs empty: only the newest scrape of all tells.
        name: 'no scrapes any more',
        inject: () => prometheusFault((faults) => (faults.scrapesStopped = true)),
        shownWithinMs: 4 * tickMs,
        says: /newest sample/,
        recoveryMs: 4 * tickMs,
        // The window that scale-downs have by default: a single scrape that fails makes a rate dip.
        spec: { metrics: [{ type: 'Prometheus', prometheus: { source: 'main', query: slowQuery, target } }], behavior: {} },
        followMs: 300_000 + 180_000 + reactionMs,
      },
      {
        name: 'a clock that is 2 min ahead',
        inject: () => prometheusFault((faults) => (faults.clockSkewMs = 120_000)),
        says: /clock-skew|future/,
        // Samples of the future stand in its way until they are of the past: it takes none that is older.
        recoveryMs: 120_000 + 6 * tickMs,
      },
    ];
    it.each(cases)('$name: nothing shrinks, the hold is shown at once, and over soon after', (each) =>
      expectHeldAndRecovered(metrics, each),
    );
  });

  describe('of custom and external metrics', () => {
    const external = [{ type: 'External', external: { metric: { name: 'requests_per_second' }, target } }];
    const object = [
      {
        type: 'Object',
        object: {
          describedObject: { apiVersion: 'v1', kind: 'Service', name: 'web' },
          metric: { name: 'requests_per_second' },
          target,
        },
      },
    ];
    const pods = [{ type: 'Pods', pods: { metric: { name: 'requests_per_second' }, target } }];
    const kinds = { external, object, pods };
    const cases: readonly FaultCase[] = [
      { name: '503', inject: () => adapterFault((faults) => (faults.unavailable = true)), says: /503|unavailable/ },
      { name: '429', inject: () => adapterFault((faults) => (faults.overloadedSeconds = 20)), says: /429/, recoveryMs: 3 * tickMs },
      {
        name: 'an empty list',
        inject: () => adapterFault((faults) => (faults.emptyList = true)),
        says: /no value|no items|0 values|without a value/,
      },
      { name: 'NaN', inject: () => adapterFault((faults) => (faults.notANumber = true)), says: /NaN|no number|quantity/ },
      {
        name: 'answers that come too late',
        inject: () => adapterFault((faults) => (faults.latencyMs = 60_000)),
        shownWithinMs: tickMs + timeoutMs,
        says: /within 10 s/,
      },
      { name: 'a page of HTML', inject: () => adapterFault((faults) => (faults.html = true)), says: /HTML|JSON/i },
      {
        name: 'a clock that is 20 min ahead',
        inject: () => adapterFault((faults) => (faults.clockSkewMs = 1_200_000)),
        says: /clock-skew|future/,
      },
      {
        name: 'values that stand still',
        inject: () => adapterFault((faults) => (faults.frozenAt = cluster.now())),
        shownWithinMs: 180_000 + tickMs,
        says: /stale|old/,
      },
    ];
    /** The true load, as each of the three ways to ask for it. */
    const publish = async (namespace: string): Promise<void> => {
      const { adapter, workload } = cluster.embedded;
      const metric = 'requests_per_second';
      let measured = 0;
      // Asked about the past (values that stand still) it answers what it said then.
      const demand = (at: number): number =>
        at < cluster.now() ? measured : (measured = workload.results(`${namespace}/web`)?.demand ?? 0);
      const service = { metadata: { name: 'web', namespace }, spec: { selector: { app: 'web' }, ports: [{ port: 80 }] } };
      await cluster.client.create(resourceTypes.services, service);
      adapter.setExternal({ namespace, metric }, demand);
      adapter.setObject({ type: resourceTypes.services, namespace, name: 'web', metric }, demand);
      adapter.setPods(
        { namespace, selector: 'app=web', metric },
        (at) => demand(at) / Math.max(1, workload.results(`${namespace}/web`)?.replicas ?? 0),
      );
    };
    for (const [kind, metrics] of Object.entries(kinds)) {
      it.each(cases)(`${kind}, $name: nothing shrinks, the hold is shown at once, and over soon after`, (each) =>
        expectHeldAndRecovered(metrics, each, publish),
      );
    }
  });
});
