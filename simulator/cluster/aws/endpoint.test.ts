import { afterEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import { seededRandom } from '../../../core/runtime/random.ts';
import { createAwsEndpoint, type AwsRequest } from './index.ts';
import { refusal, sdkClients, virtualAws, type VirtualAws } from './testing/virtual-aws.ts';

const open: VirtualAws[] = [];
afterEach(async () => {
  for (const { aws } of open.splice(0)) await aws.stop();
});

function setup(options: Parameters<typeof virtualAws>[0] = {}): VirtualAws {
  const made = virtualAws({ groups: [{ name: 'g', maxSize: 5, desiredCapacity: 1, instanceTypes: ['m5.large'] }], ...options });
  open.push(made);
  return made;
}

const plain = (
  form: Readonly<Record<string, string>>,
  headers: AwsRequest['headers'] = { authorization: 'AWS4-HMAC-SHA256 …' },
): AwsRequest => ({
  method: 'POST',
  target: '/',
  headers,
  body: new URLSearchParams(form).toString(),
});

describe('requests', () => {
  it('without a signature, of an unknown version or with an unknown parameter are refused, never guessed', async () => {
    const { aws } = setup();
    const describeGroups = { Action: 'DescribeAutoScalingGroups', Version: '2011-01-01' };
    expect(await aws.handle(plain(describeGroups, {}))).toMatchObject({
      status: 403,
      body: expect.stringContaining('<Code>MissingAuthenticationToken</Code>'),
    });
    expect(await aws.handle(plain({ ...describeGroups, Version: '2020-01-01' }))).toMatchObject({
      status: 400,
      body: expect.stringContaining('<Code>NoSuchVersion</Code>'),
    });
    expect(
      await aws.handle(plain({ ...describeGroups, 'Filters.member.1.Name': 'tag-key', 'Filters.member.1.Colour': 'red' })),
    ).toMatchObject({
      status: 400,
      body: expect.stringContaining('does not support the parameter Filters.member.1.Colour'),
    });
    expect(
      await aws.handle({
        ...plain({}),
        method: 'GET',
        target: '/?Action=DescribeSubnets&Version=2016-11-15&X-Amz-Signature=1',
        headers: {},
      }),
    ).toMatchObject({
      status: 200,
    });
    expect(await aws.handle(plain({ Action: 'constructor', Version: '2011-01-01' }))).toMatchObject({
      body: expect.stringContaining('<Code>InvalidAction</Code>'),
    });
  });

  it('for a dry run change nothing', async () => {
    const { aws, ec2 } = setup();
    const InstanceIds = [aws.instances()[0]?.id ?? ''];
    expect(await refusal(ec2.terminateInstances({ InstanceIds, DryRun: true }))).toMatchObject({ name: 'DryRunOperation', status: 412 });
    expect(aws.instances()[0]?.state).toBe('running');
  });

  it('with bad values are refused in the words of their service', async () => {
    const { autoScaling, ec2 } = setup();
    expect(await refusal(autoScaling.describeAutoScalingGroups({ MaxRecords: 101 }))).toMatchObject({
      name: 'ValidationError',
      message: expect.stringContaining("Value '101' at 'maxRecords'"),
    });
    expect(await refusal(ec2.describeInstanceTypes({ MaxResults: 101 }))).toMatchObject({ name: 'InvalidParameterValue' });
    expect(await refusal(ec2.describeInstances({ InstanceIds: ['nonsense'] }))).toMatchObject({ name: 'InvalidInstanceID.Malformed' });
    expect(await refusal(ec2.describeInstances({ Filters: [{ Name: 'colour', Values: ['red'] }] }))).toMatchObject({
      name: 'InvalidParameterValue',
      message: "The filter 'colour' is invalid",
    });
    expect(await refusal(autoScaling.suspendProcesses({ AutoScalingGroupName: 'g', ScalingProcesses: ['Dance'] }))).toMatchObject({
      name: 'ValidationError',
    });
  });

  it('are kept with what was asked and how it was answered', async () => {
    const { aws, autoScaling, ec2 } = setup({ callLog: 2 });
    await ec2.describeSubnets({});
    await refusal(autoScaling.setDesiredCapacity({ AutoScalingGroupName: 'g', DesiredCapacity: 9 }));
    await autoScaling.setDesiredCapacity({ AutoScalingGroupName: 'g', DesiredCapacity: 2 });
    expect(aws.calls()).toMatchObject([
      { service: 'autoscaling', action: 'SetDesiredCapacity', status: 400, error: 'ValidationError', parameters: { DesiredCapacity: '9' } },
      {
        service: 'autoscaling',
        action: 'SetDesiredCapacity',
        status: 200,
        parameters: { AutoScalingGroupName: 'g', DesiredCapacity: '2' },
      },
    ]);
    aws.clearCalls();
    expect(aws.calls()).toEqual([]);
  });
});

describe('faults', () => {
  const size = ({ autoScaling }: VirtualAws, DesiredCapacity: number) =>
    autoScaling.setDesiredCapacity({ AutoScalingGroupName: 'g', DesiredCapacity });
  const desired = ({ aws }: VirtualAws): number | undefined => aws.group('g')?.desiredCapacity;

  it('strike the calls that they name, so often as they say, and are taken away', async () => {
    const world = setup();
    world.aws.faults.add({ actions: ['SetDesiredCapacity'], naming: 'other', answer: { kind: 'throttle' } });
    const remove = world.aws.faults.add({
      actions: ['SetDesiredCapacity'],
      naming: 'g',
      answer: { kind: 'error', code: 'ResourceContention', message: 'busy' },
    });
    expect(await refusal(size(world, 2))).toEqual({ name: 'ResourceContentionFault', message: 'busy', status: 400 });
    remove();
    await size(world, 2);
    world.aws.faults.add({ times: 2, answer: { kind: 'throttle' } });
    expect(await refusal(size(world, 3))).toMatchObject({ name: 'Throttling' });
    expect(await refusal(world.ec2.describeSubnets({}))).toMatchObject({ name: 'RequestLimitExceeded', status: 503 });
    await size(world, 3);
    world.aws.faults.add({ answer: { kind: 'html' } });
    expect(await refusal(size(world, 4))).toMatchObject({ status: 500 });
    world.aws.faults.clear();
    expect(desired(world)).toBe(3);
  });

  it('lose the answer of a call that had its effect, or the call before it had one', async () => {
    const world = setup();
    world.aws.faults.add({ times: 1, answer: { kind: 'drop' } });
    expect(await refusal(size(world, 3))).toMatchObject({ message: 'socket hang up' });
    expect(desired(world)).toBe(1);
    world.aws.faults.add({ times: 1, answer: { kind: 'lost' } });
    expect(await refusal(size(world, 3))).toMatchObject({ message: 'socket hang up' });
    expect(desired(world)).toBe(3);
    const { url } = await world.aws.listen();
    const overHttp = sdkClients({ endpoint: url } as never);
    world.aws.faults.add({ times: 1, answer: { kind: 'drop' } });
    expect(await refusal(overHttp.ec2.describeSubnets({}))).toMatchObject({
      message: expect.stringMatching(/socket hang up|ECONNRESET|aborted/),
    });
    overHttp.ec2.destroy();
  });

  it('make answers late, by the clock; whoever gives up earlier is not told', async () => {
    const world = setup();
    world.aws.faults.add({ answer: { kind: 'slow', ms: 5000 } });
    let done = false;
    const call = size(world, 2).then(() => (done = true));
    await world.clock.advance(4999);
    expect([done, desired(world)]).toEqual([false, 1]);
    await world.clock.advance(1);
    await call;
    expect(desired(world)).toBe(2);
    const controller = new AbortController();
    const given = refusal(
      world.autoScaling.setDesiredCapacity({ AutoScalingGroupName: 'g', DesiredCapacity: 3 }, { abortSignal: controller.signal }),
    );
    await world.clock.advance(10);
    controller.abort();
    expect(await given).toMatchObject({ name: 'AbortError' });
  });
});

describe('groups that are defined', () => {
  it('that AWS would refuse are refused with its words', () => {
    const { aws } = setup();
    expect(() => aws.defineGroup({ name: 'g', maxSize: 1, instanceTypes: ['m5.large'] })).toThrow(RangeError);
    expect(() => aws.defineGroup({ name: 'h', minSize: 2, maxSize: 1, instanceTypes: ['m5.large'] })).toThrow(
      'Max bound, 1, must be greater',
    );
    expect(() => aws.defineGroup({ name: 'i', maxSize: 1, instanceTypes: ['m99.large'] })).toThrow('there is no instance type m99.large');
    expect(() => aws.defineGroup({ name: 'j', maxSize: 1, instanceTypes: ['m5.large'], zones: ['mars-1a'] })).toThrow(
      'there is no zone mars-1a',
    );
  });

  it('run from the start, or are launched like any other', async () => {
    const { aws, clock } = setup();
    aws.defineGroup({ name: 'later', maxSize: 3, desiredCapacity: 2, instanceTypes: ['m6g.large'], running: false });
    expect(aws.group('later')?.instances).toEqual([]);
    await clock.advance(30_000);
    expect(aws.group('later')?.instances).toMatchObject([{ type: { arch: 'arm64' } }, { lifecycle: 'InService' }]);
  });

  it('settle in virtual time while hundreds of instances come and go', async () => {
    const clock = new VirtualClock();
    const aws = createAwsEndpoint({
      clock,
      random: seededRandom('many'),
      groups: [{ name: 'big', maxSize: 600, desiredCapacity: 400, instanceTypes: ['m5.large'], running: false }],
    });
    await clock.advance(60_000);
    const zones = aws.zones.map((zone) => aws.group('big')?.instances.filter((instance) => instance.zone === zone).length);
    expect(zones).toEqual([134, 133, 133]);
    await aws.handle(plain({ Action: 'SetDesiredCapacity', Version: '2011-01-01', AutoScalingGroupName: 'big', DesiredCapacity: '10' }));
    await clock.advance(120_000);
    expect(aws.group('big')?.instances).toHaveLength(10);
    await aws.stop();
  });
});
