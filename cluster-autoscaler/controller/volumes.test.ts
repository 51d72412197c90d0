import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../core/model/index.ts';
import { projectClaim, projectClass, projectDrivers, projectVolume, volumeFacts, type VolumeReads } from './volumes.ts';

const listed = <T>(items: readonly T[]) => ({ items: () => items, hasSynced: () => true });

function reads(objects: { claims?: KubeObject[]; volumes?: KubeObject[]; classes?: KubeObject[]; drivers?: KubeObject[] }): VolumeReads {
  return {
    claims: listed((objects.claims ?? []).map(projectClaim)),
    volumes: listed((objects.volumes ?? []).map(projectVolume)),
    classes: listed((objects.classes ?? []).map(projectClass)),
    drivers: listed((objects.drivers ?? []).map(projectDrivers)),
  };
}

const required = { nodeSelectorTerms: [{ matchExpressions: [{ key: 'topology.ebs.csi.aws.com/zone', operator: 'In', values: ['a'] }] }] };

const scene = reads({
  claims: [
    {
      metadata: { name: 'bound', namespace: 'shop' },
      spec: { volumeName: 'pv-1', accessModes: ['ReadWriteOncePod'] },
      status: { phase: 'Bound' },
    },
    { metadata: { name: 'waits', namespace: 'shop' }, spec: { storageClassName: 'late' }, status: { phase: 'Pending' } },
    { metadata: { name: 'at-once', namespace: 'shop' }, spec: {}, status: { phase: 'Pending' } },
    { metadata: { name: 'no-class', namespace: 'shop' }, spec: { storageClassName: 'gone' }, status: { phase: 'Pending' } },
  ],
  volumes: [
    {
      metadata: { name: 'pv-1', labels: { 'topology.kubernetes.io/zone': 'a__b', 'topology.kubernetes.io/region': 'r' } },
      spec: { nodeAffinity: { required }, csi: { driver: 'ebs.csi.aws.com' } },
    },
  ],
  classes: [
    {
      metadata: { name: 'late' },
      provisioner: 'ebs.csi.aws.com',
      volumeBindingMode: 'WaitForFirstConsumer',
      allowedTopologies: [{ matchLabelExpressions: [{ key: 'topology.kubernetes.io/zone', values: ['a', 'b'] }] }],
    },
    {
      metadata: { name: 'standard', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
      provisioner: 'x',
      volumeBindingMode: 'Immediate',
    },
  ],
  drivers: [{ metadata: { name: 'n1' }, spec: { drivers: [{ name: 'ebs.csi.aws.com', allocatable: { count: 25 } }, { name: 'other' }] } }],
});

describe('volumeFacts', () => {
  const facts = volumeFacts(scene, true);

  it('says where a bound claim may be used', () => {
    expect(facts?.claims?.get('shop/bound')).toEqual({
      bound: true,
      nodeAffinity: required,
      zones: ['a', 'b'],
      regions: ['r'],
      driver: 'ebs.csi.aws.com',
      exclusive: true,
    });
  });

  it('says where the volume of a claim that waits for its first pod may be made', () => {
    expect(facts?.claims?.get('shop/waits')).toMatchObject({
      bound: false,
      waitsForBinder: false,
      allowedTopologies: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'topology.kubernetes.io/zone', operator: 'In', values: ['a', 'b'] }] }],
      },
    });
  });

  it('lets no pod use a claim that somebody has to bind first: of the default class, or of one that is not there', () => {
    expect(facts?.claims?.get('shop/at-once')).toMatchObject({ bound: false, waitsForBinder: true });
    expect(facts?.claims?.get('shop/no-class')).toMatchObject({ bound: false, waitsForBinder: true });
  });

  it('knows how many volumes a node takes', () => {
    expect(facts?.attachLimits?.get('n1')).toEqual(new Map([['ebs.csi.aws.com', 25]]));
  });

  it('is not put together where no pod has a claim, or volumes are not looked at', () => {
    expect(volumeFacts(scene, false)).toBeUndefined();
    expect(volumeFacts(undefined, true)).toBeUndefined();
  });
});
