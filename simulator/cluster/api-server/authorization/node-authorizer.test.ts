import { describe, expect, it } from 'vitest';
import type { KubeObject, ResourceType } from '../../../../core/model/object.ts';
import type { UserInfo } from '../types.ts';
import { createNodeAuthorizer } from './node-authorizer.ts';
import { requestAttributes } from './rules.ts';
import type { AccessAttributes } from './rules.ts';

const pod = (name: string, nodeName: string, spec: object = {}, annotations: Record<string, string> = {}): KubeObject => ({
  metadata: { name, namespace: 'a', annotations },
  spec: { nodeName, containers: [{ name: 'c' }], ...spec },
});
const objects: Readonly<Record<string, KubeObject[]>> = {
  pods: [
    pod('full', 'n1', {
      serviceAccountName: 'web',
      imagePullSecrets: [{ name: 'pull' }],
      initContainers: [{ name: 'i', envFrom: [{ secretRef: { name: 'init' } }] }],
      containers: [
        {
          name: 'c',
          env: [{ name: 'E', valueFrom: { configMapKeyRef: { name: 'env', key: 'k' } } }],
          envFrom: [{ configMapRef: { name: 'all' } }],
        },
      ],
      volumes: [
        { name: 's', secret: { secretName: 'volume' } },
        { name: 'p', projected: { sources: [{ configMap: { name: 'root' } }, { secret: { name: 'projected' } }] } },
        { name: 'x', csi: { driver: 'd', nodePublishSecretRef: { name: 'driver' } } },
        { name: 'data', persistentVolumeClaim: { claimName: 'claim' } },
        { name: 'scratch', ephemeral: { volumeClaimTemplate: {} } },
      ],
    }),
    pod('other', 'n2', { serviceAccountName: 'theirs', imagePullSecrets: [{ name: 'theirs' }] }),
    pod('mirror', 'n1', { imagePullSecrets: [{ name: 'stolen' }] }, { 'kubernetes.io/config.mirror': 'hash' }),
  ],
  persistentvolumes: [
    {
      metadata: { name: 'pv' },
      spec: { claimRef: { namespace: 'a', name: 'claim' }, rbd: { secretRef: { name: 'disk', namespace: 'store' } } },
    },
    { metadata: { name: 'far' }, spec: { claimRef: { namespace: 'b', name: 'claim' } } },
  ],
  volumeattachments: [
    { metadata: { name: 'here' }, spec: { nodeName: 'n1' } },
    { metadata: { name: 'there' }, spec: { nodeName: 'n2' } },
  ],
};
const authorize = createNodeAuthorizer({
  get: (type: ResourceType, namespace, name) =>
    objects[type.plural]?.find((object) => object.metadata.name === name && object.metadata.namespace === namespace),
  list: (type: ResourceType, namespace) =>
    (objects[type.plural] ?? []).filter((object) => namespace === undefined || object.metadata.namespace === namespace),
});

const kubelet: UserInfo = { username: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] };
const leases = 'coordination.k8s.io';

/** `verb group/resource/subresource namespace/name?fieldSelector` as a request. */
function attributes(text: string): AccessAttributes {
  const [verb = '', path = '', where = ''] = text.split(' ');
  const [group = '', resource = '', subresource = ''] = path.split('/');
  const [key = '', fieldSelector = ''] = where.split('?');
  const [namespace = '', name = ''] = key.split('/');
  const target = { verb, group, resource, subresource, namespace, name, path: '', isResource: true };
  return requestAttributes(target, new URLSearchParams(fieldSelector === '' ? {} : { fieldSelector }));
}

describe('the Node authorizer', () => {
  it.each([
    'create /nodes /',
    'get /nodes /n1',
    'watch /nodes /?metadata.name=n1',
    'patch /nodes /n1',
    'patch /nodes/status /n1',
    'update /nodes/status /n1',
    `create ${leases}/leases kube-node-lease/`,
    `patch ${leases}/leases kube-node-lease/n1`,
    'get /pods a/full',
    'list /pods /?spec.nodeName=n1',
    'watch /pods /?spec.nodeName=n1,status.phase!=Failed',
    'watch /pods a/?metadata.name=full',
    'create /pods a/',
    'delete /pods a/full',
    'patch /pods/status a/full',
    'create /pods/eviction a/full',
    ...['pull', 'init', 'volume', 'projected', 'driver'].map((name) => `get /secrets a/${name}`),
    'watch /secrets a/?metadata.name=pull',
    'get /secrets store/disk',
    ...['env', 'all', 'root'].map((name) => `get /configmaps a/${name}`),
    'get /persistentvolumeclaims a/claim',
    'get /persistentvolumeclaims a/full-scratch',
    'patch /persistentvolumeclaims/status a/claim',
    'get /persistentvolumes /pv',
    'get storage.k8s.io/volumeattachments /here',
    'create /serviceaccounts/token a/web',
    'create /events a/',
    'patch events.k8s.io/events a/e',
    'list /services /',
  ])('allows %s', (text) => {
    expect(authorize(kubelet, attributes(text))).toEqual({ allowed: true, reason: '' });
  });

  const unrelated = "no relationship found between node 'n1' and this object";
  it.each([
    ['list /nodes /', "node 'n1' cannot read all nodes, only its own Node object"],
    ['get /nodes /n2', "node 'n1' cannot read 'n2', only its own Node object"],
    ['delete /nodes /n1', ''],
    ['get /nodes/proxy /n1', ''],
    ['list /pods /', 'can only list/watch pods with spec.nodeName field selector'],
    ['list /pods /?spec.nodeName!=n2', 'can only list/watch pods with spec.nodeName field selector'],
    ['list /pods /?spec.nodeName=n2', 'can only list/watch pods with spec.nodeName field selector'],
    ['get /pods a/other', unrelated],
    ['get /pods a/none', unrelated],
    ['patch /pods a/full', ''],
    ['deletecollection /pods a/?spec.nodeName=n1', ''],
    ['create /pods/binding a/full', ''],
    [`list ${leases}/leases kube-node-lease/`, 'can only get, create, update, patch, or delete a node lease'],
    [`patch ${leases}/leases kube-node-lease/n2`, 'can only access node lease with the same name as the requesting node'],
    [`patch ${leases}/leases default/n1`, 'can only access leases in the "kube-node-lease" system namespace'],
    ['get /secrets a/theirs', unrelated],
    ['get /secrets a/stolen', unrelated],
    ['get /secrets b/pull', unrelated],
    ['list /secrets a/', 'No Object name found'],
    ['list /secrets /', 'can only read namespaced object of this type'],
    ['update /configmaps a/env', 'can only read resources of this type'],
    ['get /persistentvolumes /far', unrelated],
    ['list /persistentvolumes /', 'can only get individual resources of this type'],
    ['get storage.k8s.io/volumeattachments /there', unrelated],
    ['create /serviceaccounts/token a/theirs', unrelated],
    ['get /serviceaccounts a/web', 'can only create tokens for individual service accounts'],
    ['create /serviceaccounts a/', 'can only create tokens for individual service accounts'],
    ['list apps/deployments a/', ''],
    ['delete /services a/s', ''],
  ])('refuses %s', (text, reason) => {
    expect(authorize(kubelet, attributes(text))).toEqual({ allowed: false, reason });
  });

  it('has no opinion on who is no kubelet', () => {
    const lookalikes = [
      { ...kubelet, groups: ['system:authenticated'] },
      { ...kubelet, username: 'n1' },
    ];
    for (const user of lookalikes) expect(authorize(user, attributes('patch /nodes/status /n1'))).toBeUndefined();
  });

  it('refuses a kubelet without a name', () => {
    const nameless = { ...kubelet, username: 'system:node:' };
    expect(authorize(nameless, attributes('list /services /'))).toEqual({ allowed: false, reason: 'unknown node for user "system:node:"' });
  });
});
