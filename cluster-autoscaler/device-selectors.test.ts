import { describe, expect, it } from 'vitest';
import { createDeviceSelectors } from './device-selectors.ts';
import { projectSlice } from './engine/scheduling/devices/index.ts';

const selectorOf = createDeviceSelectors();

const [gpu, odd] = projectSlice({
  metadata: { name: 's' },
  spec: {
    driver: 'gpu.example.com',
    pool: { name: 'p', generation: 1, resourceSliceCount: 1 },
    devices: [
      {
        name: 'gpu-0',
        attributes: {
          model: { string: 'a100' },
          index: { int: 3 },
          healthy: { bool: true },
          driverVersion: { version: '12.4.1' },
          'other.example.com/numa': { int: 1 },
        },
        capacity: { memory: { value: '40Gi' } },
      },
      { name: 'gpu-1', attributes: { models: { strings: ['a'] } } },
    ],
  },
}).devices;

function matches(expression: string, device = gpu): boolean | string {
  const selector = selectorOf(expression);
  if ('problem' in selector || device === undefined) return 'problem' in selector ? selector.problem : 'no device';
  try {
    return selector.matches(device, 'gpu.example.com');
  } catch (error) {
    return `error: ${String(error)}`;
  }
}

describe('selectors of devices', () => {
  it.each([
    ['device.driver == "gpu.example.com"', true],
    ['device.attributes["gpu.example.com"].model == "a100"', true],
    ['device.attributes["gpu.example.com"].model == "h100"', false],
    ['device.attributes["gpu.example.com"].index >= 3', true],
    ['device.attributes["gpu.example.com"].healthy', true],
    ['device.attributes["other.example.com"].numa == 1', true],
    ['has(device.attributes["gpu.example.com"].model) && !has(device.attributes["gpu.example.com"].colour)', true],
    ['has(device.capacity["nobody.example.com"].memory)', false],
    ['"model" in device.attributes["gpu.example.com"]', true],
    ['"model" in device.attributes["nobody.example.com"]', false],
    ['device.attributes["gpu.example.com"].model.startsWith("a") && !device.allowMultipleAllocations', true],
    ['device.capacity["gpu.example.com"].memory.compareTo(quantity("40Gi")) >= 0', true],
    ['device.capacity["gpu.example.com"].memory.isGreaterThan(quantity("40Gi"))', false],
    ['device.attributes["gpu.example.com"].driverVersion.isGreaterThan(semver("12.4.0"))', true],
    ['device.attributes["gpu.example.com"].driverVersion.compareTo(semver("12.10.0")) < 0', true],
    ['cel.bind(own, device.attributes["gpu.example.com"], own.healthy && own.index == 3)', true],
  ])('%s is %s', (expression, expected) => {
    expect(matches(expression)).toBe(expected);
  });

  it('is an error where an attribute is missing, as in the scheduler', () => {
    expect(matches('device.attributes["gpu.example.com"].colour == "red"')).toMatch(/^error: Error: No such key: colour/);
  });

  it('is an error, not a no, for a device of which a value is not understood', () => {
    expect(matches('device.driver == "gpu.example.com"', odd)).toBe('error: Error: unsupported attribute value');
  });

  it('says what it does not evaluate', () => {
    expect(matches('device.nothing == 1')).toContain('No such key: nothing');
    expect(matches('device.driver')).toContain('must evaluate to bool, not string');
    expect(matches('device.driver.newFunction()')).toContain('CEL "device.driver.newFunction()"');
    expect(matches('')).toContain('CEL ""');
    expect(matches('"gpu.example.com" in device.attributes')).toContain('is not evaluated here');
  });
});
