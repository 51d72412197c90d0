import { describe, expect, it } from 'vitest';
import { refused, sorted, type AwsSuite } from './suite.ts';

/** Making, finding and changing groups. */
export function groupContracts(suite: AwsSuite): void {
  describe('groups', () => {
    it('are shown with what they were made of', async () => {
      const name = await suite.group({ min: 1, max: 5, desired: 2, tags: { owner: 'contract' } });
      const subnets = await suite.subnets();
      const { LaunchTemplates = [] } = await suite.ec2.describeLaunchTemplates({ LaunchTemplateNames: [name] });
      const group = await suite.describe(name);
      expect(group).toMatchObject({
        AutoScalingGroupName: name,
        MinSize: 1,
        MaxSize: 5,
        DesiredCapacity: 2,
        DefaultCooldown: 300,
        HealthCheckType: 'EC2',
        LaunchTemplate: { LaunchTemplateId: LaunchTemplates[0]?.LaunchTemplateId, LaunchTemplateName: name, Version: '$Latest' },
        Tags: [{ ResourceId: name, ResourceType: 'auto-scaling-group', Key: 'owner', Value: 'contract', PropagateAtLaunch: true }],
      });
      expect(group.AutoScalingGroupARN).toMatch(
        new RegExp(`^arn:aws:autoscaling:us-east-1:\\d{12}:autoScalingGroup:.*:autoScalingGroupName/${name}$`),
      );
      expect(sorted(group.VPCZoneIdentifier?.split(',') ?? [])).toEqual(sorted(subnets.map(({ id }) => id)));
      expect(sorted(group.AvailabilityZones ?? [])).toEqual(subnets.map(({ zone }) => zone));
      expect(group.CreatedTime).toBeInstanceOf(Date);
      expect(group.Instances).toHaveLength(2);
      for (const instance of group.Instances ?? []) {
        expect(instance).toMatchObject({
          InstanceId: expect.stringMatching(/^i-[0-9a-f]{17}$/),
          InstanceType: 'm5.large',
          LifecycleState: 'InService',
          HealthStatus: 'Healthy',
          ProtectedFromScaleIn: false,
          LaunchTemplate: { LaunchTemplateName: name, Version: '1' },
        });
        expect(subnets.map(({ zone }) => zone)).toContain(instance.AvailabilityZone);
      }
    });

    it('are found by name, and names that nobody has are left out', async () => {
      const [one, two] = [await suite.group(), await suite.group()];
      const { AutoScalingGroups = [] } = await suite.autoScaling.describeAutoScalingGroups({
        AutoScalingGroupNames: [two, 'no-such-group', one],
      });
      expect(sorted(AutoScalingGroups.map(({ AutoScalingGroupName }) => AutoScalingGroupName))).toEqual(sorted([one, two]));
      expect(await suite.autoScaling.describeAutoScalingGroups({ AutoScalingGroupNames: ['no-such-group'] })).toMatchObject({
        AutoScalingGroups: [],
      });
    });

    it('are found by tags: all filters must hold, of the values of one any', async () => {
      const [key, other] = [suite.unique('k8s.io/cluster-autoscaler/enabled'), suite.unique('k8s.io/cluster-autoscaler/mine')];
      const both = await suite.group({ tags: { [key]: 'true', [other]: 'owned' } });
      const first = await suite.group({ tags: { [key]: 'yes' } });
      const found = async (...filters: readonly (readonly [string, ...string[]])[]): Promise<readonly string[]> => {
        const Filters = filters.map(([Name, ...Values]) => ({ Name, Values }));
        const { AutoScalingGroups = [] } = await suite.autoScaling.describeAutoScalingGroups({ Filters });
        return sorted(AutoScalingGroups.map(({ AutoScalingGroupName }) => AutoScalingGroupName));
      };
      expect(await found(['tag-key', key])).toEqual(sorted([both, first]));
      expect(await found(['tag-key', key], ['tag-key', other])).toEqual([both]);
      expect(await found([`tag:${key}`, 'yes'])).toEqual([first]);
      expect(await found([`tag:${key}`, 'yes', 'true'])).toEqual(sorted([both, first]));
      expect(await found([`tag:${key}`, 'true'], [`tag:${other}`, 'shared'])).toEqual([]);
    });

    it('come in pages', async () => {
      const key = suite.unique('page');
      const made = [
        await suite.group({ tags: { [key]: '' } }),
        await suite.group({ tags: { [key]: '' } }),
        await suite.group({ tags: { [key]: '' } }),
      ];
      const seen: (string | undefined)[] = [];
      let NextToken: string | undefined;
      let pages = 0;
      do {
        const page = await suite.autoScaling.describeAutoScalingGroups({
          MaxRecords: 2,
          ...(NextToken === undefined ? {} : { NextToken }),
        });
        expect(page.AutoScalingGroups?.length).toBeLessThanOrEqual(2);
        seen.push(...(page.AutoScalingGroups ?? []).map(({ AutoScalingGroupName }) => AutoScalingGroupName));
        NextToken = page.NextToken;
        pages += 1;
      } while (NextToken !== undefined && NextToken !== '');
      expect(pages).toBeGreaterThan(1);
      expect(sorted(seen.filter((name) => made.includes(name ?? '')))).toEqual(sorted(made));
      expect(new Set(seen).size).toBe(seen.length);
    });

    it('show their tags apart, and take others', async () => {
      const name = await suite.group({ tags: { a: '1' } });
      const tags = async (): Promise<readonly string[]> => {
        const { Tags = [] } = await suite.autoScaling.describeTags({ Filters: [{ Name: 'auto-scaling-group', Values: [name] }] });
        return sorted(Tags.map(({ Key, Value, PropagateAtLaunch }) => `${Key}=${Value} ${PropagateAtLaunch}`));
      };
      expect(await tags()).toEqual(['a=1 true']);
      const tag = (Key: string, Value: string) => ({
        ResourceId: name,
        ResourceType: 'auto-scaling-group',
        Key,
        Value,
        PropagateAtLaunch: false,
      });
      await suite.autoScaling.createOrUpdateTags({ Tags: [tag('b', 'x:NoSchedule'), tag('a', '2')] });
      expect(await tags()).toEqual(['a=2 false', 'b=x:NoSchedule false']);
    });

    it('of a mixed instances policy give it back, attributes too', async () => {
      const name = suite.unique('mixed');
      await suite.ec2.createLaunchTemplate({
        LaunchTemplateName: name,
        LaunchTemplateData: { ImageId: await suite.image(), InstanceType: 'm5.large' },
      });
      const [subnet] = await suite.subnets();
      const group = (suffix: string, Overrides: object[]) =>
        suite.autoScaling.createAutoScalingGroup({
          AutoScalingGroupName: name + suffix,
          MinSize: 0,
          MaxSize: 3,
          VPCZoneIdentifier: subnet?.id,
          MixedInstancesPolicy: {
            LaunchTemplate: { LaunchTemplateSpecification: { LaunchTemplateName: name, Version: '$Default' }, Overrides },
            InstancesDistribution: {
              OnDemandBaseCapacity: 1,
              OnDemandPercentageAboveBaseCapacity: 50,
              SpotAllocationStrategy: 'capacity-optimized',
            },
          },
        });
      await group('-types', [{ InstanceType: 'm5.xlarge' }, { InstanceType: 'c5.xlarge' }]);
      expect((await suite.describe(`${name}-types`)).MixedInstancesPolicy).toMatchObject({
        LaunchTemplate: {
          LaunchTemplateSpecification: { LaunchTemplateName: name, Version: '$Default' },
          Overrides: [{ InstanceType: 'm5.xlarge' }, { InstanceType: 'c5.xlarge' }],
        },
        InstancesDistribution: {
          OnDemandBaseCapacity: 1,
          OnDemandPercentageAboveBaseCapacity: 50,
          SpotAllocationStrategy: 'capacity-optimized',
        },
      });
      const InstanceRequirements = { VCpuCount: { Min: 2, Max: 4 }, MemoryMiB: { Min: 4096 }, AcceleratorCount: { Max: 0 } };
      await group('-attributes', [{ InstanceRequirements }]);
      expect((await suite.describe(`${name}-attributes`)).MixedInstancesPolicy?.LaunchTemplate?.Overrides).toMatchObject([
        { InstanceRequirements },
      ]);
    });

    it('of a launch configuration say so', async () => {
      const name = suite.unique('configuration');
      await suite.autoScaling.createLaunchConfiguration({
        LaunchConfigurationName: name,
        ImageId: await suite.image(),
        InstanceType: 'c5.large',
      });
      const { LaunchConfigurations = [] } = await suite.autoScaling.describeLaunchConfigurations({ LaunchConfigurationNames: [name] });
      expect(LaunchConfigurations).toMatchObject([{ LaunchConfigurationName: name, InstanceType: 'c5.large' }]);
      const [subnet] = await suite.subnets();
      await suite.autoScaling.createAutoScalingGroup({
        AutoScalingGroupName: name,
        LaunchConfigurationName: name,
        MinSize: 0,
        MaxSize: 3,
        DesiredCapacity: 1,
        VPCZoneIdentifier: subnet?.id,
      });
      await suite.aws.advance(60_000);
      const group = await suite.describe(name);
      expect(group.LaunchConfigurationName).toBe(name);
      expect(group.LaunchTemplate).toBeUndefined();
      expect(group.Instances).toMatchObject([{ LaunchConfigurationName: name, InstanceType: 'c5.large' }]);
    });

    it('follow their bounds when these change without a wish', async () => {
      const name = await suite.group({ desired: 3 });
      await suite.autoScaling.updateAutoScalingGroup({ AutoScalingGroupName: name, MaxSize: 2 });
      expect(await suite.describe(name)).toMatchObject({ MaxSize: 2, DesiredCapacity: 2 });
      await suite.autoScaling.updateAutoScalingGroup({ AutoScalingGroupName: name, MinSize: 4, MaxSize: 6 });
      expect(await suite.describe(name)).toMatchObject({ MinSize: 4, MaxSize: 6, DesiredCapacity: 4 });
      await suite.aws.advance(60_000);
      expect((await suite.describe(name)).Instances).toHaveLength(4);
    });

    it('that nothing launches are refused', async () => {
      const [subnet] = await suite.subnets();
      const without = { AutoScalingGroupName: suite.unique('empty'), MinSize: 0, MaxSize: 1, VPCZoneIdentifier: subnet?.id };
      expect(await refused(suite.autoScaling.createAutoScalingGroup(without))).toMatchObject({
        name: 'ValidationError',
        status: 400,
        message: expect.stringMatching(
          /^Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or MixedInstancesPolicy parameter/,
        ),
      });
    });

    it.skipIf(!suite.can('strict-groups'))(
      'are refused a second time, without an order in their bounds, and with an unknown template',
      async () => {
        const name = await suite.group();
        const like = (more: object) => ({
          AutoScalingGroupName: suite.unique('refused'),
          LaunchTemplate: { LaunchTemplateName: name },
          MinSize: 0,
          MaxSize: 1,
          AvailabilityZones: ['us-east-1a'],
          ...more,
        });
        expect(await refused(suite.autoScaling.createAutoScalingGroup(like({ AutoScalingGroupName: name })))).toMatchObject({
          name: 'AlreadyExistsFault',
          status: 400,
        });
        expect(await refused(suite.autoScaling.createAutoScalingGroup(like({ MinSize: 3 })))).toMatchObject({
          name: 'ValidationError',
          message: 'Max bound, 1, must be greater than or equal to min bound, 3',
        });
        expect(await refused(suite.autoScaling.createAutoScalingGroup(like({ DesiredCapacity: 2 })))).toMatchObject({
          name: 'ValidationError',
          message: 'Desired capacity:2 must be between the specified min size:0 and max size:1',
        });
        expect(
          await refused(suite.autoScaling.createAutoScalingGroup(like({ LaunchTemplate: { LaunchTemplateName: 'no-such' } }))),
        ).toMatchObject({
          name: 'ValidationError',
          message: expect.stringMatching(/^You must use a valid fully-formed launch template\./),
        });
        expect(await refused(suite.autoScaling.describeAutoScalingGroups({ NextToken: 'nonsense' }))).toMatchObject({
          name: 'InvalidNextToken',
          status: 400,
        });
      },
    );

    it('go when they are forced to, with their instances', async () => {
      const name = await suite.group({ desired: 1 });
      await suite.autoScaling.deleteAutoScalingGroup({ AutoScalingGroupName: name, ForceDelete: true });
      await suite.aws.advance(120_000);
      const { AutoScalingGroups } = await suite.autoScaling.describeAutoScalingGroups({ AutoScalingGroupNames: [name] });
      expect(AutoScalingGroups).toEqual([]);
    });
  });
}
