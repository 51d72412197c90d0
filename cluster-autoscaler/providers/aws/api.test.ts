import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import { seededRandom } from '../../../core/runtime/random.ts';
import { createAwsApi, type AwsApi } from './api.ts';
import { createCaller } from './calls.ts';
import type { AutoScalingSdk, AwsSdkLoader, Ec2Sdk } from './sdk.ts';

type Input = Readonly<Record<string, unknown>>;
type Answer = (call: string, input: Input) => unknown;

interface Scene {
  readonly api: AwsApi;
  /** Name and input of every command. */
  readonly sent: (readonly [string, Input])[];
  readonly loaded: string[];
  readonly configs: unknown[];
}

/** The SDK's packages as far as they are used, answering from a function. */
function scene(answer: Answer): Scene {
  const sent: (readonly [string, Input])[] = [];
  const loaded: string[] = [];
  const configs: unknown[] = [];
  const command = (name: string): unknown =>
    class {
      readonly name = name;
      readonly input: Input;
      constructor(input: Input) {
        this.input = input;
      }
    };
  class Client {
    readonly config = { region: (): Promise<string> => Promise.resolve('eu-central-1') };
    constructor(config: unknown) {
      configs.push(config);
    }
    async send({ name, input }: { readonly name: string; readonly input: Input }): Promise<unknown> {
      sent.push([name, input]);
      return answer(name, input);
    }
    destroy(): void {
      loaded.push('destroyed');
    }
  }
  const commands = (names: readonly string[]): object => Object.fromEntries(names.map((name) => [`${name}Command`, command(name)]));
  const autoScaling = ['DescribeAutoScalingGroups', 'DescribeLaunchConfigurations', 'DescribeScalingActivities', 'SetDesiredCapacity'];
  const ec2 = ['DescribeImages', 'DescribeInstanceTypes', 'DescribeLaunchTemplateVersions', 'GetInstanceTypesFromInstanceRequirements'];
  const sdk: AwsSdkLoader = {
    autoScaling: async () => {
      loaded.push('autoscaling');
      return {
        AutoScalingClient: Client,
        ...commands([...autoScaling, 'TerminateInstanceInAutoScalingGroup']),
      } as unknown as AutoScalingSdk;
    },
    ec2: async () => {
      loaded.push('ec2');
      return { EC2Client: Client, ...commands(ec2) } as unknown as Ec2Sdk;
    },
  };
  const caller = createCaller({ clock: new VirtualClock(), random: seededRandom('api') });
  return { api: createAwsApi({ sdk, caller }), sent, loaded, configs };
}

const invalid = (names: string): Error =>
  Object.assign(new Error(`The following supplied instance types do not exist: [${names}]`), {
    name: 'InvalidInstanceType',
    $fault: 'client',
    $metadata: { httpStatusCode: 400 },
  });
const typeInfo = (name: unknown): object => ({ InstanceType: name, VCpuInfo: { DefaultVCpus: 2 }, MemoryInfo: { SizeInMiB: 4 } });

describe('calls over the SDK', () => {
  it('load a package with its first call, switch its retries off and close what was opened', async () => {
    const { api, loaded, configs } = scene(() => ({}));
    api.close();
    expect(loaded).toEqual([]);
    await api.groupsByName(['g']);
    expect(loaded).toEqual(['autoscaling']);
    expect(api.region).toBe('eu-central-1');
    await api.groupsByName(['g']);
    await api.launchTemplate({ name: 't', version: '3' });
    expect(loaded).toEqual(['autoscaling', 'ec2']);
    expect(configs).toEqual([{ maxAttempts: 1 }, { maxAttempts: 1 }]);
    api.close();
    expect(loaded).toEqual(['autoscaling', 'ec2', 'destroyed', 'destroyed']);
  });

  it('ask for a hundred names at a time and turn every page', async () => {
    const pages = ['', 'a', 'b'];
    const { api, sent } = scene((_, { NextToken }) => {
      const page = NextToken === undefined ? 0 : pages.indexOf(NextToken as string);
      return { AutoScalingGroups: [{ AutoScalingGroupName: `g${page}` }], NextToken: pages[page + 1] ?? '' };
    });
    const names = Array.from({ length: 150 }, (_, index) => `n${index}`);
    expect((await api.groupsByName(names)).map(({ name }) => name)).toEqual(['g0', 'g1', 'g2', 'g0', 'g1', 'g2']);
    expect(sent.map(([, input]) => [(input['AutoScalingGroupNames'] as unknown[]).length, input['NextToken']])).toEqual([
      [100, undefined],
      [100, 'a'],
      [100, 'b'],
      [50, undefined],
      [50, 'a'],
      [50, 'b'],
    ]);
  });

  it('ask by tags only when there are some', async () => {
    const { api, sent } = scene(() => ({ AutoScalingGroups: [] }));
    await api.groupsByTags([]);
    expect(sent).toEqual([]);
    await api.groupsByTags([{ name: 'tag-key', values: ['x'] }]);
    expect(sent).toEqual([['DescribeAutoScalingGroups', { Filters: [{ Name: 'tag-key', Values: ['x'] }], MaxRecords: 100 }]]);
  });

  it('set a capacity without regard to the cooldown, and end an instance with its place', async () => {
    const { api, sent } = scene(() => ({}));
    expect(await api.setDesiredCapacity('g', 3)).toEqual({ ok: true, value: undefined });
    expect(await api.terminate('g', 'i-1')).toEqual({ ok: true, value: undefined });
    expect(sent).toEqual([
      ['SetDesiredCapacity', { AutoScalingGroupName: 'g', DesiredCapacity: 3, HonorCooldown: false }],
      ['TerminateInstanceInAutoScalingGroup', { InstanceId: 'i-1', ShouldDecrementDesiredCapacity: true }],
    ]);
  });

  it('leave out the types that EC2 does not know, as it names them', async () => {
    const { api, sent } = scene((_, { InstanceTypes }) => {
      const bad = (InstanceTypes as string[]).filter((name) => name.startsWith('z'));
      if (bad.length > 0) throw invalid(bad.join(', '));
      return { InstanceTypes: (InstanceTypes as string[]).map(typeInfo) };
    });
    expect([...(await api.instanceTypes(['a1.x', 'z1.x', 'b1.x', 'z2.x'])).keys()]).toEqual(['a1.x', 'b1.x']);
    expect(sent).toHaveLength(2);
    expect((await api.instanceTypes(['z1.x'])).size).toBe(0);
  });

  it('do not ask for ever when EC2 does not say which type it does not know', async () => {
    const { api, sent } = scene(() => {
      throw invalid('');
    });
    await expect(api.instanceTypes(['a1.x'])).rejects.toMatchObject({ code: 'PROVIDER_UNREADABLE' });
    expect(sent).toHaveLength(1);
  });

  it('turn the pages of types, a hundred at a time', async () => {
    const { api, sent } = scene((_, { InstanceTypes, NextToken }) => {
      const [first] = InstanceTypes as string[];
      return NextToken === undefined ? { InstanceTypes: [typeInfo(first)], NextToken: 'x' } : { InstanceTypes: [typeInfo(`${first}2`)] };
    });
    const names = Array.from({ length: 101 }, (_, index) => `t${index}.x`);
    expect([...(await api.instanceTypes(names)).keys()]).toEqual(['t0.x', 't0.x2', 't100.x', 't100.x2']);
    expect(sent).toHaveLength(4);
  });

  it('ask EC2 for the types of an image’s kind', async () => {
    const { api, sent } = scene((call) =>
      call === 'DescribeImages'
        ? { Images: [{ Architecture: 'arm64', VirtualizationType: 'hvm' }] }
        : { InstanceTypes: [{ InstanceType: 'm6g.large' }] },
    );
    const requirements = { VCpuCount: { Min: 1 }, MemoryMiB: { Min: 1 }, AcceleratorCount: undefined };
    expect(await api.typesFor(requirements, 'ami-1')).toEqual(['m6g.large']);
    expect(sent[1]?.[1]).toEqual({
      ArchitectureTypes: ['arm64'],
      VirtualizationTypes: ['hvm'],
      InstanceRequirements: { VCpuCount: { Min: 1 }, MemoryMiB: { Min: 1 } },
    });
    const none = scene(() => ({ Images: [] }));
    expect(await none.api.typesFor(requirements, 'ami-2')).toEqual([]);
    expect(none.sent).toHaveLength(1);
  });

  it('read of a group what is needed', async () => {
    const { api } = scene(() => ({
      AutoScalingGroups: [
        {
          AutoScalingGroupName: 'g',
          MinSize: 1,
          MaxSize: 5,
          DesiredCapacity: 2,
          AvailabilityZones: ['z1'],
          Instances: [{ InstanceId: 'i-1', AvailabilityZone: 'z1', LifecycleState: 'Pending:Wait' }],
          Tags: [{ Key: 'a', Value: 'b' }, { Key: 'c' }],
          SuspendedProcesses: [{ ProcessName: 'AZRebalance' }],
          MixedInstancesPolicy: {
            LaunchTemplate: {
              LaunchTemplateSpecification: { LaunchTemplateId: 'lt-1', Version: '$Latest' },
              Overrides: [{ InstanceType: 'a1.x', WeightedCapacity: '1' }, { InstanceType: 'b1.x' }],
            },
          },
        },
      ],
    }));
    expect(await api.groupsByName(['g'])).toEqual([
      {
        name: 'g',
        min: 1,
        max: 5,
        desired: 2,
        zones: ['z1'],
        instances: [{ instance: 'i-1', providerId: 'aws:///z1/i-1', zone: 'z1', lifecycle: 'Pending:Wait' }],
        tags: { a: 'b', c: '' },
        suspended: ['AZRebalance'],
        launch: {
          launchConfiguration: undefined,
          launchTemplate: undefined,
          mixed: { launchTemplate: { id: 'lt-1', name: undefined, version: '$Latest' }, types: ['a1.x', 'b1.x'], requirements: undefined },
        },
        weighted: false,
      },
    ]);
  });
});
