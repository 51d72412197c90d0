import { AutoScaling } from '@aws-sdk/client-auto-scaling';
import { EC2 } from '@aws-sdk/client-ec2';
import type { BenchGroup } from '../../contract/aws-provider/suite.ts';
import { groupTags } from '../../contract/aws/suite.ts';

/** An administrator of an AWS. */
export interface AwsAdministrator {
  readonly autoScaling: AutoScaling;
  readonly ec2: EC2;
  /** Makes the group with a launch template of its own. */
  createGroup(group: BenchGroup): Promise<void>;
  close(): void;
}

export const region = 'us-east-1';
export const credentials = { accessKeyId: 'administrator', secretAccessKey: 'administrator' };

export function awsAdministrator(endpoint: string): AwsAdministrator {
  const config = { endpoint, region, credentials, maxAttempts: 1 };
  const autoScaling = new AutoScaling(config);
  const ec2 = new EC2(config);
  let image: Promise<string | undefined> | undefined;
  const firstImage = async (): Promise<string | undefined> => {
    const { Images = [] } = await ec2.describeImages({ Filters: [{ Name: 'architecture', Values: ['x86_64'] }] });
    return Images[0]?.ImageId;
  };
  return {
    autoScaling,
    ec2,
    createGroup: async ({ name, min, max, desired, types = ['m5.large'], zones = ['a'], tags = {}, suspended = [] }) => {
      const [first] = types;
      const data = { ImageId: await (image ??= firstImage()), InstanceType: first as never };
      await ec2.createLaunchTemplate({ LaunchTemplateName: name, LaunchTemplateData: data });
      const template = { LaunchTemplateName: name, Version: '$Latest' };
      const launch =
        types.length === 1
          ? { LaunchTemplate: template }
          : {
              MixedInstancesPolicy: {
                LaunchTemplate: { LaunchTemplateSpecification: template, Overrides: types.map((InstanceType) => ({ InstanceType })) },
              },
            };
      await autoScaling.createAutoScalingGroup({
        AutoScalingGroupName: name,
        ...launch,
        MinSize: min,
        MaxSize: max,
        DesiredCapacity: desired,
        AvailabilityZones: zones.map((letter) => `${region}${letter}`),
        Tags: groupTags(name, tags),
      });
      if (suspended.length > 0) await autoScaling.suspendProcesses({ AutoScalingGroupName: name, ScalingProcesses: [...suspended] });
    },
    close: () => {
      autoScaling.destroy();
      ec2.destroy();
    },
  };
}
