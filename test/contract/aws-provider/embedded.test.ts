import { AutoScaling } from '@aws-sdk/client-auto-scaling';
import { beforeAll } from 'vitest';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import { seededRandom } from '../../../core/runtime/random.ts';
import { createAwsEndpoint } from '../../../simulator/cluster/aws/index.ts';
import { loadSdk } from '../../journeys/nodes-virtual.ts';
import { awsProviderContract, type AwsBench } from './suite.ts';

beforeAll(() => loadSdk());

awsProviderContract('embedded', async (): Promise<AwsBench> => {
  const clock = new VirtualClock();
  const aws = createAwsEndpoint({ clock, random: seededRandom('aws-provider') });
  clock.useSettle(() => aws.settle());
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const administrator = new AutoScaling({ region: aws.region, credentials, requestHandler: aws.requestHandler(), maxAttempts: 1 });
  return {
    connection: { clock, random: seededRandom('provider'), region: aws.region, credentials, requestHandler: aws.requestHandler() },
    createGroup: async ({ name, min, max, desired, types = ['m5.large'], zones = ['a'], tags = {}, suspended = [] }) => {
      aws.defineGroup({
        name,
        minSize: min,
        maxSize: max,
        desiredCapacity: desired,
        instanceTypes: types,
        zones: zones.map((letter) => `${aws.region}${letter}`),
        tags,
        suspendedProcesses: suspended,
      });
    },
    wait: (promise) => clock.settled(promise, 600_000),
    settle: () => clock.advance(120_000),
    sizeInCloud: async (group) => aws.group(group)?.desiredCapacity ?? Number.NaN,
    stockout: async (group) => {
      for (const { type, zone } of aws.group(group)?.instances ?? []) aws.capacity.set({ type: type.name, zone }, 0);
    },
    fault: (action, answer, times) => void aws.faults.add({ actions: [action], times, answer }),
    deleteGroup: async (name) => {
      await administrator.deleteAutoScalingGroup({ AutoScalingGroupName: name, ForceDelete: true });
    },
    lingers: true,
    close: () => aws.stop(),
  };
});
