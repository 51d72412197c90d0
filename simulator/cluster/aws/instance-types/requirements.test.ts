import { describe, expect, it } from 'vitest';
import { Parameters } from '../protocol/parameters.ts';
import { matchingTypes, readRequirements, wildcard, type Requirements } from './requirements.ts';
import { defaultInstanceTypes } from './table.ts';

const size = { vcpus: { min: 4, max: 4 }, memoryMib: { min: 16_384, max: 16_384 } };
const names = (more: Partial<Requirements>): readonly string[] =>
  matchingTypes(defaultInstanceTypes, { ...size, ...more }).map(({ name }) => name);

describe('instance requirements', () => {
  it('leave bare metal and burstable types out unless they are asked for, and take all the rest', () => {
    expect(names({})).toEqual(
      expect.arrayContaining([
        'g4dn.xlarge',
        'g5.xlarge',
        'inf2.xlarge',
        'm5.xlarge',
        'm5a.xlarge',
        'm5d.xlarge',
        'm6g.xlarge',
        'm4.xlarge',
      ]),
    );
    expect(names({})).not.toContain('t3.xlarge');
    expect(names({ burstable: 'required' })).toEqual(['t3.xlarge', 't4g.xlarge']);
    expect(names({ burstable: 'included' })).toEqual(expect.arrayContaining(['t3.xlarge', 'm5.xlarge']));
    expect(names({ vcpus: { min: 96 }, memoryMib: { min: 0 }, bareMetal: 'required' })).toEqual(['m5.metal']);
  });

  it('look at makers, generations, disks and names', () => {
    expect(names({ cpuManufacturers: ['amd'], acceleratorCount: { max: 0 } })).toEqual(['m5a.xlarge', 'm6a.xlarge']);
    expect(names({ instanceGenerations: ['previous'] })).toContain('m4.xlarge');
    expect(names({ instanceGenerations: ['current'] })).not.toContain('m4.xlarge');
    expect(names({ localStorage: 'required', acceleratorCount: { max: 0 } })).toEqual(['m5d.xlarge']);
    expect(names({ totalLocalStorageGb: { min: 200 } })).toEqual(['g5.xlarge']);
    expect(names({ allowedTypes: ['m5*', 'g?.xlarge'] })).toEqual(['g5.xlarge', 'm5.xlarge', 'm5a.xlarge', 'm5d.xlarge']);
    expect(names({ excludedTypes: ['m*', 'g*', 'inf*'] })).toEqual([]);
  });

  it('look at accelerators: a type without them passes only where none of them is described', () => {
    expect(names({ acceleratorTypes: ['gpu'], acceleratorManufacturers: ['nvidia'] })).toEqual(['g4dn.xlarge', 'g5.xlarge']);
    expect(names({ acceleratorNames: ['t4'] })).toEqual(['g4dn.xlarge']);
    expect(names({ acceleratorTotalMemoryMib: { min: 20_000 } })).toEqual(['g5.xlarge', 'inf2.xlarge']);
    expect(names({ acceleratorCount: { min: 1, max: 1 } })).toEqual(['g4dn.xlarge', 'g5.xlarge', 'inf2.xlarge']);
    expect(names({ acceleratorCount: { min: 0, max: 0 } })).not.toContain('g5.xlarge');
  });

  it('are read alike from both services, and refuse what they do not know', () => {
    const read = (form: string): Requirements => readRequirements(new Parameters(new URLSearchParams(form)));
    const base = 'VCpuCount.Min=2&MemoryMiB.Min=1024&MemoryMiB.Max=4096';
    const wanted = { vcpus: { min: 2 }, memoryMib: { min: 1024, max: 4096 }, cpuManufacturers: ['intel'], allowedTypes: ['m5.*'] };
    expect(read(`${base}&CpuManufacturers.member.1=intel&AllowedInstanceTypes.member.1=m5.*`)).toEqual(wanted);
    expect(read(`${base}&CpuManufacturer.1=intel&AllowedInstanceType.1=m5.*`)).toEqual(wanted);
    expect(() => read('VCpuCount.Min=2')).toThrow('MemoryMiB');
    expect(() => read(`${base}&BareMetal=perhaps`)).toThrow('BareMetal=perhaps');
    const more = new Parameters(new URLSearchParams(`${base}&NetworkBandwidthGbps.Min=5`));
    readRequirements(more);
    expect(() => more.done()).toThrow('NetworkBandwidthGbps');
  });
});

describe('the table of types', () => {
  it('has each name once, in order, with sizes that make sense', () => {
    const all = defaultInstanceTypes.map(({ name }) => name);
    expect(all).toEqual([...new Set(all)].toSorted());
    for (const type of defaultInstanceTypes) {
      expect(type.vcpus).toBeGreaterThan(0);
      expect(type.memoryMib).toBeGreaterThanOrEqual(512);
      expect(type.price).toBeGreaterThan(0);
    }
    expect(new Set(defaultInstanceTypes.map(({ arch }) => arch))).toEqual(new Set(['x86_64', 'arm64']));
  });

  it('names are matched with * and ? and nothing else', () => {
    expect([wildcard('m5.*').test('m5.large'), wildcard('m5.*').test('m5a.large'), wildcard('t?.nano').test('t3.nano')]).toEqual([
      true,
      false,
      true,
    ]);
  });
});
