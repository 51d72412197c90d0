import { describe, expect, it } from 'vitest';
import { staticInstanceTypes } from '../instance-types/table.ts';
import { factsOfType, launchQuestion, meaningOfTemplate } from './instance-type.ts';
import { factsOfNodegroup } from './managed-nodegroup.ts';

describe('what EC2 tells of a type', () => {
  it('is cut down to size, memory, GPUs and architecture', () => {
    expect(
      factsOfType({
        InstanceType: 'g9.large',
        VCpuInfo: { DefaultVCpus: 4 },
        MemoryInfo: { SizeInMiB: 1024 },
        ProcessorInfo: { SupportedArchitectures: ['arm64'] },
        GpuInfo: { Gpus: [{ Manufacturer: 'NVIDIA', Count: 2 }, { Count: 1 }] },
      }),
    ).toEqual({ name: 'g9.large', vcpu: 4, memoryMiB: 1024, gpu: 3, gpuManufacturer: 'NVIDIA', architecture: 'arm64' });
  });

  it('counts a part of a GPU as the device plugin does', () => {
    const gpus = { Gpus: [{ Manufacturer: 'NVIDIA', Count: 0, LogicalGpuCount: 1 }] };
    expect(factsOfType({ InstanceType: 'x', VCpuInfo: { DefaultVCpus: 1 }, MemoryInfo: { SizeInMiB: 1 }, GpuInfo: gpus })?.gpu).toBe(1);
  });

  it('is nothing when size or memory is not told', () => {
    expect(factsOfType({ InstanceType: 'x', VCpuInfo: { DefaultVCpus: 1 } })).toBeUndefined();
    expect(factsOfType({ InstanceType: 'x', MemoryInfo: { SizeInMiB: 1 } })).toBeUndefined();
  });

  it('is known by heart for the types of today', () => {
    const types = staticInstanceTypes();
    expect(types.size).toBeGreaterThan(1000);
    expect(types.get('m5.large')).toEqual({
      name: 'm5.large',
      vcpu: 2,
      memoryMiB: 8192,
      gpu: 0,
      gpuManufacturer: '',
      architecture: 'amd64',
    });
    expect(types.get('g5g.metal')).toMatchObject({ gpu: 2, gpuManufacturer: 'NVIDIA', architecture: 'arm64' });
    for (const { name, vcpu, memoryMiB } of types.values()) {
      expect(vcpu, name).toBeGreaterThan(0);
      expect(memoryMiB, name).toBeGreaterThan(0);
    }
  });
});

describe('which types a group launches', () => {
  const template = { name: 't', version: '$Default' };

  it('is asked in upstream’s order', () => {
    const mixed = { launchTemplate: template, types: ['a', 'b'] };
    expect(launchQuestion({ launchConfiguration: 'c', launchTemplate: template, mixed })).toEqual({
      ask: 'launch-configuration',
      name: 'c',
    });
    expect(launchQuestion({ launchTemplate: template, mixed })).toMatchObject({ ask: 'launch-template' });
    expect(launchQuestion({ mixed })).toEqual({ ask: 'nothing', types: ['a', 'b'] });
    expect(launchQuestion({ mixed: { ...mixed, types: [] } })).toMatchObject({ ask: 'launch-template', requirements: undefined });
    expect(launchQuestion({ mixed: { ...mixed, requirements: {} } })).toMatchObject({ ask: 'impossible' });
    expect(launchQuestion({ mixed: { types: [] } })).toMatchObject({ ask: 'impossible' });
    expect(launchQuestion({})).toMatchObject({ ask: 'impossible' });
  });

  it('follows the requirements of the policy before those of the template', () => {
    const data = { instanceType: 'a', imageId: 'ami', requirements: { VCpuCount: { Min: 1 } } };
    expect(meaningOfTemplate(data, undefined)).toEqual({ type: 'a' });
    expect(meaningOfTemplate(data, { VCpuCount: { Min: 9 } })).toEqual({ requirements: { VCpuCount: { Min: 9 } }, imageId: 'ami' });
    expect(meaningOfTemplate({ ...data, instanceType: '' }, undefined)).toEqual({ requirements: data.requirements, imageId: 'ami' });
    expect(meaningOfTemplate({ requirements: {} }, undefined)).toMatchObject({ problem: expect.stringContaining('no image') as string });
    expect(meaningOfTemplate({}, undefined)).toMatchObject({ problem: expect.stringContaining('neither') as string });
    expect(meaningOfTemplate(undefined, undefined)).toMatchObject({ problem: expect.stringContaining('no such version') as string });
  });
});

describe('a managed node group', () => {
  it('lets the labels of its user win, and leaves out what EKS does not say', () => {
    expect(
      factsOfNodegroup({ name: 'ng', amiType: '', diskSize: null, labels: { k8sVersion: 'mine', none: null }, version: '1.36' }),
    ).toEqual({
      labels: { k8sVersion: 'mine', 'eks.amazonaws.com/nodegroup': 'ng' },
      taints: [],
      tags: {},
    });
  });

  it('has taints without a value', () => {
    expect(
      factsOfNodegroup({
        taints: [
          { key: 'a', effect: 'PREFER_NO_SCHEDULE' },
          { value: 'x', effect: 'NO_EXECUTE' },
        ],
      }),
    ).toMatchObject({
      taints: [{ key: 'a', value: '', effect: 'PreferNoSchedule' }],
    });
  });
});
