import { expect, it } from 'vitest';
import { createInterner } from '../../core/model/index.ts';
import { projectDaemonPod } from './daemon-pods.ts';

it('is the pod that the DaemonSet would put onto a new node', () => {
  const { owner, pod } = projectDaemonPod(
    {
      metadata: { name: 'agent', namespace: 'kube-system', uid: 'd1' },
      spec: {
        template: {
          metadata: { labels: { app: 'agent' }, annotations: { 'cluster-autoscaler.kubernetes.io/enable-ds-eviction': 'true' } },
          spec: {
            hostNetwork: true,
            tolerations: [{ key: 'own', operator: 'Exists' }],
            nodeSelector: { 'kubernetes.io/os': 'linux' },
            containers: [{ name: 'agent', resources: { requests: { cpu: '100m' } } }],
          },
        },
      },
    },
    createInterner(),
  );
  expect(owner).toBe('d1');
  expect(pod).toMatchObject({
    namespace: 'kube-system',
    labels: { app: 'agent' },
    owner: { kind: 'DaemonSet', uid: 'd1' },
    shape: {
      requests: { cpu: 100 },
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      annotations: { 'cluster-autoscaler.kubernetes.io/enable-ds-eviction': 'true' },
    },
  });
  expect(pod.shape.tolerations.map(({ key }) => key)).toEqual([
    'own',
    'node.kubernetes.io/not-ready',
    'node.kubernetes.io/unreachable',
    'node.kubernetes.io/disk-pressure',
    'node.kubernetes.io/memory-pressure',
    'node.kubernetes.io/pid-pressure',
    'node.kubernetes.io/unschedulable',
    'node.kubernetes.io/network-unavailable',
  ]);
});
