import { expect } from 'vitest';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import { atTarget, mebi, near, passes, scene, type Scene, type SeenPod, type VpaRow, type VpaRowsCluster } from './vpa-rows-support.ts';
import { foreignWebhook, type ForeignWebhook } from './vpa-webhook.ts';

function limitRange(namespace: string, limit: Readonly<Record<string, unknown>>): KubeObject {
  return { apiVersion: 'v1', kind: 'LimitRange', metadata: { namespace, name: 'bounds' }, spec: { limits: [limit] } };
}

/** A sidecar that is in no template: `mesh`, with a CPU load of its own. */
function inject(pod: { readonly spec: { readonly containers: readonly { readonly name: string }[] } }): readonly object[] {
  if (pod.spec.containers.some(({ name }) => name === 'mesh')) return [];
  const mesh = { name: 'mesh', image: 'mesh:1', resources: { requests: { cpu: '10m', memory: '32Mi' } } };
  return [{ op: 'add', path: '/spec/containers/-', value: mesh }];
}

/** Whether the pods that run, and those that come, have the sidecar sized. */
async function injectedAreSized(cluster: VpaRowsCluster, web: Scene, sized: boolean): Promise<void> {
  await web.comes('web is at the target', async (pods) => atTarget(web, pods), passes(cluster, 6));
  await cluster.elapse(2 * cluster.passMs);
  const target = await web.target('mesh');
  expect(target !== undefined).toBe(sized);
  const asItShould = ({ containers }: SeenPod): boolean => {
    const requests = containers.find(({ name }) => name === 'mesh')?.requests;
    return target === undefined ? requests?.cpu === 10 && requests.memory === 32 * mebi : near(requests ?? {}, target);
  };
  const pods = await web.pods();
  expect(pods.map(asItShould), JSON.stringify({ target, pods })).toEqual([true, true]);
  // New pods as well.
  await web.scale(3);
  await web.comes('a third pod runs', (all) => all.length === 3 && all.every(({ ready }) => ready), 60_000);
  const added = (await web.pods()).at(-1);
  expect(near(added?.requests ?? {}, (await web.target()) ?? {}), JSON.stringify(added)).toBe(true);
  expect(added !== undefined && asItShould(added), JSON.stringify(added)).toBe(true);
}

function injectedRow(injectedContainers: 'Ignore' | 'Manage'): VpaRow {
  return {
    name: `injected sidecar, ${injectedContainers}: it is ${injectedContainers === 'Ignore' ? 'left as it came' : 'sized too'}`,
    run: async (cluster) => {
      let injector: ForeignWebhook | undefined;
      const web = await scene(cluster, {
        replicas: 2,
        load: 600,
        annotations: { 'concertina.dev/sim-cpu.mesh': '0.2' },
        policy: { injectedContainers },
        before: async ({ client }, namespace) => {
          // By name it comes after the suite's own.
          injector = await foreignWebhook(client, { name: `mesh-${namespace}`, namespace, patch: inject });
        },
      });
      try {
        await injectedAreSized(cluster, web, injectedContainers === 'Manage');
      } finally {
        await injector?.stop();
      }
    },
  };
}

/** What keeps a recommendation, or what pods get of it, within bounds. */
export const boundRows: readonly VpaRow[] = [
  {
    name: 'LimitRange of containers: requests stay so that proportional limits are within min and max',
    real: true,
    run: async (cluster) => {
      const max = { cpu: '400m', memory: '1Gi' };
      const min = { cpu: '20m', memory: '300Mi' };
      const web = await scene(cluster, { replicas: 2, load: 600, limits: { cpu: '200m', memory: '128Mi' }, policy: null });
      // The pods are older than it: their memory is below its min.
      await cluster.client.create(resourceTypes.limitRanges, limitRange(web.namespace, { type: 'Container', max, min }));
      await web.createPolicy();
      // CPU is throttled at the limit of 200m: more than 200m is recommended; with the ratio of 2 that would be a limit above 400m.
      await web.recommends(passes(cluster, 3), ({ cpu = 0 }) => cpu > 200);
      await web.comes(
        'requests are at what max allows',
        (pods) => pods.every(({ requests, limits }) => requests.cpu === 200 && limits.cpu === 400),
        passes(cluster, 6),
      );
      // 250Mi is recommended, and less than 300Mi the LimitRange does not take.
      for (const { requests, limits } of await web.pods()) {
        expect(requests.memory).toBe(300 * mebi);
        expect(limits.memory).toBe(600 * mebi);
      }
    },
  },
  {
    name: 'LimitRange of pods: all containers together stay within max',
    real: true,
    run: async (cluster) => {
      const side = {
        name: 'side',
        image: 'side:1',
        resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '200m', memory: '128Mi' } },
      };
      const web = await scene(cluster, {
        replicas: 2,
        load: 600,
        limits: { cpu: '200m', memory: '128Mi' },
        annotations: { 'concertina.dev/sim-cpu.side': '0.19' },
        shaped: (target) => {
          const spec = target.spec as { template: { spec: { containers: object[] } } };
          const containers = [...spec.template.spec.containers, side];
          return { ...target, spec: { ...spec, template: { ...spec.template, spec: { ...spec.template.spec, containers } } } };
        },
        before: async ({ client }, namespace) => {
          await client.create(resourceTypes.limitRanges, limitRange(namespace, { type: 'Pod', max: { cpu: '800m', memory: '1Gi' } }));
        },
      });
      await web.recommends(passes(cluster, 3), ({ cpu = 0 }) => cpu > 200);
      await web.comes(
        'both containers share what max allows',
        (pods) =>
          pods.every(({ containers }) => {
            const limits = containers.reduce((sum, { limits: { cpu = 0 } }) => sum + cpu, 0);
            return containers.every(({ requests: { cpu = 0 } }) => cpu !== 100) && limits > 700 && limits <= 800;
          }),
        passes(cluster, 6),
      );
      expect((await web.writes('resize')).filter(({ code }) => code >= 400)).toEqual([]);
    },
  },
  {
    name: 'min and max allowed: the recommendation is clamped, and evidence and pods show it',
    run: async (cluster) => {
      const web = await scene(cluster, {
        replicas: 2,
        load: 600,
        policy: {
          resourcePolicy: { containerPolicies: [{ containerName: '*', minAllowed: { memory: '512Mi' }, maxAllowed: { cpu: '250m' } }] },
        },
      });
      await web.comes(
        'pods have it',
        (pods) => pods.every(({ requests }) => requests.cpu === 250 && requests.memory === 512 * mebi),
        passes(cluster, 6),
      );
      const [container] = (await web.status()).recommendation?.containerRecommendations ?? [];
      expect(container?.evidence?.clamps?.join('; ')).toMatch(/maxAllowed.*;.*minAllowed|minAllowed.*;.*maxAllowed/u);
      await web.patchPolicy({ resourcePolicy: { containerPolicies: [{ containerName: '*', maxAllowed: { cpu: '2' } }] } });
      await web.comes('pods follow', async (pods) => pods.every(({ requests }) => (requests.cpu ?? 0) >= 300), passes(cluster, 8));
    },
  },
  injectedRow('Ignore'),
  injectedRow('Manage'),
  {
    name: 'eviction loop: another webhook resets the requests; it stops, says why with numbers, and tries again much later',
    run: async (cluster) => {
      const reset = (): readonly object[] => [
        { op: 'add', path: '/spec/containers/0/resources', value: { requests: { cpu: '100m', memory: '64Mi' } } },
      ];
      let rival: ForeignWebhook | undefined;
      const web = await scene(cluster, {
        replicas: 3,
        load: 900,
        policy: { updatePolicy: { updateMode: 'Recreate' } },
        before: async ({ client }, namespace) => {
          rival = await foreignWebhook(client, { name: `reset-${namespace}`, namespace, patch: reset });
        },
      });
      try {
        await web.says(
          /conflict: 2 updates in a row changed nothing: container web of pod web-\S+ came back with 100m of cpu where \d+m was to be set/u,
          passes(cluster, 8),
        );
        const stopped = (await web.writes('eviction')).length;
        expect(stopped).toBeLessThanOrEqual(3);
        expect(await web.condition('Applied')).toBe('False/Conflict');
        await web.stays('it has stopped', async () => (await web.writes('eviction')).length === stopped, 8 * 60_000);
        await web.comes('an Event warns', async () => (await web.events()).some((each) => each.startsWith('UpdatesStopped:')), 60_000);
        // In an hour it is tried a few times, not sixty.
        await cluster.elapse(60 * 60_000);
        expect((await web.writes('eviction')).length).toBeLessThanOrEqual(stopped + 4);
      } finally {
        await rival?.stop();
      }
      await web.comes('with the rival gone it goes on', (pods) => atTarget(web, pods), 4 * 3_600_000);
    },
  },
];
