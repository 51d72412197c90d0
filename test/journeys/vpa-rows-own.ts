import { expect } from 'vitest';
import { resourceTypes } from '../../core/model/object.ts';
import { verticalPodAutoscalerCheckpointCrd, verticalPodAutoscalerCrd } from '../e2e/vpa/vertical-pod-autoscaler-crd.ts';
import { apiFault, metricsFault } from './faults.ts';
import { adoptedBudgetRow, adoptedRow } from './vpa-rows-adopted.ts';
import { asked, atTarget, noCooldown, passes, scene, type SizingStatus, type VpaRow } from './vpa-rows-support.ts';
import type { VirtualVpaCluster, VirtualVpaOptions } from './vpa-virtual.ts';

/** A row that has a cluster to itself: it needs other settings, restarts the program, or breaks what others go by. Virtual time only. */
export interface OwnVpaRow {
  readonly name: string;
  readonly options?: VirtualVpaOptions;
  readonly run: (cluster: VirtualVpaCluster) => Promise<void>;
}

const minute = 60_000;
const recreate = { updatePolicy: { updateMode: 'Recreate' } };

/** Nobody is evicted for a while and the status says why; a workload in place goes on meanwhile; with the fault gone it goes on. */
async function heldFor(
  cluster: VirtualVpaCluster,
  why: RegExp,
  faults: { readonly inflict: () => Promise<() => Promise<void>> },
): Promise<void> {
  const web = await scene(cluster, { replicas: 3, load: 900, policy: { ...recreate, mode: 'Paused' } });
  const other = await scene(cluster, { replicas: 2, load: 600, policy: { mode: 'Paused' } });
  await web.recommends(passes(cluster, 2));
  const cure = await faults.inflict();
  for (const each of [web, other]) await each.patchPolicy({ mode: 'Auto' });
  await web.says(why, passes(cluster, 3));
  expect(await web.condition('Applied')).toBe('False/MissingData');
  await other.comes('in place goes on', (pods) => atTarget(other, pods), passes(cluster, 6));
  await web.stays('nobody is evicted', async () => (await web.writes('eviction')).length === 0, 10 * minute);
  await cure();
  await web.comes('it goes on', (pods) => atTarget(web, pods), 15 * minute);
  expect((await web.writes('eviction')).length).toBeGreaterThanOrEqual(3);
}

function lowerCpu(status: SizingStatus): number {
  return asked(status.recommendation?.containerRecommendations?.[0]?.lowerBound).cpu ?? Number.NaN;
}

function upperCpu(status: SizingStatus): number {
  return asked(status.recommendation?.containerRecommendations?.[0]?.upperBound).cpu ?? Number.NaN;
}

/** What was learnt before a restart is what is gone by after it. */
function carriesOn(before: SizingStatus, after: SizingStatus): void {
  const [old, now] = [before, after].map(({ recommendation }) => recommendation?.containerRecommendations?.[0]);
  expect(now?.target).toEqual(old?.target);
  expect(old?.evidence?.firstSampleTime).toBeDefined();
  expect(now?.evidence?.firstSampleTime).toBe(old?.evidence?.firstSampleTime);
  expect(upperCpu(after), 'no looser than before').toBeLessThanOrEqual(upperCpu(before));
}

/** A fault of metrics while pods that ask for far too much could shrink. */
function missingData(name: string, inflict: (cluster: VirtualVpaCluster) => () => void): OwnVpaRow {
  return {
    name: `missing data, ${name}: nothing shrinks, and it recovers afterwards`,
    run: async (cluster) => {
      // Loaded pods at their target, and pods that use a fifth of what they ask for and have no policy yet.
      const busy = await scene(cluster, { replicas: 3, load: 900 });
      await busy.comes('busy pods are at the target', (pods) => atTarget(busy, pods), passes(cluster, 6));
      const before = await busy.recommends(minute);
      const lowerBefore = lowerCpu(await busy.status());
      const cure = inflict(cluster);
      const idle = await scene(cluster, { replicas: 3, load: 300, requests: { cpu: '1', memory: '2Gi' }, policy: { ...noCooldown } });
      const shrunk = async (): Promise<boolean> => {
        const low = (await busy.target())?.cpu ?? 0;
        return (
          low < 0.9 * (before.cpu ?? NaN) ||
          lowerCpu(await busy.status()) < 0.8 * lowerBefore ||
          (await busy.pods()).some(({ requests }) => (requests.cpu ?? 0) < 0.9 * (before.cpu ?? NaN)) ||
          (await idle.pods()).some(({ requests: { cpu = 0, memory = 0 } }) => cpu < 100 || memory < 100 * 2 ** 20)
        );
      };
      expect(await cluster.until(shrunk, 40 * minute), JSON.stringify([await busy.status(), await idle.status()])).toBe(false);
      expect(await busy.writes('eviction')).toEqual([]);
      cure();
      const recovered = (): Promise<boolean> => cluster.until(async () => ((await idle.target())?.cpu ?? 0) >= 100, 10 * minute);
      expect(await recovered(), JSON.stringify(await idle.status())).toBe(true);
      await busy.stays('busy pods keep what they have', async () => !(await shrunk()), 10 * minute);
    },
  };
}

function adopted({ name, run }: VpaRow): OwnVpaRow {
  return {
    name,
    options: {
      settings: { adopt: ['vpa'] },
      prepare: async ({ client }) => {
        for (const crd of [verticalPodAutoscalerCrd(), verticalPodAutoscalerCheckpointCrd()])
          await client.create(resourceTypes.customResourceDefinitions, crd);
      },
    },
    run,
  };
}

export const ownVpaRows: readonly OwnVpaRow[] = [
  {
    name: 'nothing is lowered before usage was seen for long enough, neither in pods nor in new ones; then it is',
    options: { settings: { vpa: { shrinkAfter: '20m', boundsLifetime: '1m' } } },
    run: async (cluster) => {
      const web = await scene(cluster, { replicas: 3, load: 300, requests: { cpu: '1', memory: '64Mi' }, policy: noCooldown });
      await web.comes('memory grows at once', (pods) => pods.every(({ requests }) => (requests.memory ?? 0) > 2 ** 27), passes(cluster, 8));
      await web.stays('CPU is not lowered', async () => (await web.pods()).every(({ requests }) => requests.cpu === 1000), 8 * minute);
      const evidence = (await web.status()).recommendation?.containerRecommendations?.[0]?.evidence;
      expect(JSON.stringify(evidence)).toMatch(
        /target cpu of container web stays at 1, which the pods ask for, instead of 1\d\dm until .* \(--vpa-shrink-after\)/u,
      );
      const [first] = await web.pods();
      await cluster.client.delete(resourceTypes.pods, { namespace: web.namespace, name: first?.name ?? '' });
      await web.stays('nor in a new pod', async () => (await web.pods()).every(({ requests }) => requests.cpu === 1000), 3 * minute);
      await web.comes('it is lowered afterwards', (pods) => pods.every(({ requests }) => (requests.cpu ?? 1000) < 200), 15 * minute);
    },
  },
  {
    name: 'no webhook at all: nothing is evicted, the status says how to get one; in place goes on',
    options: { admission: false },
    run: async (cluster) => {
      const web = await scene(cluster, { replicas: 3, load: 900, policy: recreate });
      const other = await scene(cluster, { replicas: 2, load: 600 });
      await web.says(
        /is not evicted: it would come back as it was, because no admission webhook is served .*--admission-address/u,
        passes(cluster, 3),
      );
      await other.comes('in place goes on', (pods) => atTarget(other, pods), passes(cluster, 6));
      await web.stays('nobody is evicted', async () => (await web.writes('eviction')).length === 0, 15 * minute);
    },
  },
  {
    name: 'the Lease of admission goes stale: nothing is evicted until it is renewed; in place goes on',
    run: (cluster) =>
      heldFor(cluster, /Lease default\/concertina-vpa-admission was last renewed .* ago/u, {
        inflict: async () => {
          const cure = apiFault(cluster.virtual, {
            match: { resource: 'leases.coordination.k8s.io', name: 'concertina-vpa-admission', verb: ['patch', 'update', 'create'] },
            fault: { kind: 'status', code: 403, message: 'not allowed for a while' },
          });
          await cluster.elapse(90_000);
          return () => Promise.resolve(cure());
        },
      }),
  },
  {
    name: 'the webhook object is gone and cannot be made again: nothing is evicted until it is back; in place goes on',
    run: (cluster) =>
      heldFor(cluster, /MutatingWebhookConfiguration concertina-vpa is not there/u, {
        inflict: async () => {
          const cure = apiFault(cluster.virtual, {
            match: { resource: 'mutatingwebhookconfigurations.admissionregistration.k8s.io', verb: 'create' },
            fault: { kind: 'status', code: 403, message: 'not allowed for a while' },
          });
          await cluster.client.delete(resourceTypes.mutatingWebhookConfigurations, { name: 'concertina-vpa' });
          return () => Promise.resolve(cure());
        },
      }),
  },
  {
    name: 'failurePolicy Ignore: with the program gone pods are created all the same, as they are',
    run: async (cluster) => {
      const web = await scene(cluster, { replicas: 2, load: 600, policy: { updatePolicy: { updateMode: 'Initial' } } });
      await web.recommends(passes(cluster, 2));
      await cluster.controller().stop();
      await web.scale(4);
      await web.comes('four run', (pods) => pods.length === 4 && pods.every(({ ready }) => ready), 2 * minute);
      for (const { requests } of await web.pods()) expect(requests.cpu).toBe(100);
      await cluster.restart();
      await web.scale(5);
      await web.comes('a fifth', (pods) => pods.length === 5, minute);
      expect((await web.pods()).at(-1)?.requests.cpu).toBeGreaterThan(200);
    },
  },
  {
    name: 'restart: bounds, first sample and cooldown are as before; checkpoints carry on, and those of no policy are collected',
    run: async (cluster) => {
      const { client } = cluster;
      const web = await scene(cluster, { replicas: 3, load: 900, policy: { cooldown: {}, mode: 'DryRun' } });
      const gone = await scene(cluster, { replicas: 1, load: 100 });
      await cluster.elapse(3 * 60 * minute);
      const before = await web.status();
      await web.patchPolicy({ mode: 'Auto' });
      await web.comes('one grows', (pods) => pods.some(({ requests }) => (requests.cpu ?? 0) > 250), passes(cluster, 3));
      const grown = (await web.writes('resize')).at(-1)?.at ?? NaN;
      const scaled = (await web.status()).lastScaleUpTime;
      await cluster.restart();
      expect((await web.writes('resize')).at(-1)?.at, 'nothing during the restart').toBe(grown);
      await web.comes('the second one grows', async () => ((await web.writes('resize')).at(-1)?.at ?? NaN) > grown, 5 * minute);
      expect((await web.writes('resize')).at(-1)?.at ?? NaN).toBeGreaterThanOrEqual(grown + cluster.timing.scaleUpCooldown - 1_000);
      expect(scaled).toBeDefined();
      await cluster.elapse(5 * minute);
      carriesOn(before, await web.status());
      // A policy that is deleted while nobody looks.
      await cluster.controller().stop();
      await client.delete(resourceTypes.verticalPolicies, gone.key);
      const left = async (): Promise<number> =>
        (await client.list(resourceTypes.verticalPolicyCheckpoints, { namespace: gone.namespace })).items.length;
      expect(await left()).toBe(1);
      await cluster.restart();
      expect(await cluster.until(async () => (await left()) === 0, 25 * minute), 'collected').toBe(true);
      expect((await client.list(resourceTypes.verticalPolicyCheckpoints, { namespace: web.namespace })).items).toHaveLength(1);
    },
  },
  {
    name: 'node size: what no node can hold is capped to the largest, says so, and the pods schedule',
    run: async (cluster) => {
      const web = await scene(cluster, {
        replicas: 2,
        annotations: { 'concertina.dev/sim-cpu': '15.5' },
        requests: { cpu: '1', memory: '64Mi' },
        policy: recreate,
      });
      // 15.5 cores with the margin of 15 % are more than the 16 of a node.
      await web.comes('it says so', async () => (await web.condition('LimitedByNodeSize')) === 'True/NodeSize', passes(cluster, 4));
      const target = await web.recommends(minute);
      expect(target.cpu).toBeLessThanOrEqual(16_000);
      expect(target.cpu).toBeGreaterThan(14_000);
      await web.comes(
        'pods are evicted, sized and run',
        async (pods) => pods.length === 2 && pods.every(({ phase, ready }) => phase === 'Running' && ready) && (await atTarget(web, pods)),
        20 * minute,
      );
    },
  },
  missingData('metrics.k8s.io unavailable', ({ virtual }) => metricsFault(virtual, (faults) => (faults.unavailable = true))),
  missingData('an empty list', ({ virtual }) => metricsFault(virtual, (faults) => (faults.emptyList = true))),
  missingData('zero for everyone', ({ virtual }) => metricsFault(virtual, (faults) => (faults.zeroForAll = true))),
  missingData('half of the nodes missing', ({ virtual }) =>
    metricsFault(virtual, (faults) => {
      faults.missingNodes.add('node-a');
      faults.missingNodes.add('node-b');
    }),
  ),
  missingData('timestamps that stand still', ({ virtual }) => metricsFault(virtual, (faults) => (faults.staleTimestamps = true))),
  adopted(adoptedRow),
  adopted(adoptedBudgetRow),
];
