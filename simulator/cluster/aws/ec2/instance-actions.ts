import type { Action, Actions } from '../protocol/action.ts';
import { AwsError } from '../protocol/aws-error.ts';
import type { XmlFields } from '../protocol/xml.ts';
import type { Account } from '../state/account.ts';
import { isEnding, noticeLater } from '../state/group-loop.ts';
import { shutDown } from '../state/instance-life.ts';
import { counts, type Instance } from '../state/model.ts';
import type { InstanceState } from '../types.ts';
import { readFilters, readPage, type FilterField } from './lookups.ts';
import { tagSet } from './template-data.ts';

const stateCodes: Readonly<Record<InstanceState, number>> = { pending: 0, running: 16, 'shutting-down': 32, terminated: 48 };

const describe: Action = (account, parameters) => {
  const ids = parameters.texts('InstanceId');
  const filter = readFilters(parameters, instanceField);
  const page = readPage<Instance>(parameters, { key: ({ id }) => id, least: 5, most: 1000, standard: 1000 });
  const limited = parameters.has('MaxResults');
  parameters.done();
  if (ids.length > 0 && limited) {
    throw new AwsError('InvalidParameterCombination', 'The parameter instancesSet cannot be used with the parameter maxResults');
  }
  const named = ids.length === 0 ? [...account.instances.values()] : instancesOf(account, ids);
  const { items, next } = page(filter(named).toSorted((a, b) => (a.id < b.id ? -1 : 1)));
  return {
    // Each instance of a group is a reservation of its own.
    reservationSet: items.map((instance) => ({
      reservationId: instance.id.replace(/^i/, 'r'),
      ownerId: account.accountId,
      groupSet: [],
      instancesSet: [instanceFields(account, instance)],
    })),
    nextToken: next,
  };
};

const terminate: Action = (account, parameters) => {
  const ids = parameters.texts('InstanceId');
  parameters.accept('Force', 'SkipOsShutdown').done();
  const changes = instancesOf(account, ids).map((instance) => {
    const previous = instance.state;
    shutDown(account, instance, 'Client.UserInitiatedShutdown', 'User initiated shutdown');
    const group = account.groups.get(instance.group);
    if (group?.instances.has(instance.id) === true && counts(instance) && instance.unhealthyAt === undefined)
      noticeLater(account, group, instance);
    return { instanceId: instance.id, currentState: stateFields(instance.state), previousState: stateFields(previous) };
  });
  return { instancesSet: changes };
};

function instancesOf(account: Account, ids: readonly string[]): readonly Instance[] {
  for (const id of ids) {
    if (!/^i-([0-9a-f]{8}|[0-9a-f]{17})$/.test(id)) throw new AwsError('InvalidInstanceID.Malformed', `Invalid id: "${id}"`);
  }
  const missing = ids.filter((id) => !account.instances.has(id));
  if (missing.length > 0) {
    const what = missing.length === 1 ? `ID '${missing[0]}' does` : `IDs '${missing.join(', ')}' do`;
    throw new AwsError('InvalidInstanceID.NotFound', `The instance ${what} not exist`);
  }
  return ids.flatMap((id) => account.instances.get(id) ?? []);
}

const instanceField: FilterField<Instance> = (instance, name) => {
  if (name.startsWith('tag:')) return [instance.tags[name.slice('tag:'.length)]];
  switch (name) {
    case 'instance-id':
      return [instance.id];
    case 'instance-state-name':
      return [instance.state];
    case 'instance-state-code':
      return [String(stateCodes[instance.state])];
    case 'instance-type':
      return [instance.type.name];
    case 'availability-zone':
      return [instance.zone];
    case 'subnet-id':
      return [instance.subnet];
    case 'private-dns-name':
      return [instance.dnsName];
    case 'private-ip-address':
      return [instance.ip];
    case 'image-id':
      return [instance.imageId];
    case 'instance-lifecycle':
      return [instance.market === 'spot' ? 'spot' : undefined];
    case 'tag-key':
      return Object.keys(instance.tags);
    default:
      return undefined;
  }
};

function instanceFields(account: Account, instance: Instance): XmlFields {
  const ended = isEnding(instance);
  const gone = instance.state === 'terminated';
  return {
    instanceId: instance.id,
    imageId: instance.imageId,
    instanceState: stateFields(instance.state),
    privateDnsName: gone ? '' : instance.dnsName,
    dnsName: '',
    reason: ended ? 'User initiated' : '',
    amiLaunchIndex: 0,
    productCodes: [],
    instanceType: instance.type.name,
    launchTime: new Date(instance.launchedAt),
    placement: { availabilityZone: instance.zone, groupName: '', tenancy: 'default' },
    monitoring: { state: 'disabled' },
    ...(!gone && { subnetId: instance.subnet, vpcId: account.vpcId, privateIpAddress: instance.ip }),
    stateReason: instance.stateReason,
    architecture: instance.type.arch,
    rootDeviceType: 'ebs',
    rootDeviceName: '/dev/xvda',
    blockDeviceMapping: [],
    virtualizationType: 'hvm',
    clientToken: `fleet-${instance.id}`,
    tagSet: tagSet(instance.tags),
    hypervisor: 'xen',
    instanceLifecycle: instance.market === 'spot' ? 'spot' : undefined,
    networkInterfaceSet: [],
    ebsOptimized: false,
    enaSupport: true,
  };
}

function stateFields(state: InstanceState): XmlFields {
  return { code: stateCodes[state], name: state };
}

export const instanceActions: Actions = { DescribeInstances: describe, TerminateInstances: terminate };
