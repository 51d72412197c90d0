import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import { seededRandom } from '../../../core/runtime/random.ts';
import { createAwsEndpoint, type AwsEndpoint, type InstanceView } from './index.ts';

/** One request in the query protocol; the client of the SDK would cost more than all that is tested here. */
async function call(aws: AwsEndpoint, action: string, form: Readonly<Record<string, string>>): Promise<number> {
  const version = action === 'TerminateInstances' ? '2016-11-15' : '2011-01-01';
  const body = new URLSearchParams({ Action: action, Version: version, ...form }).toString();
  const { status } = await aws.handle({ method: 'POST', target: '/', headers: { authorization: 'AWS4-HMAC-SHA256 …' }, body });
  return status;
}

const names = ['a', 'b'] as const;
const name = fc.constantFrom(...names);
const zone = fc.constantFrom('us-east-1a', 'us-east-1b', 'us-east-1c');

type Step =
  | { readonly do: 'size'; readonly name: string; readonly desired: number }
  | { readonly do: 'terminate'; readonly pick: number; readonly decrement: boolean }
  | { readonly do: 'kill'; readonly pick: number }
  | { readonly do: 'unhealthy'; readonly pick: number }
  | { readonly do: 'bounds'; readonly name: string; readonly min: number; readonly max: number }
  | { readonly do: 'suspend' | 'resume'; readonly name: string; readonly process: string }
  | { readonly do: 'stock'; readonly zone: string; readonly count: number }
  | { readonly do: 'wait'; readonly seconds: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('size' as const), name, desired: fc.nat(14) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('terminate' as const), pick: fc.nat(40), decrement: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('kill' as const), pick: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unhealthy' as const), pick: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('bounds' as const), name, min: fc.nat(6), max: fc.nat(14) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('suspend' as const, 'resume' as const),
      name,
      process: fc.constantFrom('Launch', 'Terminate', 'AZRebalance', 'ReplaceUnhealthy', 'HealthCheck'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('stock' as const), zone, count: fc.nat(6) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.nat(400) }) },
);

async function play(aws: AwsEndpoint, clock: VirtualClock, action: Step): Promise<void> {
  const pick = (index: number): string => {
    const all = aws.instances();
    return all[index % Math.max(1, all.length)]?.id ?? 'i-00000000000000000';
  };
  switch (action.do) {
    case 'size':
      await call(aws, 'SetDesiredCapacity', { AutoScalingGroupName: action.name, DesiredCapacity: String(action.desired) });
      return;
    case 'terminate':
      await call(aws, 'TerminateInstanceInAutoScalingGroup', {
        InstanceId: pick(action.pick),
        ShouldDecrementDesiredCapacity: String(action.decrement),
      });
      return;
    case 'kill':
      await call(aws, 'TerminateInstances', { 'InstanceId.1': pick(action.pick) });
      return;
    case 'unhealthy':
      await call(aws, 'SetInstanceHealth', { InstanceId: pick(action.pick), HealthStatus: 'Unhealthy' });
      return;
    case 'bounds':
      await call(aws, 'UpdateAutoScalingGroup', {
        AutoScalingGroupName: action.name,
        MinSize: String(action.min),
        MaxSize: String(action.max),
      });
      return;
    case 'suspend':
    case 'resume':
      await call(aws, action.do === 'suspend' ? 'SuspendProcesses' : 'ResumeProcesses', {
        AutoScalingGroupName: action.name,
        'ScalingProcesses.member.1': action.process,
      });
      return;
    case 'stock':
      aws.capacity.set({ type: 'm5.large', zone: action.zone }, action.count);
      return;
    case 'wait':
      await clock.advance(action.seconds * 1000);
  }
}

const lives = ({ lifecycle }: InstanceView): boolean => lifecycle === 'Pending' || lifecycle === 'InService';

function checkAlways(aws: AwsEndpoint): void {
  const listed = aws.groups().flatMap((group) => group.instances);
  // No instance is ever in two groups, and each knows its own.
  expect(new Set(listed.map(({ id }) => id)).size).toBe(listed.length);
  for (const group of aws.groups()) {
    for (const instance of group.instances) expect(instance.group).toBe(group.name);
    expect(group.desiredCapacity).toBeGreaterThanOrEqual(group.minSize);
    expect(group.desiredCapacity).toBeLessThanOrEqual(group.maxSize);
  }
  for (const zone of aws.zones) {
    expect(aws.capacity.available({ type: 'm5.large', zone, market: 'on-demand' })).toBeGreaterThanOrEqual(0);
  }
}

function checkSettled(aws: AwsEndpoint): void {
  for (const group of aws.groups()) {
    expect(group.instances.every(({ lifecycle }) => lifecycle === 'InService')).toBe(true);
    expect(group.instances).toHaveLength(group.desiredCapacity);
    const counts = group.zones.map((each) => group.instances.filter(({ zone }) => zone === each).length);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    expect(group.activities.filter(({ status }) => status === 'InProgress' || status === 'PreInService')).toEqual([]);
  }
  // What runs is what the groups list, and nothing else.
  const running = aws.instances().filter(({ state }) => state === 'pending' || state === 'running');
  expect(running.map(({ id }) => id).toSorted()).toEqual(
    aws
      .groups()
      .flatMap((group) => group.instances.filter(lives).map(({ id }) => id))
      .toSorted(),
  );
}

describe('any sequence of calls', () => {
  it('ends, once AWS has had time and stock, with as many instances as desired, spread evenly, each in one group', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), fc.integer(), async (steps, seed) => {
        const clock = new VirtualClock(undefined, async () => undefined);
        const aws = createAwsEndpoint({
          clock,
          random: seededRandom(seed),
          groups: names.map((each) => ({ name: each, maxSize: 10, desiredCapacity: 3, instanceTypes: ['m5.large'] })),
        });
        for (const each of steps) {
          await play(aws, clock, each);
          checkAlways(aws);
        }
        for (const zone of aws.zones) aws.capacity.set({ type: 'm5.large', zone }, undefined);
        for (const each of names) await call(aws, 'ResumeProcesses', { AutoScalingGroupName: each });
        await clock.advance(2 * 3_600_000);
        checkSettled(aws);
        await aws.stop();
        expect(clock.pending).toBe(0);
      }),
      { numRuns: 150 },
    );
  });

  it('is the same again for the same seed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 15 }), fc.integer(), async (steps, seed) => {
        const run = async (asking: number): Promise<unknown> => {
          const clock = new VirtualClock(undefined, async () => undefined);
          const aws = createAwsEndpoint({
            clock,
            random: seededRandom(seed),
            groups: names.map((each) => ({ name: each, maxSize: 10, desiredCapacity: 3, instanceTypes: ['m5.large'] })),
          });
          for (const each of steps) {
            // How often somebody looks changes nothing.
            for (let times = 0; times < asking; times++) await call(aws, 'DescribeAutoScalingGroups', {});
            await play(aws, clock, each);
          }
          await clock.advance(60_000);
          const end = { groups: aws.groups(), instances: aws.instances() };
          await aws.stop();
          return end;
        };
        expect(await run(2)).toEqual(await run(0));
      }),
      { numRuns: 25 },
    );
  });
});
