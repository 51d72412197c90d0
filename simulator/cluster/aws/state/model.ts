import type { Timer } from '../../../../core/model/clock.ts';
import type { InstanceType } from '../instance-types/types.ts';
import type { Requirements } from '../instance-types/requirements.ts';
import type { InstanceState, LifecycleState } from '../types.ts';

export type Market = 'on-demand' | 'spot';

/** What a group or an override names: exactly one of id and name. */
export interface TemplateReference {
  readonly id?: string;
  readonly name?: string;
  /** `$Latest`, `$Default` or a number; absent counts as `$Default`. */
  readonly version?: string;
}

export interface LaunchTemplateData {
  readonly imageId?: string;
  readonly instanceType?: string;
  readonly requirements?: Requirements;
  readonly spot?: boolean;
  readonly keyName?: string;
  readonly userData?: string;
  readonly securityGroupIds?: readonly string[];
  /** Of the instances. */
  readonly tags?: Readonly<Record<string, string>>;
}

export interface LaunchTemplateVersion {
  readonly number: number;
  readonly description?: string;
  readonly createdAt: number;
  readonly data: LaunchTemplateData;
}

export interface LaunchTemplate {
  readonly id: string;
  readonly name: string;
  readonly createdAt: number;
  defaultVersion: number;
  /** In the order of their numbers. */
  readonly versions: LaunchTemplateVersion[];
}

export interface LaunchConfiguration {
  readonly name: string;
  readonly arn: string;
  readonly imageId: string;
  readonly instanceType: string;
  readonly createdAt: number;
  readonly keyName?: string;
  readonly userData?: string;
  readonly securityGroups: readonly string[];
  readonly spotPrice?: string;
}

export interface Override {
  readonly instanceType?: string;
  readonly requirements?: Requirements;
  readonly weight?: number;
  readonly template?: TemplateReference;
}

export interface MixedInstancesPolicy {
  readonly template: TemplateReference;
  readonly overrides: readonly Override[];
  readonly onDemandAllocation: 'prioritized' | 'lowest-price';
  readonly onDemandBase: number;
  readonly onDemandPercentage: number;
  readonly spotAllocation: 'lowest-price' | 'capacity-optimized' | 'capacity-optimized-prioritized' | 'price-capacity-optimized';
  readonly spotPools?: number;
  readonly spotMaxPrice?: string;
}

/** What a group launches. */
export type LaunchSource =
  | { readonly kind: 'configuration'; readonly name: string }
  | { readonly kind: 'template'; readonly template: TemplateReference }
  | { readonly kind: 'mixed'; readonly policy: MixedInstancesPolicy };

export interface GroupTag {
  readonly key: string;
  readonly value: string;
  readonly propagate: boolean;
}

export interface Subnet {
  readonly id: string;
  readonly zone: string;
  /** The second and third byte of its addresses: `10.<net>.x`. */
  readonly net: number;
}

export interface Activity {
  readonly id: string;
  readonly group: string;
  readonly startedAt: number;
  /** Of activities that started at the same instant the later one has the higher number. */
  readonly order: number;
  description: string;
  readonly cause: string;
  readonly details: string;
  status: 'PreInService' | 'InProgress' | 'Successful' | 'Failed' | 'Cancelled';
  message?: string;
  progress: number;
  endedAt?: number;
}

export interface Instance {
  readonly id: string;
  /** Launch order, for ties. */
  readonly order: number;
  readonly type: InstanceType;
  readonly zone: string;
  readonly subnet: string;
  readonly ip: string;
  readonly dnsName: string;
  readonly imageId: string;
  readonly market: Market;
  readonly launchedAt: number;
  readonly group: string;
  readonly source: InstanceSource;
  /** What it counts against the desired capacity. */
  readonly weight: number;
  /** Whether its type has a weight of its own in the policy: then it is shown. */
  readonly weighted: boolean;
  readonly tags: Record<string, string>;
  state: InstanceState;
  lifecycle: LifecycleState;
  health: 'Healthy' | 'Unhealthy';
  protectedFromScaleIn: boolean;
  /** When its group takes it for unhealthy. */
  unhealthyAt?: number;
  /** What moves it to its next state. */
  timer?: Timer;
  /** Its launch until it is in service, then its termination. */
  activity?: Activity;
  /** EC2's code and words for the last change of its state. */
  stateReason?: { readonly code: string; readonly message: string };
}

/** By what an instance was made: how DescribeAutoScalingGroups names it. */
export type InstanceSource =
  | { readonly kind: 'configuration'; readonly name: string }
  | { readonly kind: 'template'; readonly id: string; readonly name: string; readonly version: number };

export interface Group {
  readonly name: string;
  readonly arn: string;
  readonly createdAt: number;
  source: LaunchSource;
  minSize: number;
  maxSize: number;
  desired: number;
  /** Zones and, for each, its subnet. */
  subnets: readonly Subnet[];
  /** Whether the group was given subnets rather than zones; then it shows VPCZoneIdentifier. */
  bySubnets: boolean;
  cooldownSeconds: number;
  healthCheckType: string;
  healthCheckGraceSeconds: number;
  terminationPolicies: readonly string[];
  newInstancesProtected: boolean;
  capacityRebalance: boolean;
  readonly tags: Map<string, GroupTag>;
  readonly suspended: Map<string, string>;
  /** Instances that the group lists, oldest first. */
  readonly instances: Map<string, Instance>;
  /** Oldest first. */
  readonly activities: Activity[];
  /** Being deleted: goes when its last instance has gone. */
  deleting: boolean;
  /** The reason of the last change of the desired capacity, with its time: the beginning of the cause of what follows. */
  cause: string;
  cooldownUntil: number;
  /** Nothing is launched or taken out before: AWS takes a while to react, and longer after a launch that failed. */
  actAt: number;
  /** An instance that was launched to balance the zones and is not in service yet. */
  rebalancing?: Instance;
  wake?: { readonly at: number; readonly timer: Timer };
  rebalanceCheck?: Timer;
}

/** Whether the instance counts towards the desired capacity. */
export function counts(instance: Instance): boolean {
  return instance.lifecycle === 'Pending' || instance.lifecycle === 'InService';
}
