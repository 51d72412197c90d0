import { AutoScaling, type AutoScalingGroup } from '@aws-sdk/client-auto-scaling';
import { EC2 } from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, expect } from 'vitest';

export { refusal as refused } from '../../../simulator/cluster/aws/testing/virtual-aws.ts';

/**
 * What the suite relies on of AWS, written once against an address and run unchanged against our endpoint (`embedded.test.ts`) and against moto behind
 * the fault proxy (`test/e2e/aws/moto.test.ts`), always with the real SDK. Neither is AWS: where they differ, AWS's documentation and recorded answers
 * decide, and what moto has no notion of is an ability that it lacks.
 */
export interface AwsUnderTest {
  readonly name: string;
  /** What AWS_ENDPOINT_URL takes. */
  readonly url: string;
  /** Lets so much time pass for AWS. The size of a group is acted on after 2 s, an instance boots for 20 s and shuts down for 30 s. */
  advance(ms: number): Promise<void>;
  /** No more instances of the type for the group in any zone; the answer ends that. */
  shortage(of: { readonly group: string; readonly type: string }): () => void;
  /** The next so many calls of the action are throttled. */
  throttle(action: string, times: number): void;
  stop(): Promise<void>;
}

/** What not every AWS under test can do. */
export type Ability =
  /** Spreads instances over the zones of a group. */
  | 'zone-balance'
  /** Launches the types of a mixed policy's overrides. */
  | 'mixed-types'
  /** Suspended processes do not happen. */
  | 'suspension'
  /** Instances launched from `$Latest` say which version that was. */
  | 'launched-version'
  /** DescribeInstanceTypes in pages. */
  | 'type-pages'
  /** GetInstanceTypesFromInstanceRequirements. */
  | 'instance-requirements'
  /** Refuses an action that it does not have in AWS's form. */
  | 'refuses-unknown-actions'
  /** EC2 shows instances as pending and shutting down. */
  | 'instance-states'
  /** Refuses what AWS refuses when groups and templates are made and deleted. */
  | 'strict-groups';

export const allAbilities: readonly Ability[] = [
  'zone-balance',
  'mixed-types',
  'suspension',
  'launched-version',
  'type-pages',
  'instance-requirements',
  'refuses-unknown-actions',
  'instance-states',
  'strict-groups',
];

export const reactionMs = 2000;
export const bootMs = 20_000;
export const shutdownMs = 30_000;

interface NewGroup {
  readonly type?: string;
  readonly min?: number;
  readonly max?: number;
  readonly desired?: number;
  readonly tags?: Readonly<Record<string, string>>;
  /** How many of the subnets; default all. */
  readonly zones?: number;
}

/** What a contract is given. The getters work inside tests only. */
export interface AwsSuite {
  readonly aws: AwsUnderTest;
  readonly autoScaling: AutoScaling;
  readonly ec2: EC2;
  /** Clients with other settings; closed at the end. */
  clients(config: { readonly maxAttempts: number }): { readonly autoScaling: AutoScaling; readonly ec2: EC2 };
  can(ability: Ability): boolean;
  /** A name that no other test uses. */
  unique(prefix: string): string;
  /** An image for x86_64. */
  image(): Promise<string>;
  subnets(): Promise<readonly { readonly id: string; readonly zone: string }[]>;
  /** Makes a group of one type from a launch template of its own and lets its first instances come into service; answers its name. */
  group(of?: NewGroup): Promise<string>;
  describe(group: string): Promise<AutoScalingGroup>;
  setSize(group: string, desired: number): Promise<unknown>;
}

export function awsSuite(start: () => Promise<AwsUnderTest>, abilities: readonly Ability[]): AwsSuite {
  let running: AwsUnderTest | undefined;
  let standard: { readonly autoScaling: AutoScaling; readonly ec2: EC2 } | undefined;
  const made: { destroy(): void }[] = [];
  let count = 0;
  let image: Promise<string> | undefined;
  let subnets: ReturnType<typeof findSubnets> | undefined;

  const clients: AwsSuite['clients'] = ({ maxAttempts }) => {
    const credentials = { accessKeyId: 'contract', secretAccessKey: 'contract' };
    const config = { endpoint: started().url, region: 'us-east-1', credentials, maxAttempts };
    const both = { autoScaling: new AutoScaling(config), ec2: new EC2(config) };
    made.push(both.autoScaling, both.ec2);
    return both;
  };
  const started = (): AwsUnderTest => running ?? expect.fail('AWS is there inside tests only');

  beforeAll(async () => {
    running = await start();
    standard = clients({ maxAttempts: 1 });
  });
  afterAll(async () => {
    for (const client of made) client.destroy();
    await running?.stop();
  });

  const suite: AwsSuite = {
    get aws() {
      return started();
    },
    get autoScaling() {
      return standard?.autoScaling ?? expect.fail('clients are there inside tests only');
    },
    get ec2() {
      return standard?.ec2 ?? expect.fail('clients are there inside tests only');
    },
    clients,
    can: (ability) => abilities.includes(ability),
    unique: (prefix) => `${prefix}-${++count}`,
    image: () => (image ??= findImage(suite.ec2)),
    subnets: () => (subnets ??= findSubnets(suite.ec2)),
    group: async ({ type = 'm5.large', min = 0, max = 10, desired = 0, tags = {}, zones = 3 } = {}) => {
      const name = suite.unique('group');
      await suite.ec2.createLaunchTemplate({
        LaunchTemplateName: name,
        LaunchTemplateData: { ImageId: await suite.image(), InstanceType: type as never },
      });
      await suite.autoScaling.createAutoScalingGroup({
        AutoScalingGroupName: name,
        LaunchTemplate: { LaunchTemplateName: name, Version: '$Latest' },
        MinSize: min,
        MaxSize: max,
        DesiredCapacity: desired,
        VPCZoneIdentifier: (await suite.subnets())
          .slice(0, zones)
          .map(({ id }) => id)
          .join(','),
        Tags: groupTags(name, tags),
      });
      if (desired > 0) await suite.aws.advance(reactionMs + bootMs);
      return name;
    },
    describe: async (group) => {
      const { AutoScalingGroups = [] } = await suite.autoScaling.describeAutoScalingGroups({ AutoScalingGroupNames: [group] });
      return AutoScalingGroups[0] ?? expect.fail(`there is no group ${group}`);
    },
    setSize: (group, desired) =>
      suite.autoScaling.setDesiredCapacity({ AutoScalingGroupName: group, DesiredCapacity: desired, HonorCooldown: false }),
  };
  return suite;
}

/** Tags of a group that its instances get as well. */
export function groupTags(group: string, tags: Readonly<Record<string, string>>) {
  return Object.entries(tags).map(([Key, Value]) => ({
    Key,
    Value,
    PropagateAtLaunch: true,
    ResourceId: group,
    ResourceType: 'auto-scaling-group',
  }));
}

async function findImage(ec2: EC2): Promise<string> {
  const filters = [
    { Name: 'architecture', Values: ['x86_64'] },
    { Name: 'virtualization-type', Values: ['hvm'] },
  ];
  const { Images = [] } = await ec2.describeImages({ Filters: filters });
  return Images[0]?.ImageId ?? expect.fail('there is no image');
}

/** At most three, in the order of their zones. */
async function findSubnets(ec2: EC2): Promise<readonly { readonly id: string; readonly zone: string }[]> {
  const { Subnets = [] } = await ec2.describeSubnets({});
  return Subnets.map(({ SubnetId = '', AvailabilityZone = '' }) => ({ id: SubnetId, zone: AvailabilityZone }))
    .toSorted((a, b) => (a.zone < b.zone ? -1 : 1))
    .slice(0, 3);
}

/** The lifecycle states of a group's instances, sorted. */
export function statesOf(group: AutoScalingGroup): readonly string[] {
  return sorted((group.Instances ?? []).map(({ LifecycleState }) => LifecycleState));
}

/** As texts, in their order: for lists whose order AWS leaves open. */
export function sorted(values: Iterable<unknown>): readonly string[] {
  return Array.from(values, String).toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}
