import { describe, expect, it } from 'vitest';
import { bootMs, reactionMs, refused, shutdownMs, sorted, statesOf, type AwsSuite } from './suite.ts';

/** Growing and shrinking. */
export function sizeContracts(suite: AwsSuite): void {
  describe('a new desired capacity', () => {
    it('is shown at once; instances come later, first Pending, then InService', async () => {
      const name = await suite.group({ desired: 1 });
      await suite.setSize(name, 3);
      const asked = await suite.describe(name);
      expect(asked.DesiredCapacity).toBe(3);
      expect(statesOf(asked)).toEqual(['InService']);
      await suite.aws.advance(reactionMs);
      expect(statesOf(await suite.describe(name))).toEqual(['InService', 'Pending', 'Pending']);
      await suite.aws.advance(bootMs);
      expect(statesOf(await suite.describe(name))).toEqual(['InService', 'InService', 'InService']);
    });

    it('shows its instances to both services', async () => {
      const name = await suite.group({ desired: 2, tags: { team: 'blue' } });
      const { Instances = [] } = await suite.describe(name);
      const ids = [...sorted(Instances.map(({ InstanceId }) => InstanceId))];
      const { AutoScalingInstances = [] } = await suite.autoScaling.describeAutoScalingInstances({ InstanceIds: ids });
      expect(sorted(AutoScalingInstances.map(({ InstanceId }) => InstanceId))).toEqual(ids);
      for (const instance of AutoScalingInstances) {
        expect(instance).toMatchObject({ AutoScalingGroupName: name, LifecycleState: 'InService', InstanceType: 'm5.large' });
        expect(String(instance.HealthStatus).toUpperCase()).toBe('HEALTHY');
      }
      const { Reservations = [] } = await suite.ec2.describeInstances({
        Filters: [{ Name: 'tag:aws:autoscaling:groupName', Values: [name] }],
      });
      const seen = Reservations.flatMap((reservation) => reservation.Instances ?? []);
      expect(sorted(seen.map(({ InstanceId }) => InstanceId))).toEqual(ids);
      for (const instance of seen) {
        expect(instance).toMatchObject({
          InstanceType: 'm5.large',
          Architecture: 'x86_64',
          State: { Name: 'running', Code: 16 },
          PrivateDnsName: expect.stringMatching(/^ip-\d+-\d+-\d+-\d+\.ec2\.internal$/),
        });
        expect(instance.PrivateDnsName).toBe(`ip-${instance.PrivateIpAddress?.replaceAll('.', '-')}.ec2.internal`);
        const tags = Object.fromEntries((instance.Tags ?? []).map(({ Key, Value }) => [Key, Value]));
        expect(tags).toMatchObject({ team: 'blue', 'aws:autoscaling:groupName': name, 'aws:ec2launchtemplate:version': '1' });
        expect(Instances.find(({ InstanceId }) => InstanceId === instance.InstanceId)?.AvailabilityZone).toBe(
          instance.Placement?.AvailabilityZone,
        );
      }
    });

    it('is refused beyond the bounds of the group, and for a group that is not there', async () => {
      const name = await suite.group({ min: 1, max: 3, desired: 1 });
      expect(await refused(suite.setSize(name, 4))).toEqual({
        name: 'ValidationError',
        status: 400,
        message: 'New SetDesiredCapacity value 4 is above max value 3 for the AutoScalingGroup.',
      });
      expect(await refused(suite.setSize(name, 0))).toEqual({
        name: 'ValidationError',
        status: 400,
        message: 'New SetDesiredCapacity value 0 is below min value 1 for the AutoScalingGroup.',
      });
      expect(await refused(suite.setSize('no-such-group', 1))).toMatchObject({
        name: 'ValidationError',
        status: 400,
        message: expect.stringMatching(/^AutoScalingGroup name not found - /),
      });
      expect((await suite.describe(name)).DesiredCapacity).toBe(1);
    });

    it('that is lower takes instances out', async () => {
      const name = await suite.group({ desired: 3 });
      await suite.setSize(name, 1);
      expect((await suite.describe(name)).DesiredCapacity).toBe(1);
      await suite.aws.advance(reactionMs);
      expect(statesOf(await suite.describe(name))).toEqual(['InService', 'Terminating', 'Terminating']);
      await suite.aws.advance(shutdownMs);
      expect(statesOf(await suite.describe(name))).toEqual(['InService']);
    });

    it.skipIf(!suite.can('zone-balance'))('is spread over the zones', async () => {
      const name = await suite.group({ desired: 5 });
      const counts = new Map<string, number>();
      for (const { AvailabilityZone = '' } of (await suite.describe(name)).Instances ?? [])
        counts.set(AvailabilityZone, (counts.get(AvailabilityZone) ?? 0) + 1);
      expect(sorted(counts.values())).toEqual(['1', '2', '2']);
    });

    it.skipIf(!suite.can('suspension'))('launches nothing while Launch is suspended', async () => {
      const name = await suite.group({ desired: 1 });
      await suite.autoScaling.suspendProcesses({ AutoScalingGroupName: name, ScalingProcesses: ['Launch'] });
      await suite.setSize(name, 2);
      await suite.aws.advance(120_000);
      const group = await suite.describe(name);
      expect(statesOf(group)).toEqual(['InService']);
      expect(group.SuspendedProcesses).toMatchObject([{ ProcessName: 'Launch' }]);
      await suite.autoScaling.resumeProcesses({ AutoScalingGroupName: name });
      await suite.aws.advance(120_000);
      expect(statesOf(await suite.describe(name))).toEqual(['InService', 'InService']);
    });

    it.skipIf(!suite.can('mixed-types'))('launches the types of the overrides, the first that there is', async () => {
      const name = suite.unique('mixed');
      await suite.ec2.createLaunchTemplate({
        LaunchTemplateName: name,
        LaunchTemplateData: { ImageId: await suite.image(), InstanceType: 'm5.large' },
      });
      const end = suite.aws.shortage({ group: name, type: 'm5.xlarge' });
      await suite.autoScaling.createAutoScalingGroup({
        AutoScalingGroupName: name,
        MinSize: 0,
        MaxSize: 3,
        DesiredCapacity: 1,
        AvailabilityZones: ['us-east-1a'],
        MixedInstancesPolicy: {
          LaunchTemplate: {
            LaunchTemplateSpecification: { LaunchTemplateName: name },
            Overrides: [{ InstanceType: 'm5.xlarge' }, { InstanceType: 'c5.xlarge' }],
          },
        },
      });
      await suite.aws.advance(60_000);
      expect((await suite.describe(name)).Instances?.map(({ InstanceType }) => InstanceType)).toEqual(['c5.xlarge']);
      end();
      await suite.setSize(name, 2);
      await suite.aws.advance(60_000);
      expect((await suite.describe(name)).Instances?.map(({ InstanceType }) => InstanceType)).toEqual(['c5.xlarge', 'm5.xlarge']);
    });

    it.skipIf(!suite.can('launched-version'))('launches the newest version of the template, and says which', async () => {
      const name = await suite.group({ desired: 1 });
      await suite.ec2.createLaunchTemplateVersion({
        LaunchTemplateName: name,
        SourceVersion: '1',
        LaunchTemplateData: { InstanceType: 'c5.large' },
      });
      await suite.setSize(name, 2);
      await suite.aws.advance(60_000);
      const { Instances = [] } = await suite.describe(name);
      expect(Instances.map(({ InstanceType, LaunchTemplate }) => [InstanceType, LaunchTemplate?.Version])).toEqual([
        ['m5.large', '1'],
        ['c5.large', '2'],
      ]);
    });
  });

  describe('terminating an instance', () => {
    const terminate = (InstanceId: string | undefined, ShouldDecrementDesiredCapacity: boolean) =>
      suite.autoScaling.terminateInstanceInAutoScalingGroup({ InstanceId, ShouldDecrementDesiredCapacity });

    it('takes it out and the desired capacity down', async () => {
      const name = await suite.group({ desired: 2 });
      const [victim, other] = (await suite.describe(name)).Instances ?? [];
      const { Activity } = await terminate(victim?.InstanceId, true);
      expect(Activity).toMatchObject({ AutoScalingGroupName: name, StatusCode: 'InProgress', Progress: 0 });
      expect(Activity?.ActivityId).toMatch(/./);
      expect(Activity?.StartTime).toBeInstanceOf(Date);
      const during = await suite.describe(name);
      expect(during.DesiredCapacity).toBe(1);
      expect(during.Instances?.find(({ InstanceId }) => InstanceId === victim?.InstanceId)?.LifecycleState).toBe('Terminating');
      await suite.aws.advance(shutdownMs);
      expect((await suite.describe(name)).Instances?.map(({ InstanceId }) => InstanceId)).toEqual([other?.InstanceId]);
      const { Reservations = [] } = await suite.ec2.describeInstances({ InstanceIds: [victim?.InstanceId ?? ''] });
      expect(Reservations[0]?.Instances?.[0]?.State).toEqual({ Code: 48, Name: 'terminated' });
    });

    it('is answered alike a second time and takes nothing more off', async () => {
      const name = await suite.group({ desired: 3 });
      const [victim] = (await suite.describe(name)).Instances ?? [];
      await terminate(victim?.InstanceId, true);
      const again = await terminate(victim?.InstanceId, true);
      expect(again.Activity).toMatchObject({ StatusCode: 'InProgress' });
      expect((await suite.describe(name)).DesiredCapacity).toBe(2);
    });

    it('replaces it when the desired capacity is to stay', async () => {
      const name = await suite.group({ desired: 1 });
      const [victim] = (await suite.describe(name)).Instances ?? [];
      await terminate(victim?.InstanceId, false);
      await suite.aws.advance(120_000);
      const group = await suite.describe(name);
      expect(group.DesiredCapacity).toBe(1);
      expect(statesOf(group)).toEqual(['InService']);
      expect(group.Instances?.[0]?.InstanceId).not.toBe(victim?.InstanceId);
    });

    it('is refused at the minimum, and for an instance that no group has', async () => {
      const name = await suite.group({ min: 1, desired: 1 });
      const [only] = (await suite.describe(name)).Instances ?? [];
      expect(await refused(terminate(only?.InstanceId, true))).toEqual({
        name: 'ValidationError',
        status: 400,
        message:
          "Currently, desiredSize equals minSize (1). Terminating instance without replacement will violate group's min size constraint. " +
          "Either set shouldDecrementDesiredCapacity flag to false or lower group's min size.",
      });
      expect(await refused(terminate('i-0123456789abcdef0', true))).toMatchObject({
        name: 'ValidationError',
        status: 400,
        message: expect.stringMatching(/^Instance Id not found - No managed instance found for instance ID/),
      });
    });

    it.skipIf(!suite.can('instance-states'))('of EC2 is noticed by the group, which launches another', async () => {
      const name = await suite.group({ desired: 1 });
      const [lost] = (await suite.describe(name)).Instances ?? [];
      const { TerminatingInstances } = await suite.ec2.terminateInstances({ InstanceIds: [lost?.InstanceId ?? ''] });
      expect(TerminatingInstances).toEqual([
        { InstanceId: lost?.InstanceId, CurrentState: { Code: 32, Name: 'shutting-down' }, PreviousState: { Code: 16, Name: 'running' } },
      ]);
      await suite.aws.advance(180_000);
      const group = await suite.describe(name);
      expect(statesOf(group)).toEqual(['InService']);
      expect(group.Instances?.[0]?.InstanceId).not.toBe(lost?.InstanceId);
    });
  });
}
