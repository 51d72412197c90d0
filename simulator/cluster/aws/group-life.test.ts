import { afterEach, describe, expect, it } from 'vitest';
import type { GroupView } from './index.ts';
import { refusal, virtualAws, type VirtualAws } from './testing/virtual-aws.ts';

const open: VirtualAws[] = [];
afterEach(async () => {
  for (const { aws } of open.splice(0)) await aws.stop();
});

function setup(options: Parameters<typeof virtualAws>[0] = {}): VirtualAws {
  const made = virtualAws(options);
  open.push(made);
  return made;
}

const group = { name: 'g', maxSize: 10, desiredCapacity: 2, instanceTypes: ['m5.large'] } as const;
const states = (view: GroupView | undefined): string[] => (view?.instances ?? []).map(({ lifecycle }) => lifecycle);
const zones = (view: GroupView | undefined): Record<string, number> => {
  const counted: Record<string, number> = {};
  for (const { zone, lifecycle } of view?.instances ?? []) if (lifecycle !== 'Terminating') counted[zone] = (counted[zone] ?? 0) + 1;
  return counted;
};
const setSize = ({ autoScaling }: VirtualAws, DesiredCapacity: number, name = 'g'): Promise<unknown> =>
  autoScaling.setDesiredCapacity({ AutoScalingGroupName: name, DesiredCapacity, HonorCooldown: false });
const terminate = ({ autoScaling }: VirtualAws, InstanceId: string, ShouldDecrementDesiredCapacity = true) =>
  autoScaling.terminateInstanceInAutoScalingGroup({ InstanceId, ShouldDecrementDesiredCapacity });

describe('growing', () => {
  it('lists nothing new until AWS reacts, then Pending, then InService after the boot', async () => {
    const world = setup({ groups: [group] });
    const { clock, aws } = world;
    await setSize(world, 4);
    await clock.advance(1999);
    expect(aws.group('g')).toMatchObject({ desiredCapacity: 4 });
    expect(states(aws.group('g'))).toEqual(['InService', 'InService']);
    await clock.advance(1);
    expect(states(aws.group('g'))).toEqual(['InService', 'InService', 'Pending', 'Pending']);
    expect(aws.group('g')?.activities[0]).toMatchObject({ status: 'PreInService' });
    await clock.advance(19_999);
    expect(states(aws.group('g'))).toContain('Pending');
    await clock.advance(1);
    expect(states(aws.group('g'))).toEqual(['InService', 'InService', 'InService', 'InService']);
    expect(aws.group('g')?.activities[0]).toMatchObject({
      status: 'Successful',
      cause:
        'At 2026-01-01T00:00:00Z a user request explicitly set group desired capacity changing the desired capacity from 2 to 4.  ' +
        'At 2026-01-01T00:00:02Z an instance was started in response to a difference between desired and actual capacity, increasing the capacity from 2 to 4.',
    });
    expect(zones(aws.group('g'))).toEqual({ 'us-east-1a': 2, 'us-east-1b': 1, 'us-east-1c': 1 });
  });

  it('tries another zone when one has nothing, and says in an activity which', async () => {
    const world = setup({ groups: [{ ...group, desiredCapacity: 0 }] });
    world.aws.capacity.set({ type: 'm5.large', zone: 'us-east-1a' }, 0);
    await setSize(world, 2);
    await world.clock.advance(60_000);
    expect(zones(world.aws.group('g'))).toEqual({ 'us-east-1b': 1, 'us-east-1c': 1 });
    const failed = world.aws.group('g')?.activities.filter(({ status }) => status === 'Failed') ?? [];
    expect(failed).toHaveLength(1);
    const message =
      'We currently do not have sufficient m5.large capacity in the Availability Zone you requested (us-east-1a). ' +
      'Our system will be working on provisioning additional capacity. You can currently get m5.large capacity by not specifying ' +
      'an Availability Zone in your request or choosing us-east-1b, us-east-1c. Launching EC2 instance failed.';
    expect(failed[0]).toMatchObject({
      message,
      description: `Launching a new EC2 instance.  Status Reason: ${message}`,
    });
  });

  it('fails where there is none anywhere, tries again after a minute, and gets what has come', async () => {
    const world = setup({ groups: [{ ...group, desiredCapacity: 0, zones: ['us-east-1a'] }] });
    world.aws.capacity.set({ type: 'm5.large', zone: 'us-east-1a' }, 1);
    await setSize(world, 3);
    await world.clock.advance(10_000);
    expect(states(world.aws.group('g'))).toEqual(['Pending']);
    expect(world.aws.group('g')?.activities.map(({ status }) => status)).toEqual(['Failed', 'PreInService']);
    world.aws.capacity.set({ type: 'm5.large', zone: 'us-east-1a' }, 5);
    await world.clock.advance(51_999);
    expect(states(world.aws.group('g'))).toEqual(['InService']);
    await world.clock.advance(1);
    expect(states(world.aws.group('g'))).toEqual(['InService', 'Pending', 'Pending']);
    expect(world.aws.capacity.available({ type: 'm5.large', zone: 'us-east-1a', market: 'on-demand' })).toBe(3);
  });

  it('a new desired capacity is tried at once, whatever failed before', async () => {
    const world = setup({ groups: [{ ...group, desiredCapacity: 0, zones: ['us-east-1a'] }] });
    world.aws.capacity.set({ type: 'm5.large', zone: 'us-east-1a' }, 0);
    await setSize(world, 3);
    await world.clock.advance(5000);
    world.aws.capacity.set({ type: 'm5.large', zone: 'us-east-1a' }, undefined);
    await setSize(world, 2);
    await world.clock.advance(2000);
    expect(states(world.aws.group('g'))).toEqual(['Pending', 'Pending']);
  });

  it('a quota of vCPUs stops the whole group with one activity', async () => {
    const world = setup({ groups: [{ ...group, desiredCapacity: 1 }], quotas: { standard: 5 } });
    await setSize(world, 4);
    await world.clock.advance(30_000);
    expect(states(world.aws.group('g'))).toEqual(['InService', 'InService']);
    expect(world.aws.group('g')?.activities.filter(({ status }) => status === 'Failed')).toEqual([
      expect.objectContaining({
        message:
          'You have requested more vCPU capacity than your current vCPU limit of 5 allows for the instance bucket that the specified instance type belongs to. ' +
          'Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit. Launching EC2 instance failed.',
      }),
    ]);
    world.aws.setQuota('standard', undefined);
    await world.clock.advance(60_000);
    expect(states(world.aws.group('g'))).toHaveLength(4);
  });

  it('launches nothing while Launch is suspended, and what is missing when it is resumed', async () => {
    const world = setup({ groups: [group] });
    const { autoScaling, clock, aws } = world;
    await autoScaling.suspendProcesses({ AutoScalingGroupName: 'g', ScalingProcesses: ['Launch'] });
    await setSize(world, 4);
    await clock.advance(600_000);
    expect(states(aws.group('g'))).toHaveLength(2);
    await autoScaling.resumeProcesses({ AutoScalingGroupName: 'g', ScalingProcesses: ['Launch'] });
    await clock.advance(2000);
    expect(states(aws.group('g'))).toHaveLength(4);
  });

  it('fails with the reason when the newest version of the template cannot be launched', async () => {
    const world = setup({ groups: [group] });
    await world.ec2.createLaunchTemplateVersion({
      LaunchTemplateName: 'g',
      SourceVersion: '1',
      LaunchTemplateData: { ImageId: 'ami-00000000' },
    });
    await setSize(world, 3);
    await world.clock.advance(2000);
    expect(world.aws.group('g')?.activities[0]).toMatchObject({
      status: 'Failed',
      message: "The image id '[ami-00000000]' does not exist. Launching EC2 instance failed.",
    });
    await world.ec2.createLaunchTemplateVersion({
      LaunchTemplateName: 'g',
      SourceVersion: '1',
      LaunchTemplateData: { InstanceType: 'm6g.large' },
    });
    await world.clock.advance(60_000);
    expect(world.aws.group('g')?.activities[0]?.message).toMatch(/^The architecture 'arm64' of the specified instance type does not match/);
    await world.ec2.createLaunchTemplateVersion({
      LaunchTemplateName: 'g',
      SourceVersion: '1',
      LaunchTemplateData: { InstanceType: 'c5.xlarge' },
    });
    await world.clock.advance(60_000);
    expect(world.aws.group('g')?.instances.at(-1)).toMatchObject({
      type: { name: 'c5.xlarge' },
      tags: { 'aws:ec2launchtemplate:version': '4' },
    });
  });
});

describe('a mixed instances policy', () => {
  const mixed = { ...group, desiredCapacity: 0, instanceTypes: ['m5.xlarge', 'c5.xlarge'] as [string, string], zones: ['us-east-1a'] };
  const types = (world: VirtualAws): string[] =>
    world.aws.group('g')?.instances.map(({ type, market }) => (market === 'spot' ? `${type.name} spot` : type.name)) ?? [];

  it('launches the overrides in their order, and the next where one has run out', async () => {
    const world = setup({ groups: [mixed] });
    world.aws.capacity.set({ type: 'm5.xlarge', zone: 'us-east-1a' }, 1);
    await setSize(world, 3);
    await world.clock.advance(2000);
    expect(types(world)).toEqual(['m5.xlarge', 'c5.xlarge', 'c5.xlarge']);
  });

  it('splits between on-demand and spot, rounding on-demand up, and says which of them failed', async () => {
    const world = setup({ groups: [{ ...mixed, onDemandPercentage: 50 }] });
    for (const type of mixed.instanceTypes) world.aws.capacity.set({ type, zone: 'us-east-1a', market: 'spot' }, 0);
    await setSize(world, 3);
    await world.clock.advance(2000);
    expect(types(world)).toEqual(['m5.xlarge', 'm5.xlarge']);
    expect(world.aws.group('g')?.activities[0]?.message).toBe(
      'Could not launch Spot Instances. UnfulfillableCapacity - Unable to fulfill capacity due to your request configuration. ' +
        'Please adjust your request and try again. Launching EC2 instance failed.',
    );
    world.aws.capacity.set({ type: 'c5.xlarge', zone: 'us-east-1a', market: 'spot' }, undefined);
    await world.clock.advance(60_000);
    expect(types(world)).toEqual(['m5.xlarge', 'm5.xlarge', 'c5.xlarge spot']);
  });

  it('counts weights, and never takes out one that weighs more than the surplus', async () => {
    const world = setup({ groups: [{ ...mixed, weights: [4, 2] }] });
    world.aws.capacity.set({ type: 'm5.xlarge', zone: 'us-east-1a' }, 1);
    await setSize(world, 7);
    await world.clock.advance(30_000);
    expect(types(world)).toEqual(['m5.xlarge', 'c5.xlarge', 'c5.xlarge']);
    await setSize(world, 5);
    await world.clock.advance(60_000);
    expect(
      world.aws
        .group('g')
        ?.instances.map(({ lifecycle }) => lifecycle)
        .filter((each) => each === 'InService').length,
    ).toBeGreaterThanOrEqual(2);
    const { AutoScalingGroups: [shown] = [] } = await world.autoScaling.describeAutoScalingGroups({});
    const weight = (shown?.Instances ?? []).reduce((sum, { WeightedCapacity }) => sum + Number(WeightedCapacity), 0);
    expect(weight).toBe(6);
  });
});

describe('shrinking', () => {
  it('terminates a named instance: Terminating until it has shut down, then gone, with the desired capacity', async () => {
    const world = setup({ groups: [group] });
    const { aws, clock } = world;
    const victim = aws.group('g')?.instances[1]?.id ?? '';
    const { Activity } = await terminate(world, victim);
    expect(Activity).toMatchObject({
      StatusCode: 'InProgress',
      Progress: 0,
      Description: `Terminating EC2 instance: ${victim}`,
      Cause: `At 2026-01-01T00:00:00Z instance ${victim} was taken out of service in response to a user request, shrinking the capacity from 2 to 1.`,
    });
    expect(aws.group('g')).toMatchObject({ desiredCapacity: 1 });
    expect(states(aws.group('g'))).toEqual(['InService', 'Terminating']);
    expect(aws.instance(victim)).toMatchObject({ state: 'shutting-down' });
    await clock.advance(30_000);
    expect(states(aws.group('g'))).toEqual(['InService']);
    expect(aws.instance(victim)).toMatchObject({ state: 'terminated', lifecycle: 'Terminated' });
    expect(aws.group('g')?.activities[0]).toMatchObject({ status: 'Successful' });
    await clock.advance(3_600_000);
    expect(aws.instance(victim)).toBeUndefined();
  });

  it('takes nothing more off when it is asked again for an instance that goes', async () => {
    const world = setup({ groups: [group] });
    const victim = world.aws.group('g')?.instances[0]?.id ?? '';
    const first = await terminate(world, victim);
    const again = await terminate(world, victim);
    expect(again.Activity?.ActivityId).toBe(first.Activity?.ActivityId);
    expect(world.aws.group('g')?.desiredCapacity).toBe(1);
  });

  it('replaces the instance when the desired capacity is to stay', async () => {
    const world = setup({ groups: [group] });
    const victim = world.aws.group('g')?.instances[0]?.id ?? '';
    await terminate(world, victim, false);
    await world.clock.advance(2000);
    expect(states(world.aws.group('g'))).toEqual(['Terminating', 'InService', 'Pending']);
    expect(world.aws.group('g')?.desiredCapacity).toBe(2);
  });

  it('refuses below the minimum, and an instance that no group has', async () => {
    const world = setup({ groups: [{ ...group, minSize: 2 }] });
    const victim = world.aws.group('g')?.instances[0]?.id ?? '';
    expect(await refusal(terminate(world, victim))).toEqual({
      name: 'ValidationError',
      status: 400,
      message:
        "Currently, desiredSize equals minSize (2). Terminating instance without replacement will violate group's min size constraint. " +
        "Either set shouldDecrementDesiredCapacity flag to false or lower group's min size.",
    });
    expect(states(world.aws.group('g'))).toEqual(['InService', 'InService']);
    expect(await refusal(terminate(world, 'i-00000000000000000'))).toMatchObject({
      name: 'ValidationError',
      message: 'Instance Id not found - No managed instance found for instance ID: i-00000000000000000',
    });
  });

  it('chooses of a smaller desired capacity in the fullest zone, and says what it chose', async () => {
    const world = setup({ groups: [{ ...group, desiredCapacity: 4 }] });
    await setSize(world, 3);
    await world.clock.advance(2000);
    const gone = world.aws.group('g')?.instances.find(({ lifecycle }) => lifecycle === 'Terminating');
    expect(gone?.zone).toBe('us-east-1a');
    expect(world.aws.group('g')?.activities[0]?.cause).toMatch(
      new RegExp(`shrinking the capacity from 4 to 3\\.  At \\S+ instance ${gone?.id} was selected for termination\\.$`),
    );
  });

  it('spares protected instances, and says once that nothing else is left', async () => {
    const world = setup({ groups: [group] });
    const InstanceIds = world.aws.group('g')?.instances.map(({ id }) => id) ?? [];
    await world.autoScaling.setInstanceProtection({ AutoScalingGroupName: 'g', InstanceIds, ProtectedFromScaleIn: true });
    await setSize(world, 1);
    await world.clock.advance(600_000);
    expect(states(world.aws.group('g'))).toEqual(['InService', 'InService']);
    expect(world.aws.group('g')?.activities.filter(({ status }) => status === 'Cancelled')).toHaveLength(1);
    await world.autoScaling.setInstanceProtection({
      AutoScalingGroupName: 'g',
      InstanceIds: InstanceIds.slice(0, 1),
      ProtectedFromScaleIn: false,
    });
    await world.clock.advance(2000);
    expect(states(world.aws.group('g'))).toEqual(['Terminating', 'InService']);
  });

  it('gives its place and its vCPUs back when an instance is terminated, not before', async () => {
    const world = setup({ groups: [{ ...group, zones: ['us-east-1a'] }], quotas: { standard: 4 } });
    const pool = { type: 'm5.large', zone: 'us-east-1a', market: 'on-demand' } as const;
    world.aws.capacity.set(pool, 0);
    await terminate(world, world.aws.group('g')?.instances[0]?.id ?? '', false);
    await world.clock.advance(29_999);
    expect(world.aws.capacity.available(pool)).toBe(0);
    await world.clock.advance(1);
    expect(world.aws.capacity.available(pool)).toBe(1);
    await world.clock.advance(60_000);
    expect(states(world.aws.group('g'))).toEqual(['InService', 'InService']);
    expect(world.aws.capacity.available(pool)).toBe(0);
  });

  it('an instance that is taken out while it boots never runs', async () => {
    const world = setup({ groups: [{ ...group, desiredCapacity: 0 }] });
    await setSize(world, 1);
    await world.clock.advance(2000);
    const seen: string[] = [];
    world.aws.onInstance(({ type }) => seen.push(type));
    await terminate(world, world.aws.group('g')?.instances[0]?.id ?? '');
    await world.clock.advance(120_000);
    expect(seen).toEqual(['shutting-down', 'terminated']);
    expect(world.aws.group('g')?.activities.map(({ status }) => status)).toEqual(['Successful', 'Cancelled']);
  });
});

describe('what happens by itself', () => {
  it('replaces an instance that was terminated behind its back, when the health check finds it', async () => {
    const world = setup({ groups: [group] });
    const { aws, clock, ec2 } = world;
    const lost = aws.group('g')?.instances[0]?.id ?? '';
    await ec2.terminateInstances({ InstanceIds: [lost] });
    await clock.advance(39_999);
    expect(aws.instance(lost)).toMatchObject({ state: 'terminated', lifecycle: 'InService', health: 'Healthy' });
    await clock.advance(1);
    expect(aws.group('g')?.instances.map(({ id }) => id)).not.toContain(lost);
    await clock.advance(30_000);
    expect(states(aws.group('g'))).toEqual(['InService', 'InService']);
    expect(
      aws
        .group('g')
        ?.activities.map(({ cause }) => cause.replaceAll(/At \S+ /g, ''))
        .slice(0, 2),
    ).toEqual([
      'an instance was launched in response to an unhealthy instance needing to be replaced.  ' +
        'an instance was started in response to a difference between desired and actual capacity, increasing the capacity from 1 to 2.',
      'an instance was taken out of service in response to an EC2 health check indicating it has been terminated or stopped.',
    ]);
  });

  it('replaces an instance that is called unhealthy', async () => {
    const world = setup({ groups: [group] });
    const sick = world.aws.group('g')?.instances[0]?.id ?? '';
    await world.autoScaling.setInstanceHealth({ InstanceId: sick, HealthStatus: 'Unhealthy' });
    await world.clock.advance(40_000);
    expect(world.aws.instance(sick)).toMatchObject({ lifecycle: 'Terminating', health: 'Unhealthy' });
    await world.clock.advance(60_000);
    expect(states(world.aws.group('g'))).toEqual(['InService', 'InService']);
  });

  it('leaves the unhealthy alone while ReplaceUnhealthy is suspended', async () => {
    const world = setup({ groups: [{ ...group, suspendedProcesses: ['ReplaceUnhealthy'] }] });
    const sick = world.aws.group('g')?.instances[0]?.id ?? '';
    await world.autoScaling.setInstanceHealth({ InstanceId: sick, HealthStatus: 'Unhealthy' });
    await world.clock.advance(600_000);
    expect(world.aws.instance(sick)).toMatchObject({ lifecycle: 'InService', health: 'Unhealthy' });
    await world.autoScaling.resumeProcesses({ AutoScalingGroupName: 'g', ScalingProcesses: ['ReplaceUnhealthy'] });
    await world.clock.advance(2000);
    expect(world.aws.instance(sick)).toMatchObject({ lifecycle: 'Terminating' });
  });

  it('balances the zones after five minutes: first launches, beyond the maximum if need be, then takes one out', async () => {
    const world = setup({ groups: [{ ...group, maxSize: 4, desiredCapacity: 4, zones: ['us-east-1a', 'us-east-1b'] }] });
    const { aws, clock } = world;
    const [first, second] = aws.group('g')?.instances.filter(({ zone }) => zone === 'us-east-1a') ?? [];
    await terminate(world, first?.id ?? '');
    await terminate(world, second?.id ?? '');
    await clock.advance(300_000);
    expect(zones(aws.group('g'))).toEqual({ 'us-east-1b': 2, 'us-east-1a': 1 });
    expect(aws.group('g')?.desiredCapacity).toBe(2);
    expect(aws.group('g')?.activities[0]?.cause).toMatch(
      /availability zones us-east-1b us-east-1a had 2 0 instances respectively\. An instance was launched to aid in balancing the group's zones\.$/,
    );
    await clock.advance(20_000);
    expect(zones(aws.group('g'))).toEqual({ 'us-east-1b': 1, 'us-east-1a': 1 });
  });

  it('takes nothing out for balance before the new instance is in service, whatever else the group is told meanwhile', async () => {
    const world = setup({ groups: [{ ...group, desiredCapacity: 4, zones: ['us-east-1a', 'us-east-1b'] }] });
    const { aws, clock, autoScaling } = world;
    for (const { id, zone } of aws.group('g')?.instances ?? []) if (zone === 'us-east-1a') await terminate(world, id);
    await clock.advance(301_000);
    expect(states(aws.group('g'))).toEqual(['InService', 'InService', 'Pending']);
    await autoScaling.resumeProcesses({ AutoScalingGroupName: 'g', ScalingProcesses: ['Launch'] });
    await clock.advance(10_000);
    expect(states(aws.group('g'))).toEqual(['InService', 'InService', 'Pending']);
    await clock.advance(10_000);
    expect(zones(aws.group('g'))).toEqual({ 'us-east-1b': 1, 'us-east-1a': 1 });
  });

  it('does not balance while AZRebalance is suspended, nor into a zone that has nothing', async () => {
    const uneven = { ...group, desiredCapacity: 4, zones: ['us-east-1a', 'us-east-1b'] };
    const world = setup({
      groups: [
        { ...uneven, name: 'suspended', suspendedProcesses: ['AZRebalance'] },
        { ...uneven, name: 'short', instanceTypes: ['c5.large'] },
      ],
    });
    for (const name of ['suspended', 'short']) {
      for (const { id } of world.aws.group(name)?.instances.filter(({ zone }) => zone === 'us-east-1a') ?? []) await terminate(world, id);
    }
    // What terminates gives its place back: only then is there nothing left.
    await world.clock.advance(60_000);
    world.aws.capacity.set({ type: 'c5.large', zone: 'us-east-1a' }, 0);
    await world.clock.advance(3_600_000);
    for (const name of ['suspended', 'short']) expect(zones(world.aws.group(name))).toEqual({ 'us-east-1b': 2 });
    world.aws.capacity.set({ type: 'c5.large', zone: 'us-east-1a' }, 1);
    await world.clock.advance(400_000);
    expect(zones(world.aws.group('short'))).toEqual({ 'us-east-1b': 1, 'us-east-1a': 1 });
  });

  it('deletes a group with its instances only when it is forced to', async () => {
    const world = setup({ groups: [group] });
    const { autoScaling, aws, clock } = world;
    expect(await refusal(autoScaling.deleteAutoScalingGroup({ AutoScalingGroupName: 'g' }))).toMatchObject({
      name: 'ResourceInUseFault',
      status: 400,
    });
    await autoScaling.deleteAutoScalingGroup({ AutoScalingGroupName: 'g', ForceDelete: true });
    expect((await autoScaling.describeAutoScalingGroups({})).AutoScalingGroups?.[0]).toMatchObject({ Status: 'Delete in progress' });
    await clock.advance(30_000);
    expect(aws.groups()).toEqual([]);
    expect(aws.instances().map(({ state }) => state)).toEqual(['terminated', 'terminated']);
  });

  it('stops with all of its timers', async () => {
    const world = setup({ groups: [group] });
    await setSize(world, 5);
    await terminate(world, world.aws.group('g')?.instances[0]?.id ?? '');
    await world.aws.stop();
    expect(world.clock.pending).toBe(0);
  });
});
