import { readRequirements, requirementsOfEc2 } from '../instance-types/requirements.ts';
import { AwsError } from '../protocol/aws-error.ts';
import type { Parameters } from '../protocol/parameters.ts';
import type { XmlFields } from '../protocol/xml.ts';
import type { LaunchTemplateData } from '../state/model.ts';

/** LaunchTemplateData of a request. What a node of the simulation has nothing of (disks, profiles, metadata) is taken and forgotten. */
export function readTemplateData(parameters: Parameters): LaunchTemplateData {
  parameters.accept(
    'IamInstanceProfile',
    'BlockDeviceMapping',
    'MetadataOptions',
    'Monitoring',
    'EbsOptimized',
    'NetworkInterface',
    'CreditSpecification',
  );
  const requirements = parameters.part('InstanceRequirements');
  const texts = {
    imageId: parameters.text('ImageId'),
    instanceType: parameters.text('InstanceType'),
    keyName: parameters.text('KeyName'),
    userData: parameters.text('UserData'),
  };
  if (requirements !== undefined && texts.instanceType !== undefined) {
    throw new AwsError('InvalidParameterCombination', 'InstanceType and InstanceRequirements cannot be given together');
  }
  const securityGroupIds = parameters.texts('SecurityGroupId');
  const market = parameters.part('InstanceMarketOptions')?.accept('SpotOptions').text('MarketType');
  const tags = readInstanceTags(parameters);
  return {
    ...Object.fromEntries(Object.entries(texts).filter(([, value]) => value !== undefined)),
    ...(requirements !== undefined && { requirements: readRequirements(requirements) }),
    ...(securityGroupIds.length > 0 && { securityGroupIds }),
    ...(market === 'spot' && { spot: true }),
    ...(tags !== undefined && { tags }),
  };
}

/** TagSpecifications for instances; those for other resources are taken and forgotten. */
function readInstanceTags(parameters: Parameters): Readonly<Record<string, string>> | undefined {
  let tags: Record<string, string> | undefined;
  for (const specification of parameters.list('TagSpecification')) {
    const kind = specification.text('ResourceType');
    const entries = specification.list('Tag').map((tag) => [tag.required('Key'), tag.text('Value') ?? ''] as const);
    if (kind === 'instance') tags = { ...tags, ...Object.fromEntries(entries) };
  }
  return tags;
}

export function templateDataFields(data: LaunchTemplateData): XmlFields {
  return {
    imageId: data.imageId,
    instanceType: data.instanceType,
    keyName: data.keyName,
    userData: data.userData,
    securityGroupIdSet: data.securityGroupIds,
    instanceMarketOptions: data.spot === true ? { marketType: 'spot' } : undefined,
    tagSpecificationSet: data.tags === undefined ? undefined : [{ resourceType: 'instance', tagSet: tagSet(data.tags) }],
    instanceRequirements: data.requirements === undefined ? undefined : requirementsOfEc2(data.requirements),
  };
}

export function tagSet(tags: Readonly<Record<string, string>>): readonly XmlFields[] {
  return Object.entries(tags).map(([key, value]) => ({ key, value }));
}
