import { describe, expect, it } from 'vitest';
import { node, start } from '../loop/records.fixture.ts';
import { classify, isReady } from './readiness.ts';

const facts = { gone: false, maxStartupMs: 900_000, now: start };

describe('readiness of a node', () => {
  it.each([
    ['a node whose condition says so', {}, true],
    ['not ready', { ready: false }, false],
    ['under disk pressure', { conditions: [{ type: 'DiskPressure', status: 'True' }] }, false],
    ['without network', { conditions: [{ type: 'NetworkUnavailable', status: 'True' }] }, false],
    ['under memory pressure', { conditions: [{ type: 'MemoryPressure', status: 'True' }] }, true],
    ['tainted not-ready', { taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] }, false],
    ['tainted by somebody', { taints: [{ key: 'dedicated', effect: 'NoSchedule' }] }, true],
    ['cordoned', { unschedulable: true }, true],
  ])('%s', (_, parts, ready) => {
    expect(isReady(node('n', parts))).toBe(ready);
  });

  it('has one class: the first that applies', () => {
    const young = { ready: false, created: -899_999 };
    const suspended = { conditions: [{ type: 'Suspended', status: 'True' }] };
    expect(classify(node('n'), facts)).toBe('ready');
    expect(classify(node('n'), { ...facts, gone: true })).toBe('deleted');
    expect(classify(node('n', suspended), facts)).toBe('suspended');
    expect(classify(node('n', young), facts)).toBe('not-started');
    expect(classify(node('n', { ready: false, created: -900_000 }), facts)).toBe('unready');
    expect(classify(node('n', { ...young, ...suspended }), { ...facts, gone: true })).toBe('deleted');
  });
});
