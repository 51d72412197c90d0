import { describe, expect, it } from 'vitest';
import { refused, sorted, type AwsSuite } from './suite.ts';

/** What an autoscaler asks EC2. */
export function ec2Contracts(suite: AwsSuite): void {
  describe('launch templates', () => {
    it('have versions: $Latest, $Default and numbers', async () => {
      const name = suite.unique('template');
      const image = await suite.image();
      const { LaunchTemplate } = await suite.ec2.createLaunchTemplate({
        LaunchTemplateName: name,
        LaunchTemplateData: { ImageId: image, InstanceType: 'm5.large' },
      });
      expect(LaunchTemplate).toMatchObject({ LaunchTemplateName: name, DefaultVersionNumber: 1, LatestVersionNumber: 1 });
      await suite.ec2.createLaunchTemplateVersion({
        LaunchTemplateId: LaunchTemplate?.LaunchTemplateId,
        LaunchTemplateData: { ImageId: image, InstanceType: 'g4dn.xlarge' },
      });
      const types = async (...Versions: string[]): Promise<unknown> => {
        const { LaunchTemplateVersions = [] } = await suite.ec2.describeLaunchTemplateVersions({ LaunchTemplateName: name, Versions });
        return LaunchTemplateVersions.map((each) => [each.VersionNumber, each.DefaultVersion, each.LaunchTemplateData?.InstanceType]);
      };
      expect(await types('$Latest')).toEqual([[2, false, 'g4dn.xlarge']]);
      expect(await types('$Default')).toEqual([[1, true, 'm5.large']]);
      expect(await types('1')).toEqual([[1, true, 'm5.large']]);
      const { LaunchTemplateVersions } = await suite.ec2.describeLaunchTemplateVersions({
        LaunchTemplateId: LaunchTemplate?.LaunchTemplateId,
        Versions: ['$Latest'],
      });
      expect(LaunchTemplateVersions).toMatchObject([
        { LaunchTemplateId: LaunchTemplate?.LaunchTemplateId, LaunchTemplateName: name, LaunchTemplateData: { ImageId: image } },
      ]);
    });

    it('give attributes back instead of a type', async () => {
      const name = suite.unique('attributes');
      const InstanceRequirements = { VCpuCount: { Min: 2, Max: 8 }, MemoryMiB: { Min: 4096 } };
      await suite.ec2.createLaunchTemplate({
        LaunchTemplateName: name,
        LaunchTemplateData: { ImageId: await suite.image(), InstanceRequirements },
      });
      const { LaunchTemplateVersions = [] } = await suite.ec2.describeLaunchTemplateVersions({
        LaunchTemplateName: name,
        Versions: ['$Default'],
      });
      expect(LaunchTemplateVersions[0]?.LaunchTemplateData?.InstanceType).toBeUndefined();
      expect(LaunchTemplateVersions[0]?.LaunchTemplateData?.InstanceRequirements).toMatchObject(InstanceRequirements);
    });

    it('that are not there are refused', async () => {
      expect(
        await refused(suite.ec2.describeLaunchTemplateVersions({ LaunchTemplateName: 'no-such-template', Versions: ['$Latest'] })),
      ).toMatchObject({
        name: expect.stringMatching(/^InvalidLaunchTemplateName\.NotFoundException$/),
        status: 400,
      });
    });
  });

  describe('instance types', () => {
    it('are described by name', async () => {
      const { InstanceTypes = [] } = await suite.ec2.describeInstanceTypes({
        InstanceTypes: ['m5.large', 'g4dn.xlarge', 'm6g.large', 'p4d.24xlarge'],
      });
      const byName = new Map(InstanceTypes.map((type) => [String(type.InstanceType), type]));
      expect(sorted(byName.keys())).toEqual(['g4dn.xlarge', 'm5.large', 'm6g.large', 'p4d.24xlarge']);
      expect(byName.get('m5.large')).toMatchObject({
        VCpuInfo: { DefaultVCpus: 2 },
        MemoryInfo: { SizeInMiB: 8192 },
        ProcessorInfo: { SupportedArchitectures: ['x86_64'] },
        BareMetal: false,
        BurstablePerformanceSupported: false,
      });
      expect(byName.get('m5.large')?.GpuInfo).toBeUndefined();
      expect(byName.get('g4dn.xlarge')).toMatchObject({
        VCpuInfo: { DefaultVCpus: 4 },
        MemoryInfo: { SizeInMiB: 16_384 },
        GpuInfo: {
          Gpus: [{ Name: 'T4', Manufacturer: 'NVIDIA', Count: 1, MemoryInfo: { SizeInMiB: 16_384 } }],
          TotalGpuMemoryInMiB: 16_384,
        },
      });
      expect(byName.get('m6g.large')?.ProcessorInfo?.SupportedArchitectures).toEqual(['arm64']);
      expect(byName.get('p4d.24xlarge')?.GpuInfo?.Gpus?.[0]?.Count).toBe(8);
    });

    it('that nobody knows are refused', async () => {
      expect(await refused(suite.ec2.describeInstanceTypes({ InstanceTypes: ['m99.large' as never] }))).toEqual({
        name: 'InvalidInstanceType',
        status: 400,
        message: 'The following supplied instance types do not exist: [m99.large]',
      });
    });

    const allTypes = async (): Promise<readonly (readonly string[])[]> => {
      const pages: string[][] = [];
      let NextToken: string | undefined;
      do {
        const page = await suite.ec2.describeInstanceTypes({ MaxResults: 50, ...(NextToken === undefined ? {} : { NextToken }) });
        pages.push((page.InstanceTypes ?? []).map(({ InstanceType }) => String(InstanceType)));
        NextToken = page.NextToken;
      } while (NextToken !== undefined && NextToken !== '');
      return pages;
    };

    it('all together are many, each once', async () => {
      const seen = (await allTypes()).flat();
      expect(seen.length).toBeGreaterThan(100);
      expect(new Set(seen).size).toBe(seen.length);
    });

    it.skipIf(!suite.can('type-pages'))('come in pages of the size that was asked for', async () => {
      const sizes = (await allTypes()).map(({ length }) => length);
      expect(sizes.length).toBeGreaterThan(2);
      expect(sizes.slice(0, -1).every((size) => size === 50)).toBe(true);
    });

    it.skipIf(!suite.can('instance-requirements'))('are found by attributes', async () => {
      const { InstanceTypes = [] } = await suite.ec2.getInstanceTypesFromInstanceRequirements({
        ArchitectureTypes: ['x86_64'],
        VirtualizationTypes: ['hvm'],
        InstanceRequirements: {
          VCpuCount: { Min: 4, Max: 4 },
          MemoryMiB: { Min: 16_384, Max: 16_384 },
          CpuManufacturers: ['intel'],
          AcceleratorCount: { Max: 0 },
          AllowedInstanceTypes: ['m5.*', 'm6i.*', 't3.*'],
        },
      });
      expect(InstanceTypes.map(({ InstanceType }) => InstanceType)).toEqual(['m5.xlarge', 'm6i.xlarge']);
    });
  });

  describe('places', () => {
    it('are zones with subnets', async () => {
      const { AvailabilityZones = [] } = await suite.ec2.describeAvailabilityZones({});
      const names = AvailabilityZones.map(({ ZoneName }) => ZoneName);
      for (const zone of AvailabilityZones) expect(zone).toMatchObject({ State: 'available', RegionName: 'us-east-1' });
      for (const { zone } of await suite.subnets()) expect(names).toContain(zone);
      const [first] = await suite.subnets();
      const { Subnets } = await suite.ec2.describeSubnets({ SubnetIds: [first?.id ?? ''] });
      expect(Subnets).toMatchObject([{ SubnetId: first?.id, AvailabilityZone: first?.zone, State: 'available' }]);
    });

    it('have images, which say for which machines', async () => {
      const image = await suite.image();
      const { Images } = await suite.ec2.describeImages({ ImageIds: [image] });
      expect(Images).toMatchObject([{ ImageId: image, Architecture: 'x86_64', VirtualizationType: 'hvm', State: 'available' }]);
    });
  });

  describe('instances that are not there', () => {
    it('are refused with their ids', async () => {
      expect(await refused(suite.ec2.describeInstances({ InstanceIds: ['i-0123456789abcdef0'] }))).toEqual({
        name: 'InvalidInstanceID.NotFound',
        status: 400,
        message: "The instance ID 'i-0123456789abcdef0' does not exist",
      });
    });
  });
}
