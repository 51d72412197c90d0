import type { AutoScalingGroup, AutoScalingInstanceDetails } from '@aws-sdk/client-auto-scaling';
import { sleep, type Clock } from '../../../core/model/clock.ts';
import { defaultInstanceTypes, type GroupView, type InstanceEvent, type InstanceView } from '../../../simulator/cluster/aws/index.ts';
import type { InstanceNodesOptions } from '../../../simulator/cluster/aws/instance-nodes.ts';
import type { AwsAdministrator } from './moto-groups.ts';

/** An AWS that is looked at through its API, as `createInstanceNodes` wants to see it. */
export interface PolledInstances {
  readonly aws: InstanceNodesOptions['aws'];
  /** Looks every so often from now on. */
  start(everyMs: number): void;
  stop(): Promise<void>;
}

type Lifecycle = InstanceView['lifecycle'];

const ec2States: Readonly<Record<Lifecycle, InstanceView['state']>> = {
  Pending: 'pending',
  InService: 'running',
  Terminating: 'shutting-down',
  Terminated: 'terminated',
};

/** Sees what DescribeAutoScalingInstances lists; what is listed no more has ended. */
export function pollInstances({ autoScaling }: Pick<AwsAdministrator, 'autoScaling'>, clock: Clock): PolledInstances {
  const instances = new Map<string, InstanceView>();
  const groups = new Map<string, GroupView>();
  const listeners = new Set<(event: InstanceEvent) => void>();
  const abort = new AbortController();
  let looking: Promise<void> = Promise.resolve();

  const note = (instance: InstanceView): void => {
    const before = instances.get(instance.id);
    instances.set(instance.id, instance);
    if (before?.state === instance.state) return;
    for (const listener of listeners) listener({ type: instance.state, instance });
  };
  const noteListed = (listed: AutoScalingInstanceDetails): void => {
    const { InstanceId: id = '', AutoScalingGroupName: group = '', LifecycleState: state } = listed;
    const lifecycle: Lifecycle = state === 'InService' || state === 'Pending' ? state : 'Terminating';
    const known =
      instances.get(id) ?? newInstance(listed, { number: instances.size, launchedAt: clock.now(), tags: groups.get(group)?.tags ?? {} });
    note({ ...known, lifecycle, state: ec2States[lifecycle] });
  };
  const look = async (): Promise<void> => {
    const [{ AutoScalingInstances = [] }, { AutoScalingGroups = [] }] = await Promise.all([
      autoScaling.describeAutoScalingInstances({}),
      autoScaling.describeAutoScalingGroups({}),
    ]);
    groups.clear();
    for (const group of AutoScalingGroups.map(groupView)) groups.set(group.name, group);
    for (const listed of AutoScalingInstances) noteListed(listed);
    const ids = new Set(AutoScalingInstances.map(({ InstanceId }) => InstanceId));
    for (const instance of instances.values()) {
      if (ids.has(instance.id) || instance.lifecycle === 'Terminated') continue;
      for (const lifecycle of ['Terminating', 'Terminated'] as const) note({ ...instance, lifecycle, state: ec2States[lifecycle] });
    }
  };

  return {
    aws: {
      instances: () => [...instances.values()],
      instance: (id) => instances.get(id),
      group: (name) => groups.get(name),
      onInstance: (listener) => {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    },
    start: (everyMs) => {
      looking = (async () => {
        while (await sleep(clock, everyMs, abort.signal)) await look();
      })();
    },
    stop: async () => {
      abort.abort();
      await looking;
    },
  };
}

function newInstance(
  {
    InstanceId: id = '',
    InstanceType: typeName,
    AvailabilityZone: zone = '',
    AutoScalingGroupName: group = '',
  }: AutoScalingInstanceDetails,
  { number, launchedAt, tags }: { readonly number: number; readonly launchedAt: number; readonly tags: InstanceView['tags'] },
): InstanceView {
  const type = defaultInstanceTypes.find(({ name }) => name === typeName);
  if (type === undefined) throw new Error(`instance ${id} has the type ${typeName}, which nobody knows`);
  // Nobody else gives addresses here, and those of the emulator may be anything.
  const last = [Math.floor(number / 250), (number % 250) + 4];
  return {
    id,
    type,
    zone,
    subnet: '',
    privateIp: `10.1.${last.join('.')}`,
    privateDnsName: `ip-10-1-${last.join('-')}.ec2.internal`,
    imageId: '',
    state: 'pending',
    market: 'on-demand',
    launchedAt,
    group,
    lifecycle: 'Pending',
    health: 'Healthy',
    tags,
  };
}

function groupView({ AutoScalingGroupName: name = '', ...of }: AutoScalingGroup): GroupView {
  return {
    name,
    tags: Object.fromEntries((of.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value])),
    minSize: of.MinSize ?? 0,
    maxSize: of.MaxSize ?? 0,
    desiredCapacity: of.DesiredCapacity ?? 0,
    zones: of.AvailabilityZones ?? [],
    suspendedProcesses: [],
    instances: [],
    activities: [],
  };
}
