import { Activity } from '../api-server/activity.ts';
import { createFaultList } from './faults.ts';
import { defineGroup } from './group-definition.ts';
import { createHandler } from './handler.ts';
import { defaultInstanceTypes } from './instance-types/table.ts';
import { listen } from './listen.ts';
import { createSdkRequestHandler } from './sdk-request-handler.ts';
import { Account } from './state/account.ts';
import { startGroupLoop } from './state/group-loop.ts';
import { groupView, instanceView } from './state/views.ts';
import type { AwsCall, AwsEndpoint, AwsEndpointOptions, AwsListener, AwsTiming } from './types.ts';

const defaultTiming: AwsTiming = {
  reaction: { min: 1000, max: 5000 },
  boot: { min: 15_000, max: 30_000 },
  shutdown: { min: 20_000, max: 40_000 },
  retry: 60_000,
  healthCheck: { min: 30_000, max: 60_000 },
  rebalance: 300_000,
  retention: 3_600_000,
};

const defaultCallLog = 10_000;

/** Makes an AWS of one region; it answers at once. Groups act on the clock until {@link AwsEndpoint.stop}. */
export function createAwsEndpoint(options: AwsEndpointOptions): AwsEndpoint {
  const { clock, random, region = 'us-east-1', callLog = defaultCallLog } = options;
  const zones = options.zones ?? ['a', 'b', 'c'].map((letter) => region + letter);
  const account = new Account({
    clock,
    random,
    region,
    zones,
    instanceTypes: options.instanceTypes ?? defaultInstanceTypes,
    timing: { ...defaultTiming, ...options.timing },
  });
  startGroupLoop(account);
  for (const [bucket, vcpus] of Object.entries(options.quotas ?? {})) account.capacity.setQuota(bucket as never, vcpus);
  for (const group of options.groups ?? []) defineGroup(account, group);

  const faults = createFaultList();
  const activity = new Activity();
  const calls: AwsCall[] = [];
  const handle = createHandler({
    account,
    clock,
    faults,
    activity,
    log: (call) => {
      calls.push(call);
      if (calls.length > callLog) calls.shift();
    },
  });
  const listeners = new Set<AwsListener>();

  return {
    region,
    zones,
    instanceTypes: account.instanceTypes,
    defineGroup: (definition) => defineGroup(account, definition),
    groups: () => [...account.groups.values()].map(groupView),
    group: (name) => {
      const group = account.groups.get(name);
      return group === undefined ? undefined : groupView(group);
    },
    instances: () => [...account.instances.values()].map(instanceView),
    instance: (id) => {
      const instance = account.instances.get(id);
      return instance === undefined ? undefined : instanceView(instance);
    },
    onInstance: (listener) => {
      account.listeners.add(listener);
      return () => void account.listeners.delete(listener);
    },
    capacity: account.capacity,
    setQuota: (bucket, vcpus) => account.capacity.setQuota(bucket, vcpus),
    faults,
    calls: () => [...calls],
    clearCalls: () => void calls.splice(0),
    handle,
    requestHandler: () => createSdkRequestHandler(handle),
    listen: async (at = {}) => {
      const listener = await listen(handle, at);
      listeners.add(listener);
      return listener;
    },
    activity: () => activity.view(),
    settle: () => activity.settle(),
    stop: async () => {
      stopTimers(account);
      await Promise.all([...listeners].map((listener) => listener.close()));
      listeners.clear();
    },
  };
}

function stopTimers(account: Account): void {
  account.stopped = true;
  account.wake = () => undefined;
  for (const group of account.groups.values()) {
    group.wake?.timer.cancel();
    group.rebalanceCheck?.cancel();
  }
  for (const { timer } of account.instances.values()) timer?.cancel();
}
