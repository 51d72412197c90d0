import type { ActivitySummary, GroupView, InstanceView } from '../types.ts';
import type { Activity, Group, Instance } from './model.ts';

export function instanceView(instance: Instance): InstanceView {
  const { id, type, zone, subnet, dnsName, ip, imageId, state, market, launchedAt, group, lifecycle, health, tags } = instance;
  return {
    id,
    type,
    zone,
    subnet,
    privateDnsName: dnsName,
    privateIp: ip,
    imageId,
    state,
    market,
    launchedAt,
    group,
    lifecycle,
    health,
    tags: { ...tags },
  };
}

export function groupView(group: Group): GroupView {
  return {
    name: group.name,
    minSize: group.minSize,
    maxSize: group.maxSize,
    desiredCapacity: group.desired,
    zones: group.subnets.map(({ zone }) => zone),
    tags: Object.fromEntries([...group.tags.values()].map(({ key, value }) => [key, value])),
    suspendedProcesses: [...group.suspended.keys()],
    instances: [...group.instances.values()].map(instanceView),
    activities: group.activities.toReversed().map(activitySummary),
  };
}

function activitySummary({ id, status, description, cause, message, startedAt, endedAt }: Activity): ActivitySummary {
  return {
    id,
    status,
    description,
    cause,
    startedAt,
    ...(message !== undefined && { message }),
    ...(endedAt !== undefined && { endedAt }),
  };
}
