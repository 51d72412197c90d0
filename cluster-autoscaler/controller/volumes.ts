import type { KubeObject, NodeSelector, NodeSelectorTerm } from '../../core/model/index.ts';
import type { VolumeFacts } from '../engine/loop/model.ts';
import type { ClaimFacts } from '../engine/scheduling/snapshot.ts';
import type { ListSource } from './ports.ts';

export type { VolumeFacts } from '../engine/loop/model.ts';

/** Live copies of what volumes are known by. */
export interface VolumeReads {
  readonly claims: ListSource<ClaimRecord>;
  readonly volumes: ListSource<VolumeRecord>;
  readonly classes: ListSource<ClassRecord>;
  readonly drivers: ListSource<DriverRecord>;
}

/** A PersistentVolumeClaim. */
export interface ClaimRecord {
  /** `namespace/name`. */
  readonly key: string;
  /** Name of the volume that it is bound to; empty: none. */
  readonly volume: string;
  /** Absent: the default class of the cluster. */
  readonly className: string | undefined;
  readonly exclusive: boolean;
}

/** A PersistentVolume. */
export interface VolumeRecord {
  readonly name: string;
  readonly nodeAffinity: NodeSelector | undefined;
  readonly zones: readonly string[] | undefined;
  readonly regions: readonly string[] | undefined;
  readonly driver: string | undefined;
}

/** A StorageClass. */
export interface ClassRecord {
  readonly name: string;
  readonly isDefault: boolean;
  /** The volume is made when a pod that uses it has a node. */
  readonly waits: boolean;
  readonly allowedTopologies: NodeSelector | undefined;
  readonly provisioner: string;
}

/** A CSINode: how many volumes of each driver its node takes. */
export interface DriverRecord {
  readonly node: string;
  readonly limits: ReadonlyMap<string, number>;
}

interface RawClaimSpec {
  readonly volumeName?: string | null;
  readonly storageClassName?: string | null;
  readonly accessModes?: readonly string[] | null;
}

export function projectClaim({ metadata, spec, status }: KubeObject): ClaimRecord {
  const { volumeName, storageClassName, accessModes } = (spec ?? {}) as RawClaimSpec;
  const { phase } = (status ?? {}) as { readonly phase?: string };
  return {
    key: `${metadata.namespace ?? ''}/${metadata.name}`,
    // A claim that names a volume is not bound before both sides say so.
    volume: phase === undefined || phase === 'Bound' ? (volumeName ?? '') : '',
    className: storageClassName ?? metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? undefined,
    exclusive: accessModes?.includes('ReadWriteOncePod') === true,
  };
}

interface RawVolumeSpec {
  readonly nodeAffinity?: { readonly required?: NodeSelector | null } | null;
  readonly csi?: { readonly driver?: string } | null;
}

export function projectVolume({ metadata, spec }: KubeObject): VolumeRecord {
  const { nodeAffinity, csi } = (spec ?? {}) as RawVolumeSpec;
  const { labels = {} } = metadata;
  return {
    name: metadata.name,
    nodeAffinity: nodeAffinity?.required ?? undefined,
    zones: placesIn(labels['topology.kubernetes.io/zone'] ?? labels['failure-domain.beta.kubernetes.io/zone']),
    regions: placesIn(labels['topology.kubernetes.io/region'] ?? labels['failure-domain.beta.kubernetes.io/region']),
    driver: csi?.driver,
  };
}

/** Several are joined by two underscores. */
function placesIn(label: string | undefined): readonly string[] | undefined {
  return label === undefined ? undefined : label.split('__');
}

interface RawClass {
  readonly volumeBindingMode?: string;
  readonly provisioner?: string;
  readonly allowedTopologies?:
    readonly { readonly matchLabelExpressions?: readonly { readonly key: string; readonly values: readonly string[] }[] | null }[] | null;
}

export function projectClass(raw: KubeObject): ClassRecord {
  const { metadata } = raw;
  const { volumeBindingMode, provisioner = '', allowedTopologies } = raw as unknown as RawClass;
  const terms = (allowedTopologies ?? []).map(({ matchLabelExpressions }): NodeSelectorTerm => ({
    matchExpressions: (matchLabelExpressions ?? []).map(({ key, values }) => ({ key, operator: 'In', values: [...values] })),
  }));
  return {
    name: metadata.name,
    isDefault: metadata.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true',
    waits: volumeBindingMode === 'WaitForFirstConsumer',
    allowedTopologies: terms.length === 0 ? undefined : { nodeSelectorTerms: terms },
    provisioner,
  };
}

interface RawCsiNodeSpec {
  readonly drivers?: readonly { readonly name: string; readonly allocatable?: { readonly count?: number | null } | null }[] | null;
}

export function projectDrivers({ metadata, spec }: KubeObject): DriverRecord {
  const { drivers } = (spec ?? {}) as RawCsiNodeSpec;
  const limits = (drivers ?? []).flatMap(({ name, allocatable }) => {
    const count = allocatable?.count;
    return count === undefined || count === null ? [] : [[name, count] as const];
  });
  return { node: metadata.name, limits: new Map(limits) };
}

/** What the filters of volumes go by. Without a pod that has a claim nothing is put together. */
export function volumeFacts(reads: VolumeReads | undefined, wanted: boolean): VolumeFacts | undefined {
  if (reads === undefined || !wanted) return undefined;
  const volumes = new Map(reads.volumes.items().map((volume) => [volume.name, volume]));
  const classes = new Map(reads.classes.items().map((each) => [each.name, each]));
  const standard = [...classes.values()].filter(({ isDefault }) => isDefault).toSorted((a, b) => (a.name < b.name ? 1 : -1))[0];
  const classOf = (name: string | undefined): ClassRecord | undefined => (name === undefined ? standard : classes.get(name));
  return {
    claims: new Map(
      reads.claims.items().map((claim) => [claim.key, claimFacts(claim, volumes.get(claim.volume), classOf(claim.className))]),
    ),
    attachLimits: new Map(reads.drivers.items().map(({ node, limits }) => [node, limits])),
  };
}

function claimFacts({ volume: name, exclusive }: ClaimRecord, volume: VolumeRecord | undefined, own: ClassRecord | undefined): ClaimFacts {
  if (name !== '' && volume !== undefined) {
    const { nodeAffinity, zones, regions, driver } = volume;
    return { bound: true, nodeAffinity, zones, regions, driver, exclusive };
  }
  // A volume that is named and not seen yet, or a class that is none: whoever binds it has to act first.
  const waits = name === '' && own?.waits === true;
  return {
    bound: false,
    exclusive,
    driver: own?.provisioner,
    waitsForBinder: !waits,
    ...(waits && own.allowedTopologies !== undefined ? { allowedTopologies: own.allowedTopologies } : {}),
  };
}
