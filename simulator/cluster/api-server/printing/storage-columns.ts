import type { KubeObject } from '../../../../core/model/object.ts';
import { objectOf, textOf } from '../json.ts';
import type { ColumnPrinter } from './columns.ts';
import { ageColumn, nameColumn, specOf, statusOf, text, wide } from './columns.ts';

const shortModes: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};

function accessModes(modes: unknown): string {
  const given = Array.isArray(modes) ? modes.map(textOf) : [];
  return Object.entries(shortModes)
    .filter(([mode]) => given.includes(mode))
    .map(([, short]) => short)
    .join(',');
}

function phase(object: KubeObject): string {
  return object.metadata.deletionTimestamp === undefined ? textOf(statusOf(object)['phase']) : 'Terminating';
}

const storageClass = (object: KubeObject): string =>
  textOf(object.metadata.annotations?.['volume.beta.kubernetes.io/storage-class']) || textOf(specOf(object)['storageClassName']);
const attributesClass = (object: KubeObject): string => textOf(specOf(object)['volumeAttributesClassName']) || '<unset>';
const volumeMode = (object: KubeObject): string => textOf(specOf(object)['volumeMode']) || '<unset>';
const isBound = (object: KubeObject): boolean => textOf(specOf(object)['volumeName']) !== '';

function claim(object: KubeObject): string {
  const reference = objectOf(specOf(object)['claimRef']);
  return reference['name'] === undefined ? '' : `${textOf(reference['namespace'])}/${textOf(reference['name'])}`;
}

export const storageColumns: Readonly<Record<string, readonly ColumnPrinter[]>> = {
  persistentvolumes: [
    nameColumn,
    text('Capacity', (object) => textOf(objectOf(specOf(object)['capacity'])['storage'])),
    text('Access Modes', (object) => accessModes(specOf(object)['accessModes'])),
    text('Reclaim Policy', (object) => textOf(specOf(object)['persistentVolumeReclaimPolicy'])),
    text('Status', phase),
    text('Claim', claim),
    text('StorageClass', storageClass),
    text('VolumeAttributesClass', attributesClass),
    text('Reason', (object) => textOf(statusOf(object)['reason'])),
    ageColumn,
    wide('VolumeMode', volumeMode),
  ],
  persistentvolumeclaims: [
    nameColumn,
    text('Status', phase),
    text('Volume', (object) => textOf(specOf(object)['volumeName'])),
    text('Capacity', (object) => (isBound(object) ? textOf(objectOf(statusOf(object)['capacity'])['storage']) : '')),
    text('Access Modes', (object) => (isBound(object) ? accessModes(statusOf(object)['accessModes']) : '')),
    text('StorageClass', storageClass),
    text('VolumeAttributesClass', attributesClass),
    ageColumn,
    wide('VolumeMode', volumeMode),
  ],
  'storageclasses.storage.k8s.io': [
    nameColumn,
    text('Provisioner', (object) => textOf(object['provisioner'])),
    text('ReclaimPolicy', (object) => textOf(object['reclaimPolicy']) || 'Delete'),
    text('VolumeBindingMode', (object) => textOf(object['volumeBindingMode']) || 'Immediate'),
    text('AllowVolumeExpansion', (object) => object['allowVolumeExpansion'] === true),
    ageColumn,
  ],
};
