import type { NodeSelector } from '../../../../core/model/index.ts';

/** What dynamic resource allocation (resource.k8s.io/v1) says, as the filter DynamicResources reads it. Immutable; lists may come in any order. */
export interface DeviceFacts {
  /** By `namespace/name`. */
  readonly claims: ReadonlyMap<string, DeviceClaim>;
  /** Of what ResourceClaimTemplates make, by `namespace/name`. */
  readonly templates: ReadonlyMap<string, DeviceClaimSpec>;
  readonly classes: ReadonlyMap<string, DeviceClassRecord>;
  readonly slices: readonly SliceRecord[];
  /** What an expression (CEL) says of devices; the same expression answers the same whatever was asked before. */
  readonly selectorOf: (expression: string) => DeviceSelector;
}

/** A compiled expression, or why it cannot be evaluated here. */
export type DeviceSelector =
  | {
      /** Throws an `Error` with CEL's words. */
      readonly matches: (device: DeviceRecord, driver: string) => boolean;
    }
  | { readonly problem: string };

/** A DeviceClass: expressions that all have to hold. */
export interface DeviceClassRecord {
  readonly name: string;
  readonly selectors: readonly string[];
}

/** Where devices can be used: on one node, on all, on those that are selected; nowhere when nothing is said. */
export interface DeviceScope {
  readonly node: string | undefined;
  readonly allNodes: boolean;
  readonly selector: NodeSelector | undefined;
}

/** A ResourceSlice: a part of a pool of devices. */
export interface SliceRecord {
  readonly name: string;
  readonly driver: string;
  readonly pool: string;
  readonly generation: number;
  /** Slices that the pool has in this generation. */
  readonly poolSliceCount: number;
  readonly scope: DeviceScope;
  /** The devices have scopes of their own. */
  readonly scopeByDevice: boolean;
  /** What partitions of the pool take of, by set and counter, in thousandths; a slice that has some counts wherever its pool does. */
  readonly counters: CounterSets;
  readonly devices: readonly DeviceRecord[];
}

/** Amounts in thousandths, by set and counter. */
export type CounterSets = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** A value that a driver says of a device; `list` is not understood. */
export interface DeviceAttribute {
  readonly type: 'string' | 'int' | 'bool' | 'version' | 'list';
  readonly value: string | bigint | boolean;
}

export interface DeviceTaint {
  readonly key: string;
  readonly value: string;
  readonly effect: string;
}

export interface DeviceRecord {
  readonly name: string;
  /** By name, with the domain as the driver wrote it. */
  readonly attributes: ReadonlyMap<string, DeviceAttribute>;
  /** Quantities as text, by name. */
  readonly capacity: ReadonlyMap<string, string>;
  readonly taints: readonly DeviceTaint[];
  readonly scope: DeviceScope;
  /** Whoever gets it is tied to the node, whatever the scope says. */
  readonly bindsToNode: boolean;
  readonly allowMultipleAllocations: boolean;
  /** What it takes of its pool's counters: it is a partition of something. Mostly nothing. */
  readonly consumes: CounterSets;
  /** Why nobody can say here whether it is free: it is shared by parts. */
  readonly unsupported: string | undefined;
}

export interface DeviceToleration {
  readonly key: string;
  readonly operator: string;
  readonly value: string;
  readonly effect: string;
}

/** One way to meet a request. */
export interface DeviceAlternative {
  /** Of the subrequest; empty for a request that has only this way. */
  readonly name: string;
  readonly className: string;
  /** `All`: every device that matches. */
  readonly mode: 'ExactCount' | 'All';
  readonly count: number;
  /** Devices are used besides others that have them. */
  readonly adminAccess: boolean;
  readonly selectors: readonly string[];
  readonly tolerations: readonly DeviceToleration[];
}

export interface DeviceRequest {
  readonly name: string;
  /** Tried in order; the first that can be met. */
  readonly alternatives: readonly DeviceAlternative[];
}

/** All devices of the requests have the same value, or all have different ones. */
export interface DeviceConstraint {
  /** `request` or `request/subrequest`; empty: all. */
  readonly requests: readonly string[];
  /** With its domain. */
  readonly attribute: string;
  readonly distinct: boolean;
}

export interface DeviceClaimSpec {
  readonly requests: readonly DeviceRequest[];
  readonly constraints: readonly DeviceConstraint[];
  /** Why it cannot be allocated here. */
  readonly unsupported: string | undefined;
}

/** A device that a claim holds. */
export interface AllocatedDevice {
  readonly driver: string;
  readonly pool: string;
  readonly device: string;
  readonly adminAccess: boolean;
  /** Only a part of the device. */
  readonly shared: boolean;
}

/** A ResourceClaim. */
export interface DeviceClaim {
  readonly namespace: string;
  readonly name: string;
  /** Of the pod that it was made for; empty: nobody's own. */
  readonly ownerUid: string;
  readonly deleting: boolean;
  readonly spec: DeviceClaimSpec;
  /** `undefined`: not allocated. */
  readonly allocation: { readonly devices: readonly AllocatedDevice[]; readonly selector: NodeSelector | undefined } | undefined;
  /** Uids of those that use it. */
  readonly reservedFor: readonly string[];
}

/** How a device is named throughout: no two in the cluster have one name. */
export function deviceKey(driver: string, pool: string, device: string): string {
  return `${driver}/${pool}/${device}`;
}
