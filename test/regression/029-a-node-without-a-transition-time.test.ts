import { expect, test } from 'vitest';
import { createInterner, projectNode, type KubeObject } from '../../core/model/index.ts';

test('a node whose Ready condition has no time yet (the API server writes null) is read', () => {
  const node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'n', creationTimestamp: null },
    status: { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: null }] },
  };
  expect(projectNode(node as unknown as KubeObject, createInterner())).toMatchObject({
    name: 'n',
    ready: 'True',
    readySince: undefined,
    created: undefined,
  });
});
