import { afterAll, beforeAll, expect, it } from 'vitest';
import { resourceTypes } from '../../../core/model/object.ts';
import { realClock } from '../../../core/runtime/clock.ts';
import { seededRandom } from '../../../core/runtime/random.ts';
import { createInstanceNodes } from '../../../simulator/cluster/aws/index.ts';
import { deployment, discoveryTag } from '../../journeys/nodes-rows-support.ts';
import { seenNode, seenPod, type SeenPod } from '../../journeys/nodes-rows-seen.ts';
import { startProcess, type ProcessController } from '../../journeys/process-controller.ts';
import { install, startPlayedCluster, type PlayedCluster } from '../installed-cluster.ts';
import { createTeardown } from '../teardown.ts';
import { until } from '../until.ts';
import { startFaultProxy, type FaultProxy } from './fault-proxy.ts';
import { awsAdministrator, region, type AwsAdministrator } from './moto-groups.ts';
import { describeWithMoto, findMoto, startMoto } from './moto.ts';
import { pollInstances } from './polled-instances.ts';

const second = 1_000;
const programNamespace = 'concertina-system';
const pool = { id: 'moto', namespace: 'default' };

describeWithMoto(await findMoto(), 'the whole program on a real control plane whose nodes are instances of moto', (file) => {
  const teardown = createTeardown();
  let played: PlayedCluster;
  let proxy: FaultProxy;
  let administrator: AwsAdministrator;
  beforeAll(async () => {
    const moto = await startMoto(await file());
    teardown.add(() => moto.stop());
    proxy = await startFaultProxy({
      upstream: moto.url,
      clock: realClock,
      timing: { reaction: second, boot: 2 * second, shutdown: 4 * second },
    });
    teardown.add(() => proxy.close());
    administrator = awsAdministrator(proxy.url);
    teardown.add(async () => administrator.close());
    played = await startPlayedCluster(teardown, { audit: false });
  });
  afterAll(() => teardown.run());

  it(
    'buys instances for pods that wait, which become nodes that run them, and gives back what is not needed',
    { timeout: 400_000 },
    async () => {
      const { real, fleet, program } = played;
      const client = real.adminClient;
      const kubeconfig = await install(real, teardown, 'examples/node-pools');
      await client.setScale(resourceTypes.deployments, { namespace: programNamespace, name: 'concertina' }, 0);
      const tags = { [discoveryTag]: 'true', 'k8s.io/cluster-autoscaler/node-template/label/pool': pool.id };
      await administrator.createGroup({ name: 'workers', min: 0, max: 5, desired: 1, tags });
      const polled = pollInstances(administrator, realClock);
      const machines = createInstanceNodes({
        aws: polled.aws,
        fleet,
        client,
        clock: realClock,
        random: seededRandom('machines'),
        standard: { joinDelay: second },
      });
      await machines.start();
      polled.start(500);
      teardown.add(async () => {
        await polled.stop();
        machines.stop();
      });
      let running: ProcessController | undefined;
      const pods = async (): Promise<readonly SeenPod[]> =>
        (await client.list(resourceTypes.pods, { namespace: pool.namespace, labelSelector: 'app=web' })).items.map(seenPod);
      const nodes = async (): Promise<readonly string[]> =>
        (await client.list(resourceTypes.nodes, { labelSelector: `pool=${pool.id}` })).items
          .map(seenNode)
          .filter(({ ready }) => ready)
          .map(({ name }) => name);
      const size = async (): Promise<number | undefined> =>
        (await administrator.autoScaling.describeAutoScalingGroups({ AutoScalingGroupNames: ['workers'] })).AutoScalingGroups?.[0]
          ?.DesiredCapacity;
      const comes = async (what: string, condition: () => Promise<boolean>, limitMs: number): Promise<void> => {
        if (await until(condition, limitMs, 250)) return;
        throw new Error(
          `${what}: not within ${limitMs / second} s; nodes ${(await nodes()).join()}, pods ${JSON.stringify(await pods())}\n${running?.log().slice(-4_000)}`,
        );
      };
      const runs = (count: number, limitMs: number): Promise<void> =>
        comes(
          `${count} pods run`,
          async () => {
            const found = await pods();
            return found.length === count && found.every(({ ready, going }) => ready && !going);
          },
          limitMs,
        );

      await comes('there is a node', async () => (await nodes()).length === 1, 90 * second);
      running = await startProcess({
        program,
        identity: 'copy-1',
        kubeconfig,
        flags: [
          '--cloud-provider=aws',
          `--node-group-auto-discovery=asg:tag=${discoveryTag}`,
          '--scan-interval=1s',
          '--scale-down-unneeded-time=10s',
          '--cooldown-scale-up=5s',
          '--cooldown-scale-down=8s',
        ],
        env: { AWS_ENDPOINT_URL: proxy.url, AWS_REGION: region, AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' },
      });
      teardown.add(async () => running?.stop());
      await client.create(resourceTypes.deployments, deployment(pool, 'web', { replicas: 3, cpu: '1100m' }));
      await runs(3, 180 * second);
      expect(await nodes()).toHaveLength(3);
      expect(await size()).toBe(3);
      const raises = proxy.calls().filter(({ action, status }) => action === 'SetDesiredCapacity' && status === 200);
      expect(raises.at(-1)?.parameters['DesiredCapacity']).toBe('3');

      await client.setScale(resourceTypes.deployments, { namespace: pool.namespace, name: 'web' }, 1);
      await comes('one instance is enough', async () => (await size()) === 1 && (await nodes()).length === 1, 240 * second);
      await runs(1, 60 * second);
      const ended = proxy.calls().filter(({ action, status }) => action === 'TerminateInstanceInAutoScalingGroup' && status === 200);
      expect(ended.map(({ parameters }) => parameters['ShouldDecrementDesiredCapacity'])).toEqual(['true', 'true']);
      expect(raises).toHaveLength(proxy.calls().filter(({ action, status }) => action === 'SetDesiredCapacity' && status === 200).length);
    },
  );
});
