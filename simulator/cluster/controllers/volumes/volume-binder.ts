import { type KubeObject, resourceTypes } from '../../../../core/model/object.ts';
import {
  classOf,
  type PersistentVolume,
  type StorageClass,
  storageClasses,
  type VolumeClaim,
  volumeSuits,
  waitsForConsumer,
} from '../../scheduler/filters/volumes.ts';
import { wholeUnits } from '../../scheduler/resources.ts';
import { keyOf, type Pod, splitKey, uidOf } from '../kinds.ts';
import { ignoreNotFound, isAlreadyExists } from '../runtime/api-errors.ts';
import { type ControllerContext, recorderFor, type RunningController } from '../runtime/controller.ts';
import { createKeyedQueue } from '../runtime/keyed-queue.ts';

const selectedNode = 'volume.kubernetes.io/selected-node';
const zoneLabel = 'topology.kubernetes.io/zone';
/** The class that a cluster without any gets, so that claims bind as they do on a development cluster. */
const defaultClass: KubeObject = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: 'standard', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
  provisioner: 'concertina.dev/embedded',
  reclaimPolicy: 'Delete',
  volumeBindingMode: 'WaitForFirstConsumer',
};

export interface VolumeOptions {
  /** Create the class `standard` when the cluster has no StorageClass at all; default true. */
  readonly defaultStorageClass?: boolean | undefined;
}

/** Binds PersistentVolumeClaims: to a volume that fits, or to one that it makes at once in the name of the class's provisioner. */
export function startVolumeController(context: ControllerContext, options: VolumeOptions = {}): RunningController {
  const { registry, clock } = context;
  const type = resourceTypes.persistentVolumeClaims;
  const events = recorderFor(context, 'persistentvolume-controller');
  const onError = (key: string, error: unknown): void => context.onError('volumes', key, error);

  const reconcile = async (key: string): Promise<undefined> => {
    const { namespace, name } = splitKey(key);
    const claim = registry.get(type, namespace, name) as VolumeClaim | undefined;
    if (claim === undefined || claim.metadata.deletionTimestamp !== undefined) return undefined;
    const bound = claim.spec?.volumeName ?? '';
    if (bound !== '') {
      await completeBinding(claim, bound);
      return undefined;
    }
    const node = claim.metadata.annotations?.[selectedNode];
    const wanted = await withDefaultClass(claim);
    if (waitsForConsumer(wanted, registry) && node === undefined) {
      events.record(claim, 'Normal', 'WaitForFirstConsumer', 'waiting for first consumer to be created before binding');
      return undefined;
    }
    const volume = findVolume(wanted) ?? (await provision(wanted, node));
    if (volume !== undefined) await bind(wanted, volume);
    return undefined;
  };

  /** A claim without a class gets the cluster's default. */
  const withDefaultClass = async (claim: VolumeClaim): Promise<VolumeClaim> => {
    const storage = claim.spec?.storageClassName === undefined ? classOf(claim, registry) : undefined;
    if (storage === undefined) return claim;
    const stored = await registry.mutate(type, claim.metadata.namespace, claim.metadata.name, (object) => ({
      ...object,
      spec: { ...(object as VolumeClaim).spec, storageClassName: storage.metadata.name },
    }));
    return (stored as VolumeClaim | undefined) ?? claim;
  };

  /** The smallest volume that is free and fits. */
  const findVolume = (claim: VolumeClaim): PersistentVolume | undefined =>
    (registry.list(resourceTypes.persistentVolumes) as readonly PersistentVolume[])
      .filter((volume) => volumeSuits(volume, claim))
      .sort((a, b) => wholeUnits(a.spec?.capacity?.['storage']) - wholeUnits(b.spec?.capacity?.['storage']))[0];

  const provision = async (claim: VolumeClaim, node: string | undefined): Promise<PersistentVolume | undefined> => {
    const storage = classOf(claim, registry);
    if (storage?.provisioner === undefined || storage.provisioner === 'kubernetes.io/no-provisioner') return undefined;
    const name = `pvc-${uidOf(claim)}`;
    try {
      const created = await registry.create(resourceTypes.persistentVolumes, volumeFor(claim, storage, name, zoneOf(node)));
      events.record(claim, 'Normal', 'ProvisioningSucceeded', `Successfully provisioned volume ${name}`);
      return created as PersistentVolume;
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      return registry.get(resourceTypes.persistentVolumes, undefined, name) as PersistentVolume | undefined;
    }
  };

  const zoneOf = (node: string | undefined): string | undefined =>
    node === undefined ? undefined : registry.get(resourceTypes.nodes, undefined, node)?.metadata.labels?.[zoneLabel];

  const bind = async (claim: VolumeClaim, volume: PersistentVolume): Promise<void> => {
    const { name } = volume.metadata;
    await registry.mutate(resourceTypes.persistentVolumes, undefined, name, (object) => ({
      ...object,
      spec: { ...(object as PersistentVolume).spec, claimRef: referenceTo(claim) },
    }));
    await registry.mutate(type, claim.metadata.namespace, claim.metadata.name, (object) => ({
      ...object,
      spec: { ...(object as VolumeClaim).spec, volumeName: name },
    }));
    await completeBinding(claim, name);
  };

  const completeBinding = async (claim: VolumeClaim, name: string): Promise<void> => {
    const volume = registry.get(resourceTypes.persistentVolumes, undefined, name) as PersistentVolume | undefined;
    if (volume === undefined) {
      await setPhase(claim, 'Lost', undefined);
      return;
    }
    await registry.mutate(
      resourceTypes.persistentVolumes,
      undefined,
      name,
      (object) => (phaseOf(object) === 'Bound' ? object : { ...object, status: { ...(object.status as object), phase: 'Bound' } }),
      { subresource: 'status' },
    );
    await setPhase(claim, 'Bound', volume);
  };

  const setPhase = async (claim: VolumeClaim, phase: string, volume: PersistentVolume | undefined): Promise<void> => {
    const figures = volume === undefined ? {} : { accessModes: volume.spec?.accessModes, capacity: volume.spec?.capacity };
    await registry.mutate(
      type,
      claim.metadata.namespace,
      claim.metadata.name,
      (object) => (phaseOf(object) === phase ? object : { ...object, status: { ...(object.status as object), phase, ...figures } }),
      { subresource: 'status' },
    );
  };

  /** A volume whose claim is gone goes too, or is kept as Released, by its reclaim policy. */
  const reclaim = async (name: string): Promise<undefined> => {
    const volume = registry.get(resourceTypes.persistentVolumes, undefined, name) as PersistentVolume | undefined;
    const reference = volume?.spec?.claimRef;
    if (volume === undefined || reference?.uid === undefined) return undefined;
    const claim = registry.get(type, reference.namespace, reference.name ?? '');
    if (claim?.metadata.uid === reference.uid) return undefined;
    if (volume.spec?.['persistentVolumeReclaimPolicy'] === 'Delete') {
      await ignoreNotFound(registry.delete(resourceTypes.persistentVolumes, undefined, name));
      return undefined;
    }
    const released = (object: KubeObject): KubeObject =>
      phaseOf(object) === 'Released' ? object : { ...object, status: { ...(object.status as object), phase: 'Released' } };
    await registry.mutate(resourceTypes.persistentVolumes, undefined, name, released, { subresource: 'status' });
    return undefined;
  };

  /** Claims of generic ephemeral volumes. */
  const makeEphemeral = async (key: string): Promise<undefined> => {
    const { namespace, name } = splitKey(key);
    const pod = registry.get(resourceTypes.pods, namespace, name) as Pod | undefined;
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) return undefined;
    for (const volume of pod.spec.volumes ?? []) {
      const template = volume.ephemeral?.volumeClaimTemplate as { metadata?: object; spec?: unknown } | undefined;
      const claim = `${name}-${volume.name}`;
      if (template === undefined || registry.get(type, namespace, claim) !== undefined) continue;
      const owner = { apiVersion: 'v1', kind: 'Pod', name, uid: uidOf(pod), controller: true, blockOwnerDeletion: true };
      await registry.create(type, {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { ...template.metadata, name: claim, namespace, ownerReferences: [owner] },
        spec: template.spec,
      });
    }
    return undefined;
  };

  const addDefaultClass = async (): Promise<undefined> => {
    if (registry.list(storageClasses).length === 0) await registry.create(storageClasses, defaultClass);
    return undefined;
  };

  const claims = createKeyedQueue({ clock, reconcile, onError });
  const volumes = createKeyedQueue({ clock, reconcile: reclaim, onError });
  const pods = createKeyedQueue({ clock, reconcile: makeEphemeral, onError });
  const setUp = createKeyedQueue({ clock, reconcile: addDefaultClass, onError });
  if (options.defaultStorageClass !== false) setUp.add('class');
  const retryClaims = (): void => {
    for (const claim of registry.list(type) as readonly VolumeClaim[]) if ((claim.spec?.volumeName ?? '') === '') claims.add(keyOf(claim));
  };
  const ends = [
    registry.watch(type, (event) => {
      const claim = event.object as VolumeClaim;
      if (event.type !== 'DELETED') claims.add(keyOf(claim));
      else if ((claim.spec?.volumeName ?? '') !== '') volumes.add(claim.spec?.volumeName ?? '');
    }),
    registry.watch(resourceTypes.persistentVolumes, (event) => {
      if (event.type !== 'DELETED') volumes.add(event.object.metadata.name);
      if ((event.object as PersistentVolume).spec?.claimRef === undefined) retryClaims();
    }),
    registry.watch(storageClasses, retryClaims),
  ];
  context.pods.subscribe((change, pod) => {
    if (change === 'ADDED' && pod.spec.volumes?.some((volume) => volume.ephemeral !== undefined) === true) pods.add(keyOf(pod));
  });
  return {
    stop: () => {
      for (const end of ends) end();
      for (const queue of [claims, volumes, pods, setUp]) queue.stop();
    },
    idle: () => [claims, volumes, pods, setUp].every((queue) => queue.idle()) && events.idle(),
  };
}

function phaseOf(object: KubeObject): string | undefined {
  return (object.status as { phase?: string } | undefined)?.phase;
}

function referenceTo(claim: VolumeClaim): Record<string, unknown> {
  const { namespace, name, uid } = claim.metadata;
  return { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid };
}

function volumeFor(claim: VolumeClaim, storage: StorageClass, name: string, zone: string | undefined): KubeObject {
  const policy = storage['reclaimPolicy'];
  const term = { matchExpressions: [{ key: zoneLabel, operator: 'In', values: [zone ?? ''] }] };
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name, annotations: { 'pv.kubernetes.io/provisioned-by': storage.provisioner ?? '' } },
    spec: {
      capacity: { storage: claim.spec?.resources?.requests?.['storage'] ?? '1Gi' },
      accessModes: claim.spec?.accessModes ?? ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: typeof policy === 'string' ? policy : 'Delete',
      storageClassName: storage.metadata.name,
      volumeMode: claim.spec?.['volumeMode'] ?? 'Filesystem',
      claimRef: referenceTo(claim),
      csi: { driver: storage.provisioner ?? '', volumeHandle: name },
      ...(zone === undefined ? {} : { nodeAffinity: { required: { nodeSelectorTerms: [term] } } }),
    },
    status: { phase: 'Pending' },
  };
}
