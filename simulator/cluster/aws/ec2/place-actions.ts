import type { Action, Actions } from '../protocol/action.ts';
import { AwsError } from '../protocol/aws-error.ts';
import type { XmlFields } from '../protocol/xml.ts';
import type { Image } from '../state/account.ts';
import type { Subnet } from '../state/model.ts';
import { readFilters, readPage } from './lookups.ts';

const describeZones: Action = (account, parameters) => {
  const names = parameters.texts('ZoneName');
  const filter = readFilters(parameters, (zone: string, name) =>
    name === 'zone-name' ? [zone] : name === 'state' ? ['available'] : name === 'region-name' ? [account.region] : undefined,
  );
  parameters.accept('AllAvailabilityZones').done();
  const missing = names.filter((name) => !account.zones.includes(name));
  if (missing.length > 0) throw new AwsError('InvalidParameterValue', `Invalid availability zone: [${missing.join(', ')}]`);
  const zones = filter(account.zones.filter((zone) => names.length === 0 || names.includes(zone)));
  return {
    availabilityZoneInfo: zones.map((zone) => ({
      optInStatus: 'opt-in-not-required',
      messageSet: [],
      regionName: account.region,
      zoneName: zone,
      zoneId: `az-${account.zones.indexOf(zone) + 1}`,
      zoneType: 'availability-zone',
      zoneState: 'available',
    })),
  };
};

const describeSubnets: Action = (account, parameters) => {
  const ids = parameters.texts('SubnetId');
  const filter = readFilters(parameters, (subnet: Subnet, name) => {
    if (name === 'availability-zone' || name === 'availabilityZone') return [subnet.zone];
    if (name === 'subnet-id') return [subnet.id];
    if (name === 'vpc-id') return [account.vpcId];
    return name === 'default-for-az' ? ['true'] : undefined;
  });
  const page = readPage<Subnet>(parameters, { key: ({ id }) => id, least: 5, most: 1000, standard: 1000 });
  parameters.done();
  const missing = ids.find((id) => !account.subnets.some((subnet) => subnet.id === id));
  if (missing !== undefined) throw new AwsError('InvalidSubnetID.NotFound', `The subnet ID '${missing}' does not exist`);
  const named = account.subnets.filter(({ id }) => ids.length === 0 || ids.includes(id));
  const { items, next } = page(filter(named).toSorted((a, b) => (a.id < b.id ? -1 : 1)));
  return {
    subnetSet: items.map((subnet) => ({
      subnetId: subnet.id,
      state: 'available',
      vpcId: account.vpcId,
      cidrBlock: `10.${subnet.net}.0.0/16`,
      availabilityZone: subnet.zone,
      defaultForAz: true,
      mapPublicIpOnLaunch: false,
      ownerId: account.accountId,
      tagSet: [],
    })),
    nextToken: next,
  };
};

const describeImages: Action = (account, parameters) => {
  const ids = parameters.texts('ImageId');
  const filter = readFilters(parameters, (image: Image, name) => {
    if (name === 'architecture') return [image.architecture];
    if (name === 'name') return [image.name];
    if (name === 'image-id') return [image.id];
    if (name === 'virtualization-type') return ['hvm'];
    return name === 'state' ? ['available'] : undefined;
  });
  const page = readPage<Image>(parameters, { key: ({ id }) => id, least: 1, most: 1000, standard: 1000 });
  parameters.accept('Owner', 'ExecutableBy', 'IncludeDeprecated').done();
  const missing = ids.filter((id) => !account.images.some((image) => image.id === id));
  if (missing.length > 0) {
    throw new AwsError(
      'InvalidAMIID.NotFound',
      `The image id${missing.length === 1 ? '' : 's'} '[${missing.join(', ')}]' do${missing.length === 1 ? 'es' : ''} not exist`,
    );
  }
  const named = account.images.filter(({ id }) => ids.length === 0 || ids.includes(id));
  const { items, next } = page(filter(named).toSorted((a, b) => (a.id < b.id ? -1 : 1)));
  return { imagesSet: items.map((image) => imageFields(account.accountId, image)), nextToken: next };
};

function imageFields(owner: string, image: Image): XmlFields {
  return {
    imageId: image.id,
    imageLocation: `amazon/${image.name}`,
    imageState: 'available',
    imageOwnerId: owner,
    creationDate: new Date(image.createdAt),
    isPublic: true,
    architecture: image.architecture,
    imageType: 'machine',
    name: image.name,
    rootDeviceType: 'ebs',
    rootDeviceName: '/dev/xvda',
    virtualizationType: 'hvm',
    hypervisor: 'xen',
    enaSupport: true,
  };
}

export const placeActions: Actions = {
  DescribeAvailabilityZones: describeZones,
  DescribeSubnets: describeSubnets,
  DescribeImages: describeImages,
};
