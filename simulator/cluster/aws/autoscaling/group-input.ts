import { readRequirements } from '../instance-types/requirements.ts';
import { validationError } from '../protocol/aws-error.ts';
import { Parameters } from '../protocol/parameters.ts';
import type { Account } from '../state/account.ts';
import { versionOf } from '../state/launch-templates.ts';
import type { GroupTag, LaunchSource, MixedInstancesPolicy, Override, Subnet, TemplateReference } from '../state/model.ts';

/** What a group launches, if the request says it. */
export function readSource(account: Account, parameters: Parameters): LaunchSource | undefined {
  const configuration = parameters.text('LaunchConfigurationName');
  const template = parameters.part('LaunchTemplate');
  const mixed = parameters.part('MixedInstancesPolicy');
  const given = [configuration, template, mixed].filter((each) => each !== undefined);
  if (given.length === 0) return undefined;
  if (given.length > 1) {
    throw validationError(
      'Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or MixedInstancesPolicy parameter.',
    );
  }
  if (configuration !== undefined) {
    if (!account.configurations.has(configuration)) throw validationError('Launch configuration name not found - null');
    return { kind: 'configuration', name: configuration };
  }
  if (template !== undefined) return { kind: 'template', template: readTemplate(account, template) };
  return { kind: 'mixed', policy: readPolicy(account, mixed ?? parameters) };
}

function readTemplate(account: Account, parameters: Parameters): TemplateReference {
  const id = parameters.text('LaunchTemplateId');
  const name = parameters.text('LaunchTemplateName');
  const version = parameters.text('Version');
  if ((id === undefined) === (name === undefined)) {
    throw validationError('Valid requests must contain either launchTemplateId or LaunchTemplateName');
  }
  const template = account.template({ id, name });
  if (template === undefined) {
    const what = id === undefined ? `with template name ${name}` : `with template ID ${id}`;
    throw validationError(`You must use a valid fully-formed launch template. The specified launch template, ${what}, does not exist.`);
  }
  const found = versionOf(template, version);
  if (found === undefined) {
    throw validationError(
      `You must use a valid fully-formed launch template. The specified launch template version, ${version ?? '$Default'}, does not exist.`,
    );
  }
  if (found.data.imageId === undefined) {
    throw validationError('You must use a valid fully-formed launch template. The request must contain the parameter ImageId');
  }
  return { id: template.id, name: template.name, ...(version !== undefined && { version }) };
}

const onDemandStrategies = ['prioritized', 'lowest-price'] as const;
const spotStrategies = ['lowest-price', 'capacity-optimized', 'capacity-optimized-prioritized', 'price-capacity-optimized'] as const;

function readPolicy(account: Account, parameters: Parameters): MixedInstancesPolicy {
  const launch = parameters.part('LaunchTemplate');
  const specification = launch?.part('LaunchTemplateSpecification');
  if (launch === undefined || specification === undefined) {
    throw validationError('The mixed instances policy must contain a launch template.');
  }
  const overrides = launch.list('Overrides').map((each) => readOverride(account, each));
  const byAttributes = overrides.some(({ requirements }) => requirements !== undefined);
  return {
    template: readTemplate(account, specification),
    overrides,
    ...readDistribution(parameters.part('InstancesDistribution'), byAttributes),
  };
}

function readDistribution(part: Parameters | undefined, byAttributes: boolean): Omit<MixedInstancesPolicy, 'template' | 'overrides'> {
  const parameters = part ?? new Parameters();
  const pools = parameters.whole('SpotInstancePools');
  const maxPrice = parameters.text('SpotMaxPrice');
  const standard = byAttributes ? 'lowest-price' : 'prioritized';
  return {
    onDemandAllocation: strategy(parameters, 'OnDemandAllocationStrategy', onDemandStrategies) ?? standard,
    onDemandBase: parameters.whole('OnDemandBaseCapacity') ?? 0,
    onDemandPercentage: parameters.whole('OnDemandPercentageAboveBaseCapacity') ?? 100,
    spotAllocation: strategy(parameters, 'SpotAllocationStrategy', spotStrategies) ?? 'lowest-price',
    ...(pools !== undefined && { spotPools: pools }),
    ...(maxPrice !== undefined && maxPrice !== '' && { spotMaxPrice: maxPrice }),
  };
}

function strategy<T extends string>(parameters: Parameters, name: string, known: readonly T[]): T | undefined {
  const value = parameters.text(name);
  if (value === undefined) return undefined;
  const found = known.find((each) => each === value);
  if (found === undefined) throw validationError(`Invalid ${name}: '${value}'. Valid values are: [${known.join(', ')}].`);
  return found;
}

function readOverride(account: Account, parameters: Parameters): Override {
  const instanceType = parameters.text('InstanceType');
  const requirements = parameters.part('InstanceRequirements');
  const weight = parameters.whole('WeightedCapacity');
  const template = parameters.part('LaunchTemplateSpecification');
  if (instanceType !== undefined && requirements !== undefined) {
    throw validationError('An override can have either an InstanceType or InstanceRequirements, not both.');
  }
  if (instanceType !== undefined && !account.typesByName.has(instanceType)) {
    throw validationError(`The instance type '${instanceType}' does not exist.`);
  }
  if (weight !== undefined && (weight < 1 || weight > 999)) throw validationError('WeightedCapacity must be between 1 and 999.');
  return {
    ...(instanceType !== undefined && { instanceType }),
    ...(requirements !== undefined && { requirements: readRequirements(requirements) }),
    ...(weight !== undefined && { weight }),
    ...(template !== undefined && { template: readTemplate(account, template) }),
  };
}

/** The subnets of VPCZoneIdentifier, or those of the zones; undefined when the request names neither. */
export function readSubnets(
  account: Account,
  parameters: Parameters,
): { readonly subnets: readonly Subnet[]; readonly bySubnets: boolean } | undefined {
  const identifier = parameters.text('VPCZoneIdentifier');
  const zones = parameters.texts('AvailabilityZones');
  if (identifier !== undefined && identifier !== '') {
    const subnets = identifier.split(',').map((id) => {
      const found = account.subnets.find((subnet) => subnet.id === id.trim());
      if (found === undefined) throw validationError(`The subnet ID '${id.trim()}' does not exist`);
      return found;
    });
    const wrong = zones.find((zone) => !subnets.some((subnet) => subnet.zone === zone));
    if (wrong !== undefined)
      throw validationError(`The availability zones of the specified subnets and the Auto Scaling group do not match`);
    return { subnets, bySubnets: true };
  }
  if (zones.length === 0) return undefined;
  const subnets = zones.map((zone) => {
    const found = account.subnets.find((subnet) => subnet.zone === zone);
    if (found === undefined) throw validationError(`Invalid availability zones: [${zone}]`);
    return found;
  });
  return { subnets, bySubnets: false };
}

export function readTags(parameters: Parameters): readonly GroupTag[] {
  return parameters.list('Tags').map((tag) => {
    tag.accept('ResourceId', 'ResourceType');
    return { key: tag.required('Key'), value: tag.text('Value') ?? '', propagate: tag.flag('PropagateAtLaunch') ?? false };
  });
}
