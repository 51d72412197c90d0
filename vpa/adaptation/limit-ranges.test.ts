import { describe, expect, it } from 'vitest';
import { mergeLimitRanges } from './limit-ranges.ts';

function limitRange(name: string, ...limits: readonly object[]): object {
  return { metadata: { name }, spec: { limits } };
}

describe('mergeLimitRanges', () => {
  it('takes the lowest maximum and the highest minimum of each type', () => {
    const merged = mergeLimitRanges([
      limitRange('a', { type: 'Container', max: { cpu: '2', memory: '2Gi' }, min: { cpu: '100m' } }, { type: 'Pod', max: { cpu: '8' } }),
      limitRange('b', { type: 'Container', max: { cpu: '1', memory: '3Gi' }, min: { cpu: '50m', memory: '1Mi' } }),
    ]);
    expect(merged).toEqual({
      container: { max: { cpu: 1000, memory: 2 * 1024 ** 3 }, min: { cpu: 100, memory: 1024 ** 2 }, default: undefined },
      pod: { max: { cpu: 8000 }, min: undefined, default: undefined },
    });
  });

  it('reads a zero as nothing said', () => {
    const items = [
      limitRange('a', { type: 'Pod', max: { cpu: '0' }, min: { cpu: '0' } }),
      limitRange('b', { type: 'Pod', max: { cpu: '3' } }),
    ];
    expect(mergeLimitRanges(items).pod).toMatchObject({ max: { cpu: 3000 }, min: { cpu: 0 } });
  });

  it('takes the last list of defaults by name, whatever the order they come in', () => {
    const items = [
      limitRange('b', { type: 'Container', default: { cpu: '2' } }),
      limitRange('a', { type: 'Container', default: { cpu: '1' } }),
    ];
    expect(mergeLimitRanges(items).container?.default).toEqual({ cpu: 2000 });
    expect(mergeLimitRanges(items.toReversed()).container?.default).toEqual({ cpu: 2000 });
    const empty = limitRange('c', { type: 'Container', default: {} });
    expect(mergeLimitRanges([...items, empty]).container?.default).toEqual({ cpu: 2000 });
  });

  it('has nothing without items of a type', () => {
    const claims = limitRange('a', { type: 'PersistentVolumeClaim', max: { storage: '1Gi' } });
    expect(mergeLimitRanges([claims, {}, null, 7, { spec: { limits: [null, 'x'] } }])).toEqual({ container: undefined, pod: undefined });
  });
});
