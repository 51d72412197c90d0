import type { KubeObject, NodeSelector } from '../../../../core/model/index.ts';
import { tryParseMilli } from '../../../../core/units/index.ts';
import type {
  AllocatedDevice,
  CounterSets,
  DeviceAlternative,
  DeviceAttribute,
  DeviceClaim,
  DeviceClaimSpec,
  DeviceClassRecord,
  DeviceConstraint,
  DeviceRecord,
  DeviceRequest,
  DeviceScope,
  DeviceTaint,
  DeviceToleration,
  SliceRecord,
} from './model.ts';

type Absent = null | undefined;

interface RawScope {
  readonly nodeName?: string | Absent;
  readonly allNodes?: boolean | Absent;
  readonly nodeSelector?: NodeSelector | Absent;
}

interface RawAttribute {
  readonly string?: string;
  readonly int?: number;
  readonly bool?: boolean;
  readonly version?: string;
}

type RawCounters = Readonly<Record<string, { readonly value?: unknown }>> | Absent;

interface RawDevice extends RawScope {
  readonly name: string;
  readonly attributes?: Readonly<Record<string, RawAttribute>> | Absent;
  readonly capacity?: Readonly<Record<string, { readonly value?: string | number }>> | Absent;
  readonly taints?: readonly Partial<DeviceTaint>[] | Absent;
  readonly consumesCounters?: readonly { readonly counterSet?: string; readonly counters?: RawCounters }[] | Absent;
  readonly bindsToNode?: boolean | Absent;
  readonly allowMultipleAllocations?: boolean | Absent;
}

interface RawSliceSpec extends RawScope {
  readonly driver?: string;
  readonly pool?: { readonly name?: string; readonly generation?: number; readonly resourceSliceCount?: number };
  readonly perDeviceNodeSelection?: boolean | Absent;
  readonly sharedCounters?: readonly { readonly name?: string; readonly counters?: RawCounters }[] | Absent;
  readonly devices?: readonly RawDevice[] | Absent;
}

/** A ResourceSlice. */
export function projectSlice({ metadata, spec }: KubeObject): SliceRecord {
  const raw = (spec ?? {}) as RawSliceSpec;
  return {
    name: metadata.name,
    driver: raw.driver ?? '',
    pool: raw.pool?.name ?? '',
    generation: raw.pool?.generation ?? 0,
    poolSliceCount: raw.pool?.resourceSliceCount ?? 1,
    scope: scopeOf(raw),
    scopeByDevice: raw.perDeviceNodeSelection === true,
    counters: countersIn((raw.sharedCounters ?? []).map(({ name = '', counters }) => [name, counters])),
    devices: (raw.devices ?? []).map(projectDevice),
  };
}

function scopeOf({ nodeName, allNodes, nodeSelector }: RawScope): DeviceScope {
  return { node: nodeName ?? undefined, allNodes: allNodes === true, selector: nodeSelector ?? undefined };
}

function projectDevice(raw: RawDevice): DeviceRecord {
  const shared = raw.allowMultipleAllocations === true;
  return {
    name: raw.name,
    attributes: new Map(Object.entries(raw.attributes ?? {}).map(([name, value]) => [name, projectAttribute(value)])),
    capacity: new Map(Object.entries(raw.capacity ?? {}).map(([name, { value }]) => [name, String(value ?? '0')])),
    taints: (raw.taints ?? []).map(({ key = '', value = '', effect = '' }) => ({ key, value, effect })),
    scope: scopeOf(raw),
    bindsToNode: raw.bindsToNode === true,
    allowMultipleAllocations: shared,
    consumes: countersIn((raw.consumesCounters ?? []).map(({ counterSet = '', counters }) => [counterSet, counters])),
    unsupported: shared ? `device ${raw.name} is shared by parts (allowMultipleAllocations)` : undefined,
  };
}

const noCounters: CounterSets = new Map();

/** An amount that cannot be read is more than there is of anything. */
function countersIn(sets: readonly (readonly [string, RawCounters])[]): CounterSets {
  if (sets.length === 0) return noCounters;
  return new Map(
    sets.map(([name, counters]) => [
      name,
      new Map(Object.entries(counters ?? {}).map(([counter, { value }]) => [counter, tryParseMilli(value) ?? Number.POSITIVE_INFINITY])),
    ]),
  );
}

function projectAttribute({ string, int, bool, version }: RawAttribute): DeviceAttribute {
  if (int !== undefined) return { type: 'int', value: BigInt(int) };
  if (bool !== undefined) return { type: 'bool', value: bool };
  if (string !== undefined) return { type: 'string', value: string };
  if (version !== undefined) return { type: 'version', value: version };
  return { type: 'list', value: '' };
}

type RawSelectors = readonly { readonly cel?: { readonly expression?: string } | Absent }[] | Absent;

/** A DeviceClass. */
export function projectDeviceClass({ metadata, spec }: KubeObject): DeviceClassRecord {
  const { selectors } = (spec ?? {}) as { readonly selectors?: RawSelectors };
  return { name: metadata.name, selectors: expressionsIn(selectors) };
}

/** A selector of a kind that is not known is an empty expression, which nobody can evaluate. */
function expressionsIn(selectors: RawSelectors): readonly string[] {
  return (selectors ?? []).map(({ cel }) => cel?.expression ?? '');
}

interface RawAlternative {
  readonly name?: string;
  readonly deviceClassName?: string;
  readonly selectors?: RawSelectors;
  readonly allocationMode?: string;
  readonly count?: number;
  readonly adminAccess?: boolean | Absent;
  readonly tolerations?: readonly Partial<DeviceToleration>[] | Absent;
  readonly capacity?: object | Absent;
}

interface RawRequest {
  readonly name: string;
  readonly exactly?: RawAlternative | Absent;
  readonly firstAvailable?: readonly RawAlternative[] | Absent;
}

interface RawClaimSpec {
  readonly devices?: {
    readonly requests?: readonly RawRequest[] | Absent;
    readonly constraints?:
      | readonly {
          readonly requests?: readonly string[] | Absent;
          readonly matchAttribute?: string | Absent;
          readonly distinctAttribute?: string | Absent;
        }[]
      | Absent;
  };
}

/** The spec of a ResourceClaim, also of one that a ResourceClaimTemplate makes. */
export function projectClaimSpec(spec: unknown): DeviceClaimSpec {
  const { devices } = (spec ?? {}) as RawClaimSpec;
  const requests = devices?.requests ?? [];
  const constraints = devices?.constraints ?? [];
  return {
    requests: requests.map(projectRequest),
    constraints: constraints.map(({ requests: of, matchAttribute, distinctAttribute }): DeviceConstraint => ({
      requests: of ?? [],
      attribute: matchAttribute ?? distinctAttribute ?? '',
      distinct: (matchAttribute ?? undefined) === undefined,
    })),
    unsupported:
      firstOf(requests.map(unsupportedRequest)) ??
      (constraints.some(({ matchAttribute, distinctAttribute }) => (matchAttribute ?? distinctAttribute ?? '') === '')
        ? 'a constraint is of a kind that is not known'
        : undefined),
  };
}

function firstOf(texts: readonly (string | undefined)[]): string | undefined {
  return texts.find((text) => text !== undefined);
}

function waysOf({ exactly, firstAvailable }: RawRequest): readonly RawAlternative[] {
  return exactly === undefined || exactly === null ? (firstAvailable ?? []) : [exactly];
}

function projectRequest(raw: RawRequest): DeviceRequest {
  const single = raw.exactly !== undefined && raw.exactly !== null;
  return {
    name: raw.name,
    alternatives: waysOf(raw).map((way): DeviceAlternative => ({
      name: single ? '' : (way.name ?? ''),
      className: way.deviceClassName ?? '',
      mode: way.allocationMode === 'All' ? 'All' : 'ExactCount',
      count: way.count ?? 1,
      adminAccess: way.adminAccess === true,
      selectors: expressionsIn(way.selectors),
      tolerations: (way.tolerations ?? []).map(({ key = '', operator = '', value = '', effect = '' }) => ({
        key,
        operator,
        value,
        effect,
      })),
    })),
  };
}

const knownModes: readonly (string | undefined)[] = [undefined, '', 'ExactCount', 'All'];

function unsupportedRequest(raw: RawRequest): string | undefined {
  const ways = waysOf(raw);
  if (ways.length === 0) return `request ${raw.name} is of a kind that is not known`;
  const mode = ways.map(({ allocationMode }) => allocationMode).find((each) => !knownModes.includes(each));
  if (mode !== undefined) return `request ${raw.name} has allocationMode ${mode}`;
  return ways.some(({ capacity }) => capacity !== undefined && capacity !== null)
    ? `request ${raw.name} asks for a part of a device (capacity)`
    : undefined;
}

interface RawResult {
  readonly driver?: string;
  readonly pool?: string;
  readonly device?: string;
  readonly adminAccess?: boolean | Absent;
  readonly shareID?: string | Absent;
}

interface RawClaimStatus {
  readonly allocation?:
    { readonly devices?: { readonly results?: readonly RawResult[] | Absent }; readonly nodeSelector?: NodeSelector | Absent } | Absent;
  readonly reservedFor?: readonly { readonly uid?: string }[] | Absent;
}

/** A ResourceClaim. */
export function projectResourceClaim({ metadata, spec, status }: KubeObject): DeviceClaim {
  const { allocation, reservedFor } = (status ?? {}) as RawClaimStatus;
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    ownerUid: owner?.kind === 'Pod' ? owner.uid : '',
    deleting: metadata.deletionTimestamp !== undefined,
    spec: projectClaimSpec(spec),
    allocation:
      allocation === undefined || allocation === null
        ? undefined
        : { devices: (allocation.devices?.results ?? []).map(projectResult), selector: allocation.nodeSelector ?? undefined },
    reservedFor: (reservedFor ?? []).map(({ uid }) => uid ?? ''),
  };
}

function projectResult({ driver = '', pool = '', device = '', adminAccess, shareID }: RawResult): AllocatedDevice {
  return { driver, pool, device, adminAccess: adminAccess === true, shared: shareID !== undefined && shareID !== null };
}

/** What a ResourceClaimTemplate makes, under `namespace/name`. */
export function projectClaimTemplate({ metadata, spec }: KubeObject): { readonly key: string; readonly spec: DeviceClaimSpec } {
  return {
    key: `${metadata.namespace ?? ''}/${metadata.name}`,
    spec: projectClaimSpec((spec as { readonly spec?: unknown } | Absent)?.spec),
  };
}
