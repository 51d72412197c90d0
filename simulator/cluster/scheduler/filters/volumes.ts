import type { KubeObject, ResourceType } from '../../../../core/model/object.ts';
import { resourceTypes } from '../../../../core/model/object.ts';
import type { Registry } from '../../api-server/types.ts';
import type { NodeSelectorTerm, ResourceList } from '../../controllers/kinds.ts';
import type { NodeInfo } from '../node-info.ts';
import type { PodInfo } from '../pod-info.ts';
import { wholeUnits } from '../resources.ts';
import { compileTerms, type NodeMatcher } from './node-affinity.ts';
import { type Rejection, rejection } from './rejection.ts';

export const storageClasses: ResourceType = {
  group: 'storage.k8s.io',
  version: 'v1',
  plural: 'storageclasses',
  kind: 'StorageClass',
  namespaced: false,
};

export interface VolumeClaim extends KubeObject {
  spec?: {
    volumeName?: string;
    storageClassName?: string;
    accessModes?: string[];
    resources?: { requests?: ResourceList };
    [field: string]: unknown;
  };
}

export interface PersistentVolume extends KubeObject {
  spec?: {
    nodeAffinity?: { required?: { nodeSelectorTerms?: NodeSelectorTerm[] } };
    storageClassName?: string;
    accessModes?: string[];
    capacity?: ResourceList;
    claimRef?: { namespace?: string; name?: string; uid?: string };
    [field: string]: unknown;
  };
}

export interface StorageClass extends KubeObject {
  provisioner?: string;
  volumeBindingMode?: string;
  allowedTopologies?: { matchLabelExpressions?: { key: string; values: string[] }[] }[];
}

const conflictOfOne = rejection(
  'VolumeRestrictions',
  ['node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod'],
  false,
);
const affinityConflict = rejection('VolumeBinding', ["node(s) didn't match PersistentVolume's node affinity"], true);
const noVolume = rejection('VolumeBinding', ['node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)'], true);
const nothingToBind = rejection('VolumeBinding', ["node(s) didn't find available persistent volumes to bind"], true);
const wrongZone = rejection('VolumeZone', ['node(s) had no available volume zone'], true);

const zoneLabels = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region'] as const;

/** What one scheduling cycle knows about the pod's volumes. */
export interface VolumeState {
  /** Rejects the pod everywhere, before any node is looked at. */
  readonly everywhere: Rejection | undefined;
  /** A ReadWriteOncePod claim of the pod is used by these pods: gone once they are. */
  readonly usedBy: ReadonlySet<string>;
  readonly missingVolume: boolean;
  readonly affinities: readonly NodeMatcher[];
  readonly zones: readonly { readonly key: string; readonly values: ReadonlySet<string> }[];
  /** For claims that wait for their first consumer: where a volume exists or can be made. */
  readonly late: readonly NodeMatcher[];
  /** The claims to bind to the chosen node. */
  readonly unbound: readonly VolumeClaim[];
}

/** Who uses a claim, by `namespace/claim`: kept by the scheduler for bound pods. */
export type ClaimUsers = (claimKey: string) => Iterable<string>;

/** The state for one pod; `undefined` when it has no claims. */
export function volumeState(pod: PodInfo, registry: Registry, users: ClaimUsers): VolumeState | undefined {
  if (pod.claims.length === 0) return undefined;
  const building: Building = { usedBy: new Set(), missingVolume: false, affinities: [], zones: [], late: [], unbound: [] };
  const refusals = pod.claims.map((name) => addClaim(building, pod, name, { registry, users }));
  return { everywhere: refusals.find((refusal) => refusal !== undefined && refusal !== unboundNow) ?? refusals.find(Boolean), ...building };
}

interface Building {
  readonly usedBy: Set<string>;
  missingVolume: boolean;
  readonly affinities: NodeMatcher[];
  readonly zones: VolumeState['zones'][number][];
  readonly late: NodeMatcher[];
  readonly unbound: VolumeClaim[];
}

const unboundNow = rejection('VolumeBinding', ['pod has unbound immediate PersistentVolumeClaims'], true);

/** Takes one claim in; answers why the pod cannot go anywhere because of it. */
function addClaim(
  building: Building,
  pod: PodInfo,
  name: string,
  { registry, users }: { readonly registry: Registry; readonly users: ClaimUsers },
): Rejection | undefined {
  const claim = registry.get(resourceTypes.persistentVolumeClaims, pod.namespace, name) as VolumeClaim | undefined;
  if (claim === undefined || claim.metadata.deletionTimestamp !== undefined) {
    const problem = claim === undefined ? 'not found' : 'is being deleted';
    return rejection('VolumeBinding', [`persistentvolumeclaim "${name}" ${problem}`], true);
  }
  if (claim.spec?.accessModes?.includes('ReadWriteOncePod') === true) {
    for (const key of users(`${pod.namespace}/${name}`)) if (key !== pod.key) building.usedBy.add(key);
  }
  if ((claim.spec?.volumeName ?? '') !== '') {
    addBound(building, claim, registry);
    return undefined;
  }
  if (!waitsForConsumer(claim, registry)) return unboundNow;
  building.unbound.push(claim);
  building.late.push(placesFor(claim, registry));
  return undefined;
}

function addBound(building: Building, claim: VolumeClaim, registry: Registry): void {
  const volume = registry.get(resourceTypes.persistentVolumes, undefined, claim.spec?.volumeName ?? '') as PersistentVolume | undefined;
  if (volume === undefined) {
    building.missingVolume = true;
    return;
  }
  const terms = volume.spec?.nodeAffinity?.required?.nodeSelectorTerms;
  if (terms !== undefined) building.affinities.push(compileTerms(terms));
  for (const key of zoneLabels) {
    const value = volume.metadata.labels?.[key];
    // Several zones stand in one label, joined by two underscores.
    if (value !== undefined) building.zones.push({ key, values: new Set(value.split('__')) });
  }
}

/** The class that a claim names; the one annotated as default for a claim without. */
export function classOf(claim: VolumeClaim, registry: Registry): StorageClass | undefined {
  const name = claim.spec?.storageClassName;
  if (name === '') return undefined;
  if (name !== undefined) return registry.get(storageClasses, undefined, name) as StorageClass | undefined;
  return (registry.list(storageClasses) as readonly StorageClass[]).find(
    (candidate) => candidate.metadata.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true',
  );
}

export function waitsForConsumer(claim: VolumeClaim, registry: Registry): boolean {
  return classOf(claim, registry)?.volumeBindingMode === 'WaitForFirstConsumer';
}

/** Nodes where a claim that waits could be bound: beside a free volume that is big enough, or where its class can provision one. */
function placesFor(claim: VolumeClaim, registry: Registry): NodeMatcher {
  const volumes = (registry.list(resourceTypes.persistentVolumes) as readonly PersistentVolume[]).filter((volume) =>
    volumeSuits(volume, claim),
  );
  const reach = volumes.map((volume) => compileTermsOrAll(volume.spec?.nodeAffinity?.required?.nodeSelectorTerms));
  const storage = classOf(claim, registry);
  const provisioner = storage?.provisioner ?? '';
  if (provisioner !== '' && provisioner !== 'kubernetes.io/no-provisioner') {
    const topologies = storage?.allowedTopologies ?? [];
    reach.push(
      topologies.length === 0
        ? () => true
        : compileTerms(
            topologies.map(({ matchLabelExpressions = [] }) => ({
              matchExpressions: matchLabelExpressions.map(({ key, values }) => ({ key, operator: 'In', values })),
            })),
          ),
    );
  }
  return (node) => reach.some((matches) => matches(node));
}

function compileTermsOrAll(terms: readonly NodeSelectorTerm[] | undefined): NodeMatcher {
  return terms === undefined ? () => true : compileTerms(terms);
}

/** A volume that is free, or reserved for this very claim, of its class, with its access modes and at least its size. */
export function volumeSuits(volume: PersistentVolume, claim: VolumeClaim): boolean {
  const { accessModes = [], capacity, storageClassName = '' } = volume.spec ?? {};
  const wanted = claim.spec ?? {};
  return (
    volume.metadata.deletionTimestamp === undefined &&
    isFreeFor(volume, claim) &&
    storageClassName === (wanted.storageClassName ?? '') &&
    (wanted.accessModes ?? []).every((mode) => accessModes.includes(mode)) &&
    wholeUnits(capacity?.['storage']) >= wholeUnits(wanted.resources?.requests?.['storage'])
  );
}

function isFreeFor(volume: PersistentVolume, { metadata }: VolumeClaim): boolean {
  const reference = volume.spec?.claimRef;
  if (reference === undefined) return true;
  const same = reference.name === metadata.name && reference.namespace === metadata.namespace;
  return same && (reference.uid === undefined || reference.uid === metadata.uid);
}

/** VolumeRestrictions (ReadWriteOncePod), VolumeBinding and VolumeZone. `present` answers whether a pod still counts (preemption tries without). */
export function filterVolumes(
  state: VolumeState | undefined,
  node: NodeInfo,
  present: (podKey: string) => boolean = () => true,
): Rejection | undefined {
  if (state === undefined) return undefined;
  for (const key of state.usedBy) if (present(key)) return conflictOfOne;
  if (state.missingVolume) return noVolume;
  if (!state.affinities.every((matches) => matches(node))) return affinityConflict;
  if (!state.late.every((matches) => matches(node))) return nothingToBind;
  const zoned = zoneLabels.some((key) => node.labels[key] !== undefined);
  if (zoned && state.zones.some(({ key, values }) => !values.has(node.labels[key] ?? ''))) return wrongZone;
  return undefined;
}
