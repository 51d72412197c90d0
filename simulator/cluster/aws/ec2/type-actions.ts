import { matchingTypes, readRequirements } from '../instance-types/requirements.ts';
import type { InstanceType } from '../instance-types/types.ts';
import type { Action, Actions } from '../protocol/action.ts';
import { AwsError } from '../protocol/aws-error.ts';
import { missingParameter } from '../protocol/parameters.ts';
import type { XmlFields } from '../protocol/xml.ts';
import { readFilters, readPage, type FilterField } from './lookups.ts';

const describe: Action = (account, parameters) => {
  const names = parameters.texts('InstanceType');
  const filter = readFilters(parameters, typeField);
  const page = readPage<InstanceType>(parameters, { key: ({ name }) => name, least: 5, most: 100, standard: 100 });
  const limited = parameters.has('MaxResults');
  parameters.done();
  if (names.length > 0 && limited) {
    throw new AwsError('InvalidParameterCombination', 'The parameter instanceTypes cannot be used with the parameter maxResults');
  }
  const missing = names.filter((name) => !account.typesByName.has(name));
  if (missing.length > 0) {
    throw new AwsError('InvalidInstanceType', `The following supplied instance types do not exist: [${missing.join(', ')}]`);
  }
  const wanted = new Set(names);
  const { items, next } = page(filter(account.instanceTypes.filter(({ name }) => wanted.size === 0 || wanted.has(name))));
  return { instanceTypeSet: items.map(typeFields), nextToken: next };
};

const byRequirements: Action = (account, parameters) => {
  const architectures = new Set(parameters.texts('ArchitectureType'));
  const virtualizations = parameters.texts('VirtualizationType');
  const part = parameters.part('InstanceRequirements');
  if (architectures.size === 0) throw missingParameter('ArchitectureType');
  if (virtualizations.length === 0) throw missingParameter('VirtualizationType');
  if (part === undefined) throw missingParameter('InstanceRequirements');
  const requirements = readRequirements(part);
  const page = readPage<InstanceType>(parameters, { key: ({ name }) => name, least: 1, most: 1000, standard: 1000 });
  parameters.done();
  const found = virtualizations.includes('hvm')
    ? matchingTypes(account.instanceTypes, requirements).filter(({ arch }) => architectures.has(arch))
    : [];
  const { items, next } = page(found);
  return { instanceTypeSet: items.map(({ name }) => ({ instanceType: name })), nextToken: next };
};

const offerings: Action = (account, parameters) => {
  const kind = parameters.text('LocationType') ?? 'region';
  const places = kind === 'availability-zone' ? account.zones : [account.region];
  const filter = readFilters(parameters, ({ type, place }: { readonly type: string; readonly place: string }, name) =>
    name === 'instance-type' ? [type] : name === 'location' ? [place] : undefined,
  );
  const page = readPage<{ readonly type: string; readonly place: string }>(parameters, {
    key: ({ type, place }) => `${type}/${place}`,
    least: 5,
    most: 1000,
    standard: 1000,
  });
  parameters.done();
  const found = account.instanceTypes.flatMap(({ name }) => places.map((place) => ({ type: name, place })));
  const { items, next } = page(filter(found).toSorted((a, b) => (`${a.type}/${a.place}` < `${b.type}/${b.place}` ? -1 : 1)));
  return {
    instanceTypeOfferingSet: items.map(({ type, place }) => ({ instanceType: type, locationType: kind, location: place })),
    nextToken: next,
  };
};

const typeField: FilterField<InstanceType> = (type, name) => {
  switch (name) {
    case 'instance-type':
      return [type.name];
    case 'processor-info.supported-architecture':
      return [type.arch];
    case 'current-generation':
      return [String(type.currentGeneration)];
    case 'bare-metal':
      return [String(type.bareMetal)];
    case 'burstable-performance-supported':
      return [String(type.burstable)];
    case 'vcpu-info.default-vcpus':
      return [String(type.vcpus)];
    case 'memory-info.size-in-mib':
      return [String(type.memoryMib)];
    case 'instance-storage-supported':
      return [String(type.localStorageGb !== undefined)];
    case 'supported-usage-class':
      return ['on-demand', 'spot'];
    case 'supported-virtualization-type':
      return ['hvm'];
    default:
      return undefined;
  }
};

/** How EC2 writes the makers of chips. */
const makers: Readonly<Record<string, string>> = { intel: 'Intel', amd: 'AMD', 'amazon-web-services': 'AWS', nvidia: 'NVIDIA' };

function typeFields(type: InstanceType): XmlFields {
  return {
    instanceType: type.name,
    currentGeneration: type.currentGeneration,
    freeTierEligible: false,
    supportedUsageClasses: ['on-demand', 'spot'],
    supportedRootDeviceTypes: ['ebs'],
    supportedVirtualizationTypes: ['hvm'],
    bareMetal: type.bareMetal,
    hypervisor: type.bareMetal ? undefined : 'nitro',
    processorInfo: {
      supportedArchitectures: [type.arch],
      manufacturer: makers[type.cpuManufacturer] ?? type.cpuManufacturer,
    },
    vCpuInfo: { defaultVCpus: type.vcpus },
    memoryInfo: { sizeInMiB: type.memoryMib },
    instanceStorageSupported: type.localStorageGb !== undefined,
    instanceStorageInfo: type.localStorageGb === undefined ? undefined : { totalSizeInGB: type.localStorageGb },
    ...acceleratorFields(type),
    hibernationSupported: false,
    burstablePerformanceSupported: type.burstable,
    dedicatedHostsSupported: false,
    autoRecoverySupported: false,
  };
}

function acceleratorFields({ accelerator }: InstanceType): XmlFields {
  if (accelerator === undefined) return {};
  const { name, manufacturer, kind, count, memoryMib } = accelerator;
  const device = {
    name,
    manufacturer: makers[manufacturer] ?? manufacturer,
    count,
    memoryInfo: { sizeInMiB: memoryMib / count },
  };
  return kind === 'gpu'
    ? { gpuInfo: { gpus: [device], totalGpuMemoryInMiB: memoryMib } }
    : { inferenceAcceleratorInfo: { accelerators: [device], totalInferenceMemoryInMiB: memoryMib } };
}

export const typeActions: Actions = {
  DescribeInstanceTypes: describe,
  DescribeInstanceTypeOfferings: offerings,
  GetInstanceTypesFromInstanceRequirements: byRequirements,
};
