import type { Right } from './rights-table.ts';

function right(group: string, resource: string, verbs: readonly string[], purpose: string): Right {
  return { group, resource, verbs, where: 'cluster', need: 'always', purpose, grantedBy: 'deploy/kustomize/components/node-pools/rbac' };
}

/** What `deploy/kustomize/components/node-pools/rbac` grants to the program beyond the base; a test keeps the two equal. */
export const nodesRights: readonly Right[] = [
  right('', 'nodes', ['patch'], 'tainting and cordoning nodes that are removed'),
  right('', 'namespaces', ['list', 'watch'], 'affinity that goes by the labels of namespaces'),
  right('', 'persistentvolumeclaims', ['list', 'watch'], 'knowing where pods with volumes may run'),
  right('', 'persistentvolumes', ['list', 'watch'], 'knowing where pods with volumes may run'),
  right('storage.k8s.io', 'storageclasses', ['list', 'watch'], 'knowing where pods with volumes may run'),
  right('storage.k8s.io', 'csinodes', ['list', 'watch'], 'knowing how many volumes a node takes'),
  ...['resourceclaims', 'resourceclaimtemplates', 'deviceclasses', 'resourceslices'].map((resource) => ({
    ...right('resource.k8s.io', resource, ['list', 'watch'], 'knowing which nodes have devices for pods with resource claims'),
    need: 'extra' as const,
  })),
  right('concertina.dev', 'nodepoolpolicies', ['get', 'list', 'watch'], 'reading policies of node groups'),
  right('concertina.dev', 'nodepoolpolicies/status', ['patch'], 'saying in a policy how its groups do'),
  { ...right('', 'configmaps', ['create'], 'the status ConfigMap'), where: 'own' },
  {
    ...right('', 'configmaps', ['get', 'patch'], 'the status ConfigMap, by which cooldowns outlive a restart'),
    where: 'own',
    name: 'cluster-autoscaler-status',
  },
  {
    ...right('', 'configmaps', ['get'], 'the expander priority'),
    where: 'own',
    need: 'extra',
    name: 'cluster-autoscaler-priority-expander',
  },
  {
    ...right('coordination.k8s.io', 'leases', ['get'], 'noticing another cluster autoscaler'),
    where: { namespace: 'kube-system' },
    need: 'extra',
    name: 'cluster-autoscaler',
  },
];

function ofClusterApi(resource: string, verbs: readonly string[], purpose: string): Right {
  return { ...right('cluster.x-k8s.io', resource, verbs, purpose), grantedBy: 'deploy/kustomize/components/node-pools-clusterapi' };
}

/** What `deploy/kustomize/components/node-pools-clusterapi/rbac.yaml` grants to the program, for its cloud of that name; a test keeps the two equal. */
export const clusterApiRights: readonly Right[] = [
  ...['machinedeployments', 'machinesets', 'machinepools'].flatMap((resource) => [
    ofClusterApi(resource, ['list', 'watch'], 'knowing the node groups'),
    ofClusterApi(`${resource}/scale`, ['get', 'patch'], 'changing the size of node groups'),
  ]),
  ofClusterApi('machines', ['list', 'watch', 'patch'], 'knowing machines, and choosing those that go'),
  {
    ...ofClusterApi('*', ['get'], 'imagining nodes of empty groups by their infrastructure templates'),
    group: 'infrastructure.cluster.x-k8s.io',
    need: 'extra',
  },
];
