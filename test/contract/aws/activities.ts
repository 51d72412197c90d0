import type { Activity } from '@aws-sdk/client-auto-scaling';
import { describe, expect, it } from 'vitest';
import { bootMs, reactionMs, refused, type AwsSuite } from './suite.ts';

/** What AWS says of what it did, and what it says instead of answering. */
export function activityContracts(suite: AwsSuite): void {
  const activities = async (group: string): Promise<readonly Activity[]> =>
    (await suite.autoScaling.describeScalingActivities({ AutoScalingGroupName: group })).Activities ?? [];

  const timeOf = (date: Date | undefined): number => date?.getTime() ?? Number.NaN;

  describe('scaling activities', () => {
    it('tell of launches and terminations, newest first', async () => {
      const name = await suite.group({ desired: 1 });
      const [victim] = (await suite.describe(name)).Instances ?? [];
      await suite.aws.advance(1000);
      await suite.autoScaling.terminateInstanceInAutoScalingGroup({ InstanceId: victim?.InstanceId, ShouldDecrementDesiredCapacity: true });
      await suite.aws.advance(120_000);
      const [second, first] = await activities(name);
      expect(first).toMatchObject({
        AutoScalingGroupName: name,
        StatusCode: 'Successful',
        Progress: 100,
        Description: `Launching a new EC2 instance: ${victim?.InstanceId}`,
      });
      expect(first?.Cause).toMatch(/^At \S+ .*an instance was started in response to a difference between desired and actual capacity/);
      expect(timeOf(first?.EndTime)).toBeGreaterThan(timeOf(first?.StartTime));
      expect(second).toMatchObject({ StatusCode: 'Successful', Description: `Terminating EC2 instance: ${victim?.InstanceId}` });
      expect(timeOf(second?.StartTime)).toBeGreaterThan(timeOf(first?.StartTime));
    });

    it('that are under way are not successful yet', async () => {
      const name = await suite.group();
      await suite.setSize(name, 1);
      await suite.aws.advance(reactionMs);
      const [launch] = await activities(name);
      expect(['PreInService', 'InProgress']).toContain(launch?.StatusCode);
      expect(launch?.EndTime).toBeUndefined();
      await suite.aws.advance(bootMs);
      expect((await activities(name))[0]).toMatchObject({ ActivityId: launch?.ActivityId, StatusCode: 'Successful' });
    });

    it('of a launch without capacity are Failed, with the reason; the group keeps its wish and its instances', async () => {
      const name = await suite.group({ type: 'c5.2xlarge', desired: 1 });
      const end = suite.aws.shortage({ group: name, type: 'c5.2xlarge' });
      const before = await activities(name);
      await suite.setSize(name, 3);
      await suite.aws.advance(reactionMs);
      const group = await suite.describe(name);
      expect(group.DesiredCapacity).toBe(3);
      expect(group.Instances).toHaveLength(1);
      const [failed] = await activities(name);
      expect(before.map(({ ActivityId }) => ActivityId)).not.toContain(failed?.ActivityId);
      expect(failed).toMatchObject({
        StatusCode: 'Failed',
        Progress: 100,
        StatusMessage: expect.stringMatching(
          /^We currently do not have sufficient c5\.2xlarge capacity in the Availability Zone you requested \(us-east-1[a-f]\)\. .*Launching EC2 instance failed\.$/,
        ),
      });
      expect(failed?.Description).toBe(`Launching a new EC2 instance.  Status Reason: ${failed?.StatusMessage}`);
      expect(failed?.StartTime).toBeInstanceOf(Date);
      expect(failed?.EndTime).toBeInstanceOf(Date);
      // What Cluster Autoscaler does with placeholders: the size is set back to what is there.
      await suite.setSize(name, 1);
      await suite.aws.advance(60_000);
      expect((await suite.describe(name)).Instances).toHaveLength(1);
      end();
      await suite.setSize(name, 2);
      await suite.aws.advance(60_000);
      expect((await suite.describe(name)).Instances).toHaveLength(2);
      expect((await activities(name))[0]).toMatchObject({ StatusCode: 'Successful' });
    });

    it('come in pages', async () => {
      const name = await suite.group({ desired: 3 });
      const seen: (string | undefined)[] = [];
      let NextToken: string | undefined;
      do {
        const page = await suite.autoScaling.describeScalingActivities({
          AutoScalingGroupName: name,
          MaxRecords: 2,
          ...(NextToken === undefined ? {} : { NextToken }),
        });
        expect(page.Activities?.length).toBeLessThanOrEqual(2);
        seen.push(...(page.Activities ?? []).map(({ ActivityId }) => ActivityId));
        NextToken = page.NextToken;
      } while (NextToken !== undefined);
      expect(seen).toEqual((await activities(name)).map(({ ActivityId }) => ActivityId));
      expect(seen).toHaveLength(3);
    });
  });

  describe('throttling', () => {
    it('is an error of its own in each service', async () => {
      const name = await suite.group();
      suite.aws.throttle('DescribeAutoScalingGroups', 1);
      expect(await refused(suite.describe(name))).toEqual({ name: 'Throttling', status: 400, message: 'Rate exceeded' });
      suite.aws.throttle('SetDesiredCapacity', 1);
      expect(await refused(suite.setSize(name, 1))).toMatchObject({ name: 'Throttling' });
      expect((await suite.describe(name)).DesiredCapacity).toBe(0);
      suite.aws.throttle('DescribeSubnets', 1);
      expect(await refused(suite.ec2.describeSubnets({}))).toEqual({
        name: 'RequestLimitExceeded',
        status: 503,
        message: 'Request limit exceeded.',
      });
    });

    it('is tried again by the SDK, which knows both', async () => {
      const { autoScaling, ec2 } = suite.clients({ maxAttempts: 3 });
      suite.aws.throttle('DescribeAutoScalingInstances', 1);
      expect((await autoScaling.describeAutoScalingInstances({})).$metadata.attempts).toBe(2);
      suite.aws.throttle('DescribeAvailabilityZones', 1);
      expect((await ec2.describeAvailabilityZones({})).$metadata.attempts).toBe(2);
    });
  });

  describe('an action that there is not', () => {
    it.skipIf(!suite.can('refuses-unknown-actions'))('is refused with its name', async () => {
      const name = await suite.group();
      expect(await refused(suite.autoScaling.startInstanceRefresh({ AutoScalingGroupName: name }))).toMatchObject({
        name: 'InvalidAction',
        status: 400,
        message: expect.stringContaining('StartInstanceRefresh'),
      });
      expect(await refused(suite.ec2.describeVolumes({}))).toMatchObject({
        name: 'InvalidAction',
        status: 400,
        message: expect.stringContaining('DescribeVolumes'),
      });
    });
  });
}
