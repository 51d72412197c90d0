import { describe, expect, it } from 'vitest';
import type { StatusError } from '../errors.ts';
import { applyJsonPatch } from './json-patch.ts';
import { defaultMerge, mergeKeys } from './merge-keys.ts';
import { applyMergePatch } from './merge-patch.ts';
import { applyStrategicMerge } from './strategic-merge.ts';

const pod = mergeKeys['/pods'] ?? defaultMerge;
const deployment = mergeKeys['apps/deployments'] ?? defaultMerge;

describe('JSON patch', () => {
  const apply = (document: unknown, ...operations: object[]): unknown => applyJsonPatch(document, operations);

  it('does all six operations', () => {
    expect(apply({ a: [1, 3] }, { op: 'add', path: '/a/1', value: 2 }, { op: 'add', path: '/a/-', value: 4 })).toEqual({ a: [1, 2, 3, 4] });
    expect(apply({ a: 1, b: 2 }, { op: 'remove', path: '/a' }, { op: 'replace', path: '/b', value: 3 })).toEqual({ b: 3 });
    expect(apply({ a: { b: 1 } }, { op: 'move', from: '/a/b', path: '/c' }, { op: 'copy', from: '/c', path: '/a/d' })).toEqual({
      a: { d: 1 },
      c: 1,
    });
    expect(apply({ 'a/b': { '~': 1 } }, { op: 'test', path: '/a~1b/~0', value: 1 })).toEqual({ 'a/b': { '~': 1 } });
    expect(apply({ a: 1 }, { op: 'test', path: '/missing', value: null })).toEqual({ a: 1 });
    expect(apply({ a: 1 }, { op: 'replace', path: '/missing', value: 2 })).toEqual({ a: 1, missing: 2 });
  });

  it('leaves the target alone', () => {
    const target = { a: { b: [1] } };
    apply(target, { op: 'add', path: '/a/b/0', value: 0 });
    expect(target).toEqual({ a: { b: [1] } });
  });

  it.each([
    [{ op: 'test', path: '/a', value: 2 }],
    [{ op: 'remove', path: '/x' }],
    [{ op: 'replace', path: '/list/0', value: 1 }],
    [{ op: 'replace', path: '/x/y', value: 1 }],
    [{ op: 'add', path: '/list/9', value: 1 }],
    [{ op: 'add', path: '/list/01', value: 1 }],
    [{ op: 'add', path: '/a' }],
    [{ op: 'move', from: '/deep', path: '/deep/er' }],
    [{ op: 'nonsense', path: '/a' }],
  ])('refuses %o with 422', (operation) => {
    expect(() => apply({ a: 1, list: [], deep: {} }, operation)).toThrow(
      expect.objectContaining({ code: 422, message: 'the server rejected our request due to an error in our request' }) as StatusError,
    );
  });

  it('refuses what is no patch with 400', () => {
    expect(() => applyJsonPatch({}, { op: 'add' })).toThrow(expect.objectContaining({ code: 400 }) as StatusError);
  });
});

describe('merge patch', () => {
  it('merges objects, replaces lists, removes by null', () => {
    const target = { a: { b: 1, c: 2 }, list: [1, 2], gone: true };
    expect(applyMergePatch(target, { a: { b: null, d: 3 }, list: [3], gone: null })).toEqual({ a: { c: 2, d: 3 }, list: [3] });
    expect(target).toEqual({ a: { b: 1, c: 2 }, list: [1, 2], gone: true });
  });
});

describe('strategic merge patch', () => {
  const containers = [
    {
      name: 'a',
      image: 'a:1',
      env: [
        { name: 'X', value: '1' },
        { name: 'Y', value: '2' },
      ],
      ports: [{ containerPort: 80 }],
    },
    { name: 'b', image: 'b:1' },
  ];

  it('merges containers by name, env by name, ports by containerPort', () => {
    const patch = {
      spec: {
        containers: [
          {
            name: 'a',
            env: [
              { name: 'Y', value: '3' },
              { name: 'Z', value: '4' },
            ],
            ports: [{ containerPort: 80, name: 'http' }],
          },
        ],
      },
    };
    expect(applyStrategicMerge({ spec: { containers } }, patch, pod)).toEqual({
      spec: {
        containers: [
          {
            name: 'a',
            image: 'a:1',
            env: [
              { name: 'X', value: '1' },
              { name: 'Y', value: '3' },
              { name: 'Z', value: '4' },
            ],
            ports: [{ containerPort: 80, name: 'http' }],
          },
          { name: 'b', image: 'b:1' },
        ],
      },
    });
  });

  it('deletes and replaces by directive', () => {
    expect(applyStrategicMerge({ spec: { containers } }, { spec: { containers: [{ name: 'a', $patch: 'delete' }] } }, pod)).toEqual({
      spec: { containers: [containers[1]] },
    });
    expect(
      applyStrategicMerge({ spec: { containers } }, { spec: { containers: [{ $patch: 'replace' }, { name: 'c', image: 'c' }] } }, pod),
    ).toEqual({ spec: { containers: [{ name: 'c', image: 'c' }] } });
    expect(applyStrategicMerge({ metadata: { labels: { a: '1' } } }, { metadata: { labels: { $patch: 'replace', b: '2' } } }, pod)).toEqual(
      {
        metadata: { labels: { b: '2' } },
      },
    );
    expect(applyStrategicMerge({ metadata: { labels: { a: '1' } } }, { metadata: { labels: { a: null } } }, pod)).toEqual({
      metadata: { labels: {} },
    });
  });

  it('keeps containerStatuses and tolerations atomic', () => {
    const target = { spec: { tolerations: [{ key: 'a' }] }, status: { containerStatuses: [{ name: 'a', ready: true }] } };
    const patch = {
      spec: { tolerations: [{ key: 'b' }] },
      status: { containerStatuses: [{ name: 'a', allocatedResources: { cpu: '1' } }] },
    };
    expect(applyStrategicMerge(target, patch, pod)).toEqual({
      spec: { tolerations: [{ key: 'b' }] },
      status: { containerStatuses: [{ name: 'a', allocatedResources: { cpu: '1' } }] },
    });
  });

  it('merges conditions by type, podIPs by ip, finalizers as a set', () => {
    const target = {
      metadata: { finalizers: ['a', 'b'] },
      status: {
        conditions: [
          { type: 'Ready', status: 'False', reason: 'X' },
          { type: 'PodResizeInProgress', status: 'True' },
        ],
        podIPs: [{ ip: '10.0.0.1' }],
      },
    };
    const patch = {
      metadata: { '$deleteFromPrimitiveList/finalizers': ['a'], finalizers: ['c'] },
      status: {
        conditions: [
          { type: 'Ready', status: 'True' },
          { type: 'PodResizeInProgress', $patch: 'delete' },
        ],
        podIPs: [{ ip: '10.0.0.2' }],
      },
    };
    expect(applyStrategicMerge(target, patch, pod)).toEqual({
      metadata: { finalizers: ['b', 'c'] },
      status: { conditions: [{ type: 'Ready', status: 'True', reason: 'X' }], podIPs: [{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }] },
    });
  });

  it('orders by $setElementOrder and drops by $retainKeys', () => {
    const patch = { spec: { '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }], containers: [{ name: 'b', image: 'b:2' }] } };
    const result = applyStrategicMerge({ spec: { containers } }, patch, pod) as { spec: { containers: { name: string; image: string }[] } };
    expect(result.spec.containers.map(({ name, image }) => `${name} ${image}`)).toEqual(['b b:2', 'a a:1']);
    expect(
      applyStrategicMerge(
        { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } },
        { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } },
        deployment,
      ),
    ).toEqual({ spec: { strategy: { type: 'Recreate' } } });
  });

  it('needs the merge key in every entry', () => {
    expect(() => applyStrategicMerge({ spec: {} }, { spec: { containers: [{ image: 'x' }] } }, pod)).toThrow(
      'does not contain declared merge key: name',
    );
  });
});
