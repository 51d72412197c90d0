import { afterAll, beforeAll, expect, it } from 'vitest';
import { resourceTypes } from '../../core/model/object.ts';
import { createMetricsServerSource, type MetricsSource, type UsageAnswer } from '../../metrics-aggregator/index.ts';
import { constant, onOff, serveKubelets, type KubeletFleet } from '../../simulator/index.ts';
import { findCompanions } from './binaries/index.ts';
import { describeWithCompanions } from './companion-suite.ts';
import type { AggregatedServer } from './companions/aggregated-server.ts';
import { startMetricsServer } from './companions/metrics-server.ts';
import { startFleet } from './played-fleet.ts';
import { createServingCertificate, startRealCluster, type RealCluster } from './real-cluster.ts';
import { recordScrapes, type ScrapeRecord } from './scrape-record.ts';
import { createTeardown } from './teardown.ts';
import { eventually, until } from './until.ts';

const search = await findCompanions('metrics-server');

/** Upstream's least. */
const resolutionMs = 10_000;
const pods = [
  { name: 'steady-a', node: 'node-a', app: 'steady' },
  { name: 'wave-a', node: 'node-a', app: 'wave' },
  { name: 'steady-b', node: 'node-b', app: 'steady' },
] as const;
const podsOf = (node: string): string[] => pods.filter((pod) => pod.node === node).map((pod) => pod.name);

function allPublished(fleet: KubeletFleet): boolean {
  return pods.every(({ name, node }) => fleet.scrape(node).pods.some((pod) => pod.name === name && pod.containers.length > 0));
}

// One cluster for all: each test leaves it as the next one needs it, in the order of the file.
describeWithCompanions(
  search,
  'the real Metrics Server, scraping simulated kubelets',
  (companions) => {
    const teardown = createTeardown();
    let real: RealCluster;
    let fleet: KubeletFleet;
    let server: AggregatedServer;
    let record: ScrapeRecord;
    let source: MetricsSource;

    beforeAll(async () => {
      const file = await companions()['metrics-server'].file();
      real = await startRealCluster({ audit: false });
      teardown.add(() => real.stop());
      const played = await startFleet(real, teardown, { tickMs: 500, housekeepingMs: 1000, startup: { pull: 0, start: 100 } });
      ({ fleet } = played);
      const { workload } = played;
      const memory = { base: 30 * 2 ** 20 };
      // 1 ms of CPU a request: a request a second is a milli-core; two pods share it.
      workload.define({
        name: 'steady',
        namespace: 'default',
        selector: { app: 'steady' },
        load: constant(240),
        cpuPerRequest: 1,
        baseCpu: 5,
        memory,
      });
      const load = onOff({ on: 400, off: 0, onMs: 3000, offMs: 4000 });
      workload.define({ name: 'wave', namespace: 'default', selector: { app: 'wave' }, load, cpuPerRequest: 1, baseCpu: 5, memory });
      const kubelets = await serveKubelets(fleet, { tls: await createServingCertificate() });
      teardown.add(() => kubelets.close());
      for (const name of ['node-a', 'node-b']) await fleet.addNode({ name, cpu: 4, memory: '8Gi' });
      for (const { name, node, app } of pods) {
        await real.adminClient.create(resourceTypes.pods, {
          metadata: { name, namespace: 'default', labels: { app } },
          spec: { nodeName: node, terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'i' }] },
        });
      }
      // What the first scrape has not seen comes a whole resolution later.
      await eventually('all pods are published', async () => allPublished(fleet));
      record = recordScrapes(fleet);
      teardown.add(async () => record.stop());
      server = await startMetricsServer(real, { file });
      teardown.add(() => server.stop());
      source = createMetricsServerSource(real.adminClient, { timeoutMs: 10_000 });
      await server.untilReady();
    });
    afterAll(() => teardown.run());

    const usage = (): Promise<UsageAnswer> => {
      if (source.usage === undefined) throw new Error(`${source.name} has no usage`);
      return source.usage(new AbortController().signal);
    };
    /** What our source says now; a failure as its reason. */
    const ask = async (): Promise<{ names: string[]; failure?: string }> => {
      const answer = await usage();
      return answer.ok ? { names: [...answer.pods.names].toSorted() } : { names: [], failure: answer.reason };
    };
    const allNames = pods.map((pod) => pod.name).toSorted();

    it('tells what the containers have really used, over the window that it says', async () => {
      expect(await until(async () => (await ask()).names.length === pods.length, 3 * resolutionMs)).toBe(true);
      const answer = await usage();
      if (!answer.ok) throw new Error(answer.detail);
      expect(answer.rejected).toEqual([]);
      expect(answer.partial).toBeUndefined();
      const table = answer.pods;
      for (const [row, name] of table.names.entries()) {
        expect(table.namespaces[row]).toBe('default');
        const [from, to] = [table.firstContainer[row]!, table.firstContainer[row + 1]!];
        expect(table.containers.slice(from, to)).toEqual(['c']);
        const [timestamp, windowMs] = [table.timestamps[row]!, table.windowsMs[row]!];
        expect(Math.abs(Date.now() - timestamp)).toBeLessThan(3 * resolutionMs);
        const truth = record.between(`default/${name}/c`, { timestamp, windowMs });
        expect(truth.length, `${name} at ${new Date(timestamp).toISOString()} over ${windowMs} ms was never scraped`).toBeGreaterThan(0);
        // One thousandth of a core: metrics-server cuts to nano-cores, a quantity is rounded up to milli-cores.
        const cpu = table.cpuMilli[from]!;
        expect(truth.map((value) => Math.abs(value.cpuMilli - cpu)).toSorted((a, b) => a - b)[0], `${name}: ${cpu}m`).toBeLessThanOrEqual(
          1,
        );
        expect(truth.map((value) => value.memoryBytes * 1000)).toContain(table.memoryMilli[from]);
      }
      const cpuOf = (name: string): number => table.cpuMilli[table.firstContainer[table.names.indexOf(name)]!]!;
      // Half of 240m, and 5m without load.
      expect(Math.abs(cpuOf('steady-a') - 125)).toBeLessThanOrEqual(2);
      expect(Math.abs(cpuOf('steady-b') - 125)).toBeLessThanOrEqual(2);
      // An average of its 405m and its 5m, not one of them.
      expect(cpuOf('wave-a')).toBeGreaterThan(50);
      expect(cpuOf('wave-a')).toBeLessThan(350);
      expect(answer.nodes.map((node) => node.name).toSorted()).toEqual(['node-a', 'node-b']);
      for (const node of answer.nodes) {
        const truth = record.between(node.name, node);
        expect(truth.map((value) => Math.abs(value.cpuMilli - node.cpuMilli!)).toSorted((a, b) => a - b)[0]).toBeLessThanOrEqual(1);
        expect(truth.map((value) => value.memoryBytes * 1000)).toContain(node.memoryMilli);
      }
    });

    it('a node that does not answer: its pods vanish, all of them, and no others', async () => {
      // Cut off; a power cut looks the same from here, and its containers come back ten seconds later.
      fleet.failNode('node-b');
      expect(await until(async () => (await ask()).names.length < pods.length, 3 * resolutionMs)).toBe(true);
      expect((await ask()).names).toEqual(podsOf('node-a').toSorted());
      const answer = await usage();
      expect(answer.ok && answer.nodes.map((node) => node.name)).toEqual(['node-a']);
      // For the API server they still run: that is what tells a failed scrape from pods that are gone.
      for (const name of podsOf('node-b')) {
        expect((await real.admin.get(`/api/v1/namespaces/default/pods/${name}`)).body).toMatchObject({ status: { phase: 'Running' } });
      }
    });

    it('killed: 503, which our source calls unavailable; back again: its values are, too', async () => {
      server.process.signal('SIGKILL');
      await server.process.exited;
      fleet.recoverNode('node-b');
      // Each of ours takes two seconds: the client tries a 503 again.
      for (let looks = 0; looks < 3; looks++) {
        expect((await real.admin.get('/apis/metrics.k8s.io/v1beta1/pods')).status).toBe(503);
        expect(await ask()).toEqual({ names: [], failure: 'source-unavailable' });
      }
      await eventually('all pods are published', async () => allPublished(fleet));
      await server.resume();
      const seen: string[][] = [];
      const back = await until(async () => {
        const { names } = await ask();
        seen.push(names);
        return names.length === pods.length;
      }, 5 * resolutionMs);
      expect(back, `seen last: ${String(seen.at(-1))}`).toBe(true);
      expect((await ask()).names).toEqual(allNames);
    });
  },
  { aggregated: true },
);
