import { formatTime } from '../../../core/model/condition.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import { apiVersionOf } from '../../../core/model/object.ts';
import type { Core } from './core.ts';
import { prepareNamespace } from './kinds/cluster-objects.ts';
import { uuid } from './names.ts';

const systemNamespaces = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];

/** What every cluster has from its first second: namespaces with their contents, priority classes, APIServices, the API's own Service. */
export function bootstrap(core: Core): void {
  for (const name of systemNamespaces) {
    const namespace: KubeObject = { kind: 'Namespace', apiVersion: 'v1', metadata: metadata(core, name) };
    prepareNamespace(namespace);
    core.store.put('/namespaces', namespace);
    fillNamespace(core, name);
  }
  for (const [name, value] of [
    ['system-cluster-critical', 2_000_000_000],
    ['system-node-critical', 2_000_001_000],
  ] as const) {
    core.store.put('scheduling.k8s.io/priorityclasses', {
      kind: 'PriorityClass',
      apiVersion: 'scheduling.k8s.io/v1',
      metadata: { ...metadata(core, name), generation: 1 },
      value,
      description: 'Used for system critical pods that must not be moved from their current node.',
      preemptionPolicy: 'PreemptLowerPriority',
    });
  }
  for (const groupVersion of new Set(core.kinds.all().map((kind) => apiVersionOf(kind.type)))) localApiService(core, groupVersion);
  core.store.put('/services', {
    kind: 'Service',
    apiVersion: 'v1',
    metadata: { ...metadata(core, 'kubernetes', 'default'), labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: {
      ports: [{ name: 'https', protocol: 'TCP', port: 443, targetPort: 6443 }],
      clusterIP: '10.96.0.1',
      clusterIPs: ['10.96.0.1'],
      type: 'ClusterIP',
      sessionAffinity: 'None',
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      internalTrafficPolicy: 'Cluster',
    },
    status: { loadBalancer: {} },
  });
}

/** The default ServiceAccount and the ConfigMap with the root certificate, without which no pod can be created. */
export function fillNamespace(core: Core, namespace: string): void {
  core.store.put('/serviceaccounts', { kind: 'ServiceAccount', apiVersion: 'v1', metadata: metadata(core, 'default', namespace) });
  core.store.put('/configmaps', {
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: {
      ...metadata(core, 'kube-root-ca.crt', namespace),
      annotations: {
        'kubernetes.io/description':
          'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc.',
      },
    },
    data: { 'ca.crt': '' },
  });
}

/** An APIService without a service: this server serves the group itself. */
export function localApiService(core: Core, groupVersion: string): void {
  const [group, version] = groupVersion.includes('/') ? groupVersion.split('/') : ['', groupVersion];
  const name = `${version ?? ''}.${group ?? ''}`;
  core.store.put('apiregistration.k8s.io/apiservices', {
    kind: 'APIService',
    apiVersion: 'apiregistration.k8s.io/v1',
    metadata: { ...metadata(core, name), labels: { 'kube-aggregator.kubernetes.io/automanaged': 'onstart' } },
    spec: {
      ...(group === '' ? {} : { group }),
      version,
      groupPriorityMinimum: group === '' ? 18_000 : 17_000,
      versionPriority: 15,
    },
    status: {
      conditions: [
        {
          type: 'Available',
          status: 'True',
          lastTransitionTime: formatTime(core.clock.now()),
          reason: 'Local',
          message: 'Local APIServices are always available',
        },
      ],
    },
  });
}

function metadata(core: Core, name: string, namespace?: string): KubeObject['metadata'] {
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    uid: uuid(core.random),
    creationTimestamp: formatTime(core.clock.now()),
  };
}
