import { describe, expect, it } from 'vitest';
import { asking, claim, facts, gpuClass, slice, template } from '../engine/scheduling/devices/devices.fixture.ts';
import { projectClaimTemplate, projectDeviceClass, projectResourceClaim, projectSlice } from '../engine/scheduling/devices/index.ts';
import { deviceFacts, type DeviceReads } from './devices.ts';

function reads(synced: Partial<Record<keyof DeviceReads, boolean>> = {}): DeviceReads {
  const listed = <T>(name: keyof DeviceReads, items: readonly T[]) => ({ items: () => items, hasSynced: () => synced[name] ?? true });
  return {
    claims: listed('claims', [projectResourceClaim(claim('team', asking()))]),
    templates: listed('templates', [projectClaimTemplate(template('one', asking()))]),
    classes: listed('classes', [projectDeviceClass(gpuClass)]),
    slices: listed('slices', [projectSlice(slice('a', 2))]),
  };
}

describe('deviceFacts', () => {
  it('are what was read, by name', () => {
    const made = deviceFacts(reads());
    const expected = facts({ claims: [claim('team', asking())], templates: [template('one', asking())], slices: [slice('a', 2)] });
    expect({ ...made, selectorOf: undefined }).toEqual({ ...expected, selectorOf: undefined });
    expect(made?.selectorOf('true')).toBe(deviceFacts(reads())?.selectorOf('true'));
  });

  it.each(['claims', 'templates', 'classes', 'slices'] as const)('are nothing as long as %s were not read', (name) => {
    expect(deviceFacts(reads({ [name]: false }))).toBeUndefined();
    expect(deviceFacts(undefined)).toBeUndefined();
  });
});
